//! What is described by itself, since in the code it is a text or a number: enumerations, patterns and limits of the domain.

use std::borrow::Cow;
use std::fmt::Display;

use lambda_http::http::StatusCode;
use models::{
    CardBrand as Brand, DisabledBy, EndpointFaults, EventEncoding, EventType as Events, PaymentMethod, RefundEvent,
    RefundState as Refunds, SessionEvent, SessionState, WireFormat,
};
use outbound::{Failure as Failed, MAX_URL_BYTES, RefusedUrl};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::banked::{self, shown_state};
use crate::error::SignatureFault;
use crate::fintecture;
use crate::format::Format;
use crate::yorlet;

/// Types that are a schema: those with a name of their own in the document, and those that are written out in place.
macro_rules! schemas {
    ($($kind:ident $name:ident $(<const $n:ident: usize>)? = $schema:expr;)*) => {$(
        pub(crate) struct $name $(<const $n: usize>)?;
        impl $(<const $n: usize>)? JsonSchema for $name $(<$n>)? {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                stringify!($kind) == "inline"
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )*};
}

schemas! {
    inline Id = json_schema!({ "type": "string", "format": "uuid" });
    inline Url = json_schema!({ "type": "string", "format": "uri" });
    inline Digits<const N: usize> = json_schema!({ "type": "string", "pattern": format!("^[0-9]{{{N}}}$") });
    inline Text<const MAX: usize> = json_schema!({ "type": "string", "minLength": 1, "maxLength": MAX });
    inline Secret = json_schema!({ "type": "string", "pattern": "^whsec_[A-Za-z0-9+/]{43}=$" });
    inline Notes = json_schema!({
        "type": "object",
        "maxProperties": models::Metadata::MAX_KEYS,
        "propertyNames": { "minLength": 1, "maxLength": 40 },
        "additionalProperties": { "type": "string", "maxLength": 500 },
    });
    inline Encoding = one_of(EventEncoding::ALL.map(EventEncoding::as_str));
    inline Subscribed = json_schema!({
        "anyOf": [{ "$ref": "#/components/schemas/EventType" }, { "type": "string", "const": "*" }],
    });
    inline FailureReason = one_of(failing(SessionEvent::ALL).map(SessionEvent::as_str));
    inline RefundFailureReason = one_of(
        RefundEvent::ALL.into_iter().filter(|event| event.target() == Some(Refunds::Failed)).map(RefundEvent::as_str),
    );
    inline WebhookEvent = one_of(["payment_initiated", "payment_pending", "payment_sent", "payment_failed"]);
    inline ServedFormat = one_of(Format::served().map(WireFormat::as_str));
    inline PaymentSessionId = prefixed("py_sess_");
    inline TransactionId = prefixed("txn_");
    inline YorletRefundId = prefixed("re_");
    inline CustomerId = prefixed("cus_");
    inline YorletEventId = json_schema!({ "type": "string", "pattern": "^evt_[0-9A-Za-z]{22}_[1-9][0-9]*$" });
    inline YorletCurrency = one_of(yorlet::CURRENCIES.map(|currency| currency.code().to_ascii_lowercase()));
    inline CardBrand = one_of(Brand::ALL.map(Brand::as_str));
    inline PaymentMode = json_schema!({ "type": "string", "const": "payment" });
    inline AnyObject = json_schema!({ "type": "object", "additionalProperties": true });
    inline Hex = json_schema!({ "type": "string", "pattern": "^[0-9a-f]{32}$" });
    inline HttpStatus = json_schema!({ "type": "integer" });
    inline NumberOrText = json_schema!({ "type": ["number", "string"] });
    inline DecimalAmount = json_schema!({
        "type": "string",
        "pattern": "^[0-9]+([.][0-9]{1,2})?$",
        "examples": ["149.30"],
    });
    inline GivenAmount = json_schema!({ "type": ["string", "number"], "examples": ["149.30"] });
    inline FintectureRefundStatus = one_of(
        Refunds::ALL.into_iter().flat_map(|state| [false, true].map(|submitted| fintecture::shown_refund(state, submitted).0)),
    );
    inline FintectureCurrency = one_of(fintecture::CURRENCIES.map(|currency| currency.code()));
    inline FintectureErrorCode = one_of(
        [400, 401, 403, 404, 500, 503].map(|status| fintecture::error_code(StatusCode::from_u16(status).unwrap())),
    );
    named FintectureEntryCode = described(one_of(fintecture_codes()), "What is wrong; `message` says it in words.");
    inline FintectureEnvironment = one_of(["sandbox", "production"]);
    inline FintectureStatus = one_of(fintecture::STATUSES);
    inline FintectureTransferState = one_of(fintecture::TRANSFER_STATES);
    inline YorletSessionStatus = one_of(SessionState::ALL.map(yorlet::shown_status));
    inline TransactionStatus = one_of(SessionState::ALL.map(yorlet::transaction_status));
    inline RefundStatus = one_of(Refunds::ALL.map(yorlet::refund_status));
    inline YorletEventType = one_of([true, false].into_iter().flat_map(|is_first| {
        Events::all().map(move |event_type| yorlet::event_name(event_type, is_first))
    }));
    named PaymentMethodType = described(one_of(yorlet::PAYMENT_METHODS.map(PaymentMethod::as_str)), &methods());
    inline DisabledReason = one_of([DisabledBy::Merchant, DisabledBy::Gone].map(DisabledBy::as_str));
    inline Failure = one_of([
        Failed::TimedOut,
        Failed::NotAtOnce,
        Failed::ConnectionFailed,
        Failed::NameNotFound,
        Failed::AddressNotAllowed,
        Failed::PortNotAllowed,
        Failed::TlsFailed,
    ].map(|failure| failure.to_string()).into_iter().chain([EndpointFaults::FAILED_ON_PURPOSE.to_owned()]));
    inline EndpointUrl = json_schema!({
        "type": "string",
        "format": "uri",
        "maxLength": MAX_URL_BYTES,
        "description": refused_urls(),
    });
    named Currency = json_schema!({ "type": "string", "const": "GBP", "description": "ISO 4217." });
    named Timestamp = json_schema!({
        "type": "string",
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} UTC$",
        "examples": ["2019-11-01 15:48:26 UTC"],
    });
    named PreciseTimestamp = json_schema!({
        "type": "string",
        "format": "date-time",
        "description": "RFC 3339, with an offset; to the millisecond.",
        "examples": ["2026-01-31T09:30:00.000Z"],
    });
    named Reference = json_schema!({
        "type": "string",
        "pattern": "^[A-Za-z0-9 ]{1,18}$",
        "description": "Stands on the bank statement. Letters, digits and spaces, not all spaces.",
    });
    named MerchantUrl = json_schema!({
        "type": "string",
        "format": "uri",
        "maxLength": 2048,
        "description": "An http or https URL.",
    });
    named EventId = json_schema!({
        "type": "string",
        "pattern": "^evt_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}_[1-9][0-9]*$",
        "description": "`evt_`, the id of the session or refund, `_`, and the `sequence`.",
        "examples": ["evt_1ae1ce03-dfa9-4593-b487-65c656991cb5_5"],
    });
    named EventType = described(one_of(Events::all()), &event_types());
    named State = described(one_of(SessionState::ALL.map(shown_state)), &states());
    named Cause = one_of(SessionEvent::ALL.map(SessionEvent::as_str));
    named RefundState = described(one_of(Refunds::ALL.map(Refunds::as_str)), &refund_states());
    named ErrorCode = one_of(banked::CODES);
    named OauthErrorCode = one_of(crate::oauth::CODES);
    named GatewayMessage = json_schema!({
        "type": "object",
        "properties": { "message": { "type": "string" } },
        "required": ["message"],
        "examples": [{ "message": "Too Many Requests" }],
    });
}

/// Every code of an entry among Fintecture's errors.
pub(crate) fn fintecture_codes() -> Vec<&'static str> {
    let mut codes = vec!["mandatory_field_missing", "invalid_field", "refund_aborted", "internal_server_error"];
    codes.extend(crate::wire_formats::refusals().iter().map(|(_, error)| fintecture::entry_code(error)));
    codes.extend(crate::wire_formats::signature_faults().map(SignatureFault::code));
    codes
}

/// An id as Yorlet's format shows it.
fn prefixed(prefix: &str) -> Schema {
    json_schema!({ "type": "string", "pattern": format!("^{prefix}[0-9A-Za-z]{{22}}$") })
}

/// In which currencies each method can be paid by.
fn methods() -> String {
    let rows = yorlet::PAYMENT_METHODS.into_iter().map(|method| {
        let can_have = yorlet::CURRENCIES.into_iter().filter(|currency| method.can_have(*currency));
        let codes: Vec<_> = can_have.map(|currency| currency.code().to_ascii_lowercase()).collect();
        format!("`{}` | {}", method.as_str(), if codes.is_empty() { "none".to_owned() } else { codes.join(", ") })
    });
    format!("What a payer can pay by, and in which currencies:\n\n{}", table("type | ", rows))
}

/// One of these texts, each once.
fn one_of(texts: impl IntoIterator<Item = impl Display>) -> Schema {
    let mut all: Vec<String> = Vec::new();
    for text in texts {
        let text = text.to_string();
        if !all.contains(&text) {
            all.push(text);
        }
    }
    json_schema!({ "type": "string", "enum": all })
}

fn described(mut schema: Schema, description: &str) -> Schema {
    schema.insert("description".to_owned(), description.into());
    schema
}

/// What ends a session without money.
fn failing(events: impl IntoIterator<Item = SessionEvent>) -> impl Iterator<Item = SessionEvent> {
    events.into_iter().filter(|event| event.target().is_some_and(|state| shown_state(state) == "failed"))
}

/// A table in Markdown; its columns are separated by `|` already.
fn table(head: &str, rows: impl IntoIterator<Item = String>) -> String {
    let rule = "|---".repeat(head.split('|').count());
    let rows = rows.into_iter().map(|row| format!("| {row} |\n"));
    format!("| {head} |\n{rule}|\n{}", rows.collect::<String>())
}

fn states() -> String {
    let meaning = |state| match state {
        SessionState::AwaitingPayer => {
            Some("the payer's details are not known, or their e-mail address isn't and `email_receipt` needs it")
        }
        SessionState::AwaitingProvider => Some("the payer has not chosen a bank"),
        SessionState::AwaitingPaymentConsent => Some("the payer is at the bank, or on the way"),
        SessionState::Pending => Some("submitted; the bank has not said yet that the money is sent"),
        SessionState::Sent => Some("the money is sent; final"),
        SessionState::Failed => {
            Some("it ended without the money being sent: declined, cancelled or expired, see `failure_reason`; final")
        }
        SessionState::Cancelled | SessionState::Expired => None,
    };
    let rows =
        SessionState::ALL.into_iter().filter_map(|state| Some(format!("`{}` | {}", state.as_str(), meaning(state)?)));
    table("state | ", rows)
}

fn refund_states() -> String {
    let meaning = |state| match state {
        Refunds::AwaitingDetails => "the customer's account is not known; the page at `url` asks for it",
        Refunds::AwaitingPayment => "there is a session that pays it, for the merchant to authorise",
        Refunds::Sent => "the money is on its way back; final",
        Refunds::Failed => "it ended without the money being sent, see `failure_reason`, and can be made again; final",
    };
    let states = Refunds::ALL.map(|state| format!("`{}` | {}", state.as_str(), meaning(state)));
    let happens = RefundEvent::ALL.into_iter().filter_map(|event| {
        let sources: Vec<_> = event.sources().map(|state| format!("`{}`", state.as_str())).collect();
        let target = event.target().filter(|_| !sources.is_empty())?;
        Some(format!("`{}` | {} | `{}`", event.as_str(), sources.join(", "), target.as_str()))
    });
    format!(
        "{}\nIt begins as `awaiting_details` or `awaiting_payment`. What can happen to it then:\n\n{}",
        table("state | ", states),
        table("cause | from | to", happens)
    )
}

fn event_types() -> String {
    let meaning = |event_type| match event_type {
        Events::PaymentSession(state) => match state {
            SessionState::AwaitingPayer => "created",
            SessionState::AwaitingProvider => "created with a payer, or the payer's details were given",
            SessionState::AwaitingPaymentConsent => "a bank was chosen; once for each choice",
            SessionState::Pending => "submitted",
            SessionState::Sent => "the money is sent",
            SessionState::Failed => "declined",
            SessionState::Cancelled => "cancelled or deleted",
            SessionState::Expired => "not paid in time",
        },
        Events::Refund(state) => match state {
            Refunds::AwaitingDetails => "made; the customer's account is asked for",
            Refunds::AwaitingPayment => "made, or the account was given; the merchant is to authorise it",
            Refunds::Sent => "the money is on its way back",
            Refunds::Failed => "it ended without the money being sent",
        },
    };
    let rows = Events::all().map(|event_type| {
        let [first, later] = [true, false]
            .map(|is_first| format!("`{}`", banked::webhook_event(event_type, is_first).unwrap_or("null")));
        let comes_later =
            SessionEvent::ALL.iter().any(|event| event.target().map(Events::PaymentSession) == Some(event_type));
        let named = if first == later || !comes_later { first } else { format!("{first} when created, else {later}") };
        format!("`{event_type}` | {} | {named}", meaning(event_type))
    });
    let rows = table("type | | `webhook_event`", rows);
    format!(
        "The state that the session or refund came to. Sessions that were cancelled, deleted or expired have types of their\n\
         own, though their `state` reads `failed`.\n\n{rows}"
    )
}

fn refused_urls() -> String {
    let rows = [
        (RefusedUrl::NotHttp, "or has white space, control characters or noncharacters in it"),
        (RefusedUrl::NotHttps, "with a live key"),
        (RefusedUrl::TooLong, "as you wrote it, and normalised"),
        (RefusedUrl::Credentials, ""),
        (RefusedUrl::Fragment, ""),
        (
            RefusedUrl::BlockedPort,
            "those of the [Fetch standard](https://fetch.spec.whatwg.org/#port-blocking): mail, shells, IRC and the like",
        ),
        (
            RefusedUrl::NotPublic,
            "not a private, local or otherwise special address, however it is spelled; not a name that resolves to one, nor \
             one of a single label or that ends in .localhost, .local or .internal",
        ),
        (RefusedUrl::Unresolved, "within 3 seconds"),
    ];
    format!(
        "Where events are posted. It is kept as URLs are normalised. The `title` says why one is refused:\n\n{}\n\
         Port and host, and what the host's name resolves to, are checked again with each delivery. `make run` also takes this\n\
         machine.",
        table("title: `url` … | ", rows.map(|(refused, when)| format!("`{refused}` | {when}")))
    )
}

/// The types of a schema's `type`.
fn each_type(types: Value) -> Vec<Value> {
    let several = types.as_array().cloned();
    several.unwrap_or_else(|| vec![types])
}

/// What a request's object may leave out may be null in it; the rest says that it must be given.
pub(crate) fn may_be_null(schema: &mut Schema) {
    let mut required: Vec<Value> = Vec::new();
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten();
    for (name, property) in properties {
        let fields = property.as_object_mut().unwrap();
        if fields.remove("must_be_given").is_some() {
            required.push(name.as_str().into());
        } else if let Some(reference) = fields.remove("$ref") {
            property["anyOf"] = json!([{ "$ref": reference }, { "type": "null" }]);
        } else {
            let types = [property["type"].take(), json!("null")];
            property["type"] = types.into_iter().flat_map(each_type).collect();
            property.get_mut("enum").and_then(Value::as_array_mut).into_iter().for_each(|all| all.push(Value::Null));
        }
    }
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
}
