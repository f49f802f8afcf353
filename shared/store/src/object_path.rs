//! Where a session or refund is.

use std::fmt;

use models::{ObjectId, RefundId, SessionId};
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::table::{Item, Key, sk};

/// A session, or a refund beside the session that it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectPath {
    /// A session.
    Session(SessionId),
    /// Of this session, this refund.
    Refund(SessionId, RefundId),
}

impl ObjectPath {
    /// What an item is by its key, if it is either.
    pub(crate) fn of(item: &Item) -> Option<Self> {
        Self::from_key(item.get("pk")?.as_s().ok()?, sk(item))
    }

    pub(crate) fn from_key(pk: &str, sk: &str) -> Option<Self> {
        let session_id = pk.strip_prefix(keys::SESSION_PK_PREFIX)?.parse().ok()?;
        match sk.strip_prefix(keys::REFUND_PREFIX) {
            Some(refund_id) => Some(Self::Refund(session_id, refund_id.parse().ok()?)),
            None => (sk == keys::SESSION_SK).then_some(Self::Session(session_id)),
        }
    }

    /// The session that an item is by its key, if it is one.
    pub(crate) fn session_of(item: &Item) -> Option<SessionId> {
        match Self::of(item)? {
            Self::Session(id) => Some(id),
            Self::Refund(..) => None,
        }
    }

    /// What a stream's record is about, by its keys, if it is either.
    pub fn of_record(keys: &serde_dynamo::Item) -> Option<Self> {
        let part = |name: &str| match keys.get(name) {
            Some(serde_dynamo::AttributeValue::S(text)) => Some(text),
            Some(_) | None => None,
        };
        Self::from_key(part("pk")?, part("sk")?)
    }

    /// Its id, as events know it.
    pub fn object_id(&self) -> ObjectId {
        match self {
            Self::Session(id) => (*id).into(),
            Self::Refund(_, id) => (*id).into(),
        }
    }

    pub(crate) fn key(&self) -> Key {
        match self {
            Self::Session(id) => keys::session(id),
            Self::Refund(session, id) => keys::refund(session, id),
        }
    }
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(id) => write!(f, "session {id}"),
            Self::Refund(_, id) => write!(f, "refund {id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "1ae1ce03-dfa9-4593-b487-65c656991cb5";
    const REFUND: &str = "728d061b-8e47-4052-be4f-5f9bcdee39ff";

    #[test]
    fn a_path_is_read_from_a_key_and_nothing_else_is() {
        let paths = [
            ObjectPath::Session(SESSION.parse().unwrap()),
            ObjectPath::Refund(SESSION.parse().unwrap(), REFUND.parse().unwrap()),
        ];
        for path in paths {
            assert_eq!(ObjectPath::of(&path.key().into_item()), Some(path));
        }
        let refund = REFUND.parse().unwrap();
        for key in [keys::refund_pointer(&refund), Key::new(format!("SESSION#{SESSION}"), "OTHER"), keys::no_session()]
        {
            assert_eq!(ObjectPath::of(&key.into_item()), None);
        }
    }
}
