//! What states, events, ways to pay, acts and their reasons are called: here alone, so that one thing has one name.

use jiff::Timestamp;
use models::{
    Act, ActKind, ActReason, Actor, PaymentMethod, Refund, RefundEvent, RefundState, Session, SessionEvent,
    SessionState, TakenBackReason,
};

use crate::reason::Choice;

/// A state as a page shows it: in words, and in the colour of this class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) class: &'static str,
    pub(crate) text: &'static str,
}

/// How a session stands.
pub(crate) fn state_of(session: &Session, now: Timestamp) -> State {
    let state = session.state_at(now);
    if session.taken_back.is_some() {
        return State { class: "bad", text: "Paid, then taken back" };
    }
    State { class: class(state), text: state_text(state) }
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

pub(crate) const fn state_text(state: SessionState) -> &'static str {
    match state {
        SessionState::AwaitingPayer => "Awaits the payer",
        SessionState::AwaitingProvider => "Awaits a choice of how to pay",
        SessionState::AwaitingPaymentConsent => "Awaits the payer’s consent",
        SessionState::Pending => "Pending",
        SessionState::Sent => "Paid",
        SessionState::Failed => "Failed",
        SessionState::Cancelled => "Cancelled",
        SessionState::Expired => "Expired",
    }
}

/// How a refund stands.
pub(crate) fn refund_state_of(refund: &Refund, now: Timestamp) -> State {
    let state = refund.state_at(now);
    let text = match state {
        RefundState::AwaitingPayment if refund.at_provider.is_some() => "With the payment’s provider",
        RefundState::AwaitingPayment if refund.submitted => "Being sent",
        RefundState::AwaitingDetails | RefundState::AwaitingPayment | RefundState::Sent | RefundState::Failed => {
            refund_state_text(state)
        }
    };
    let class = match state {
        RefundState::AwaitingDetails | RefundState::AwaitingPayment => "wait",
        RefundState::Sent => "good",
        RefundState::Failed => "bad",
    };
    State { class, text }
}

pub(crate) const fn refund_state_text(state: RefundState) -> &'static str {
    match state {
        RefundState::AwaitingDetails => "Awaits the payer’s account",
        RefundState::AwaitingPayment => "Awaits your authorisation",
        RefundState::Sent => "Sent",
        RefundState::Failed => "Failed",
    }
}

/// What happened to a session.
pub(crate) const fn event_text(event: SessionEvent) -> &'static str {
    match event {
        SessionEvent::Created => "Created",
        SessionEvent::PayerIdentified => "The payer gave their details",
        SessionEvent::BankChosen => "The payer chose how to pay",
        SessionEvent::ConsentGiven => "The payer consented",
        SessionEvent::Settled => "Paid",
        SessionEvent::DeclinedByPayer => "The payer refused at their bank",
        SessionEvent::DeclinedByBank => "The bank refused",
        SessionEvent::InsufficientFunds => "The account did not hold enough",
        SessionEvent::Underpaid => "Too little was transferred, and returned",
        SessionEvent::CancelledByMerchant => "Cancelled by you",
        SessionEvent::CancelledByPayer => "Cancelled by the payer",
        SessionEvent::DeletedByMerchant => "Deleted by you",
        SessionEvent::TimePassed => "Its time ran out",
        SessionEvent::AttemptEnded => "The attempt ended; the payer may choose again",
    }
}

/// What happened to a refund.
pub(crate) const fn refund_event_text(event: RefundEvent) -> &'static str {
    match event {
        RefundEvent::Created => "Refund made",
        RefundEvent::DetailsGiven => "The payer gave their account",
        RefundEvent::Settled => "Refund sent",
        RefundEvent::DeclinedByPayer => "Refused at your bank",
        RefundEvent::DeclinedByBank => "The bank or provider refused",
        RefundEvent::InsufficientFunds => "Your account did not hold enough",
        RefundEvent::Underpaid => "Too little was transferred, and returned",
        RefundEvent::CancelledByMerchant => "Refund cancelled by you",
        RefundEvent::CancelledByPayer => "Cancelled where it was to be authorised",
        RefundEvent::DeletedByMerchant => "The payment of the refund was deleted",
        RefundEvent::TimePassed => "The refund’s time ran out",
    }
}

/// What somebody did; reads on after who.
pub(crate) const fn act_text(kind: ActKind) -> &'static str {
    match kind {
        ActKind::RefundMade => "made a refund",
        ActKind::RefundCancelled => "cancelled a refund",
        ActKind::RefundConcluded => "said what became of a refund",
        ActKind::PaymentCancelled => "cancelled the payment",
        ActKind::PersonalDataShown => "saw personal data",
        ActKind::SignedIn => "signed in",
        ActKind::SignedOut => "signed out",
        ActKind::SignInLinkMade => "made a sign-in link",
        ActKind::PersonAdded => "added a person",
        ActKind::RoleChanged => "changed a role",
        ActKind::PersonRemoved => "removed a person",
        ActKind::PersonalDataErased => "erased personal data",
        ActKind::WebhookRegistered => "registered a webhook endpoint",
        ActKind::WebhookChanged => "changed a webhook endpoint",
        ActKind::WebhookRemoved => "removed a webhook endpoint",
        ActKind::WebhookResumed => "resumed a webhook endpoint",
        ActKind::SecretRolled => "rolled a webhook’s secret",
        ActKind::EventResent => "had an event sent again",
        ActKind::TestEventSent => "sent a test event",
        ActKind::KeyIssued => "issued an API key",
        ActKind::KeyRolled => "rolled an API key",
        ActKind::KeyRevoked => "revoked an API key",
        ActKind::AccountLinked => "linked an account",
        ActKind::AccountUnlinked => "unlinked an account",
        ActKind::ShopChanged => "changed the shop",
        ActKind::PaymentLinkMade => "made a payment link",
        ActKind::Exported => "exported payments",
    }
}

/// Who acted: an address, or the name of the operator.
pub(crate) fn who(act: &Act) -> &str {
    match &act.who {
        Actor::Person(email) => email.as_str(),
        Actor::Operator(name) => name.as_str(),
    }
}

/// Why somebody did it. A note is in their own words, and may name anybody.
pub(crate) fn reason(reason: &ActReason) -> &str {
    match reason {
        ActReason::Returned | ActReason::NotDelivered | ActReason::Duplicate | ActReason::Goodwill => {
            Choice::of(reason).label()
        }
        ActReason::Other(note) => note.as_str(),
    }
}

/// The same, where it is none of the reasons that can be chosen, and so noted: none.
pub(crate) fn said_reason(of: &ActReason) -> Option<&str> {
    match of {
        ActReason::Returned | ActReason::NotDelivered | ActReason::Duplicate | ActReason::Goodwill => Some(reason(of)),
        ActReason::Other(_) => None,
    }
}

pub(crate) const fn taken_back_text(reason: TakenBackReason) -> &'static str {
    match reason {
        TakenBackReason::Chargeback => "the card’s holder disputed it",
        TakenBackReason::IndemnityClaim => "the payer claimed it under the Direct Debit Guarantee",
        TakenBackReason::Returned => "the payer’s bank returned the debit",
    }
}

pub(crate) const fn method_text(method: PaymentMethod) -> &'static str {
    match method {
        PaymentMethod::Card => "Card",
        PaymentMethod::CardPresent => "Card in a reader",
        PaymentMethod::BacsDebit => "Bacs Direct Debit",
        PaymentMethod::SepaDebit => "SEPA Direct Debit",
        PaymentMethod::Autogiro => "Autogiro",
        PaymentMethod::BankTransfer => "Bank transfer",
        PaymentMethod::DirectTransfer => "Direct transfer",
        PaymentMethod::GbpCreditTransfer => "Credit transfer",
        PaymentMethod::PayByBank => "Pay by bank",
        PaymentMethod::BuyNowPayLater => "Pay later",
    }
}

/// By which way a session is paid: the payer's choice, or the only one that is offered. None if that is open.
pub(crate) fn method_of(session: &Session) -> Option<PaymentMethod> {
    providers::method_of_session(session)
}
