//! Conditions of writes, and the old item where one does not hold.

use serde_json::json;

use crate::call::{Refusal, typed_item};
use crate::fixture::{Table, key};

contracts! { Table:
    "dynamodb:Expressions.ConditionExpressions" a_put_of_what_is_new_is_refused_where_there_is_an_item,
    "dynamodb-api:API_PutItem" a_refused_write_returns_the_old_item_only_if_asked,
    "dynamodb-api:API_UpdateItem" a_refused_update_of_no_item_returns_none_and_makes_none,
    "dynamodb-api:API_UpdateItem" an_update_makes_an_item_where_its_condition_allows_none,
    "dynamodb:Expressions.OperatorsAndFunctions" a_condition_on_an_attribute_that_is_not_there_does_not_hold,
    "dynamodb:Expressions.OperatorsAndFunctions" and_binds_before_or_and_brackets_before_both,
    "dynamodb:Expressions.OperatorsAndFunctions" one_of_several_values_is_looked_for,
    "dynamodb:Expressions.OperatorsAndFunctions" numbers_are_compared_as_numbers_and_texts_by_their_bytes,
    "dynamodb:Expressions.OperatorsAndFunctions" values_of_different_types_are_never_equal_or_in_order,
    "dynamodb:Expressions.OperatorsAndFunctions" maps_are_equal_if_all_they_hold_is,
    "dynamodb:Expressions.Attributes" conditions_reach_into_maps_and_lists,
    "dynamodb-api:API_DeleteItem" a_delete_may_be_conditional_and_else_needs_no_item,
    "dynamodb:WorkingWithItems" of_many_who_put_the_same_item_at_once_one_does,
    "dynamodb:Expressions.ConditionExpressions" of_many_who_claim_the_same_item_at_once_one_does,
}

fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>) -> Refusal {
    let refusal = result.unwrap_err();
    assert_eq!(refusal.code, "ConditionalCheckFailedException", "{refusal}");
    refusal
}

async fn a_put_of_what_is_new_is_refused_where_there_is_an_item(table: Table) {
    let first = json!({ "pk": "a", "sk": "1", "text": "first" });
    table.put_new(first.clone()).await.unwrap();
    let refusal = refused(table.put_new(json!({ "pk": "a", "sk": "1", "text": "second" })).await);
    assert_eq!(refusal.item(), Some(first.clone()));
    assert_eq!(table.get("a", "1").await, Some(first));
    table.put_new(json!({ "pk": "a", "sk": "2" })).await.unwrap();
}

async fn a_refused_write_returns_the_old_item_only_if_asked(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "n": 1 })).await;
    for (asked, returned) in [("ALL_OLD", true), ("NONE", false)] {
        let put = json!({
            "Item": key("a", "1"),
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": asked,
        });
        assert_eq!(refused(table.call("PutItem", put).await).item().is_some(), returned, "{asked}");
        let delete = json!({
            "Key": key("a", "1"),
            "ConditionExpression": "n = :n",
            "ExpressionAttributeValues": typed_item(&json!({ ":n": 2 })),
            "ReturnValuesOnConditionCheckFailure": asked,
        });
        assert_eq!(refused(table.call("DeleteItem", delete).await).item().is_some(), returned, "{asked}");
    }
}

async fn a_refused_update_of_no_item_returns_none_and_makes_none(table: Table) {
    let refusal = refused(table.update("SET #n = :n", "attribute_exists(#pk)", json!({ ":n": 1 })).await);
    assert_eq!(refusal.item(), None);
    assert_eq!(table.get("a", "1").await, None);
}

async fn an_update_makes_an_item_where_its_condition_allows_none(table: Table) {
    let advance = |head: u32| {
        let table = table.clone();
        async move {
            let expression = "SET #head = :head, #delivered = if_not_exists(#delivered, :before)";
            let values = json!({ ":head": head, ":before": head - 1 });
            table.update(expression, "attribute_not_exists(#head) OR #head < :head", values).await
        }
    };
    assert_eq!(advance(3).await.unwrap(), json!({ "pk": "a", "sk": "1", "head": 3, "delivered": 2 }));
    assert_eq!(advance(5).await.unwrap(), json!({ "pk": "a", "sk": "1", "head": 5, "delivered": 2 }));
    refused(advance(5).await);
}

async fn a_condition_on_an_attribute_that_is_not_there_does_not_hold(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1" })).await;
    for condition in ["#x = :n", "#x < :n", "#x >= :n", "#x IN (:n)", "#x BETWEEN :n AND :n", "#x.#y = :n"] {
        refused(table.update("SET #z = :n", condition, json!({ ":n": 0 })).await);
    }
    // What is not there is not equal to anything.
    table.update("SET #z = :n", "#x <> :n", json!({ ":n": 0 })).await.unwrap();
}

async fn and_binds_before_or_and_brackets_before_both(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "yes": 1, "no": 0 })).await;
    let update = |condition: &'static str| {
        let table = table.clone();
        async move { table.update("SET #z = :one", condition, json!({ ":one": 1 })).await }
    };
    update("#yes = :one OR #no = :one AND #no = :one").await.unwrap();
    refused(update("(#yes = :one OR #no = :one) AND #no = :one").await);
    update("NOT #no = :one AND #yes = :one").await.unwrap();
    update("(attribute_not_exists(#gone)) AND (#no = :one OR (attribute_not_exists(#gone) AND #yes >= :one))")
        .await
        .unwrap();
}

async fn one_of_several_values_is_looked_for(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "state": "due" })).await;
    let values = json!({ ":a": "sent", ":b": "due", ":c": "failed" });
    table.update("SET #z = :a", "#state IN (:a, :b, :c)", values).await.unwrap();
    refused(table.update("SET #z = :a", "#state IN (:a, :c)", json!({ ":a": "sent", ":c": "failed" })).await);
}

async fn numbers_are_compared_as_numbers_and_texts_by_their_bytes(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "n": 9, "text": "9" })).await;
    table.update("SET #z = :ten", "#n < :ten", json!({ ":ten": 10 })).await.unwrap();
    refused(table.update("SET #z = :ten", "#text < :ten", json!({ ":ten": "10" })).await);
    // A tilde is after every letter and digit, as keys of what is paused need it.
    table.update("SET #z = :tilde", "#text < :tilde", json!({ ":tilde": "~" })).await.unwrap();
    table.update("SET #z = :n", "#n BETWEEN :n AND :ten", json!({ ":n": 9, ":ten": 10 })).await.unwrap();
}

async fn values_of_different_types_are_never_equal_or_in_order(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "n": 9 })).await;
    for condition in ["#n = :text", "#n < :text", "#n > :text"] {
        refused(table.update("SET #z = :text", condition, json!({ ":text": "9" })).await);
    }
}

async fn maps_are_equal_if_all_they_hold_is(table: Table) {
    let spread = json!({ "shards": 3, "raised_at": [1, 2], "name": "x" });
    table.put(json!({ "pk": "a", "sk": "1", "spread": spread })).await;
    let condition = "#spread = :before OR attribute_not_exists(#spread)";
    let values = json!({ ":before": { "name": "x", "shards": 3, "raised_at": [1, 2] } });
    table.update("SET #z = :before", condition, values).await.unwrap();
    let values = json!({ ":before": { "name": "x", "shards": 3, "raised_at": [2, 1] } });
    refused(table.update("SET #z = :before", condition, values).await);
}

async fn conditions_reach_into_maps_and_lists(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "attempt": { "number": 2 }, "slots": [0, 50, 0] })).await;
    table.update("SET #z = :n", "#attempt.#number = :n", json!({ ":n": 2 })).await.unwrap();
    refused(table.update("SET #z = :n", "#attempt.#number = :n", json!({ ":n": 1 })).await);
    // What is inside of what is not there is not there either.
    for absent in ["#attempt.#ended", "#attempt.#at_consent.#id", "#gone.#at_consent"] {
        let there = format!("attribute_exists({absent})");
        refused(table.update("SET #z = :n", &there, json!({ ":n": 1 })).await);
        let not_there = format!("attribute_not_exists({absent}) OR #attempt.#number = :n");
        table.update("SET #z = :n", &not_there, json!({ ":n": 1 })).await.unwrap();
    }
    table.update("SET #z = :n", "attribute_exists(#attempt.#number)", json!({ ":n": 1 })).await.unwrap();
    table.update("SET #z = :now", "#slots[0] <= :now", json!({ ":now": 7 })).await.unwrap();
    refused(table.update("SET #z = :now", "#slots[1] <= :now", json!({ ":now": 7 })).await);
    refused(table.update("SET #z = :now", "#slots[9] <= :now", json!({ ":now": 7 })).await);
    // As many as a history may have are compared at once; where there is none, nothing is later.
    let none_later: Vec<_> = (0..32).map(|index| format!("NOT #history[{index}].#at > :at")).collect();
    let none_later = none_later.join(" AND ");
    table.put(json!({ "pk": "a", "sk": "1", "slots": [0, 50, 0], "attempt": { "number": 2 }, "history": [{ "at": 3 }, { "at": 5 }] })).await;
    table.update("SET #z = :at", &none_later, json!({ ":at": 5 })).await.unwrap();
    refused(table.update("SET #z = :at", &none_later, json!({ ":at": 4 })).await);
    table.update("SET #z = :n", "size(#slots) = :n AND size(#attempt) < :n", json!({ ":n": 3 })).await.unwrap();
}

async fn a_delete_may_be_conditional_and_else_needs_no_item(table: Table) {
    let delete = json!({ "Key": key("a", "1"), "ConditionExpression": "attribute_exists(pk)" });
    refused(table.call("DeleteItem", delete.clone()).await);
    table.put(json!({ "pk": "a", "sk": "1" })).await;
    table.ok("DeleteItem", delete).await;
    assert_eq!(table.get("a", "1").await, None);
    table.ok("DeleteItem", json!({ "Key": key("a", "1") })).await;
}

async fn of_many_who_put_the_same_item_at_once_one_does(table: Table) {
    let mut writes = Vec::new();
    for n in 0..20 {
        let table = table.clone();
        writes.push(tokio::spawn(async move { table.put_new(json!({ "pk": "a", "sk": "1", "n": n })).await }));
    }
    let mut done = 0;
    for write in writes {
        match write.await.unwrap() {
            Ok(()) => done += 1,
            Err(refusal) => assert!(refused::<()>(Err(refusal)).item().is_some()),
        }
    }
    assert_eq!(done, 1);
}

async fn of_many_who_claim_the_same_item_at_once_one_does(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "lease_until": 5 })).await;
    let mut writes = Vec::new();
    for n in 0..20 {
        let table = table.clone();
        let claim = json!({ ":id": format!("lease {n}"), ":now": 7, ":until": 9 });
        let condition = "attribute_not_exists(#lease_until) OR #lease_until <= :now";
        writes.push(tokio::spawn(async move {
            table.update("SET #lease_id = :id, #lease_until = :until", condition, claim).await
        }));
    }
    let mut done = Vec::new();
    for write in writes {
        match write.await.unwrap() {
            Ok(item) => done.push(item),
            Err(refusal) => assert_eq!(refused::<()>(Err(refusal)).item().unwrap()["lease_until"], 9),
        }
    }
    assert_eq!(done.len(), 1);
    assert_eq!(table.get("a", "1").await.as_ref(), done.first());
}
