//! The pages of a refund that is being made.

use api::{ApiRequest, Format};
use askama::Template;
use jiff::Timestamp;
use models::{AccountKind, Money, Refund, RefundPayee, RefundState, Session};
use pages::{Facts, Html, Language, Shell};
use payments::RefundWay;

use super::form::{Asked, AskedOf, Errors, RefundForm};
use crate::counterfoil;
use crate::curl;
use crate::frame::Frame;
use crate::paths::{payment_path, refund_path};
use crate::reason::ReasonField;
use crate::texts::texts;
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
        Some(curl::command(self.base_url, &request))
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
    amount_label: String,
    /// That the money goes to the account that the payment came from, if it does.
    to_payer: Option<String>,
    seen: u32,
    typed: &'a RefundForm,
    wrong: Errors,
    errors: Vec<(&'static str, String)>,
    reason: ReasonField,
    news: Option<String>,
    same: Option<String>,
    command: String,
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
        let t = frame.texts().refunds;
        let facts = Facts::new(frame.language).text("currency", summary.left.currency().code());
        Self {
            shell: frame.shell(),
            frame,
            payment_path: payment_path(frame.mode, id),
            path: refund_path(frame.mode, id),
            amount_label: facts.plain(t.amount_label),
            to_payer: summary.payers_account().map(|end| facts.text("end", end).plain(t.to_payer)),
            seen,
            typed,
            wrong,
            errors,
            reason,
            news,
            same: summary.command(summary.left, None),
            command: counterfoil::refund(id, summary.left, None, None, seen),
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
    button: String,
    same: Option<String>,
    command: String,
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
        let t = frame.texts().refunds;
        let is_asked = asked.payee.is_none() && summary.asked_kind().is_some();
        let to = match (summary.way, end) {
            (RefundWay::ToPayer(_) | RefundWay::ToBeAsked(_), Some(_)) => t.check_account,
            (RefundWay::ToBeAsked(_), None) if summary.has_email => t.check_by_email,
            (RefundWay::ToBeAsked(_), None) => t.check_by_link,
            (RefundWay::ByProvider, _) => t.check_by_provider,
            // Such a payment has no form: nothing is left of it.
            (RefundWay::None, _) | (RefundWay::ToPayer(_), None) => t.check_amount,
        };
        let stay = if stays.minor() > 0 { t.stays } else { t.nothing_stays };
        let receipts = summary.session.email_receipt;
        let notified = match (summary.has_email, is_asked, receipts) {
            (true, true, true) => t.notified_now_and_sent,
            (true, true, false) => t.notified_now,
            (true, false, true) => t.notified_sent,
            (true | false, false, false) | (false, ..) => t.notified_webhooks,
        };
        Self {
            shell: frame.shell(),
            frame,
            path: refund_path(frame.mode, summary.session.id),
            form,
            amount: asked.amount,
            sentence: facts.html(&format!("{to} {stay}")),
            notified,
            reason: words::reason(&asked.reason, frame.language).to_owned(),
            button: facts.plain(t.refund_button),
            same: summary.command(asked.amount, asked.payee.as_ref()),
            command: counterfoil::refund(
                summary.session.id,
                asked.amount,
                asked.payee.as_ref(),
                Some(&asked.reason),
                form.seen,
            ),
            summary,
        }
    }
}

/// What was refunded meanwhile, and what is left of it, in words.
pub(super) fn meanwhile(since: &[Refund], left: Option<Money>, language: Language, now: Timestamp) -> String {
    let t = texts(language).refunds;
    let mut words = Vec::new();
    for refund in since {
        let facts = Facts::new(language).amount("amount", &refund.amount);
        words.push(facts.plain(match refund.state_at(now) {
            RefundState::Failed => t.meanwhile_failed,
            RefundState::AwaitingDetails | RefundState::AwaitingPayment | RefundState::Sent => t.meanwhile_refunded,
        }));
    }
    if words.is_empty() {
        words.push(t.meanwhile_other.to_owned());
    }
    words.push(t.nothing_done.to_owned());
    if let Some(left) = left {
        words.push(Facts::new(language).amount("left", &left).plain(t.check_left));
    }
    words.join(" ")
}
