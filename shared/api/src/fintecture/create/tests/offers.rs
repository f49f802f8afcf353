//! Which providers a payer is offered.

use models::PayerKind;

use super::*;

fn asked(methods: &[&str], headers: &[(&'static str, &str)]) -> Asked {
    let methods: Vec<_> = methods.iter().map(|id| json!({ "id": id })).collect();
    let mut asked = connect(json!({ "psu_name": "Zoë", "payment_methods": methods }));
    asked.headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    asked
}

const BY_BANK: &[&str] = &["immediate_transfer"];
const TRANSFER: &[&str] = &["smart_transfer"];
const BOTH: &[&str] = &["immediate_transfer", "smart_transfer"];

#[test]
fn they_are_limited_by_what_the_headers_say() {
    for (methods, headers, provider, country, payers) in [
        (BY_BANK, &[][..], None, None, None),
        (BY_BANK, &[("x-psu-type", "all")], None, None, None),
        (BY_BANK, &[("x-psu-type", "retail")], None, None, Some(PayerKind::Retail)),
        (BOTH, &[("x-psu-type", "corporate"), ("x-country", "fr")], None, Some("FR"), Some(PayerKind::Corporate)),
        (BY_BANK, &[("x-provider", "mock-settles")], Some("mock-settles"), None, None),
        // One that is down may be up again when the payer comes.
        (BY_BANK, &[("x-provider", "mock-down")], Some("mock-down"), None, None),
        (BOTH, &[("x-provider", "mock-transfer"), ("x-country", "DE")], Some("mock-transfer"), Some("DE"), None),
        // In every country.
        (BY_BANK, &[("x-provider", "mock-bank"), ("x-country", "GB")], Some("mock-bank"), Some("GB"), None),
    ] {
        let new = asked(methods, headers).read().unwrap();
        let [provider, country] = [provider, country].map(|text| text.map(str::to_owned));
        let limits = &new.offer_limits;
        assert_eq!(limits.provider.as_ref().map(ToString::to_string), provider, "{headers:?}");
        assert_eq!((limits.country.map(String::from), limits.payers), (country, payers), "{headers:?}");
    }
}

#[test]
fn a_header_that_leaves_no_provider_is_wrong() {
    for (methods, headers, parameter) in [
        // Unknown, no id, of another way to pay.
        (BY_BANK, &[("x-provider", "ftecfr")][..], "header.x-provider"),
        (BY_BANK, &[("x-provider", "Mock_bank")], "header.x-provider"),
        (BY_BANK, &[("x-provider", "mock-transfer")], "header.x-provider"),
        (TRANSFER, &[("x-provider", "mock-bank")], "header.x-provider"),
        (BOTH, &[("x-provider", "mock-card")], "header.x-provider"),
        (BY_BANK, &[("x-provider", "mock-settles"), ("x-country", "GB")], "header.x-country"),
        (TRANSFER, &[("x-country", "GB")], "header.x-country"),
        (BY_BANK, &[("x-provider", "mock-settles-later"), ("x-psu-type", "corporate")], "header.x-psu-type"),
        (BY_BANK, &[("x-provider", "mock-withholds-account"), ("x-psu-type", "retail")], "header.x-psu-type"),
    ] {
        assert_eq!(asked(methods, headers).wrong(), [("invalid_field", parameter.to_owned())], "{headers:?}");
    }
    // By currency.
    let mut pounds = asked(TRANSFER, &[("x-country", "GB")]);
    pounds.body["data"]["attributes"]["currency"] = json!("GBP");
    assert!(pounds.read().is_ok());
    pounds.headers = vec![("x-country", "FR".to_owned())];
    assert_eq!(pounds.wrong(), [("invalid_field", "header.x-country".to_owned())]);
    // It is said with all else that is wrong.
    let mut asked = asked(BY_BANK, &[("x-provider", "ftecfr"), ("x-psu-type", "person")]);
    asked.target = "/pis/v2/connect".to_owned();
    let expected = ["query.state", "header.x-psu-type", "header.x-provider"];
    assert_eq!(asked.wrong().into_iter().map(|(_, parameter)| parameter).collect::<Vec<_>>(), expected);
}

#[test]
fn a_session_has_an_account_of_its_own_only_if_the_provider_of_that_is_offered() {
    for (headers, has) in [
        (&[][..], true),
        (&[("x-provider", "mock-transfer")], true),
        (&[("x-provider", "mock-bank")], false),
        (&[("x-country", "FR")], true),
        (&[("x-country", "GB")], false),
    ] {
        assert_eq!(asked(BOTH, headers).read().unwrap().virtual_iban, has, "{headers:?}");
        let with_account = asked(BOTH, headers).with("with_virtual_beneficiary=true");
        if has {
            assert!(with_account.read().unwrap().virtual_iban);
        } else {
            let parameter = format!("header.{}", headers[0].0);
            assert_eq!(with_account.wrong(), [("invalid_field", parameter)], "{headers:?}");
        }
    }
}
