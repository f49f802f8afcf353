//! Mails: which history entries call for one, and where each stands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{InvalidId, SessionId};
use crate::session::Session;
use crate::transition::SessionState;

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailKind {
    /// To the payer: the payment was sent.
    Receipt,
}

impl MailKind {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
        }
    }
}

/// One mail: the session, the kind, and the history entry that called for it. There can be only one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MailId {
    /// Whose payment it is about.
    pub session_id: SessionId,
    /// What it says.
    pub kind: MailKind,
    /// The history entry that called for it, from 1.
    pub sequence: usize,
}

impl fmt::Display for MailId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.session_id, self.kind.as_str(), self.sequence)
    }
}

impl FromStr for MailId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId::new("mail id");
        let mut parts = text.split('/');
        let (Some(session_id), Some(kind), Some(sequence), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(invalid);
        };
        let kind = [MailKind::Receipt].into_iter().find(|known| known.as_str() == kind).ok_or(invalid)?;
        Ok(Self { session_id: session_id.parse()?, kind, sequence: sequence.parse().map_err(|_| invalid)? })
    }
}

/// Where a mail stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailState {
    /// To be sent, or being sent.
    Due,
    /// Handed to the mail service.
    Sent,
    /// Refused for good, or tried too often.
    Failed,
}

/// The mails that the history entry with this sequence number calls for.
pub fn mails_for(session: &Session, sequence: usize) -> Vec<MailId> {
    let sent = sequence
        .checked_sub(1)
        .and_then(|index| session.history.get(index))
        .is_some_and(|entry| entry.state == SessionState::Sent);
    let has_address = session.payer.as_ref().is_some_and(|payer| payer.email.is_some());
    if sent && session.email_receipt && has_address {
        vec![MailId { session_id: session.id, kind: MailKind::Receipt, sequence }]
    } else {
        Vec::new()
    }
}
