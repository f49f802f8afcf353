//! The `$default` route: what matches no other route is 404, or 405 where the path has other methods. A browser is answered by a
//! page, all others in the wire format of the path; who means a page is led to it.

mod accept;

use api::Answer;
use lambda_http::http::{HeaderValue, header};
use lambda_http::{Body, Request, Response};
use pages::{Compression, Language, Problem, Shell, moved};

use crate::accept::prefers_page;

/// Refuses a request that has no route, unless it means a page.
///
/// # Errors
/// 404 or 405, for a client that does not read pages.
pub async fn handle(request: Request) -> Answer {
    if let Some(Ok(there)) = moved(&request) {
        return Ok(there);
    }
    if prefers_page(request.headers()) { Ok(page(&request)) } else { Err(api::unrouted(&request).into()) }
}

/// The page that says so.
fn page(request: &Request) -> Response<Body> {
    let headers = request.headers();
    let accept_language = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let shell = Shell::nobodys(Language::choose(None, accept_language));
    let mut response = Problem::unrouted(request).into_page(&shell, None);
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding, Accept-Language"));
    Compression::accepted(headers).of(response)
}

#[cfg(test)]
mod tests {
    use lambda_http::RequestExt;
    use lambda_http::http::Method;

    use super::*;

    const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

    async fn ask(method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = lambda_http::http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        handle(request.body(Body::Empty).unwrap().with_raw_http_path(path)).await
    }

    #[tokio::test]
    async fn a_browser_is_answered_by_a_page_in_its_language() {
        for (method, path, status, allow) in [
            (Method::GET, "/", 404, None),
            (Method::GET, "/nowhere", 404, None),
            (Method::GET, "//evil.example", 404, None),
            (Method::POST, "/nowhere", 404, None),
            (Method::GET, "/oauth/token", 405, Some("POST")),
            (Method::PUT, "/v2/webhooks/x", 405, Some("DELETE, GET, HEAD, PATCH")),
        ] {
            let page = ask(method, path, &[("accept", BROWSER), ("accept-language", "cy, en;q=0.5")]).await.unwrap();
            assert_eq!(page.status(), status, "{path}");
            let header = |name: &str| page.headers().get(name).map(|value| value.to_str().unwrap());
            assert_eq!(header("allow"), allow, "{path}");
            assert_eq!(header("location"), None, "{path}");
            assert_eq!(header("content-type"), Some("text/html; charset=utf-8"));
            assert_eq!(header("content-language"), Some("cy"));
            assert_eq!(header("vary"), Some("Accept, Accept-Encoding, Accept-Language"));
            assert_eq!(header("cache-control"), Some("no-store"));
            let Body::Text(html) = page.body() else { panic!("no page") };
            assert!(html.contains("<html lang=\"cy\">") && html.contains("<h1"), "{html}");
        }
        let packed = ask(Method::GET, "/", &[("accept", BROWSER), ("accept-encoding", "gzip, br")]).await.unwrap();
        assert_eq!(packed.headers()["content-encoding"], "gzip");
        assert!(matches!(packed.body(), Body::Binary(_)));
    }

    #[tokio::test]
    async fn others_are_refused_in_their_format() {
        for accept in ["*/*", "application/json"] {
            let refused = ask(Method::GET, "/", &[("accept", accept)]).await.unwrap_err();
            assert_eq!(refused.to_string(), api::ApiError::from(api::Refusal::NotFound).to_string());
        }
        let refused = ask(Method::GET, "/oauth/token", &[]).await.unwrap_err();
        let expected = api::ApiError::from(api::Refusal::MethodNotAllowed("POST".to_owned()));
        assert_eq!(refused.to_string(), expected.to_string());
    }

    #[tokio::test]
    async fn who_means_a_page_is_led_to_it() {
        let id = "1ae1ce03-dfa9-4593-b487-65c656991cb5";
        for accept in [BROWSER, "*/*"] {
            let there = ask(Method::GET, &format!("//checkout/{id}"), &[("accept", accept)]).await.unwrap();
            assert_eq!(there.status(), 308);
            assert_eq!(there.headers()["location"], format!("/checkout/{id}"));
        }
    }
}
