//! The pages of a session that awaits something: the payer, a bank, their consent.

use askama::Template;
use jiff::Timestamp;
use models::{AttemptEnd, PaymentAttempt, Session};
use providers::{Availability, Offer};

use super::summary::{Summary, what};
use crate::flow::refresh_s;
use crate::form::{PayerErrors, PayerForm};
use crate::paths::own_path;

/// Asks who pays.
#[derive(Template)]
#[template(path = "payer.html")]
pub(crate) struct PayerPage<'a> {
    summary: Summary<'a>,
    /// What was typed, in the answer to the form itself; empty in every other.
    typed: &'a PayerForm,
    errors: PayerErrors,
    /// Then it is not asked for, nor shown.
    name_known: bool,
    email_required: bool,
}

impl<'a> PayerPage<'a> {
    pub(crate) fn new(session: &'a Session, typed: &'a PayerForm, errors: PayerErrors) -> Self {
        // By the merchant: it awaits no more than their e-mail address.
        let name_known = session.payer.is_some();
        Self { summary: Summary::new(session), typed, errors, name_known, email_required: session.email_receipt }
    }
}

/// The banks to choose from, and which attempt the choice would be.
struct BankChoice<'a> {
    banks: Vec<Bank<'a>>,
    attempt: u8,
}

/// A bank, as it is shown at the choice.
struct Bank<'a> {
    id: &'a str,
    name: &'static str,
    /// What happens there, if it is a mock.
    note: Option<&'static str>,
    /// Why it can't be chosen, if it can't.
    down: Option<&'static str>,
}

impl<'a> Bank<'a> {
    fn new(offer: &'a Offer) -> Self {
        let down = match offer.availability {
            Availability::Available => None,
            Availability::Down(reason) => Some(reason),
        };
        Self { id: offer.id.as_str(), name: offer.name, note: offer.note, down }
    }
}

impl<'a> BankChoice<'a> {
    /// None after the last choice that there may be.
    fn new(session: &Session, offers: &'a [Offer]) -> Option<Self> {
        let attempt = session.attempt_number().checked_add(1)?;
        session.may_choose_again().then(|| Self { banks: offers.iter().map(Bank::new).collect(), attempt })
    }
}

/// The name of the bank that an attempt is at.
fn bank_of(attempt: Option<&PaymentAttempt>, offers: &[Offer]) -> &'static str {
    let chosen = attempt.and_then(|attempt| offers.iter().find(|offer| offer.id == attempt.bank));
    chosen.map_or("your bank", |offer| offer.name)
}

/// Asks which bank; after an attempt that ended, again, with why.
#[derive(Template)]
#[template(path = "bank.html")]
pub(crate) struct BankPage<'a> {
    summary: Summary<'a>,
    choice: Option<BankChoice<'a>>,
    /// Why the last attempt came to nothing.
    ended: Option<String>,
}

impl<'a> BankPage<'a> {
    pub(crate) fn new(session: &'a Session, offers: &'a [Offer]) -> Self {
        let ended =
            session.attempt.as_ref().and_then(|attempt| Some((attempt, attempt.ended?))).map(|(attempt, end)| {
                let (what, bank) = (what(session), bank_of(Some(attempt), offers));
                match end {
                    AttemptEnd::DeclinedByPayer => format!("You declined the {what} at {bank}."),
                    AttemptEnd::DeclinedByBank => format!("The {what} was declined by {bank}, which can tell you why."),
                    AttemptEnd::InsufficientFunds => format!("There was not enough money in the account at {bank}."),
                    AttemptEnd::Cancelled => format!("The {what} was cancelled at {bank}."),
                    AttemptEnd::NotBegun => format!("The {what} could not be begun at {bank}."),
                }
            });
        Self { summary: Summary::new(session), choice: BankChoice::new(session, offers), ended }
    }
}

/// Shows the way to the bank, and the choice of another.
#[derive(Template)]
#[template(path = "consent.html")]
pub(crate) struct ConsentPage<'a> {
    summary: Summary<'a>,
    bank: &'static str,
    bank_url: &'a str,
    /// Whether the payer's approval moves the money: then the bank has to give the payment up before anything else.
    at_consent: bool,
    choice: Option<BankChoice<'a>>,
}

impl<'a> ConsentPage<'a> {
    pub(crate) fn new(session: &'a Session, offers: &'a [Offer]) -> Self {
        let attempt = session.attempt.as_ref();
        let url = attempt.map_or("", |attempt| attempt.redirect_url.as_str());
        Self {
            summary: Summary::new(session),
            bank: bank_of(attempt, offers),
            bank_url: own_path(session, url).unwrap_or(url),
            at_consent: session.open_at_consent().is_some(),
            choice: BankChoice::new(session, offers),
        }
    }
}

/// The time to pay has run out, and the bank has not said whether the payer approved; the page reloads itself.
#[derive(Template)]
#[template(path = "time_up.html")]
pub(crate) struct TimeUpPage<'a> {
    summary: Summary<'a>,
    bank: &'static str,
    refresh_s: i64,
}

impl<'a> TimeUpPage<'a> {
    pub(crate) fn new(session: &'a Session, offers: &'a [Offer], now: Timestamp) -> Self {
        let bank = bank_of(session.attempt.as_ref(), offers);
        Self { summary: Summary::new(session), bank, refresh_s: refresh_s(session, now) }
    }
}
