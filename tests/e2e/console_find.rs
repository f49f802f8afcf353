//! By what a customer says, a payment is found where the console is on: pointers come after the stream, and go with the payment.

use std::collections::BTreeSet;

use jiff::{Span, Timestamp, tz::TimeZone};
use local::{Effect, Fault};
use models::{MerchantId, Mode};
use reqwest::Method;
use serde_json::{Value, json};
use store::{Erased, Erasures, ListCursor, ListRange, ListStart, Page, Pointers, Sought};
use tests::{World, answer, document_1, text};

use crate::operator;

/// A machine with the console on, that keeps personal data for a month.
async fn world() -> World {
    World::start_with(|config| {
        config.parameters.insert("Console".into(), "on".into());
        config.parameters.insert("PersonalDataMonths".into(), "1".into());
    })
    .await
}

/// What is known of a payment whose payer is Ada.
const KINDS: [&str; 3] = ["reference", "end-to-end", "email"];

async fn page(world: &World, sought: &Sought, range: ListRange) -> Page<String> {
    let merchant: MerchantId = "demo".parse().unwrap();
    let Page { items, next } = Pointers::new(world.table()).find(&merchant, Mode::Test, sought, range).await.unwrap();
    Page { items: items.iter().map(ToString::to_string).collect(), next }
}

async fn found(world: &World, sought: &Sought) -> Vec<String> {
    page(world, sought, ListRange { limit: 100, ..ListRange::default() }).await.items
}

fn reference(text: &str) -> Sought {
    Sought::Reference(text.to_owned().try_into().unwrap())
}

fn email(text: &str) -> Sought {
    Sought::Email(text.to_owned().try_into().unwrap())
}

fn end_to_end(session: &Value) -> Sought {
    Sought::EndToEnd(text(&session["end_to_end_id"]).parse().unwrap())
}

/// The kinds of pointers that lead to a session, or to any.
async fn pointers(world: &World, session: Option<&Value>) -> BTreeSet<String> {
    let answer = world.dynamodb("Scan", &json!({ "TableName": world.machine.table_name() })).await;
    let leads = |item: &&Value| session.is_none_or(|session| item["session_id"]["S"] == session["id"]);
    let items = answer["Items"].as_array().unwrap().iter().filter(leads);
    let pks = items.map(|item| text(&item["pk"]["S"]));
    pks.filter_map(|pk| pk.strip_prefix("FIND#").map(|rest| rest.split('#').nth(2).unwrap().to_owned())).collect()
}

fn all() -> BTreeSet<String> {
    KINDS.map(str::to_owned).into()
}

fn for_ada() -> Value {
    let mut request = document_1();
    request["reference"] = json!("Candles 7");
    request["payer"] = json!({ "name": "Ada Payer", "email": "ada@example.com" });
    request
}

async fn delete(world: &World, session: &Value) -> u16 {
    let path = format!("/v2/payment_sessions/{}", text(&session["id"]));
    answer(world.demo(Method::DELETE, &path)).await.status.as_u16()
}

async fn paid_by_ada(world: &World) -> Value {
    let session = world.create_from(&for_ada()).await;
    let payer = world.payer(&session);
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    world.settled().await;
    session
}

/// Sees to it that the schedule erases a session.
async fn grow_old(world: &World, session: &Value) {
    let kept = world.item(&format!("SESSION#{}", text(&session["id"])), "SESSION").await;
    let long_ago = Timestamp::now().to_zoned(TimeZone::UTC).checked_sub(Span::new().months(2)).unwrap().timestamp();
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": kept["pk"], "sk": kept["sk"] },
        "UpdateExpression": "SET final_at = :at",
        "ExpressionAttributeValues": { ":at": { "S": long_ago.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string() } },
    });
    world.dynamodb("UpdateItem", &body).await;
}

/// The run of the schedule that erases what is in a session's shard.
async fn erase_by_time(world: &World, session: &Value) {
    let kept = world.item(&format!("SESSION#{}", text(&session["id"])), "SESSION").await;
    let Some(shard) = kept["final_pk"]["S"].as_str() else { return };
    let minute: i64 = shard.strip_prefix("FINAL#").unwrap().parse().unwrap();
    let event = json!({
        "version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "account": "0",
        "time": Timestamp::from_second(minute * 60).unwrap().to_string(), "region": "eu-west-2", "resources": [], "detail": {},
    });
    // A process that ends is a failed run.
    drop(world.machine.invoke("ExpireFunction", &event).await);
}

#[tokio::test]
async fn a_payment_is_found_as_soon_as_something_is_known_of_it() {
    let world = world().await;
    let mut request = document_1();
    request["reference"] = json!(" Candles 7 ");
    let session = world.create_from(&request).await;
    world.settled().await;
    let id = text(&session["id"]);
    assert_eq!(pointers(&world, Some(&session)).await, ["reference", "end-to-end"].map(str::to_owned).into());
    assert_eq!(found(&world, &reference("CANDLES 7")).await, std::slice::from_ref(&id));
    assert_eq!(found(&world, &end_to_end(&session)).await, std::slice::from_ref(&id));
    assert!(found(&world, &email("ada@example.com")).await.is_empty());

    world.payer(&session).identify().await;
    world.settled().await;
    let body = world.item(&format!("SESSION#{id}"), "SESSION").await;
    let address = text(&body["payer"]["M"]["email"]["S"]);
    assert_eq!(found(&world, &email(&address.to_uppercase())).await, std::slice::from_ref(&id));
    assert_eq!(pointers(&world, Some(&session)).await, all());
    // No address stands in a key.
    let scanned = world.dynamodb("Scan", &json!({ "TableName": world.machine.table_name() })).await;
    let keys = scanned["Items"].as_array().unwrap().iter().map(|item| text(&item["pk"]["S"]));
    assert!(keys.filter(|pk| pk.starts_with("FIND#")).all(|pk| !pk.contains(&address)));

    // Another merchant's and the other mode's are not found.
    let all_pointers = Pointers::new(world.table());
    for (merchant, mode) in [("demo", Mode::Live), ("nobody", Mode::Test)] {
        let range = || ListRange { limit: 10, ..ListRange::default() };
        for sought in [reference("Candles 7"), end_to_end(&session), email(&address)] {
            let page = all_pointers.find(&merchant.parse().unwrap(), mode, &sought, range()).await.unwrap();
            assert!(page.items.is_empty() && page.next.is_none(), "{sought:?}");
        }
    }
}

#[tokio::test]
async fn what_many_payments_have_in_common_is_found_newest_first_page_by_page() {
    let world = world().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, text(&world.create_from(&for_ada()).await["id"]));
    }
    world.settled().await;
    for sought in [reference("candles 7"), email("Ada@example.com")] {
        assert_eq!(found(&world, &sought).await, ids);
        let from = |start| ListRange { start, limit: 2, ..ListRange::default() };
        let first = page(&world, &sought, from(ListStart::Newest)).await;
        assert_eq!(first.items, ids[..2]);
        let second = page(&world, &sought, from(ListStart::After(first.next.unwrap()))).await;
        assert_eq!(second.items, ids[2..4]);
        let last = page(&world, &sought, from(ListStart::After(second.next.unwrap()))).await;
        assert_eq!((&last.items[..], last.next.is_none()), (&ids[4..], true));
        let session = store::Sessions::new(world.table()).get(&ids[2].parse().unwrap()).await.unwrap().unwrap();
        let back = page(&world, &sought, from(ListStart::Before(ListCursor::at(&session)))).await;
        assert_eq!(back.items, ids[..2]);
        let before = ListRange { created_before: Some(session.created_at), limit: 10, ..ListRange::default() };
        assert_eq!(page(&world, &sought, before).await.items, ids[3..]);
    }
}

#[tokio::test]
async fn pointers_are_repeated_go_with_their_payment_and_never_come_back() {
    let world = world().await;
    let session = paid_by_ada(&world).await;
    let id = text(&session["id"]);
    assert_eq!(pointers(&world, Some(&session)).await, all());
    let before = world.dynamodb("Scan", &json!({ "TableName": world.machine.table_name() })).await;
    operator::answer(&world, &["republish", "--since", "1h"]).await;
    world.settled().await;
    assert_eq!(pointers(&world, Some(&session)).await, all());
    let after = world.dynamodb("Scan", &json!({ "TableName": world.machine.table_name() })).await;
    assert_eq!(before["Count"], after["Count"]);

    // The process that erases ends in the middle, before its transaction and after it.
    for effect in [Effect::KillBefore, Effect::KillAfter] {
        let session = paid_by_ada(&world).await;
        grow_old(&world, &session).await;
        world.machine.faults().add(Fault::new("TransactWriteItems", effect).function("ExpireFunction"));
        erase_by_time(&world, &session).await;
        world.machine.faults().clear();
        let is_erased = async || {
            let item = world.item(&format!("SESSION#{}", text(&session["id"])), "SESSION").await;
            item["erased_at"]["N"].is_string()
        };
        // One of them, and never one without the other.
        assert_eq!(pointers(&world, Some(&session)).await.is_empty(), is_erased().await, "{effect:?}");
        erase_by_time(&world, &session).await;
        assert!(is_erased().await && pointers(&world, Some(&session)).await.is_empty(), "{effect:?}");
    }

    let erased = Erasures::new(world.table()).erase(&id.parse().unwrap(), samples::now()).await.unwrap();
    assert_eq!(erased, Erased::Done);
    assert!(pointers(&world, None).await.is_empty());

    for effect in [Effect::KillBefore, Effect::KillAfter] {
        let session = world.create_from(&for_ada()).await;
        world.settled().await;
        assert_eq!(pointers(&world, Some(&session)).await, all());
        world.machine.faults().add(Fault::new("TransactWriteItems", effect).function("CancelFunction"));
        delete(&world, &session).await;
        world.machine.faults().clear();
        assert_eq!(delete(&world, &session).await, 204);
        assert!(pointers(&world, None).await.is_empty(), "{effect:?}");
    }
    // Published after it is gone.
    world.machine.faults().add(Fault::new("PutItem", Effect::Throttled).function("PublishFunction").times(200));
    let session = world.create_from(&for_ada()).await;
    assert_eq!(delete(&world, &session).await, 204);
    world.machine.faults().clear();
    world.settled().await;
    operator::answer(&world, &["republish", "--since", "1h"]).await;
    operator::answer(&world, &["console", "backfill"]).await;
    world.settled().await;
    assert!(pointers(&world, None).await.is_empty());
    operator::answer(&world, &["verify"]).await;
}

#[tokio::test]
async fn a_put_that_fails_comes_again_with_its_record() {
    let world = world().await;
    for effect in [Effect::Throttled, Effect::KillBefore, Effect::KillAfter] {
        world.machine.faults().add(Fault::new("TransactWriteItems", effect).function("PublishFunction"));
        let session = world.create_from(&for_ada()).await;
        world.settled().await;
        world.machine.faults().clear();
        assert_eq!(pointers(&world, Some(&session)).await, all(), "{effect:?}");
    }
}

#[tokio::test]
async fn with_the_console_off_nothing_points_and_a_backfill_points_to_what_is_there() {
    let world = World::start().await;
    let paid = paid_by_ada(&world).await;
    let [erased, deleted] = [paid_by_ada(&world).await, world.create_from(&for_ada()).await];
    let waiting = world.create().await;
    Erasures::new(world.table()).erase(&text(&erased["id"]).parse().unwrap(), samples::now()).await.unwrap();
    assert_eq!(delete(&world, &deleted).await, 204);
    world.settled().await;
    assert!(pointers(&world, None).await.is_empty());

    let dry = operator::answer(&world, &["console", "backfill", "--dry-run"]).await;
    assert_eq!((&dry["sessions"], pointers(&world, None).await.len()), (&json!(2), 0));
    for _ in 0..2 {
        assert_eq!(operator::answer(&world, &["console", "backfill"]).await["sessions"], 2);
        assert_eq!(pointers(&world, Some(&paid)).await, all());
        assert_eq!(pointers(&world, Some(&waiting)).await, ["reference", "end-to-end"].map(str::to_owned).into());
        for gone in [&erased, &deleted] {
            assert!(pointers(&world, Some(gone)).await.is_empty());
        }
    }
    operator::answer(&world, &["verify"]).await;
    // What a pointer leads to is gone.
    let key = json!({ "pk": { "S": format!("SESSION#{}", text(&waiting["id"])) }, "sk": { "S": "SESSION" } });
    world.dynamodb("DeleteItem", &json!({ "TableName": world.machine.table_name(), "Key": key })).await;
    let verified = operator::run(&world, &["verify"]).await;
    assert_eq!(verified.code, 1);
    assert!(verified.shown.contains("orphan") && verified.shown.contains("pointer by reference"), "{}", verified.shown);
}
