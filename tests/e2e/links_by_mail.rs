//! Links that are mailed: to the payer where to pay, to the merchant where to authorise a refund. Each exactly once.

use std::time::Duration;

use local::{Effect, Fault, Machine, Mail};
use models::{Creation, NewSession, Refund, Session, SessionEvent, SessionState, WireFormat};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::{RefundCreated, Refunds, Sessions};
use tests::{DEMO, PATIENCE, World, answer, page, text};

use crate::crashes::free_claim;
use crate::fintecture;
use crate::operator::answer as counterfoil;

/// A session whose payer the merchant named and wants to be mailed the link.
fn with_link(world: &World) -> Session {
    let new = NewSession {
        email_link: true,
        email_receipt: false,
        payer: Some(samples::payer("Ada Payer", "ada@example.com")),
        ..samples::new_session(vec![samples::item("Candles", 100, 4)])
    };
    let base_url = world.machine.api_url().to_owned();
    Session::create(new, Creation { base_url, ..samples::creation(samples::now()) })
}

async fn create(world: &World, session: &Session) {
    Sessions::new(world.table()).create(session.clone(), None).await.unwrap();
}

/// A refund that its merchant has to authorise, of a session of this format that was paid.
async fn to_authorise(world: &World, format: WireFormat, merchant: &str) -> Refund {
    let mut session = Session { format, merchant_id: merchant.parse().unwrap(), ..with_link(world) };
    (session.email_link, session.state) = (false, SessionState::Sent);
    session.history.append(SessionState::Sent, session.created_at, SessionEvent::Settled, samples::write_id());
    session.payer_account = Some(samples::payee("Ada Payer", "040004", "87654321"));
    create(world, &session).await;
    let base_url = world.machine.api_url().to_owned();
    let creation = models::RefundCreation { base_url, ..samples::refund_creation(samples::now()) };
    let (refund, payment) = Refund::create(&session, samples::new_refund(&session, Some(150)), creation).unwrap();
    let made = Refunds::new(world.table()).create(&refund, payment.as_ref(), None, None, None).await.unwrap();
    assert!(matches!(made, RefundCreated::New));
    refund
}

fn texts(mail: &Mail) -> [&str; 2] {
    [mail.text.as_deref().unwrap(), mail.html.as_deref().unwrap()]
}

/// Nothing that is sent to the queue arrives: not even the SDK's repetitions.
fn lose_signals(world: &World) {
    for _ in 0..3 {
        world.machine.faults().add(Fault::new("SendMessage", Effect::DropRequest).every_attempt());
    }
}

#[tokio::test]
async fn the_link_is_mailed_once_and_opens_the_checkout() {
    let world = World::start().await;
    world.machine.faults().deliver_twice(true);
    let session = with_link(&world);
    create(&world, &session).await;
    let mails = world.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(
        (mails[0].to.as_slice(), mails[0].subject.as_str()),
        (&["ada@example.com".to_owned()][..], "[Test] Pay £4.00 to Bright Candles")
    );
    for part in texts(&mails[0]) {
        for fact in [&session.checkout_url(), "£4.00", "Candles", "Illuminate"] {
            assert!(part.contains(fact), "{fact}: {part}");
        }
    }
    let path = format!("/checkout/{}", session.id);
    let shown = page(world.request(Method::GET, &path)).await;
    assert!(shown.status == StatusCode::OK && shown.html.contains("Choose your bank"), "{}", shown.html);
    // Whatever happens to it next, and however often it is published.
    let payer = world.payer(&json!({ "id": session.id }));
    payer.choose_bank(1).await;
    payer.decide(1, "decline").await;
    counterfoil(&world, &["republish", "--since", "1h"]).await;
    world.settled().await;
    world.run_schedule().await;
    assert_eq!(world.mails().await.len(), 1);
}

/// As a client of a format without a field for either link has it: `send_email`, and a refund that its merchant authorises.
#[tokio::test]
async fn yorlets_clients_are_sent_both_links() {
    let world = World::start().await;
    let post = async |path: &str, body: Value| -> Value {
        let answer = answer(world.request(Method::POST, path).bearer_auth(DEMO.1).json(&body)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.body
    };
    let customer = post("/v1/customers", json!({ "email": "ada@example.com", "name": "Ada Payer" })).await;
    let order = json!({
        "amount": 400,
        "currency": "gbp",
        "customer": customer["id"],
        "mode": "payment",
        "payment_method_types": ["pay_by_bank"],
        "description": "Rent for March",
        "send_email": true,
    });
    let mut unasked = order.clone();
    unasked["send_email"] = json!(false);
    post("/v1/payment_sessions", unasked).await;
    let session = post("/v1/payment_sessions", order).await;
    let mails = world.mails().await;
    assert_eq!(mails.len(), 1, "only who asks for it is mailed");
    assert_eq!(mails[0].to, ["ada@example.com"]);
    for part in texts(&mails[0]) {
        assert!(part.contains(&text(&session["url"])) && part.contains("Rent for March"), "{part}");
    }
    let id = text(&session["url"]).rsplit('/').next().unwrap().to_owned();
    let payer = world.payer(&json!({ "id": id }));
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    let session = answer(
        world.request(Method::GET, &format!("/v1/payment_sessions/{}", text(&session["id"]))).bearer_auth(DEMO.1),
    );
    let session = session.await.body;
    assert_eq!(session["status"], "paid", "{session}");
    let refund = post("/v1/refunds", json!({ "transaction": session["transaction"], "amount": 150 })).await;
    assert_eq!(refund["status"], "pending", "{refund}");
    let mails = world.mails().await;
    assert_eq!(mails.len(), 2);
    let to_shop = mails.iter().find(|mail| mail.to == ["help@brightcandles.example"]).unwrap();
    let shown = counterfoil(&world, &["sessions", "show", &id]).await;
    for part in texts(to_shop) {
        assert!(part.contains(&text(&shown["refunds"][0]["authorise_at"])), "{part}");
    }
}

/// The same: a request to pay that is mailed, and a refund.
#[tokio::test]
async fn fintectures_clients_are_sent_both_links() {
    let world = fintecture::world().await;
    let mut request = fintecture::with_meta(json!({ "psu_email": "ada@example.com", "method": "link" }));
    let request_to_pay = "/pis/v2/request-to-pay?redirect_uri=https://shop.example/back";
    fintecture::create(&world, request_to_pay, &request).await;
    request["meta"]["method"] = json!("email");
    let created = fintecture::post(&world, request_to_pay, &request).await;
    let (id, url) = (text(&created.body["meta"]["session_id"]), text(&created.body["meta"]["url"]));
    let mails = world.mails().await;
    assert_eq!(mails.len(), 1, "only who asks for it is mailed");
    assert_eq!(mails[0].to, ["ada@example.com"]);
    for part in texts(&mails[0]) {
        assert!(part.contains(&url) && part.contains("149.30"), "{part}");
    }
    let payer = fintecture::payer(&world, &id);
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    let body = json!({ "meta": { "session_id": id }, "data": { "attributes": { "amount": "1.5" } } });
    let refund = fintecture::post(&world, "/pis/v2/refund", &body).await.body;
    assert_eq!(refund["meta"]["status"], "refund_waiting", "{refund}");
    let mails = world.mails().await;
    assert_eq!(mails.len(), 2);
    let to_shop = mails.iter().find(|mail| mail.to == ["help@brightcandles.example"]).unwrap();
    let shown = counterfoil(&world, &["sessions", "show", &fintecture::own_id(&id).to_string()]).await;
    for part in texts(to_shop) {
        assert!(part.contains(&text(&shown["refunds"][0]["authorise_at"])), "{part}");
    }
}

#[tokio::test]
async fn no_link_is_mailed_to_what_has_ended() {
    let world = World::start().await;
    lose_signals(&world);
    let session = with_link(&world);
    create(&world, &session).await;
    world.settled().await;
    world.cancel(&json!({ "id": session.id })).await;
    world.run_schedule().await;
    assert!(world.mails().await.is_empty());
    let listed = counterfoil(&world, &["mails", "list", &session.id.to_string()]).await;
    assert_eq!(listed[0]["mail"], format!("{}/payment_link/1", session.id));
    assert_eq!(listed[0]["state"], "not_needed");
    assert_eq!(counterfoil(&world, &["mails", "resend", &text(&listed[0]["mail"])]).await["status"], "due");
}

#[tokio::test]
async fn the_merchant_is_mailed_where_its_refund_is_authorised() {
    let world = World::start().await;
    world.machine.faults().deliver_twice(true);
    let refund = to_authorise(&world, WireFormat::Yorlet, "demo").await;
    let mails = world.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["help@brightcandles.example"]);
    assert_eq!(mails[0].subject, "[Test] Approve the refund of £1.50 · Illuminate · Bright Candles");
    let payment_id = refund.payment_session_id.unwrap();
    let url = format!("{}/checkout/{payment_id}", world.machine.api_url());
    for part in texts(&mails[0]) {
        assert!(part.contains(&url) && !part.contains("Ada") && !part.contains("4321"), "{part}");
    }
    // `counterfoil` shows it as well, until the refund is authorised.
    let show = async || -> Value {
        let shown = counterfoil(&world, &["sessions", "show", &refund.id.to_string()]).await;
        shown["refunds"][0]["authorise_at"].clone()
    };
    assert_eq!(show().await, json!(url));
    let merchant = world.payer(&json!({ "id": payment_id }));
    merchant.choose_bank(1).await;
    merchant.decide(1, "approve").await;
    world.settled().await;
    assert_eq!(show().await, json!(null));
    assert_eq!(world.mails().await.len(), 1);
    let resent = counterfoil(&world, &["mails", "resend", &refund.id.to_string(), "refund_to_authorise"]).await;
    assert_eq!(resent["status"], "due");
    world.run_schedule().await;
    assert_eq!(world.mails().await.len(), 1, "there is nothing to authorise any more");
}

#[tokio::test]
async fn where_a_shop_has_no_address_nothing_is_mailed_and_that_is_logged() {
    let world = World::start().await;
    world.merchant("bare", models::Mode::Test, "all").await;
    let refund = to_authorise(&world, WireFormat::Yorlet, "bare").await;
    // Banked's shows its link in the refund's `url`.
    to_authorise(&world, WireFormat::Banked, "demo").await;
    assert!(world.mails().await.is_empty());
    let listed = counterfoil(&world, &["mails", "list", &refund.id.to_string()]).await;
    assert_eq!((&listed[0]["state"], listed.as_array().unwrap().len()), (&json!("not_needed"), 1));
    let logs: Vec<_> = world.machine.logs().into_iter().map(|line| line.text).collect();
    let logged = |line: &String| line.contains("no address to mail") && line.contains(&refund.id.to_string());
    assert!(logs.iter().any(logged), "{logs:#?}");
}

#[tokio::test]
async fn publish_and_email_receipt_may_die_anywhere_and_each_link_is_mailed_once() {
    let world = World::start_with(|config| config.visibility_timeout = Some(Duration::from_secs(1))).await;
    let kills = [
        ("PublishFunction", "PutItem", Effect::KillBefore),
        ("PublishFunction", "PutItem", Effect::KillAfter),
        ("PublishFunction", "SendMessage", Effect::KillBefore),
        ("PublishFunction", "SendMessage", Effect::KillAfter),
        ("EmailReceiptFunction", "UpdateItem", Effect::KillBefore),
        ("EmailReceiptFunction", "SendEmail", Effect::KillBefore),
    ];
    let mut done = 0;
    for (function, operation, effect) in kills {
        for kind in ["payment_link", "refund_to_authorise"] {
            let mut fault = Fault::new(operation, effect).function(function);
            if function == "PublishFunction" && operation == "PutItem" {
                fault = fault.prefix("MAIL#");
            }
            world.machine.faults().add(fault);
            let object = if kind == "payment_link" {
                let session = with_link(&world);
                create(&world, &session).await;
                session.id.to_string()
            } else {
                to_authorise(&world, WireFormat::Yorlet, "demo").await.id.to_string()
            };
            let arrived = |machine: &Machine| (machine.mails().len() > done).then_some(());
            if world.machine.until(Duration::from_secs(2), arrived).await.is_none() {
                free_claim(&world, &format!("MAIL#{object}"), &format!("{kind}#1")).await;
                world.run_schedule().await;
                let arrived = world.machine.until(PATIENCE, arrived).await;
                assert!(arrived.is_some(), "{function} {operation} {effect:?} {kind}");
            }
            let waiting = world.machine.faults().waiting();
            assert!(waiting.is_empty(), "{function} {operation} {effect:?} {kind} did not happen");
            done += 1;
        }
    }
    world.run_schedule().await;
    assert_eq!(world.mails().await.len(), done);
}
