//! Events of API Gateway, as requests.
//!
//! `lambda_http` takes for granted that an event can be made into a request: a host that is none, a query string that no URI
//! has or a body that is no Base64 make it panic, and an event of another shape is an error of the function, which clients
//! read as 500. So events are read here, and what can't be is the client's to mend (docs/decisions/0020-the-edge.md).

use std::collections::HashMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequestContext, ApiGatewayV2httpResponse};
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use lambda_http::request::RequestContext;
use lambda_http::{Body, Context, Request, RequestExt, Response};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use url::Url;

use crate::error::Refusal;
use crate::error_shape::ErrorShape;
use crate::http::{FORWARDED_PROTO, are_https};

/// What we read of an event, payload format 2.0:
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    raw_path: String,
    raw_query_string: Option<String>,
    headers: Option<HashMap<String, String>>,
    /// Apart from the headers, one by one.
    cookies: Option<Vec<String>>,
    request_context: EventContext,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventContext {
    domain_name: Option<String>,
    request_id: Option<String>,
    http: EventHttp,
}

#[derive(Debug, Deserialize)]
struct EventHttp {
    method: String,
}

/// Whatever a function was invoked with. Reading it never fails, so that the client gets an answer.
#[derive(Debug)]
pub(crate) struct Incoming(Option<Event>);

impl<'de> Deserialize<'de> for Incoming {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(raw.get()).ok()))
    }
}

impl Incoming {
    /// Whether the answer goes to HEAD, if its method can be read.
    pub(crate) fn is_head(&self) -> bool {
        self.0.as_ref().is_some_and(|event| event.request_context.http.method == Method::HEAD.as_str())
    }

    /// Whether it came by HTTPS, or may have.
    pub(crate) fn is_https(&self) -> bool {
        let mut headers = self.0.iter().flat_map(|event| &event.headers).flatten();
        let protos = headers.find(|(name, _)| name.eq_ignore_ascii_case(FORWARDED_PROTO));
        are_https(protos.map(|(_, protos)| protos.as_str()))
    }

    /// In which shape its errors are rendered, whatever else of it can't be read.
    pub(crate) fn error_shape(&self) -> ErrorShape {
        let event = self.0.as_ref().map(|event| {
            let EventContext { request_id, http, .. } = &event.request_context;
            (http.method.as_str(), event.raw_path.as_str(), request_id.as_deref().unwrap_or(""))
        });
        let (method, path, request_id) = event.unwrap_or_default();
        ErrorShape::of(method, path, request_id)
    }

    /// The request.
    ///
    /// # Errors
    /// 400, which says what of it can't be read.
    pub(crate) fn into_request(self, context: Context) -> Result<Request, Refusal> {
        let event = self.0.ok_or_else(|| unreadable("the request"))?;
        let method =
            Method::from_bytes(event.request_context.http.method.as_bytes()).map_err(|_| unreadable("the method"))?;
        let mut headers = headers(event.headers.unwrap_or_default())?;
        // Of any site; one that no header can hold is none of ours.
        let cookies = event.cookies.into_iter().flatten().filter_map(|cookie| HeaderValue::try_from(cookie).ok());
        for cookie in cookies {
            headers.append(header::COOKIE, cookie);
        }
        let EventContext { domain_name, request_id, .. } = event.request_context;
        let host = headers.get(header::HOST).map(HeaderValue::to_str);
        if host.is_some_and(|host| !host.is_ok_and(is_host))
            || domain_name.as_deref().is_some_and(|name| !is_host(name))
        {
            return Err(unreadable("the Host header"));
        }
        if !headers.get_all(FORWARDED_PROTO).iter().all(is_protocols) {
            return Err(unreadable("the X-Forwarded-Proto header"));
        }
        let uri = uri(&event.raw_path, event.raw_query_string.as_deref().unwrap_or(""))?;
        let body = match event.body {
            None => Body::Empty,
            Some(body) if event.is_base64_encoded == Some(true) => {
                Body::Binary(BASE64_STANDARD.decode(body).map_err(|_| unreadable("the body"))?)
            }
            Some(body) => Body::Text(body),
        };
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let mut request_context = ApiGatewayV2httpRequestContext::default();
        request_context.domain_name = domain_name;
        request_context.request_id = request_id;
        Ok(request
            .with_raw_http_path(event.raw_path)
            .with_request_context(RequestContext::ApiGatewayV2(request_context))
            .with_lambda_context(context))
    }
}

fn unreadable(what: &str) -> Refusal {
    Refusal::BadRequest(format!("{what} can't be read"))
}

/// Values that are not ASCII stay, as bytes; where one is read, it is refused as that header's values are.
fn headers(given: HashMap<String, String>) -> Result<HeaderMap, Refusal> {
    let mut headers = HeaderMap::with_capacity(given.len());
    for (name, value) in given {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unreadable("a header's name"))?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| unreadable(&format!("the header {name}")))?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// Whether it is a host with or without a port (RFC 9110, 7.2), in ASCII. It becomes part of the links that payers get.
fn is_host(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    !text.is_empty() && text.bytes().all(plain) && Url::parse(&format!("https://{text}/")).is_ok()
}

/// `http` or `https`; several if proxies before API Gateway named theirs, too.
fn is_protocols(value: &HeaderValue) -> bool {
    let known = |text: &str| ["http", "https"].iter().any(|protocol| protocol.eq_ignore_ascii_case(text.trim()));
    value.to_str().is_ok_and(|text| text.split(',').all(known))
}

/// A path may come decoded, and hold what no URI does; then it is no path of ours, which the reader of the path refuses.
fn uri(path: &str, query: &str) -> Result<Uri, Refusal> {
    if !path.starts_with('/') {
        return Err(unreadable("the path"));
    }
    if query.contains('#') {
        return Err(unreadable("the query string"));
    }
    let mut uri = String::with_capacity(path.len() + query.len() + 1);
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/%-._~!$&'()*+,;=:@".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a String can't fail.
            let _ = std::fmt::Write::write_fmt(&mut uri, format_args!("%{byte:02X}"));
        }
    }
    if !query.is_empty() {
        uri.push('?');
        uri.push_str(query);
    }
    uri.parse().map_err(|_| unreadable("the query string"))
}

/// An answer as API Gateway accepts it. To HEAD it is GET's without the body, whose length is said (RFC 9110, 9.3.2).
pub(crate) fn outgoing(answer: Response<Body>, to_head: bool) -> ApiGatewayV2httpResponse {
    let (parts, body) = answer.into_parts();
    let mut headers = parts.headers;
    let mut output = ApiGatewayV2httpResponse::default();
    output.status_code = i64::from(parts.status.as_u16());
    output.cookies = headers
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|cookie| cookie.to_str().ok().map(str::to_owned))
        .collect();
    headers.remove(header::SET_COOKIE);
    if to_head {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    } else {
        output.is_base64_encoded = matches!(body, Body::Binary(_));
        output.body = if matches!(body, Body::Empty) { None } else { Some(body) };
    }
    output.headers = headers;
    output
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn sample() -> Value {
        serde_json::from_str(include_str!("../../../tests/events/get-list.json")).unwrap()
    }

    fn request(event: &Value) -> Result<Request, String> {
        let incoming: Incoming = serde_json::from_str(&event.to_string()).unwrap();
        incoming.into_request(Context::default()).map_err(|error| {
            assert!(matches!(error, Refusal::BadRequest(_)), "{error:?}");
            error.to_string()
        })
    }

    fn with(pointer: &str, value: Value) -> Result<Request, String> {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let mut event = sample();
        event.pointer_mut(parent).unwrap()[name] = value;
        request(&event)
    }

    #[test]
    fn an_event_is_a_request() {
        let request = request(&sample()).unwrap();
        assert_eq!(
            (request.method(), request.uri().to_string().as_str()),
            (&Method::GET, "/v2/payment_sessions?limit=10")
        );
        assert_eq!(request.raw_http_path(), "/v2/payment_sessions");
        assert_eq!(request.headers()["host"], "127.0.0.1:3000");
        assert_eq!(crate::http::request_id(&request), "sample");
        assert_eq!(crate::base_url(&request).as_deref(), Some("http://127.0.0.1:3000"));
    }

    #[test]
    fn cookies_are_headers_each() {
        let request = with("/cookies", json!(["a=1", "b=\n", "c=é"])).unwrap();
        let cookies: Vec<_> = request.headers().get_all("cookie").iter().map(HeaderValue::as_bytes).collect();
        assert_eq!(cookies, [b"a=1".as_slice(), "c=é".as_bytes()]);
        assert!(!with("/cookies", json!(null)).unwrap().headers().contains_key("cookie"));
    }

    #[test]
    fn what_can_not_be_read_is_named() {
        for host in [
            "",
            " ",
            "a b",
            "a/b",
            "a\\b",
            "a,b",
            "user@a",
            "a:b",
            "a:99999",
            "[::1",
            "999.1.1.1",
            "a?b",
            "a#b",
            "é",
            "%41",
            "a:80:80",
            "<a>",
        ] {
            for pointer in ["/headers/host", "/requestContext/domainName"] {
                assert_eq!(with(pointer, json!(host)).unwrap_err(), "the Host header can't be read", "{host}");
            }
        }
        for host in [
            "localhost",
            "a_b.example:3000",
            "127.0.0.1",
            "[::1]:3000",
            "EXAMPLE.com",
            "x.execute-api.eu-west-2.amazonaws.com",
        ] {
            for pointer in ["/headers/host", "/requestContext/domainName"] {
                assert!(with(pointer, json!(host)).is_ok(), "{host}");
            }
        }
        for proto in ["", "ht tp", "://", "http:", "ftp", "https,", "é", "http,javascript"] {
            let refused = with("/headers/x-forwarded-proto", json!(proto)).unwrap_err();
            assert_eq!(refused, "the X-Forwarded-Proto header can't be read", "{proto}");
        }
        for query in ["a b", "a=<b>", "#", "a=\u{7f}", "\n", &"a".repeat(70_000)] {
            assert_eq!(with("/rawQueryString", json!(query)).unwrap_err(), "the query string can't be read", "{query}");
        }
        for (name, value) in [("a b", "x"), ("", "x"), ("é", "x")] {
            assert_eq!(with(&format!("/headers/{name}"), json!(value)).unwrap_err(), "a header's name can't be read");
        }
        assert_eq!(with("/headers/x-a", json!("a\nb")).unwrap_err(), "the header x-a can't be read");
        for method in ["", "G ET", "GÉT"] {
            assert_eq!(with("/requestContext/http/method", json!(method)).unwrap_err(), "the method can't be read");
        }
        for path in ["", "v2/payment_sessions", "*", "https://a/"] {
            assert_eq!(with("/rawPath", json!(path)).unwrap_err(), "the path can't be read", "{path}");
        }
        for body in ["%", "YQ", "YQ==\n"] {
            let mut event = sample();
            event["body"] = json!(body);
            event["isBase64Encoded"] = json!(true);
            assert_eq!(request(&event).unwrap_err(), "the body can't be read", "{body}");
        }
        for event in [json!(null), json!([]), json!({}), json!("x"), json!({"Records": []})] {
            assert_eq!(request(&event).unwrap_err(), "the request can't be read", "{event}");
        }
        for pointer in ["/rawPath", "/requestContext", "/requestContext/http", "/requestContext/http/method"] {
            assert_eq!(with(pointer, json!(null)).unwrap_err(), "the request can't be read", "{pointer}");
        }
    }

    #[test]
    fn what_is_missing_or_strange_but_not_needed_is_no_obstacle() {
        for pointer in [
            "/headers",
            "/rawQueryString",
            "/body",
            "/isBase64Encoded",
            "/requestContext/domainName",
            "/requestContext/requestId",
        ] {
            assert!(with(pointer, json!(null)).is_ok(), "{pointer}");
        }
        let strange = with("/headers/user-agent", json!("Käfer")).unwrap();
        assert_eq!(strange.headers()["user-agent"], "Käfer".as_bytes());
        // What API Gateway decoded.
        let decoded = with("/rawPath", json!("/v2/payment_sessions/a b?c#é{}")).unwrap();
        assert_eq!(decoded.uri().path(), "/v2/payment_sessions/a%20b%3Fc%23%C3%A9%7B%7D");
        assert_eq!(decoded.uri().query(), Some("limit=10"));
        let proxied = with("/headers/x-forwarded-proto", json!("https, HTTP")).unwrap();
        assert_eq!(crate::base_url(&proxied).as_deref(), Some("http://127.0.0.1:3000"));
    }

    #[test]
    fn to_head_goes_what_get_gets_without_its_body() {
        let answer = || Response::builder().header("set-cookie", "a=1").body(Body::Text("é".to_owned())).unwrap();
        let get = serde_json::to_value(outgoing(answer(), false)).unwrap();
        assert_eq!((&get["body"], &get["cookies"], &get["headers"]), (&json!("é"), &json!(["a=1"]), &json!({})));
        let head = serde_json::to_value(outgoing(answer(), true)).unwrap();
        assert_eq!((head.get("body"), &head["headers"]), (None, &json!({"content-length": "2"})));
        assert_eq!(head["statusCode"], get["statusCode"]);
    }

    proptest! {
        #[test]
        fn no_event_panics(text in "\\PC*|[ -~]*", pointer in prop::sample::select(vec![
            "/rawPath", "/rawQueryString", "/headers/host", "/headers/x-forwarded-proto", "/headers/authorization",
            "/body", "/requestContext/domainName", "/requestContext/http/method", "/requestContext/requestId",
        ]), base64 in any::<bool>()) {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let mut event = sample();
            event.pointer_mut(parent).unwrap()[name] = json!(text);
            event["isBase64Encoded"] = json!(base64);
            if let Ok(request) = request(&event) {
                let _ = crate::unrouted(&request);
                let _ = crate::base_url(&request);
            }
        }
    }
}
