//! Messages of a queue: sending, receiving, deleting, and what is reported of them.

use std::time::Duration;

use serde_json::{Value, json};
use tests::PATIENCE;

use crate::fixture::{Queues, until};

contracts! { Queues:
    "sqs-api:API_SendMessage" a_message_comes_as_it_was_sent,
    "sqs-api:API_SendMessage" a_message_is_not_empty_and_has_characters_of_xml_only,
    "sqs:quotas-messages" a_message_has_1_mib_at_most,
    "sqs-api:API_SendMessageBatch" a_batch_has_1_to_10_entries_of_different_ids,
    "sqs-api:API_SendMessageBatch" a_batch_has_1_mib_at_most,
    "sqs-api:API_SendMessageBatch" what_is_wrong_with_one_entry_fails_that_one,
    "sqs:sqs-message-metadata" attributes_of_a_message_come_if_asked_for,
    "sqs-api:API_ReceiveMessage" what_sqs_knows_of_a_message_is_returned_if_asked_for,
    "sqs-api:API_ReceiveMessage" a_call_receives_1_to_10_messages,
    "sqs:sqs-short-and-long-polling" a_long_poll_ends_when_a_message_comes,
    "sqs:sqs-short-and-long-polling" a_long_poll_of_nothing_is_empty,
    "sqs:sqs-visibility-timeout" a_message_is_hidden_while_it_is_in_flight_and_comes_again,
    "sqs:sqs-visibility-timeout" a_message_may_be_made_visible_at_once,
    "sqs:sqs-visibility-timeout" a_message_may_be_hidden_for_longer,
    "sqs-api:API_ChangeMessageVisibility" what_is_not_in_flight_is_not_hidden,
    "sqs:sqs-delay-queues" a_message_may_be_delayed_for_15_minutes_at_most,
    "sqs-api:API_DeleteMessage" a_deleted_message_does_not_come_again,
    "sqs-api:API_DeleteMessage" a_receipt_is_good_after_its_time_until_there_is_another,
    "sqs-api:API_DeleteMessage" deleting_again_is_no_error_and_what_is_no_receipt_is,
    "sqs-api:API_DeleteMessageBatch" messages_are_deleted_by_the_batch,
    "sqs-api:API_GetQueueAttributes" a_queue_says_what_it_holds,
    "sqs-api:API_GetQueueAttributes" a_queue_says_what_it_is,
    "sqs-api:API_ListQueues" queues_are_found_by_prefix_and_name,
    "sqs-api:API_GetQueueUrl" where_no_queue_is_that_is_said,
}

async fn a_message_comes_as_it_was_sent(queues: Queues) {
    let body = "{\"id\": \"é \u{1F56F}\"}\t\n";
    let sent = queues.ok("SendMessage", json!({ "QueueUrl": queues.work, "MessageBody": body })).await;
    let received = queues.receive(&queues.work, json!({})).await;
    assert_eq!(received["Body"], body);
    assert_eq!(received["MessageId"], sent["MessageId"]);
    assert_eq!(received["MD5OfBody"], sent["MD5OfMessageBody"]);
    assert_eq!(sent["MD5OfMessageBody"].as_str().map(str::len), Some(32));
    // Nothing that was not asked for.
    assert_eq!((received.get("Attributes"), received.get("MessageAttributes")), (None, None));
}

async fn a_message_is_not_empty_and_has_characters_of_xml_only(queues: Queues) {
    for body in ["", "\u{0}", "\u{B}", "\u{FFFF}"] {
        queues.refused("SendMessage", json!({ "QueueUrl": queues.work, "MessageBody": body })).await;
    }
    queues.counts(&queues.work, [0, 0, 0]).await;
}

async fn a_message_has_1_mib_at_most(queues: Queues) {
    let message = |bytes: usize| json!({ "QueueUrl": queues.work, "MessageBody": "x".repeat(bytes) });
    queues.ok("SendMessage", message(1 << 20)).await;
    queues.refused("SendMessage", message((1 << 20) + 1)).await;
}

fn batch(url: &str, entries: impl Iterator<Item = (String, String)>) -> Value {
    let entries: Vec<_> = entries.map(|(id, body)| json!({ "Id": id, "MessageBody": body })).collect();
    json!({ "QueueUrl": url, "Entries": entries })
}

fn ids(answer: &Value, which: &str) -> Vec<String> {
    let entries = answer.get(which).and_then(Value::as_array).cloned().unwrap_or_default();
    entries.iter().map(|entry| entry["Id"].as_str().unwrap().to_owned()).collect()
}

async fn a_batch_has_1_to_10_entries_of_different_ids(queues: Queues) {
    let of = |count: usize| batch(&queues.work, (0..count).map(|n| (n.to_string(), format!("body {n}"))));
    let sent = queues.ok("SendMessageBatch", of(10)).await;
    assert_eq!(ids(&sent, "Successful"), (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
    let codes = [
        (of(0), "EmptyBatchRequest"),
        (of(11), "TooManyEntriesInBatchRequest"),
        (batch(&queues.work, ["a", "a"].into_iter().map(|id| (id.into(), "x".into()))), "BatchEntryIdsNotDistinct"),
        (batch(&queues.work, ["a b"].into_iter().map(|id| (id.into(), "x".into()))), "InvalidBatchEntryId"),
    ];
    for (body, code) in codes {
        assert_eq!(queues.refused("SendMessageBatch", body).await.code, code);
    }
    queues.counts(&queues.work, [10, 0, 0]).await;
}

async fn a_batch_has_1_mib_at_most(queues: Queues) {
    let of = |bytes: usize| batch(&queues.work, (0..2).map(|n| (n.to_string(), "x".repeat(bytes / 2))));
    queues.ok("SendMessageBatch", of(1 << 20)).await;
    assert_eq!(queues.refused("SendMessageBatch", of((1 << 20) + 2)).await.code, "BatchRequestTooLong");
    queues.counts(&queues.work, [2, 0, 0]).await;
}

async fn what_is_wrong_with_one_entry_fails_that_one(queues: Queues) {
    let bodies = [("good", "x"), ("bad", "\u{0}"), ("fine", "y")];
    let body = batch(&queues.work, bodies.into_iter().map(|(id, body)| (id.into(), body.into())));
    let answer = queues.ok("SendMessageBatch", body).await;
    assert_eq!(
        (ids(&answer, "Successful"), ids(&answer, "Failed")),
        (vec!["good".into(), "fine".into()], vec!["bad".into()])
    );
    assert_eq!(answer["Failed"][0]["SenderFault"], true);
    queues.counts(&queues.work, [2, 0, 0]).await;
}

async fn attributes_of_a_message_come_if_asked_for(queues: Queues) {
    let attributes = json!({
        "correlation_id": { "DataType": "String", "StringValue": "1-abc" },
        "count": { "DataType": "Number", "StringValue": "3" },
        "bytes": { "DataType": "Binary", "BinaryValue": "AAEC" },
    });
    let body = json!({ "QueueUrl": queues.work, "MessageBody": "x", "MessageAttributes": attributes });
    let sent = queues.ok("SendMessage", body).await;
    assert_eq!(sent["MD5OfMessageAttributes"].as_str().map(str::len), Some(32));
    let received =
        queues.receive(&queues.work, json!({ "MessageAttributeNames": ["All"], "VisibilityTimeout": 0 })).await;
    assert_eq!(received["MessageAttributes"], attributes);
    assert_eq!(received["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"]);
    let received = queues.receive(&queues.work, json!({ "MessageAttributeNames": ["count"] })).await;
    assert_eq!(received["MessageAttributes"], json!({ "count": attributes["count"] }));
}

async fn what_sqs_knows_of_a_message_is_returned_if_asked_for(queues: Queues) {
    let ask = json!({ "MessageSystemAttributeNames": ["All"], "VisibilityTimeout": 0 });
    queues.send(&queues.dead, "x").await;
    let first = queues.receive(&queues.dead, ask.clone()).await["Attributes"].clone();
    let again = queues.receive(&queues.dead, ask).await["Attributes"].clone();
    let ms = |attributes: &Value, name: &str| attributes[name].as_str().unwrap().parse::<u64>().unwrap();
    assert_eq!([&first, &again].map(|attributes| ms(attributes, "ApproximateReceiveCount")), [1, 2]);
    assert!(ms(&first, "SentTimestamp") > 1_700_000_000_000, "{first}");
    assert!(ms(&first, "SentTimestamp") <= ms(&first, "ApproximateFirstReceiveTimestamp"), "{first}");
    for name in ["SentTimestamp", "ApproximateFirstReceiveTimestamp"] {
        assert_eq!(first[name], again[name], "{name}");
    }
    let ask = json!({ "MessageSystemAttributeNames": ["ApproximateReceiveCount"] });
    let third = queues.receive(&queues.dead, ask).await["Attributes"].clone();
    assert_eq!(third, json!({ "ApproximateReceiveCount": "3" }));
}

async fn a_call_receives_1_to_10_messages(queues: Queues) {
    for _ in 0..2 {
        queues.ok("SendMessageBatch", batch(&queues.work, (0..10).map(|n| (n.to_string(), "x".into())))).await;
    }
    let mut received = 0;
    until("all messages have come", PATIENCE, async || {
        let body = json!({ "QueueUrl": queues.work, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1 });
        let messages = queues.ok("ReceiveMessage", body).await["Messages"].as_array().map_or(0, Vec::len);
        assert!(messages <= 10);
        received += messages;
        (received >= 20).then_some(())
    })
    .await;
    assert_eq!(received, 20);
    for (name, value) in [
        ("MaxNumberOfMessages", 0),
        ("MaxNumberOfMessages", 11),
        ("WaitTimeSeconds", 21),
        ("VisibilityTimeout", 43_201),
    ] {
        queues.refused("ReceiveMessage", json!({ "QueueUrl": queues.work, name: value })).await;
    }
}

async fn a_long_poll_ends_when_a_message_comes(queues: Queues) {
    let send = async {
        // That the poll has begun can't be seen from here; either way the message has to come, long before the poll's end.
        tokio::time::sleep(Duration::from_millis(200)).await;
        queues.send(&queues.work, "x").await;
    };
    let poll = tokio::time::timeout(Duration::from_secs(15), queues.receive(&queues.work, json!({})));
    let (received, _) = tokio::join!(poll, send);
    let received = received.expect("the poll ends when the message comes");
    assert_eq!(received["Body"], "x");
}

async fn a_long_poll_of_nothing_is_empty(queues: Queues) {
    let answer = queues.ok("ReceiveMessage", json!({ "QueueUrl": queues.work, "WaitTimeSeconds": 1 })).await;
    assert!(answer.get("Messages").is_none_or(|messages| messages.as_array().is_some_and(Vec::is_empty)), "{answer}");
}

async fn a_message_is_hidden_while_it_is_in_flight_and_comes_again(queues: Queues) {
    let id = queues.send(&queues.work, "x").await;
    let first = queues.receive(&queues.work, json!({ "VisibilityTimeout": 2 })).await;
    assert_eq!(queues.receive_now(&queues.work).await, None);
    let again = queues.receive(&queues.work, json!({})).await;
    assert_eq!((&first["MessageId"], &again["MessageId"]), (&json!(id), &json!(id)));
    assert_ne!(first["ReceiptHandle"], again["ReceiptHandle"]);
}

async fn a_message_may_be_made_visible_at_once(queues: Queues) {
    queues.send(&queues.work, "x").await;
    let first = queues.receive(&queues.work, json!({})).await;
    assert_eq!(queues.receive_now(&queues.work).await, None);
    queues.change(&queues.work, &first, 0).await;
    assert_eq!(queues.receive(&queues.work, json!({})).await["MessageId"], first["MessageId"]);
}

async fn a_message_may_be_hidden_for_longer(queues: Queues) {
    queues.send(&queues.work, "hidden").await;
    let hidden = queues.receive(&queues.work, json!({ "VisibilityTimeout": 2 })).await;
    queues.change(&queues.work, &hidden, 600).await;
    // Hidden for as long at the same time, and not for longer: when it is back, the other would be.
    queues.send(&queues.work, "back").await;
    let back = queues.receive(&queues.work, json!({ "VisibilityTimeout": 2 })).await;
    let again = queues.receive(&queues.work, json!({})).await;
    assert_eq!((&back["Body"], &again["Body"]), (&json!("back"), &json!("back")));
    assert_eq!(queues.receive_now(&queues.work).await, None);
    let body =
        json!({ "QueueUrl": queues.work, "ReceiptHandle": hidden["ReceiptHandle"], "VisibilityTimeout": 43_201 });
    queues.refused("ChangeMessageVisibility", body).await;
}

async fn what_is_not_in_flight_is_not_hidden(queues: Queues) {
    queues.send(&queues.work, "x").await;
    let message = queues.receive(&queues.work, json!({})).await;
    let change = json!({ "QueueUrl": queues.work, "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 60 });
    queues.delete(&queues.work, &message).await;
    queues.refused("ChangeMessageVisibility", change).await;
}

async fn a_message_may_be_delayed_for_15_minutes_at_most(queues: Queues) {
    let delayed = |seconds: u32| json!({ "QueueUrl": queues.work, "MessageBody": "x", "DelaySeconds": seconds });
    queues.ok("SendMessage", delayed(900)).await;
    queues.refused("SendMessage", delayed(901)).await;
    queues.counts(&queues.work, [0, 0, 1]).await;
    queues.ok("SendMessage", delayed(2)).await;
    assert_eq!(queues.receive_now(&queues.work).await, None);
    assert_eq!(queues.receive(&queues.work, json!({})).await["Body"], "x");
    queues.counts(&queues.work, [0, 1, 1]).await;
}

async fn a_deleted_message_does_not_come_again(queues: Queues) {
    queues.send(&queues.work, "deleted").await;
    let deleted = queues.receive(&queues.work, json!({ "VisibilityTimeout": 1 })).await;
    queues.delete(&queues.work, &deleted).await;
    queues.send(&queues.work, "kept").await;
    for _ in 0..2 {
        assert_eq!(queues.receive(&queues.work, json!({ "VisibilityTimeout": 1 })).await["Body"], "kept");
    }
}

async fn a_receipt_is_good_after_its_time_until_there_is_another(queues: Queues) {
    queues.send(&queues.work, "x").await;
    let message = queues.receive(&queues.work, json!({ "VisibilityTimeout": 1 })).await;
    queues.counts(&queues.work, [1, 0, 0]).await;
    queues.delete(&queues.work, &message).await;
    queues.counts(&queues.work, [0, 0, 0]).await;
}

async fn deleting_again_is_no_error_and_what_is_no_receipt_is(queues: Queues) {
    queues.send(&queues.work, "x").await;
    let first = queues.receive(&queues.work, json!({ "VisibilityTimeout": 0 })).await;
    let again = queues.receive(&queues.work, json!({})).await;
    for message in [&first, &again, &again, &first] {
        queues.delete(&queues.work, message).await;
    }
    let body = json!({ "QueueUrl": queues.work, "ReceiptHandle": "no receipt" });
    assert_eq!(queues.refused("DeleteMessage", body).await.code, "ReceiptHandleIsInvalid");
}

async fn messages_are_deleted_by_the_batch(queues: Queues) {
    queues.send(&queues.work, "x").await;
    let message = queues.receive(&queues.work, json!({})).await;
    let entries = json!([
        { "Id": "wrong", "ReceiptHandle": "no receipt" },
        { "Id": "right", "ReceiptHandle": message["ReceiptHandle"] },
    ]);
    let answer = queues.ok("DeleteMessageBatch", json!({ "QueueUrl": queues.work, "Entries": entries })).await;
    assert_eq!((ids(&answer, "Successful"), ids(&answer, "Failed")), (vec!["right".into()], vec!["wrong".into()]));
    queues.counts(&queues.work, [0, 0, 0]).await;
}

async fn a_queue_says_what_it_holds(queues: Queues) {
    queues.counts(&queues.work, [0, 0, 0]).await;
    for _ in 0..3 {
        queues.send(&queues.work, "x").await;
    }
    let body = json!({ "QueueUrl": queues.work, "MessageBody": "x", "DelaySeconds": 900 });
    queues.ok("SendMessage", body).await;
    queues.receive(&queues.work, json!({})).await;
    queues.counts(&queues.work, [2, 1, 1]).await;
}

async fn a_queue_says_what_it_is(queues: Queues) {
    let arn = queues.attribute(&queues.work, "QueueArn").await;
    assert!(arn.starts_with("arn:aws:sqs:") && arn.ends_with(&format!(":{}Work", queues.prefix)), "{arn}");
    assert_eq!(queues.attribute(&queues.work, "VisibilityTimeout").await, "30");
    assert_eq!(queues.attribute(&queues.dead, "MessageRetentionPeriod").await, "1209600");
    let redrive: Value = serde_json::from_str(&queues.attribute(&queues.work, "RedrivePolicy").await).unwrap();
    assert_eq!(redrive["deadLetterTargetArn"], queues.attribute(&queues.dead, "QueueArn").await);
    assert_eq!(redrive["maxReceiveCount"].to_string().trim_matches('"'), crate::fixture::MAX_RECEIVES.to_string());
    let body = json!({ "QueueUrl": queues.dead, "AttributeNames": ["All"] });
    let all = queues.ok("GetQueueAttributes", body).await["Attributes"].clone();
    assert!(all.get("QueueArn").is_some() && all.get("RedrivePolicy").is_none(), "{all}");
}

async fn queues_are_found_by_prefix_and_name(queues: Queues) {
    let mut urls = until("both queues are listed", PATIENCE, async || {
        let answer = queues.ok("ListQueues", json!({ "QueueNamePrefix": queues.prefix })).await;
        answer["QueueUrls"].as_array().cloned().filter(|urls| urls.len() == 2)
    })
    .await;
    urls.sort_by_key(Value::to_string);
    assert_eq!(urls, [json!(queues.dead), json!(queues.work)]);
    let none = queues.ok("ListQueues", json!({ "QueueNamePrefix": format!("{}None", queues.prefix) })).await;
    assert!(none.get("QueueUrls").is_none_or(|urls| urls.as_array().is_some_and(Vec::is_empty)), "{none}");
    let url = queues.ok("GetQueueUrl", json!({ "QueueName": format!("{}Work", queues.prefix) })).await;
    assert_eq!(url["QueueUrl"], queues.work);
}

async fn where_no_queue_is_that_is_said(queues: Queues) {
    let url = format!("{}-gone", queues.work);
    for (operation, body) in [
        ("GetQueueUrl", json!({ "QueueName": format!("{}Gone", queues.prefix) })),
        ("SendMessage", json!({ "QueueUrl": url, "MessageBody": "x" })),
        ("ReceiveMessage", json!({ "QueueUrl": url })),
        ("GetQueueAttributes", json!({ "QueueUrl": url, "AttributeNames": ["All"] })),
    ] {
        let refusal = queues.refused(operation, body).await;
        assert!(["NonExistentQueue", "QueueDoesNotExist"].contains(&refusal.code.as_str()), "{refusal}");
    }
}
