//! What came of a payment: sent, or not.

use askama::Template;
use jiff::Timestamp;
use models::{MethodFamily, Money, Session, SessionEvent, SessionState};
use pages::{CheckoutTexts, Html, MethodTexts, Shell};
use providers::Offer;

use super::ended::family_of;
use super::summary::Summary;

/// How a result looks: good, the bank's refusal, or an end without either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Good,
    Refused,
    Ended,
}

/// What came of it, and the way on to the merchant.
#[derive(Template)]
#[template(path = "result.html")]
pub(crate) struct ResultPage<'a> {
    shell: &'a Shell<'a>,
    t: &'static CheckoutTexts,
    m: &'static MethodTexts,
    summary: Summary<'a>,
    mark: Mark,
    heading: &'static str,
    texts: Vec<&'static str>,
    sent: Option<Sent>,
    way_on: Option<String>,
}

/// What a payer may want to keep of a payment that was made.
struct Sent {
    at: Option<Html>,
    end_to_end_id: String,
    receipt: bool,
    /// The card it was paid with, if it was.
    card: Option<String>,
}

impl<'a> ResultPage<'a> {
    /// The money is sent.
    pub(crate) fn sent(shell: &'a Shell<'a>, summary: Summary<'a>, offers: &[Offer], now: Timestamp) -> Self {
        let (t, m) = (&shell.texts().checkout, &shell.texts().methods);
        let session = summary.session;
        let has_email = session.payer.as_ref().is_some_and(|payer| payer.email.is_some());
        let sent = Sent {
            at: session.sent_at().map(|at| summary.time(at)),
            end_to_end_id: session.end_to_end_id.to_string(),
            receipt: session.email_receipt && has_email,
            card: session.card.map(|card| shell.card(&card)),
        };
        let (heading, came_to) =
            if summary.pays_refund() { (t.refund_sent_heading, t.refunded) } else { (t.sent_heading, t.paid) };
        let mut texts = vec![match family_of(session, offers) {
            MethodFamily::Debit => m.debit_paid_text,
            MethodFamily::Card => m.paid_text,
            MethodFamily::Plan => m.plan_paid_text,
            MethodFamily::Bank => t.sent_text,
        }];
        if session.taken_back.is_some() {
            texts.push(m.taken_back);
        }
        if too_much(session).is_some() {
            texts.push(shell.texts().transfers.excess);
        }
        let page = Self::of(shell, summary, Mark::Good, (heading, texts), came_to, now);
        Self { sent: Some(sent), ..page }
    }

    /// It ended otherwise.
    pub(crate) fn not_sent(
        shell: &'a Shell<'a>,
        summary: Summary<'a>,
        cause: Option<SessionEvent>,
        offers: &[Offer],
        now: Timestamp,
    ) -> Self {
        let (t, m, x) = (&shell.texts().checkout, &shell.texts().methods, &shell.texts().transfers);
        let family = family_of(summary.session, offers);
        let by_card = family == MethodFamily::Card;
        let by_plan = family == MethodFamily::Plan;
        // A refund is made again by its merchant, who is the one that reads this.
        let then = if summary.pays_refund() { t.expired_again_refund } else { t.start_again };
        let (mark, heading, texts) = match cause {
            Some(SessionEvent::DeclinedByPayer) => (Mark::Ended, t.declined_by_payer, vec![t.no_money_left, then]),
            Some(SessionEvent::DeclinedByBank) if by_card => {
                (Mark::Refused, m.card_declined, vec![m.no_money_taken, t.bank_can_say_why, then])
            }
            Some(SessionEvent::DeclinedByBank | SessionEvent::InsufficientFunds) if by_plan => {
                (Mark::Refused, m.plan_declined, vec![m.no_money_taken, then])
            }
            Some(SessionEvent::InsufficientFunds) if by_card => {
                (Mark::Refused, m.card_insufficient_funds, vec![m.no_money_taken, then])
            }
            Some(SessionEvent::DeclinedByBank) => {
                (Mark::Refused, t.declined_by_bank, vec![t.no_money_left, t.bank_can_say_why, then])
            }
            Some(SessionEvent::InsufficientFunds) => (Mark::Refused, t.insufficient_funds, vec![t.no_money_left, then]),
            Some(SessionEvent::CancelledByPayer) => (Mark::Ended, t.cancelled_by_payer, vec![t.no_money_left, then]),
            Some(SessionEvent::CancelledByMerchant | SessionEvent::DeletedByMerchant) => {
                (Mark::Ended, t.cancelled_by_shop, vec![t.no_money_left])
            }
            Some(SessionEvent::TimePassed) => {
                let then = if summary.pays_refund() { t.expired_again_refund } else { t.expired_again };
                (Mark::Ended, t.expired_heading, vec![t.no_money_left, then])
            }
            Some(SessionEvent::Underpaid) => (Mark::Ended, x.underpaid_heading, vec![x.underpaid_returned, then]),
            // None of these ends a session.
            Some(
                SessionEvent::Created
                | SessionEvent::PayerIdentified
                | SessionEvent::BankChosen
                | SessionEvent::ConsentGiven
                | SessionEvent::AttemptEnded
                | SessionEvent::Settled,
            )
            | None => {
                let not_made = if summary.pays_refund() { t.refund_not_made } else { t.payment_not_made };
                (Mark::Ended, not_made, Vec::new())
            }
        };
        // Whatever ended it: the bank has the last word on its money.
        let texts = match &summary.session.late_money {
            Some(_) => vec![t.late_money],
            None => texts,
        };
        let came_to = if summary.pays_refund() { t.not_refunded } else { t.not_paid };
        Self::of(shell, summary, mark, (heading, texts), came_to, now)
    }

    fn of(
        shell: &'a Shell<'a>,
        mut summary: Summary<'a>,
        mark: Mark,
        (heading, texts): (&'static str, Vec<&'static str>),
        came_to: &'static str,
        now: Timestamp,
    ) -> Self {
        let way_on = api::return_url(summary.session, now);
        summary.came_to = Some(came_to);
        for (name, amount) in [("excess", too_much(summary.session)), ("returned", summary.session.returned())] {
            if let Some(amount) = amount {
                summary.facts = summary.facts.amount(name, &amount);
            }
        }
        let (t, m) = (&shell.texts().checkout, &shell.texts().methods);
        Self { shell, t, m, summary, mark, heading, texts, sent: None, way_on }
    }
}

/// What was sent beyond the amount: by transfers to the attempt that it was paid by, and to others that were closed.
fn too_much(session: &Session) -> Option<Money> {
    let late = session.late_money.as_ref().filter(|_| session.state == SessionState::Sent);
    // Where its provider does not say how much came, it is all that was asked for.
    let amount = |minor| Money::new(minor, session.amount.currency());
    let late = late.map(|late| late.amount_minor.map_or(session.amount, amount));
    match (session.excess(), late) {
        (Some(excess), Some(late)) => excess.checked_add(late).ok(),
        (excess, None) => excess,
        (None, late) => late,
    }
}
