//! Request units as DynamoDB's documentation counts them: a write has one for each KB of the item, a consistent read one
//! for each 4 KB, an eventually consistent one half of that, a transaction twice as many.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html>
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations>

use crate::support::{dynamodb, machine, s};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use local::Machine;

/// What everything since the last call consumed: of the table, of the index `due` (keys only), of `list` (everything).
fn consumed(machine: &Machine) -> [f64; 3] {
    let counts = machine.meter().take();
    [None, Some("due"), Some("list")].map(|index| {
        let of_index = counts.units.iter().filter(|(usage, _)| usage.index.as_deref() == index);
        of_index.map(|(_, units)| units).sum()
    })
}

/// Puts an item of exactly this many bytes: names and values, as DynamoDB counts them.
fn put(client: &Client, pk: &str, bytes: usize) -> PutItemFluentBuilder {
    let keys = "pk".len() + pk.len() + "sk".len() + "S".len();
    let filler = "x".repeat(bytes - keys - "filler".len());
    let put = client.put_item().table_name("local-Table").item("pk", s(pk)).item("sk", s("S"));
    put.item("filler", s(&filler))
}

fn update(client: &Client, pk: &str, expression: &str) -> UpdateItemFluentBuilder {
    let update = client.update_item().table_name("local-Table").key("pk", s(pk)).key("sk", s("S"));
    update.update_expression(expression)
}

#[tokio::test]
async fn a_write_is_charged_by_the_larger_of_what_was_and_what_is() {
    let (machine, _folder) = machine().await;
    let client = dynamodb(&machine);
    put(&client, "A#1", 1024).send().await.unwrap();
    assert_eq!(consumed(&machine), [1.0, 0.0, 0.0]);
    put(&client, "A#1", 1025).send().await.unwrap();
    assert_eq!(consumed(&machine), [2.0, 0.0, 0.0]);
    put(&client, "A#1", 100).send().await.unwrap();
    assert_eq!(consumed(&machine), [2.0, 0.0, 0.0], "as large as it was");
    put(&client, "A#1", 2500).send().await.unwrap();
    consumed(&machine);
    update(&client, "A#1", "SET a = :a").expression_attribute_values(":a", s("1")).send().await.unwrap();
    assert_eq!(consumed(&machine), [3.0, 0.0, 0.0], "the whole item, not what changed");
    client.delete_item().table_name("local-Table").key("pk", s("A#1")).key("sk", s("S")).send().await.unwrap();
    assert_eq!(consumed(&machine), [3.0, 0.0, 0.0]);
    client.delete_item().table_name("local-Table").key("pk", s("A#1")).key("sk", s("S")).send().await.unwrap();
    assert_eq!(consumed(&machine), [1.0, 0.0, 0.0], "nothing there");
    machine.stop().await;
}

#[tokio::test]
async fn a_read_is_charged_by_4_kb_and_half_if_eventually_consistent() {
    let (machine, _folder) = machine().await;
    let client = dynamodb(&machine);
    put(&client, "A#1", 4096).send().await.unwrap();
    put(&client, "A#2", 4097).send().await.unwrap();
    for sk in ["1", "2", "3"] {
        let put = client.put_item().table_name("local-Table").item("pk", s("B#1")).item("sk", s(sk));
        put.item("filler", s(&"x".repeat(2000))).item("list_pk", s("l")).send().await.unwrap();
    }
    consumed(&machine);
    for (pk, consistent, units) in
        [("A#1", true, 1.0), ("A#1", false, 0.5), ("A#2", true, 2.0), ("A#2", false, 1.0), ("A#3", true, 1.0)]
    {
        let get = client.get_item().table_name("local-Table").key("pk", s(pk)).key("sk", s("S"));
        get.consistent_read(consistent).send().await.unwrap();
        assert_eq!(consumed(&machine), [units, 0.0, 0.0], "{pk} {consistent}");
    }
    // Together, then rounded: three items of some 2 KB are 6 KB.
    let query = |condition: &str| client.query().table_name("local-Table").key_condition_expression(condition);
    let of = query("pk = :pk").expression_attribute_values(":pk", s("B#1"));
    of.clone().consistent_read(true).send().await.unwrap();
    assert_eq!(consumed(&machine), [2.0, 0.0, 0.0]);
    of.send().await.unwrap();
    assert_eq!(consumed(&machine), [1.0, 0.0, 0.0]);
    query("list_pk = :pk").index_name("list").expression_attribute_values(":pk", s("l")).send().await.unwrap();
    assert_eq!(consumed(&machine), [0.0, 0.0, 1.0]);
    query("due_pk = :pk").index_name("due").expression_attribute_values(":pk", s("none")).send().await.unwrap();
    assert_eq!(consumed(&machine), [0.0, 0.5, 0.0], "nothing found");
    machine.stop().await;
}

#[tokio::test]
async fn an_index_is_charged_for_what_changes_in_it() {
    let (machine, _folder) = machine().await;
    let client = dynamodb(&machine);
    put(&client, "A#1", 2000)
        .item("due_pk", s("0"))
        .item("due_at", s("1"))
        .item("list_pk", s("l"))
        .send()
        .await
        .unwrap();
    assert_eq!(consumed(&machine), [2.0, 1.0, 2.0], "added");
    let set = |expression: &str| update(&client, "A#1", expression).expression_attribute_values(":a", s("a"));
    set("SET a = :a").send().await.unwrap();
    assert_eq!(consumed(&machine), [2.0, 0.0, 2.0], "of the keys nothing changes");
    set("SET a = :a").send().await.unwrap();
    assert_eq!(consumed(&machine), [2.0, 0.0, 0.0], "nothing changes");
    set("SET due_at = :a").send().await.unwrap();
    assert_eq!(consumed(&machine), [2.0, 2.0, 2.0], "another position: removed and added");
    update(&client, "A#1", "REMOVE due_pk, due_at").send().await.unwrap();
    assert_eq!(consumed(&machine), [2.0, 1.0, 2.0], "removed");
    update(&client, "A#1", "REMOVE list_pk").send().await.unwrap();
    assert_eq!(consumed(&machine), [2.0, 0.0, 2.0], "removed");
    machine.stop().await;
}

#[tokio::test]
async fn a_transaction_is_charged_twice_its_indexes_once() {
    let (machine, _folder) = machine().await;
    let client = dynamodb(&machine);
    put(&client, "A#1", 1500).send().await.unwrap();
    consumed(&machine);
    let change = |condition: &str| {
        let update = Update::builder().table_name("local-Table").key("pk", s("A#1")).key("sk", s("S"));
        let update = update.update_expression("SET a = :a").condition_expression(condition);
        TransactWriteItem::builder().update(update.expression_attribute_values(":a", s("a")).build().unwrap()).build()
    };
    let put = Put::builder().table_name("local-Table").item("pk", s("A#2")).item("sk", s("S"));
    let put = put.item("due_pk", s("0")).item("due_at", s("1")).build().unwrap();
    let put = TransactWriteItem::builder().put(put).build();
    let both = client.transact_write_items().transact_items(put.clone());
    both.clone().transact_items(change("attribute_exists(pk)")).send().await.unwrap();
    assert_eq!(consumed(&machine), [2.0 * (1.0 + 2.0), 1.0, 0.0]);
    // Of the item that is not returned the size isn't known: one unit, twice.
    both.transact_items(change("attribute_not_exists(pk)")).send().await.unwrap_err();
    assert_eq!(consumed(&machine), [2.0 * (1.0 + 1.0), 0.0, 0.0]);
    machine.stop().await;
}

#[tokio::test]
async fn a_write_refused_by_its_condition_is_charged() {
    let (machine, _folder) = machine().await;
    let client = dynamodb(&machine);
    put(&client, "A#1", 2500).item("due_pk", s("0")).item("due_at", s("1")).send().await.unwrap();
    consumed(&machine);
    let all_old = ReturnValuesOnConditionCheckFailure::AllOld;
    let refused = |bytes: usize| {
        let put = put(&client, "A#1", bytes).condition_expression("attribute_not_exists(pk)");
        put.return_values_on_condition_check_failure(all_old.clone()).send()
    };
    refused(100).await.unwrap_err();
    assert_eq!(consumed(&machine), [3.0, 0.0, 0.0], "what is there");
    refused(5000).await.unwrap_err();
    assert_eq!(consumed(&machine), [5.0, 0.0, 0.0], "what would be");
    let update = update(&client, "A#1", "REMOVE due_pk").condition_expression("attribute_not_exists(pk)");
    update.return_values_on_condition_check_failure(all_old.clone()).send().await.unwrap_err();
    assert_eq!(consumed(&machine), [3.0, 0.0, 0.0]);
    machine.stop().await;
}

#[tokio::test]
async fn a_caller_gets_the_figures_that_it_asked_for() {
    let (machine, _folder) = machine().await;
    let client = dynamodb(&machine);
    let indexed = put(&client, "A#1", 100).item("due_pk", s("0")).item("due_at", s("1"));
    assert_eq!(indexed.clone().send().await.unwrap().consumed_capacity(), None);
    let total = indexed.clone().return_consumed_capacity(ReturnConsumedCapacity::Total).send().await.unwrap();
    let total = total.consumed_capacity().unwrap();
    assert_eq!((total.capacity_units(), total.table(), total.global_secondary_indexes()), (Some(1.0), None, None));
    let consumed =
        indexed.item("due_at", s("2")).return_consumed_capacity(ReturnConsumedCapacity::Indexes).send().await;
    let consumed = consumed.unwrap();
    let consumed = consumed.consumed_capacity().unwrap();
    assert_eq!(consumed.table().unwrap().capacity_units(), Some(1.0));
    assert_eq!(consumed.global_secondary_indexes().unwrap()["due"].capacity_units(), Some(2.0));
    let units = machine.meter().counts().units;
    let (usage, _) = units.iter().next().unwrap();
    assert_eq!((usage.function.as_str(), usage.operation.as_str(), usage.item.as_str()), ("-", "PutItem", "A"));
    machine.stop().await;
}
