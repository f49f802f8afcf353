//! What came of a payment: pending, sent, or not.

use askama::Template;
use jiff::Timestamp;
use models::{Session, SessionEvent};

use super::summary::{Summary, date_and_time, what};
use crate::flow::{merchant, refresh_s};

/// How long a result is shown before the page goes on to the merchant's by itself.
pub(super) const LEAVE_AFTER_S: u8 = 6;

/// The bank is sending the money; the page reloads itself.
#[derive(Template)]
#[template(path = "pending.html")]
pub(crate) struct PendingPage<'a> {
    summary: Summary<'a>,
    refresh_s: i64,
    way_on: Option<String>,
}

impl<'a> PendingPage<'a> {
    pub(crate) fn new(session: &'a Session, now: Timestamp) -> Self {
        Self {
            summary: Summary::new(session),
            refresh_s: refresh_s(session, now),
            way_on: api::return_url(session, now),
        }
    }
}

/// What came of it, and the way on to the merchant.
#[derive(Template)]
#[template(path = "result.html")]
pub(crate) struct ResultPage<'a> {
    summary: Summary<'a>,
    heading: String,
    text: String,
    sent: Option<Sent>,
    way_on: Option<String>,
    leave_after_s: u8,
}

/// What a payer may want to keep of a payment that was made.
struct Sent {
    at: Option<String>,
    end_to_end_id: String,
    receipt: bool,
}

impl<'a> ResultPage<'a> {
    /// The money is sent.
    pub(crate) fn sent(session: &'a Session, now: Timestamp) -> Self {
        let has_email = session.payer.as_ref().is_some_and(|payer| payer.email.is_some());
        let sent = Sent {
            at: session.sent_at().map(date_and_time),
            end_to_end_id: session.end_to_end_id.to_string(),
            receipt: session.email_receipt && has_email,
        };
        let heading = if session.pays_refund.is_some() { "Refund sent" } else { "Payment sent" }.to_owned();
        let text = format!("Your bank has sent {} to {}.", session.amount, session.payee.name.as_str());
        Self { sent: Some(sent), ..Self::of(session, heading, text, now) }
    }

    /// It ended otherwise.
    pub(crate) fn not_sent(session: &'a Session, cause: Option<SessionEvent>, now: Timestamp) -> Self {
        let (what, merchant) = (what(session), merchant(session));
        let (heading, text) = match cause {
            Some(SessionEvent::DeclinedByPayer) => {
                (format!("You declined the {what}"), "No money has left your account.".to_owned())
            }
            Some(SessionEvent::DeclinedByBank) => (
                format!("Your bank declined the {what}"),
                "The money was not sent. Your bank can tell you why.".to_owned(),
            ),
            Some(SessionEvent::InsufficientFunds) => (
                "There was not enough money in the account".to_owned(),
                "Your bank did not make the payment. No money has left your account.".to_owned(),
            ),
            Some(SessionEvent::CancelledByPayer) => {
                (format!("You cancelled the {what}"), "No money has left your account.".to_owned())
            }
            Some(SessionEvent::CancelledByMerchant | SessionEvent::DeletedByMerchant) => {
                (format!("{merchant} cancelled the {what}"), "No money has left your account.".to_owned())
            }
            Some(SessionEvent::TimePassed) => {
                let again = if session.pays_refund.is_some() {
                    "The amount can be refunded again.".to_owned()
                } else {
                    format!("If you still want to pay, ask {merchant} for a new link.")
                };
                ("The time to pay has run out".to_owned(), format!("No money has left your account. {again}"))
            }
            // None of these ends a session.
            Some(
                SessionEvent::Created
                | SessionEvent::PayerIdentified
                | SessionEvent::BankChosen
                | SessionEvent::ConsentGiven
                | SessionEvent::AttemptEnded
                | SessionEvent::Settled,
            )
            | None => (format!("The {what} was not made"), String::new()),
        };
        // Whatever ended it: the bank has the last word on its money.
        let text = match &session.late_money {
            Some(_) => format!(
                "It had ended here, but the bank says that the money has left your account all the same. Ask {merchant}: it is \
                 to be returned."
            ),
            None => text,
        };
        Self::of(session, heading, text, now)
    }

    fn of(session: &'a Session, heading: String, text: String, now: Timestamp) -> Self {
        let way_on = api::return_url(session, now);
        Self { summary: Summary::new(session), heading, text, sent: None, way_on, leave_after_s: LEAVE_AFTER_S }
    }
}
