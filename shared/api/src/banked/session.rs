//! Showing a session ("Payment Session Object").

use jiff::Timestamp;
use models::{
    AccountIdentifier, EmailAddress, LineItem, Locale, MerchantUrl, Metadata, Name, Payee, Refund, Session,
    SessionEvent, SessionState, left_of,
};
use serde::Serialize;

use super::{Dialect, RefundView};
use crate::answer::timestamp_text;
#[cfg(test)]
use crate::openapi::types as doc;

/// A payment session as Banked shows it.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "PaymentSession"))]
#[derive(Debug, Serialize)]
pub(crate) struct SessionView<'a> {
    /// The sum of amount × quantity over the line items.
    amount: i64,
    #[cfg_attr(test, schemars(with = "doc::Timestamp"))]
    created_at: String,
    #[cfg_attr(test, schemars(with = "doc::Currency"))]
    currency: &'static str,
    /// Identifies the payment for all parties, the banks included. Does not open the checkout.
    #[cfg_attr(test, schemars(with = "doc::Id"))]
    end_to_end_id: String,
    #[cfg_attr(test, schemars(with = "Option<doc::MerchantUrl>"))]
    error_url: Option<&'a str>,
    /// Anyone who knows it can open the checkout.
    #[cfg_attr(test, schemars(with = "doc::Id"))]
    id: String,
    line_items: Vec<LineItemView<'a>>,
    /// By the API key that created it.
    live: bool,
    payee: PayeeView<'a>,
    /// There once the payer is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    payer: Option<PayerView<'a>>,
    #[cfg_attr(test, schemars(with = "doc::Reference"))]
    reference: &'a str,
    #[cfg_attr(test, schemars(with = "doc::State"))]
    state: &'static str,
    #[cfg_attr(test, schemars(with = "Option<doc::MerchantUrl>"))]
    success_url: Option<&'a str>,
    /// The checkout. Send the payer there.
    #[cfg_attr(test, schemars(with = "doc::Url"))]
    url: String,
    email_receipt: bool,
    /// There and true if a payer whose bank refuses may choose a bank again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    retry: bool,
    /// There if it was given at creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<&'a str>,
    /// There if it follows a test clock, which it was given at creation: all of its times are by that.
    #[cfg_attr(test, schemars(with = "doc::Id"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    test_clock: Option<String>,
    /// All refunds of it, oldest first.
    #[cfg_attr(test, schemars(extend("maxItems" = models::MAX_REFUNDS)))]
    refunds: Vec<RefundView<'a>>,
    /// What of `amount` is left to refund; 0 unless it is `sent`, and if it pays a refund itself.
    #[cfg_attr(test, schemars(range(min = 0)))]
    refundable_amount: i64,
    /// Which refund it pays. Such a session comes with a refund and can't be refunded. Its payee is the customer; the
    /// merchant authorises it at its `url`, within 7 days.
    pays_refund: Option<PaysRefundView>,
    /// Until when it can be paid.
    #[cfg_attr(test, schemars(with = "doc::Timestamp"))]
    expires_at: String,
    /// When the bank sent the money.
    #[cfg_attr(test, schemars(with = "Option<doc::Timestamp>"))]
    sent_at: Option<String>,
    /// Why it is `failed`; `deleted_by_merchant` in the event of the deletion alone.
    #[cfg_attr(test, schemars(with = "Option<doc::FailureReason>"))]
    failure_reason: Option<&'static str>,
    #[cfg_attr(test, schemars(with = "std::collections::BTreeMap<String, String>"))]
    metadata: &'a Metadata,
    /// Everything that happened, oldest first.
    #[cfg_attr(test, schemars(length(min = 1)))]
    history: Vec<HistoryView>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "LineItem"))]
#[derive(Debug, Serialize)]
struct LineItemView<'a> {
    /// The price of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<i64>,
    /// The price of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_cents: Option<i64>,
    #[cfg_attr(test, schemars(with = "doc::Currency"))]
    currency: &'static str,
    description: Option<&'a str>,
    name: &'a str,
    quantity: u32,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct PayeeView<'a> {
    #[cfg_attr(test, schemars(with = "doc::Digits<8>"))]
    account_number: Option<&'a str>,
    name: &'a str,
    #[cfg_attr(test, schemars(with = "doc::Digits<6>"))]
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

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct PayerView<'a> {
    name: &'a str,
    email: Option<&'a str>,
}

/// Which refund a session pays, and of which session that is.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct PaysRefundView {
    /// The refund.
    #[cfg_attr(test, schemars(with = "doc::Id"))]
    id: String,
    /// The session that is refunded.
    #[cfg_attr(test, schemars(with = "doc::Id"))]
    payment_session_id: String,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct HistoryView {
    /// Without gaps, from 1.
    #[cfg_attr(test, schemars(range(min = 1)))]
    sequence: usize,
    #[cfg_attr(test, schemars(with = "doc::State"))]
    state: &'static str,
    /// When it happened, by our clocks or by the test clock, and never before the entry before it. It may be some seconds before the entry could
    /// first be read, since its write can take them. Entries that earlier versions stored may be up to half a minute earlier
    /// than the one before.
    #[cfg_attr(test, schemars(with = "doc::Timestamp"))]
    at: String,
    #[cfg_attr(test, schemars(with = "doc::Cause"))]
    cause: &'static str,
}

/// The six states of document 2; our own two read `failed`, with a `failure_reason`.
///
/// | ours | shown | failure_reason |
/// |---|---|---|
/// | the six of document 2 | the same | for `failed`: `declined_by_payer`, `declined_by_bank`, `insufficient_funds` |
/// | cancelled | `failed` | `cancelled_by_merchant`, `cancelled_by_payer` |
/// | expired | `failed` | `time_passed` |
pub(crate) const fn shown_state(state: SessionState) -> &'static str {
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
    pub(crate) fn new(session: &'a Session, refunds: &'a [Refund], dialect: Dialect, now: Timestamp) -> Self {
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
            retry: session.retry,
            locale: session.locale.as_ref().map(Locale::as_str),
            test_clock: session.test_clock.map(|clock| clock.id.to_string()),
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
