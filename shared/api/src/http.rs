//! Reading requests.

use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::http::{HeaderMap, header};
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};

use crate::error::Refusal;
use crate::json::Json;

/// What the client spoke to API Gateway.
pub(crate) const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// The longest body accepted, in bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// API Gateway's id of the request, by which logs are distinguished. What a handler writes bears it, too.
pub fn request_id(request: &Request) -> String {
    context(request).and_then(|context| context.request_id.clone()).unwrap_or_default()
}

/// The bytes of a body that is not too long.
///
/// # Errors
/// 413.
pub fn body(request: &Request) -> Result<&[u8], Refusal> {
    let body: &[u8] = request.body();
    if body.len() > MAX_BODY_BYTES { Err(Refusal::TooLarge(MAX_BODY_BYTES)) } else { Ok(body) }
}

/// A JSON body that is not too long and says that it is JSON, or says nothing; without a byte order mark.
///
/// # Errors
/// 400, 413 or 415.
pub fn json_body(request: &Request) -> Result<Json<'_>, Refusal> {
    let body = without_byte_order_mark(body(request)?);
    match media_type(request.headers()) {
        Some(other) if !is_json(&other) => Err(Refusal::UnsupportedMediaType("application/json")),
        Some(_) | None => Json::read(body),
    }
}

/// Whether a media type is JSON's, or that of something written in JSON (RFC 6839, 3.1).
pub(crate) fn is_json(media_type: &str) -> bool {
    let subtype = media_type.strip_prefix("application/");
    subtype.is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

/// A text in UTF-8 without the mark that some editors and libraries put before it; JSON's readers may ignore it
/// (RFC 8259, 8.1).
pub(crate) fn without_byte_order_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// The media type without parameters, in lower case. One that is given twice, which API Gateway joins by a comma, is none.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().unwrap_or("");
    Some(value.split(';').next().unwrap_or("").trim().to_ascii_lowercase())
}

/// The base URL that the request came to, without a trailing slash: API Gateway names the domain and sets
/// `x-forwarded-proto` itself, after what proxies said before it.
pub fn base_url(request: &Request) -> Option<String> {
    let context = context(request)?;
    let domain = context.domain_name.as_deref()?;
    Some(format!("{}://{domain}", if is_https(request) { "https" } else { "http" }))
}

/// Whether the request came by HTTPS: API Gateway sets `x-forwarded-proto` itself, after what
/// proxies said before it. Only `local` takes plain HTTP.
fn is_https(request: &Request) -> bool {
    let protos = request.headers().get(FORWARDED_PROTO).and_then(|value| value.to_str().ok());
    are_https(protos)
}

/// Whether these values of `x-forwarded-proto` say HTTPS, or do not say HTTP.
pub(crate) fn are_https(protos: Option<&str>) -> bool {
    let proto = protos.and_then(|protos| protos.rsplit(',').next()).unwrap_or("").trim();
    !proto.eq_ignore_ascii_case("http")
}

/// What API Gateway says of the request; its payload 2.0 is the only one that the routes use.
fn context(request: &Request) -> Option<&ApiGatewayV2httpRequestContext> {
    match request.request_context_ref()? {
        RequestContext::ApiGatewayV2(context) => Some(context),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;

    use super::*;

    fn with_body(body: &[u8]) -> Request {
        Request::new(Body::Binary(body.to_vec()))
    }

    #[test]
    fn one_byte_order_mark_before_json_is_no_part_of_it() {
        let mark = "\u{feff}";
        for (body, json) in [
            ("{}".to_owned(), Some("{}")),
            (format!("{mark}{{}}"), Some("{}")),
            (format!("{mark}{mark}{{}}"), None),
            (format!(" {mark}{{}}"), None),
            (mark.to_owned(), None),
        ] {
            let request = with_body(body.as_bytes());
            let read = json_body(&request).map(|json| json.fingerprint().unwrap());
            let expected = json.map(|json| Json::read(json.as_bytes()).unwrap().fingerprint().unwrap());
            assert_eq!(read.ok(), expected, "{body:?}");
        }
        // In UTF-16 it is no JSON.
        let utf_16: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(json_body(&with_body(&utf_16)).is_err());
    }
}
