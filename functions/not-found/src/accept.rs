//! What a client would rather read.

use lambda_http::http::{HeaderMap, header};
use pages::weighted;

/// Whether a client would rather read a page than JSON (RFC 9110, 12.5.1): it names `text/html`, as browsers do and clients of an
/// API don't, and gives it no less weight than JSON.
pub(crate) fn prefers_page(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(header::ACCEPT).iter().filter_map(|list| list.to_str().ok());
    let ranges: Vec<_> = lists.flat_map(weighted).collect();
    let weight =
        |name: &str| ranges.iter().find(|(range, _)| range.eq_ignore_ascii_case(name)).map(|(_, weight)| *weight);
    let json = ["application/json", "application/*", "*/*"].into_iter().find_map(weight).unwrap_or(0);
    weight("text/html").is_some_and(|page| page > 0 && page >= json)
}

#[cfg(test)]
mod tests {
    use lambda_http::http::HeaderValue;

    use super::*;

    fn prefers(accept: &'static str) -> bool {
        prefers_page(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]))
    }

    #[test]
    fn a_browser_reads_a_page() {
        for accept in [
            // Chrome; Firefox and Safari.
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,\
             application/signed-exchange;v=b3;q=0.7",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "text/html",
            "TEXT/HTML; charset=utf-8",
            "text/html, */*",
            "text/html, application/json",
            "text/html;q=0.5, application/json;q=0.5",
            "application/json;q=0.9, text/html",
            "text/html;q=0.4, application/*;q=0.3, */*",
            "text/html;q=0.001",
        ] {
            assert!(prefers(accept), "{accept}");
        }
        let mut two = HeaderMap::new();
        two.append(header::ACCEPT, HeaderValue::from_static("application/json;q=0.1"));
        two.append(header::ACCEPT, HeaderValue::from_static("text/html"));
        assert!(prefers_page(&two));
    }

    #[test]
    fn everybody_else_reads_json() {
        for accept in [
            "",
            "*/*",
            "application/json",
            "application/json, text/plain, */*",
            "application/json, text/html;q=0.9",
            "text/html;q=0.8, */*",
            "text/html;q=0.8, application/*;q=0.9, */*;q=0.1",
            "text/html;q=0",
            "text/html;q=0.0, */*;q=0",
            "text/html;q=x",
            "text/html;q=NaN",
            "text/*",
            "image/avif,image/webp,*/*;q=0.8",
            "text/htmlx",
        ] {
            assert!(!prefers(accept), "{accept}");
        }
        assert!(!prefers_page(&HeaderMap::new()));
    }
}
