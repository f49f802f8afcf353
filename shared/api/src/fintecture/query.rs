//! The query of a creation: what is given back on the redirect, and where that leads.

use models::MerchantUrl;
use percent_encoding::percent_decode_str;

use super::extra::Kind;
use super::fields::required;
use crate::error::Refusal;
use crate::given::Given;
use crate::violations::Violations;

/// The most characters of `state`.
const MAX_STATE: usize = 512;

const ONCE: &str = "must be given once";

/// What a creation's query says.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) state: Option<String>,
    pub(super) redirect_uri: Option<MerchantUrl>,
    pub(super) origin_uri: Option<MerchantUrl>,
    pub(super) with_beneficiary: Option<bool>,
    pub(super) with_virtual_beneficiary: Option<bool>,
}

/// Reads a raw query string; other parameters are passed over. An empty parameter counts as left out, as JavaScript's libraries
/// write what is null.
///
/// # Errors
/// 400 if it is not UTF-8: what takes the place of such bytes would be given back as the merchant's own.
pub(super) fn read(query: &str, kind: Kind, wrong: &mut Violations) -> Result<Query, Refusal> {
    let given = parameters(query)?;
    let state = match kind {
        Kind::Connect => required(wrong, given("state"), "query.state", ONCE, state),
        Kind::RequestToPay => wrong.optional(given("state"), None, "query.state", ONCE, state),
    };
    let redirect_uri = wrong.optional(given("redirect_uri"), None, "query.redirect_uri", ONCE, MerchantUrl::try_from);
    let origin_uri = wrong.optional(given("origin_uri"), None, "query.origin_uri", ONCE, MerchantUrl::try_from);
    let with_beneficiary = wrong.optional(given("with_beneficiary"), None, "query.with_beneficiary", ONCE, truth);
    let documented =
        wrong.optional(given("with_virtual_beneficiary"), None, "query.with_virtual_beneficiary", ONCE, truth);
    // As the vendor's guide and clients spell it.
    let other = wrong.optional(given("with_virtualbeneficiary"), None, "query.with_virtualbeneficiary", ONCE, truth);
    if documented.zip(other).is_some_and(|(documented, other)| documented != other) {
        wrong.add(None, "query.with_virtualbeneficiary", "must not differ from with_virtual_beneficiary");
    }
    let with_virtual_beneficiary = documented.or(other);
    Ok(Query { state, redirect_uri, origin_uri, with_beneficiary, with_virtual_beneficiary })
}

/// Reads the `state` of a refund's raw query string, where it may be left out; other parameters are passed over.
///
/// # Errors
/// 400 if it is not UTF-8.
pub(super) fn read_state(query: &str, wrong: &mut Violations) -> Result<Option<String>, Refusal> {
    Ok(wrong.optional(parameters(query)?("state"), None, "query.state", ONCE, state))
}

/// What is given for a parameter; one that is given twice is [`Given::Wrong`].
fn parameters(query: &str) -> Result<impl Fn(&str) -> Given<String>, Refusal> {
    let unreadable = || Refusal::BadRequest("the query string must be UTF-8".to_owned());
    // What separates parameters is ASCII, so that all of them are UTF-8 exactly if the whole is.
    percent_decode_str(query).decode_utf8().map_err(|_| unreadable())?;
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).map_err(|_| unreadable())?;
    Ok(move |name: &str| {
        let mut values = pairs.iter().filter(|(given, _)| given == name).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (Some(_), Some(_)) => Given::Wrong,
            (Some(value), None) if !value.is_empty() => Given::Value(value.clone()),
            (Some(_) | None, None) | (None, Some(_)) => Given::Nothing,
        }
    })
}

fn state(text: String) -> Result<String, String> {
    let fits = (1..=MAX_STATE).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits { Ok(text) } else { Err(format!("must be 1 to {MAX_STATE} characters, without control characters")) }
}

/// As most clients write it, or as PHP does.
fn truth(text: String) -> Result<bool, &'static str> {
    match text.as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("must be true or false"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_all(query: &str, kind: Kind) -> (Query, Vec<(Option<&'static str>, String)>) {
        let mut wrong = Violations::default();
        let query = read(query, kind, &mut wrong).unwrap();
        (query, wrong.0.into_iter().map(|wrong| (wrong.code, wrong.parameter.unwrap())).collect())
    }

    fn wrong(query: &str) -> Vec<(Option<&'static str>, String)> {
        read_all(query, Kind::RequestToPay).1
    }

    #[test]
    fn all_is_read_in_either_spelling() {
        let all = "state=a%26b+c%20d%C3%A9&redirect_uri=https%3A%2F%2Fshop.example%2F%3Fa%3D1&origin_uri=http://b.example\
                   &with_beneficiary=1&with_virtual_beneficiary=true&more=1&more=2";
        let (query, wrong) = read_all(all, Kind::Connect);
        assert_eq!((query.state.as_deref(), wrong), (Some("a&b c dé"), vec![]));
        assert_eq!(query.redirect_uri.unwrap().as_str(), "https://shop.example/?a=1");
        assert_eq!(query.origin_uri.unwrap().as_str(), "http://b.example");
        assert_eq!((query.with_beneficiary, query.with_virtual_beneficiary), (Some(true), Some(true)));
        for (text, expected) in [("true", true), ("1", true), ("false", false), ("0", false)] {
            for name in ["with_virtual_beneficiary", "with_virtualbeneficiary"] {
                let (query, wrong) = read_all(&format!("{name}={text}"), Kind::RequestToPay);
                assert_eq!((query.with_virtual_beneficiary, wrong), (Some(expected), vec![]), "{name}={text}");
            }
        }
        let both = read_all("with_virtual_beneficiary=1&with_virtualbeneficiary=true", Kind::RequestToPay);
        assert_eq!((both.0.with_virtual_beneficiary, both.1), (Some(true), vec![]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let missing = vec![(Some("mandatory_field_missing"), "query.state".to_owned())];
        for query in ["", "state=", "state", "State=a"] {
            assert_eq!(read_all(query, Kind::Connect).1, missing, "{query}");
            assert_eq!(wrong(query), [], "{query}");
        }
        for (query, parameter) in [
            ("state=a&state=a", "state"),
            ("state=a&stat%65=b", "state"),
            ("state=a%00", "state"),
            ("state=a%0Ab", "state"),
            ("redirect_uri=shop", "redirect_uri"),
            ("redirect_uri=javascript:alert(1)", "redirect_uri"),
            ("origin_uri=ftp://a.example", "origin_uri"),
            ("with_beneficiary=yes", "with_beneficiary"),
            ("with_beneficiary=TRUE", "with_beneficiary"),
            ("with_virtual_beneficiary=2", "with_virtual_beneficiary"),
            ("with_virtualbeneficiary=true&with_virtualbeneficiary=true", "with_virtualbeneficiary"),
            ("with_virtualbeneficiary=true&with_virtual_beneficiary=0", "with_virtualbeneficiary"),
        ] {
            assert_eq!(wrong(query), [(None, format!("query.{parameter}"))], "{query}");
        }
        let unread = read("state=%FF", Kind::Connect, &mut Violations::default());
        assert!(matches!(unread, Err(Refusal::BadRequest(_))), "{unread:?}");
    }

    #[test]
    fn a_state_has_at_most_512_characters() {
        for (length, good) in [(1, true), (512, true), (513, false)] {
            for (character, encoded) in [("a", "a"), ("é", "%C3%A9")] {
                let (query, wrong) = read_all(&format!("state={}", encoded.repeat(length)), Kind::Connect);
                assert_eq!((query.state, wrong.is_empty()), (good.then(|| character.repeat(length)), good), "{length}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_state_without_controls_is_read_as_it_was_written(written in "\\PC{1,100}") {
            let query = serde_urlencoded::to_string([("state", &written)]).unwrap();
            let (read, wrong) = read_all(&query, Kind::Connect);
            prop_assert_eq!((read.state, wrong.is_empty()), (Some(written), true));
        }

        #[test]
        fn no_query_panics(query in "[ -~]{0,60}") {
            let _ = read(&query, Kind::Connect, &mut Violations::default());
        }
    }
}
