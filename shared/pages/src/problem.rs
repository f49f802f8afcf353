//! What could not be done.

use std::error::Error as StdError;

use lambda_http::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};
use store::StoreError;

use crate::language::Language;

/// Why a request is not done. The causes of the last two go to the log alone.
#[derive(Debug)]
pub enum Problem {
    /// 404: there is no such page, and no more is said.
    NotFound,
    /// 405: the page is there, and accepts these methods.
    MethodNotAllowed(String),
    /// 400: the request can't be read.
    Malformed,
    /// 415: the body is not a form.
    NotAForm,
    /// 413: the form is too long.
    TooLong,
    /// 400: a field is missing or can't be read; our own pages don't send such forms.
    Unreadable,
    /// A rule of the page's own refuses it, for the reason that these texts give.
    Refused(StatusCode, fn(Language) -> ProblemTexts),
    /// 503: the table or the bank could not be asked.
    Unavailable(Box<dyn StdError + Send + Sync>),
    /// 500: our fault.
    Internal(Box<dyn StdError + Send + Sync>),
}

/// How a problem reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemTexts {
    /// What it is.
    pub heading: &'static str,
    /// What to do.
    pub text: &'static str,
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } | StoreError::Conflict { .. } => Self::Unavailable(Box::new(error)),
            StoreError::Disagreement { .. } | StoreError::Unreadable { .. } | StoreError::Unwritable(_) => {
                Self::Internal(Box::new(error))
            }
        }
    }
}

impl Problem {
    /// The answer's status.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Malformed | Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::NotAForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Refused(status, _) => *status,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// How it reads.
    pub fn texts(&self, language: Language) -> ProblemTexts {
        let texts = &language.texts().problems;
        let (heading, text) = match self {
            Self::NotFound => (texts.not_found_heading, texts.not_found_text),
            Self::MethodNotAllowed(_) => (texts.method_heading, texts.method_text),
            Self::Malformed => (texts.malformed_heading, texts.malformed_text),
            Self::NotAForm | Self::Unreadable => (texts.not_our_form_heading, texts.not_our_form_text),
            Self::TooLong => (texts.too_long_heading, texts.too_long_text),
            Self::Refused(_, refused) => return refused(language),
            Self::Unavailable(_) => (texts.unavailable_heading, texts.unavailable_text),
            Self::Internal(_) => (texts.internal_heading, texts.internal_text),
        };
        ProblemTexts { heading, text }
    }

    /// Writes its cause to the log, once and with ids only.
    pub fn log(&self, request_id: &str) {
        let whole = |error: &(dyn StdError + Send + Sync)| match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        match self {
            Self::Unavailable(error) => {
                tracing::error!(request_id, cause = whole(error.as_ref()), "the request could not be done");
            }
            Self::Internal(error) => tracing::error!(request_id, cause = whole(error.as_ref()), "the request failed"),
            Self::NotFound
            | Self::MethodNotAllowed(_)
            | Self::Malformed
            | Self::NotAForm
            | Self::TooLong
            | Self::Unreadable
            | Self::Refused(..) => {}
        }
    }

    /// A response with a page about it, given the status and the headers that go with it.
    pub fn answered(&self, mut response: Response<Body>) -> Response<Body> {
        *response.status_mut() = self.status();
        if matches!(self, Self::Unavailable(_)) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        if let Self::MethodNotAllowed(methods) = self
            && let Ok(methods) = methods.try_into()
        {
            response.headers_mut().insert(header::ALLOW, methods);
        }
        response
    }
}
