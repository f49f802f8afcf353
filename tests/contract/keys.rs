//! What keys and items may be, and reading and keeping them.

use serde_json::{Value, json};

use crate::call::typed_item;
use crate::fixture::{Table, key, until, update};

contracts! { Table:
    "dynamodb:HowItWorks.NamingRulesDataTypes" keys_are_whole_and_not_empty,
    "dynamodb:Constraints" keys_have_a_greatest_length,
    "dynamodb-api:API_UpdateItem" keys_are_never_changed,
    "dynamodb:Constraints" an_item_has_409600_bytes_at_most,
    "dynamodb:HowItWorks.ReadConsistency" a_consistent_read_sees_the_last_write,
    "dynamodb-api:API_GetItem" where_no_item_is_none_is_read,
    "dynamodb-api:API_GetItem" where_no_table_is_that_is_said,
    "dynamodb:TTL" the_time_to_live_is_an_attribute,
    "dynamodb-api:API_PutItem" a_put_replaces_the_whole_item,
    "dynamodb-api:API_PutItem" what_a_write_consumes_is_returned_if_asked,
}

async fn keys_are_whole_and_not_empty(table: Table) {
    for item in [
        json!({ "pk": "a" }),
        json!({ "sk": "1" }),
        json!({ "pk": "", "sk": "1" }),
        json!({ "pk": "a", "sk": "" }),
        json!({ "pk": "a", "sk": 1 }),
        // Index keys too, where there are any.
        json!({ "pk": "a", "sk": "1", "due_pk": "", "due_at": "x" }),
        json!({ "pk": "a", "sk": "1", "due_pk": "x", "due_at": 1 }),
    ] {
        table.invalid("PutItem", json!({ "Item": typed_item(&item) })).await;
    }
    for key in [json!({ "pk": "a" }), json!({ "pk": "a", "sk": "1", "x": "y" }), json!({ "pk": "a", "sk": "" })] {
        table.invalid("GetItem", json!({ "Key": typed_item(&key) })).await;
    }
    table.put(json!({ "pk": "a", "sk": "1" })).await;
    for (name, value) in [("due_pk", json!("")), ("due_at", json!(1))] {
        let body = update("a", "1", &format!("SET #{name} = :x"), "", json!({ ":x": value }));
        table.invalid("UpdateItem", body).await;
    }
    // One of an index's two keys alone is well, and in no index.
    table.put(json!({ "pk": "a", "sk": "1", "due_at": "x" })).await;
}

async fn keys_have_a_greatest_length(table: Table) {
    table.put(json!({ "pk": "p".repeat(2048), "sk": "s".repeat(1024) })).await;
    for (pk, sk) in [(2049, 1), (1, 1025)] {
        let item = json!({ "pk": "p".repeat(pk), "sk": "s".repeat(sk) });
        table.invalid("PutItem", json!({ "Item": typed_item(&item) })).await;
    }
}

async fn keys_are_never_changed(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1" })).await;
    table.invalid("UpdateItem", update("a", "1", "SET #sk = :x", "", json!({ ":x": "2" }))).await;
    table.invalid("UpdateItem", update("a", "1", "REMOVE #pk", "", json!({}))).await;
}

async fn an_item_has_409600_bytes_at_most(table: Table) {
    // Names count: pk, sk and x, and the values of both keys.
    let item = |bytes: usize| json!({ "pk": "a", "sk": "1", "x": "x".repeat(bytes - 2 - 2 - 1 - 2) });
    table.put(item(409_600)).await;
    table.invalid("PutItem", json!({ "Item": typed_item(&item(409_601)) })).await;
    table.invalid("UpdateItem", update("a", "1", "SET #y = :y", "", json!({ ":y": "" }))).await;
    assert!(table.get("a", "1").await.unwrap().get("y").is_none());
}

async fn a_consistent_read_sees_the_last_write(table: Table) {
    for n in 1..=20 {
        table.update("SET #n = :n", "", json!({ ":n": n })).await.unwrap();
        assert_eq!(table.get("a", "1").await.unwrap()["n"], n);
        let query = json!({
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": typed_item(&json!({ ":pk": "a" })),
            "ConsistentRead": true,
        });
        assert_eq!(table.find("Query", query).await.0[0]["n"], n);
    }
}

async fn where_no_item_is_none_is_read(table: Table) {
    assert_eq!(table.get("a", "1").await, None);
    let query = json!({
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": typed_item(&json!({ ":pk": "a" })),
    });
    assert_eq!(table.find("Query", query).await, (Vec::new(), None));
}

async fn where_no_table_is_that_is_said(table: Table) {
    let mut gone = table.clone();
    gone.name.push_str("-gone");
    let refusal = gone.refused("GetItem", json!({ "Key": key("a", "1") })).await;
    assert_eq!(refusal.code, "ResourceNotFoundException", "{refusal}");
}

async fn the_time_to_live_is_an_attribute(table: Table) {
    let enabled = async || {
        let described = table.ok("DescribeTimeToLive", json!({})).await;
        let described = described["TimeToLiveDescription"].clone();
        (described["AttributeName"] == "ttl").then_some(described)
    };
    let described: Value = until("the time to live is described", table.patience(), enabled).await;
    assert!(["ENABLING", "ENABLED"].contains(&described["TimeToLiveStatus"].as_str().unwrap()), "{described}");
    // Far off, and in the wrong type, which makes it stay for ever.
    table.put(json!({ "pk": "a", "sk": "1", "ttl": 4_000_000_000_u64 })).await;
    table.put(json!({ "pk": "a", "sk": "2", "ttl": "1" })).await;
    assert!(table.get("a", "1").await.is_some() && table.get("a", "2").await.is_some());
}

async fn a_put_replaces_the_whole_item(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "x": 1 })).await;
    table.put(json!({ "pk": "a", "sk": "1", "y": 2 })).await;
    assert_eq!(table.get("a", "1").await, Some(json!({ "pk": "a", "sk": "1", "y": 2 })));
}

async fn what_a_write_consumes_is_returned_if_asked(table: Table) {
    let put = |item: Value| {
        let (table, item) = (table.clone(), typed_item(&item));
        async move { table.ok("PutItem", json!({ "Item": item, "ReturnConsumedCapacity": "INDEXES" })).await }
    };
    let item = json!({ "pk": "a", "sk": "1", "due_pk": "d", "due_at": "1", "x": "x".repeat(1500) });
    let consumed = put(item).await["ConsumedCapacity"].clone();
    // 1 KB each; the index has the keys only.
    assert_eq!(consumed["Table"]["CapacityUnits"].as_f64(), Some(2.0), "{consumed}");
    assert_eq!(consumed["GlobalSecondaryIndexes"]["due"]["CapacityUnits"].as_f64(), Some(1.0), "{consumed}");
    assert_eq!(consumed["CapacityUnits"].as_f64(), Some(3.0), "{consumed}");
    // An index entry that moves is taken away and put: two writes.
    let moved = json!({ "pk": "a", "sk": "1", "due_pk": "d", "due_at": "2" });
    let consumed = put(moved).await["ConsumedCapacity"].clone();
    assert_eq!(consumed["GlobalSecondaryIndexes"]["due"]["CapacityUnits"].as_f64(), Some(2.0), "{consumed}");
    let answer = table.ok("PutItem", json!({ "Item": key("a", "2") })).await;
    assert_eq!(answer.get("ConsumedCapacity").filter(|consumed| !consumed.is_null()), None);
}
