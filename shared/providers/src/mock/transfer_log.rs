//! What happened to the transfers of a payment: a log whose entries stand at positions without gaps, each written once. Of two
//! things that happen at once each is there, and everybody reads which was first.

use jiff::Timestamp;
use models::{BankId, EndToEndId, MAX_ATTEMPTS, TransferId};
use serde::{Deserialize, Serialize};

use super::ledger::{Entry, Ledger};
use super::refusal::Refusal;
use super::sender::Sender;
use crate::port::ProviderError;

/// The most entries that a payment's log has.
const MAX_LOG_ENTRIES: u16 = 200;

/// The last position at which a transfer may stand: after it there is room to open and close each attempt that there may be.
pub(super) const MAX_TRANSFERS: u16 = MAX_LOG_ENTRIES - 2 * MAX_ATTEMPTS as u16;

/// One thing that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum LogEntry {
    /// An attempt was opened: what comes from now on pays it.
    Opened {
        /// Which.
        attempt: u8,
    },
    /// A transfer arrived.
    Arrived {
        /// Its id: it arrives once.
        id: TransferId,
        /// How much, in the payment's currency.
        amount_minor: i64,
        /// From whom.
        sender: Sender,
        /// When.
        #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
        at: Timestamp,
    },
    /// An attempt was closed: what comes from now on is late, and what came before is returned.
    Closed {
        /// Which.
        attempt: u8,
        /// When.
        #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
        at: Timestamp,
    },
}

/// Which payment has a reference, or an account for its own. Kept for good; names nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Referenced {
    /// The payment.
    pub payment: EndToEndId,
    /// The provider that has it.
    pub provider: BankId,
    /// In which currency it is.
    pub currency: String,
    /// Where the provider says that something happened to it.
    pub webhook_url: String,
}

/// A transfer that matches no payment: its reference is nobody's, or it is in another currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnmatchedTransfer {
    /// Its id.
    pub id: TransferId,
    /// What was typed as its reference, if it has the form of one; else nothing, for it may be anything.
    pub reference: String,
    /// How much.
    pub amount_minor: i64,
    /// In which currency.
    pub currency: String,
    /// From whom.
    pub sender: Sender,
    /// When.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub at: Timestamp,
}

/// The entries of a payment's log that were read: from the first on, without gaps.
#[derive(Debug, Clone, Default)]
pub(super) struct Log(Vec<LogEntry>);

/// How the transfers of one attempt stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct OfAttempt {
    pub(super) opened: bool,
    pub(super) closed: bool,
    pub(super) received_minor: i64,
    pub(super) late_minor: i64,
    /// From whom what was received came, each time.
    pub(super) senders: Vec<Sender>,
}

impl Log {
    /// All of a payment's log.
    pub(super) async fn read(ledger: &impl Ledger, payment: EndToEndId) -> Result<Self, ProviderError> {
        let mut log = Self::default();
        for position in 1..=MAX_LOG_ENTRIES {
            match ledger.get(payment, Entry::Transfer(position)).await? {
                Some(entry) => log.0.push(entry),
                None => break,
            }
        }
        Ok(log)
    }

    /// Reads a payment's log, and appends what `wanted` says of it, until that wants nothing more: the first entry at a
    /// position stays there, and the others are read before going on.
    pub(super) async fn append(
        ledger: &impl Ledger,
        payment: EndToEndId,
        wanted: impl Fn(&Self) -> Option<LogEntry>,
    ) -> Result<Self, ProviderError> {
        let mut log = Self::read(ledger, payment).await?;
        while let Some(entry) = wanted(&log) {
            let position = u16::try_from(log.0.len()).ok().and_then(|length| length.checked_add(1));
            let last = match entry {
                LogEntry::Arrived { .. } => MAX_TRANSFERS,
                LogEntry::Opened { .. } | LogEntry::Closed { .. } => MAX_LOG_ENTRIES,
            };
            let position = position.filter(|position| *position <= last);
            let position = position.ok_or_else(|| ProviderError::refused(Refusal::TooManyTransfers))?;
            log.0.push(ledger.put(payment, Entry::Transfer(position), entry).await?);
        }
        Ok(log)
    }

    /// Whether this transfer has arrived.
    pub(super) fn has(&self, transfer: TransferId) -> bool {
        self.0.iter().any(|entry| matches!(entry, LogEntry::Arrived { id, .. } if *id == transfer))
    }

    /// The attempt that was open, or had been last, when this transfer arrived.
    pub(super) fn attempt_of(&self, transfer: TransferId) -> Option<u8> {
        let mut latest = None;
        for entry in &self.0 {
            match entry {
                LogEntry::Opened { attempt } => latest = Some(*attempt),
                LogEntry::Arrived { id, .. } if *id == transfer => return latest,
                LogEntry::Arrived { .. } | LogEntry::Closed { .. } => {}
            }
        }
        None
    }

    /// How the transfers of an attempt stand. What comes while none is open is late money of the one that was last.
    pub(super) fn of(&self, wanted: u8) -> OfAttempt {
        let mut seen = OfAttempt::default();
        let (mut latest, mut is_open) = (None, false);
        for entry in &self.0 {
            match entry {
                LogEntry::Opened { attempt } => (latest, is_open) = (Some(*attempt), true),
                LogEntry::Closed { attempt, .. } if latest == Some(*attempt) => is_open = false,
                LogEntry::Closed { .. } => {}
                LogEntry::Arrived { amount_minor, sender, .. } if latest == Some(wanted) && is_open => {
                    seen.received_minor = seen.received_minor.saturating_add(*amount_minor);
                    seen.senders.push(*sender);
                }
                LogEntry::Arrived { amount_minor, .. } if latest == Some(wanted) => {
                    seen.late_minor = seen.late_minor.saturating_add(*amount_minor);
                }
                LogEntry::Arrived { .. } => {}
            }
            match entry {
                LogEntry::Opened { attempt } if *attempt == wanted => seen.opened = true,
                LogEntry::Closed { attempt, .. } if *attempt == wanted => seen.closed = true,
                LogEntry::Opened { .. } | LogEntry::Closed { .. } | LogEntry::Arrived { .. } => {}
            }
        }
        seen
    }
}
