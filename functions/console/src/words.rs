//! What states, events, ways to pay, acts and their reasons are called: here alone, so that one thing has one name.

use jiff::Timestamp;
use models::{
    Act, ActKind, ActOutcome, ActReason, Actor, EndpointFaults, OperatorName, PaymentMethod, Refund, RefundEvent,
    RefundState, Session, SessionEvent, SessionState, TakenBackReason,
};
use outbound::Failure;
use pages::{Facts, Language};

use crate::reason::ReasonChoice;
use crate::texts::texts;

/// A state as a page shows it: in words, and in the colour of this class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) class: &'static str,
    pub(crate) text: &'static str,
}

/// How a session stands.
pub(crate) fn state_of(session: &Session, language: Language, now: Timestamp) -> State {
    let state = session.state_at(now);
    if session.taken_back.is_some() {
        return State { class: "bad", text: texts(language).words.taken_back };
    }
    State { class: class(state), text: state_text(state, language) }
}

const fn class(state: SessionState) -> &'static str {
    match state {
        SessionState::AwaitingPayer
        | SessionState::AwaitingProvider
        | SessionState::AwaitingPaymentConsent
        | SessionState::Pending => "wait",
        SessionState::Sent => "good",
        SessionState::Failed => "bad",
        SessionState::Cancelled | SessionState::Expired => "",
    }
}

pub(crate) const fn state_text(state: SessionState, language: Language) -> &'static str {
    let t = texts(language).words;
    match state {
        SessionState::AwaitingPayer => t.awaits_payer,
        SessionState::AwaitingProvider => t.awaits_choice,
        SessionState::AwaitingPaymentConsent => t.awaits_consent,
        SessionState::Pending => t.pending,
        SessionState::Sent => t.paid,
        SessionState::Failed => t.failed,
        SessionState::Cancelled => t.cancelled,
        SessionState::Expired => t.expired,
    }
}

/// How a refund stands.
pub(crate) fn refund_state_of(refund: &Refund, language: Language, now: Timestamp) -> State {
    let t = texts(language).words;
    let state = refund.state_at(now);
    let text = match state {
        RefundState::AwaitingPayment if refund.at_provider.is_some() => t.refund_at_provider,
        RefundState::AwaitingPayment if refund.submitted => t.refund_being_sent,
        RefundState::AwaitingDetails | RefundState::AwaitingPayment | RefundState::Sent | RefundState::Failed => {
            refund_state_text(state, language)
        }
    };
    let class = match state {
        RefundState::AwaitingDetails | RefundState::AwaitingPayment => "wait",
        RefundState::Sent => "good",
        RefundState::Failed => "bad",
    };
    State { class, text }
}

pub(crate) const fn refund_state_text(state: RefundState, language: Language) -> &'static str {
    let t = texts(language).words;
    match state {
        RefundState::AwaitingDetails => t.refund_awaits_account,
        RefundState::AwaitingPayment => t.refund_awaits_authorisation,
        RefundState::Sent => t.refund_sent,
        RefundState::Failed => t.failed,
    }
}

/// What happened to a session.
pub(crate) const fn event_text(event: SessionEvent, language: Language) -> &'static str {
    let t = texts(language).words;
    match event {
        SessionEvent::Created => t.created,
        SessionEvent::PayerIdentified => t.payer_identified,
        SessionEvent::BankChosen => t.way_chosen,
        SessionEvent::ConsentGiven => t.consent_given,
        SessionEvent::Settled => t.settled,
        SessionEvent::DeclinedByPayer => t.declined_by_payer,
        SessionEvent::DeclinedByBank => t.declined_by_bank,
        SessionEvent::InsufficientFunds => t.insufficient_funds,
        SessionEvent::Underpaid => t.underpaid,
        SessionEvent::CancelledByMerchant => t.cancelled_by_merchant,
        SessionEvent::CancelledByPayer => t.cancelled_by_payer,
        SessionEvent::DeletedByMerchant => t.deleted_by_merchant,
        SessionEvent::TimePassed => t.time_passed,
        SessionEvent::AttemptEnded => t.attempt_ended,
    }
}

/// What happened to a refund.
pub(crate) const fn refund_event_text(event: RefundEvent, language: Language) -> &'static str {
    let t = texts(language).words;
    match event {
        RefundEvent::Created => t.refund_created,
        RefundEvent::DetailsGiven => t.refund_details_given,
        RefundEvent::Settled => t.refund_settled,
        RefundEvent::DeclinedByPayer => t.refund_declined,
        RefundEvent::DeclinedByBank => t.refund_declined_by_bank,
        RefundEvent::InsufficientFunds => t.refund_insufficient_funds,
        RefundEvent::Underpaid => t.underpaid,
        RefundEvent::CancelledByMerchant => t.refund_cancelled,
        RefundEvent::CancelledByPayer => t.refund_cancelled_at_bank,
        RefundEvent::DeletedByMerchant => t.refund_payment_deleted,
        RefundEvent::TimePassed => t.refund_time_passed,
    }
}

/// What somebody did, without who.
const fn act_text(kind: ActKind, language: Language) -> &'static str {
    let t = texts(language).words;
    match kind {
        ActKind::RefundMade => t.act_refund_made,
        ActKind::RefundCancelled => t.act_refund_cancelled,
        ActKind::RefundConcluded => t.act_refund_concluded,
        ActKind::PaymentCancelled => t.act_payment_cancelled,
        ActKind::PersonalDataShown => t.act_personal_data_shown,
        ActKind::SignedIn => t.act_signed_in,
        ActKind::SignedOut => t.act_signed_out,
        ActKind::SignInLinkMade => t.act_sign_in_link_made,
        ActKind::PersonAdded => t.act_person_added,
        ActKind::RoleChanged => t.act_role_changed,
        ActKind::PersonRemoved => t.act_person_removed,
        ActKind::PersonalDataErased => t.act_personal_data_erased,
        ActKind::WebhookRegistered => t.act_webhook_registered,
        ActKind::WebhookChanged => t.act_webhook_changed,
        ActKind::WebhookRemoved => t.act_webhook_removed,
        ActKind::WebhookResumed => t.act_webhook_resumed,
        ActKind::SecretRolled => t.act_secret_rolled,
        ActKind::EventResent => t.act_event_resent,
        ActKind::TestEventSent => t.act_test_event_sent,
        ActKind::KeyIssued => t.act_key_issued,
        ActKind::KeyRolled => t.act_key_rolled,
        ActKind::KeyRevoked => t.act_key_revoked,
        ActKind::AccountLinked => t.act_account_linked,
        ActKind::AccountUnlinked => t.act_account_unlinked,
        ActKind::ShopChanged => t.act_shop_changed,
        ActKind::PaymentLinkMade => t.act_payment_link_made,
        ActKind::Exported => t.act_exported,
    }
}

/// Who did what, or was refused it.
pub(crate) fn deed(who: &str, act: &Act, language: Language) -> String {
    let t = texts(language).words;
    let text = match &act.outcome {
        ActOutcome::Done => t.did,
        ActOutcome::Refused(_) => t.was_refused,
    };
    Facts::new(language).text("who", who).text("what", act_text(act.what, language)).plain(text)
}

/// Who acted, as it is kept: an address, or the name of the operator.
pub(crate) fn who(act: &Act) -> &str {
    match &act.who {
        Actor::Person(email) => email.as_str(),
        Actor::Operator(name) => name.as_str(),
    }
}

/// The same as a page shows it.
pub(crate) fn who_in_words(act: &Act, language: Language) -> &str {
    match &act.who {
        Actor::Operator(name) if name.as_str() == OperatorName::UNKNOWN => texts(language).words.unknown_operator,
        Actor::Person(_) | Actor::Operator(_) => who(act),
    }
}

/// Why somebody did it. A note is in their own words, and may name anybody.
pub(crate) fn reason(reason: &ActReason, language: Language) -> &str {
    match reason {
        ActReason::Returned | ActReason::NotDelivered | ActReason::Duplicate | ActReason::Goodwill => {
            ReasonChoice::of(reason).label(texts(language).words)
        }
        ActReason::Other(note) => note.as_str(),
    }
}

/// The same, where it is none of the reasons that can be chosen, and so noted: none.
pub(crate) fn said_reason(of: &ActReason, language: Language) -> Option<&str> {
    match of {
        ActReason::Returned | ActReason::NotDelivered | ActReason::Duplicate | ActReason::Goodwill => {
            Some(reason(of, language))
        }
        ActReason::Other(_) => None,
    }
}

pub(crate) const fn taken_back_text(reason: TakenBackReason, language: Language) -> &'static str {
    let t = texts(language).words;
    match reason {
        TakenBackReason::Chargeback => t.taken_back_chargeback,
        TakenBackReason::IndemnityClaim => t.taken_back_indemnity,
        TakenBackReason::Returned => t.taken_back_returned,
    }
}

pub(crate) const fn method_text(method: PaymentMethod, language: Language) -> &'static str {
    let t = texts(language).words;
    match method {
        PaymentMethod::Card => t.method_card,
        PaymentMethod::CardPresent => t.method_card_present,
        PaymentMethod::BacsDebit => t.method_bacs_debit,
        PaymentMethod::SepaDebit => t.method_sepa_debit,
        PaymentMethod::Autogiro => t.method_autogiro,
        PaymentMethod::BankTransfer => t.method_bank_transfer,
        PaymentMethod::DirectTransfer => t.method_direct_transfer,
        PaymentMethod::GbpCreditTransfer => t.method_gbp_credit_transfer,
        PaymentMethod::PayByBank => t.method_pay_by_bank,
        PaymentMethod::BuyNowPayLater => t.method_buy_now_pay_later,
    }
}

/// By which way a session is paid: the payer's choice, or the only one that is offered. None if that is open.
pub(crate) fn method_of(session: &Session) -> Option<PaymentMethod> {
    providers::method_of_session(session)
}

/// Why a delivery had no answer. It is kept in English: what another release says is shown as it is.
pub(crate) fn why_unanswered(error: &str, language: Language) -> &str {
    let t = texts(language).webhooks;
    if error == EndpointFaults::FAILED_ON_PURPOSE {
        return t.failed_on_purpose;
    }
    let known = [
        (Failure::TimedOut, t.timed_out),
        (Failure::NotAtOnce, t.not_at_once),
        (Failure::ConnectionFailed, t.connection_failed),
        (Failure::NameNotFound, t.name_not_found),
        (Failure::AddressNotAllowed, t.address_not_allowed),
        (Failure::PortNotAllowed, t.port_not_allowed),
        (Failure::TlsFailed, t.tls_failed),
    ];
    known.into_iter().find(|(failure, _)| failure.to_string() == error).map_or(error, |(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_there_was_no_answer_is_said_in_the_readers_language() {
        let failures = [
            Failure::TimedOut,
            Failure::NotAtOnce,
            Failure::ConnectionFailed,
            Failure::NameNotFound,
            Failure::AddressNotAllowed,
            Failure::PortNotAllowed,
            Failure::TlsFailed,
        ];
        let on_purpose = EndpointFaults::FAILED_ON_PURPOSE.to_owned();
        for error in failures.map(|failure| failure.to_string()).into_iter().chain([on_purpose]) {
            assert_eq!(why_unanswered(&error, Language::English), error);
            assert_ne!(why_unanswered(&error, Language::German), error);
        }
        assert_eq!(why_unanswered("a word of tomorrow", Language::German), "a word of tomorrow");
    }
}
