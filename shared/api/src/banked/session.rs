//! Showing a session ("Payment Session Object").

use jiff::Timestamp;
use models::{
    AccountIdentifier, EmailAddress, LineItem, MerchantUrl, Metadata, Name, Payee, Refund, Session, SessionEvent,
    SessionState, left_of,
};
use serde::Serialize;

use super::{Dialect, RefundView};
use crate::answer::timestamp_text;

/// A payment session as Banked shows it.
#[derive(Debug, Serialize)]
pub struct SessionView<'a> {
    amount: i64,
    created_at: String,
    currency: &'static str,
    end_to_end_id: String,
    error_url: Option<&'a str>,
    id: String,
    line_items: Vec<LineItemView<'a>>,
    live: bool,
    payee: PayeeView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payer: Option<PayerView<'a>>,
    reference: &'a str,
    state: &'static str,
    success_url: Option<&'a str>,
    url: String,
    email_receipt: bool,
    refunds: Vec<RefundView<'a>>,
    refundable_amount: i64,
    pays_refund: Option<PaysRefundView>,
    expires_at: String,
    sent_at: Option<String>,
    failure_reason: Option<&'static str>,
    metadata: &'a Metadata,
    history: Vec<HistoryView>,
}

#[derive(Debug, Serialize)]
struct LineItemView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_cents: Option<i64>,
    currency: &'static str,
    description: Option<&'a str>,
    name: &'a str,
    quantity: u32,
}

#[derive(Debug, Serialize)]
struct PayeeView<'a> {
    account_number: Option<&'a str>,
    name: &'a str,
    sort_code: Option<&'a str>,
}

impl<'a> PayeeView<'a> {
    /// The format knows no other accounts than the United Kingdom's, and none else is accepted in it: there would be only a
    /// name.
    fn new(payee: &'a Payee) -> Self {
        let (sort_code, account_number) = match &payee.account {
            AccountIdentifier::UkAccount { sort_code, account_number } => {
                (Some(sort_code.as_str()), Some(account_number.as_str()))
            }
            AccountIdentifier::Iban { .. } => (None, None),
        };
        Self { account_number, name: payee.name.as_str(), sort_code }
    }
}

#[derive(Debug, Serialize)]
struct PayerView<'a> {
    name: &'a str,
    email: Option<&'a str>,
}

/// Which refund a session pays, and of which session that is.
#[derive(Debug, Serialize)]
struct PaysRefundView {
    id: String,
    payment_session_id: String,
}

#[derive(Debug, Serialize)]
struct HistoryView {
    sequence: usize,
    state: &'static str,
    at: String,
    cause: &'static str,
}

/// The six states of document 2; our own two read `failed`, with a `failure_reason`.
///
/// | ours | shown | failure_reason |
/// |---|---|---|
/// | the six of document 2 | the same | for `failed`: `declined_by_payer`, `declined_by_bank`, `insufficient_funds` |
/// | cancelled | `failed` | `cancelled_by_merchant`, `cancelled_by_payer` |
/// | expired | `failed` | `time_passed` |
pub const fn shown_state(state: SessionState) -> &'static str {
    match state {
        SessionState::AwaitingPayer
        | SessionState::AwaitingProvider
        | SessionState::AwaitingPaymentConsent
        | SessionState::Pending
        | SessionState::Sent
        | SessionState::Failed => state.as_str(),
        SessionState::Cancelled | SessionState::Expired => SessionState::Failed.as_str(),
    }
}

impl<'a> SessionView<'a> {
    /// The session as it is at `now`, with all of its refunds.
    pub fn new(session: &'a Session, refunds: &'a [Refund], dialect: Dialect, now: Timestamp) -> Self {
        let line_item = |item: &'a LineItem| {
            let minor = item.unit_price.minor();
            let (amount, amount_cents) = match dialect {
                Dialect::V2 => (Some(minor), None),
                Dialect::ApiV2 => (None, Some(minor)),
            };
            LineItemView {
                amount,
                amount_cents,
                currency: item.unit_price.currency().code(),
                description: item.description.as_ref().map(Name::as_str),
                name: item.name.as_str(),
                quantity: item.quantity,
            }
        };
        let history = session.history.iter().zip(1..).map(|(entry, sequence)| HistoryView {
            sequence,
            state: shown_state(entry.state),
            at: timestamp_text(entry.at),
            cause: entry.cause.as_str(),
        });
        Self {
            amount: session.amount.minor(),
            created_at: timestamp_text(session.created_at),
            currency: session.amount.currency().code(),
            end_to_end_id: session.end_to_end_id.to_string(),
            error_url: session.error_url.as_ref().map(MerchantUrl::as_str),
            id: session.id.to_string(),
            line_items: session.line_items.iter().map(line_item).collect(),
            live: session.mode == models::Mode::Live,
            payee: PayeeView::new(&session.payee),
            payer: session.payer.as_ref().map(|payer| PayerView {
                name: payer.name.as_str(),
                email: payer.email.as_ref().map(EmailAddress::as_str),
            }),
            reference: session.reference.as_str(),
            state: shown_state(session.state_at(now)),
            success_url: session.success_url.as_ref().map(MerchantUrl::as_str),
            url: session.checkout_url(),
            email_receipt: session.email_receipt,
            refunds: refunds.iter().map(|refund| RefundView::new(refund, now)).collect(),
            refundable_amount: session.refundable(now).map_or(0, |_| left_of(session.amount, refunds, now).minor()),
            pays_refund: session.pays_refund.as_ref().map(|paid| PaysRefundView {
                id: paid.refund_id.to_string(),
                payment_session_id: paid.session_id.to_string(),
            }),
            expires_at: timestamp_text(session.expires_at),
            sent_at: session.sent_at().map(timestamp_text),
            failure_reason: session.failure_reason_at(now).map(SessionEvent::as_str),
            metadata: &session.metadata,
            history: history.collect(),
        }
    }
}
