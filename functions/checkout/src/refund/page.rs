//! What each page of a refund shows. Never the customer's details once they are given, nor the id of any session: the
//! link may be opened by anyone, later, and a session's id opens a checkout.

use askama::Template;
use models::{AccountIdentifier, Mode, Payee, Refund, Session, SortCode};

use super::form::{DetailsErrors, DetailsForm};
use super::status::Status;
use crate::page::date_and_time;
use crate::paths::refund_path;

/// What every page of a refund shows.
struct Summary<'a> {
    path: String,
    merchant: &'a str,
    amount: String,
    reference: &'a str,
    payment_amount: String,
    payment_reference: &'a str,
    paid_at: Option<String>,
    test: bool,
}

impl<'a> Summary<'a> {
    fn new(refund: &'a Refund, session: &'a Session) -> Self {
        Self {
            path: refund_path(&refund.id),
            merchant: session.payee.name.as_str(),
            amount: refund.amount.to_string(),
            reference: refund.reference.as_str(),
            payment_amount: session.amount.to_string(),
            payment_reference: session.reference.as_str(),
            paid_at: session.sent_at().map(date_and_time),
            test: refund.mode == Mode::Test,
        }
    }
}

/// Asks where the money goes.
#[derive(Template)]
#[template(path = "refund/details.html")]
pub(super) struct DetailsPage<'a> {
    summary: Summary<'a>,
    typed: &'a DetailsForm,
    errors: DetailsErrors,
    until: String,
}

impl<'a> DetailsPage<'a> {
    pub(super) fn new(refund: &'a Refund, session: &'a Session, typed: &'a DetailsForm, errors: DetailsErrors) -> Self {
        Self { summary: Summary::new(refund, session), typed, errors, until: date_and_time(refund.expires_at) }
    }
}

/// Shows what was typed, to be checked and confirmed.
#[derive(Template)]
#[template(path = "refund/check.html")]
pub(super) struct CheckPage<'a> {
    summary: Summary<'a>,
    name: &'a str,
    sort_code: String,
    account_number: &'a str,
}

impl<'a> CheckPage<'a> {
    pub(super) fn new(refund: &'a Refund, session: &'a Session, payee: &'a Payee) -> Self {
        let (sort_code, account_number) = match &payee.account {
            AccountIdentifier::UkAccount { sort_code, account_number } => {
                (with_hyphens(sort_code), account_number.as_str())
            }
            // The form asks for none.
            AccountIdentifier::Iban { iban } => (String::new(), iban.as_str()),
        };
        Self { summary: Summary::new(refund, session), name: payee.name.as_str(), sort_code, account_number }
    }
}

/// `01-02-03`, as it stands on cards and statements.
fn with_hyphens(sort_code: &SortCode) -> String {
    [0, 2, 4].map(|from| sort_code.as_str().get(from..from + 2).unwrap_or_default()).join("-")
}

/// Says where the refund stands.
#[derive(Template)]
#[template(path = "refund/status.html")]
pub(super) struct StatusPage<'a> {
    summary: Summary<'a>,
    status: Status,
    heading: &'static str,
    text: String,
    sent_at: Option<String>,
}

impl<'a> StatusPage<'a> {
    pub(super) fn new(refund: &'a Refund, session: &'a Session, status: Status) -> Self {
        let summary = Summary::new(refund, session);
        let (merchant, amount) = (summary.merchant, &summary.amount);
        let (heading, text) = match status {
            // Also where the account was known from the beginning.
            Status::Approval => (
                "Thank you, we have what we need",
                format!(
                    "{merchant} now has to approve the refund with their bank. There is nothing more for you to do."
                ),
            ),
            Status::Sending => (
                "Your refund is being sent",
                format!("{merchant} has approved it with their bank. There is nothing more for you to do."),
            ),
            Status::Sent => ("Refund sent", format!("{merchant}’s bank has sent {amount} to your account.")),
            Status::TooLate => (
                "The time to give your details has run out",
                format!("No money was sent. Ask {merchant} to make the refund again."),
            ),
            Status::NotMade => ("The refund was not made", format!("No money was sent. Ask {merchant} about it.")),
        };
        Self { summary, status, heading, text, sent_at: refund.sent_at().map(date_and_time) }
    }
}

/// Every page there is, with a name.
#[cfg(test)]
pub(crate) fn gallery() -> Vec<(String, String)> {
    use models::{RefundEvent, SessionState};

    use samples::{NOW, later, name};

    use super::form::Step;
    use super::status::{Shown, shown};
    use crate::samples::{details, happen_to_refund, in_state, refund, refund_with_payment};

    let session = in_state(SessionState::Sent);
    let status = |refund: &Refund, now: jiff::Timestamp| match shown(refund, now) {
        Shown::Details => panic!("asks"),
        Shown::Status(status) => StatusPage::new(refund, &session, status).render().unwrap(),
    };
    let mut pages = Vec::new();
    let mut add = |name: &str, html: String| pages.push((format!("refund_page_{name}"), html));
    let awaiting = refund();
    let blank = DetailsForm::default();
    let details_page = |session: &Session, typed: &DetailsForm, errors| {
        DetailsPage::new(&awaiting, session, typed, errors).render().unwrap()
    };
    add("details", details_page(&session, &blank, DetailsErrors::default()));
    let typed =
        DetailsForm { step: Step::Check, name: "Ada Customer".to_owned(), sort_code: "11-22".to_owned(), ..blank };
    let errors = typed.check().unwrap_err();
    add("details_errors", details_page(&session, &typed, errors));
    add("check", CheckPage::new(&awaiting, &session, &details()).render().unwrap());
    let word = "Donaudampfschifffahrtsgesellschaftskapitänsmütze".repeat(2);
    let mut long = session.clone();
    long.payee.name = name(&word);
    add("long_details", details_page(&long, &DetailsForm::default(), DetailsErrors::default()));
    let long_payee = Payee { name: name(&word), ..details() };
    add("long_check", CheckPage::new(&awaiting, &long, &long_payee).render().unwrap());
    add("too_late", status(&awaiting, later(31 * 86_400)));
    let (mut given, _) = refund_with_payment();
    add("approval", status(&given, NOW));
    given.submitted = true;
    add("sending", status(&given, NOW));
    let mut failed = given.clone();
    happen_to_refund(&mut failed, RefundEvent::DeclinedByPayer);
    add("not_made", status(&failed, NOW));
    happen_to_refund(&mut given, RefundEvent::Settled);
    add("sent", status(&given, NOW));
    pages
}
