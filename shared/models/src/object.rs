//! What has a history and is published: sessions and refunds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::EventType;
use crate::ids::{CorrelationId, MerchantId, ObjectId, SessionId};
use crate::list_shards::ListShard;
use crate::mail::{MailId, mail_for_refund, mail_for_session};
use crate::mode::Mode;
use crate::refund::Refund;
use crate::session::Session;
use crate::test_clock::OnClock;
use crate::wire_format::WireFormat;

/// A session or a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Object {
    /// A session.
    Session(Box<Session>),
    /// A refund.
    Refund(Box<Refund>),
}

impl Object {
    /// Its id.
    pub fn id(&self) -> ObjectId {
        match self {
            Self::Session(session) => session.id.into(),
            Self::Refund(refund) => refund.id.into(),
        }
    }

    /// The session, or the one that is refunded.
    pub fn session_id(&self) -> SessionId {
        match self {
            Self::Session(session) => session.id,
            Self::Refund(refund) => refund.session_id,
        }
    }

    /// Whose it is.
    pub fn merchant_id(&self) -> &MerchantId {
        match self {
            Self::Session(session) => &session.merchant_id,
            Self::Refund(refund) => &refund.merchant_id,
        }
    }

    /// Test or live.
    pub fn mode(&self) -> Mode {
        match self {
            Self::Session(session) => session.mode,
            Self::Refund(refund) => refund.mode,
        }
    }

    /// In whose format it was made.
    pub fn format(&self) -> WireFormat {
        match self {
            Self::Session(session) => session.format,
            Self::Refund(refund) => refund.format,
        }
    }

    /// The test clock that it follows, if it does.
    pub const fn test_clock(&self) -> Option<&OnClock> {
        match self {
            Self::Session(session) => session.test_clock.as_ref(),
            Self::Refund(refund) => refund.test_clock.as_ref(),
        }
    }

    /// In which of its merchant's lists' shards its events are.
    pub fn list_shard(&self) -> ListShard {
        match self {
            Self::Session(session) => session.list_shard,
            Self::Refund(refund) => refund.list_shard,
        }
    }

    /// Whether its merchant's API and webhooks show it: see [`Session::is_shown`].
    pub const fn is_shown(&self) -> bool {
        match self {
            Self::Session(session) => session.is_shown(),
            Self::Refund(_) => true,
        }
    }

    /// The type of the event of its latest history entry.
    pub fn event_type(&self) -> EventType {
        match self {
            Self::Session(session) => EventType::PaymentSession(session.state),
            Self::Refund(refund) => EventType::Refund(refund.state),
        }
    }

    /// How many entries its history has.
    pub fn history_len(&self) -> usize {
        match self {
            Self::Session(session) => session.history.len(),
            Self::Refund(refund) => refund.history.len(),
        }
    }

    /// When history entry `sequence` (from 1) was made; if there is none, when the object was.
    pub fn entered_at(&self, sequence: usize) -> Timestamp {
        match self {
            Self::Session(session) => session.history.entry(sequence).map_or(session.created_at, |entry| entry.at),
            Self::Refund(refund) => refund.history.entry(sequence).map_or(refund.created_at, |entry| entry.at),
        }
    }

    /// Which request, or run of the schedule, history entry `sequence` (from 1) came of, if that is known.
    pub fn correlation_id(&self, sequence: usize) -> Option<&CorrelationId> {
        match self {
            Self::Session(session) => session.history.entry(sequence)?.correlation_id.as_ref(),
            Self::Refund(refund) => refund.history.entry(sequence)?.correlation_id.as_ref(),
        }
    }

    /// The object as it was when history entry `sequence` (from 1) was its last.
    #[must_use]
    pub fn as_of(self, sequence: usize) -> Self {
        match self {
            Self::Session(session) => Self::Session(Box::new(session.as_of(sequence))),
            Self::Refund(refund) => Self::Refund(Box::new(refund.as_of(sequence))),
        }
    }

    /// Without personal data: see [`Session::erased`]. A refund itself has none but where its customer was to be led, and what
    /// its merchant noted.
    #[must_use]
    pub fn erased(self, now: Timestamp) -> Self {
        match self {
            Self::Session(session) => Self::Session(Box::new(session.erased(now))),
            Self::Refund(refund) => Self::Refund(Box::new(refund.erased())),
        }
    }

    /// Whether its session's personal data was removed. A refund does not say so.
    pub fn is_forgotten(&self) -> bool {
        match self {
            Self::Session(session) => session.erased_at.is_some(),
            Self::Refund(_) => false,
        }
    }

    /// Whether [`Object::erased`] has nothing to remove.
    pub fn is_erased(&self) -> bool {
        match self {
            Self::Session(session) => session.erased_at.is_some(),
            Self::Refund(refund) => refund.is_erased(),
        }
    }

    /// The mail that history entry `sequence` (from 1) calls for, if any.
    pub fn mail_for(&self, sequence: usize) -> Option<MailId> {
        match self {
            Self::Session(session) => mail_for_session(session, sequence),
            Self::Refund(refund) => mail_for_refund(refund, sequence),
        }
    }
}
