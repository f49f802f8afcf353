//! An operator finds payments by what a payer or a merchant says of them, with the console and without it.

use models::{RefundId, SessionId};
use serde_json::{Value, json};
use tests::{World, document_1, text};

use crate::operator::{answer, delete, everything, run};

/// A payment of one pound, whose payer is Grace.
async fn of_grace(world: &World) -> Value {
    let mut request = document_1();
    request["reference"] = json!("Candles 7");
    request["payer"] = json!({ "name": "Grace Payer", "email": "grace@example.com" });
    request["line_items"] = json!([{ "name": "Candle", "amount": 100, "currency": "GBP", "quantity": 1 }]);
    world.create_from(&request).await
}

/// The ids of what is found in test mode, in their order; what was said of it is returned, too.
async fn find(world: &World, options: &[&str]) -> (Vec<String>, String) {
    let ran = run(world, &[&["sessions", "find", "demo", "--mode", "test"][..], options].concat()).await;
    let found: Vec<_> = ran.json.as_array().unwrap().iter().map(|row| text(&row["session_id"])).collect();
    assert_eq!(ran.code, i32::from(found.is_empty()), "{options:?}: {}", ran.said);
    for personal in ["Grace", "grace@example.com", "Candles", "Illuminate"] {
        let is_shown = ran.shown.contains(personal) || ran.said.contains(personal);
        assert!(!is_shown, "{personal}: {} {}", ran.shown, ran.said);
    }
    (found, ran.said)
}

async fn found(world: &World, options: &[&str]) -> Vec<String> {
    find(world, options).await.0
}

/// The options by which a payment of Grace's is found, and no other.
fn exact(session: &Value) -> Vec<[String; 2]> {
    let end_to_end_id = text(&session["end_to_end_id"]);
    [
        ["--reference", "CANDLES 7"],
        ["--email", "GRACE@example.com"],
        ["--end-to-end-id", &end_to_end_id],
        ["--end-to-end-id", &end_to_end_id.replace('-', "").to_uppercase()],
    ]
    .map(|pair| pair.map(str::to_owned))
    .to_vec()
}

#[tokio::test]
async fn without_the_console_lists_are_read_newest_first() {
    let world = World::start().await;
    let (grace, other, paid) = (of_grace(&world).await, world.create().await, world.paid().await);
    let [grace_id, other_id, paid_id] = [&grace, &other, &paid].map(|session| text(&session["id"]));
    let all = [&paid_id, &other_id, &grace_id].map(String::clone);
    assert_eq!(found(&world, &[]).await, all);
    for [option, value] in exact(&grace) {
        assert_eq!(found(&world, &[&option, &value]).await, [grace_id.as_str()], "{option} {value}");
    }
    for (options, expected) in [
        (&["--amount", "1.00"][..], &all[2..]),
        (&["--amount", "4"], &all[..2]),
        (&["--state", "sent"], &all[..1]),
        (&["--state", "awaiting_payer", "--amount", "4.00"], &all[1..2]),
        (&["--id-prefix", &other_id[..13]], &all[1..2]),
        (&["--since", "1h"], &all[..]),
        (&["--reference", "Candles 7", "--state", "sent"], &[]),
        (&["--email", "nobody@example.com"], &[]),
        (&["--until", "1h"], &[]),
    ] {
        assert_eq!(found(&world, options).await, expected, "{options:?}");
    }
    let (none, said) = find(&world, &["--amount", "4.01"]).await;
    assert!(none.is_empty() && said.contains("demo has no test payment session like this"), "{said}");

    // Where a search ends it says how the next one goes on.
    let (first, said) = find(&world, &["--limit", "2"]).await;
    assert_eq!(first, all[..2]);
    let position = said.trim().rsplit(' ').next().unwrap();
    assert!(said.contains("--after") && said.contains("Searched back to 20"), "{said}");
    let (rest, said) = find(&world, &["--limit", "2", "--after", position]).await;
    assert!(rest == all[2..] && said.is_empty(), "{rest:?} {said}");

    let shown = answer(&world, &["sessions", "find", "demo", "--mode", "test", "--amount", "1", "--personal"]).await;
    assert_eq!((&shown[0]["payer_email"], &shown[0]["reference"]), (&json!("grace@example.com"), &json!("Candles 7")));
    let live = run(&world, &["sessions", "find", "demo"]).await;
    assert!(live.code == 1 && live.said.contains("no live payment session"), "{}", live.said);
    let nobody = run(&world, &["sessions", "find", "nobody"]).await;
    assert!(nobody.code == 1 && nobody.said.contains("there is no merchant nobody"), "{}", nobody.said);
    let span = run(&world, &["sessions", "find", "demo", "--since", "1h", "--until", "2h"]).await;
    assert!(span.code == 2 && span.said.contains("--until must be later"), "{}", span.said);
}

#[tokio::test]
async fn with_the_console_what_is_exact_is_found_without_reading_lists() {
    let world = World::with_console().await;
    let (grace, _) = (of_grace(&world).await, world.create().await);
    world.settled().await;
    let lists_read = || world.machine.meter().calls("-", "BatchGetItem");
    let before = lists_read();
    for [option, value] in exact(&grace) {
        assert_eq!(found(&world, &[&option, &value]).await, [text(&grace["id"])], "{option} {value}");
    }
    assert_eq!(found(&world, &["--reference", "Illuminate", "--amount", "4"]).await.len(), 1);
    assert_eq!(lists_read(), before);
    assert!(found(&world, &["--reference", "Nothing"]).await.is_empty());
    assert!(lists_read() > before, "what has no pointer is sought in the lists");
}

/// The keys of what points to sessions by their reference.
async fn pointers(world: &World) -> Vec<(String, String)> {
    let keys = everything(world).await.into_iter().map(|item| (text(&item["pk"]["S"]), text(&item["sk"]["S"])));
    keys.filter(|(pk, _)| pk.contains("#reference#")).collect()
}

/// As where the console was switched on after it was created.
#[tokio::test]
async fn what_nothing_points_to_is_found_by_reading_all() {
    let world = World::with_console().await;
    let (early, late) = (world.create().await, world.create().await);
    world.settled().await;
    let [early, late] = [early, late].map(|session| text(&session["id"]));
    let (pk, sk) = pointers(&world).await.into_iter().find(|(_, sk)| sk.ends_with(&early)).unwrap();
    delete(&world, &pk, &sk).await;
    let (pointed_to, said) = find(&world, &["--reference", "illuminate"]).await;
    assert_eq!(pointed_to, [late.as_str()]);
    assert!(said.contains("while the console was on") && said.contains("--walk"), "{said}");
    let (all, said) = find(&world, &["--reference", "illuminate", "--walk"]).await;
    assert_eq!((all, said.as_str()), (vec![late, early], ""));
}

#[tokio::test]
async fn what_points_to_anothers_session_finds_nothing() {
    let world = World::with_console().await;
    let (key, secret) = world.merchant("acme", models::Mode::Test, "all").await;
    let request = world.request(reqwest::Method::POST, "/v2/payment_sessions").basic_auth(key, Some(secret));
    let created = tests::answer(request.json(&document_1())).await;
    assert_eq!(created.status, reqwest::StatusCode::CREATED, "{}", created.text);
    world.settled().await;
    // As no release puts it.
    let (pk, sk) = pointers(&world).await.pop().unwrap();
    let id = json!({ "S": created.body["id"] });
    let item = json!({ "pk": { "S": pk.replace("#acme#", "#demo#") }, "sk": { "S": sk }, "session_id": id });
    world.dynamodb("PutItem", &json!({ "TableName": world.machine.table_name(), "Item": item })).await;
    assert!(found(&world, &["--reference", "illuminate"]).await.is_empty());
}

#[tokio::test]
async fn an_id_is_accepted_as_any_format_shows_it() {
    let world = World::start().await;
    let open = world.create().await;
    let id: SessionId = text(&open["id"]).parse().unwrap();
    let spelled = |id: SessionId| {
        [id.to_string().to_uppercase(), id.to_hex(), id.to_hex().to_uppercase(), format!("py_sess_{}", id.to_base62())]
    };
    for spelled in spelled(id) {
        let shown = answer(&world, &["sessions", "show", &spelled]).await;
        assert_eq!(shown["session"]["session_id"], open["id"], "{spelled}");
        assert_eq!(shown["session"]["checkout_url"], open["url"], "{spelled}");
    }
    let paid = world.paid().await;
    world.settled().await;
    let refund = world.refund(&paid, 150).await;
    let paid_id: SessionId = text(&paid["id"]).parse().unwrap();
    let refund_id: RefundId = text(&refund["id"]).parse().unwrap();
    for spelled in [format!("txn_{}", paid_id.to_base62()), format!("re_{}", refund_id.to_base62())] {
        let shown = answer(&world, &["sessions", "show", &spelled]).await;
        assert_eq!(shown["session"]["session_id"], paid["id"], "{spelled}");
        assert!(shown["session"]["checkout_url"].is_null(), "it is paid");
    }
    for spelled in spelled(paid_id) {
        assert_eq!(answer(&world, &["mails", "list", &spelled]).await[0]["state"], "sent", "{spelled}");
    }
    let short = run(&world, &["sessions", "show", &id.to_string()[..8]]).await;
    assert!(short.code == 2 && short.said.contains("sessions find"), "{}", short.said);
}
