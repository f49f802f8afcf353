//! In which shape what is wrong is said: by the path, since that is known even of what is no request.

use lambda_http::{Body, Response};

use crate::error::ApiError;
use crate::format::Format;
use crate::oauth::OauthErrors;
use crate::route::{Route, find};
use crate::{banked, fintecture, yorlet};

/// In which shape a request's errors are rendered: its format's and, where tokens are made, OAuth's beside it.
#[derive(Debug, Clone)]
pub struct ErrorShape {
    format: Format,
    oauth: bool,
    log_id: String,
}

impl ErrorShape {
    /// By method and path; `log_id` is the request's own, by which logs name it.
    pub fn of(method: &str, path: &str, log_id: &str) -> Self {
        let oauth = matches!(find(method, path), Some((_, Route::Token)));
        Self { format: Format::of_path(path), oauth, log_id: log_id.to_owned() }
    }

    /// The answer to what could not be done.
    pub fn render(&self, error: &ApiError) -> Response<Body> {
        match self.format {
            Format::Banked(_) => {
                let errors = banked::Errors::new(error);
                let status = error.status();
                if self.oauth {
                    error.answer(status, &OauthErrors::new(error, errors))
                } else {
                    error.answer(status, &errors)
                }
            }
            Format::Yorlet => error.answer(yorlet::status(error), &yorlet::ErrorView::new(error)),
            Format::Fintecture => fintecture::render_error(error, &self.log_id),
        }
    }
}
