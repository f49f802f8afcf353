//! Where a page is, for a request whose path means it and is not its own: with slashes too many, or an id in capitals.

use lambda_http::Request;
use models::SessionId;

use crate::problem::Problem;
use crate::response::{Answer, permanently_at};

/// 308 to the page that a request means; none if its path is the page's own, or means none.
pub fn moved(request: &Request) -> Option<Answer> {
    let uri = request.uri();
    let path = canonical(uri.path())?;
    // A path of ours starts with one slash and a word of ours: it can't lead to another host.
    if path == uri.path() || !api::is_page(request.method(), &path) {
        return None;
    }
    Some(match uri.query().filter(|query| query.is_ascii()) {
        Some(query) => permanently_at(&format!("{path}?{query}")),
        None => permanently_at(&path),
    })
}

impl Problem {
    /// What is wrong with a request whose path or method there isn't: 404, or 405 with the methods that the path takes.
    pub fn unrouted(request: &Request) -> Self {
        api::other_methods(request).map_or(Self::NotFound, Self::MethodNotAllowed)
    }
}

/// The path without slashes too many, and its id as ids are written; none if it is no page's: a word, an id and what may follow.
fn canonical(path: &str) -> Option<String> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    // Every id in a path is a UUID, whatever it is the id of.
    let (word, id) = (segments.next()?, segments.next()?.parse::<SessionId>().ok()?);
    let start = format!("/{word}/{id}");
    Some(segments.fold(start, |whole, segment| whole + "/" + segment))
}

#[cfg(test)]
mod tests {
    use lambda_http::http::{Method, StatusCode, header};
    use lambda_http::{Body, RequestExt};

    use super::*;

    const ID: &str = "1ae1ce03-dfa9-4593-b487-65c656991cb5";

    /// Where a request leads, `{id}` and `{ID}` standing for an id.
    fn location(method: &Method, address: &str) -> Option<String> {
        let address = address.replace("{id}", ID).replace("{ID}", &ID.to_uppercase());
        let request = lambda_http::http::Request::builder().method(method).uri(&address).body(Body::Empty).unwrap();
        let path = request.uri().path().to_owned();
        let response = moved(&request.with_raw_http_path(&path))?.unwrap();
        assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT);
        Some(response.headers()[header::LOCATION].to_str().unwrap().replace(ID, "{id}"))
    }

    #[test]
    fn a_path_leads_to_the_page_that_it_means() {
        for (asked, page) in [
            ("/checkout/{id}/", "/checkout/{id}"),
            ("/checkout/{id}//", "/checkout/{id}"),
            ("/checkout//{id}", "/checkout/{id}"),
            ("//checkout/{id}", "/checkout/{id}"),
            ("///checkout///{ID}///", "/checkout/{id}"),
            ("/checkout/{ID}", "/checkout/{id}"),
            ("/checkout/{ID}?v3=1&b=a%20b", "/checkout/{id}?v3=1&b=a%20b"),
            ("/checkout/{ID}/return?x=//evil.example", "/checkout/{id}/return?x=//evil.example"),
            ("/checkout/{id}//bank//2", "/checkout/{id}/bank/2"),
            ("/checkout/{id}/payer/", "/checkout/{id}/payer"),
            ("/refunds/{ID}/", "/refunds/{id}"),
            ("/mock-bank/{ID}/1/?token=a1B2", "/mock-bank/{id}/1?token=a1B2"),
        ] {
            assert_eq!(location(&Method::GET, asked).as_deref(), Some(page), "{asked}");
            assert_eq!(location(&Method::GET, page), None, "{page}");
        }
        assert_eq!(location(&Method::POST, "/checkout/{ID}/payer/").as_deref(), Some("/checkout/{id}/payer"));
    }

    #[test]
    fn what_means_no_page_leads_nowhere() {
        for asked in [
            "/",
            "//",
            "/checkout",
            "/checkout/",
            "/checkout/x/",
            "//checkout/x",
            "//refunds//",
            "/checkout/{id}/a/b/",
            "/checkout/%7B{id}%7D/",
            "/Checkout/{id}/",
            "/v2/payment_sessions/{ID}",
            "/v2/refunds/{id}/",
            "//v2/payment_sessions/{id}",
            "//evil.example",
            "//evil.example/",
            "//evil.example/checkout/{id}",
            "//evil.example/{id}",
            "/%5Cevil.example/{id}/",
            "/.//checkout/{id}",
            "/checkout/../checkout/{id}",
        ] {
            assert_eq!(location(&Method::GET, asked), None, "{asked}");
        }
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            assert_eq!(location(&method, "/checkout/{id}/"), None, "{method}");
        }
    }

    /// Wherever slashes and hosts stand: it leads to one of our own paths, and from there no further.
    #[test]
    fn no_path_leads_to_another_host_or_in_a_circle() {
        let pieces =
            ["/", "//", "/checkout", "/refunds", "/{id}", "/{ID}", "/evil.example", "/@evil.example", "/bank", "/1"];
        let mut moved = 0;
        for number in 0..pieces.len().pow(4) {
            let digits = (0..4).map(|place| number / pieces.len().pow(place) % pieces.len());
            let asked: String = digits.map(|digit| pieces[digit]).collect();
            let Some(page) = location(&Method::GET, &asked) else { continue };
            moved += 1;
            assert!(page.starts_with("/checkout/{id}") || page == "/refunds/{id}", "{asked}: {page}");
            assert!(!page.contains("//"), "{asked}: {page}");
            assert_eq!(location(&Method::GET, &page), None, "{asked}");
        }
        assert!(moved > 100, "{moved}");
    }
}
