//! The page where somebody makes a transfer, as in a bank's app: to any account and reference, of any amount.

use askama::Template;
use lambda_http::http::StatusCode;
use models::{AccountIdentifier, Currency, Money, Reference, Session, TransferId};
use pages::{Answer, Language};
use providers::mock::{Arrived, Sender, Transfer};
use providers::virtual_account;
use serde::Deserialize;

use crate::house::{House, page};
use crate::route::{return_path, transfer_path};

/// The most characters of what is typed as a reference: banks pass on as many (SEPA's unstructured remittance information).
const MAX_REFERENCE_CHARS: usize = 140;

/// The most characters of what is typed as an IBAN: 34, in groups.
const MAX_ACCOUNT_CHARS: usize = 64;

/// The most that somebody transfers at once, in minor units.
const MAX_MINOR: i64 = 9_999_999_999;

/// The currencies of the accounts that are transferred to.
const CURRENCIES: [Currency; 3] = [Currency::GBP, Currency::EUR, Currency::SEK];

/// What the form posts.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct TransferForm {
    /// Made with the page: a form that is sent twice is one transfer.
    id: String,
    amount: String,
    currency: String,
    /// An IBAN, if it is to be found by that.
    #[serde(default)]
    account: String,
    reference: String,
    sender: String,
}

impl TransferForm {
    /// As it is before anybody types: what the session waits for.
    pub(crate) fn of(session: &Session, id: TransferId) -> Self {
        let amount = session.missing().unwrap_or(session.amount);
        Self {
            id: id.to_string(),
            amount: amount.to_decimal(),
            currency: amount.currency().code().to_owned(),
            account: virtual_account(session).map(|own| own.payee.account).map_or_else(String::new, iban),
            reference: Reference::of_payment(&session.end_to_end_id).as_str().to_owned(),
            sender: Sender::Payer.as_str().to_owned(),
        }
    }

    /// The transfer; or what is wrong, by field.
    pub(crate) fn check(&self) -> Result<Transfer, Vec<(&'static str, &'static str)>> {
        let currency = CURRENCIES.into_iter().find(|currency| currency.code() == self.currency);
        let amount = currency.and_then(|currency| Money::from_decimal(self.amount.trim(), currency).ok());
        let amount = amount.filter(|amount| (1..=MAX_MINOR).contains(&amount.minor()));
        let sender = Sender::ALL.into_iter().find(|sender| sender.as_str() == self.sender);
        let reference = self.reference.trim();
        let account = self.account.trim();
        let fits = |typed: &str, max: usize| typed.chars().count() <= max && !typed.chars().any(char::is_control);
        let mut errors = Vec::new();
        if currency.is_some() && amount.is_none() {
            errors.push(("amount", "Enter an amount like 12.50, up to 99,999,999.99"));
        }
        if currency.is_none() {
            errors.push(("currency", "Choose a currency"));
        }
        if !fits(account, MAX_ACCOUNT_CHARS) {
            errors.push(("account", "An IBAN has up to 34 letters and digits"));
        }
        if !fits(reference, MAX_REFERENCE_CHARS) {
            errors.push(("reference", "A reference has up to 140 characters, all of them on one line"));
        }
        if sender.is_none() {
            errors.push(("sender", "Choose whose account it comes from"));
        }
        match (self.id.parse(), amount, sender) {
            (Ok(id), Some(amount), Some(sender)) if errors.is_empty() => {
                let account = (!account.is_empty()).then(|| account.to_owned());
                Ok(Transfer { id, account, reference: reference.to_owned(), amount, sender })
            }
            _ => Err(errors),
        }
    }
}

/// As it is written without groups; nothing of an account without an IBAN.
fn iban(account: AccountIdentifier) -> String {
    match account {
        AccountIdentifier::Iban { iban } => iban.as_str().to_owned(),
        AccountIdentifier::UkAccount { .. } => String::new(),
    }
}

/// Asks for a transfer.
#[derive(Template)]
#[template(path = "transfer.html")]
pub(crate) struct TransferPage<'a> {
    house: House,
    action: String,
    way_back: String,
    typed: &'a TransferForm,
    errors: Vec<(&'static str, &'static str)>,
    currencies: [&'static str; 3],
    senders: [(&'static str, &'static str); 3],
}

impl<'a> TransferPage<'a> {
    pub(crate) fn new(session: &Session, typed: &'a TransferForm, errors: Vec<(&'static str, &'static str)>) -> Self {
        let names = |sender: Sender| match sender {
            Sender::Payer => "The payer’s own",
            Sender::SomebodyElse => "Somebody else’s",
            Sender::Undisclosed => "The bank does not say",
        };
        Self {
            house: House::TRANSFERS,
            action: transfer_path(&session.id),
            way_back: return_path(&session.id),
            typed,
            errors,
            currencies: CURRENCIES.map(|currency| currency.code()),
            senders: Sender::ALL.map(|sender| (sender.as_str(), names(sender))),
        }
    }

    /// The page with this status.
    pub(crate) fn answer(&self) -> Answer {
        page(if self.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }, self)
    }
}

/// That a transfer was sent, and whether its account or its reference is a payment's.
#[derive(Template)]
#[template(path = "transferred.html")]
pub(crate) struct TransferredPage {
    house: House,
    amount: String,
    reference: String,
    matched: bool,
    again: String,
    way_back: String,
}

impl TransferredPage {
    pub(crate) fn new(session: &Session, transfer: &Transfer, arrived: &Arrived) -> Self {
        Self {
            house: House::TRANSFERS,
            amount: Language::English.amount(&transfer.amount),
            reference: transfer.reference.clone(),
            matched: matches!(arrived, Arrived::AtPayment { .. }),
            again: transfer_path(&session.id),
            way_back: return_path(&session.id),
        }
    }
}

#[cfg(test)]
mod tests {
    use models::MinorUnits;

    use super::*;

    fn form() -> TransferForm {
        TransferForm::of(&samples::session(), TransferId::new(samples::uuid()))
    }

    #[test]
    fn the_form_is_filled_in_with_what_the_session_waits_for() {
        let session = samples::session();
        let transfer = TransferForm::of(&session, TransferId::new(samples::uuid())).check().unwrap();
        assert_eq!(transfer.amount, Money::new(MinorUnits::new(400), Currency::GBP));
        let reference = Reference::of_payment(&session.end_to_end_id);
        assert_eq!((transfer.reference.as_str(), transfer.sender), (reference.as_str(), Sender::Payer));
        assert_eq!(transfer.account, None);
        let session = Session { virtual_iban: true, ..session };
        let transfer = TransferForm::of(&session, TransferId::new(samples::uuid())).check().unwrap();
        assert!(transfer.account.is_some_and(|account| account.starts_with("GB") && account.contains("MOCK")));
    }

    #[test]
    fn what_is_wrong_is_said_by_field() {
        let wrong = |form: TransferForm| form.check().unwrap_err().iter().map(|(field, _)| *field).collect::<Vec<_>>();
        for amount in ["", "0", "0.00", "-1", "1.234", "1,50", "100000000.00", "1e3", "£4"] {
            assert_eq!(wrong(TransferForm { amount: amount.to_owned(), ..form() }), ["amount"], "{amount}");
        }
        assert_eq!(wrong(TransferForm { currency: "USD".to_owned(), ..form() }), ["currency"]);
        for account in ["a".repeat(65), "a\nb".to_owned()] {
            assert_eq!(wrong(TransferForm { account, ..form() }), ["account"]);
        }
        for reference in ["a".repeat(141), "a\nb".to_owned()] {
            assert_eq!(wrong(TransferForm { reference, ..form() }), ["reference"]);
        }
        assert_eq!(wrong(TransferForm { sender: "me".to_owned(), ..form() }), ["sender"]);
        assert!(TransferForm { id: "1".to_owned(), ..form() }.check().is_err());
        assert!(TransferForm { reference: String::new(), ..form() }.check().is_ok(), "banks allow none");
    }

    #[test]
    fn what_was_typed_is_text_and_stays() {
        let typed = TransferForm { reference: "\"><script>".to_owned(), amount: "x".to_owned(), ..form() };
        let errors = typed.check().unwrap_err();
        let html = TransferPage::new(&samples::session(), &typed, errors).render().unwrap();
        assert!(!html.contains("<script") && html.contains("value=\"&#34;&#62;&#60;script&#62;\""), "{html}");
        assert!(html.contains("value=\"x\"") && html.contains("href=\"#amount\""), "{html}");
    }
}
