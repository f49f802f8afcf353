//! The pages of a session that awaits something: the payer, a bank, their consent.

use askama::Template;
use jiff::Timestamp;
use models::{AttemptEnd, Session, SessionEvent};
use pages::{CheckoutTexts, Html, Shell};
use providers::Offer;

use super::bank_list::{BankList, bank_of};
use super::pending::Checking;
use super::summary::Summary;
use crate::form::{PayerErrors, PayerForm};
use crate::paths::own_path;
use crate::view::View;

/// A step of the way to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Details,
    Bank,
    Approve,
}

impl Step {
    const ALL: [Self; 3] = [Self::Details, Self::Bank, Self::Approve];

    const fn name(self, texts: &CheckoutTexts) -> &'static str {
        match self {
            Self::Details => texts.step_details,
            Self::Bank => texts.step_bank,
            Self::Approve => texts.step_approve,
        }
    }
}

/// What every asking page bears.
pub(super) struct Asking {
    step: Step,
    /// The steps that this session has: who is known is not asked who they are.
    steps: Vec<Step>,
    pay_until: Html,
}

impl Asking {
    fn new(summary: &Summary<'_>, step: Step) -> Self {
        let session = summary.session;
        let asked = step == Step::Details || session.history.count(SessionEvent::PayerIdentified) > 0;
        let steps = Step::ALL.into_iter().filter(|step| *step != Step::Details || asked).collect();
        Self { step, steps, pay_until: summary.html_at(summary.texts().checkout.pay_until, session.expires_at) }
    }
}

/// Asks who pays.
#[derive(Template)]
#[template(path = "payer.html")]
pub(crate) struct PayerPage<'a> {
    shell: &'a Shell<'a>,
    t: &'static CheckoutTexts,
    summary: Summary<'a>,
    asking: Asking,
    /// What was typed, in the answer to the form itself; empty in every other.
    typed: &'a PayerForm,
    errors: PayerErrors,
    /// Then it is not asked for, nor shown.
    name_known: bool,
    email_required: bool,
}

impl<'a> PayerPage<'a> {
    pub(crate) fn new(shell: &'a Shell<'a>, summary: Summary<'a>, typed: &'a PayerForm, errors: PayerErrors) -> Self {
        // By the merchant: it awaits no more than their e-mail address.
        let name_known = summary.session.payer.is_some();
        let email_required = summary.session.email_receipt;
        let asking = Asking::new(&summary, Step::Details);
        Self { shell, t: &shell.texts().checkout, summary, asking, typed, errors, name_known, email_required }
    }
}

/// Asks which bank: for the first time, after an attempt that ended, or because the payer wants another.
#[derive(Template)]
#[template(path = "bank.html")]
pub(crate) struct BankPage<'a> {
    shell: &'a Shell<'a>,
    t: &'static CheckoutTexts,
    summary: Summary<'a>,
    asking: Asking,
    list: Option<BankList<'a>>,
    /// Why the last attempt came to nothing.
    ended: Option<Html>,
    /// What a new choice does to the one that is open.
    replaces: Option<Html>,
}

impl<'a> BankPage<'a> {
    pub(crate) fn new(shell: &'a Shell<'a>, mut summary: Summary<'a>, offers: &'a [Offer], view: &View) -> Self {
        let t = &shell.texts().checkout;
        let session = summary.session;
        let bank = bank_of(session, offers);
        summary.facts = summary.facts.name("bank", bank.unwrap_or(t.your_bank));
        let latest = session.attempt.as_ref();
        let ended = latest.and_then(|attempt| attempt.ended).map(|end| {
            summary.html(match end {
                AttemptEnd::DeclinedByPayer => t.ended_declined_by_payer,
                AttemptEnd::DeclinedByBank => t.ended_declined_by_bank,
                AttemptEnd::InsufficientFunds => t.ended_insufficient_funds,
                AttemptEnd::Cancelled => t.ended_cancelled,
                AttemptEnd::NotBegun => t.ended_not_begun,
            })
        });
        let open = latest.filter(|attempt| attempt.ended.is_none());
        let replaces = open.map(|_| {
            let at_consent = session.open_at_consent().is_some();
            summary.html(if at_consent { t.choose_another_intro_at_consent } else { t.choose_another_intro })
        });
        let asking = Asking::new(&summary, Step::Bank);
        Self { shell, t, asking, list: BankList::new(session, offers, view, t), summary, ended, replaces }
    }
}

/// Shows the way to the bank.
#[derive(Template)]
#[template(path = "consent.html")]
pub(crate) struct ConsentPage<'a> {
    shell: &'a Shell<'a>,
    t: &'static CheckoutTexts,
    summary: Summary<'a>,
    asking: Asking,
    bank_url: &'a str,
    /// Whether the payer's approval moves the money: then the bank has to give the payment up before anything else.
    at_consent: bool,
    may_choose_again: bool,
}

impl<'a> ConsentPage<'a> {
    pub(crate) fn new(shell: &'a Shell<'a>, mut summary: Summary<'a>, offers: &'a [Offer]) -> Self {
        let t = &shell.texts().checkout;
        let session: &Session = summary.session;
        summary.facts = summary.facts.name("bank", bank_of(session, offers).unwrap_or(t.your_bank));
        let url = session.attempt.as_ref().map_or("", |attempt| attempt.redirect_url.as_str());
        Self {
            shell,
            t,
            asking: Asking::new(&summary, Step::Approve),
            bank_url: own_path(session, url).unwrap_or(url),
            at_consent: session.open_at_consent().is_some(),
            may_choose_again: session.may_choose_again(),
            summary,
        }
    }
}

/// The time to pay has run out, and the bank has not said whether the payer approved.
#[derive(Template)]
#[template(path = "time_up.html")]
pub(crate) struct TimeUpPage<'a> {
    shell: &'a Shell<'a>,
    t: &'static CheckoutTexts,
    summary: Summary<'a>,
    checking: Checking,
}

impl<'a> TimeUpPage<'a> {
    pub(crate) fn new(
        shell: &'a Shell<'a>,
        mut summary: Summary<'a>,
        offers: &'a [Offer],
        view: &View,
        now: Timestamp,
    ) -> Self {
        let t = &shell.texts().checkout;
        summary.facts = summary.facts.name("bank", bank_of(summary.session, offers).unwrap_or(t.your_bank));
        Self { shell, t, checking: Checking::new(&summary, view, now), summary }
    }
}
