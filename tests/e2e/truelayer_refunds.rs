//! Refunds of payments by TrueLayer: the merchant pays them at the checkout, or TrueLayer makes them, which may never answer.

use std::time::Duration;

use local::truelayer::Fault;
use models::Mode;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{PATIENCE, World, answer, document_1, text};

use crate::operations::counted;
use crate::operator;
use crate::truelayer::{BANK, at_the_bank, come_back, decide, state, truelayer, visit, with_merchant_account};
use crate::truelayer_operator::SECRET;

/// A refund of this payment.
async fn item(world: &World, refund: &Value) -> Value {
    let (pk, sk) = key(refund);
    world.item(&pk, &sk).await
}

fn key(refund: &Value) -> (String, String) {
    (format!("SESSION#{}", text(&refund["payment_session_id"])), format!("REFUND#{}", text(&refund["id"])))
}

/// It was made 25 hours ago, and is due.
async fn age(world: &World, refund: &Value) {
    let (pk, sk) = key(refund);
    let earlier = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(25);
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": { "S": pk }, "sk": { "S": sk } },
        "UpdateExpression": "SET created_at = :earlier, due_at = :past",
        "ExpressionAttributeValues": {
            ":earlier": { "N": earlier.as_millisecond().to_string() }, ":past": { "S": "2000-01-01T00:00:00.000Z" },
        },
    });
    world.dynamodb("UpdateItem", &body).await;
}

/// A session that was paid into a merchant account.
pub(crate) async fn settled(world: &World) -> Value {
    let session = at_the_bank(world).await;
    let back = decide(world, &session, "approve_then_settle").await;
    come_back(world, &back).await;
    truelayer(world).advance(Duration::from_secs(60));
    world.settled().await;
    assert_eq!(state(world, &session).await, "sent", "{:#?}", world.machine.logs());
    session
}

/// A refund of a session that TrueLayer was asked for so long ago that it is not asked again; this became of the one request.
async fn never_answered(world: &World, session: &Value, fault: Fault) -> Value {
    let payment = truelayer(world).payments().remove(0);
    truelayer(world).fail_next(&format!("/v3/payments/{}/refunds", payment.id), fault);
    let refund = world.refund(session, 150).await;
    let early = conclude(world, &refund, &["--not-there"]).await;
    assert!(early.code == 1 && early.said.contains("asked for at least a day ago"), "{}", early.said);
    age(world, &refund).await;
    world.run_schedule().await;
    assert_eq!(world.get_refund(&refund).await["state"], "awaiting_payment");
    assert!(item(world, &refund).await["at_provider"]["M"]["id"].is_null(), "it is not asked for again");
    refund
}

async fn conclude(world: &World, refund: &Value, how: &[&str]) -> operator::Ran {
    let id = text(&refund["id"]);
    let conclude = ["refunds", "conclude", id.as_str()];
    operator::run(world, &[conclude.as_slice(), how].concat()).await
}

#[tokio::test]
async fn a_live_refund_is_paid_by_the_merchant_once_they_have_given_an_address() {
    let world = World::start_with(|config| {
        config.parameters.insert("TrueLayer".into(), "live".into());
    })
    .await;
    let (key, secret) = world.merchant("acme", Mode::Live, "all").await;
    let ask = async |method: Method, path: &str, body: Option<Value>| {
        let request = world.request(method, path).basic_auth(&key, Some(&secret));
        let answer = answer(body.iter().fold(request, |request, body| request.json(body))).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        answer.body
    };
    let session = ask(Method::POST, "/v2/payment_sessions", Some(document_1())).await;
    let payer = world.payer(&session);
    payer.identify().await;
    assert_eq!(payer.choose(BANK, 1).await.status, StatusCode::SEE_OTHER);
    visit(&payer.link(1).await, Some("approve")).await;
    payer.come_back().await;

    let request = json!({ "payment_session_id": session["id"], "amount": 150 });
    let refund = ask(Method::POST, "/v2/refunds", Some(request)).await;
    let payment = format!("/v2/payment_sessions/{}", text(&refund["refund_payment_session_id"]));
    let asked = ask(Method::GET, &payment, None).await;
    assert_eq!((&asked["state"], &asked["payer"]["email"]), (&json!("awaiting_payer"), &json!(null)));
    let merchant = world.refunder(&refund);
    let page = merchant.page().await;
    assert!(page.html.contains("The service that takes you to your bank needs it."), "{}", page.html);
    assert!(!page.html.contains("name=\"name\"") && !page.html.contains("receipt"), "{}", page.html);
    assert_eq!(merchant.post("payer", &[("email", "")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(merchant.post("payer", &[("email", "books@acme.example")]).await.status, StatusCode::SEE_OTHER);
    let chosen = merchant.choose(BANK, 1).await;
    assert_eq!(chosen.status, StatusCode::SEE_OTHER, "{}", chosen.html);
    visit(&merchant.link(1).await, Some("approve")).await;
    merchant.come_back().await;
    let sent = ask(Method::GET, &format!("/v2/refunds/{}", text(&refund["id"])), None).await;
    assert_eq!(sent["state"], "sent", "{:#?}", world.machine.logs());
    let payer = json!({ "name": asked["payer"]["name"], "email": "books@acme.example" });
    assert_eq!(ask(Method::GET, &payment, None).await["payer"], payer);
    // The payer's receipt, and that the refund was sent; the merchant gets none of what they paid.
    let to: Vec<_> = world.mails().await.into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(to, ["ada@example.com", "ada@example.com"]);
}

#[tokio::test]
async fn a_refund_that_truelayer_never_heard_of_is_ended_by_an_operator() {
    let world = with_merchant_account().await;
    let session = settled(&world).await;
    let refund = never_answered(&world, &session, Fault::Status(503)).await;
    assert_eq!(truelayer(&world).payments()[0].refunded_minor, 0);
    let stuck = world.machine.until(PATIENCE, |_| counted(&world).get("StuckPending").copied()).await;
    assert_eq!(stuck, Some(1), "somebody is called");
    let dry = conclude(&world, &refund, &["--not-there", "--dry-run"]).await;
    assert_eq!(dry.code, 0, "{}", dry.said);
    assert_eq!(world.get_refund(&refund).await["state"], "awaiting_payment");
    let ended = conclude(&world, &refund, &["--not-there"]).await;
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert_eq!(world.get_refund(&refund).await["state"], "failed");
    assert_eq!(conclude(&world, &refund, &["--not-there"]).await.code, 1, "once");
    // All of it can be refunded again.
    let again = world.refund(&session, 400).await;
    truelayer(&world).advance(Duration::from_secs(60));
    world.settled().await;
    assert_eq!(world.get_refund(&again).await["state"], "sent", "{:#?}", world.machine.logs());
    assert_eq!(truelayer(&world).payments()[0].refunded_minor, 400);
}

#[tokio::test]
async fn a_refund_whose_answer_was_lost_goes_on_by_the_id_that_an_operator_found() {
    let world = with_merchant_account().await;
    let session = settled(&world).await;
    truelayer(&world).pause_webhooks(true);
    let refund = never_answered(&world, &session, Fault::LostAnswer).await;
    assert_eq!(truelayer(&world).payments()[0].refunded_minor, 150, "once");
    let found = truelayer(&world).payments()[0].refund_ids[0].to_string();
    let found = found.as_str();
    let url = truelayer(&world).url();
    let asked = |id| ["--known-as", id, "--secret-arn", SECRET, "--truelayer-url", url];
    let wrong = conclude(&world, &refund, &asked("6a1f3c2e-50b1-4c4b-9f6e-0a1b2c3d4e5f")).await;
    assert!(wrong.code == 1 && wrong.said.contains("TrueLayer has no refund 6a1f3c2e"), "{}", wrong.said);
    let known = conclude(&world, &refund, &asked(found)).await;
    assert_eq!(known.code, 0, "{}", known.said);
    assert_eq!(item(&world, &refund).await["at_provider"]["M"]["id"]["S"], found);
    assert_eq!(world.get_refund(&refund).await["state"], "awaiting_payment", "TrueLayer says how it ends");
}
