use proptest::prelude::*;

use super::*;

const USUAL: Policy = Policy { loopback_allowed: false };
const LOCAL: Policy = Policy { loopback_allowed: true };

fn refusal(text: &str) -> Option<RefusedUrl> {
    check_url(text, false, USUAL).err()
}

/// Every spelling of an IPv4 address that a URL's host can have.
fn spellings(address: [u8; 4]) -> Vec<String> {
    let [a, b, c, d] = address;
    let number = u32::from_be_bytes(address);
    let (last_three, last_two) = (number & 0xff_ffff, number & 0xffff);
    let (high, low) = (number >> 16, last_two);
    let mut spellings = vec![
        format!("{a}.{b}.{c}.{d}"),
        format!("{a}.{b}.{c}.{d}."),
        format!("{a}.{b}.{last_two}"),
        format!("{a}.{last_three}"),
        format!("{number}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("000{a:o}.{b}.{c}.{d}"),
        format!("0{number:o}"),
        format!("0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"),
        format!("0X{a:X}.{b}.0{c:o}.0x{d:x}"),
        format!("0x{a:x}.0{last_three:o}"),
        format!("0x{number:x}"),
        format!("{a}%2E{b}%2e{c}.{d}"),
        format!("{a}\u{3002}{b}\u{ff0e}{c}\u{ff61}{d}"),
        format!("[::ffff:{a}.{b}.{c}.{d}]"),
        format!("[::{a}.{b}.{c}.{d}]"),
        format!("[::ffff:{high:x}:{low:x}]"),
        format!("[0:0:0:0:0:FFFF:{high:04X}:{low:04X}]"),
        format!("[64:ff9b::{a}.{b}.{c}.{d}]"),
        format!("[64:ff9b::{high:x}:{low:x}]"),
        format!("[2002:{high:x}:{low:x}::1]"),
    ];
    let wide = |digit: char| char::from_u32(u32::from(digit) + 0xff10 - 0x30).unwrap();
    spellings.push(format!("{a}.{b}.{c}.{d}").chars().map(|c| if c == '.' { c } else { wide(c) }).collect());
    spellings.push(format!("{a}.{b}.{c}.{d}").bytes().map(|byte| format!("%{byte:02x}")).collect());
    spellings
}

#[test]
fn no_spelling_hides_an_address() {
    for address in [[127, 0, 0, 1], [169, 254, 169, 254], [10, 1, 2, 3], [192, 168, 0, 1], [0, 0, 0, 0]] {
        for host in spellings(address) {
            for url in [format!("http://{host}/latest"), format!("https://{host}:8443/"), format!("https://{host}")] {
                assert_eq!(refusal(&url), Some(RefusedUrl::NotPublic), "{url}");
            }
        }
    }
    for host in spellings([93, 184, 215, 14]) {
        assert_eq!(refusal(&format!("https://{host}/hook")), None, "{host}");
    }
    for host in ["[::]", "[::1]", "[0:0::1]", "[fe80::1]", "[fd00:ec2::254]", "[2001:db8::1]", "[::ffff:0:7f00:1]"] {
        assert_eq!(refusal(&format!("http://{host}/")), Some(RefusedUrl::NotPublic), "{host}");
    }
    assert_eq!(refusal("https://[2606:4700:4700::1111]/"), None);
    // With a zone, an address is no host of a URL at all.
    assert_eq!(refusal("http://[fe80::1%25eth0]/"), Some(RefusedUrl::NotHttp));
}

#[test]
fn private_names_are_refused() {
    for host in [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "shop.localhost",
        "a.b.localhost.",
        "printer.local",
        "Printer.LOCAL.",
        "metadata.google.internal",
        "ip-10-0-0-1.eu-west-1.compute.internal",
        "ip-10-0-0-1.ec2.internal.",
        "intranet",
        "com",
        "com.",
        "l\u{24de}calhost",
        "%6cocalhost",
    ] {
        assert_eq!(refusal(&format!("https://{host}/")), Some(RefusedUrl::NotPublic), "{host}");
    }
    for host in ["example.com", "example.com.", "localhost.example.com", "mylocal.example", "b\u{fc}cher.example"] {
        assert_eq!(refusal(&format!("https://{host}/")), None, "{host}");
    }
}

#[test]
fn loopback_passes_where_it_is_allowed_and_nothing_else() {
    for url in
        ["http://localhost:3000/", "http://a.localhost/", "http://127.0.0.1:9911/", "http://[::1]/", "http://0x7f.1/"]
    {
        assert_eq!(refusal(url), Some(RefusedUrl::NotPublic), "{url}");
        assert!(check_url(url, false, LOCAL).is_ok(), "{url}");
    }
    for url in ["http://10.0.0.1/", "http://169.254.169.254/", "http://0.0.0.0/", "http://[::]/", "http://a.internal/"]
    {
        assert_eq!(check_url(url, false, LOCAL), Err(RefusedUrl::NotPublic), "{url}");
    }
}

#[test]
fn each_rule_has_its_own_refusal() {
    for (text, expected) in [
        ("", RefusedUrl::NotHttp),
        ("/hook", RefusedUrl::NotHttp),
        ("//example.com/hook", RefusedUrl::NotHttp),
        ("example.com/hook", RefusedUrl::NotHttp),
        ("https://", RefusedUrl::NotHttp),
        ("https://:443/", RefusedUrl::NotHttp),
        ("https://exa mple.com/", RefusedUrl::NotHttp),
        (" https://example.com/", RefusedUrl::NotHttp),
        ("https://example.com/\n", RefusedUrl::NotHttp),
        ("https://exam\tple.com/", RefusedUrl::NotHttp),
        ("https://example.com/\u{fffe}", RefusedUrl::NotHttp),
        ("https://256.1.1.1/", RefusedUrl::NotHttp),
        ("https://example.com:99999/", RefusedUrl::NotHttp),
        ("ftp://example.com/", RefusedUrl::NotHttp),
        ("file:///etc/passwd", RefusedUrl::NotHttp),
        ("javascript:alert(1)", RefusedUrl::NotHttp),
        ("data:text/plain,hello", RefusedUrl::NotHttp),
        ("https://ada@example.com/", RefusedUrl::Credentials),
        ("https://ada:secret@example.com/", RefusedUrl::Credentials),
        ("https://:secret@example.com/", RefusedUrl::Credentials),
        ("https://example.com/#top", RefusedUrl::Fragment),
        ("https://example.com/#", RefusedUrl::Fragment),
        ("https://example.com:0/", RefusedUrl::BlockedPort),
        ("https://example.com:00/", RefusedUrl::BlockedPort),
        ("https://example.com:0025/hook", RefusedUrl::BlockedPort),
        ("http://example.com:22", RefusedUrl::BlockedPort),
        ("http://[2606:4700:4700::1111]:6667/", RefusedUrl::BlockedPort),
        ("https://93.184.215.14:10080/", RefusedUrl::BlockedPort),
    ] {
        assert_eq!(refusal(text), Some(expected), "{text:?}");
    }
    assert_eq!(check_url("http://example.com/", true, USUAL), Err(RefusedUrl::NotHttps));
    assert!(check_url("http://example.com/", false, USUAL).is_ok());
    let url = check_url("HTTPS://Example.com:443/hook?a=1&b=%20", true, USUAL).unwrap();
    assert_eq!(url.as_str(), "https://example.com/hook?a=1&b=%20");
}

/// In full: <https://fetch.spec.whatwg.org/#port-blocking>
#[test]
fn ports_that_browsers_block_are_refused_and_no_others() {
    let standard = "0 1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 \
        117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 \
        990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080";
    let standard: Vec<u16> = standard.split_whitespace().map(|port| port.parse().unwrap()).collect();
    let refused = |port: &u16| {
        let refusals = ["http", "https"].map(|scheme| refusal(&format!("{scheme}://example.com:{port}/")));
        assert_eq!(refusals[0], refusals[1], "{port}");
        assert!(refusals[0].is_none_or(|refusal| refusal == RefusedUrl::BlockedPort), "{port}: {refusals:?}");
        refusals[0].is_some()
    };
    assert_eq!((0..=u16::MAX).filter(refused).collect::<Vec<_>>(), standard);
    assert_eq!(check_url("http://127.0.0.1:25/", false, LOCAL), Err(RefusedUrl::BlockedPort));
}

#[test]
fn the_length_is_that_of_the_longer_form() {
    let long = |length: usize| format!("https://example.com/{}", "a".repeat(length - 20));
    assert_eq!(refusal(&long(2048)), None);
    assert_eq!(refusal(&long(2049)), Some(RefusedUrl::TooLong));
    // Three times as long once it is encoded.
    assert_eq!(refusal(&format!("https://example.com/{}", "é".repeat(700))), Some(RefusedUrl::TooLong));
}

#[test]
fn a_refusal_reads_on_after_the_field() {
    let refusals = [
        RefusedUrl::NotHttp,
        RefusedUrl::NotHttps,
        RefusedUrl::TooLong,
        RefusedUrl::Credentials,
        RefusedUrl::Fragment,
        RefusedUrl::BlockedPort,
        RefusedUrl::NotPublic,
        RefusedUrl::Unresolved,
    ];
    for refusal in refusals {
        assert!(refusal.to_string().starts_with("must be "), "{refusal}");
    }
    assert_eq!(RefusedUrl::TooLong.to_string(), "must be at most 2048 bytes long");
}

async fn resolved(url: &str, policy: Policy, addresses: &'static [&'static str]) -> Result<(), RefusedUrl> {
    let lookup = Lookup::by(|_| async { Ok(addresses.iter().map(|text| text.parse().unwrap()).collect()) });
    resolve_check(&url.parse().unwrap(), policy, &lookup).await
}

#[tokio::test]
async fn one_address_that_is_not_public_is_enough() {
    let url = "https://shop.example.com/";
    assert_eq!(resolved(url, USUAL, &["93.184.215.14", "2606:4700::1"]).await, Ok(()));
    assert_eq!(resolved(url, USUAL, &["93.184.215.14", "10.0.0.1"]).await, Err(RefusedUrl::NotPublic));
    assert_eq!(resolved(url, USUAL, &["93.184.215.14", "::1"]).await, Err(RefusedUrl::NotPublic));
    assert_eq!(resolved(url, USUAL, &["::ffff:169.254.169.254"]).await, Err(RefusedUrl::NotPublic));
    assert_eq!(resolved(url, USUAL, &["127.0.0.1"]).await, Err(RefusedUrl::NotPublic));
    assert_eq!(resolved(url, LOCAL, &["127.0.0.1", "::1"]).await, Ok(()));
    assert_eq!(resolved(url, LOCAL, &["127.0.0.1", "10.0.0.1"]).await, Err(RefusedUrl::NotPublic));
    assert_eq!(resolved(url, USUAL, &[]).await, Err(RefusedUrl::Unresolved));
}

#[tokio::test]
async fn what_needs_no_look_up_gets_none() {
    let never = Lookup::by(|name| async move { panic!("{name} is looked up") });
    for (url, expected) in [
        ("https://93.184.215.14/", Ok(())),
        ("https://[2606:4700::1]/", Ok(())),
        ("https://10.0.0.1/", Err(RefusedUrl::NotPublic)),
        ("https://[::1]/", Err(RefusedUrl::NotPublic)),
        ("https://a.internal/", Err(RefusedUrl::NotPublic)),
    ] {
        assert_eq!(resolve_check(&url.parse().unwrap(), USUAL, &never).await, expected, "{url}");
    }
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "tokio's clock, which this test has stopped")]
async fn a_look_up_that_fails_or_hangs_is_no_address() {
    let url: Url = "https://shop.example.com/".parse().unwrap();
    let fails = Lookup::by(|_| async { Err(std::io::Error::other("no such name")) });
    assert_eq!(resolve_check(&url, USUAL, &fails).await, Err(RefusedUrl::Unresolved));
    let hangs = Lookup::by(|_| std::future::pending());
    let started = tokio::time::Instant::now();
    assert_eq!(resolve_check(&url, USUAL, &hangs).await, Err(RefusedUrl::Unresolved));
    assert_eq!(started.elapsed().as_secs(), 3);
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>(), https_only in any::<bool>()) {
        let _ = check_url(&text, https_only, USUAL);
    }

    #[test]
    fn what_is_accepted_is_accepted_again_as_it_is(text in "https?://[a-z0-9.:@#%/?\\[\\]x-]{0,40}") {
        if let Ok(url) = check_url(&text, false, USUAL) {
            prop_assert_eq!(check_url(url.as_str(), false, USUAL), Ok(url));
        }
    }

    #[test]
    fn every_spelling_is_judged_as_its_address(address in any::<[u8; 4]>()) {
        let public = crate::address::is_public(std::net::IpAddr::from(address));
        for host in spellings(address) {
            let accepted = check_url(&format!("https://{host}/"), true, USUAL);
            prop_assert_eq!(accepted.is_ok(), public, "{}", host);
        }
    }
}
