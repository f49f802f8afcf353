//! What is known of customers goes when it has been kept for long enough, or when they ask.

use jiff::{Span, Timestamp, tz::TimeZone};
use models::{CustomerId, SortableTimestamp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{World, answer, text};

use crate::customers::{CUSTOMERS, created, path, post, read, whole};
use crate::operator;

/// What is about Ada.
const ADA: [&str; 6] = ["Ada Payer", "ada@example.com", "7946", "High Street", "bills@example.com", "ADA-1"];

/// A machine that keeps personal data for a month.
async fn world() -> World {
    World::start_with(|config| {
        config.parameters.insert("PersonalDataMonths".into(), "1".into());
    })
    .await
}

fn id(customer: &Value) -> CustomerId {
    CustomerId::from_base62(text(&customer["id"]).strip_prefix("cus_").unwrap()).unwrap()
}

async fn item(world: &World, customer: &Value) -> Value {
    world.item(&format!("CUSTOMER#{}", id(customer)), "CUSTOMER").await
}

/// Of what is about Ada, what stands anywhere in the table.
async fn left(world: &World) -> Vec<&'static str> {
    let all = world.dynamodb("Scan", &json!({ "TableName": world.machine.table_name() })).await["Items"].to_string();
    ADA.into_iter().filter(|text| all.contains(text)).collect()
}

/// As if the customer had been used last at that time; and the run of the schedule that reads its shard.
async fn unused_since(world: &World, customer: &Value, at: Timestamp) {
    let kept = item(world, customer).await;
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": kept["pk"], "sk": kept["sk"] },
        "UpdateExpression": "SET final_at = :at",
        "ExpressionAttributeValues": { ":at": { "S": SortableTimestamp::from(at).as_str() } },
    });
    world.dynamodb("UpdateItem", &body).await;
    let minute: i64 = text(&kept["final_pk"]["S"]).strip_prefix("FINAL#").unwrap().parse().unwrap();
    let event = json!({
        "version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "account": "0",
        "time": Timestamp::from_second(minute * 60).unwrap().to_string(), "region": "eu-west-2", "resources": [], "detail": {},
    });
    world.machine.invoke("ExpireFunction", &event).await.unwrap();
}

fn a_month_ago() -> Timestamp {
    Timestamp::now().to_zoned(TimeZone::UTC).checked_sub(Span::new().months(1)).unwrap().timestamp()
}

#[tokio::test]
async fn a_customer_who_was_not_used_for_long_enough_goes() {
    let world = world().await;
    let customer = created(&world, &whole()).await;
    let other = created(&world, &json!({ "email": "bea@example.com" })).await;
    assert_eq!(left(&world).await, ADA);
    unused_since(&world, &customer, a_month_ago() + Span::new().minutes(5)).await;
    assert_eq!(left(&world).await, ADA, "a month is not over yet");
    unused_since(&world, &customer, a_month_ago() - Span::new().seconds(1)).await;
    assert!(left(&world).await.is_empty(), "{:?}", left(&world).await);
    let gone = json!({ "id": customer["id"], "object": "customer", "deleted": true });
    assert_eq!(read(&world, &path(&customer)).await, gone);
    world.settled().await;
    let list = read(&world, CUSTOMERS).await;
    assert_eq!((&list["data"], &list["count"]), (&json!([other]), &json!(1)));
    assert_eq!(operator::answer(&world, &["verify", "--late-after", "1h"]).await["summary"]["violations"], 0);
}

/// Each use keeps them for as long again: what is changed, and what begins and ends.
#[tokio::test]
async fn a_session_keeps_its_customer() {
    let world = world().await;
    let customer = created(&world, &whole()).await;
    let long_ago = Timestamp::UNIX_EPOCH;
    let session = json!({
        "amount": 1000,
        "currency": "gbp",
        "customer": customer["id"],
        "mode": "payment",
        "payment_method_types": ["pay_by_bank"],
    });
    let kept_since = async || -> Timestamp { text(&item(&world, &customer).await["final_at"]["S"]).parse().unwrap() };
    let unused = async || {
        let body = json!({
            "TableName": world.machine.table_name(),
            "Key": { "pk": { "S": format!("CUSTOMER#{}", id(&customer)) }, "sk": { "S": "CUSTOMER" } },
            "UpdateExpression": "SET final_at = :at",
            "ExpressionAttributeValues": { ":at": { "S": SortableTimestamp::from(long_ago).as_str() } },
        });
        world.dynamodb("UpdateItem", &body).await;
    };
    unused().await;
    let began = post(&world, "/v1/payment_sessions", &session).await;
    assert_eq!(began.status, StatusCode::OK, "{}", began.text);
    world.settled().await;
    let first = kept_since().await;
    assert!(first > long_ago, "a session began");
    unused().await;
    let cancel = format!("/v1/payment_sessions/{}/cancel", text(&began.body["id"]));
    assert_eq!(answer(world.demo(Method::POST, &cancel)).await.status, StatusCode::OK);
    world.settled().await;
    let second = kept_since().await;
    assert!(second > first, "it ended");
    unused().await;
    assert_eq!(post(&world, &path(&customer), &json!({ "name": "Ada P." })).await.status, StatusCode::OK);
    assert!(kept_since().await > second, "they were changed");
    unused_since(&world, &customer, a_month_ago() + Span::new().minutes(5)).await;
    assert_eq!(read(&world, &path(&customer)).await["name"], "Ada P.");
}

#[tokio::test]
async fn on_demand_a_customer_goes_at_once() {
    let world = world().await;
    let customer = created(&world, &whole()).await;
    let shown = text(&customer["id"]);
    let command = ["erase", "customer", &shown];
    let dry = operator::answer(&world, &[&command[..], &["--dry-run"]].concat()).await;
    assert_eq!((&dry["result"], &dry["customer_id"]), (&json!("would_be_erased"), &json!(id(&customer).to_string())));
    assert_eq!(left(&world).await, ADA);
    assert_eq!(operator::answer(&world, &[&command[..], &["--yes"]].concat()).await["result"], "erased");
    assert!(left(&world).await.is_empty(), "{:?}", left(&world).await);
    assert_eq!(
        operator::answer(&world, &["erase", "customer", &id(&customer).to_string(), "--yes"]).await["result"],
        "was_erased_before"
    );
    assert_eq!(crate::console_refunds::acts(&world, "personal_data_erased").await.len(), 1);
    assert_eq!(operator::run(&world, &["erase", "customer", "cus_0000000000000000000007", "--yes"]).await.code, 1);

    // By their address, with what their sessions hold.
    let [ada, bea] = [created(&world, &whole()).await, created(&world, &json!({ "email": "bea@example.com" })).await];
    let erased = operator::answer(&world, &["erase", "payer", "--email", "ADA@example.com", "--yes"]).await;
    let expected =
        json!([{ "session_id": null, "customer_id": id(&ada).to_string(), "result": "erased", "why": null }]);
    assert_eq!(erased, expected);
    assert!(left(&world).await.is_empty(), "{:?}", left(&world).await);
    assert_eq!(read(&world, &path(&bea)).await, bea);
    assert_eq!(read(&world, &path(&ada)).await["deleted"], true);
    assert_eq!(operator::answer(&world, &["verify", "--late-after", "1h"]).await["summary"]["violations"], 0);
}
