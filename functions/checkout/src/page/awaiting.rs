//! The pages of a session that awaits something: the payer, a bank, their consent.

use askama::Template;
use jiff::Timestamp;
use models::{MethodFamily, PaymentMethod, Session, SessionEvent};
use pages::{CheckoutTexts, Html, MethodTexts, Shell, Texts};
use providers::Offer;

use super::bank_list::{BankList, of_method};
use super::ended::{ended, family_of, replaces};
use super::pending::Checking;
use super::summary::Summary;
use crate::flow;
use crate::form::{EmailFor, PayerErrors, PayerForm};
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

    const fn name(self, texts: &Texts, by_bank_alone: bool) -> &'static str {
        match self {
            Self::Details => texts.checkout.step_details,
            Self::Bank if by_bank_alone => texts.checkout.step_bank,
            Self::Bank => texts.methods.step,
            Self::Approve => texts.checkout.step_approve,
        }
    }
}

/// What every asking page bears.
pub(super) struct Asking {
    pub(super) step: Step,
    /// The steps that this session has, by their names: who is known is not asked who they are.
    pub(super) steps: Vec<(Step, &'static str)>,
    pub(super) pay_until: Html,
    /// Whether it can be paid by bank and in no other way.
    pub(super) by_bank_alone: bool,
}

impl Asking {
    pub(super) fn new(summary: &Summary<'_>, step: Step) -> Self {
        let (session, texts) = (summary.session, summary.texts());
        let by_bank_alone = flow::by_bank_alone(session);
        let asked = step == Step::Details || session.history.count(SessionEvent::PayerIdentified) > 0;
        let steps = Step::ALL.into_iter().filter(|step| *step != Step::Details || asked);
        let steps = steps.map(|step| (step, step.name(texts, by_bank_alone))).collect();
        Self { step, steps, pay_until: summary.html_at(texts.checkout.pay_until, session.expires_at), by_bank_alone }
    }
}

/// Asks who pays.
#[derive(Template)]
#[template(path = "payer.html")]
pub(crate) struct PayerPage<'a> {
    shell: &'a Shell<'a>,
    t: &'static CheckoutTexts,
    m: &'static MethodTexts,
    summary: Summary<'a>,
    asking: Asking,
    /// What was typed, in the answer to the form itself; empty in every other.
    typed: &'a PayerForm,
    errors: PayerErrors,
    /// Then it is not asked for, nor shown.
    name_known: bool,
    /// Nothing is asked for but where the receipt goes.
    receipt_alone: bool,
    email_required: bool,
    email_hint: &'static str,
}

impl<'a> PayerPage<'a> {
    pub(crate) fn new(
        shell: &'a Shell<'a>,
        summary: Summary<'a>,
        email_for: EmailFor,
        typed: &'a PayerForm,
        errors: PayerErrors,
    ) -> Self {
        // By the merchant: it awaits no more than their e-mail address.
        let name_known = summary.session.payer.is_some();
        let asking = Asking::new(&summary, Step::Details);
        let (t, m) = (&shell.texts().checkout, &shell.texts().methods);
        let receipt_alone = name_known && email_for == EmailFor::Receipt;
        let (email_required, email_hint) = (email_for.is_required(), email_for.hint(t));
        Self { shell, t, m, summary, asking, typed, errors, name_known, receipt_alone, email_required, email_hint }
    }
}

/// Asks which bank: for the first time, after an attempt that ended, or because the payer wants another.
#[derive(Template)]
#[template(path = "bank.html")]
pub(crate) struct BankPage<'a> {
    shell: &'a Shell<'a>,
    t: &'static CheckoutTexts,
    m: &'static MethodTexts,
    summary: Summary<'a>,
    asking: Asking,
    list: Option<BankList<'a>>,
    /// Which of several ways to pay the list is of.
    method: Option<PaymentMethod>,
    /// Why the last attempt came to nothing.
    ended: Option<Html>,
    /// What a new choice does to the one that is open.
    replaces: Option<Html>,
}

impl<'a> BankPage<'a> {
    pub(crate) fn new(shell: &'a Shell<'a>, mut summary: Summary<'a>, offers: &'a [Offer], view: &View) -> Self {
        let (t, m) = (&shell.texts().checkout, &shell.texts().methods);
        summary.name_bank(offers);
        let asking = Asking::new(&summary, Step::Bank);
        let method = view.method.filter(|_| !asking.by_bank_alone);
        let listed = method.map_or_else(|| offers.iter().collect(), |method| of_method(offers, method));
        let list = BankList::new(summary.session, listed, view, t);
        // Said on the page before, where there is one.
        let ended = ended(&summary, offers).filter(|_| method.is_none());
        let replaces = replaces(&summary);
        Self { shell, t, m, asking, list, method, summary, ended, replaces }
    }
}

/// Shows the way to the bank.
#[derive(Template)]
#[template(path = "consent.html")]
pub(crate) struct ConsentPage<'a> {
    shell: &'a Shell<'a>,
    t: &'static CheckoutTexts,
    m: &'static MethodTexts,
    summary: Summary<'a>,
    asking: Asking,
    heading: &'static str,
    intro: &'static str,
    bank_url: &'a str,
    may_choose_again: bool,
}

impl<'a> ConsentPage<'a> {
    pub(crate) fn new(shell: &'a Shell<'a>, mut summary: Summary<'a>, offers: &'a [Offer]) -> Self {
        let (t, m) = (&shell.texts().checkout, &shell.texts().methods);
        summary.name_bank(offers);
        let session: &Session = summary.session;
        let (heading, intro) = approve(family_of(session, offers), shell.texts());
        let url = session.attempt.as_ref().map_or("", |attempt| attempt.redirect_url.as_str());
        Self {
            shell,
            t,
            m,
            asking: Asking::new(&summary, Step::Approve),
            heading,
            intro,
            bank_url: own_path(session, url).unwrap_or(url),
            may_choose_again: flow::may_choose_another(session),
            summary,
        }
    }
}

/// How the payer is led to where they approve, in the words of the way to pay.
pub(super) const fn approve(family: MethodFamily, texts: &Texts) -> (&'static str, &'static str) {
    let (t, m) = (&texts.checkout, &texts.methods);
    match family {
        MethodFamily::Card => (m.card_approve_heading, m.card_approve_intro),
        MethodFamily::Debit => (m.debit_approve_heading, m.debit_approve_intro),
        MethodFamily::Plan => (m.plan_approve_heading, m.plan_approve_intro),
        MethodFamily::Bank => (t.approve_heading, t.approve_intro),
    }
}

/// The time to pay has run out, and the bank has not said whether the payer approved.
#[derive(Template)]
#[template(path = "time_up.html")]
pub(crate) struct TimeUpPage<'a> {
    shell: &'a Shell<'a>,
    t: &'static CheckoutTexts,
    text: &'static str,
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
        summary.name_bank(offers);
        let by_transfer = summary.session.transfer().is_some();
        let text = if by_transfer { shell.texts().transfers.time_up_text } else { t.time_up_text };
        Self { shell, t, text, checking: Checking::new(&summary, view, now), summary }
    }
}
