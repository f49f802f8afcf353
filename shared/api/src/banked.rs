//! Banked's wire format (documents "Creating a payment session", "Payment Session Object" and "Refund a payment session"):
//! `/v2` with `amount`, and the older `/api/v2` with `amount_cents`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lambda_http::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};
use models::{
    AccountIdentifier, AccountNumber, Currency, EmailAddress, InvalidAccount, InvalidLineItems, InvalidText, Lifetime,
    LineItem, LineItems, Merchant, MerchantUrl, Metadata, MinorUnits, Money, Name, NewSession, Payee, Payer, Reference,
    Refund, Session, SessionEvent, SessionState, SortCode, left_of,
};
use serde::{Deserialize, Serialize};

use crate::error::{ApiError, Violation};
use crate::given::{Given, Object};
use crate::json::Json;

mod event;
mod refund;
mod webhook;

pub use event::{AttemptView, EventView};
pub use refund::{RefundView, not_refundable, parse_refund};
pub use webhook::{WebhookParts, WebhookView, parse_webhook};

/// What idempotency keys are kept apart by: both dialects make the same sessions.
pub const FORMAT: &str = "banked";

/// Which of the two APIs a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `/v2`, which shows line items with an `amount`.
    V2,
    /// `/api/v2`, which shows line items with an `amount_cents`.
    ApiV2,
}

impl Dialect {
    /// By the path's beginning.
    pub fn of_path(path: &str) -> Self {
        if path.starts_with("/api/") { Self::ApiV2 } else { Self::V2 }
    }
}

// creating

#[derive(Debug, Deserialize)]
struct CreateRequest {
    #[serde(default)]
    reference: Given<String>,
    #[serde(default)]
    success_url: Given<String>,
    #[serde(default)]
    error_url: Given<String>,
    #[serde(default)]
    line_items: Given<Vec<Given<Object<LineItemRequest>>>>,
    #[serde(default)]
    amount: Given<i64>,
    #[serde(default)]
    currency: Given<String>,
    #[serde(default)]
    payee: Given<Object<PayeeRequest>>,
    #[serde(default)]
    payer: Given<Object<PayerRequest>>,
    #[serde(default)]
    email_receipt: Given<bool>,
    #[serde(default)]
    metadata: Given<BTreeMap<String, Given<String>>>,
    #[serde(default)]
    expires_in_seconds: Given<i64>,
}

#[derive(Debug, Deserialize)]
struct LineItemRequest {
    #[serde(default)]
    name: Given<String>,
    #[serde(default)]
    description: Given<String>,
    #[serde(default)]
    amount: Given<i64>,
    #[serde(default)]
    amount_cents: Given<i64>,
    #[serde(default)]
    currency: Given<String>,
    #[serde(default)]
    quantity: Given<i64>,
}

#[derive(Debug, Deserialize)]
struct PayeeRequest {
    #[serde(default)]
    name: Given<String>,
    #[serde(default)]
    account_number: Given<String>,
    #[serde(default)]
    sort_code: Given<String>,
}

#[derive(Debug, Deserialize)]
struct PayerRequest {
    #[serde(default)]
    name: Given<String>,
    #[serde(default)]
    email: Given<String>,
}

/// All that is wrong with a request, gathered while it is read.
#[derive(Debug, Default)]
struct Violations(Vec<Violation>);

impl Violations {
    fn add(&mut self, code: &'static str, parameter: &str, rule: impl std::fmt::Display) {
        let title = format!("{parameter} {rule}");
        self.0.push(Violation { code, parameter: Some(parameter.to_owned()), title });
    }

    /// A field that may be left out.
    fn optional<T, U, E: std::fmt::Display>(
        &mut self,
        given: Given<T>,
        code: &'static str,
        parameter: &str,
        wrong_type: &str,
        check: impl FnOnce(T) -> Result<U, E>,
    ) -> Option<U> {
        match given {
            Given::Nothing => None,
            Given::Wrong => {
                self.add(code, parameter, wrong_type);
                None
            }
            Given::Value(value) => match check(value) {
                Ok(value) => Some(value),
                Err(rule) => {
                    self.add(code, parameter, rule);
                    None
                }
            },
        }
    }

    /// A field that must be there.
    fn required<T, U, E: std::fmt::Display>(
        &mut self,
        given: Given<T>,
        code: &'static str,
        parameter: &str,
        wrong_type: &str,
        check: impl FnOnce(T) -> Result<U, E>,
    ) -> Option<U> {
        if matches!(given, Given::Nothing) {
            self.add(code, parameter, "must be given");
        }
        self.optional(given, code, parameter, wrong_type, check)
    }
}

const A_STRING: &str = "must be a string";
const A_WHOLE_NUMBER: &str = "must be a whole number of 64 bits, not a string or a fraction";

/// Reads a creating request for `merchant`; its total may be at most `cap` minor units.
///
/// # Errors
/// 400 if it can't be read at all; else 422 with everything that is wrong.
pub fn parse_create(
    body: &Json<'_>,
    dialect: Dialect,
    merchant: &Merchant,
    cap: MinorUnits,
) -> Result<NewSession, ApiError> {
    let request: CreateRequest = body.object()?;
    let mut wrong = Violations::default();
    let reference = wrong.required(request.reference, "invalid_reference", "reference", A_STRING, Reference::try_from);
    let success_url =
        wrong.optional(request.success_url, "invalid_success_url", "success_url", A_STRING, MerchantUrl::try_from);
    let error_url =
        wrong.optional(request.error_url, "invalid_error_url", "error_url", A_STRING, MerchantUrl::try_from);
    let line_items = line_items(request.line_items, dialect, cap, &mut wrong);
    let total = line_items.as_ref().map(|items| items.total().minor());
    // Line items that are wrong have no sum to agree with.
    let agrees = |amount| {
        if total.is_none_or(|total| amount == total) { Ok(()) } else { Err("must be the sum of the line items") }
    };
    wrong.optional(request.amount, "invalid_amount", "amount", A_WHOLE_NUMBER, agrees);
    wrong.optional(request.currency, "invalid_currency", "currency", A_STRING, gbp);
    let payee = payee(request.payee, merchant, &mut wrong);
    let payer = payer(request.payer, &mut wrong);
    let email_receipt =
        wrong.optional(request.email_receipt, "invalid_request", "email_receipt", "must be true or false", infallible);
    let metadata = metadata(request.metadata, &mut wrong);
    let lifetime = wrong.optional(
        request.expires_in_seconds,
        "invalid_request",
        "expires_in_seconds",
        A_WHOLE_NUMBER,
        Lifetime::from_seconds,
    );
    match (reference, line_items, payee) {
        (Some(reference), Some(line_items), Some(payee)) if wrong.0.is_empty() => Ok(NewSession {
            line_items,
            payee,
            payer,
            reference,
            success_url,
            error_url,
            email_receipt: email_receipt.unwrap_or(false),
            metadata: metadata.unwrap_or_default(),
            lifetime: lifetime.unwrap_or_default(),
        }),
        _ => Err(ApiError::Invalid(wrong.0)),
    }
}

/// The one currency there is for now ("Payment Session Object", currency).
fn gbp(code: String) -> Result<Currency, &'static str> {
    if code == "GBP" { Ok(Currency::GBP) } else { Err("must be GBP") }
}

fn infallible<T>(value: T) -> Result<T, &'static str> {
    Ok(value)
}

fn line_items(
    given: Given<Vec<Given<Object<LineItemRequest>>>>,
    dialect: Dialect,
    cap: MinorUnits,
    wrong: &mut Violations,
) -> Option<LineItems> {
    let parameter = "line_items";
    let items = match given {
        Given::Nothing => {
            wrong.add("missing_amount_or_line_items", parameter, "must be given");
            return None;
        }
        Given::Wrong => {
            wrong.add("invalid_request", parameter, "must be a list");
            return None;
        }
        Given::Value(items) if items.is_empty() => {
            wrong.add("missing_amount_or_line_items", parameter, InvalidLineItems::Count);
            return None;
        }
        // Looked at before the items, so that an endless list costs no endless list of complaints.
        Given::Value(items) if items.len() > LineItems::MAX => {
            wrong.add("invalid_request", parameter, InvalidLineItems::Count);
            return None;
        }
        Given::Value(items) => items,
    };
    let count = items.len();
    let read: Vec<LineItem> =
        items.into_iter().enumerate().filter_map(|(n, item)| line_item(item, n, dialect, wrong)).collect();
    if read.len() < count {
        return None;
    }
    match LineItems::new(read, cap) {
        Ok(items) => Some(items),
        Err(rule) => {
            wrong.add("invalid_amount", parameter, rule);
            None
        }
    }
}

fn amount_code(field: &str) -> &'static str {
    if field == "amount_cents" { "invalid_line_items.amount_cents" } else { "invalid_amount" }
}

fn line_item(
    given: Given<Object<LineItemRequest>>,
    n: usize,
    dialect: Dialect,
    wrong: &mut Violations,
) -> Option<LineItem> {
    let Given::Value(Object(item)) = given else {
        wrong.add("invalid_request", &format!("line_items[{n}]"), "must be an object");
        return None;
    };
    let at = |field: &str| format!("line_items[{n}].{field}");
    let at_least_one =
        |count: i64| u32::try_from(count).ok().filter(|count| *count >= 1).ok_or("must be 1 to 4294967295");
    let name = wrong.required(item.name, "invalid_request", &at("name"), A_STRING, Name::try_from);
    let before = wrong.0.len();
    // An empty description is none.
    let description = match item.description {
        Given::Value(text) if text.is_empty() => Given::Nothing,
        other @ (Given::Nothing | Given::Wrong | Given::Value(_)) => other,
    };
    let description = wrong.optional(description, "invalid_description", &at("description"), A_STRING, Name::try_from);
    let described = wrong.0.len() == before;
    let (own, other) = match dialect {
        Dialect::V2 => (("amount", item.amount), ("amount_cents", item.amount_cents)),
        Dialect::ApiV2 => (("amount_cents", item.amount_cents), ("amount", item.amount)),
    };
    let differ = own.1 != Given::Nothing && other.1 != Given::Nothing && own.1 != other.1;
    if differ {
        wrong.add(amount_code(other.0), &at(other.0), format_args!("must not differ from {}", own.0));
    }
    // Either name is taken on either path: Banked's own Node client sends `amount` to `/api/v2`.
    let (field, amount) = if own.1 == Given::Nothing && other.1 != Given::Nothing { other } else { own };
    let positive = |minor: i64| if minor >= 1 { Ok(MinorUnits::new(minor)) } else { Err("must be at least 1") };
    let minor = wrong.required(amount, amount_code(field), &at(field), A_WHOLE_NUMBER, positive);
    let currency = wrong.required(item.currency, "invalid_currency", &at("currency"), A_STRING, gbp);
    let quantity = wrong.required(item.quantity, "invalid_request", &at("quantity"), A_WHOLE_NUMBER, at_least_one);
    let unit_price = Money::new(minor?, currency?);
    (described && !differ).then_some(LineItem { name: name?, description, unit_price, quantity: quantity? })
}

fn payee(given: Given<Object<PayeeRequest>>, merchant: &Merchant, wrong: &mut Violations) -> Option<Payee> {
    let code = "invalid_payee_account_identifier";
    let payee = match given {
        Given::Nothing => {
            wrong.add(code, "payee", "must be given");
            return None;
        }
        Given::Wrong => {
            wrong.add(code, "payee", "must be an object");
            return None;
        }
        Given::Value(Object(payee)) => payee,
    };
    let before = wrong.0.len();
    let (name, account) = name_and_account(payee, wrong);
    let account = account?;
    let Some(linked) = merchant.linked_account(&account) else {
        wrong.add(code, "payee", "must be one of your linked accounts");
        return None;
    };
    let name = name.unwrap_or_else(|| linked.name.clone());
    (wrong.0.len() == before).then_some(Payee { name, account })
}

/// A payee's name, if there is one that is right, and account, if it is.
fn name_and_account(payee: PayeeRequest, wrong: &mut Violations) -> (Option<Name>, Option<AccountIdentifier>) {
    let code = "invalid_payee_account_identifier";
    let name = wrong.optional(payee.name, "invalid_request", "payee.name", A_STRING, Name::try_from);
    let sort_code =
        wrong.required::<_, _, InvalidAccount>(payee.sort_code, code, "payee.sort_code", A_STRING, SortCode::try_from);
    let account_number = wrong.required::<_, _, InvalidAccount>(
        payee.account_number,
        code,
        "payee.account_number",
        A_STRING,
        AccountNumber::try_from,
    );
    let account = sort_code
        .zip(account_number)
        .map(|(sort_code, account_number)| AccountIdentifier { sort_code, account_number });
    (name, account)
}

fn payer(given: Given<Object<PayerRequest>>, wrong: &mut Violations) -> Option<Payer> {
    let payer = match given {
        Given::Nothing => return None,
        Given::Wrong => {
            wrong.add("invalid_request", "payer", "must be an object");
            return None;
        }
        Given::Value(Object(payer)) => payer,
    };
    let name = wrong.required(payer.name, "invalid_request", "payer.name", A_STRING, Name::try_from);
    let email = wrong.optional::<_, _, InvalidText>(
        payer.email,
        "invalid_payer_email",
        "payer.email",
        A_STRING,
        EmailAddress::try_from,
    );
    Some(Payer { name: name?, email })
}

fn metadata(given: Given<BTreeMap<String, Given<String>>>, wrong: &mut Violations) -> Option<Metadata> {
    let given = match given {
        Given::Nothing => return None,
        Given::Wrong => {
            wrong.add("invalid_request", "metadata", "must be an object");
            return None;
        }
        Given::Value(given) => given,
    };
    let mut texts = BTreeMap::new();
    let before = wrong.0.len();
    // Enough of them to see what is wrong, however many there are.
    for (key, value) in given.into_iter().take(Metadata::MAX_KEYS + 1) {
        match value {
            Given::Value(text) => drop(texts.insert(key, text)),
            Given::Nothing | Given::Wrong => wrong.add("invalid_request", &format!("metadata.{key}"), A_STRING),
        }
    }
    if wrong.0.len() > before {
        return None;
    }
    wrong.optional(Given::Value(texts), "invalid_request", "metadata", "", Metadata::try_from)
}

// showing

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
    account_number: &'a str,
    name: &'a str,
    sort_code: &'a str,
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

/// `2019-11-01 15:48:26 UTC`, as document 1 writes moments.
fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
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
            at: moment(entry.at),
            cause: entry.cause.as_str(),
        });
        Self {
            amount: session.amount.minor(),
            created_at: moment(session.created_at),
            currency: session.amount.currency().code(),
            end_to_end_id: session.end_to_end_id.to_string(),
            error_url: session.error_url.as_ref().map(MerchantUrl::as_str),
            id: session.id.to_string(),
            line_items: session.line_items.iter().map(line_item).collect(),
            live: session.mode == models::Mode::Live,
            payee: PayeeView {
                account_number: session.payee.account.account_number.as_str(),
                name: session.payee.name.as_str(),
                sort_code: session.payee.account.sort_code.as_str(),
            },
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
            expires_at: moment(session.expires_at),
            sent_at: session.sent_at().map(moment),
            failure_reason: session.failure_reason_at(now).map(SessionEvent::as_str),
            metadata: &session.metadata,
            history: history.collect(),
        }
    }
}

// refusing

#[derive(Debug, Serialize)]
struct Errors<'a> {
    #[serde(flatten)]
    oauth: Option<OauthError>,
    errors: Vec<ErrorView<'a>>,
}

/// How OAuth clients read an error (RFC 6749, 5.2).
#[derive(Debug, Serialize)]
struct OauthError {
    error: &'static str,
    error_description: String,
}

#[derive(Debug, Serialize)]
struct ErrorView<'a> {
    code: &'a str,
    title: String,
    source: Source<'a>,
}

#[derive(Debug, Serialize)]
struct Source<'a> {
    parameter: Option<&'a str>,
}

/// Status and code of an error; the codes of several violations are their own.
fn status_and_code(error: &ApiError) -> (StatusCode, &'static str) {
    match error {
        ApiError::BadRequest(_) => (StatusCode::BAD_REQUEST, "bad_request"),
        ApiError::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
        ApiError::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
        ApiError::NotFound | ApiError::Unknown(_) => (StatusCode::NOT_FOUND, "not_found"),
        ApiError::MethodNotAllowed(_) => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
        ApiError::InvalidAction { .. } => (StatusCode::CONFLICT, "invalid_action"),
        ApiError::IdempotencyConflict => (StatusCode::CONFLICT, "idempotency_conflict"),
        ApiError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "invalid_request"),
        ApiError::UnsupportedMediaType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request"),
        ApiError::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_request"),
        ApiError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "service_unavailable"),
        ApiError::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
    }
}

/// The parameter that a whole request is refused for, if it is one.
fn parameter(error: &ApiError) -> Option<&'static str> {
    match error {
        ApiError::Unknown(parameter) => Some(parameter),
        ApiError::InvalidAction { parameter, .. } => *parameter,
        ApiError::BadRequest(_)
        | ApiError::Unauthorized
        | ApiError::Forbidden(_)
        | ApiError::NotFound
        | ApiError::MethodNotAllowed(_)
        | ApiError::IdempotencyConflict
        | ApiError::TooLarge(_)
        | ApiError::UnsupportedMediaType(_)
        | ApiError::Invalid(_)
        | ApiError::Unavailable(_)
        | ApiError::Internal(_) => None,
    }
}

fn violation_view(violation: &Violation) -> ErrorView<'_> {
    let source = Source { parameter: violation.parameter.as_deref() };
    ErrorView { code: violation.code, title: violation.title.clone(), source }
}

/// `{"errors":[{"code","title","source":{"parameter"}}]}`.
pub fn render_error(error: &ApiError) -> Response<Body> {
    render(error, None)
}

/// The same for the token endpoint, with what an OAuth client looks for beside it.
pub fn render_token_error(error: &ApiError) -> Response<Body> {
    let code = match error {
        ApiError::Unauthorized => "invalid_client",
        ApiError::Unavailable(_) => "temporarily_unavailable",
        ApiError::Internal(_) => "server_error",
        ApiError::BadRequest(_)
        | ApiError::Forbidden(_)
        | ApiError::NotFound
        | ApiError::Unknown(_)
        | ApiError::MethodNotAllowed(_)
        | ApiError::InvalidAction { .. }
        | ApiError::IdempotencyConflict
        | ApiError::TooLarge(_)
        | ApiError::UnsupportedMediaType(_)
        | ApiError::Invalid(_) => "invalid_request",
    };
    render(error, Some(OauthError { error: code, error_description: error.to_string() }))
}

fn render(error: &ApiError, oauth: Option<OauthError>) -> Response<Body> {
    let (status, code) = status_and_code(error);
    let errors = if let ApiError::Invalid(violations) = error {
        violations.iter().map(violation_view).collect()
    } else {
        vec![ErrorView { code, title: error.to_string(), source: Source { parameter: parameter(error) } }]
    };
    let body = serde_json::to_string(&Errors { oauth, errors }).unwrap_or_default();
    let mut response = Response::new(Body::Text(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    match error {
        ApiError::Unauthorized => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(r#"Basic realm="counterfoil", Bearer"#));
        }
        ApiError::MethodNotAllowed(allow) => {
            if let Ok(allow) = HeaderValue::from_str(allow) {
                headers.insert(header::ALLOW, allow);
            }
        }
        ApiError::Unavailable(_) => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        ApiError::BadRequest(_)
        | ApiError::Forbidden(_)
        | ApiError::NotFound
        | ApiError::Unknown(_)
        | ApiError::InvalidAction { .. }
        | ApiError::IdempotencyConflict
        | ApiError::TooLarge(_)
        | ApiError::UnsupportedMediaType(_)
        | ApiError::Invalid(_)
        | ApiError::Internal(_) => {}
    }
    response
}

#[cfg(test)]
mod tests;
