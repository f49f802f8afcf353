//! Refunds ("Refund a payment session").

use jiff::Timestamp;
use models::{
    AccountIdentifier, MinorUnits, Money, NewRefund, NotRefundable, Reference, Refund, RefundEvent, RefundId,
    RefundPayee, SessionId,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::create::{PayeeRequest, name_and_account};
use super::payment_id;
use crate::answer::timestamp_text;
use crate::api_request::ApiRequest;
use crate::error::{Refusal, Violation};
use crate::given::{Given, Object};
use crate::json::Json;
#[cfg(test)]
use crate::openapi::types as doc;
use crate::violations::{A_STRING, A_WHOLE_NUMBER, Violations};

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "NewRefund", transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
pub(crate) struct RefundRequest {
    /// The session to refund.
    #[cfg_attr(test, schemars(with = "doc::Id", extend("must_be_given" = true)))]
    #[serde(default)]
    payment_session_id: Given<String>,
    /// At most what is left of the payment, the session's `refundable_amount`; all of that if left out.
    #[cfg_attr(test, schemars(range(min = 1)))]
    #[serde(default)]
    amount: Given<i64>,
    /// Stands on the bank statement; the session's own if left out.
    #[cfg_attr(test, schemars(with = "doc::Reference"))]
    #[serde(default)]
    reference: Given<String>,
    /// Where the refund payment session's checkout leads after success; every `__PAYMENT_ID__` in it becomes that
    /// session's id.
    #[cfg_attr(test, schemars(with = "doc::MerchantUrl"))]
    #[serde(default)]
    success_url: Given<String>,
    /// Where the refund payment session's checkout leads after failure; every `__PAYMENT_ID__` in it becomes that
    /// session's id.
    #[cfg_attr(test, schemars(with = "doc::MerchantUrl"))]
    #[serde(default)]
    error_url: Given<String>,
    /// The customer's account. Used only where the payer's bank did not share the one that was paid from; must be
    /// right all the same. Its `name` is the payer's if left out.
    #[serde(default)]
    payee: Given<Object<PayeeRequest>>,
}

/// Reads a request for a refund.
///
/// # Errors
/// 400 if it can't be read at all; else 422 with everything that is wrong.
pub(crate) fn parse_refund(body: &Json<'_>) -> Result<NewRefund, Refusal> {
    let request: RefundRequest = body.object()?;
    let mut wrong = Violations::default();
    let id = |text: String| text.parse::<SessionId>().map_err(|_| "must be the id of a payment session");
    let session_id = wrong.required(request.payment_session_id, "invalid_request", "payment_session_id", A_STRING, id);
    let positive = |minor: i64| if minor >= 1 { Ok(MinorUnits::new(minor)) } else { Err("must be at least 1") };
    let amount = wrong.optional(request.amount, "invalid_amount", "amount", A_WHOLE_NUMBER, positive);
    let reference = wrong.optional(request.reference, "invalid_reference", "reference", A_STRING, Reference::try_from);
    let url = payment_id::of_refund;
    let success_url = wrong.optional(request.success_url, "invalid_success_url", "success_url", A_STRING, url);
    let error_url = wrong.optional(request.error_url, "invalid_error_url", "error_url", A_STRING, url);
    let payee = match request.payee {
        Given::Nothing => None,
        Given::Wrong => {
            wrong.add("invalid_payee_account_identifier", "payee", "must be an object");
            None
        }
        Given::Value(Object(payee)) => {
            let (name, account) = name_and_account(payee, &mut wrong);
            account.map(|account| RefundPayee { name, account })
        }
    };
    match session_id {
        Some(session_id) if wrong.0.is_empty() => {
            Ok(NewRefund { amount, reference, success_url, error_url, payee, ..NewRefund::of(session_id) })
        }
        Some(_) | None => Err(Refusal::Invalid(wrong.0)),
    }
}

/// A request for a refund; none to an account that a payee can't have.
pub(crate) fn refund_request(session: SessionId, amount: Money, payee: Option<&RefundPayee>) -> Option<ApiRequest> {
    let mut body = json!({ "payment_session_id": session, "amount": amount.minor() });
    if let (Some(RefundPayee { name, account }), Some(fields)) = (payee, body.as_object_mut()) {
        let AccountIdentifier::UkAccount { sort_code, account_number } = account else { return None };
        let mut payee = json!({ "sort_code": sort_code.as_str(), "account_number": account_number.as_str() });
        if let (Some(name), Some(fields)) = (name, payee.as_object_mut()) {
            fields.insert("name".to_owned(), name.as_str().into());
        }
        fields.insert("payee".to_owned(), payee);
    }
    Some(ApiRequest::post("/v2/refunds".to_owned()).with(&body))
}

/// A request to cancel a session.
pub(crate) fn cancel_request(session: SessionId) -> ApiRequest {
    ApiRequest::post(format!("/v2/payment_sessions/{session}/cancel"))
}

/// A request to cancel a refund.
pub(crate) fn cancel_refund_request(refund: RefundId) -> ApiRequest {
    ApiRequest::post(format!("/v2/refunds/{refund}/cancel"))
}

/// Why a session is not refunded: 409 for what it is, 422 for an amount above what is left of it or an account that can't receive it.
pub(crate) fn not_refundable(why: NotRefundable) -> Refusal {
    match why {
        NotRefundable::PaysRefund
        | NotRefundable::NotSent(_)
        | NotRefundable::TakenBack
        | NotRefundable::NotByBank(_)
        | NotRefundable::TooMany => {
            Refusal::InvalidAction { title: why.to_string(), parameter: Some("payment_session_id") }
        }
        NotRefundable::WrongAccount(wrong) => {
            Refusal::Invalid(vec![Violation::new("invalid_payee_account_identifier", "payee", wrong)])
        }
        NotRefundable::TooMuch { .. } | NotRefundable::NothingLeft { .. } => {
            Refusal::Invalid(vec![Violation::new("invalid_amount", "amount", why)])
        }
    }
}

/// A refund as Banked shows it, and what we add: from `id` on.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Refund"))]
#[derive(Debug, Serialize)]
pub(crate) struct RefundView<'a> {
    #[cfg_attr(test, schemars(range(min = 1)))]
    amount: i64,
    /// For people.
    #[cfg_attr(test, schemars(extend("examples" = ["£4.00"])))]
    amount_formatted: String,
    /// The session that is refunded.
    #[cfg_attr(test, schemars(with = "doc::Id"))]
    payment_session_id: String,
    /// The session that pays it; null until there is one, and if the payment's own provider makes the refund.
    #[cfg_attr(test, schemars(with = "Option<doc::Id>"))]
    refund_payment_session_id: Option<String>,
    #[cfg_attr(test, schemars(with = "doc::RefundState"))]
    state: &'static str,
    /// The customer's page, which asks for the account if it is not known and says how the refund stands.
    #[cfg_attr(test, schemars(with = "doc::Url"))]
    url: String,
    /// Anyone who knows it can open the customer's page.
    #[cfg_attr(test, schemars(with = "doc::Id"))]
    id: String,
    #[cfg_attr(test, schemars(with = "doc::Reference"))]
    reference: &'a str,
    #[cfg_attr(test, schemars(with = "doc::Timestamp"))]
    created_at: String,
    /// When the bank sent the money.
    #[cfg_attr(test, schemars(with = "Option<doc::Timestamp>"))]
    sent_at: Option<String>,
    /// Why it is `failed`. It ends as the session that pays it does, whose payer is the merchant;
    /// `deleted_by_merchant` if that session was deleted, `declined_by_bank` if the payment's own provider refused it.
    #[cfg_attr(test, schemars(with = "Option<doc::RefundFailureReason>"))]
    failure_reason: Option<&'static str>,
}

impl<'a> RefundView<'a> {
    /// The refund as it is at `now`.
    pub(crate) fn new(refund: &'a Refund, now: Timestamp) -> Self {
        Self {
            amount: refund.amount.minor(),
            amount_formatted: refund.amount.to_string(),
            payment_session_id: refund.session_id.to_string(),
            refund_payment_session_id: refund.payment_session_id.map(|id| id.to_string()),
            state: refund.state_at(now).as_str(),
            url: refund.page_url(),
            id: refund.id.to_string(),
            reference: refund.reference.as_str(),
            created_at: timestamp_text(refund.created_at),
            sent_at: refund.sent_at().map(timestamp_text),
            failure_reason: refund.failure_reason_at(now).map(RefundEvent::as_str),
        }
    }
}
