//! What the payer's transfers mean for a session: what is missing of it, too much, or returned.

use crate::attempt::TransferInstructions;
use crate::money::{MinorUnits, Money};
use crate::session::Session;
use crate::transition::{SessionEvent, SessionState};

impl Session {
    /// Where the payer makes a transfer to, while the attempt that is open is paid so.
    pub fn transfer(&self) -> Option<&TransferInstructions> {
        self.open_at_consent()?.at_consent.as_ref()?.transfer.as_ref()
    }

    /// What has come of it by transfers.
    pub fn received_amount(&self) -> Option<Money> {
        self.received.map(|received| Money::new(received.total, self.amount.currency()))
    }

    /// What is missing of a payment of which a part has come, while the rest may still come.
    pub fn missing(&self) -> Option<Money> {
        above(self.amount, self.received_amount()?).filter(|_| self.state == SessionState::Pending)
    }

    /// What came above the amount of a payment that is sent: it can't be refunded by us, and a person returns it.
    pub fn excess(&self) -> Option<Money> {
        above(self.received_amount()?, self.amount).filter(|_| self.state == SessionState::Sent)
    }

    /// The part that had come of a payment that ended underpaid: its provider returned it.
    pub fn returned(&self) -> Option<Money> {
        let underpaid = self.history.last().is_some_and(|entry| entry.cause == SessionEvent::Underpaid);
        self.received_amount().filter(|_| underpaid)
    }
}

/// How much the one is above the other, if it is.
fn above(one: Money, other: Money) -> Option<Money> {
    let above = one.minor().checked_sub(other.minor()).filter(|above| *above > 0)?;
    Some(Money::new(MinorUnits::new(above), one.currency()))
}
