//! Forms, of pages and of the token endpoint.

use lambda_http::http::{HeaderMap, header};
use percent_encoding::percent_decode;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::http::media_type;

/// Why a body was not read as a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidForm {
    /// Its media type says that it is something else, or nothing.
    #[error("the body must be application/x-www-form-urlencoded")]
    MediaType,
    /// Some of its text is not UTF-8, or it says that it is in another character set and is not plain ASCII.
    #[error("the form must be UTF-8")]
    NotUtf8,
    /// A field is missing, given twice, or of another type.
    #[error("the form must have its fields, each of them once")]
    Fields,
}

/// Reads a form (URL Standard, 5.1). The standard has what is not UTF-8 replaced by U+FFFD; that would be stored as
/// somebody's name, so it is refused.
///
/// # Errors
/// See [`InvalidForm`].
pub fn parse_form<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, InvalidForm> {
    if media_type(headers).as_deref() != Some("application/x-www-form-urlencoded") {
        return Err(InvalidForm::MediaType);
    }
    // What separates fields is ASCII, so that all of them are UTF-8 exactly if the whole is.
    let text = percent_decode(body).decode_utf8().map_err(|_| InvalidForm::NotUtf8)?;
    // Some clients name another character set always; of plain ASCII that is true.
    if !text.is_ascii() && !charset_is_utf8(headers) {
        return Err(InvalidForm::NotUtf8);
    }
    serde_urlencoded::from_bytes(body).map_err(|_| InvalidForm::Fields)
}

/// Whether the media type names no character set, or UTF-8 by a name of its own (Encoding Standard, 4.2).
fn charset_is_utf8(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let parameters = value.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let mut charsets = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    charsets.all(|(_, charset)| {
        let charset = charset.trim().trim_matches('"').trim();
        ["utf-8", "utf8"].iter().any(|utf8| charset.eq_ignore_ascii_case(utf8))
    })
}

#[cfg(test)]
mod tests {
    use lambda_http::http::HeaderValue;
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Form {
        name: String,
    }

    fn read(content_type: &str, body: &[u8]) -> Result<String, InvalidForm> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap())]);
        parse_form::<Form>(&headers, body).map(|form| form.name)
    }

    const FORM: &str = "application/x-www-form-urlencoded";

    #[test]
    fn what_is_utf_8_is_read() {
        for (body, name) in [
            (&b"name=Zo%C3%AB"[..], "Zoë"),
            ("name=Zoë".as_bytes(), "Zoë"),
            (b"name=%F0%9F%95%AF+a", "🕯 a"),
            (b"name=%EF%BF%BD", "\u{fffd}"),
            (b"name=50%+%zz%", "50% %zz%"),
            (b"name=a&other=%C3%AB", "a"),
        ] {
            assert_eq!(read(FORM, body).as_deref(), Ok(name), "{body:?}");
        }
    }

    #[test]
    fn what_is_not_is_refused_wherever_it_stands() {
        for body in [
            &b"name=Zo%EB"[..],
            b"name=Zo\xeb",
            b"name=%C3",
            b"name=%C3&other=%AB",
            b"name=a&other=%ff",
            b"name=a&%ff=b",
            b"name=a&\xfe",
            b"name=%c0%80",
            b"name=%ed%a0%80",
            b"name=%f4%90%80%80",
            b"name=%FF%FEA%00d%00a%00",
        ] {
            assert_eq!(read(FORM, body), Err(InvalidForm::NotUtf8), "{body:?}");
        }
    }

    #[test]
    fn another_character_set_is_refused_where_it_makes_a_difference() {
        for charset in ["UTF-8", "utf8", "\"utf-8\"", " UTF-8 "] {
            assert!(read(&format!("{FORM}; charset={charset}"), b"name=Zo%C3%AB").is_ok(), "{charset}");
        }
        for parameters in [
            "charset=ISO-8859-1",
            "Charset=\"windows-1252\"",
            "charset=utf-16",
            "charset=",
            "charset=UTF-8; charset=latin1",
            "boundary=x; CHARSET=latin1",
        ] {
            let content_type = format!("{FORM};{parameters}");
            assert_eq!(read(&content_type, b"name=Zo%C3%AB"), Err(InvalidForm::NotUtf8), "{parameters}");
            assert_eq!(read(&content_type, b"name=Ada").as_deref(), Ok("Ada"), "{parameters}");
        }
    }

    #[test]
    fn what_is_no_such_form_is_refused() {
        for content_type in ["", "text/plain", "multipart/form-data", "application/json"] {
            assert_eq!(read(content_type, b"name=a"), Err(InvalidForm::MediaType), "{content_type}");
        }
        for body in [&b""[..], b"other=a", b"name=a&name=b"] {
            assert_eq!(read(FORM, body), Err(InvalidForm::Fields), "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_as_they_are_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            let encoded: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
            let read = read(FORM, format!("name={encoded}").as_bytes());
            prop_assert_eq!(read, String::from_utf8(bytes).map_err(|_| InvalidForm::NotUtf8));
        }
    }
}
