//! Refunds: of a transaction, all that is left of it or a part.

use std::collections::BTreeMap;

use jiff::Timestamp;
use models::{Metadata, MinorUnits, Money, NewRefund, NotRefundable, Refund, RefundState, SessionId, SessionState};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::extra::{RefundExtra, RefundReason};
use super::fields::{AMOUNT, text};
use super::{id, transaction};
use crate::api_request::ApiRequest;
use crate::error::{Refusal, Violation};
use crate::extra;
use crate::given::Given;
use crate::json::Json;
use crate::metadata::read_metadata;
#[cfg(test)]
use crate::openapi::types as doc;
use crate::violations::{A_STRING, A_TRUTH, A_WHOLE_NUMBER, Violations, infallible};

/// What a client calls the payment that it refunds.
pub(crate) const TRANSACTION: &str = "transaction";

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "YorletNewRefund", transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
pub(crate) struct RefundRequest {
    /// The transaction to refund.
    #[cfg_attr(test, schemars(with = "doc::TransactionId", extend("must_be_given" = true)))]
    #[serde(default)]
    transaction: Given<String>,
    /// At most what is left of it; all of that if left out.
    #[cfg_attr(test, schemars(range(min = 1, max = *AMOUNT.end())))]
    #[serde(default)]
    amount: Given<i64>,
    /// Your own notes; with the reason, at most 8192 bytes.
    #[cfg_attr(test, schemars(with = "doc::Notes"))]
    #[serde(default)]
    metadata: Given<BTreeMap<String, Given<String>>>,
    /// Why.
    #[cfg_attr(test, schemars(with = "RefundReason"))]
    #[serde(default)]
    reason: Given<String>,
    /// Why, in your own words.
    #[cfg_attr(test, schemars(with = "doc::Text<500>"))]
    #[serde(default)]
    reason_description: Given<String>,
    /// Kept and answered; there are no transfers here that could be reversed.
    #[cfg_attr(test, schemars(extend("default" = false)))]
    #[serde(default)]
    reverse_transfer: Given<bool>,
}

/// Reads a request for a refund.
///
/// # Errors
/// 400 with what is wrong; 404 if the transaction's id is none.
pub(crate) fn parse_refund(body: &Json<'_>) -> Result<NewRefund, Refusal> {
    let request: RefundRequest = body.object()?;
    let mut wrong = Violations::default();
    let shown_id = wrong.required(request.transaction, None, TRANSACTION, A_STRING, infallible);
    let amount = wrong.optional(request.amount, None, "amount", A_WHOLE_NUMBER, |minor| {
        let limits = 1..=*AMOUNT.end();
        if limits.contains(&minor) {
            Ok(MinorUnits::new(minor))
        } else {
            Err(format!("must be {} to {}", limits.start(), limits.end()))
        }
    });
    let metadata = read_metadata(request.metadata, None, &mut wrong).unwrap_or_default();
    let reason = wrong.optional(request.reason, None, "reason", A_STRING, |text| {
        let names = RefundReason::ALL.map(RefundReason::as_str).join(", ");
        RefundReason::ALL.into_iter().find(|reason| reason.as_str() == text).ok_or(format!("must be one of {names}"))
    });
    let reason_description = wrong.optional(request.reason_description, None, "reason_description", A_STRING, text);
    let reverse_transfer =
        wrong.optional(request.reverse_transfer, None, "reverse_transfer", A_TRUTH, infallible).unwrap_or(false);
    let kept = RefundExtra { metadata, reason, reason_description, reverse_transfer };
    let extra = match extra::write(&kept) {
        Ok(extra) => extra,
        Err(rule) => {
            wrong.add(None, "metadata", rule);
            None
        }
    };
    match shown_id {
        Some(shown) if wrong.0.is_empty() => {
            let session_id: SessionId = id::read_transaction(&shown).ok_or(Refusal::Unknown(TRANSACTION))?;
            Ok(NewRefund { amount, extra, ..NewRefund::of(session_id) })
        }
        Some(_) | None => Err(Refusal::Invalid(wrong.0)),
    }
}

/// A request for a refund.
pub(crate) fn refund_request(session: SessionId, amount: Money) -> ApiRequest {
    let body = json!({ "transaction": id::transaction(session), "amount": amount.minor() });
    ApiRequest::post("/v1/refunds".to_owned()).with(&body)
}

/// A request to cancel a session.
pub(crate) fn cancel_request(session: SessionId) -> ApiRequest {
    ApiRequest::post(format!("/v1/payment_sessions/{}/cancel", id::session(session)))
}

/// Why a transaction is not refunded.
pub(crate) fn not_refundable(why: NotRefundable) -> Refusal {
    let not_now = |title| Refusal::InvalidAction { title, parameter: Some(TRANSACTION) };
    match why {
        NotRefundable::PaysRefund => not_now("a transaction that pays a refund can't be refunded".to_owned()),
        NotRefundable::NotSent(state) => {
            let (is, should) = (transaction::shown_status(state), transaction::shown_status(SessionState::Sent));
            not_now(format!("a transaction that is {is} can't be refunded; only one that is {should}"))
        }
        NotRefundable::NotByBank(currency) => {
            not_now(format!("a transaction in {currency} can't be refunded unless its provider makes the refund"))
        }
        // No account can be given here.
        NotRefundable::TakenBack | NotRefundable::WrongAccount(_) | NotRefundable::TooMany => not_now(why.to_string()),
        NotRefundable::TooMuch { .. } | NotRefundable::NothingLeft { .. } => {
            Refusal::Invalid(vec![Violation::new(None, "amount", why)])
        }
    }
}

/// A refund as Yorlet shows it.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "YorletRefund"))]
#[derive(Debug, Serialize)]
pub(crate) struct RefundView {
    #[cfg_attr(test, schemars(with = "doc::YorletRefundId"))]
    id: String,
    #[cfg_attr(test, schemars(extend("const" = "refund")))]
    object: &'static str,
    amount: i64,
    /// Always null.
    balance_transaction: Option<()>,
    /// When it was made, in seconds since 1970.
    created: i64,
    #[cfg_attr(test, schemars(with = "doc::YorletCurrency"))]
    currency: String,
    /// Always null: it is the transaction's.
    customer: Option<()>,
    /// Always null.
    description: Option<()>,
    #[cfg_attr(test, schemars(with = "std::collections::BTreeMap<String, String>"))]
    metadata: Metadata,
    reason: Option<RefundReason>,
    reason_description: Option<String>,
    reverse_transfer: bool,
    #[cfg_attr(test, schemars(with = "doc::RefundStatus"))]
    status: &'static str,
    /// What is refunded.
    #[cfg_attr(test, schemars(with = "doc::TransactionId"))]
    transaction: String,
}

/// | ours | shown |
/// |---|---|
/// | awaiting_details, awaiting_payment | `pending` |
/// | sent | `succeeded` |
/// | failed | `failed` |
pub(crate) const fn shown_status(state: RefundState) -> &'static str {
    match state {
        RefundState::AwaitingDetails | RefundState::AwaitingPayment => "pending",
        RefundState::Sent => "succeeded",
        RefundState::Failed => "failed",
    }
}

impl RefundView {
    /// The refund as it is at `now`.
    pub(crate) fn new(refund: &Refund, now: Timestamp) -> Self {
        let RefundExtra { metadata, reason, reason_description, reverse_transfer } = extra::read(refund.extra.as_ref());
        Self {
            id: id::refund(refund.id),
            object: "refund",
            amount: refund.amount.minor(),
            balance_transaction: None,
            created: refund.created_at.as_second(),
            currency: refund.amount.currency().code().to_ascii_lowercase(),
            customer: None,
            description: None,
            metadata,
            reason,
            reason_description,
            reverse_transfer,
            status: shown_status(refund.state_at(now)),
            transaction: id::transaction(refund.session_id),
        }
    }
}
