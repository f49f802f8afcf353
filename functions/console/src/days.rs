//! Days that filters are given by.

use jiff::Timestamp;
use jiff::civil::Date;
use pages::{Language, Zone};

use crate::texts::texts;

/// What is wrong, each with the id of its field.
pub(crate) type Errors = Vec<(&'static str, String)>;

/// The time from the first of these days to the last in London, each as forms send it: where it begins, and the first instant after
/// it. A field that is empty bounds nothing; what is wrong is put to the errors.
pub(crate) fn read_days(
    from: &str,
    to: &str,
    errors: &mut Errors,
    language: Language,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let t = texts(language).payments;
    let first = read_day("from", from, t.from_wrong, errors);
    let last = read_day("to", to, t.to_wrong, errors);
    if first.zip(last).is_some_and(|(first, last)| first > last) {
        errors.push(("to", t.to_before_from.to_owned()));
    }
    let start = |day| Zone::London.start_of(day);
    (first.and_then(start), last.and_then(|day| start(day.tomorrow().ok()?)))
}

/// `2026-01-31`; what is none is `wrong`.
fn read_day(field: &'static str, text: &str, wrong: &str, errors: &mut Errors) -> Option<Date> {
    if text.is_empty() {
        return None;
    }
    let has_its_form = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let day: Option<Date> = text.parse().ok().filter(|_| has_its_form);
    if day.is_none() {
        errors.push((field, wrong.to_owned()));
    }
    day
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_londons() {
        let mut errors = Errors::new();
        let (from, until) = read_days("2026-06-01", "2026-06-30", &mut errors, Language::English);
        assert_eq!(from.unwrap().to_string(), "2026-05-31T23:00:00Z");
        assert_eq!(until.unwrap().to_string(), "2026-06-30T23:00:00Z");
        assert_eq!(read_days("", "", &mut errors, Language::English), (None, None));
        assert!(errors.is_empty(), "{errors:?}");
    }

    #[test]
    fn what_is_no_day_is_said() {
        for (from, to, fields) in [
            ("31.1.2026", "", &["from"][..]),
            ("2026-02-30", "2026-1-1", &["from", "to"]),
            ("-009999-01-01", "", &["from"]),
            ("2026-02-01", "2026-01-31", &["to"]),
        ] {
            let mut errors = Errors::new();
            read_days(from, to, &mut errors, Language::English);
            let named: Vec<_> = errors.into_iter().map(|(field, _)| field).collect();
            assert_eq!(named, fields, "{from} {to}");
        }
    }
}
