//! What an API call can be answered with when it isn't done. Each wire format renders it in its own documented shape.

use models::Scope;
use store::{ChangeError, StoreError};
use thiserror::Error;

/// One thing that is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The wire format's code.
    pub code: &'static str,
    /// The field as the client wrote it, such as `line_items[0].amount`.
    pub parameter: Option<String>,
    /// What is wrong, for a person.
    pub title: String,
}

/// Why a request is not done. Client-facing, but for the last two, whose causes go to the log alone.
#[derive(Debug, Error)]
pub enum ApiError {
    /// 400: the body or a parameter can't be read at all.
    #[error("{0}")]
    BadRequest(String),
    /// 401: no credentials, or none that hold.
    #[error("give a valid API key and secret, or a token made with them")]
    Unauthorized,
    /// 403: the credentials lack a scope.
    #[error("this needs the scope {}", .0.as_str())]
    Forbidden(Scope),
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
    /// 503: repeat it later, with the same idempotency key.
    #[error("not available at the moment; repeat the request")]
    Unavailable(#[source] StoreError),
    /// 500: our fault.
    #[error("an internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } | StoreError::Conflict { .. } => Self::Unavailable(error),
            StoreError::Unreadable { .. } | StoreError::Unwritable(_) | StoreError::Disagreement { .. } => {
                Self::Internal(Box::new(error))
            }
        }
    }
}

impl ApiError {
    /// What a refused change is: 404, 503, or 409 with the state that stood in the way.
    pub fn from_change(error: ChangeError, doing: &str) -> Self {
        match error {
            ChangeError::NotFound => Self::NotFound,
            ChangeError::Store(error) => error.into(),
            ChangeError::Refused(session) => {
                let state = session.state_at(runtime::now());
                let title = format!("a session that is {state} can't be {doing}");
                Self::InvalidAction { title, parameter: None }
            }
        }
    }
}
