//! OAuth 2.0 client credentials (RFC 6749, 4.4): what is asked for, the token that is given, and errors.

use jiff::Timestamp;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{ApiKey, Scopes};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, json};
use crate::error::{ApiError, Refusal};
use crate::form::parse_form;
use crate::http::{body, is_json, media_type, without_byte_order_mark};
use crate::json::Json;
#[cfg(test)]
use crate::openapi::types as doc;
use crate::token::{TOKEN_LIFETIME_S, mint};

/// The one grant that there is: by the key itself.
pub(crate) const CLIENT_CREDENTIALS: &str = "client_credentials";

#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Default, Deserialize)]
pub(crate) struct TokenRequest {
    #[cfg_attr(test, schemars(with = "String", extend("const" = "client_credentials")))]
    grant_type: Option<String>,
    /// Scopes with spaces between them. What the key has of those that are known is granted, and nothing for a word
    /// that is no scope. Left out, or without any known scope (Banked's clients send an application's id), it grants
    /// all that the key has. The answer's `scope` says what was granted.
    #[cfg_attr(test, schemars(with = "String"))]
    scope: Option<String>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Token"))]
#[derive(Debug, Serialize)]
pub(crate) struct TokenView {
    access_token: String,
    #[cfg_attr(test, schemars(extend("const" = "Bearer")))]
    token_type: &'static str,
    /// Seconds.
    #[cfg_attr(test, schemars(extend("const" = TOKEN_LIFETIME_S)))]
    expires_in: i64,
    /// The scopes granted, with spaces between them.
    scope: String,
    /// Seconds since 1970.
    created_at: i64,
}

/// What a request for a token is granted, if its key has the scopes `own`.
///
/// # Errors
/// 400, 413 or 415 if it can't be read, asks for another grant, or for no scope that the key has.
pub(crate) fn granted_scopes(request: &Request, own: Scopes) -> Result<Scopes, Refusal> {
    let TokenRequest { grant_type, scope } = read_request(request)?;
    if grant_type.is_some_and(|grant_type| grant_type != CLIENT_CREDENTIALS) {
        return Err(Refusal::BadRequest(format!("grant_type must be {CLIENT_CREDENTIALS}")));
    }
    match granted(scope.as_deref().unwrap_or(""), own) {
        Scopes::NONE => Err(Refusal::BadRequest("the API key has none of the scopes asked for".to_owned())),
        scopes => Ok(scopes),
    }
}

/// The answer with a new token of `key` for `scopes`.
///
/// # Errors
/// 500 if it can't be signed.
pub(crate) fn token_answer(key: &ApiKey, scopes: Scopes, now: Timestamp) -> Answer {
    let now_s = now.as_second();
    let view = TokenView {
        access_token: mint(key, scopes, now_s, TOKEN_LIFETIME_S)?,
        token_type: "Bearer",
        expires_in: TOKEN_LIFETIME_S,
        scope: scopes.to_string(),
        created_at: now_s,
    };
    json(StatusCode::OK, &view)
}

/// What is granted to a key that has `own`: what is asked for and had; the answer says what that is (RFC 6749, 3.3). A text
/// without any scope of ours grants all that the key has, because Banked's clients send an application's id there.
fn granted(asked: &str, own: Scopes) -> Scopes {
    match Scopes::known_of(asked) {
        Scopes::NONE => own,
        known => known.intersection(own),
    }
}

/// Reads a request for a token: a form, JSON, or nothing at all.
///
/// # Errors
/// 400, 413 or 415.
pub(crate) fn read_request<T: DeserializeOwned + Default>(request: &Request) -> Result<T, Refusal> {
    let body: &[u8] = body(request)?;
    if body.is_empty() {
        return Ok(T::default());
    }
    match media_type(request.headers()).as_deref() {
        Some("application/x-www-form-urlencoded") => {
            parse_form(request.headers(), body).map_err(|invalid| Refusal::BadRequest(invalid.to_string()))
        }
        Some(other) if is_json(other) => Json::read(without_byte_order_mark(body))?
            .object()
            .map_err(|_| Refusal::BadRequest("the body must be a JSON object of strings".to_owned())),
        Some(_) | None => Err(Refusal::UnsupportedMediaType("application/x-www-form-urlencoded or application/json")),
    }
}

/// Every code of an error.
#[cfg(test)]
pub(crate) const CODES: [&str; 4] = ["invalid_request", "invalid_client", "server_error", "temporarily_unavailable"];

/// What OAuth's clients expect (RFC 6749, 5.2), and the same errors as everywhere.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "TokenErrors"))]
#[derive(Debug, Serialize)]
pub(crate) struct OauthErrors<E> {
    #[cfg_attr(test, schemars(with = "doc::OauthErrorCode"))]
    error: &'static str,
    error_description: String,
    #[serde(flatten)]
    errors: E,
}

impl<E> OauthErrors<E> {
    pub(crate) fn new(error: &ApiError, errors: E) -> Self {
        let code = match error {
            ApiError::Refused(Refusal::Unauthorized) => "invalid_client",
            ApiError::Refused(_) => "invalid_request",
            ApiError::Unavailable(_) => "temporarily_unavailable",
            ApiError::Internal(_) => "server_error",
        };
        Self { error: code, error_description: error.to_string(), errors }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_utf_8_and_json_may_have_a_byte_order_mark() {
        let read = |content_type: &str, body: &[u8]| {
            let request = lambda_http::http::Request::builder().header("content-type", content_type);
            let request = request.body(lambda_http::Body::Binary(body.to_vec())).unwrap();
            read_request(&request).map(|request: TokenRequest| request.grant_type.unwrap_or_default())
        };
        let form = "application/x-www-form-urlencoded";
        assert_eq!(read(form, b"grant_type=client_credentials").unwrap(), "client_credentials");
        assert_eq!(read(&format!("{form}; charset=ISO-8859-1"), b"grant_type=a").unwrap(), "a");
        for body in [&b"grant_type=%ff"[..], b"scope=\xe9", b"grant_type=a&grant_type=b"] {
            assert!(matches!(read(form, body), Err(Refusal::BadRequest(_))), "{body:?}");
        }
        assert_eq!(read("application/vnd.api+json", b"{\"grant_type\":\"a\"}").unwrap(), "a");
        assert_eq!(read("application/json", b"\xef\xbb\xbf{\"grant_type\":\"a\"}").unwrap(), "a");
        assert!(matches!(read("application/json", b"\xef\xbb\xbf"), Err(Refusal::BadRequest(_))));
    }

    #[test]
    fn grants_what_is_asked_for_and_had() {
        let scopes = |text: &str| text.parse::<Scopes>().unwrap();
        let read = scopes("payment_sessions:read");
        assert_eq!(granted("payment_sessions:read", Scopes::ALL), read);
        assert_eq!(granted("payment_sessions:read payment_sessions:write", read), read);
        assert_eq!(granted("", Scopes::ALL), Scopes::ALL);
        assert_eq!(granted("0e61cc47-6b92-4a6a-8951-3ddd8a462ee8", read), read);
        assert_eq!(granted("refunds:write", read), Scopes::NONE);
        // One that is mistyped, or not ours, grants nothing beside those that are.
        assert_eq!(granted("payment_sessions:read refund:write", Scopes::ALL), read);
        assert_eq!(granted("0e61cc47-6b92-4a6a-8951-3ddd8a462ee8 payment_sessions:read", Scopes::ALL), read);
        assert_eq!(granted("refunds:write openid", read), Scopes::NONE);
        assert_eq!(granted("payment_session:read", read), read);
        for separator in [",", ";", "|", "+", ", ", "\u{a0}", "\u{3000}", "\t", "\" \""] {
            let asked = format!("payment_sessions:read{separator}payment_sessions:write");
            assert_eq!(granted(&asked, Scopes::ALL), scopes("payment_sessions:read payment_sessions:write"), "{asked}");
        }
        for asked in [
            "PAYMENT_SESSIONS:READ",
            "\"payment_sessions:read\"",
            "payment_sessions:read\u{200b}",
            "payment_sessions:read\0",
        ] {
            assert_eq!(granted(asked, Scopes::ALL), read, "{asked:?}");
        }
    }
}
