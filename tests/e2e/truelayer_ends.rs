//! Ending what a payer may be paying at TrueLayer: it is asked first, by the function that ends it. And what comes late, or from
//! somebody else.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use local::truelayer::Fault;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Answer, World, answer, states, text};
use truelayer::signature::{TL_SIGNATURE, sign};

use crate::at_consent_ends::{cancel, delete, fall_due};
use crate::truelayer::{PAID, QUARTER_HOUR, at_the_bank, state, truelayer, visit};
use crate::truelayer_contract::credentials;

/// One of the simulator's banks, other than the first that payers choose here.
const OTHER_BANK: &str = "truelayer.ob-kestrel";

/// One at which a payment that the payer has opened can't be cancelled.
const BANK_THAT_GOES_ON: &str = "truelayer.ob-lyndhurst-mutual";

/// Where webhooks come.
const WEBHOOKS: &str = "/providers/truelayer/webhook";

/// The header that says when one was sent.
const TIMESTAMP: &str = "X-Tl-Webhook-Timestamp";

/// How all payments stand at TrueLayer.
fn statuses(world: &World) -> Vec<String> {
    let mut statuses: Vec<_> = truelayer(world).payments().into_iter().map(|payment| payment.status).collect();
    statuses.sort_unstable();
    statuses
}

async fn failure_reason(world: &World, session: &Value) -> String {
    text(&world.get(&text(&session["id"])).await["failure_reason"])
}

async fn item(world: &World, session: &Value) -> Value {
    world.item(&format!("SESSION#{}", text(&session["id"])), "SESSION").await
}

#[tokio::test]
async fn a_merchant_cancels_whatever_truelayer_has_heard_of_the_payment() {
    for (fault, heard_of) in [(None, 1), (Some(Fault::LostAnswer), 1), (Some(Fault::Status(503)), 0)] {
        let world = World::with_truelayer().await;
        if let Some(fault) = fault {
            truelayer(&world).fail_next("/v3/payments", fault);
        }
        let session = at_the_bank(&world).await;
        let link = if fault.is_none() { Some(world.payer(&session).link(1).await) } else { None };
        assert_eq!(statuses(&world).len(), heard_of, "{fault:?}");
        let cancelled = cancel(&world, &session).await;
        assert_eq!(cancelled.status, StatusCode::OK, "{fault:?}: {}", cancelled.text);
        assert_eq!(text(&cancelled.body["failure_reason"]), "cancelled_by_merchant");
        // TrueLayer lets nobody pay any more, whatever page the payer has open.
        if let Some(link) = link {
            visit(&link, Some("approve")).await;
        }
        world.payer(&session).come_back().await;
        world.run_schedule().await;
        assert_eq!(world.mails().await.len(), 0);
        assert_eq!(statuses(&world), ["failed"], "{fault:?}");
        assert_eq!(state(&world, &session).await, text(&cancelled.body["state"]));
    }
}

#[tokio::test]
async fn a_wish_to_cancel_that_is_accepted_ends_nothing_until_the_payment_is_over() {
    let world = World::with_truelayer().await;
    truelayer(&world).pause_webhooks(true);
    let session = world.create().await;
    let payer = world.payer(&session);
    payer.identify().await;
    payer.choose(BANK_THAT_GOES_ON, 1).await;
    visit(&payer.link(1).await, None).await;
    let cancelled = cancel(&world, &session).await;
    assert!(cancelled.status.is_server_error(), "the payer could still pay: {}", cancelled.text);
    assert_eq!(statuses(&world), ["authorizing"]);
    assert_eq!(state(&world, &session).await, "awaiting_payment_consent");
    truelayer(&world).advance(QUARTER_HOUR);
    let cancelled = cancel(&world, &session).await;
    assert_eq!(cancelled.status, StatusCode::OK, "{}", cancelled.text);
    assert_eq!(failure_reason(&world, &session).await, "cancelled_by_merchant");
}

#[tokio::test]
async fn a_merchant_who_ends_it_too_late_reads_the_truth() {
    let world = World::with_truelayer().await;
    truelayer(&world).pause_webhooks(true);
    for (decision, stays) in [("approve", "sent"), ("approve_then_settle", "pending")] {
        for deletes in [false, true] {
            let session = at_the_bank(&world).await;
            visit(&world.payer(&session).link(1).await, Some(decision)).await;
            for _ in 0..2 {
                let refused = if deletes { delete(&world, &session).await } else { cancel(&world, &session).await };
                assert_eq!(refused.status, StatusCode::CONFLICT, "{decision}: {}", refused.text);
                assert_eq!(state(&world, &session).await, stays);
            }
        }
    }
}

#[tokio::test]
async fn a_merchant_deletes_while_the_payer_is_at_truelayer() {
    let world = World::with_truelayer().await;
    truelayer(&world).pause_webhooks(true);
    let session = at_the_bank(&world).await;
    let link = world.payer(&session).link(1).await;
    let deleted = delete(&world, &session).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{}", deleted.text);
    visit(&link, Some("approve")).await;
    assert_eq!(statuses(&world), ["failed"]);
    assert_eq!(truelayer(&world).deliver_webhooks().await, 1, "also what is deleted is known");
    world.settled().await;
    let item = item(&world, &session).await;
    assert!(item["deleted_at"].is_object() && item["late_money"].is_null(), "{item}");
}

#[tokio::test]
async fn the_schedule_finds_what_nobody_came_back_from() {
    let world = World::with_truelayer().await;
    truelayer(&world).pause_webhooks(true);
    let [consented, consented_in_time, expired] =
        [at_the_bank(&world).await, at_the_bank(&world).await, at_the_bank(&world).await];
    for session in [&consented, &consented_in_time] {
        visit(&world.payer(session).link(1).await, Some("approve")).await;
    }
    let expired_link = world.payer(&expired).link(1).await;
    truelayer(&world).fail_next("/v3/payments", Fault::Status(503));
    let unanswered = at_the_bank(&world).await;
    assert_eq!(statuses(&world).len(), 3);
    for (session, over) in [(&consented, false), (&consented_in_time, true), (&expired, true), (&unanswered, false)] {
        fall_due(&world, session, over).await;
    }
    world.run_schedule().await;
    assert_eq!(state(&world, &consented).await, "sent");
    assert_eq!(state(&world, &consented_in_time).await, "sent", "the clock alone ends nothing");
    assert_eq!(failure_reason(&world, &expired).await, "time_passed");
    assert_eq!(state(&world, &unanswered).await, "awaiting_payment_consent");
    let at_consent = &item(&world, &unanswered).await["attempt"]["M"]["at_consent"]["M"];
    assert!(at_consent["payment_id"]["S"].is_string(), "asked again: {at_consent}");
    visit(&expired_link, Some("approve")).await;
    world.payer(&expired).come_back().await;
    assert_eq!(failure_reason(&world, &expired).await, "time_passed", "nothing was paid");
    assert_eq!(statuses(&world), ["authorization_required", "executed", "executed", "failed"]);
}

#[tokio::test]
async fn another_bank_ends_the_payment_before_it_and_what_is_said_of_that_late_changes_nothing() {
    let world = World::with_truelayer().await;
    truelayer(&world).pause_webhooks(true);
    let session = at_the_bank(&world).await;
    let payer = world.payer(&session);
    let link = payer.link(1).await;
    // The tab of the first bank is open still.
    visit(&link, None).await;
    assert_eq!(payer.choose(OTHER_BANK, 2).await.status, StatusCode::SEE_OTHER);
    assert_eq!(statuses(&world), ["authorization_required", "failed"]);
    visit(&link, Some("approve")).await;
    assert_eq!(payer.link(1).await, format!("/checkout/{}", text(&session["id"])), "nobody is led there any more");
    visit(&payer.link(2).await, Some("approve")).await;
    payer.come_back().await;
    let paid = world.get(&text(&session["id"])).await;
    assert_eq!(paid["state"], "sent", "{:#?}", world.machine.logs());
    assert_eq!(statuses(&world), ["executed", "failed"]);
    // Of the first that it failed, of the second that it was authorized and executed.
    assert_eq!(truelayer(&world).deliver_webhooks().await, 3);
    assert_eq!(truelayer(&world).repeat_webhooks().await, 3);
    assert_eq!(world.get(&text(&session["id"])).await, paid);
    assert!(item(&world, &session).await["late_money"].is_null());
    assert_eq!(world.mails().await.len(), 1);
}

#[tokio::test]
async fn who_has_paid_and_chooses_another_bank_has_paid_once() {
    let world = World::with_truelayer().await;
    truelayer(&world).pause_webhooks(true);
    let session = at_the_bank(&world).await;
    let payer = world.payer(&session);
    visit(&payer.link(1).await, Some("approve")).await;
    assert_eq!(payer.choose(OTHER_BANK, 2).await.status, StatusCode::SEE_OTHER);
    assert_eq!(states(&world.get(&text(&session["id"])).await), PAID);
    assert_eq!(statuses(&world), ["executed"]);
}

#[tokio::test]
async fn money_of_a_session_that_had_ended_is_noted() {
    let world = World::with_truelayer().await;
    truelayer(&world).pause_webhooks(true);
    let session = at_the_bank(&world).await;
    visit(&world.payer(&session).link(1).await, Some("approve")).await;
    // A hand in the table, in place of a provider that said yes to cancelling and sent the money all the same.
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": { "S": format!("SESSION#{}", text(&session["id"])) }, "sk": { "S": "SESSION" } },
        "UpdateExpression": "SET #state = :cancelled",
        "ExpressionAttributeNames": { "#state": "state" },
        "ExpressionAttributeValues": { ":cancelled": { "S": "cancelled" } },
    });
    world.dynamodb("UpdateItem", &body).await;
    assert_eq!(truelayer(&world).deliver_webhooks().await, 2);
    let noted = item(&world, &session).await["late_money"]["M"].clone();
    assert_eq!(text(&noted["payment_id"]["S"]), truelayer(&world).payments()[0].id.to_string());
    assert_eq!(text(&item(&world, &session).await["state"]["S"]), "cancelled");
}

#[tokio::test]
async fn what_truelayer_did_not_sign_is_refused_and_changes_nothing() {
    let world = World::with_truelayer().await;
    truelayer(&world).pause_webhooks(true);
    let session = at_the_bank(&world).await;
    visit(&world.payer(&session).link(1).await, Some("approve")).await;
    let payment_id = truelayer(&world).payments()[0].id;
    let body = json!({ "type": "payment_executed", "event_version": 1, "payment_id": payment_id }).to_string();
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let send = async |signature: Option<String>| -> Answer {
        let request = world.request(Method::POST, WEBHOOKS).header("content-type", "application/json");
        let request = request.header(TIMESTAMP, &now);
        let request = signature.into_iter().fold(request, |request, text| request.header(TL_SIGNATURE, text));
        answer(request.body(body.clone())).await
    };

    // By a key that is known to TrueLayer, and is not TrueLayer's.
    let key = credentials(&world).await.key;
    let jwks_url = format!("{}/.well-known/jwks", truelayer(&world).url());
    let signed_at = |jwks_url: &str| {
        let key = key.clone().published_at(jwks_url);
        sign(&key, "POST", WEBHOOKS, &[(TIMESTAMP, now.as_str())], body.as_bytes())
    };
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let key_set = answer(client.get(&jwks_url)).await.body;
    // The same, which says that it is one of TrueLayer's.
    let signed = signed_at(&jwks_url);
    let (header, rest) = signed.split_once('.').unwrap();
    let mut header: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    header["kid"] = key_set["keys"][0]["kid"].clone();
    let pretends = format!("{}.{rest}", BASE64_URL_SAFE_NO_PAD.encode(header.to_string()));
    let elsewhere = signed_at(&format!("{jwks_url}?"));

    for forged in [None, Some("..".to_owned()), Some(signed), Some(pretends), Some(elsewhere)] {
        let refused = send(forged.clone()).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (401, "unauthorized"), "{forged:?}: {}", refused.text);
    }
    assert_eq!(state(&world, &session).await, "awaiting_payment_consent");
    assert_eq!(truelayer(&world).deliver_webhooks().await, 2);
    assert_eq!(state(&world, &session).await, "sent", "it was worth a lie");
}
