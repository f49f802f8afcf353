//! Access tokens: what is asked for, and the answer.

use jiff::Timestamp;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{ApiKey, ApiKeyId, Scopes};
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, json};
use crate::error::Refusal;
use crate::oauth::{CLIENT_CREDENTIALS, read_request};
use crate::token::mint;

/// How long a token holds, in seconds (their `expires_in`).
const LIFETIME_S: i64 = 3600;

/// The one scope that there is here: payments. Their other, account information, has nothing to open.
const PIS: &str = "PIS";

/// What a token is asked for with. All may be left out.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FintectureTokenRequest"))]
#[derive(Debug, Default, Deserialize)]
pub(crate) struct TokenRequest {
    #[cfg_attr(test, schemars(with = "String", extend("const" = CLIENT_CREDENTIALS)))]
    grant_type: Option<String>,
    /// The API key, as in the credentials.
    #[cfg_attr(test, schemars(with = "String"))]
    app_id: Option<String>,
    #[cfg_attr(test, schemars(with = "String", extend("const" = PIS)))]
    scope: Option<String>,
}

/// An access token.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FintectureToken"))]
#[derive(Debug, Serialize)]
pub(crate) struct TokenView {
    access_token: String,
    #[cfg_attr(test, schemars(extend("const" = "Bearer")))]
    token_type: &'static str,
    /// Seconds.
    #[cfg_attr(test, schemars(extend("const" = LIFETIME_S)))]
    expires_in: i64,
    #[cfg_attr(test, schemars(extend("const" = PIS)))]
    scope: &'static str,
}

/// What a request for a token of this key is granted: all that the key has, `own`.
///
/// # Errors
/// 400, 413 or 415 if it can't be read or asks for another grant; 401 if it names another application, or other scopes.
pub(crate) fn granted_scopes(request: &Request, key: &ApiKeyId, own: Scopes) -> Result<Scopes, Refusal> {
    let TokenRequest { grant_type, app_id, scope } = read_request(request)?;
    if grant_type.is_some_and(|grant_type| grant_type != CLIENT_CREDENTIALS) {
        return Err(Refusal::BadRequest(format!("grant_type must be {CLIENT_CREDENTIALS}")));
    }
    if app_id.is_some_and(|app_id| app_id != key.as_str()) {
        return Err(Refusal::NotAnApplication);
    }
    if scope.is_some_and(|scope| scope != PIS) {
        return Err(Refusal::InvalidScopes);
    }
    Ok(own)
}

/// The answer with a new token of `key` for `scopes`.
///
/// # Errors
/// 500 if it can't be signed.
pub(crate) fn token(key: &ApiKey, scopes: Scopes, now: Timestamp) -> Answer {
    let access_token = mint(key, scopes, now.as_second(), LIFETIME_S)?;
    json(StatusCode::OK, &TokenView { access_token, token_type: "Bearer", expires_in: LIFETIME_S, scope: PIS })
}

/// Why no token is given for another: that of client credentials comes without one to refresh it by (RFC 6749, 4.4.3).
pub(crate) fn no_refresh_token() -> Refusal {
    let why = "there are no refresh tokens: get another access token from /oauth/accesstoken by client credentials";
    Refusal::BadRequest(why.to_owned())
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;
    use runtime::Random;
    use serde_json::{Value, json};

    use super::*;
    use crate::secrets::known_key;
    use crate::token;

    const NOW: Timestamp = Timestamp::constant(1_772_000_000, 0);

    fn granted(content_type: &str, body: &str) -> Result<Scopes, Refusal> {
        let request = lambda_http::http::Request::builder().header("content-type", content_type);
        let request = request.body(Body::Text(body.to_owned())).unwrap();
        granted_scopes(&request, &"pk_test_demo".parse().unwrap(), "refunds:write".parse().unwrap())
    }

    #[test]
    fn a_token_has_all_that_its_key_has() {
        let form = |body: &str| granted("application/x-www-form-urlencoded", body);
        let own: Scopes = "refunds:write".parse().unwrap();
        let all = "grant_type=client_credentials&app_id=pk_test_demo&scope=PIS";
        for body in [all, "", "scope=PIS", "grant_type=client_credentials", &format!("{all}&more=1")] {
            assert_eq!(form(body), Ok(own), "{body}");
        }
        assert_eq!(granted("application/json", r#"{"app_id":"pk_test_demo","scope":"PIS"}"#), Ok(own));
        for body in ["app_id=pk_test_other", "app_id=", "app_id=PK_TEST_DEMO"] {
            assert_eq!(form(body), Err(Refusal::NotAnApplication), "{body}");
        }
        for body in ["scope=AIS", "scope=PIS+AIS", "scope=pis", "scope=", "scope=refunds%3Awrite"] {
            assert_eq!(form(body), Err(Refusal::InvalidScopes), "{body}");
        }
        for body in ["grant_type=refresh_token", "grant_type=authorization_code", "scope=PIS&scope=PIS"] {
            assert!(matches!(form(body), Err(Refusal::BadRequest(_))), "{body}");
        }
        assert!(matches!(granted("text/plain", all), Err(Refusal::UnsupportedMediaType(_))));
    }

    #[test]
    fn a_token_holds_for_an_hour() {
        let issued = known_key("pk_test_demo", "sk_test_demo", Scopes::ALL, NOW, &Random::System).unwrap();
        let answer = token(&issued.key, Scopes::ALL, NOW).unwrap();
        let mut shown: Value = serde_json::from_slice(answer.body()).unwrap();
        let token = shown["access_token"].take().as_str().unwrap().to_owned();
        let rest = json!({ "access_token": null, "token_type": "Bearer", "expires_in": 3600, "scope": "PIS" });
        assert_eq!((answer.status(), shown), (StatusCode::OK, rest));
        let holds_after = |seconds| {
            let at = NOW + jiff::SignedDuration::from_secs(seconds);
            token::verify(&token, &issued.key.id, Some(&issued.key), at)
        };
        assert_eq!((holds_after(3600), holds_after(3601)), (Some(Scopes::ALL), None));
    }
}
