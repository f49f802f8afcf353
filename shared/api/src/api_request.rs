//! Requests as they are shown to people, who do by a form what their systems could do by the API.

use serde_json::Value;

/// A request of the API, without its credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiRequest {
    /// The method.
    pub method: &'static str,
    /// The path, from the slash on.
    pub path: String,
    /// The JSON that is sent, if there is any. May hold personal data.
    pub body: Option<String>,
    /// The header that makes it safe to repeat, if it is not by itself.
    pub idempotency_header: Option<&'static str>,
}

impl ApiRequest {
    /// One by `POST` that has no body, yet.
    pub(crate) const fn post(path: String) -> Self {
        Self { method: "POST", path, body: None, idempotency_header: Some("Idempotency-Key") }
    }

    /// The same with this body.
    pub(crate) fn with(self, body: &Value) -> Self {
        Self { body: Some(body.to_string()), ..self }
    }
}
