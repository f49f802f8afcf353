//! What every mail says of the payment that it is about.

use jiff::Timestamp;
use models::{Mode, Refund, Session};

/// A payment that was sent, as it is shown.
#[derive(Debug)]
pub(crate) struct Payment<'a> {
    pub(crate) test: bool,
    pub(crate) amount: String,
    pub(crate) payee: &'a str,
    /// The last four digits of the payee's account number.
    pub(crate) account: &'a str,
    pub(crate) reference: &'a str,
    pub(crate) sent_at: String,
    pub(crate) end_to_end_id: String,
}

impl<'a> Payment<'a> {
    /// None if it was not sent.
    pub(crate) fn of(session: &'a Session) -> Option<Self> {
        let payee = &session.payee;
        Some(Self {
            test: session.mode == Mode::Test,
            amount: session.amount.to_string(),
            payee: payee.name.as_str(),
            account: payee.account.last_four(),
            reference: session.reference.as_str(),
            sent_at: date_and_time(session.sent_at()?),
            end_to_end_id: session.end_to_end_id.to_string(),
        })
    }
}

/// How much of the session's payment is refunded.
pub(crate) fn part_refunded(refund: &Refund, session: &Session) -> String {
    if refund.amount == session.amount {
        format!("{}, all of your payment", refund.amount)
    } else {
        format!("{} of your payment of {}", refund.amount, session.amount)
    }
}

/// `1 November 2019, 15:50 UTC`.
pub(crate) fn date_and_time(at: Timestamp) -> String {
    at.strftime("%-d %B %Y, %H:%M UTC").to_string()
}
