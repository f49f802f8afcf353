//! What each kind of text takes and refuses.

use proptest::prelude::*;

use super::*;

fn reference(text: &str) -> Result<Reference, InvalidText> {
    Reference::try_from(text.to_owned())
}

#[test]
fn a_payment_has_a_reference_of_its_own() {
    let of = |id: &str| Reference::of_payment(&id.parse().unwrap());
    assert_eq!(of("1ae1ce03-dfa9-4593-b487-65c656991cb5").as_str(), "91V5RSB9J75N");
    assert_eq!(of("00000000-0000-0000-0000-000000000001").as_str(), "000000000001");
    assert_eq!(of("ffffffff-ffff-ffff-ffff-ffffffffffff").as_str(), "ZZZZZZZZZZZZ");
    for id in ["1ae1ce03-dfa9-4593-b487-65c656991cb5", "ffffffff-ffff-ffff-ffff-ffffffffffff"] {
        assert!(reference(of(id).as_str()).is_ok());
    }
}

#[test]
fn references() {
    for good in ["Illuminate", "refund Candles", "A", "123456789012345678"] {
        assert!(reference(good).is_ok(), "{good}");
    }
    for bad in ["", "   ", "1234567890123456789", "a-b", "café", "a\tb", "٣"] {
        assert!(reference(bad).is_err(), "{bad}");
    }
}

#[test]
fn notes_operators_and_ends_of_accounts() {
    let note = |text: &str| Note::try_from(text.to_owned()).is_ok();
    assert!(note("Came broken, says Ada") && note(&"é".repeat(200)));
    assert!(!note("") && !note(" ") && !note("a\nb") && !note(&"é".repeat(201)));
    let operator = |text: &str| OperatorName::try_from(text.to_owned()).is_ok();
    assert!(operator("ada") && operator("arn:aws:sts::123456789012:assumed-role/Support/ada@shop.example"));
    assert!(!operator("") && !operator("a b") && !operator("ada\n") && !operator(&"a".repeat(2049)));
    let end = |text: &str| AccountEnd::try_from(text.to_owned()).is_ok();
    assert!(end("5678") && end("00A1"));
    assert!(!end("") && !end("567") && !end("56789") && !end("5 78") && !end("é67"));
}

#[test]
fn descriptions_phone_numbers_and_locales() {
    let description = |text: &str| Description::try_from(text.to_owned()).is_ok();
    assert!(description("Rent of May, flat 4") && description(&"é".repeat(500)));
    assert!(!description("") && !description(" ") && !description("a\nb") && !description(&"é".repeat(501)));
    let phone = |text: &str| PhoneNumber::try_from(text.to_owned()).is_ok();
    for good in ["+447911123456", "07911 123456", "+1 (212) 555-0100", "06.12.34.56.78", "112", "123456789012345"] {
        assert!(phone(good), "{good}");
    }
    for bad in ["", "+", "1234567890123456", "44+7911", "++44", "+44 7911 ext 1", "tel:+44", "٠١٢", "1\t2"] {
        assert!(!phone(bad), "{bad}");
    }
    let locale = |text: &str| Locale::try_from(text.to_owned()).is_ok();
    for good in ["en", "fr", "en-GB", "zh-Hant-TW", "sr-Latn", "de-CH-1996", "en-a-bbb-x-a-ccc"] {
        assert!(locale(good), "{good}");
    }
    for bad in [
        "",
        "e",
        "en_GB",
        "en-",
        "-en",
        "en--GB",
        "en-abcdefghi",
        "12",
        "é",
        "en-GB;q=1",
        &format!("en{}", "-aaaaaaaa".repeat(4)),
    ] {
        assert!(!locale(bad), "{bad}");
    }
}

#[test]
fn e_mail_addresses() {
    let email = |text: &str| EmailAddress::try_from(text.to_owned());
    for good in ["gerald.wiley+pay@example.co.uk", "G@EXAMPLE.com", "g@r3---sn.example.com", "a=b?=c@1.example"] {
        assert_eq!(email(good).unwrap().as_str(), good);
    }
    for bad in [
        "",
        "gerald",
        "gerald@",
        "@example.com",
        "a b@example.com",
        "Gerald <g@example.com>",
        "<g@example.com>",
        "g@localhost",
        "g@example.com\r\nBcc: x@y.z",
        "\"a\tb\"@example.com",
        "\"g\"@example.com",
        "g@example.com.",
        "g@-example.com",
        "g@foo_bar.com",
        "g@exam ple.com",
        "a@b@example.com",
        ".g@example.com",
        "g..h@example.com",
        "gérald@example.com",
        "ｇ@example.com",
        "g＠example.com",
        // IP addresses, however they are spelled.
        "g@[127.0.0.1]",
        "g@[IPv6:::1]",
        "g@127.0.0.1",
        "g@127.1",
        "g@127.0.0.0x1",
        "g@１２７.０.０.１",
        "g@127。0。0。1",
        "g@example.123",
        // Encoded words.
        "=?utf-8?q?g?=@example.com",
        "=?x?q?=41=42collab@example.net=3e=00?=foo@example.com",
        "g=?utf-8?b?Zw==?=@example.com",
        "g@=?utf-8?q?example?=.com",
        // Nothing that Punycode can mean.
        "g@xn--0.com",
        "g@xn--zz-.example",
    ] {
        assert!(email(bad).is_err(), "{bad}");
    }
}

#[test]
fn domains_in_unicode_are_kept_as_the_dns_has_them() {
    let email = |text: &str| EmailAddress::try_from(text.to_owned()).map(String::from);
    for (given, kept) in [
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@bu\u{308}cher.example", "ada@xn--bcher-kva.example"),
        ("ada@faß.de", "ada@xn--fa-hia.de"),
        ("ada@例え.テスト", "ada@xn--r8jz45g.xn--zckzah"),
        ("ada@例え。テスト", "ada@xn--r8jz45g.xn--zckzah"),
        ("Ada+1@ｅｘａｍｐｌｅ.com", "Ada+1@example.com"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("ada@مثال.إختبار", "ada@xn--mgbh0fb.xn--kgbechtv"),
    ] {
        assert_eq!(email(given).as_deref(), Ok(kept), "{given}");
    }
    for bad in ["ada@a\u{202e}b.example", "ada@\u{301}a.example", "ada@aא.example", "ada@ü"] {
        assert!(email(bad).is_err(), "{bad:?}");
    }
    // The limit is that of what is kept, which is longer.
    let long = |labels: usize| format!("ada@{}example", "ü.".repeat(labels));
    assert_eq!(email(&long(30)).map(|kept| kept.len()), Ok(4 + 30 * "xn--tda.".len() + 7));
    assert!(email(&long(31)).is_err());
}

#[test]
fn urls() {
    let url = |text: &str| MerchantUrl::try_from(text.to_owned());
    assert!(url("http://example.com/success?id=1").is_ok());
    for bad in [
        "",
        "/success",
        "javascript:alert(1)",
        "ftp://example.com",
        "https://",
        "http://exa mple.com",
        "https://example.com/\n",
        "https://example.com/\u{fffe}",
        "https://example.com/?a=\u{1ffff}",
    ] {
        assert!(url(bad).is_err(), "{bad}");
    }
    let long = |length: usize| format!("https://example.com/{}", "a".repeat(length - 20));
    assert!(url(&long(2048)).is_ok() && url(&long(2049)).is_err());
    let with_query = url("https://example.com/s?id=1#top").unwrap().with_query(&[("payment_result", "sent")]);
    assert_eq!(with_query, "https://example.com/s?id=1&payment_result=sent#top");
}

#[test]
fn a_parameter_of_the_merchants_own_is_not_doubled() {
    let with_query = |text: &str| {
        MerchantUrl::try_from(text.to_owned()).unwrap().with_query(&[("result", "sent"), ("payment_id", "7")])
    };
    for (own, expected) in [
        ("https://a.example/s", "https://a.example/s?result=sent&payment_id=7"),
        ("https://a.example/s?", "https://a.example/s?result=sent&payment_id=7"),
        ("https://a.example/s?payment_id=x", "https://a.example/s?payment_id=x&result=sent"),
        ("https://a.example/s?payment_id", "https://a.example/s?payment_id&result=sent"),
        ("https://a.example/s?payment%5Fid=x#top", "https://a.example/s?payment%5Fid=x&result=sent#top"),
        ("https://a.example/s?%70ayment_id=a%20b&c=d", "https://a.example/s?%70ayment_id=a%20b&c=d&result=sent"),
        ("https://a.example/s?payment_id=x&result=y", "https://a.example/s?payment_id=x&result=y"),
        // Other names, or no parameters at all.
        ("https://a.example/s?Payment_id=x", "https://a.example/s?Payment_id=x&result=sent&payment_id=7"),
        ("https://a.example/s?my_payment_id=x", "https://a.example/s?my_payment_id=x&result=sent&payment_id=7"),
        ("https://a.example/s?a?payment_id=x", "https://a.example/s?a?payment_id=x&result=sent&payment_id=7"),
        ("https://a.example/payment_id=x", "https://a.example/payment_id=x?result=sent&payment_id=7"),
        ("https://a.example/#s?payment_id=x", "https://a.example/?result=sent&payment_id=7#s?payment_id=x"),
    ] {
        assert_eq!(with_query(own), expected, "{own}");
    }
}

#[test]
fn a_parameter_of_the_merchants_own_is_replaced_where_it_must_not_stay() {
    let replaced = |text: &str| {
        let pairs = [("status", Some("paid")), ("state", Some("a b&c+d")), ("provider", None)];
        MerchantUrl::try_from(text.to_owned()).unwrap().with_query_replaced(&pairs)
    };
    const OURS: &str = "status=paid&state=a%20b%26c%2Bd";
    for (own, expected) in [
        ("https://a.example/s", "https://a.example/s?"),
        ("https://a.example/s?", "https://a.example/s?"),
        ("https://a.example/s?x=a+b%20c&&y", "https://a.example/s?x=a+b%20c&y&"),
        ("https://a.example/s?status=x&x=1&st%61te=y&status", "https://a.example/s?x=1&"),
        ("https://a.example/s?provider=x&y=1", "https://a.example/s?y=1&"),
        ("https://a.example/s?Status=x", "https://a.example/s?Status=x&"),
    ] {
        assert_eq!(replaced(own), format!("{expected}{OURS}"), "{own}");
        assert_eq!(replaced(&format!("{own}#top?status=x")), format!("{expected}{OURS}#top?status=x"), "{own}");
    }
}

#[test]
fn names() {
    let name = |text: &str| Name::try_from(text.to_owned());
    for good in [
        "Gerald Wiley",
        "Zoë",
        "Zoe\u{308}",
        "李小龍",
        "محمد",
        "O’Brien & Söhne <GmbH>",
        &"é".repeat(140),
        "7",
        "€",
        "—",
        "🕯\u{fe0f}",
        "👩\u{200d}🚀",
        "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
        "می\u{200c}خواهم",
        "a\u{200f}b",
        // Letters that only some fonts have, and those of a Unicode to come.
        "王\u{e000}",
        "王\u{50000}",
        "\u{2801}",
        "a\u{fffd}",
    ] {
        assert!(name(good).is_ok(), "{good}");
    }
    for bad in ["", "a\nb", "a\u{2028}b", "evil\u{202e}lived", "a\u{2066}b", "a\u{0}", "a\u{85}", &"é".repeat(141)] {
        assert!(name(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_name_shows_something() {
    for unseen in [
        // Spaces, what is ignored by default, blanks.
        " ",
        "\t",
        "\u{a0}",
        "\u{1680}",
        "\u{2003}",
        "\u{202f}",
        "\u{205f}",
        "\u{3000}",
        "\u{ad}",
        "\u{34f}",
        "\u{61c}",
        "\u{115f}",
        "\u{1160}",
        "\u{17b4}",
        "\u{180b}",
        "\u{180e}",
        "\u{200b}",
        "\u{200d}",
        "\u{200e}",
        "\u{2060}",
        "\u{2064}",
        "\u{206a}",
        "\u{3164}",
        "\u{fe0f}",
        "\u{feff}",
        "\u{ffa0}",
        "\u{fff0}",
        "\u{1bca0}",
        "\u{1d173}",
        "\u{e0001}",
        "\u{e0041}",
        "\u{e0100}",
        "\u{e01ef}",
        "\u{2800}",
        "\u{fffc}",
        "\u{fffd}",
        "\u{13441}",
        "\u{13442}",
        "\u{1d159}",
        // Marks with nothing to stand upon, what Unicode doesn't assign or leaves to private use.
        "\u{301}",
        "\u{20dd}",
        "\u{903}",
        "\u{fff9}",
        "\u{e000}",
        "\u{f8ff}",
        "\u{100000}",
        "\u{378}",
        "\u{50000}",
    ] {
        for text in [unseen.to_owned(), unseen.repeat(3), format!(" {unseen}\u{301}\u{2800}")] {
            assert!(Name::try_from(text.clone()).is_err(), "{text:?}");
        }
        let beside = Name::try_from(format!("a{unseen}"));
        assert_eq!(beside.is_ok(), unseen != "\t", "{unseen:?}");
    }
}

#[test]
fn noncharacters_are_in_no_text() {
    let planes = (0..=0x10_u32).flat_map(|plane| [plane << 16 | 0xfffe, plane << 16 | 0xffff]);
    let noncharacters: Vec<char> = planes.chain(0xfdd0..=0xfdef).filter_map(char::from_u32).collect();
    assert_eq!(noncharacters.len(), 66);
    for c in noncharacters {
        assert!(is_noncharacter(c));
        assert!(Name::try_from(format!("a{c}")).is_err() && MerchantUrl::try_from(format!("http://a.b/{c}")).is_err());
    }
    for c in ['\u{fdcf}', '\u{fdf0}', '\u{fffd}', '\u{10000}', 'a'] {
        assert!(!is_noncharacter(c));
    }
}

#[test]
fn personal_data_is_not_debugged() {
    assert_eq!(format!("{:?}", Name::try_from("Gerald Wiley".to_owned()).unwrap()), "Name(…)");
    assert_eq!(format!("{:?}", PhoneNumber::try_from("112".to_owned()).unwrap()), "PhoneNumber(…)");
}

proptest! {
    #[test]
    fn a_reference_is_accepted_exactly_when_the_rule_says(text in "[A-Za-z0-9 _.£-]{0,20}") {
        let rule = (1..=18).contains(&text.chars().count())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ')
            && text.chars().any(|c| c != ' ');
        prop_assert_eq!(reference(&text).is_ok(), rule);
    }

    #[test]
    fn an_address_is_kept_as_ascii_that_is_kept_as_it_is(
        local in "[a-z=?+.]{1,8}", domain in "[a-zäßñд中א0-9.-]{1,12}\\.[a-zé0-9]{1,3}",
    ) {
        if let Ok(address) = EmailAddress::try_from(format!("{local}@{domain}")) {
            prop_assert!(address.as_str().is_ascii() && !local.contains("=?"));
            prop_assert_eq!(address.as_str().split_once('@').map(|(kept, _)| kept), Some(local.as_str()));
            prop_assert_eq!(EmailAddress::try_from(address.as_str().to_owned()), Ok(address));
        }
    }

    #[test]
    fn what_a_parameter_is_called_stands_in_the_query_once(
        own in prop::collection::vec(("payment_id|payment%5Fid|payment_result|[a-z&=?%#]{0,6}", "[a-z]{0,3}"), 0..4),
    ) {
        let query: Vec<String> = own.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let url = MerchantUrl::try_from(format!("https://example.com/?{}", query.join("&"))).unwrap();
        let of = |url: &str| -> Vec<(String, String)> { url::Url::parse(url).unwrap().query_pairs().into_owned().collect() };
        let (before, after) = (of(url.as_str()), of(&url.with_query(&[("payment_id", "7")])));
        let count = |pairs: &[(String, String)]| pairs.iter().filter(|(name, _)| name == "payment_id").count();
        prop_assert_eq!(&after[..before.len()], &before[..]);
        prop_assert_eq!(count(&after), count(&before).max(1));
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = reference(&text);
        let _ = Name::try_from(text.clone());
        if let Ok(address) = EmailAddress::try_from(text.clone()) {
            prop_assert!(address.as_str().is_ascii());
        }
        if let Ok(url) = MerchantUrl::try_from(text) {
            let _ = url.with_query(&[("a", "b")]);
            let _ = url.with_query_replaced(&[("a", Some("b"))]);
        }
    }
}
