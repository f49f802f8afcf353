//! Which part of a list is wanted, and what is found of it.

use std::fmt::Display;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use models::{Customer, EventId, Session, SessionId};

use crate::keys;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Default)]
pub struct ListRange {
    /// Created at or after.
    pub created_from: Option<Timestamp>,
    /// Created before.
    pub created_before: Option<Timestamp>,
    /// Where the page begins.
    pub start: ListStart,
    /// How many at the most, 1 to 100.
    pub limit: usize,
}

/// Where a page of a list begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ListStart {
    /// With the newest.
    #[default]
    Newest,
    /// After this position: with the next older one.
    After(ListCursor),
    /// Before this position: the page has those that are newer, of which it ends with the next.
    Before(ListCursor),
}

/// A position in a list. Opaque to clients; it holds a creation time and an id and opens nobody else's list. It is the same
/// position in every shard, so that it stays good when there are more of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListCursor(pub(super) String);

impl ListCursor {
    /// As clients carry it.
    pub fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(&self.0)
    }

    /// Reads what [`ListCursor::encode`] wrote of a position among sessions; nothing else.
    pub fn of_sessions(text: &str) -> Option<Self> {
        Self::decode::<SessionId>(text)
    }

    /// Reads what [`ListCursor::encode`] wrote of a position among events; nothing else.
    pub fn of_events(text: &str) -> Option<Self> {
        Self::decode::<EventId>(text)
    }

    /// The position of this session.
    pub fn at(session: &Session) -> Self {
        Self(keys::list_sk(session.created_at, session.id))
    }

    /// The position of this customer.
    pub fn at_customer(customer: &Customer) -> Self {
        Self(keys::list_sk(customer.created_at, customer.id))
    }

    /// When what is at this position was created.
    pub fn created_at(&self) -> Option<Timestamp> {
        self.0.split_once('#')?.0.parse().ok()
    }

    fn decode<Id: FromStr + Display>(text: &str) -> Option<Self> {
        let list_sk = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (created_at, id) = list_sk.split_once('#')?;
        // As it is stored: an id may be given in capitals.
        let stored = keys::list_sk(created_at.parse::<Timestamp>().ok()?, id.parse::<Id>().ok()?);
        stored.eq_ignore_ascii_case(&list_sk).then_some(Self(stored))
    }
}

/// One page of a list.
#[derive(Debug)]
pub struct Page<T> {
    /// Newest first. May be fewer than asked for, or none, though there are more.
    pub items: Vec<T>,
    /// Where to go on in the direction that was asked for, unless this was all.
    pub next: Option<ListCursor>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_does() {
        let id: SessionId = "1ae1ce03-dfa9-4593-b487-65c656991cb5".parse().unwrap();
        let at: Timestamp = "2026-01-31T09:30:00Z".parse().unwrap();
        let session = ListCursor(keys::list_sk(at, id));
        assert_eq!(ListCursor::of_sessions(&session.encode()), Some(session.clone()));
        let capitals = BASE64_URL_SAFE_NO_PAD.encode(session.0.to_uppercase());
        assert_eq!(ListCursor::of_sessions(&capitals), Some(session.clone()));
        let event_id = EventId { object_id: id.into(), sequence: 3 };
        let event = ListCursor(keys::list_sk(at, event_id));
        assert_eq!(ListCursor::of_events(&event.encode()), Some(event.clone()));
        assert_eq!(ListCursor::of_sessions(&event.encode()), None);
        for text in ["", "%", "AAAA", &BASE64_URL_SAFE_NO_PAD.encode("2026-01-31#x"), &session.encode()] {
            assert_eq!(ListCursor::of_events(text), None, "{text}");
        }
    }
}
