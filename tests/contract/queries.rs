//! Queries of the table: order, ranges, pages.

use serde_json::{Value, json};

use crate::call::typed_item;
use crate::fixture::{Table, key};

contracts! { Table:
    "dynamodb:Query.KeyConditionExpressions" a_partition_is_in_the_order_of_its_sort_keys_bytes,
    "dynamodb:Query.KeyConditionExpressions" a_range_includes_both_of_its_ends,
    "dynamodb:Query.KeyConditionExpressions" a_prefix_is_looked_for,
    "dynamodb:Query.KeyConditionExpressions" a_query_names_one_partition_and_a_range_that_can_be,
    "dynamodb:Query.Pagination" pages_follow_one_another,
    "dynamodb:Query.Pagination" a_page_that_is_full_may_be_the_last,
    "dynamodb:Query.Pagination" a_page_has_1_mb_at_most,
    "dynamodb:Query.FilterExpression" a_filter_leaves_out_what_was_read,
    "dynamodb-api:API_Query" a_start_key_is_a_whole_key_of_the_partition,
}

/// A consistent query of partition `a` with this condition of the sort key.
fn of_a(condition: &str, values: Value) -> Value {
    let mut values = values;
    values[":pk"] = json!("a");
    json!({
        "KeyConditionExpression": format!("pk = :pk{condition}"),
        "ExpressionAttributeValues": typed_item(&values),
        "ConsistentRead": true,
    })
}

fn sort_keys(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["sk"].as_str().unwrap()).collect()
}

async fn filled(table: &Table, sort_keys: &[&str]) {
    for sk in sort_keys {
        table.put(json!({ "pk": "a", "sk": sk })).await;
    }
    table.put(json!({ "pk": "b", "sk": "other" })).await;
}

async fn a_partition_is_in_the_order_of_its_sort_keys_bytes(table: Table) {
    filled(&table, &["b", "A", "~x", "10", "9", "é", "a#1", "a"]).await;
    let wanted = ["10", "9", "A", "a", "a#1", "b", "~x", "é"];
    assert_eq!(sort_keys(&table.find("Query", of_a("", json!({}))).await.0), wanted);
    let mut backwards = of_a("", json!({}));
    backwards["ScanIndexForward"] = json!(false);
    let (items, _) = table.find("Query", backwards).await;
    assert_eq!(sort_keys(&items), wanted.into_iter().rev().collect::<Vec<_>>());
}

async fn a_range_includes_both_of_its_ends(table: Table) {
    filled(&table, &["EVENT#000001", "EVENT#000002", "EVENT#000003", "CURSOR#x", "SESSION"]).await;
    let between = |from: &str, to: &str| of_a(" AND sk BETWEEN :from AND :to", json!({ ":from": from, ":to": to }));
    let (items, _) = table.find("Query", between("EVENT#000002", "EVENT#~")).await;
    assert_eq!(sort_keys(&items), ["EVENT#000002", "EVENT#000003"]);
    let (items, _) = table.find("Query", between("EVENT#000001", "EVENT#000002")).await;
    assert_eq!(sort_keys(&items), ["EVENT#000001", "EVENT#000002"]);
    for (condition, wanted) in [
        ("<", vec!["CURSOR#x"]),
        ("<=", vec!["CURSOR#x", "EVENT#000001"]),
        (">", vec!["EVENT#000002", "EVENT#000003", "SESSION"]),
    ] {
        let (items, _) =
            table.find("Query", of_a(&format!(" AND sk {condition} :sk"), json!({ ":sk": "EVENT#000001" }))).await;
        assert_eq!(sort_keys(&items), wanted, "{condition}");
    }
}

async fn a_prefix_is_looked_for(table: Table) {
    filled(&table, &["REFUND#1", "REFUND#2", "REFUND", "SESSION"]).await;
    let (items, _) = table.find("Query", of_a(" AND begins_with(sk, :sk)", json!({ ":sk": "REFUND#" }))).await;
    assert_eq!(sort_keys(&items), ["REFUND#1", "REFUND#2"]);
    // What would be a pattern elsewhere is text.
    let (items, _) = table.find("Query", of_a(" AND begins_with(sk, :sk)", json!({ ":sk": "%" }))).await;
    assert_eq!(sort_keys(&items), Vec::<&str>::new());
}

async fn a_query_names_one_partition_and_a_range_that_can_be(table: Table) {
    table.invalid("Query", of_a(" AND sk BETWEEN :from AND :to", json!({ ":from": "b", ":to": "a" }))).await;
    table.invalid("Query", of_a(" AND x = :x", json!({ ":x": "x" }))).await;
    table.invalid("Query", of_a(" OR sk = :x", json!({ ":x": "x" }))).await;
    table.invalid("Query", of_a("", json!({ ":unused": "x" }))).await;
    let mut limited = of_a("", json!({}));
    limited["Limit"] = json!(0);
    table.invalid("Query", limited).await;
    let sk_only = json!({
        "KeyConditionExpression": "sk = :sk",
        "ExpressionAttributeValues": typed_item(&json!({ ":sk": "x" })),
    });
    table.invalid("Query", sk_only).await;
}

async fn pages_follow_one_another(table: Table) {
    filled(&table, &["1", "2", "3", "4", "5"]).await;
    for forward in [true, false] {
        let mut body = of_a("", json!({}));
        body["Limit"] = json!(2);
        body["ScanIndexForward"] = json!(forward);
        let mut pages = Vec::new();
        loop {
            let (items, last) = table.find("Query", body.clone()).await;
            pages.push(items.iter().map(|item| item["sk"].as_str().unwrap().to_owned()).collect::<Vec<_>>());
            let Some(last) = last else { break };
            assert_eq!(last, key("a", pages.last().unwrap().last().unwrap()));
            body["ExclusiveStartKey"] = last;
        }
        let wanted = if forward {
            [vec!["1", "2"], vec!["3", "4"], vec!["5"]]
        } else {
            [vec!["5", "4"], vec!["3", "2"], vec!["1"]]
        };
        assert_eq!(pages, wanted);
    }
}

async fn a_page_that_is_full_may_be_the_last(table: Table) {
    filled(&table, &["1", "2"]).await;
    let mut body = of_a("", json!({}));
    body["Limit"] = json!(2);
    let (items, last) = table.find("Query", body.clone()).await;
    assert_eq!((items.len(), &last), (2, &Some(key("a", "2"))));
    body["ExclusiveStartKey"] = last.unwrap();
    assert_eq!(table.find("Query", body).await, (Vec::new(), None));
}

async fn a_page_has_1_mb_at_most(table: Table) {
    for sk in 0..5 {
        table.put(json!({ "pk": "a", "sk": sk.to_string(), "x": "x".repeat(300_000) })).await;
    }
    let (items, last) = table.find("Query", of_a("", json!({}))).await;
    assert!((3..=4).contains(&items.len()), "{}", items.len());
    let mut rest = of_a("", json!({}));
    rest["ExclusiveStartKey"] = last.unwrap();
    let (others, last) = table.find("Query", rest).await;
    assert_eq!((items.len() + others.len(), last), (5, None));
}

async fn a_filter_leaves_out_what_was_read(table: Table) {
    for n in 1..=5 {
        table.put(json!({ "pk": "a", "sk": n.to_string(), "n": n })).await;
    }
    let mut body = of_a("", json!({ ":n": 4 }));
    body["FilterExpression"] = json!("n >= :n");
    body["Limit"] = json!(3);
    let answer = table.ok("Query", body.clone()).await;
    assert_eq!((&answer["Count"], &answer["ScannedCount"]), (&json!(0), &json!(3)));
    body["ExclusiveStartKey"] = answer["LastEvaluatedKey"].clone();
    assert_eq!(sort_keys(&table.find("Query", body).await.0), ["4", "5"]);
}

async fn a_start_key_is_a_whole_key_of_the_partition(table: Table) {
    filled(&table, &["1", "3"]).await;
    // The item itself need not be there.
    let mut body = of_a("", json!({}));
    body["ExclusiveStartKey"] = key("a", "2");
    assert_eq!(sort_keys(&table.find("Query", body.clone()).await.0), ["3"]);
    body["ExclusiveStartKey"] = json!({ "pk": { "S": "a" } });
    table.invalid("Query", body.clone()).await;
    body["ExclusiveStartKey"] = key("b", "2");
    table.invalid("Query", body).await;
}
