//! Showing a transaction: how the money of a session stands.

use jiff::Timestamp;
use models::{
    Card, CardBrand, Description, LastFour, Metadata, PaymentMethod, Refund, RefundState, Session, SessionEvent,
    SessionState,
};
use serde::Serialize;

use super::extra::{ReportingType, SessionExtra};
use super::id;
use crate::extra;
#[cfg(test)]
use crate::openapi::types as doc;

/// A transaction as Yorlet shows it: there from its session's creation on, under an id of its own.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "YorletTransaction"))]
#[derive(Debug, Serialize)]
pub(crate) struct TransactionView<'a> {
    #[cfg_attr(test, schemars(with = "doc::TransactionId"))]
    id: String,
    #[cfg_attr(test, schemars(extend("const" = "transaction")))]
    object: &'static str,
    /// When its session was created, in seconds since 1970.
    created: i64,
    amount: i64,
    /// What of it went back: the sum of its refunds that have `succeeded`.
    amount_refunded: i64,
    #[cfg_attr(test, schemars(extend("const" = "automatic")))]
    capture_method: &'static str,
    /// When the payer confirmed the payment.
    confirmed_at: Option<i64>,
    #[cfg_attr(test, schemars(with = "doc::YorletCurrency"))]
    currency: String,
    /// Null once personal data is removed.
    #[cfg_attr(test, schemars(with = "Option<doc::CustomerId>"))]
    customer: Option<String>,
    description: Option<&'a str>,
    /// Whether the payer's bank took the money back.
    disputed: bool,
    /// Why it is `canceled`, if the payment failed.
    last_payment_error: Option<PaymentErrorView>,
    #[cfg_attr(test, schemars(with = "std::collections::BTreeMap<String, String>"))]
    metadata: &'a Metadata,
    /// What the payer has to do.
    next_action: Option<NextActionView>,
    /// When the money was sent.
    paid_at: Option<i64>,
    /// How it is paid; null while that is not known.
    payment_method: Option<PaymentMethodView>,
    #[cfg_attr(test, schemars(with = "Vec<doc::PaymentMethodType>"))]
    payment_method_types: &'a [PaymentMethod],
    #[cfg_attr(test, schemars(with = "doc::PaymentSessionId"))]
    payment_session: String,
    /// Always null.
    processing: Option<()>,
    /// The checkout's last page, once it is paid.
    #[cfg_attr(test, schemars(with = "Option<doc::Url>"))]
    receipt_url: Option<String>,
    /// Whether all of it went back.
    refunded: bool,
    reporting_type: ReportingType,
    #[cfg_attr(test, schemars(with = "doc::TransactionStatus"))]
    status: &'static str,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct PaymentErrorView {
    #[cfg_attr(test, schemars(with = "doc::FailureReason"))]
    code: &'static str,
    failed_at: i64,
    message: &'static str,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct NextActionView {
    #[serde(rename = "type")]
    #[cfg_attr(test, schemars(extend("const" = "redirect_to_url")))]
    kind: &'static str,
    redirect_to_url: RedirectView,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct RedirectView {
    /// The checkout, for the payer.
    #[cfg_attr(test, schemars(with = "doc::Url"))]
    url: String,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct PaymentMethodView {
    #[serde(rename = "type")]
    #[cfg_attr(test, schemars(with = "doc::PaymentMethodType"))]
    method: PaymentMethod,
    /// The card, once it has paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<CardView>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct CardView {
    #[cfg_attr(test, schemars(with = "doc::CardBrand"))]
    brand: CardBrand,
    #[cfg_attr(test, schemars(with = "doc::Digits<4>"))]
    last4: LastFour,
}

impl From<Card> for CardView {
    fn from(Card { brand, last_four }: Card) -> Self {
        Self { brand, last4: last_four }
    }
}

/// | ours | shown |
/// |---|---|
/// | awaiting_payer, awaiting_provider | `requires_payment_method` |
/// | awaiting_payment_consent | `requires_action` |
/// | pending | `processing` |
/// | sent | `succeeded` |
/// | failed, cancelled, expired | `canceled` |
pub(crate) const fn shown_status(state: SessionState) -> &'static str {
    match state {
        SessionState::AwaitingPayer | SessionState::AwaitingProvider => "requires_payment_method",
        SessionState::AwaitingPaymentConsent => "requires_action",
        SessionState::Pending => "processing",
        SessionState::Sent => "succeeded",
        SessionState::Failed | SessionState::Cancelled | SessionState::Expired => "canceled",
    }
}

impl<'a> TransactionView<'a> {
    /// The transaction of a session as it is at `now`, with all of its refunds.
    pub(crate) fn new(session: &'a Session, refunds: &[Refund], now: Timestamp) -> Self {
        let state = session.state_at(now);
        let status = status(session, state);
        let extra: SessionExtra = extra::read(session.extra.as_ref());
        let sent = refunds.iter().filter(|refund| refund.state == RefundState::Sent);
        let amount_refunded = sent.fold(0_i64, |sum, refund| sum.saturating_add(refund.amount.minor()));
        let next_action = || NextActionView {
            kind: "redirect_to_url",
            redirect_to_url: RedirectView { url: session.checkout_url() },
        };
        Self {
            id: id::transaction(session.id),
            object: "transaction",
            created: session.created_at.as_second(),
            amount: session.amount.minor(),
            amount_refunded,
            capture_method: "automatic",
            confirmed_at: session.pending_since().map(Timestamp::as_second),
            currency: session.amount.currency().code().to_ascii_lowercase(),
            customer: session.customer_id.map(id::customer),
            description: session.description.as_ref().map(Description::as_str),
            disputed: session.taken_back.is_some(),
            last_payment_error: payment_error(session),
            metadata: &session.metadata,
            next_action: (status == shown_status(SessionState::AwaitingPaymentConsent)).then(next_action),
            paid_at: session.sent_at().map(Timestamp::as_second),
            payment_method: payment_method(session),
            payment_method_types: session.payment_methods.as_slice(),
            payment_session: id::session(session.id),
            processing: None,
            receipt_url: (state == SessionState::Sent).then(|| session.checkout_url()),
            refunded: amount_refunded >= session.amount.minor(),
            reporting_type: extra.reporting_type,
            status,
        }
    }
}

/// The status by the state, but that it is `processing` from the time on when the payer has instructions for a transfer: the
/// rest happens at their own bank.
fn status(session: &Session, state: SessionState) -> &'static str {
    let awaits_transfer = state == SessionState::AwaitingPaymentConsent && session.transfer().is_some();
    shown_status(if awaits_transfer { SessionState::Pending } else { state })
}

/// How it is paid: by the card that paid, or where the session offers one way.
fn payment_method(session: &Session) -> Option<PaymentMethodView> {
    let card = session.card.map(CardView::from);
    match (session.payment_methods.as_slice(), card) {
        (_, Some(card)) => Some(PaymentMethodView { method: PaymentMethod::Card, card: Some(card) }),
        ([method], None) => Some(PaymentMethodView { method: *method, card: None }),
        (_, None) => None,
    }
}

/// Why the payment failed: of a session that failed, what ended it.
fn payment_error(session: &Session) -> Option<PaymentErrorView> {
    if session.state != SessionState::Failed {
        return None;
    }
    let entry = session.history.last()?;
    let message = match entry.cause {
        SessionEvent::DeclinedByPayer => "the payer refused at their bank",
        SessionEvent::DeclinedByBank => "the payer's bank refused",
        SessionEvent::InsufficientFunds => "the payer's account did not hold enough",
        SessionEvent::Underpaid => "less than the amount was transferred in time, and was returned",
        // None of these makes a session failed.
        SessionEvent::Created
        | SessionEvent::PayerIdentified
        | SessionEvent::BankChosen
        | SessionEvent::ConsentGiven
        | SessionEvent::Settled
        | SessionEvent::CancelledByMerchant
        | SessionEvent::CancelledByPayer
        | SessionEvent::DeletedByMerchant
        | SessionEvent::TimePassed
        | SessionEvent::AttemptEnded => "the payment failed",
    };
    Some(PaymentErrorView { code: entry.cause.as_str(), failed_at: entry.at.as_second(), message })
}
