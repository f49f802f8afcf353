//! Headers: which application sends a request, and by which id it is done once; of a creation also who is to pay, and how they
//! are spoken to.

use lambda_http::http::HeaderMap;
use models::{ApiKeyId, Country, Locale};
use uuid::{Uuid, Variant};

use super::extra::PsuType;
use super::fields::two_letters;
use crate::error::{Refusal, SignatureFault};
use crate::given::Given;
use crate::violations::Violations;

/// The id of a request, by which it is done once.
pub(super) const REQUEST_ID: &str = "x-request-id";

/// Which application sends a request.
pub(super) const APP_ID: &str = "app_id";

/// A header that is given once, in ASCII; an error if it is given otherwise.
pub(super) fn once<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, GivenOtherwise> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| GivenOtherwise),
        (Some(_), Some(_)) => Err(GivenOtherwise),
    }
}

/// A header is given several times, or not in ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GivenOtherwise;

/// Checks that the application that the headers name, if they do, is the key that the request was sent with.
///
/// # Errors
/// 401 if it is another.
pub(super) fn check_application(headers: &HeaderMap, key: &ApiKeyId) -> Result<(), Refusal> {
    match once(headers, APP_ID) {
        Ok(None) => Ok(()),
        Ok(Some(named)) if named == key.as_str() => Ok(()),
        Ok(Some(_)) | Err(GivenOtherwise) => Err(Refusal::NotAnApplication),
    }
}

/// The request's id, if it has one.
///
/// # Errors
/// It is no UUID of version 4 in its usual form (RFC 9562, 4 and 5.4), or given several times.
pub(super) fn request_id(headers: &HeaderMap) -> Result<Option<&str>, SignatureFault> {
    let given = once(headers, REQUEST_ID).map_err(|GivenOtherwise| SignatureFault::RequestIdMalformed)?;
    let is_random = |text: &str| {
        text.len() == 36
            && Uuid::try_parse(text).is_ok_and(|id| id.get_version_num() == 4 && id.get_variant() == Variant::RFC4122)
    };
    match given {
        Some(id) if !is_random(id) => Err(SignatureFault::RequestIdMalformed),
        given => Ok(given),
    }
}

/// What a creation's headers say.
#[derive(Debug)]
pub(super) struct Headers {
    pub(super) psu_type: Option<PsuType>,
    pub(super) country: Option<Country>,
    pub(super) language: Option<Locale>,
    pub(super) provider: Option<String>,
}

/// Reads the headers of a creation; an empty one counts as left out.
pub(super) fn read(headers: &HeaderMap, wrong: &mut Violations) -> Headers {
    let rule = "must be given once, in ASCII";
    let given = |name| match once(headers, name) {
        Ok(None | Some("")) => Given::Nothing,
        Ok(Some(value)) => Given::Value(value.to_owned()),
        Err(GivenOtherwise) => Given::Wrong,
    };
    Headers {
        psu_type: wrong.optional(given("x-psu-type"), None, "header.x-psu-type", rule, psu_type),
        country: wrong.optional(given("x-country"), None, "header.x-country", rule, |text| {
            let capitals = two_letters(text)?.to_ascii_uppercase();
            // Any two capitals are one.
            capitals.parse().map_err(|_| "must be two letters")
        }),
        language: wrong.optional(given("x-language"), None, "header.x-language", rule, language),
        provider: wrong.optional(given("x-provider"), None, "header.x-provider", rule, provider),
    }
}

/// A language of two letters.
///
/// # Errors
/// It is anything else.
pub(super) fn language(text: String) -> Result<Locale, &'static str> {
    let language = two_letters(text)?.to_ascii_lowercase();
    // Any two letters are a language tag.
    Locale::try_from(language).map_err(|_| "must be two letters")
}

fn psu_type(text: String) -> Result<PsuType, &'static str> {
    match text.as_str() {
        "retail" => Ok(PsuType::Retail),
        "corporate" => Ok(PsuType::Corporate),
        "all" => Ok(PsuType::All),
        _ => Err("must be one of retail, corporate, all"),
    }
}

/// The id of a provider, whether or not there is one of that id.
fn provider(text: String) -> Result<String, &'static str> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if (1..=64).contains(&text.len()) && text.bytes().all(is_allowed) {
        Ok(text)
    } else {
        Err("must be 1 to 64 letters, digits, _ or -")
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::http::{HeaderName, HeaderValue};

    use super::*;

    fn read_all(given: &[(&'static str, &str)]) -> (Headers, Vec<(Option<&'static str>, String)>) {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let mut wrong = Violations::default();
        let read = read(&headers, &mut wrong);
        (read, wrong.0.into_iter().map(|wrong| (wrong.code, wrong.parameter.unwrap())).collect())
    }

    #[test]
    fn each_is_read_if_it_is_given() {
        let given =
            [("x-psu-type", "corporate"), ("x-country", "fr"), ("x-language", "DE"), ("x-provider", "Mock_bank-1")];
        let (headers, wrong) = read_all(&given);
        assert_eq!((headers.psu_type, headers.country), (Some(PsuType::Corporate), Some("FR".parse().unwrap())));
        assert_eq!(headers.language.as_ref().map(Locale::as_str), Some("de"));
        assert_eq!((headers.provider.as_deref(), wrong), (Some("Mock_bank-1"), vec![]));
        for none in [&[][..], &[("x-psu-type", ""), ("x-country", ""), ("x-language", ""), ("x-provider", "")]] {
            let (headers, wrong) = read_all(none);
            assert!(headers.psu_type.is_none() && headers.country.is_none() && headers.language.is_none());
            assert_eq!((headers.provider, wrong), (None, vec![]));
        }
        for (text, expected) in [("retail", PsuType::Retail), ("all", PsuType::All)] {
            assert_eq!(read_all(&[("x-psu-type", text)]).0.psu_type, Some(expected));
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let long = "a".repeat(65);
        for (name, value) in [
            ("x-psu-type", "Retail"),
            ("x-psu-type", "person"),
            ("x-country", "FRA"),
            ("x-country", "F1"),
            ("x-country", "FR, GB"),
            ("x-language", "en-GB"),
            ("x-language", "é"),
            ("x-provider", "mock bank"),
            ("x-provider", "é"),
            ("x-provider", &long),
        ] {
            assert_eq!(read_all(&[(name, value)]).1, [(None, format!("header.{name}"))], "{value}");
        }
        assert_eq!(read_all(&[("x-country", "FR"), ("x-country", "FR")]).1, [(None, "header.x-country".to_owned())]);
    }
}
