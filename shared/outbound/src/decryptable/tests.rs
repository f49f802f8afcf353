//! What the official clients do: they decrypt the signature, and compare it with the headers that came.

use aws_lc_rs::rsa::{OaepPrivateDecryptingKey, PrivateDecryptingKey};

use super::*;

/// The demo application's keys, as its tests' clients have them.
const PRIVATE: &str = include_str!("../../../../tests/clients/demo-application.pem");
const PUBLIC: &str = include_str!("../../../../local/demo-application.pem");

const BODY: &[u8] = b"session_id=00000000000000000000000000000007&status=payment_created";

fn der(pem: &str) -> Vec<u8> {
    let digits: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    BASE64_STANDARD.decode(digits).unwrap()
}

fn application() -> DeliveryApplication {
    DeliveryApplication { app_id: "pk_test_demo".to_owned(), spki: der(PUBLIC) }
}

fn headers(application: Option<&DeliveryApplication>) -> DecryptableHeaders {
    DecryptableHeaders::new(&"evt_7_1".parse().unwrap(), 1_772_000_000, BODY, application)
}

/// What the private key makes of a signature.
fn decrypted(signature: &str) -> String {
    let value = signature.rsplit_once("signature=\"").unwrap().1.strip_suffix('"').unwrap();
    let encrypted = BASE64_STANDARD.decode(value).unwrap();
    let key = OaepPrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(&der(PRIVATE)).unwrap()).unwrap();
    let mut buffer = vec![0; key.min_output_size()];
    let plain = key.decrypt(&OAEP_SHA1_MGF1SHA1, &encrypted, &mut buffer, None).unwrap();
    String::from_utf8(plain.to_vec()).unwrap()
}

#[test]
fn the_private_key_decrypts_the_three_headers() {
    let headers = headers(Some(&application()));
    assert_eq!(headers.date, "Wed, 25 Feb 2026 06:13:20 GMT");
    // By `printf '%s' … | openssl dgst -sha256 -binary | base64`.
    assert_eq!(headers.digest, "SHA-256=lI6bJp3k+leUmr2D7VE2LNIIdytOo38It2U0BL1PEhw=");
    let signature = headers.signature.unwrap();
    let before = r#"keyId="pk_test_demo",algorithm="rsa-sha256",headers="date digest x-request-id",signature=""#;
    assert!(signature.starts_with(before), "{signature}");
    let (date, digest, request_id) = (headers.date, headers.digest, headers.request_id);
    let plain = decrypted(&signature);
    assert_eq!(plain, format!("date: {date}\ndigest: {digest}\nx-request-id: {request_id}"));
    assert_eq!(plain.len(), 147);
}

/// A webhook as it was delivered, which both of the vendor's validators accepted: `fintecture` 1.3.1 of PyPI and
/// `fintecture-client` 2.0.2 of npm.
#[test]
fn what_the_official_validators_accepted_is_made_again() {
    let body = "session_id=a9dffcd12ab88f89a27f34478a4ad21a&status=provider_required&state=order-7\
                &event=payment_session.status.provider_required&type=PayByBank&amount=149.30";
    let made = DecryptableHeaders::new(
        &"evt_a9dffcd1-2ab8-8f89-a27f-34478a4ad21a_1".parse().unwrap(),
        1_795_975_658,
        body.as_bytes(),
        None,
    );
    assert_eq!(made.date, "Sun, 29 Nov 2026 18:07:38 GMT");
    assert_eq!(made.digest, "SHA-256=RW7MTGPLONiQRxfH6HeYAfKVTPqHGoTkr8bB8EHdpcg=");
    assert_eq!(made.request_id, "86539993-b2e1-8e54-a25e-f30d7d2d4702");
    let signature = r#"keyId="pk_test_demo",algorithm="rsa-sha256",headers="date digest x-request-id",signature="SlLJV0rNLwtDMkQ2QKVb8x0LdE9wFNLOOfdgpzzllu5Abaw74lvy5T9wDcZqWsjHcWt2xIwCJiVvi94Ntenth/JgTANZ71+TsOHBbOk8Dnvj0eXZWd1WtCUlxMFFxLtW7IIv3QfM5T3Cpv8UvTWMP0WCMlyTkjgazia7AiIQwMyIb+w3aSohj6Wk/0G1q+Qu+rc7P920YYlwzpxLEJf67HE3QtPFtDl5lX9RLlPl+bpxSJPEbBeYkJ4/M5E62RFFuGKb55Iw0PvJtNc53pzPY8LgRIxzZqtpZUWF/Kw9oOxDctd4+DDqdxWaYSS+UOK9FLGVH5/6uxvzsN7QqVDJ1Q==""#;
    let DecryptableHeaders { date, digest, request_id, signature: _ } = made;
    assert_eq!(decrypted(signature), format!("date: {date}\ndigest: {digest}\nx-request-id: {request_id}"));
}

#[test]
fn each_attempt_has_an_id_of_its_own_and_always_the_same() {
    let id = |message: &str, at| DecryptableHeaders::new(&message.parse().unwrap(), at, BODY, None).request_id;
    let one = id("evt_7_1", 1_772_000_000);
    assert_eq!(one, id("evt_7_1", 1_772_000_000));
    assert_eq!(Uuid::parse_str(&one).unwrap().get_version_num(), 8);
    for other in [id("evt_7_1", 1_772_000_001), id("evt_7_2", 1_772_000_000), id("evt_7_11", 772_000_000)] {
        assert_ne!(one, other);
    }
}

#[test]
fn without_a_public_key_nothing_is_encrypted_and_the_rest_goes() {
    let without = headers(None);
    assert_eq!(without.signature, None);
    assert_eq!(without, DecryptableHeaders { signature: None, ..headers(Some(&application())) });
    let no_key = DeliveryApplication { spki: vec![0x30, 0], ..application() };
    assert_eq!(headers(Some(&no_key)), without);
}

#[test]
fn a_time_before_1970_is_its_beginning() {
    let at = |timestamp_s| DecryptableHeaders::new(&"evt_7_1".parse().unwrap(), timestamp_s, BODY, None).date;
    assert_eq!([at(-1), at(0)], ["Thu, 01 Jan 1970 00:00:00 GMT"; 2]);
}
