use super::*;

#[test]
fn ids_have_no_full_stop() {
    for good in ["1", "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", "2747284e-bf50-8aa5-a651-626cbe41eb0a", &"a".repeat(128)] {
        assert!(good.parse::<MessageId>().is_ok(), "{good}");
    }
    for bad in ["", "a.b", "a b", "a\r\nb: c", "é", &"a".repeat(129)] {
        assert!(bad.parse::<MessageId>().is_err(), "{bad:?}");
    }
}

/// `standardwebhooks` 1.1.1 (npm) and 1.1.0 (PyPI) make exactly these, and `webhooks.validate` of `@banked/node` 0.0.12
/// accepts them. All three accepted the headers of such a delivery while its timestamp was new.
#[test]
fn the_receivers_libraries_agree() {
    let first: WebhookSecret = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=".parse().unwrap();
    let second: WebhookSecret = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=".parse().unwrap();
    let id: MessageId = "msg_2747284e-bf50-8aa5-a651-626cbe41eb0a".parse().unwrap();
    let timestamp_s = 1_767_225_600;
    let body = r#"{"type":"payment_session.sent","data":{"name":"Zoë 李","amount":400}}"#.as_bytes();
    assert_eq!(standard_signature(&id, timestamp_s, body, [&first]), "v1,nqfNAxCG5/bSCN619B6oHv/iXcaVmDEa1UaB1f23NIg=");
    assert_eq!(
        standard_signature(&id, timestamp_s, body, [&first, &second]),
        "v1,nqfNAxCG5/bSCN619B6oHv/iXcaVmDEa1UaB1f23NIg= v1,KfQNqz5W2Cgnxb+lToob7ZC1uoeGf/9RmD0AuT039PU="
    );
    assert_eq!(
        banked_signature(timestamp_s, body, &first),
        "1767225600.e9cea0d36b5b8afec6f31317c27efa708921738dee3d269cb5332c2d9efb65b9"
    );
}

/// Python's `hmac` and `base64` make exactly this.
#[test]
fn yorlets_signature_is_of_the_body_alone_by_the_secrets_whole_text() {
    let secret: WebhookSecret = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=".parse().unwrap();
    let body = r#"{"type":"payment_session.sent","data":{"name":"Zoë 李","amount":400}}"#.as_bytes();
    assert_eq!(yorlet_signature(body, &secret), "wwOqcfs/TyOtpBqAXB7Id75FJgerO3uH6gJE9ctshMM=");
}

/// The example in the tests of Standard Webhooks' own libraries.
#[test]
fn the_example_of_standard_webhooks_holds() {
    let secret: WebhookSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse().unwrap();
    let id: MessageId = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk".parse().unwrap();
    let body = br#"{"email":"test@example.com","username":"test_user"}"#;
    assert_eq!(
        standard_signature(&id, 1_649_367_553, body, [&secret]),
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
    );
}
