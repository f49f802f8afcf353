//! What an API call can be answered with when it isn't done: what the client can mend, or a failure of ours. Each wire format
//! has its own codes and body for them, and may have another status; headers are HTTP's.

use jiff::Timestamp;
use lambda_http::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};
use models::Scope;
use serde::Serialize;
use store::StoreError;
use thiserror::Error;

/// One thing that is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The wire format's code; without one, the format's general code.
    pub code: Option<&'static str>,
    /// The field as the client wrote it, such as `line_items[0].amount`.
    pub parameter: Option<String>,
    /// What is wrong, for a person.
    pub title: String,
}

impl Violation {
    /// A parameter that breaks a rule, which reads on from its name: `must be given`.
    pub fn new(code: impl Into<Option<&'static str>>, parameter: &str, rule: impl std::fmt::Display) -> Self {
        Self { code: code.into(), parameter: Some(parameter.to_owned()), title: format!("{parameter} {rule}") }
    }
}

/// Why a request is not done: something that its sender can mend.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// 400: the body or a parameter can't be read at all.
    #[error("{0}")]
    BadRequest(String),
    /// 401: no credentials, or none that hold.
    #[error("give a valid API key and secret, or a token made with them")]
    Unauthorized,
    /// 401: a provider's webhook without a signature of its own.
    #[error("this is not signed by the provider, or was signed some minutes ago")]
    NotGenuine,
    /// 401: an application's id that there isn't, or that is not the one which the credentials are of.
    #[error("app_id is not that of the credentials")]
    NotAnApplication,
    /// 401: a parameter is a URL that the application has not registered.
    #[error("{0} must be a URL that the application has registered")]
    InvalidAppUrl(&'static str),
    /// 401: a token for scopes that there aren't.
    #[error("scope must be PIS")]
    InvalidScopes,
    /// 401: not signed by the application.
    #[error(transparent)]
    Signature(SignatureFault),
    /// 403: the credentials lack a scope.
    #[error("this needs the scope {}", .0.as_str())]
    Forbidden(Scope),
    /// 403: the key is a live one.
    #[error("test clocks are for test keys")]
    ClockForLiveKey,
    /// 404: nothing there that the caller may see.
    #[error("there is no such thing here")]
    NotFound,
    /// 404: a parameter names something that the caller can't see.
    #[error("{0} names nothing that is yours")]
    Unknown(&'static str),
    /// 405: the path exists, the method doesn't; holds what the path allows.
    #[error("this path takes {0}")]
    MethodNotAllowed(String),
    /// 409: it can't be done to the object as it is.
    #[error("{title}")]
    InvalidAction {
        /// Why, for a person.
        title: String,
        /// The parameter that names the object, if it isn't the path.
        parameter: Option<&'static str>,
    },
    /// 409: the idempotency key was used for something else.
    #[error("this Idempotency-Key was used before, with another body or for something since deleted")]
    IdempotencyConflict,
    /// 413: the body is too long.
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    /// 415: the body is not what this path takes.
    #[error("send the body as {0}")]
    UnsupportedMediaType(&'static str),
    /// 422: understood, but against the rules; all that is wrong at once.
    #[error("{} of the request's fields are not valid", .0.len())]
    Invalid(Vec<Violation>),
}

impl Refusal {
    /// 422 for one parameter, without a code of its own.
    pub fn invalid(parameter: &str, rule: impl std::fmt::Display) -> Self {
        Self::Invalid(vec![Violation::new(None, parameter, rule)])
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized
            | Self::NotGenuine
            | Self::NotAnApplication
            | Self::InvalidAppUrl(_)
            | Self::InvalidScopes
            | Self::Signature(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) | Self::ClockForLiveKey => StatusCode::FORBIDDEN,
            Self::NotFound | Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::InvalidAction { .. } | Self::IdempotencyConflict => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

/// Why a request counts as not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignatureFault {
    /// There is no signature where there has to be one.
    #[error("the request must be signed: give the header Signature")]
    Missing,
    /// It is not written as signatures are.
    #[error(
        "the header Signature must be keyId, algorithm, headers and signature, each once, with its value in quotes"
    )]
    Malformed,
    /// Another algorithm than the one that is accepted.
    #[error("the signature's algorithm must be rsa-sha256")]
    Algorithm,
    /// It does not cover all that it has to, or names what it can't cover.
    #[error(
        "the signature must cover (request-target), date or x-date, x-request-id, and digest if there is a body; each once, and nothing else"
    )]
    Headers,
    /// Its key is not the application of the credentials.
    #[error("the signature's keyId must be the app_id of the credentials")]
    KeyId,
    /// There is no public key to check it by.
    #[error("the application has no public key")]
    NoKeys,
    /// There is a body, and no digest of it.
    #[error("the header Digest is missing")]
    DigestMissing,
    /// The digest is not written as digests are.
    #[error("the header Digest must be SHA-256= and the digest in base64")]
    DigestMalformed,
    /// The digest is of something else.
    #[error("the header Digest is not that of the body as it was received")]
    DigestMismatch,
    /// There is no date.
    #[error("the header Date or X-Date that was signed is missing")]
    DateMissing,
    /// The date is none.
    #[error("the date that was signed must be as in RFC 2822")]
    DateMalformed,
    /// The date is too far from now.
    #[error("the date that was signed is more than 5 minutes from the server's time, {}", server.strftime("%a, %d %b %Y %H:%M:%S GMT"))]
    DateSkewed {
        /// What time it is here.
        server: Timestamp,
    },
    /// There is no request id.
    #[error("the header X-Request-ID is missing")]
    RequestIdMissing,
    /// The request id is no random UUID.
    #[error("the header X-Request-ID must be a UUID of version 4, given once")]
    RequestIdMalformed,
    /// None of the application's public keys bears it out.
    #[error("the signature is not that of the request by a public key of the application")]
    Wrong,
}

impl SignatureFault {
    /// As answers call it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "signature_missing",
            Self::Malformed => "signature_malformed",
            Self::Algorithm => "signature_algorithm_unsupported",
            Self::Headers => "signature_headers_incomplete",
            Self::KeyId => "signature_key_id_wrong",
            Self::NoKeys => "signature_no_public_key",
            Self::DigestMissing => "digest_missing",
            Self::DigestMalformed => "digest_malformed",
            Self::DigestMismatch => "digest_mismatch",
            Self::DateMissing => "date_missing",
            Self::DateMalformed => "date_malformed",
            Self::DateSkewed { .. } => "date_skewed",
            Self::RequestIdMissing => "request_id_missing",
            Self::RequestIdMalformed => "request_id_malformed",
            Self::Wrong => "signature_wrong",
        }
    }
}

/// Why a request is not done.
#[derive(Debug, Error)]
pub enum ApiError {
    /// Its sender can mend it, and learns how.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// 503: repeat it later, with the same idempotency key. The cause goes to the log alone.
    #[error("not available at the moment; repeat the request")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// 500: our fault. The cause goes to the log alone.
    #[error("an internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } | StoreError::Conflict { .. } => Self::Unavailable(Box::new(error)),
            StoreError::Unreadable { .. } | StoreError::Unwritable(_) | StoreError::Disagreement { .. } => {
                Self::Internal(Box::new(error))
            }
        }
    }
}

impl ApiError {
    /// HTTP's status for it; a format may have another.
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::Refused(refusal) => refusal.status(),
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The answer that says so, with a format's status and body.
    pub(crate) fn answer(&self, status: StatusCode, body: &impl Serialize) -> Response<Body> {
        let mut response = Response::new(Body::Text(serde_json::to_string(body).unwrap_or_default()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Self::Refused(Refusal::Unauthorized) = self {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(r#"Basic realm="counterfoil", Bearer"#));
        }
        if let Self::Refused(Refusal::Signature(_)) = self {
            let challenge = r#"Signature realm="counterfoil",headers="(request-target) date digest x-request-id""#;
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Self::Refused(Refusal::MethodNotAllowed(allowed)) = self
            && let Ok(allowed) = HeaderValue::from_str(allowed)
        {
            headers.insert(header::ALLOW, allowed);
        }
        if let Self::Unavailable(_) = self {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
