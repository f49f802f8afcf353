//! When a receiver wants to be called again.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};

/// How long the receiver asks to be left alone: seconds, or what is left of the time until a date, whichever of its three
/// forms it has (RFC 9110, 10.2.3 and 5.6.7). None if it asks for nothing, or for nothing that can be read; zero if the date
/// is past.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim_matches([' ', '\t']);
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than fits is as long as can be said.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    use super::*;

    /// A minute before the RFC's own example.
    const NOW_S: u64 = 784_111_777 - 60;

    fn asked(text: &[u8]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_bytes(text).unwrap());
        retry_after(&headers, UNIX_EPOCH + Duration::from_secs(NOW_S)).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_dates_are_read() {
        for (text, seconds) in [
            ("0", Some(0)),
            ("120", Some(120)),
            ("0120", Some(120)),
            (" 120\t", Some(120)),
            ("18446744073709551616", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(60)),
            ("Sun Nov  6 08:49:37 1994", Some(60)),
            ("Sun, 06 Nov 1994 08:48:00 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799 - NOW_S)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("1e3", None),
            ("120, 240", None),
            ("120s", None),
            ("soon", None),
            ("Sun, 06 Nov 1994 08:49:37", None),
            ("1994-11-06T08:49:37Z", None),
        ] {
            assert_eq!(asked(text.as_bytes()), seconds, "{text:?}");
        }
        assert_eq!(asked(b"12\xff"), None);
        assert_eq!(retry_after(&HeaderMap::new(), SystemTime::UNIX_EPOCH), None);
    }

    #[test]
    fn of_several_the_first_counts() {
        let mut headers = HeaderMap::new();
        for text in ["7", "9"] {
            headers.append(RETRY_AFTER, HeaderValue::from_static(text));
        }
        assert_eq!(retry_after(&headers, SystemTime::UNIX_EPOCH), Some(Duration::from_secs(7)));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[ -~]{0,40}") {
            let _ = asked(text.as_bytes());
        }

        #[test]
        fn any_number_of_seconds_is_read(seconds in any::<u64>()) {
            prop_assert_eq!(asked(seconds.to_string().as_bytes()), Some(seconds));
        }

        #[test]
        fn any_date_to_come_is_read(seconds in 0_u64..200_000_000_000) {
            let date = UNIX_EPOCH + Duration::from_secs(NOW_S + seconds);
            prop_assert_eq!(asked(httpdate::fmt_http_date(date).as_bytes()), Some(seconds));
        }
    }
}
