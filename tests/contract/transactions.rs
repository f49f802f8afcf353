//! Transactions: all or nothing.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::call::{Refusal, plain_item, typed_item};
use crate::fixture::{Table, key, update};

contracts! { Table:
    "dynamodb:transaction-apis" a_transaction_does_all_of_its_writes,
    "dynamodb-api:API_TransactWriteItems" a_refused_transaction_does_nothing_and_says_why_in_order,
    "dynamodb-api:API_CancellationReason" old_items_are_returned_where_they_are_asked_for,
    "dynamodb-api:API_TransactWriteItems" no_item_is_written_twice_by_one_transaction,
    "dynamodb:transaction-apis" a_transaction_has_100_writes_at_most,
    "dynamodb:transaction-apis" a_transaction_has_4_mb_at_most,
    "dynamodb:transaction-apis" a_repeated_token_does_nothing_more,
    "dynamodb:transaction-apis" a_token_is_of_one_transaction,
    "dynamodb-api:API_TransactWriteItems" an_invalid_write_cancels_all,
    "dynamodb:transaction-apis" transactions_at_the_same_item_lose_no_write,
    "dynamodb:transaction-apis" writes_beside_transactions_lose_nothing,
    "dynamodb-api:API_TransactGetItems" items_are_read_together_in_order,
    "dynamodb:transaction-apis" what_is_read_together_is_of_one_time,
}

fn put_new(item: Value) -> Value {
    json!({ "Put": {
        "Item": typed_item(&item),
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    } })
}

fn part(kind: &str, body: Value) -> Value {
    json!({ kind: body })
}

/// Gives every part its table.
fn of(table: &Table, parts: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let with_table = |mut part: Value| {
        part.as_object_mut().unwrap().values_mut().for_each(|body| body["TableName"] = json!(table.name));
        part
    };
    parts.into_iter().map(with_table).collect()
}

/// The codes of a cancelled transaction's parts.
fn codes(refusal: &Refusal) -> Vec<String> {
    assert_eq!(refusal.code, "TransactionCanceledException", "{refusal}");
    let reasons = refusal.body["CancellationReasons"].as_array().unwrap_or_else(|| panic!("{refusal}"));
    reasons.iter().map(|reason| reason["Code"].as_str().unwrap().to_owned()).collect()
}

fn old_item(refusal: &Refusal, position: usize) -> Option<Value> {
    refusal.body["CancellationReasons"][position].get("Item").filter(|item| !item.is_null()).map(plain_item)
}

async fn a_transaction_does_all_of_its_writes(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "n": 5 })).await;
    table.put(json!({ "pk": "a", "sk": "2" })).await;
    table.put(json!({ "pk": "a", "sk": "3" })).await;
    let parts = of(
        &table,
        [
            put_new(json!({ "pk": "b", "sk": "1" })),
            part("Update", update("a", "1", "SET #n = #n - :two", "#n >= :two", json!({ ":two": 2 }))),
            part("Delete", json!({ "Key": key("a", "2"), "ConditionExpression": "attribute_exists(pk)" })),
            part("ConditionCheck", json!({ "Key": key("a", "3"), "ConditionExpression": "attribute_exists(pk)" })),
            // What is not there.
            part("Delete", json!({ "Key": key("a", "4") })),
        ],
    );
    table.transact(parts).await.unwrap();
    assert_eq!(table.get("a", "1").await.unwrap()["n"], 3);
    assert_eq!(table.get("a", "2").await, None);
    assert!(table.get("b", "1").await.is_some() && table.get("a", "3").await.is_some());
}

async fn a_refused_transaction_does_nothing_and_says_why_in_order(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "n": 1 })).await;
    let parts = of(
        &table,
        [
            put_new(json!({ "pk": "b", "sk": "1" })),
            part("Update", update("a", "1", "SET #n = #n - :two", "#n >= :two", json!({ ":two": 2 }))),
            put_new(json!({ "pk": "b", "sk": "2" })),
            part("Delete", json!({ "Key": key("a", "2"), "ConditionExpression": "attribute_exists(pk)" })),
        ],
    );
    let refusal = table.transact(parts).await.unwrap_err();
    assert_eq!(codes(&refusal), ["None", "ConditionalCheckFailed", "None", "ConditionalCheckFailed"]);
    assert_eq!(table.get("a", "1").await.unwrap()["n"], 1);
    assert_eq!((table.get("b", "1").await, table.get("b", "2").await), (None, None));
}

async fn old_items_are_returned_where_they_are_asked_for(table: Table) {
    let old = json!({ "pk": "a", "sk": "1", "n": 1, "history": [{ "state": "made" }] });
    table.put(old.clone()).await;
    table.put(json!({ "pk": "a", "sk": "2" })).await;
    let mut unasked = put_new(json!({ "pk": "a", "sk": "2" }));
    unasked["Put"].as_object_mut().unwrap().remove("ReturnValuesOnConditionCheckFailure");
    let parts = of(
        &table,
        [
            put_new(json!({ "pk": "a", "sk": "1" })),
            unasked,
            part("Update", update("a", "9", "SET #n = :n", "attribute_exists(#pk)", json!({ ":n": 1 }))),
        ],
    );
    let refusal = table.transact(parts).await.unwrap_err();
    assert_eq!(codes(&refusal), ["ConditionalCheckFailed"; 3]);
    assert_eq!([old_item(&refusal, 0), old_item(&refusal, 1), old_item(&refusal, 2)], [Some(old), None, None]);
}

async fn no_item_is_written_twice_by_one_transaction(table: Table) {
    let parts = of(
        &table,
        [
            put_new(json!({ "pk": "a", "sk": "1" })),
            part("Update", update("a", "1", "SET #n = :n", "", json!({ ":n": 1 }))),
        ],
    );
    let refusal = table.transact(parts).await.unwrap_err();
    assert_eq!(refusal.code, "ValidationException", "{refusal}");
    assert_eq!(table.get("a", "1").await, None);
}

async fn a_transaction_has_100_writes_at_most(table: Table) {
    let parts = |pk: &'static str| (0..).map(move |n: u32| put_new(json!({ "pk": pk, "sk": n.to_string() })));
    table.transact(of(&table, parts("a").take(100))).await.unwrap();
    let refusal = table.transact(of(&table, parts("b").take(101))).await.unwrap_err();
    assert_eq!(refusal.code, "ValidationException", "{refusal}");
    assert_eq!(table.get("b", "0").await, None);
}

async fn a_transaction_has_4_mb_at_most(table: Table) {
    let parts = (0..11).map(|n| put_new(json!({ "pk": "a", "sk": n.to_string(), "x": "x".repeat(400_000) })));
    let refusal = table.transact(of(&table, parts)).await.unwrap_err();
    assert_eq!(refusal.code, "ValidationException", "{refusal}");
    assert_eq!(table.get("a", "0").await, None);
}

/// A transaction that adds to a number, with a token.
fn adding(table: &Table, number: u32, token: Uuid) -> Value {
    let parts = of(table, [part("Update", update("a", "1", "SET #n = #n + :n", "", json!({ ":n": number })))]);
    json!({ "TransactItems": parts, "ClientRequestToken": token })
}

async fn a_repeated_token_does_nothing_more(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "n": 0 })).await;
    let token = Uuid::new_v4();
    table.ok("TransactWriteItems", adding(&table, 1, token)).await;
    table.ok("TransactWriteItems", adding(&table, 1, token)).await;
    assert_eq!(table.get("a", "1").await.unwrap()["n"], 1);
}

async fn a_token_is_of_one_transaction(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "n": 0 })).await;
    let token = Uuid::new_v4();
    table.ok("TransactWriteItems", adding(&table, 1, token)).await;
    let refusal = table.refused("TransactWriteItems", adding(&table, 2, token)).await;
    assert_eq!(refusal.code, "IdempotentParameterMismatchException", "{refusal}");
    assert_eq!(table.get("a", "1").await.unwrap()["n"], 1);
}

async fn an_invalid_write_cancels_all(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1" })).await;
    let parts = of(
        &table,
        [
            put_new(json!({ "pk": "b", "sk": "1" })),
            // There is no such list.
            part("Update", update("a", "1", "SET #h = list_append(#h, :h)", "", json!({ ":h": [1] }))),
        ],
    );
    let refusal = table.transact(parts).await.unwrap_err();
    assert_eq!(codes(&refusal), ["None", "ValidationError"]);
    assert_eq!(table.get("b", "1").await, None);
}

/// Runs writes at once; how many were done. The others met a conflict.
async fn done(writes: Vec<impl Future<Output = Result<(), Refusal>> + Send + 'static>) -> usize {
    let writes: Vec<_> = writes.into_iter().map(tokio::spawn).collect();
    let mut done = 0;
    for write in writes {
        match write.await.unwrap() {
            Ok(()) => done += 1,
            Err(refusal) if refusal.code == "TransactionConflictException" => {}
            Err(refusal) => assert!(codes(&refusal).contains(&"TransactionConflict".to_owned()), "{refusal}"),
        }
    }
    done
}

async fn transactions_at_the_same_item_lose_no_write(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "n": 0 })).await;
    let add = |n: usize| {
        let table = table.clone();
        async move {
            let parts = of(
                &table,
                [
                    put_new(json!({ "pk": "b", "sk": n.to_string() })),
                    part("Update", update("a", "1", "SET #n = #n + :one", "", json!({ ":one": 1 }))),
                ],
            );
            table.transact(parts).await
        }
    };
    let done = done((0..20).map(add).collect()).await;
    assert!(done > 0);
    assert_eq!(table.get("a", "1").await.unwrap()["n"], done);
    let query = json!({
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": typed_item(&json!({ ":pk": "b" })),
        "ConsistentRead": true,
    });
    assert_eq!(table.find("Query", query).await.0.len(), done);
}

async fn writes_beside_transactions_lose_nothing(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "n": 0 })).await;
    let add = |n: usize| {
        let table = table.clone();
        async move {
            let add = update("a", "1", "SET #n = #n + :one", "", json!({ ":one": 1 }));
            if n.is_multiple_of(2) {
                table.call("UpdateItem", add).await.map(|_| ())
            } else {
                table.transact(of(&table, [part("Update", add)])).await
            }
        }
    };
    let done = done((0..20).map(add).collect()).await;
    assert_eq!(table.get("a", "1").await.unwrap()["n"], done);
}

fn gets<const N: usize>(table: &Table, keys: [Value; N]) -> Value {
    json!({ "TransactItems": of(table, keys.map(|key| json!({ "Get": { "Key": key } }))) })
}

async fn items_are_read_together_in_order(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1" })).await;
    table.put(json!({ "pk": "b", "sk": "1", "n": 1 })).await;
    let body = gets(&table, [key("b", "1"), key("c", "1"), key("a", "1")]);
    let read = table.ok("TransactGetItems", body).await;
    let items = read["Responses"].as_array().unwrap().iter();
    let items: Vec<_> = items.map(|response| response.get("Item").map(plain_item)).collect();
    assert_eq!(items, [Some(json!({ "pk": "b", "sk": "1", "n": 1 })), None, Some(json!({ "pk": "a", "sk": "1" })),]);
}

async fn what_is_read_together_is_of_one_time(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "n": 0 })).await;
    table.put(json!({ "pk": "b", "sk": "1", "n": 0 })).await;
    let writer = tokio::spawn({
        let table = table.clone();
        async move {
            for _ in 0..20 {
                let add = |pk| part("Update", update(pk, "1", "SET #n = #n + :one", "", json!({ ":one": 1 })));
                if let Err(refusal) = table.transact(of(&table, [add("a"), add("b")])).await {
                    assert!(codes(&refusal).contains(&"TransactionConflict".to_owned()), "{refusal}");
                }
            }
        }
    });
    while !writer.is_finished() {
        match table.call("TransactGetItems", gets(&table, [key("a", "1"), key("b", "1")])).await {
            Ok(read) => assert_eq!(read["Responses"][0]["Item"]["n"], read["Responses"][1]["Item"]["n"]),
            Err(refusal) => assert!(codes(&refusal).contains(&"TransactionConflict".to_owned()), "{refusal}"),
        }
    }
    writer.await.unwrap();
}
