//! Refunds: reading what is asked for, and showing it. Here a refund is a session of its own, of the type `Refund`.

use jiff::Timestamp;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{MAX_REFUNDS, Money, NewRefund, NotRefundable, Reference, Refund, SessionId, SessionState};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::extra::RefundExtra;
use super::fields::{AN_AMOUNT, Amount, Text, amount, at_most, object, required, text, text_of};
use super::id;
use super::query::read_state;
use super::status::{REFUND_ABORTED, refund_status, refund_transfer_state, shown_status};
use crate::answer::{Answer, json};
use crate::api_request::ApiRequest;
use crate::error::{Refusal, Violation};
use crate::extra;
use crate::given::{Given, Object};
use crate::json::Json;
use crate::list::RefundListRequest;
#[cfg(test)]
use crate::openapi::types as doc;
use crate::violations::{A_STRING, Violations, infallible};

/// What a client calls the payment that is refunded.
pub(crate) const SESSION_ID: &str = "meta.session_id";

const AMOUNT: &str = "data.attributes.amount";
const COMMUNICATION: &str = "data.attributes.communication";

/// A request for a refund.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FintectureNewRefund", transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
pub(crate) struct RefundRequest {
    #[cfg_attr(test, schemars(extend("must_be_given" = true)))]
    #[serde(default)]
    meta: Given<Object<RefundMeta>>,
    #[serde(default)]
    data: Given<Object<RefundData>>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, transform = doc::may_be_null))]
#[derive(Debug, Default, Deserialize)]
struct RefundMeta {
    /// The payment to refund.
    #[cfg_attr(test, schemars(with = "doc::Hex", extend("must_be_given" = true)))]
    #[serde(default)]
    session_id: Given<String>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, transform = doc::may_be_null))]
#[derive(Debug, Default, Deserialize)]
struct RefundData {
    #[serde(default)]
    attributes: Given<Object<RefundAttributes>>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, transform = doc::may_be_null))]
#[derive(Debug, Default, Deserialize)]
struct RefundAttributes {
    /// At most what is left of the payment; all of that if left out or empty.
    #[cfg_attr(test, schemars(with = "doc::GivenAmount"))]
    #[serde(default)]
    amount: Given<Box<RawValue>>,
    /// Stands on the bank statement, if it can.
    #[cfg_attr(test, schemars(with = "doc::Text<140>"))]
    #[serde(default)]
    communication: Given<Text>,
}

/// Reads a request for a refund.
///
/// # Errors
/// 400 with everything that is wrong; 404 if the payment's id is none.
pub(crate) fn parse_refund(request: &Request, body: &Json<'_>) -> Result<NewRefund, Refusal> {
    let RefundRequest { meta, data } = body.object()?;
    let mut wrong = Violations::default();
    let meta = object(&mut wrong, meta, "meta").unwrap_or_default();
    let data = object(&mut wrong, data, "data").unwrap_or_default();
    let attributes = object(&mut wrong, data.attributes, "data.attributes").unwrap_or_default();
    let shown_id = required(&mut wrong, meta.session_id, SESSION_ID, A_STRING, infallible);
    // One client writes an empty text where all that is left is meant.
    let given = if is_empty(&attributes.amount) { Given::Nothing } else { attributes.amount };
    let amount = wrong.optional(given, None, AMOUNT, AN_AMOUNT, |raw| amount(&raw));
    let communication = text(&mut wrong, attributes.communication, COMMUNICATION, at_most(140));
    let state = read_state(request.uri().query().unwrap_or(""), &mut wrong)?;
    let reference = communication.clone().and_then(|text| Reference::try_from(text).ok());
    let (amount, amount_text) = amount.map(|Amount { text, minor }| (minor, text)).unzip();
    let extra = extra::write(&RefundExtra { amount: amount_text, communication, state }).unwrap_or_else(|rule| {
        wrong.add(None, COMMUNICATION, rule);
        None
    });
    match shown_id {
        Some(shown) if wrong.0.is_empty() => {
            let session_id: SessionId = id::read_session(&shown).ok_or(Refusal::Unknown(SESSION_ID))?;
            Ok(NewRefund { amount, reference, extra, ..NewRefund::of(session_id) })
        }
        Some(_) | None => Err(Refusal::Invalid(wrong.0)),
    }
}

/// A request for a refund.
pub(crate) fn refund_request(session: SessionId, amount: Money) -> ApiRequest {
    let attributes = serde_json::json!({ "amount": amount.to_decimal() });
    let body = serde_json::json!({ "meta": { "session_id": session.to_hex() }, "data": { "attributes": attributes } });
    ApiRequest { idempotency_header: Some("X-Request-ID"), ..ApiRequest::post("/pis/v2/refund".to_owned()).with(&body) }
}

fn is_empty(given: &Given<Box<RawValue>>) -> bool {
    matches!(given, Given::Value(raw) if text_of(raw).is_some_and(|text| text.is_empty()))
}

/// Why a session is not refunded.
pub(crate) fn not_refundable(why: NotRefundable) -> Refusal {
    let violation = match why {
        NotRefundable::TooMuch { left } => {
            let rule = format!("must be at most {}, which is what is left of the payment", left.to_decimal());
            Violation::new(REFUND_ABORTED, AMOUNT, rule)
        }
        NotRefundable::NothingLeft { .. } => {
            Violation::new(REFUND_ABORTED, AMOUNT, "can't be refunded: nothing is left")
        }
        NotRefundable::NotSent(state) => {
            let (is, should) = (shown_status(state), shown_status(SessionState::Sent));
            Violation::new(
                REFUND_ABORTED,
                SESSION_ID,
                format!("names a payment that is {is}; only {should} can be refunded"),
            )
        }
        // No account can be given here.
        NotRefundable::PaysRefund
        | NotRefundable::TakenBack
        | NotRefundable::WrongAccount(_)
        | NotRefundable::NotByBank(_)
        | NotRefundable::TooMany => {
            Violation { code: Some(REFUND_ABORTED), parameter: Some(SESSION_ID.to_owned()), title: why.to_string() }
        }
    };
    Refusal::Invalid(vec![violation])
}

/// Reads of which session the refunds are asked for: all of them, on one page. Parameters are ignored, as the vendor's
/// clients send some that say nothing of refunds.
///
/// # Errors
/// 404 if the session's id is none.
pub(crate) fn list_of(id: &str, _query: &str) -> Result<RefundListRequest, Refusal> {
    let session_id = id::read_session(id).ok_or(Refusal::Unknown(SESSION_ID))?;
    Ok(RefundListRequest { session_id, limit: MAX_REFUNDS as usize, beside: None })
}

/// A refund as Fintecture shows it: as a session, which names the one that it refunds.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FintectureRefund"))]
#[derive(Debug, Serialize)]
pub(crate) struct RefundView {
    meta: MetaView,
    data: DataView,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct MetaView {
    /// The refund's own id.
    #[cfg_attr(test, schemars(with = "doc::Hex"))]
    session_id: String,
    /// The payment's.
    #[cfg_attr(test, schemars(with = "doc::Hex"))]
    refunded_session_id: String,
    /// The query's `state`, if its making had one.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[cfg_attr(test, schemars(with = "doc::FintectureRefundStatus"))]
    status: &'static str,
    /// The status once more, where a client expects it that made the refund; else 200, as that of every session.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Code>,
    #[serde(rename = "type")]
    #[cfg_attr(test, schemars(extend("const" = REFUND)))]
    kind: &'static str,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Code {
    Status(&'static str),
    Http(#[cfg_attr(test, schemars(with = "doc::HttpStatus"))] u16),
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct DataView {
    #[cfg_attr(test, schemars(with = "doc::Hex"))]
    id: String,
    #[serde(rename = "type")]
    #[cfg_attr(test, schemars(extend("const" = REFUND)))]
    kind: &'static str,
    #[cfg_attr(test, schemars(with = "doc::FintectureTransferState"))]
    transfer_state: &'static str,
    attributes: AttributesView,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct AttributesView {
    /// As it was sent.
    #[cfg_attr(test, schemars(with = "doc::DecimalAmount"))]
    amount: String,
    #[cfg_attr(test, schemars(with = "doc::FintectureCurrency"))]
    currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    communication: Option<String>,
    #[cfg_attr(test, schemars(with = "doc::FintectureTransferState"))]
    transfer_state: &'static str,
}

/// A refund among others.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FintectureListedRefund"))]
#[derive(Debug, Serialize)]
struct ItemView {
    meta: MetaView,
    #[serde(flatten)]
    data: DataView,
}

/// All refunds of a session.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FintectureRefundList"))]
#[derive(Debug, Serialize)]
pub(crate) struct ListView {
    meta: ListMetaView,
    data: Vec<ItemView>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct ListMetaView {
    #[serde(rename = "totalItems")]
    total_items: usize,
    #[serde(rename = "totalPages")]
    total_pages: usize,
}

/// The type of a refund, among sessions.
pub(super) const REFUND: &str = "Refund";

impl RefundView {
    /// The refund as it was made.
    pub(crate) fn created(refund: &Refund) -> Self {
        Self::new(refund, refund.created_at, |status| Some(Code::Status(status)))
    }

    fn new(refund: &Refund, now: Timestamp, code: impl FnOnce(&'static str) -> Option<Code>) -> Self {
        let RefundExtra { amount, communication, state } = extra::read(refund.extra.as_ref());
        let (status, transfer_state) = (refund_status(refund, now), refund_transfer_state(refund, now));
        let id = refund.id.to_hex();
        Self {
            meta: MetaView {
                session_id: id.clone(),
                refunded_session_id: refund.session_id.to_hex(),
                state,
                status,
                code: code(status),
                kind: REFUND,
            },
            data: DataView {
                id,
                kind: REFUND,
                transfer_state,
                attributes: AttributesView {
                    amount: amount.unwrap_or_else(|| refund.amount.to_decimal()),
                    currency: refund.amount.currency().code(),
                    communication,
                    transfer_state,
                },
            },
        }
    }
}

/// The answer to the making of a refund.
///
/// # Errors
/// 500 if it can't be written as JSON.
pub(crate) fn refund_created(refund: &Refund) -> Answer {
    json(StatusCode::OK, &RefundView::created(refund))
}

/// A refund as it is at `now`.
///
/// # Errors
/// 500 if it can't be written as JSON.
pub(crate) fn refund(refund: &Refund, now: Timestamp) -> Answer {
    let code = StatusCode::OK;
    json(code, &RefundView::new(refund, now, |_| Some(Code::Http(code.as_u16()))))
}

/// A session's refunds, which come oldest first, newest first. All of them are on the one page.
///
/// # Errors
/// 500 if it can't be written as JSON.
pub(crate) fn refunds(refunds: &[Refund], _asked: &RefundListRequest, now: Timestamp) -> Answer {
    let newest_first = refunds.iter().rev().map(|refund| {
        let RefundView { meta, data } = RefundView::new(refund, now, |_| None);
        ItemView { meta, data }
    });
    let meta = ListMetaView { total_items: refunds.len(), total_pages: 1 };
    json(StatusCode::OK, &ListView { meta, data: newest_first.collect() })
}

#[cfg(test)]
mod tests;
