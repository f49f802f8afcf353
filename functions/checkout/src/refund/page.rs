//! What each page of a refund shows. Never the customer's details once they are given, nor the id of any session: the
//! link may be opened by anyone, later, and a session's id opens a checkout.

use askama::Template;
use jiff::Timestamp;
use models::{AccountIdentifier, AccountKind, Payee, Refund, Session, SortCode};
use pages::{AccountErrors, Facts, Html, RefundTexts, Shell, Zone};

use super::form::DetailsForm;
use super::status::Status;
use crate::paths::refund_path;

/// What every page of a refund shows.
struct Summary<'a> {
    path: String,
    facts: Facts<'a>,
    zone: Zone,
    shop: &'a str,
    total: String,
    reference: &'a str,
    payment_amount: String,
    payment_reference: &'a str,
    paid_at: Option<Html>,
}

impl<'a> Summary<'a> {
    fn new(refund: &'a Refund, session: &'a Session, shell: &Shell<'a>) -> Self {
        let facts = shell.facts().amount("amount", &refund.amount);
        let zone = Zone::of(session.amount.currency());
        Self {
            path: refund_path(&refund.id),
            shop: shell.face.map_or("", |face| face.name),
            total: shell.language.amount(&refund.amount),
            reference: refund.reference.as_str(),
            payment_amount: shell.language.amount(&session.amount),
            payment_reference: session.reference.as_str(),
            paid_at: session.sent_at().map(|at| facts.clone().time("time", at, zone).html("{time}")),
            facts,
            zone,
        }
    }

    /// The text, filled with what is known of the refund.
    fn html(&self, text: &str) -> Html {
        self.facts.html(text)
    }

    /// The text, its `{time}` as the clocks show it where the payment was made.
    fn html_at(&self, text: &str, at: Timestamp) -> Html {
        self.facts.clone().time("time", at, self.zone).html(text)
    }
}

/// Asks where the money goes.
#[derive(Template)]
#[template(path = "refund/details.html")]
pub(super) struct DetailsPage<'a> {
    shell: &'a Shell<'a>,
    t: &'static RefundTexts,
    summary: Summary<'a>,
    kind: AccountKind,
    typed: &'a DetailsForm,
    errors: AccountErrors,
    until: Html,
}

impl<'a> DetailsPage<'a> {
    pub(super) fn new(
        refund: &'a Refund,
        session: &'a Session,
        shell: &'a Shell<'a>,
        kind: AccountKind,
        typed: &'a DetailsForm,
        errors: AccountErrors,
    ) -> Self {
        let (t, summary) = (&shell.texts().refunds, Summary::new(refund, session, shell));
        let until = summary.html_at(t.details_until, refund.expires_at);
        Self { shell, t, summary, kind, typed, errors, until }
    }
}

/// Shows what was typed, to be checked and confirmed.
#[derive(Template)]
#[template(path = "refund/check.html")]
pub(super) struct CheckPage<'a> {
    shell: &'a Shell<'a>,
    t: &'static RefundTexts,
    summary: Summary<'a>,
    name: &'a str,
    account: &'a AccountIdentifier,
}

impl<'a> CheckPage<'a> {
    pub(super) fn new(refund: &'a Refund, session: &'a Session, shell: &'a Shell<'a>, payee: &'a Payee) -> Self {
        let summary = Summary::new(refund, session, shell);
        Self { shell, t: &shell.texts().refunds, summary, name: payee.name.as_str(), account: &payee.account }
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
    shell: &'a Shell<'a>,
    t: &'static RefundTexts,
    summary: Summary<'a>,
    status: Status,
    heading: &'static str,
    text: &'static str,
    sent_at: Option<Html>,
}

impl<'a> StatusPage<'a> {
    pub(super) fn new(refund: &'a Refund, session: &'a Session, shell: &'a Shell<'a>, status: Status) -> Self {
        let (t, summary) = (&shell.texts().refunds, Summary::new(refund, session, shell));
        let (heading, text) = match status {
            // Also where the account was known from the beginning.
            Status::Approval => (t.approval_heading, t.approval_text),
            Status::Sending => (t.sending_heading, t.sending_text),
            Status::Sent => (t.sent_heading, t.sent_text),
            Status::TooLate => (t.too_late_heading, t.too_late_text),
            Status::NotMade => (t.not_made_heading, t.not_made_text),
        };
        let sent_at = refund.sent_at().map(|at| summary.html_at("{time}", at));
        Self { shell, t, summary, status, heading, text, sent_at }
    }
}

/// Those that ask, of a shop with a long name and a customer with one.
#[cfg(test)]
pub(crate) fn extremes(language: pages::Language, shop: &models::Shop) -> Vec<(String, String)> {
    let (session, refund) = (crate::samples::in_state(models::SessionState::Sent), crate::samples::refund());
    let shell = &super::shell_of(&refund, &session, Some(shop), language);
    let (blank, errors) = (DetailsForm::default(), AccountErrors::default());
    let details = DetailsPage::new(&refund, &session, shell, AccountKind::UkAccount, &blank, errors).render().unwrap();
    let payee = Payee { name: samples::name(&"Ada Customer ".repeat(10)), ..crate::samples::details() };
    let check = CheckPage::new(&refund, &session, shell, &payee).render().unwrap();
    vec![("refund_page_hundred_details".to_owned(), details), ("refund_page_hundred_check".to_owned(), check)]
}

/// Every page there is, with a name.
#[cfg(test)]
pub(crate) fn gallery(language: pages::Language) -> Vec<(String, String)> {
    use models::{RefundEvent, SessionState};

    use samples::{NOW, later, name};

    use super::form::Step;
    use super::status::{Shown, shown};
    use crate::samples::{details, happen_to_refund, in_state, refund, refund_with_payment};

    let session = in_state(SessionState::Sent);
    let status = |refund: &Refund, now: jiff::Timestamp| match shown(refund, now) {
        Shown::Details(_) => panic!("asks"),
        Shown::Status(status) => {
            let shell = &super::shell_of(refund, &session, None, language);
            StatusPage::new(refund, &session, shell, status).render().unwrap()
        }
    };
    let mut pages = Vec::new();
    let mut add = |name: &str, html: String| pages.push((format!("refund_page_{name}"), html));
    let awaiting = refund();
    let blank = DetailsForm::default();
    let details_page = |session: &Session, typed: &DetailsForm, errors| {
        let shell = &super::shell_of(&awaiting, session, None, language);
        DetailsPage::new(&awaiting, session, shell, AccountKind::UkAccount, typed, errors).render().unwrap()
    };
    add("details", details_page(&session, &blank, AccountErrors::default()));
    let typed =
        DetailsForm { step: Step::Check, name: "Ada Customer".to_owned(), sort_code: "11-22".to_owned(), ..blank };
    let errors = typed.check(AccountKind::UkAccount, &language.texts().refunds).unwrap_err();
    add("details_errors", details_page(&session, &typed, errors));
    let check_page = |session: &Session, payee: &Payee| {
        let shell = &super::shell_of(&awaiting, session, None, language);
        CheckPage::new(&awaiting, session, shell, payee).render().unwrap()
    };
    add("check", check_page(&session, &details()));
    let word = "Donaudampfschifffahrtsgesellschaftskapitänsmütze".repeat(2);
    let mut long = session.clone();
    long.payee.name = name(&word);
    add("long_details", details_page(&long, &DetailsForm::default(), AccountErrors::default()));
    let long_payee = Payee { name: name(&word), ..details() };
    add("long_check", check_page(&long, &long_payee));
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
    pages.extend(gallery_of_ibans(language));
    pages
}

/// Every page of a refund in euro that differs.
#[cfg(test)]
fn gallery_of_ibans(language: pages::Language) -> Vec<(String, String)> {
    use crate::samples::{details_with_iban, in_state, refund_of};

    let session = samples::in_currency(in_state(models::SessionState::Sent), models::Currency::EUR);
    let refund = refund_of(&session, 250, samples::NOW);
    let shell = &super::shell_of(&refund, &session, None, language);
    let asked = |iban: &str| {
        let typed = DetailsForm { name: "Ada Customer".to_owned(), iban: iban.to_owned(), ..DetailsForm::default() };
        let errors = typed.check(AccountKind::Iban, &language.texts().refunds).err().unwrap_or_default();
        DetailsPage::new(&refund, &session, shell, AccountKind::Iban, &typed, errors).render().unwrap()
    };
    let blank = DetailsForm::default();
    let details = DetailsPage::new(&refund, &session, shell, AccountKind::Iban, &blank, AccountErrors::default());
    let check = |payee: &Payee| CheckPage::new(&refund, &session, shell, payee).render().unwrap();
    // The longest there is, 31 characters of Malta.
    let longest = AccountIdentifier::Iban { iban: samples::text("MT84MALT011000012345MTLCAST001S") };
    let pages = [
        ("details", details.render().unwrap()),
        ("missing", asked("")),
        ("wrong", asked("FR15 2004 1010 0505 0001 3M02 606")),
        ("elsewhere", asked("BR18 0036 0305 0000 1000 9795 493C 1")),
        ("edited", asked("fr14-2004-1010-0505-0001-3m02-606")),
        ("check", check(&details_with_iban())),
        ("long_check", check(&Payee { account: longest, ..details_with_iban() })),
    ];
    pages.into_iter().map(|(name, html)| (format!("refund_page_iban_{name}"), html)).collect()
}
