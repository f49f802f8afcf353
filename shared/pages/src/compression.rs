//! Pages are compressed by the function itself: API Gateway's HTTP APIs do not
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-vs-rest.html>).

use std::io::Write;

use flate2::write::GzEncoder;
use lambda_http::http::{HeaderMap, HeaderValue, header};
use lambda_http::{Body, Response};

use crate::weights::weighted;

/// What a client can unpack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Nothing.
    None,
    /// gzip (RFC 1952).
    Gzip,
}

impl Compression {
    /// What the client accepts (RFC 9110, 12.5.3): gzip if it names it, or `*`, and does not rule it out.
    pub fn accepted(headers: &HeaderMap) -> Self {
        let lists = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|list| list.to_str().ok());
        let codings: Vec<_> = lists.flat_map(weighted).collect();
        let of = |name: &str| {
            codings.iter().find(|(coding, _)| coding.eq_ignore_ascii_case(name)).map(|(_, weight)| *weight > 0)
        };
        if of("gzip").or_else(|| of("x-gzip")).or_else(|| of("*")).unwrap_or(false) { Self::Gzip } else { Self::None }
    }

    /// The answer, its page compressed; as it is if there is none.
    pub fn of(self, mut response: Response<Body>) -> Response<Body> {
        let Body::Text(html) = response.body() else { return response };
        match self {
            Self::None => {}
            Self::Gzip => {
                let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::default());
                if let Ok(packed) = gzip.write_all(html.as_bytes()).and_then(|()| gzip.finish()) {
                    *response.body_mut() = Body::Binary(packed);
                    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                }
            }
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn only_what_a_client_accepts_is_sent_to_it() {
        let accepted = |value: &'static str| {
            Compression::accepted(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]))
        };
        for value in ["gzip", "gzip, deflate, br", "br;q=1.0, GZIP;q=0.5", "*", "x-gzip", "br, *;q=0.1"] {
            assert_eq!(accepted(value), Compression::Gzip, "{value}");
        }
        for value in ["", "br", "gzip;q=0", "identity", "*;q=0", "gzip;q=0, *", "gzip; q=0.0", "gzip;q=x"] {
            assert_eq!(accepted(value), Compression::None, "{value}");
        }
        assert_eq!(Compression::accepted(&HeaderMap::new()), Compression::None);
    }

    #[test]
    fn a_page_is_the_same_once_unpacked() {
        let page = "<p>Sitzung</p>".repeat(100);
        let packed = Compression::Gzip.of(Response::new(Body::Text(page.clone())));
        assert_eq!(packed.headers()["content-encoding"], "gzip");
        let Body::Binary(bytes) = packed.body() else { panic!("not packed") };
        assert!(bytes.len() < page.len() / 5);
        let mut unpacked = String::new();
        GzDecoder::new(bytes.as_slice()).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, page);
        let plain = Compression::None.of(Response::new(Body::Text(page.clone())));
        assert!(matches!(plain.body(), Body::Text(text) if *text == page));
        assert!(matches!(Compression::Gzip.of(Response::new(Body::Empty)).body(), Body::Empty));
    }
}
