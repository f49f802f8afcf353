//! Payload format 2.0: a request as the function's event, and the function's output as an answer.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE};
use hyper::{HeaderMap, Response, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::http::{Answer, Call};
use crate::names;
use crate::routes::RouteMatch;

/// The event for a request that `route` takes.
pub(super) fn event(
    call: &Call,
    host: &str,
    route: &RouteMatch<'_>,
    port: u16,
    request_id: &str,
    now: Timestamp,
) -> Value {
    let route_key = route.key.to_string();
    let mut headers = joined_headers(&call.headers);
    let cookies = headers.remove("cookie");
    headers.insert("host".to_owned(), json!(host));
    // What API Gateway adds on the way.
    headers.insert("x-forwarded-for".to_owned(), json!(call.peer.ip().to_string()));
    headers.insert("x-forwarded-proto".to_owned(), json!("http"));
    headers.insert("x-forwarded-port".to_owned(), json!(port.to_string()));
    headers.insert("x-amzn-trace-id".to_owned(), json!(format!("Root={}", names::trace_root(now))));

    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": call.uri.path(),
        "rawQueryString": call.uri.query().unwrap_or(""),
        "headers": headers,
        "requestContext": {
            "accountId": names::ACCOUNT,
            "apiId": "local",
            "domainName": host,
            "domainPrefix": host.split(['.', ':']).next().unwrap_or(host),
            "http": {
                "method": call.method.as_str(),
                "path": call.uri.path(),
                "protocol": "HTTP/1.1",
                "sourceIp": call.peer.ip().to_string(),
                "userAgent": call.header("user-agent").unwrap_or(""),
            },
            "requestId": request_id,
            "routeKey": route_key,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.as_millisecond(),
        },
        "isBase64Encoded": false,
    });
    let mut set = |name: &str, value: Value| {
        if let Value::Object(event) = &mut event {
            event.insert(name.to_owned(), value);
        }
    };
    if let Some(cookies) = cookies.as_ref().and_then(Value::as_str) {
        set("cookies", cookies.split(';').map(str::trim).filter(|cookie| !cookie.is_empty()).collect());
    }
    let query = joined_query(call.uri.query().unwrap_or(""));
    if !query.is_empty() {
        set("queryStringParameters", Value::Object(query));
    }
    if !route.path_parameters.is_empty() {
        set("pathParameters", json!(route.path_parameters));
    }
    if !call.body.is_empty() {
        let text = if is_text(&call.headers) { std::str::from_utf8(&call.body).ok() } else { None };
        match text {
            Some(text) => set("body", json!(text)),
            None => {
                set("body", json!(STANDARD.encode(&call.body)));
                set("isBase64Encoded", json!(true));
            }
        }
    }
    event
}

/// Names in lower case; the values of a repeated header joined by commas.
fn joined_headers(headers: &HeaderMap) -> Map<String, Value> {
    let mut joined = Map::new();
    for name in headers.keys() {
        // Cookies are separated by semicolons wherever they stand.
        let separator = if name == "cookie" { ";" } else { "," };
        let values: Vec<_> =
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        joined.insert(name.as_str().to_owned(), json!(values.join(separator)));
    }
    joined
}

/// Decoded; the values of a repeated name joined by commas.
fn joined_query(query: &str) -> Map<String, Value> {
    let mut joined: Map<String, Value> = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match joined.get_mut(name.as_ref()) {
            Some(Value::String(earlier)) => {
                earlier.push(',');
                earlier.push_str(&value);
            }
            _ => {
                joined.insert(name.into_owned(), json!(value));
            }
        }
    }
    joined
}

/// Whether API Gateway hands the body over as text. Everything else, forms included, arrives in Base64.
fn is_text(headers: &HeaderMap) -> bool {
    if headers.contains_key("content-encoding") {
        return false;
    }
    let Some(kind) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let kind = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || matches!(kind.as_str(), "application/json" | "application/xml" | "application/javascript")
        || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// A function's output that says `statusCode`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    status_code: u16,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    #[serde(default)]
    multi_value_headers: Option<Map<String, Value>>,
    #[serde(default)]
    cookies: Option<Vec<String>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: Option<bool>,
}

/// The answer a function's output stands for, or nothing if API Gateway would not understand it. One to HEAD has no body
/// (RFC 9110, 9.3.2), and says the length that the function says, or else of the body that it gave.
pub(super) fn answer(output: &[u8], to_head: bool) -> Option<Answer> {
    let output: Value = serde_json::from_slice(output).ok()?;
    // Without statusCode the output itself is the body of a 200.
    if output.get("statusCode").is_none() {
        let body = output.as_str().map_or_else(|| output.to_string(), str::to_owned);
        return Some(crate::http::answer(StatusCode::OK, "application/json", body));
    }
    let output: Output = serde_json::from_value(output).ok()?;
    let body = output.body.unwrap_or_default();
    let body = if output.is_base64_encoded.unwrap_or(false) { STANDARD.decode(body).ok()? } else { body.into_bytes() };
    let length = HeaderValue::from(body.len());
    let mut answer = Response::new(Full::new(if to_head { Bytes::new() } else { Bytes::from(body) }));
    if to_head {
        let said = |(name, value): (&String, &Value)| {
            let said = value.as_str().filter(|_| name.eq_ignore_ascii_case("content-length"))?;
            HeaderValue::from_str(said).ok()
        };
        let said = output.headers.iter().flatten().find_map(said);
        answer.headers_mut().insert(CONTENT_LENGTH, said.unwrap_or(length));
    }
    *answer.status_mut() = StatusCode::from_u16(output.status_code).ok()?;
    let headers = answer.headers_mut();
    for (name, value) in output.headers.into_iter().flatten() {
        add_header(headers, &name, &value)?;
    }
    for (name, values) in output.multi_value_headers.into_iter().flatten() {
        for value in values.as_array()? {
            add_header(headers, &name, value)?;
        }
    }
    for cookie in output.cookies.into_iter().flatten() {
        headers.append(SET_COOKIE, HeaderValue::from_str(&cookie).ok()?);
    }
    if !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=utf-8"));
    }
    Some(answer)
}

fn add_header(headers: &mut HeaderMap, name: &str, value: &Value) -> Option<()> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    // About the connection, which is not the function's.
    if matches!(name.as_str(), "content-length" | "transfer-encoding" | "connection" | "keep-alive") {
        return Some(());
    }
    let value = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null => return Some(()),
        Value::Array(_) | Value::Object(_) => return None,
    };
    headers.append(name, HeaderValue::from_str(&value).ok()?);
    Some(())
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use hyper::Method;

    use super::*;
    use crate::routes::{RouteKey, Routes};

    fn call(method: Method, uri: &str, headers: &[(&str, &str)], body: &[u8]) -> Call {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        Call {
            method,
            uri: uri.parse().unwrap(),
            headers: map,
            body: Bytes::copy_from_slice(body),
            peer: "127.0.0.1:5000".parse().unwrap(),
        }
    }

    fn event_of(call: &Call) -> Value {
        let key = RouteKey::new(Some("ANY"), Some("/pets/{id}")).unwrap();
        let routes = Routes::new(vec![(key, "Pets".to_owned())]);
        let route = routes.find(call.method.as_str(), call.uri.path()).unwrap();
        event(call, "127.0.0.1:3000", &route, 3000, "id-1", Timestamp::from_second(1_583_348_638).unwrap())
    }

    #[test]
    fn a_request_becomes_the_documented_event() {
        let call = call(
            Method::POST,
            "/pets/a%20b?x=1&y=%26&x=2",
            &[
                ("Host", "127.0.0.1:3000"),
                ("User-Agent", "agent"),
                ("X-A", "1"),
                ("X-A", "2"),
                ("Idempotency-Key", "k"),
                ("Idempotency-Key", "k"),
                ("Cookie", "a=1; b=2"),
                ("Content-Type", "application/vnd.x+json; charset=utf-8"),
            ],
            b"{}",
        );
        let event = event_of(&call);
        assert_eq!(event["version"], "2.0");
        assert_eq!(event["routeKey"], "ANY /pets/{id}");
        assert_eq!(event["rawPath"], "/pets/a%20b");
        assert_eq!(event["rawQueryString"], "x=1&y=%26&x=2");
        assert_eq!(event["queryStringParameters"], json!({"x": "1,2", "y": "&"}));
        assert_eq!(event["pathParameters"], json!({"id": "a b"}));
        assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
        assert_eq!(event["headers"]["x-a"], "1,2");
        assert_eq!(event["headers"]["idempotency-key"], "k,k");
        assert_eq!(event["headers"]["x-forwarded-proto"], "http");
        assert_eq!(event["headers"].get("cookie"), None);
        assert_eq!(event["requestContext"]["domainName"], "127.0.0.1:3000");
        assert_eq!(event["requestContext"]["http"]["method"], "POST");
        assert_eq!(event["requestContext"]["time"], "04/Mar/2020:19:03:58 +0000");
        assert_eq!(event["requestContext"]["timeEpoch"], 1_583_348_638_000_i64);
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("{}"), &json!(false)));
    }

    #[test]
    fn bodies_that_are_no_text_travel_in_base64() {
        for kind in ["application/x-www-form-urlencoded", "image/png"] {
            let event = event_of(&call(Method::POST, "/pets/1", &[("content-type", kind)], b"a=b"));
            assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("YT1i"), &json!(true)), "{kind}");
        }
        let event = event_of(&call(Method::POST, "/pets/1", &[("content-type", "text/plain")], b"\xff"));
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("/w=="), &json!(true)));
        let event = event_of(&call(Method::GET, "/pets/1", &[], b""));
        assert_eq!(event.get("body"), None);
    }

    async fn parts(output: Value) -> (u16, HeaderMap, Bytes) {
        let (head, body) = answer(output.to_string().as_bytes(), false).unwrap().into_parts();
        (head.status.as_u16(), head.headers, body.collect().await.unwrap().to_bytes())
    }

    #[tokio::test]
    async fn an_output_becomes_the_answer() {
        let (status, headers, body) = parts(json!({
            "statusCode": 201, "headers": {"X-A": "1", "content-length": "9"}, "multiValueHeaders": {"x-b": ["1", "2"]},
            "cookies": ["a=1", "b=2"], "body": "aGk=", "isBase64Encoded": true,
        }))
        .await;
        assert_eq!((status, &body[..]), (201, &b"hi"[..]));
        assert_eq!(headers["x-a"], "1");
        assert_eq!(headers.get_all("x-b").iter().count(), 2);
        assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
        assert_eq!(headers["content-type"], "text/plain;charset=utf-8");
        assert!(!headers.contains_key("content-length"));
    }

    #[tokio::test]
    async fn an_answer_to_head_has_a_length_and_no_body() {
        for (output, length) in [
            (json!({"statusCode": 200, "body": "hi"}), "2"),
            (json!({"statusCode": 200, "headers": {"Content-Length": "7"}}), "7"),
        ] {
            let (head, body) = answer(output.to_string().as_bytes(), true).unwrap().into_parts();
            assert_eq!(
                (&head.headers["content-length"], body.collect().await.unwrap().to_bytes().len()),
                (&length.parse().unwrap(), 0)
            );
        }
    }

    #[tokio::test]
    async fn an_output_without_status_is_the_body() {
        let (status, headers, body) = parts(json!({"a": 1})).await;
        assert_eq!(
            (status, &headers["content-type"], &body[..]),
            (200, &"application/json".parse().unwrap(), &b"{\"a\":1}"[..])
        );
        assert_eq!(&parts(json!("hi")).await.2[..], b"hi");
    }

    #[test]
    fn an_output_api_gateway_would_not_understand_is_none() {
        for output in [
            json!({"statusCode": 99}),
            json!({"statusCode": "x"}),
            json!({"statusCode": 200, "headers": {"a b": "c"}}),
            json!({"statusCode": 200, "body": "?", "isBase64Encoded": true}),
            json!({"statusCode": 200, "body": {"a": 1}}),
        ] {
            assert!(answer(output.to_string().as_bytes(), false).is_none(), "{output}");
        }
        assert!(answer(b"{", false).is_none());
    }
}
