//! An application, as it asks what it is.

use lambda_http::http::{HeaderMap, StatusCode};
use models::{ApiKeyId, Application, Merchant, MerchantUrl, Mode};
use serde::Serialize;

use super::headers::{APP_ID, GivenOtherwise, once};
use crate::answer::{Answer, json};
use crate::error::Refusal;
#[cfg(test)]
use crate::openapi::types as doc;

/// An application.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FintectureApplication"))]
#[derive(Debug, Serialize)]
pub(crate) struct ApplicationView<'a> {
    data: Data<'a>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct Data<'a> {
    /// Its `app_id`.
    id: &'a str,
    #[serde(rename = "type")]
    #[cfg_attr(test, schemars(extend("const" = "application")))]
    kind: &'static str,
    attributes: Attributes<'a>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct Attributes<'a> {
    /// `sandbox`, if it is of test mode, else `production`.
    #[cfg_attr(test, schemars(with = "doc::FintectureEnvironment"))]
    environment: &'static str,
    #[serde(flatten)]
    own: Option<Own<'a>>,
}

/// What the application is; without credentials `environment` alone.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct Own<'a> {
    /// The merchant's.
    name: &'a str,
    /// Where its payers may be sent back to.
    #[cfg_attr(test, schemars(with = "Vec<doc::Url>"))]
    redirect_urls: &'a [MerchantUrl],
    /// The ids of the public keys that its requests may be signed by, the newest last.
    public_keys: Vec<String>,
    /// Whether its requests have to be signed.
    signed: bool,
}

/// What a key names, without credentials; none for a client that names none.
///
/// # Errors
/// 401 if it is no API key's id, or given several times.
pub(crate) fn claimed(headers: &HeaderMap) -> Result<Option<ApiKeyId>, Refusal> {
    match once(headers, APP_ID) {
        Ok(None | Some("")) => Ok(None),
        Ok(Some(named)) => named.parse().map(Some).map_err(|_| Refusal::NotAnApplication),
        Err(GivenOtherwise) => Err(Refusal::NotAnApplication),
    }
}

/// The application of a key: all of it for its own `merchant`, else what its id says by itself, whether or not there is such a
/// key.
///
/// # Errors
/// 500.
pub(crate) fn application(id: &ApiKeyId, own: Option<(&Merchant, Option<&Application>)>) -> Answer {
    json(StatusCode::OK, &ApplicationView::new(id, own))
}

impl<'a> ApplicationView<'a> {
    pub(crate) fn new(id: &'a ApiKeyId, own: Option<(&'a Merchant, Option<&'a Application>)>) -> Self {
        let mode = id.mode();
        let own = own.map(|(merchant, application)| Own {
            name: merchant.name.as_str(),
            redirect_urls: application.map_or(&[], |application| &application.redirect_urls),
            public_keys: application
                .into_iter()
                .flat_map(|application| &application.public_keys)
                .map(|key| key.id.to_string())
                .collect(),
            signed: application.map_or(mode == Mode::Live, Application::needs_signature),
        });
        let environment = match mode {
            Mode::Test => "sandbox",
            Mode::Live => "production",
        };
        Self { data: Data { id: id.as_str(), kind: "application", attributes: Attributes { environment, own } } }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use lambda_http::http::HeaderValue;
    use models::{PublicKey, PublicKeyId};
    use serde_json::{Value, json};

    use super::*;

    fn shown(id: &str, own: Option<(&Merchant, Option<&Application>)>) -> Value {
        let answer = application(&id.parse().unwrap(), own).unwrap();
        serde_json::from_slice::<Value>(answer.body()).unwrap()["data"].take()
    }

    #[test]
    fn who_names_an_application_learns_what_its_id_says_and_its_own_requests_learn_all() {
        for (id, environment) in [("pk_test_demo", "sandbox"), ("pk_live_demo", "production")] {
            let expected = json!({ "id": id, "type": "application", "attributes": { "environment": environment } });
            assert_eq!(shown(id, None), expected);
        }
        let merchant = samples::merchant();
        let key = "0123456789abcdef".parse::<PublicKeyId>().unwrap();
        let own = Application {
            key_id: "pk_test_demo".parse().unwrap(),
            public_keys: vec![PublicKey { id: key, spki: vec![1], added_at: Timestamp::UNIX_EPOCH }],
            redirect_urls: vec!["https://shop.example/back".to_owned().try_into().unwrap()],
            signed: false,
            created_at: Timestamp::UNIX_EPOCH,
        };
        let expected = json!({
            "environment": "sandbox", "name": merchant.name, "redirect_urls": ["https://shop.example/back"],
            "public_keys": ["0123456789abcdef"], "signed": false,
        });
        assert_eq!(shown("pk_test_demo", Some((&merchant, Some(&own))))["attributes"], expected);
        for (id, signed) in [("pk_test_demo", false), ("pk_live_demo", true)] {
            let attributes = &shown(id, Some((&merchant, None)))["attributes"];
            assert_eq!([&attributes["redirect_urls"], &attributes["signed"]], [&json!([]), &json!(signed)]);
        }
    }

    #[test]
    fn an_application_is_named_once_or_not() {
        let named = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(APP_ID, HeaderValue::from_static(value));
            }
            claimed(&headers)
        };
        assert_eq!(named(&["pk_live_demo"]), Ok(Some("pk_live_demo".parse().unwrap())));
        assert_eq!((named(&[]), named(&[""])), (Ok(None), Ok(None)));
        for wrong in [&["demo"][..], &["sk_test_demo"], &["pk_test_demo", "pk_test_demo"]] {
            assert_eq!(named(wrong), Err(Refusal::NotAnApplication), "{wrong:?}");
        }
    }
}
