//! What became of the attempt before a choice, and what the choice does to it: in the words of its way to pay.

use models::{AttemptEnd, MethodFamily, Session};
use pages::{Html, Texts};
use providers::Offer;

use super::summary::Summary;

/// By what kind of way the session's latest attempt is paid; by bank, if that is not known.
pub(super) fn family_of(session: &Session, offers: &[Offer]) -> MethodFamily {
    let of_attempt = |offer: &&Offer| session.attempt.as_ref().is_some_and(|attempt| attempt.chosen() == offer.id);
    offers.iter().find(of_attempt).map_or(MethodFamily::Bank, |offer| offer.method.family())
}

/// Why the last attempt came to nothing, if it did and the session went on.
pub(super) fn ended(summary: &Summary<'_>, offers: &[Offer]) -> Option<Html> {
    // That no money has left the payer's account is not so then, which the page says by itself.
    let session = Some(summary.session).filter(|session| session.late_money.is_none())?;
    let end = session.attempt.as_ref()?.ended?;
    Some(summary.html(ended_text(end, family_of(session, offers), summary.texts())))
}

const fn ended_text(end: AttemptEnd, family: MethodFamily, texts: &Texts) -> &'static str {
    let (t, m) = (&texts.checkout, &texts.methods);
    match (end, family) {
        (AttemptEnd::DeclinedByPayer, _) => t.ended_declined_by_payer,
        (AttemptEnd::DeclinedByBank, MethodFamily::Card) => m.card_ended_declined,
        (AttemptEnd::DeclinedByBank, MethodFamily::Debit) => m.debit_ended_declined,
        (AttemptEnd::DeclinedByBank | AttemptEnd::InsufficientFunds, MethodFamily::Plan) => m.plan_ended_declined,
        (AttemptEnd::DeclinedByBank, MethodFamily::Bank) => t.ended_declined_by_bank,
        (AttemptEnd::InsufficientFunds, MethodFamily::Card) => m.card_ended_insufficient_funds,
        (AttemptEnd::InsufficientFunds, MethodFamily::Debit) => m.debit_ended_insufficient_funds,
        (AttemptEnd::InsufficientFunds, MethodFamily::Bank) => t.ended_insufficient_funds,
        (AttemptEnd::Cancelled, _) => t.ended_cancelled,
        (AttemptEnd::NotBegun, _) => t.ended_not_begun,
    }
}

/// What a new choice does to the attempt that is open, if one is.
pub(super) fn replaces(summary: &Summary<'_>) -> Option<Html> {
    let (t, session) = (&summary.texts().checkout, summary.session);
    session.attempt.as_ref().filter(|attempt| attempt.ended.is_none())?;
    Some(summary.html(if session.transfer().is_some() {
        summary.texts().transfers.choose_another_intro
    } else if session.open_at_consent().is_some() {
        t.choose_another_intro_at_consent
    } else {
        t.choose_another_intro
    }))
}
