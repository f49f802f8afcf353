//! What update expressions do.

use serde_json::json;

use crate::fixture::{Table, update};

contracts! { Table:
    "dynamodb:Expressions.UpdateExpressions" a_list_is_appended_to_where_there_is_one,
    "dynamodb:Expressions.UpdateExpressions" a_number_is_added_to_where_there_is_one,
    "dynamodb:Expressions.UpdateExpressions" what_is_not_there_yet_begins_with_another_value,
    "dynamodb:Expressions.UpdateExpressions" an_element_of_a_list_is_set,
    "dynamodb:Expressions.UpdateExpressions" what_is_inside_of_a_map_is_set_where_there_is_the_map,
    "dynamodb:Expressions.UpdateExpressions" values_are_those_of_before_the_update,
    "dynamodb:Expressions.UpdateExpressions" what_is_removed_need_not_be_there,
    "dynamodb:Expressions.UpdateExpressions" nothing_is_set_and_removed_at_once,
    "dynamodb-api:API_UpdateItem" an_update_answers_with_the_whole_item,
    "dynamodb:Expressions.ExpressionAttributeValues" placeholders_are_all_defined_and_all_used,
    "dynamodb:Expressions.ExpressionAttributeNames" reserved_words_need_a_placeholder,
    "dynamodb:HowItWorks.NamingRulesDataTypes" values_are_kept_as_they_are,
    "dynamodb:HowItWorks.NamingRulesDataTypes" numbers_have_38_digits,
}

async fn a_list_is_appended_to_where_there_is_one(table: Table) {
    let body = |entry: &str| {
        let values = json!({ ":entry": [{ "state": entry }] });
        update("a", "1", "SET #history = list_append(#history, :entry)", "", values)
    };
    table.invalid("UpdateItem", body("none")).await;
    table.put(json!({ "pk": "a", "sk": "1", "history": [{ "state": "made" }] })).await;
    table.ok("UpdateItem", body("paid")).await;
    table.ok("UpdateItem", body("sent")).await;
    let item = table.get("a", "1").await.unwrap();
    assert_eq!(item["history"], json!([{ "state": "made" }, { "state": "paid" }, { "state": "sent" }]));
}

async fn a_number_is_added_to_where_there_is_one(table: Table) {
    let body = || update("a", "1", "SET #attempts = #attempts + :one", "", json!({ ":one": 1 }));
    table.put(json!({ "pk": "a", "sk": "1" })).await;
    table.invalid("UpdateItem", body()).await;
    table.put(json!({ "pk": "a", "sk": "1", "attempts": "1" })).await;
    table.invalid("UpdateItem", body()).await;
    table.put(json!({ "pk": "a", "sk": "1", "attempts": 9 })).await;
    table.ok("UpdateItem", body()).await;
    assert_eq!(table.get("a", "1").await.unwrap()["attempts"], 10);
}

async fn what_is_not_there_yet_begins_with_another_value(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "amount": { "minor": 400 } })).await;
    let reserve = |amount: u32| {
        let table = table.clone();
        async move {
            let expression = "SET #refundable = if_not_exists(#refundable, #amount.#minor) - :amount, \
                              #count = if_not_exists(#count, :none) + :one";
            let condition =
                "#refundable >= :amount OR (attribute_not_exists(#refundable) AND #amount.#minor >= :amount)";
            table.update(expression, condition, json!({ ":amount": amount, ":none": 0, ":one": 1 })).await
        }
    };
    assert_eq!(reserve(150).await.unwrap()["refundable"], 250);
    let left = reserve(250).await.unwrap();
    assert_eq!((&left["refundable"], &left["count"]), (&json!(0), &json!(2)));
    assert_eq!(reserve(1).await.unwrap_err().code, "ConditionalCheckFailedException");
}

async fn an_element_of_a_list_is_set(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "slots": [0, 0, 0] })).await;
    let item = table.update("SET #slots[1] = :until", "#slots[1] <= :now", json!({ ":until": 9, ":now": 5 })).await;
    assert_eq!(item.unwrap()["slots"], json!([0, 9, 0]));
    let refusal = table.update("SET #slots[1] = :until", "#slots[1] <= :now", json!({ ":until": 9, ":now": 5 })).await;
    assert_eq!(refusal.unwrap_err().item().unwrap()["slots"], json!([0, 9, 0]));
}

async fn what_is_inside_of_a_map_is_set_where_there_is_the_map(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "attempt": { "number": 2, "at_consent": { "key": "k" } } })).await;
    let values = json!({ ":id": "p" });
    let updated = table.update("SET #attempt.#at_consent.#id = :id", "attribute_exists(#pk)", values.clone()).await;
    let attempt = json!({ "number": 2, "at_consent": { "key": "k", "id": "p" } });
    assert_eq!(updated.unwrap()["attempt"], attempt);
    // Without the map there is no such path; a condition that does not hold is said first.
    table.invalid("UpdateItem", update("a", "1", "SET #attempt.#gone.#id = :id", "", values.clone())).await;
    let refusal = table.update("SET #attempt.#gone.#id = :id", "attribute_exists(#attempt.#gone)", values).await;
    assert_eq!(refusal.unwrap_err().code, "ConditionalCheckFailedException");
    assert_eq!(table.get("a", "1").await.unwrap()["attempt"], attempt);
}

async fn values_are_those_of_before_the_update(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "secret": "old" })).await;
    let item = table.update("SET #secret = :new, #previous = #secret", "", json!({ ":new": "new" })).await.unwrap();
    assert_eq!((item["secret"].as_str(), item["previous"].as_str()), (Some("new"), Some("old")));
    let item = table.update("SET #kept = #secret REMOVE #secret", "", json!({})).await.unwrap();
    assert_eq!(item, json!({ "pk": "a", "sk": "1", "previous": "old", "kept": "new" }));
}

async fn what_is_removed_need_not_be_there(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "x": 1 })).await;
    let item = table.update("SET #y = :y REMOVE #x, #never, #other", "", json!({ ":y": 2 })).await.unwrap();
    assert_eq!(item, json!({ "pk": "a", "sk": "1", "y": 2 }));
}

async fn nothing_is_set_and_removed_at_once(table: Table) {
    let values = json!({ ":x": 1 });
    table.invalid("UpdateItem", update("a", "1", "SET #x = :x REMOVE #x", "", values.clone())).await;
    table.invalid("UpdateItem", update("a", "1", "SET #x = :x, #x = :x", "", values.clone())).await;
    table.invalid("UpdateItem", update("a", "1", "SET #x = :x, #x.#y = :x", "", values.clone())).await;
    table.invalid("UpdateItem", update("a", "1", "SET #x = :x SET #y = :x", "", values)).await;
}

async fn an_update_answers_with_the_whole_item(table: Table) {
    let item = json!({ "pk": "a", "sk": "1", "text": "x", "history": [{ "at": 1 }], "flag": true });
    table.put(item.clone()).await;
    let mut wanted = item;
    wanted["n"] = json!(1);
    assert_eq!(table.update("SET #n = :n", "", json!({ ":n": 1 })).await.unwrap(), wanted);
    assert_eq!(table.get("a", "1").await, Some(wanted));
}

async fn placeholders_are_all_defined_and_all_used(table: Table) {
    table.invalid("UpdateItem", update("a", "1", "SET #x = :x", "", json!({ ":x": 1, ":unused": 1 }))).await;
    table.invalid("UpdateItem", update("a", "1", "SET #x = :undefined", "", json!({}))).await;
    let mut body = update("a", "1", "SET #x = :x", "", json!({ ":x": 1 }));
    body["ExpressionAttributeNames"]["#unused"] = json!("y");
    table.invalid("UpdateItem", body.clone()).await;
    body["ExpressionAttributeNames"] = json!({ "#other": "y" });
    table.invalid("UpdateItem", body).await;
    table.invalid("UpdateItem", update("a", "1", "", "", json!({}))).await;
}

async fn reserved_words_need_a_placeholder(table: Table) {
    for word in ["state", "ttl", "count", "url"] {
        table.invalid("UpdateItem", update("a", "1", &format!("SET {word} = :x"), "", json!({ ":x": 1 }))).await;
    }
    table.ok("UpdateItem", update("a", "1", "SET due_at = :x", "", json!({ ":x": "x" }))).await;
}

async fn values_are_kept_as_they_are(table: Table) {
    let item = json!({
        "pk": { "S": "a" },
        "sk": { "S": "1" },
        "fingerprint": { "B": "AAEC/w==" },
        "empty": { "S": "" },
        "none": { "L": [] },
        "nothing": { "M": {} },
        "null": { "NULL": true },
        "text": { "S": "é \u{1F56F} \u{0} \n" },
        "set": { "SS": ["x"] },
    });
    table.ok("PutItem", json!({ "Item": item })).await;
    let read = table.ok("GetItem", json!({ "Key": crate::fixture::key("a", "1"), "ConsistentRead": true })).await;
    assert_eq!(read["Item"], item);
}

async fn numbers_have_38_digits(table: Table) {
    let digits = "12345678901234567890123456789012345678";
    let put = |n: &str| json!({ "Item": { "pk": { "S": "a" }, "sk": { "S": "1" }, "n": { "N": n } } });
    for (given, kept) in [(digits, digits), ("007", "7"), ("1.0", "1"), ("1e3", "1000")] {
        table.ok("PutItem", put(given)).await;
        let read = table.ok("GetItem", json!({ "Key": crate::fixture::key("a", "1"), "ConsistentRead": true })).await;
        assert_eq!(read["Item"]["n"]["N"], kept);
    }
    for wrong in [&format!("{digits}9"), "", "x"] {
        table.invalid("PutItem", put(wrong)).await;
    }
}
