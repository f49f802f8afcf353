//! The unmodified AWS SDK against the endpoint: SQS's rules, and what the service relies on in DynamoDB.

use std::collections::HashMap;
use std::time::Duration;

use crate::support::{dynamodb, machine, s, sqs};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use aws_sdk_sqs::types::{MessageAttributeValue, QueueAttributeName, SendMessageBatchRequestEntry};

fn n(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

#[tokio::test]
async fn a_queue_sends_receives_and_deletes() {
    let (machine, _folder) = machine().await;
    let (client, url) = (sqs(&machine), machine.queue_url("Letters"));
    let attribute = MessageAttributeValue::builder().data_type("String").string_value("v").build().unwrap();
    let sent = client.send_message().queue_url(&url).message_body("a").message_attributes("n", attribute).send().await;
    let sent = sent.unwrap();
    let received = client
        .receive_message()
        .queue_url(&url)
        .message_attribute_names("All")
        .message_system_attribute_names(aws_sdk_sqs::types::MessageSystemAttributeName::All)
        .send()
        .await
        .unwrap();
    let message = &received.messages()[0];
    assert_eq!((message.message_id(), message.body()), (sent.message_id(), Some("a")));
    assert_eq!(message.md5_of_body(), sent.md5_of_message_body());
    assert_eq!(message.md5_of_message_attributes(), sent.md5_of_message_attributes());
    assert_eq!(message.message_attributes().unwrap()["n"].string_value(), Some("v"));
    assert!(client.receive_message().queue_url(&url).send().await.unwrap().messages().is_empty(), "in flight");
    client.delete_message().queue_url(&url).receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
    assert_eq!(machine.queue_counts("Letters").unwrap().total(), 0);
    machine.stop().await;
}

#[tokio::test]
async fn a_batch_is_sent_and_read_at_once() {
    let (machine, _folder) = machine().await;
    let (client, url) = (sqs(&machine), machine.queue_url("Letters"));
    let entry = |id: usize, body: String| {
        SendMessageBatchRequestEntry::builder().id(id.to_string()).message_body(body).build().unwrap()
    };
    let entries: Vec<_> = (0..10).map(|id| entry(id, format!("m{id}"))).collect();
    let sent = client.send_message_batch().queue_url(&url).set_entries(Some(entries.clone())).send().await.unwrap();
    assert_eq!((sent.successful().len(), sent.failed().len()), (10, 0));
    let received = client.receive_message().queue_url(&url).max_number_of_messages(10).send().await.unwrap();
    let bodies: Vec<_> = received.messages().iter().filter_map(|message| message.body()).collect();
    assert_eq!(bodies, (0..10).map(|id| format!("m{id}")).collect::<Vec<_>>());

    let eleven = entries.into_iter().chain([entry(10, "m".to_owned())]).collect();
    let refused = client.send_message_batch().queue_url(&url).set_entries(Some(eleven)).send().await.unwrap_err();
    assert!(refused.into_service_error().is_too_many_entries_in_batch_request());
    let large = (0..2).map(|id| entry(id, "x".repeat(600 * 1024))).collect();
    let refused = client.send_message_batch().queue_url(&url).set_entries(Some(large)).send().await.unwrap_err();
    assert!(refused.into_service_error().is_batch_request_too_long());
    let limit = 1024 * 1024;
    assert!(client.send_message().queue_url(&url).message_body("x".repeat(limit)).send().await.is_ok());
    assert!(client.send_message().queue_url(&url).message_body("x".repeat(limit + 1)).send().await.is_err());
    machine.stop().await;
}

#[tokio::test]
async fn queues_are_found_and_described_and_missing_ones_are_not() {
    let (machine, _folder) = machine().await;
    let (client, url) = (sqs(&machine), machine.queue_url("Queue"));
    let found = client.get_queue_url().queue_name("local-Queue").send().await.unwrap();
    assert_eq!(found.queue_url(), Some(url.as_str()));
    assert_eq!(client.list_queues().send().await.unwrap().queue_urls().len(), 4);
    let all = client.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All).send().await;
    let all = all.unwrap();
    assert_eq!(all.attributes().unwrap()[&QueueAttributeName::VisibilityTimeout], "30");
    assert!(all.attributes().unwrap()[&QueueAttributeName::RedrivePolicy].contains("local-DeadLetters"));
    let missing = client.send_message().queue_url(format!("{url}x")).message_body("a").send().await.unwrap_err();
    assert!(missing.into_service_error().is_queue_does_not_exist());
    let receipt = client.delete_message().queue_url(&url).receipt_handle("x").send().await.unwrap_err();
    assert!(receipt.into_service_error().is_receipt_handle_is_invalid());
    machine.stop().await;
}

#[tokio::test]
async fn a_long_poll_waits_for_the_next_message() {
    let (machine, _folder) = machine().await;
    let (client, url) = (sqs(&machine), machine.queue_url("Letters"));
    let started = std::time::Instant::now();
    let poll = client.receive_message().queue_url(&url).wait_time_seconds(2).send();
    let (polled, _) = tokio::join!(poll, async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        client.send_message().queue_url(&url).message_body("a").send().await.unwrap()
    });
    assert_eq!(polled.unwrap().messages().len(), 1);
    assert!(started.elapsed() < Duration::from_secs(2));
    machine.stop().await;
}

/// What the service builds on; a new version of dynoxide must keep it.
#[tokio::test]
async fn a_failed_condition_returns_the_old_item() {
    let (machine, _folder) = machine().await;
    let client = dynamodb(&machine);
    let put = || client.put_item().table_name("local-Table").item("pk", s("a")).item("sk", s("SESSION"));
    put().item("write_id", s("1")).send().await.unwrap();
    let failed = put()
        .condition_expression("attribute_not_exists(pk)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    let aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(failed) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(failed.item().unwrap()["write_id"], s("1"));

    let update = Update::builder().table_name("local-Table").key("pk", s("a")).key("sk", s("SESSION"));
    let update = update
        .update_expression("SET x = :x")
        .condition_expression("write_id = :w")
        .expression_attribute_values(":x", n(1))
        .expression_attribute_values(":w", s("2"))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .unwrap();
    let other = Put::builder().table_name("local-Table").item("pk", s("b")).item("sk", s("SESSION")).build().unwrap();
    let cancelled = client
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().put(other).build())
        .transact_items(TransactWriteItem::builder().update(update).build())
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(
        cancelled,
    ) = cancelled
    else {
        panic!("{cancelled:?}");
    };
    let codes: Vec<_> = cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
    assert_eq!(cancelled.cancellation_reasons()[1].item().unwrap()["write_id"], s("1"));
    let missing = client.get_item().table_name("local-Table").key("pk", s("b")).key("sk", s("SESSION")).send().await;
    assert!(missing.unwrap().item().is_none(), "all or nothing");
    machine.stop().await;
}

#[tokio::test]
async fn expressions_do_what_the_service_needs() {
    let (machine, _folder) = machine().await;
    let client = dynamodb(&machine);
    let update = |expression: &str, condition: &str, values: HashMap<String, AttributeValue>| {
        client
            .update_item()
            .table_name("local-Table")
            .key("pk", s("a"))
            .key("sk", s("SESSION"))
            .update_expression(expression)
            .set_condition_expression((!condition.is_empty()).then(|| condition.to_owned()))
            .set_expression_attribute_values(Some(values))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew)
            .send()
    };
    let values = |pairs: &[(&str, AttributeValue)]| -> HashMap<String, AttributeValue> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    };
    let append = "SET history = list_append(if_not_exists(history, :none), :new), refundable = :r";
    let none = AttributeValue::L(vec![]);
    for round in 0..3 {
        let new = AttributeValue::L(vec![n(round)]);
        let updated =
            update(append, "", values(&[(":none", none.clone()), (":new", new), (":r", n(10))])).await.unwrap();
        let history = updated.attributes().unwrap()["history"].as_l().unwrap();
        assert_eq!(history.len(), usize::try_from(round).unwrap() + 1);
    }
    let spend = "SET refundable = refundable - :a";
    let enough = "size(history) = :three AND refundable >= :a";
    update(spend, enough, values(&[(":a", n(7)), (":three", n(3))])).await.unwrap();
    let refused = update(spend, enough, values(&[(":a", n(7)), (":three", n(3))])).await.unwrap_err();
    assert_eq!(refused.into_service_error().code(), Some("ConditionalCheckFailedException"));

    // IN takes up to 100 values.
    let names: Vec<String> = (0..100).map(|index| format!(":v{index}")).collect();
    let mut many: HashMap<_, _> = names.iter().cloned().zip((0..).map(n)).collect();
    many.insert(":x".to_owned(), n(1));
    update("SET x = :x", &format!("refundable IN ({})", names.join(", ")), many).await.unwrap();
    machine.stop().await;
}

#[tokio::test]
async fn an_index_holds_only_items_with_its_keys_and_only_what_it_projects() {
    let (machine, _folder) = machine().await;
    let client = dynamodb(&machine);
    let put = |pk: &str| client.put_item().table_name("local-Table").item("pk", s(pk)).item("sk", s("SESSION"));
    put("a").item("due_pk", s("0")).item("due_at", s("2")).item("other", s("x")).send().await.unwrap();
    put("b").item("due_pk", s("0")).item("due_at", s("1")).send().await.unwrap();
    put("c").item("due_pk", s("0")).send().await.unwrap();
    put("d").send().await.unwrap();
    let due = || async {
        let query = client.query().table_name("local-Table").index_name("due");
        let query = query.key_condition_expression("due_pk = :p AND due_at <= :t");
        query.expression_attribute_values(":p", s("0")).expression_attribute_values(":t", s("9")).send().await.unwrap()
    };
    let found = due().await;
    let pks: Vec<_> = found.items().iter().map(|item| item["pk"].as_s().unwrap().clone()).collect();
    assert_eq!(pks, ["b", "a"]);
    assert!(found.items().iter().all(|item| !item.contains_key("other")), "keys only");
    let update = client.update_item().table_name("local-Table").key("pk", s("a")).key("sk", s("SESSION"));
    update.update_expression("REMOVE due_pk, due_at").send().await.unwrap();
    assert_eq!(due().await.items().len(), 1);
    machine.stop().await;
}
