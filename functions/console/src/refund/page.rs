//! The pages of a refund that is being made.

use api::{ApiRequest, Format};
use askama::Template;
use jiff::Timestamp;
use models::{AccountKind, Money, Refund, RefundPayee, RefundState, Session};
use pages::{Facts, Html, Language, Shell};
use payments::RefundWay;

use super::form::{Asked, AskedOf, Errors, RefundForm};
use crate::curl::command;
use crate::frame::Frame;
use crate::paths::{payment_path, refund_path};
use crate::reason::ReasonField;
use crate::words;

/// What both pages show of the payment.
pub(super) struct Summary<'a> {
    session: &'a Session,
    left: Money,
    /// What has been refunded, or is being.
    refunded: Money,
    way: RefundWay<'a>,
    has_email: bool,
    base_url: &'a str,
}

impl<'a> Summary<'a> {
    pub(super) fn new(
        session: &'a Session,
        refunds: &[Refund],
        left: Money,
        way: RefundWay<'a>,
        base_url: &'a str,
        now: Timestamp,
    ) -> Self {
        let refunded = refunds.iter().filter(|refund| refund.state_at(now) != RefundState::Failed);
        let refunded =
            refunded.fold(Money::zero(left.currency()), |sum, refund| sum.checked_add(refund.amount).unwrap_or(sum));
        let has_email = session.payer.as_ref().is_some_and(|payer| payer.email.is_some());
        Self { session, left, refunded, way, has_email, base_url }
    }

    /// What kind of account is to be given or asked for, if one is.
    const fn asked_kind(&self) -> Option<AccountKind> {
        match self.way {
            RefundWay::ToBeAsked(kind) => Some(kind),
            RefundWay::ByProvider | RefundWay::ToPayer(_) | RefundWay::None => None,
        }
    }

    /// The end of the number of the account that the payment came from, if the money goes there.
    fn payers_account(&self) -> Option<&str> {
        match self.way {
            RefundWay::ToPayer(payee) => Some(payee.account.last_four()),
            RefundWay::ByProvider | RefundWay::ToBeAsked(_) | RefundWay::None => None,
        }
    }

    const fn is_by_provider(&self) -> bool {
        matches!(self.way, RefundWay::ByProvider)
    }

    /// The same by the API, where the session's format can say it.
    fn command(&self, amount: Money, payee: Option<&RefundPayee>) -> Option<String> {
        let format = Format::of_stored(self.session.format).ok()?;
        let request: ApiRequest = format.refund_request(self.session.id, amount, payee)?;
        Some(command(self.base_url, &request))
    }
}

/// The form.
#[derive(Template)]
#[template(path = "refund_form.html")]
pub(super) struct FormPage<'a> {
    shell: Shell<'a>,
    frame: &'a Frame<'a>,
    summary: Summary<'a>,
    payment_path: String,
    path: String,
    seen: u32,
    typed: &'a RefundForm,
    wrong: Errors,
    errors: Vec<(&'static str, String)>,
    reason: ReasonField,
    news: Option<String>,
    same: Option<String>,
}

impl<'a> FormPage<'a> {
    pub(super) fn new(
        frame: &'a Frame<'a>,
        summary: Summary<'a>,
        seen: u32,
        typed: &'a RefundForm,
        wrong: Option<Box<(Errors, ReasonField)>>,
        news: Option<String>,
    ) -> Self {
        let wrong = wrong.unwrap_or_else(|| Box::new((Errors::default(), typed.reason_field())));
        let (wrong, reason) = *wrong;
        let errors = [wrong.list(), reason.errors()].concat();
        let id = summary.session.id;
        Self {
            shell: frame.shell(),
            frame,
            payment_path: payment_path(frame.mode, id),
            path: refund_path(frame.mode, id),
            seen,
            typed,
            wrong,
            errors,
            reason,
            news,
            same: summary.command(summary.left, None),
            summary,
        }
    }
}

/// Says in words what will be done.
#[derive(Template)]
#[template(path = "refund_check.html")]
pub(super) struct CheckPage<'a> {
    shell: Shell<'a>,
    frame: &'a Frame<'a>,
    summary: Summary<'a>,
    path: String,
    form: &'a RefundForm,
    amount: Money,
    sentence: Html,
    notified: &'static str,
    reason: String,
    same: Option<String>,
}

impl<'a> CheckPage<'a> {
    pub(super) fn new(frame: &'a Frame<'a>, summary: Summary<'a>, form: &'a RefundForm, asked: &Asked) -> Self {
        let stays = summary.left.minor().saturating_sub(asked.amount.minor());
        let stays = Money::new(models::MinorUnits::new(stays), asked.amount.currency());
        let end = asked.payee.as_ref().map(|payee| payee.account.last_four()).or_else(|| summary.payers_account());
        let facts = Facts::new(frame.language)
            .amount("amount", &asked.amount)
            .amount("paid", &summary.session.amount)
            .amount("stays", &stays)
            .text("end", end.unwrap_or_default());
        let is_asked = asked.payee.is_none() && summary.asked_kind().is_some();
        let to = match (summary.way, end) {
            (RefundWay::ToPayer(_) | RefundWay::ToBeAsked(_), Some(_)) => {
                "{amount} of {paid} to the account ending {end}."
            }
            (RefundWay::ToBeAsked(_), None) if summary.has_email => {
                "{amount} of {paid}. The payer is asked by e-mail where the money goes."
            }
            (RefundWay::ToBeAsked(_), None) => {
                "{amount} of {paid}. No e-mail address of the payer is known: pass the refund’s link on to them, it asks \
                 where the money goes."
            }
            (RefundWay::ByProvider, _) => "{amount} of {paid}, sent back by the payment’s own provider.",
            // Such a payment has no form: nothing is left of it.
            (RefundWay::None, _) | (RefundWay::ToPayer(_), None) => "{amount} of {paid}.",
        };
        let stay = if stays.minor() > 0 { "{stays} stays." } else { "Nothing stays." };
        let receipts = summary.session.email_receipt;
        let notified = match (summary.has_email, is_asked, receipts) {
            (true, true, true) => "The payer, by e-mail: now, and when the money is sent. Your webhooks.",
            (true, true, false) => "The payer, by e-mail, now. Your webhooks.",
            (true, false, true) => "The payer, by e-mail, when the money is sent. Your webhooks.",
            (true | false, false, false) | (false, ..) => "Your webhooks. The payer is not.",
        };
        Self {
            shell: frame.shell(),
            frame,
            path: refund_path(frame.mode, summary.session.id),
            form,
            amount: asked.amount,
            sentence: facts.html(&format!("{to} {stay}")),
            notified,
            reason: words::reason(&asked.reason).to_owned(),
            same: summary.command(asked.amount, asked.payee.as_ref()),
            summary,
        }
    }
}

/// What was refunded meanwhile, and what is left of it, in words.
pub(super) fn meanwhile(since: &[Refund], left: Option<Money>, language: Language, now: Timestamp) -> String {
    let mut words = Vec::new();
    for refund in since {
        let amount = language.amount(&refund.amount);
        words.push(match refund.state_at(now) {
            RefundState::Failed => format!("Meanwhile somebody made a refund of {amount}, which has failed."),
            RefundState::AwaitingDetails | RefundState::AwaitingPayment | RefundState::Sent => {
                format!("Meanwhile somebody refunded {amount}.")
            }
        });
    }
    if words.is_empty() {
        words.push("The payment’s refunds are not those that you saw.".to_owned());
    }
    words.push("Nothing was done with this form.".to_owned());
    if let Some(left) = left {
        words.push(format!("{} is left: check the amount again.", language.amount(&left)));
    }
    words.join(" ")
}
