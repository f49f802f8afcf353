//! Indexes: sparse, in order, eventually consistent.

use serde_json::{Value, json};

use crate::call::typed_item;
use crate::fixture::{Table, until};

contracts! { Table:
    "dynamodb:GSI" an_index_has_what_has_its_keys,
    "dynamodb:GSI" what_loses_an_index_key_leaves_the_index,
    "dynamodb:GSI" what_is_deleted_leaves_the_index,
    "dynamodb:GSI" an_item_moves_with_its_index_keys,
    "dynamodb:GSI" an_index_of_keys_has_keys_only,
    "dynamodb:GSI" an_index_that_includes_some_has_those_and_no_more,
    "dynamodb:GSI" an_index_is_in_the_order_of_its_sort_key_and_repeats_keys,
    "dynamodb:Query.Pagination" pages_of_an_index_follow_one_another,
    "dynamodb:HowItWorks.ReadConsistency" an_index_is_never_read_consistently,
    "dynamodb:Scan" a_scan_of_an_index_finds_what_is_in_it,
    "dynamodb:Scan" a_scan_of_an_index_has_1_mb_at_most_before_its_filter,
}

fn due_in(shard: &str) -> Value {
    json!({
        "IndexName": "due",
        "KeyConditionExpression": "due_pk = :due_pk AND due_at <= :now",
        "ExpressionAttributeValues": typed_item(&json!({ ":due_pk": shard, ":now": "5" })),
    })
}

fn waiting(pk: &str, due_pk: &str, due_at: &str) -> Value {
    json!({ "pk": pk, "sk": "1", "due_pk": due_pk, "due_at": due_at })
}

async fn an_index_has_what_has_its_keys(table: Table) {
    table.put(waiting("a", "DUE#1", "3")).await;
    table.put(waiting("b", "DUE#2", "3")).await;
    table.put(waiting("c", "DUE#1", "7")).await;
    table.put(waiting("d", "DUE#1", "~d")).await;
    table.put(json!({ "pk": "e", "sk": "1" })).await;
    table.put(json!({ "pk": "f", "sk": "1", "due_at": "3" })).await;
    table.put(json!({ "pk": "g", "sk": "1", "due_pk": "DUE#1" })).await;
    table.eventually("Query", due_in("DUE#1"), &[waiting("a", "DUE#1", "3")]).await;
    table.eventually("Query", due_in("DUE#2"), &[waiting("b", "DUE#2", "3")]).await;
}

async fn what_loses_an_index_key_leaves_the_index(table: Table) {
    table.put(waiting("a", "DUE#1", "3")).await;
    table.eventually("Query", due_in("DUE#1"), &[waiting("a", "DUE#1", "3")]).await;
    table.update("SET #state = :sent REMOVE #due_pk, #due_at", "", json!({ ":sent": "sent" })).await.unwrap();
    table.eventually("Query", due_in("DUE#1"), &[]).await;
    let item = table.get("a", "1").await.unwrap();
    assert_eq!(item, json!({ "pk": "a", "sk": "1", "state": "sent" }));
}

async fn what_is_deleted_leaves_the_index(table: Table) {
    table.put(waiting("a", "DUE#1", "3")).await;
    table.eventually("Query", due_in("DUE#1"), &[waiting("a", "DUE#1", "3")]).await;
    table.ok("DeleteItem", json!({ "Key": crate::fixture::key("a", "1") })).await;
    table.eventually("Query", due_in("DUE#1"), &[]).await;
}

async fn an_item_moves_with_its_index_keys(table: Table) {
    table.put(waiting("a", "DUE#1", "3")).await;
    table.update("SET #due_at = :later", "", json!({ ":later": "4" })).await.unwrap();
    table.eventually("Query", due_in("DUE#1"), &[waiting("a", "DUE#1", "4")]).await;
    table.update("SET #due_at = :later", "", json!({ ":later": "9" })).await.unwrap();
    table.eventually("Query", due_in("DUE#1"), &[]).await;
    table.update("SET #due_pk = :other, #due_at = :at", "", json!({ ":other": "DUE#2", ":at": "1" })).await.unwrap();
    table.eventually("Query", due_in("DUE#2"), &[waiting("a", "DUE#2", "1")]).await;
}

async fn an_index_of_keys_has_keys_only(table: Table) {
    let mut item = waiting("a", "DUE#1", "3");
    item["state"] = json!("due");
    table.put(item).await;
    table.eventually("Query", due_in("DUE#1"), &[waiting("a", "DUE#1", "3")]).await;
}

fn listed(pk: &str, list_sk: &str) -> Value {
    json!({ "pk": pk, "sk": "SESSION", "list_pk": "demo#test#0", "list_sk": list_sk, "amount": { "amount": 1 } })
}

fn list(more: Value) -> Value {
    let mut body = json!({
        "IndexName": "lists",
        "KeyConditionExpression": "list_pk = :list_pk AND list_sk BETWEEN :from AND :to",
        "ExpressionAttributeValues": typed_item(&json!({ ":list_pk": "demo#test#0", ":from": "0", ":to": "~" })),
        "ScanIndexForward": false,
    });
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    body
}

async fn an_index_that_includes_some_has_those_and_no_more(table: Table) {
    let mut item = listed("a", "1#a");
    item["state"] = json!("sent");
    table.put(item).await;
    table.eventually("Query", list(json!({})), &[listed("a", "1#a")]).await;
}

async fn an_index_is_in_the_order_of_its_sort_key_and_repeats_keys(table: Table) {
    for (pk, list_sk) in [("a", "2"), ("b", "3"), ("c", "1"), ("d", "2")] {
        table.put(listed(pk, list_sk)).await;
    }
    // Which of those with the same index key is first is not said.
    until("all are in the index, in order", table.patience(), async || {
        let (items, _) = table.find("Query", list(json!({}))).await;
        let order: Vec<_> = items.iter().map(|item| item["list_sk"].as_str().unwrap()).collect();
        (order == ["3", "2", "2", "1"]).then_some(())
    })
    .await;
}

async fn pages_of_an_index_follow_one_another(table: Table) {
    let all: Vec<Value> = (0..5).map(|n| listed(&format!("session {n}"), if n < 3 { "1" } else { "2" })).collect();
    for item in &all {
        table.put(item.clone()).await;
    }
    until("all are in the index", table.patience(), async || {
        (table.find("Query", list(json!({}))).await.0.len() == 5).then_some(())
    })
    .await;
    let (mut found, mut more) = (Vec::new(), json!({ "Limit": 2 }));
    loop {
        let (items, last) = table.find("Query", list(more.clone())).await;
        found.extend(items);
        let Some(last) = last else { break };
        // It names both keys, the index's and the table's.
        let mut names: Vec<_> = last.as_object().unwrap().keys().cloned().collect();
        names.sort();
        assert_eq!(names, ["list_pk", "list_sk", "pk", "sk"]);
        more["ExclusiveStartKey"] = last;
    }
    found.sort_by_key(|item| item["pk"].as_str().unwrap().to_owned());
    assert_eq!(found, all);
}

async fn an_index_is_never_read_consistently(table: Table) {
    table.invalid("Query", list(json!({ "ConsistentRead": true }))).await;
    table.invalid("Query", list(json!({ "IndexName": "other" }))).await;
}

fn scan(at: &str) -> Value {
    json!({
        "IndexName": "due",
        "FilterExpression": "due_at <= :due_at",
        "ExpressionAttributeValues": typed_item(&json!({ ":due_at": at })),
    })
}

async fn a_scan_of_an_index_finds_what_is_in_it(table: Table) {
    table.put(waiting("a", "DUE#1", "3")).await;
    table.put(waiting("b", "DUE#2", "9")).await;
    table.put(json!({ "pk": "c", "sk": "1" })).await;
    let last = table.eventually("Scan", scan("5"), &[waiting("a", "DUE#1", "3")]).await;
    assert_eq!(last, None);
}

async fn a_scan_of_an_index_has_1_mb_at_most_before_its_filter(table: Table) {
    // Each entry has a table key of nearly 2 KB, and some 100 bytes that the index takes for itself.
    for batch in 0..24 {
        let puts = (0..25).map(|n| {
            let pk = format!("{:0>1900}", batch * 25 + n);
            json!({ "PutRequest": { "Item": typed_item(&waiting(&pk, "DUE#1", "9")) } })
        });
        let mut unprocessed = json!({ table.name.clone(): puts.collect::<Vec<_>>() });
        while unprocessed.as_object().is_some_and(|tables| !tables.is_empty()) {
            let answer = table.ok("BatchWriteItem", json!({ "RequestItems": unprocessed })).await;
            unprocessed = answer["UnprocessedItems"].clone();
        }
    }
    let answer = until("the index has more than a page", table.patience(), async || {
        let answer = table.ok("Scan", scan("5")).await;
        answer.get("LastEvaluatedKey").is_some_and(|key| !key.is_null()).then_some(answer)
    })
    .await;
    assert_eq!(answer["Count"], 0);
    let scanned = answer["ScannedCount"].as_u64().unwrap();
    assert!((450..=560).contains(&scanned), "{scanned}");
}
