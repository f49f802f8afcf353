//! Debits: the page where a mandate is signed, what becomes of each account to try, and that no account is kept.

use std::time::Duration;

use models::{Currency, PaymentMethod};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Page, World, answer, page, text};

use crate::operator::run as counterfoil;

/// Longer than a debit is pending.
const COLLECTED: Duration = Duration::from_millis(10_500);

/// One scheme: how it is chosen, and its fields.
struct Scheme {
    method: PaymentMethod,
    currency: Currency,
    provider: &'static str,
    fields: &'static [&'static str],
}

const BACS: Scheme = Scheme {
    method: PaymentMethod::BacsDebit,
    currency: Currency::GBP,
    provider: "mock-bacs",
    fields: &["sort_code", "account_number"],
};
const SEPA: Scheme = Scheme {
    method: PaymentMethod::SepaDebit,
    currency: Currency::EUR,
    provider: "mock-sepa-debit",
    fields: &["iban"],
};
const AUTOGIRO: Scheme = Scheme {
    method: PaymentMethod::Autogiro,
    currency: Currency::SEK,
    provider: "mock-autogiro",
    fields: &["clearing_number", "account_number"],
};

/// A session whose payer has chosen the scheme, and the link to its page.
async fn at_the_mandate(world: &World, scheme: &Scheme) -> (Value, String) {
    let session = world.offering(scheme.currency, &[scheme.method]).await;
    let payer = world.payer(&session);
    let chosen = payer.choose(scheme.provider, 1).await;
    assert_eq!(chosen.status, StatusCode::SEE_OTHER, "{}", chosen.html);
    let link = payer.link(1).await;
    (session, link)
}

/// Signs for the account of these parts.
async fn sign(world: &World, scheme: &Scheme, link: &str, parts: &[&str]) -> Page {
    let (path, token) = link.split_once("?token=").unwrap();
    let mut form = vec![("token", token), ("name", "Ada Payer")];
    form.extend(scheme.fields.iter().copied().zip(parts.iter().copied()));
    page(world.request(Method::POST, path).form(&form)).await
}

async fn come_back(world: &World, session: &Value) -> Value {
    world.payer(session).come_back().await;
    world.get(&text(&session["id"])).await
}

#[tokio::test]
async fn each_account_to_try_does_what_its_page_says() {
    let world = World::start().await;
    let mut pending = Vec::new();
    for (scheme, settles, lacks_funds, refused) in [
        (&BACS, &["10-88-00", "00012345"][..], &["10-88-00", "22222227"][..], &["10-88-00", "33333335"][..]),
        (&SEPA, &["AT61 1904 3002 3457 3201"], &["AT86 1904 3002 3547 3202"], &["AT07 1904 3000 0033 3335"]),
        (&AUTOGIRO, &["5491", "0000003"], &["5491", "2222224"], &["5491", "1234563"]),
    ] {
        for (parts, end) in [(settles, "sent"), (lacks_funds, "failed"), (refused, "refused")] {
            let (session, link) = at_the_mandate(&world, scheme).await;
            let shown = page(world.request(Method::GET, &link)).await;
            assert!(shown.status == 200 && shown.html.contains(&parts.join(" ")), "{}", shown.html);
            let signed = sign(&world, scheme, &link, parts).await;
            assert!(signed.location.as_deref().is_some_and(|to| to.ends_with("/return")), "{}", signed.html);
            let now = come_back(&world, &session).await;
            if end == "refused" {
                assert_eq!((&now["state"], &now["failure_reason"]), (&json!("failed"), &json!("declined_by_bank")));
            } else {
                assert_eq!(now["state"], "pending", "{} {parts:?}", scheme.provider);
                pending.push((session, end));
            }
        }
        // Nobody has to sign.
        let (session, link) = at_the_mandate(&world, scheme).await;
        let (path, token) = link.split_once("?token=").unwrap();
        page(world.request(Method::POST, path).form(&[("act", "decline"), ("token", token)])).await;
        assert_eq!(come_back(&world, &session).await["failure_reason"], "declined_by_payer");
    }
    tokio::time::sleep(COLLECTED).await;
    for (session, end) in pending {
        let now = come_back(&world, &session).await;
        let reason = if end == "sent" { json!(null) } else { json!("insufficient_funds") };
        assert_eq!((&now["state"], &now["failure_reason"]), (&json!(end), &reason), "{now}");
        if end == "sent" {
            // Its provider pays it back: nobody has to know from which account.
            let refund = world.refund(&session, 100).await;
            assert_eq!((&refund["state"], &refund["payee"]), (&json!("awaiting_payment"), &json!(null)), "{refund}");
            assert_eq!(refund["refund_payment_session_id"], json!(null));
        }
    }
    assert_eq!(counterfoil(&world, &["verify"]).await.code, 0);
}

#[tokio::test]
async fn what_is_no_account_is_asked_for_again() {
    let world = World::start().await;
    for (scheme, parts, field) in [
        (&BACS, &["10-88-0", "71829364"][..], "sort_code"),
        (&SEPA, &["AT621904300234573201"], "iban"),
        (&AUTOGIRO, &["5491", "7182936"], "account_number"),
    ] {
        let (session, link) = at_the_mandate(&world, scheme).await;
        let again = sign(&world, scheme, &link, parts).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(again.html.contains(&format!("<a href=\"#{field}\">")), "{}", again.html);
        assert!(again.html.contains("value=\"Ada Payer\""), "{}", again.html);
        assert!(!again.html.contains(&format!("value=\"{}\"", parts.last().unwrap())), "{}", again.html);
        assert_eq!(come_back(&world, &session).await["state"], "awaiting_payment_consent");
        // Without the link's token there is no such page.
        let (path, _) = link.split_once('?').unwrap();
        let form = [("name", "Ada Payer"), ("token", "0")];
        assert_eq!(page(world.request(Method::POST, path).form(&form)).await.status, StatusCode::NOT_FOUND);
    }
}

/// Digits that stand nowhere in these sources.
fn random_digits(count: usize) -> String {
    let bytes = samples::uuid().into_bytes().into_iter().cycle();
    bytes.map(|byte| char::from(b'0' + byte % 10)).take(count).collect()
}

/// An IBAN of a German account with a number of its own.
fn random_iban() -> String {
    let bban = format!("37040044{}", random_digits(10));
    // ISO 13616: `DE00` stands behind, with letters as numbers from 10 on.
    let remainder = format!("{bban}131400").bytes().fold(0, |sum, digit| (sum * 10 + u32::from(digit - b'0')) % 97);
    format!("DE{:02}{bban}", 98 - remainder)
}

#[tokio::test]
async fn an_account_is_kept_nowhere_and_shown_nowhere() {
    let world = World::start_with(tests::loopback_webhooks).await;
    let receiver = tests::Receiver::start().await;
    world.register(&receiver.url("/hooks"), json!({})).await;
    let (number, iban) = (format!("7{}", random_digits(7)), random_iban());
    // With no check digits that any IBAN has.
    let wrong = format!("DE00{}", &iban[4..]);
    let mut answers = Vec::new();
    for (scheme, good, bad) in [
        (&BACS, vec!["10-88-00", number.as_str()], vec!["10-88", number.as_str()]),
        (&SEPA, vec![iban.as_str()], vec![wrong.as_str()]),
    ] {
        let (session, link) = at_the_mandate(&world, scheme).await;
        let refused = sign(&world, scheme, &link, &bad).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        answers.push(refused.html);
        let (path, _) = link.split_once('?').unwrap();
        let body = format!("account_number={number}&iban={iban}&name=%FF");
        let form = "application/x-www-form-urlencoded";
        let malformed = page(world.request(Method::POST, path).header("content-type", form).body(body)).await;
        assert_eq!(malformed.status, StatusCode::BAD_REQUEST);
        answers.push(malformed.html);
        let signed = sign(&world, scheme, &link, &good).await;
        assert_eq!(signed.status, StatusCode::SEE_OTHER, "{}", signed.html);
        answers.push(format!("{:?} {}", signed.headers, signed.html));
        answers.push(page(world.request(Method::GET, &link)).await.html);
        answers.push(world.payer(&session).page().await.html);
        answers.push(come_back(&world, &session).await.to_string());
        answers.push(answer(world.demo(Method::GET, "/v2/payment_sessions")).await.text);
    }
    world.settled().await;
    let table = world.dynamodb("Scan", &json!({ "TableName": world.machine.table_name() })).await.to_string();
    assert!(table.contains("MOCKBANK#"));
    answers.push(table);
    let received = receiver.received();
    assert!(!received.is_empty());
    answers.push(format!("{received:?}"));
    answers.extend(world.mails().await.into_iter().filter_map(|mail| mail.text));
    answers.extend(world.machine.logs().into_iter().map(|line| line.text));
    let end = &iban[iban.len() - 10..];
    for answer in answers {
        for secret in [number.as_str(), iban.as_str(), end] {
            assert!(!answer.contains(secret), "{secret} in {answer}");
        }
    }
}

#[tokio::test]
async fn what_was_collected_can_be_claimed_back() {
    let world = World::start_with(tests::loopback_webhooks).await;
    let mut signed = Vec::new();
    for (scheme, parts, reason) in [
        (&BACS, &["10-88-00", "55555559"][..], "indemnity_claim"),
        (&SEPA, &["AT59 1904 3002 3547 3203"], "returned"),
        (&AUTOGIRO, &["5491", "5555550"], "returned"),
    ] {
        let (session, link) = at_the_mandate(&world, scheme).await;
        sign(&world, scheme, &link, parts).await;
        let shown = page(world.request(Method::GET, &link)).await;
        assert!(shown.html.contains("being collected") && !shown.html.contains("value=\"claim\""), "{}", shown.html);
        signed.push((session, link, reason));
    }
    tokio::time::sleep(COLLECTED).await;
    for (session, link, reason) in signed {
        assert_eq!(come_back(&world, &session).await["state"], "sent");
        let shown = page(world.request(Method::GET, &link)).await;
        assert!(shown.html.contains("Claim the amount back"), "{}", shown.html);
        let (path, token) = link.split_once("?token=").unwrap();
        // Pressed twice, it is claimed once.
        for _ in 0..2 {
            let claimed = page(world.request(Method::POST, path).form(&[("act", "claim"), ("token", token)])).await;
            assert_eq!(claimed.location.as_deref(), Some(link.as_str()), "{}", claimed.html);
        }
        let shown = page(world.request(Method::GET, &link)).await;
        assert!(shown.html.contains("You have claimed the amount back"), "{}", shown.html);
        let pk = format!("SESSION#{}", text(&session["id"]));
        let item = world.item(&pk, "SESSION").await;
        assert_eq!((&item["state"]["S"], &item["taken_back"]["M"]["reason"]["S"]), (&json!("sent"), &json!(reason)));
        assert!(world.ask_refund(&session, json!({ "amount": 100 })).await.status.is_client_error());
    }
    assert_eq!(counterfoil(&world, &["verify"]).await.code, 0);
}
