//! The pages of a session that awaits something: the payer, a bank, their consent.

use askama::Template;
use models::{MAX_ATTEMPTS, Session};
use providers::Offer;

use super::summary::Summary;
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
    banks: &'a [Offer],
    attempt: u8,
}

impl<'a> BankChoice<'a> {
    fn new(session: &Session, banks: &'a [Offer]) -> Self {
        Self { banks, attempt: session.attempt_number().saturating_add(1) }
    }
}

/// Asks which bank.
#[derive(Template)]
#[template(path = "bank.html")]
pub(crate) struct BankPage<'a> {
    summary: Summary<'a>,
    choice: BankChoice<'a>,
}

impl<'a> BankPage<'a> {
    pub(crate) fn new(session: &'a Session, offers: &'a [Offer]) -> Self {
        Self { summary: Summary::new(session), choice: BankChoice::new(session, offers) }
    }
}

/// Shows the way to the bank, and the choice of another.
#[derive(Template)]
#[template(path = "consent.html")]
pub(crate) struct ConsentPage<'a> {
    summary: Summary<'a>,
    bank: &'static str,
    bank_url: &'a str,
    /// None after the last attempt there may be.
    choice: Option<BankChoice<'a>>,
}

impl<'a> ConsentPage<'a> {
    pub(crate) fn new(session: &'a Session, offers: &'a [Offer]) -> Self {
        let attempt = session.attempt.as_ref();
        let chosen = attempt.and_then(|attempt| offers.iter().find(|offer| offer.id == attempt.bank));
        let url = attempt.map_or("", |attempt| attempt.redirect_url.as_str());
        Self {
            summary: Summary::new(session),
            bank: chosen.map_or("your bank", |offer| offer.name),
            bank_url: own_path(session, url).unwrap_or(url),
            choice: Some(BankChoice::new(session, offers)).filter(|choice| choice.attempt <= MAX_ATTEMPTS),
        }
    }
}
