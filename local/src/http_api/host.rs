//! Which host a request is for.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::http::Call;

/// The host that a request names, with its port if it has one; nothing where API Gateway answers 400: it names none, more than
/// one, or what is no host. A target in absolute form names it in place of the header.
/// <https://www.rfc-editor.org/rfc/rfc9112#section-3.2>
pub(super) fn host(call: &Call) -> Option<&str> {
    let mut given = call.headers.get_all("host").iter();
    let (Some(header), None) = (given.next(), given.next()) else { return None };
    let header = header.to_str().ok().filter(|host| is_host(host))?;
    match call.uri.authority() {
        None => Some(header),
        Some(target) => Some(target.as_str()).filter(|host| is_host(host)),
    }
}

/// Whether a text is a name of the DNS or an address, and perhaps a port.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (text, None),
    };
    let is_port = |port: &str| port.bytes().all(|digit| digit.is_ascii_digit()) && port.parse::<u16>().is_ok();
    port.is_none_or(is_port)
        && match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => is_name(host),
        }
}

/// Labels as the DNS has them, an underscore allowed as containers' names have it. What ends in a number is an IPv4 address
/// (<https://url.spec.whatwg.org/#ends-in-a-number-checker>).
fn is_name(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let ends_in_number = name.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    name.len() <= 253 && name.split('.').all(is_label) && (!ends_in_number || name.parse::<Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use hyper::Method;
    use hyper::body::Bytes;

    use super::*;

    fn call(uri: &str, hosts: &[&[u8]]) -> Call {
        let mut headers = hyper::HeaderMap::new();
        for host in hosts {
            headers.append("host", hyper::header::HeaderValue::from_bytes(host).unwrap());
        }
        let peer = "127.0.0.1:5000".parse().unwrap();
        Call { method: Method::GET, uri: uri.parse().unwrap(), headers, body: Bytes::new(), peer }
    }

    #[test]
    fn hosts_are_hosts_and_nothing_else_is() {
        let longest = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
        for host in [
            "localhost",
            "localhost:3000",
            "LOCALHOST",
            "shop.example.com.",
            "xn--bcher-kva.example",
            "a_b:1",
            "127.0.0.1:0",
            "[::1]",
            "[2001:db8::1]:65535",
            "3000.example",
            &longest,
        ] {
            assert!(is_host(host), "{host}");
        }
        for text in [
            "",
            ":",
            ":3000",
            "localhost:",
            "localhost:x",
            "localhost:-1",
            "localhost:+1",
            "localhost:65536",
            "a:1:2",
            "a b",
            "a..b",
            ".a",
            "-a.b",
            "a-.b",
            "a/b",
            "a?b",
            "a#b",
            "a@b",
            "a\\b",
            "a%62",
            "a,b",
            "<a>",
            "http://a",
            "[::1",
            "::1",
            "[a]",
            "[::1]x",
            "[::1]:",
            "1.2.3.256",
            "1.2.3",
            "0x7f.1",
            "b\u{fc}cher.example",
            &format!("{longest}e"),
            &"a".repeat(64),
        ] {
            assert!(!is_host(text), "{text}");
        }
    }

    #[test]
    fn a_request_names_one_host() {
        assert_eq!(host(&call("/a", &[b"a.example"])), Some("a.example"));
        let none: [&[&[u8]]; 4] = [&[], &[b"a.example", b"a.example"], &[b"\xff"], &[b"a b"]];
        for hosts in none {
            assert_eq!(host(&call("/a", hosts)), None, "{hosts:?}");
            assert_eq!(host(&call("http://b.example/a", hosts)), None, "{hosts:?}");
        }
        assert_eq!(host(&call("http://b.example:80/a", &[b"a.example"])), Some("b.example:80"));
        assert_eq!(host(&call("http://user@b.example/a", &[b"a.example"])), None);
    }
}
