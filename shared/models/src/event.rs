//! Events: one for each history entry of each session and refund, as merchants are notified of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{InvalidId, ObjectId};
use crate::number::whole_number;
use crate::refund_transition::RefundState;
use crate::transition::SessionState;

/// What happened: the state that an object came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum EventType {
    /// `payment_session.<state>`
    PaymentSession(SessionState),
    /// `refund.<state>`
    Refund(RefundState),
}

impl EventType {
    /// Every type.
    pub fn all() -> impl Iterator<Item = Self> {
        let sessions = SessionState::ALL.into_iter().map(Self::PaymentSession);
        sessions.chain(RefundState::ALL.into_iter().map(Self::Refund))
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PaymentSession(state) => write!(f, "payment_session.{state}"),
            Self::Refund(state) => write!(f, "refund.{state}"),
        }
    }
}

impl FromStr for EventType {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::all().find(|known| known.to_string() == text).ok_or(InvalidId::new("event type"))
    }
}

impl TryFrom<String> for EventType {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<EventType> for String {
    fn from(event_type: EventType) -> Self {
        event_type.to_string()
    }
}

/// One event, `evt_<object>_<sequence>`: of which object, and which entry of its history it reports. The same however
/// often it is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventId {
    /// The session or refund.
    pub object_id: ObjectId,
    /// The history entry, from 1.
    pub sequence: usize,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "evt_{}_{}", self.object_id, self.sequence)
    }
}

impl FromStr for EventId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId::new("event id");
        let (object_id, sequence) = text.strip_prefix("evt_").and_then(|rest| rest.split_once('_')).ok_or(invalid)?;
        Ok(Self { object_id: object_id.parse()?, sequence: whole_number(sequence).ok_or(invalid)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_ids_read_back_and_nothing_else_does() {
        assert_eq!(EventType::all().count(), 12);
        for event_type in EventType::all() {
            assert_eq!(event_type.to_string().parse(), Ok(event_type));
        }
        assert_eq!("refund.sent".parse(), Ok(EventType::Refund(RefundState::Sent)));
        for text in ["", "sent", "refund.pending", "payment_session.awaiting_details", "Refund.sent"] {
            assert!(text.parse::<EventType>().is_err(), "{text}");
        }
        let object_id: ObjectId = "1ae1ce03-dfa9-4593-b487-65c656991cb5".parse().unwrap();
        let id = EventId { object_id, sequence: 3 };
        assert_eq!(id.to_string(), "evt_1ae1ce03-dfa9-4593-b487-65c656991cb5_3");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("evt_1AE1CE03-DFA9-4593-B487-65C656991CB5_3".parse(), Ok(id));
        for text in [
            "evt_x_1",
            "evt_1ae1ce03-dfa9-4593-b487-65c656991cb5",
            "evt_1ae1ce03-dfa9-4593-b487-65c656991cb5_03",
            "evt_1ae1ce03-dfa9-4593-b487-65c656991cb5_+3",
            "evt_1ae1ce03dfa94593b48765c656991cb5_3",
        ] {
            assert!(text.parse::<EventId>().is_err(), "{text}");
        }
    }
}
