//! Messages that are received too often, and bringing them back.

use serde_json::json;

use crate::fixture::{MAX_RECEIVES, Queues};

contracts! { Queues:
    "sqs:sqs-dead-letter-queues" what_is_received_too_often_becomes_a_dead_letter,
    "sqs:sqs-dead-letter-queues" a_dead_letter_is_the_message_that_it_was,
    "sqs:sqs-dead-letter-queues" what_is_deleted_in_time_becomes_no_dead_letter,
    "sqs:sqs-dead-letter-queues" a_dead_letter_is_read_and_stays,
    "sqs:sqs-dead-letter-queues" a_dead_letter_is_brought_back_by_hand,
}

/// Receives the message as often as it may be, and once more.
async fn fail_until_dead(queues: &Queues) {
    for _ in 0..MAX_RECEIVES {
        let message = queues.receive(&queues.work, json!({})).await;
        queues.change(&queues.work, &message, 0).await;
    }
    // It is a dead letter when it would be received once more.
    crate::fixture::until("the message becomes a dead letter", tests::PATIENCE, async || {
        assert_eq!(queues.receive_now(&queues.work).await, None);
        let dead = queues.attribute(&queues.dead, "ApproximateNumberOfMessages").await;
        (dead == "1").then_some(())
    })
    .await;
}

async fn what_is_received_too_often_becomes_a_dead_letter(queues: Queues) {
    queues.send(&queues.work, "x").await;
    fail_until_dead(&queues).await;
    queues.counts(&queues.work, [0, 0, 0]).await;
    assert_eq!(queues.receive(&queues.dead, json!({})).await["Body"], "x");
}

async fn a_dead_letter_is_the_message_that_it_was(queues: Queues) {
    let attributes = json!({ "correlation_id": { "DataType": "String", "StringValue": "1-abc" } });
    let body = json!({ "QueueUrl": queues.work, "MessageBody": "x", "MessageAttributes": attributes });
    let id = queues.ok("SendMessage", body).await["MessageId"].clone();
    fail_until_dead(&queues).await;
    let ask = json!({ "MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"] });
    let dead = queues.receive(&queues.dead, ask).await;
    assert_eq!((&dead["MessageId"], &dead["MessageAttributes"]), (&id, &attributes));
    let source = queues.attribute(&queues.work, "QueueArn").await;
    assert_eq!(dead["Attributes"]["DeadLetterQueueSourceArn"], source);
}

async fn what_is_deleted_in_time_becomes_no_dead_letter(queues: Queues) {
    queues.send(&queues.work, "x").await;
    for receive in 1..=MAX_RECEIVES {
        let message = queues.receive(&queues.work, json!({})).await;
        if receive < MAX_RECEIVES {
            queues.change(&queues.work, &message, 0).await;
        } else {
            queues.delete(&queues.work, &message).await;
        }
    }
    assert_eq!(queues.receive_now(&queues.work).await, None);
    queues.counts(&queues.dead, [0, 0, 0]).await;
}

async fn a_dead_letter_is_read_and_stays(queues: Queues) {
    let id = queues.send(&queues.dead, "x").await;
    for _ in 0..3 * MAX_RECEIVES {
        assert_eq!(queues.receive(&queues.dead, json!({ "VisibilityTimeout": 0 })).await["MessageId"], id);
    }
    queues.counts(&queues.dead, [1, 0, 0]).await;
}

async fn a_dead_letter_is_brought_back_by_hand(queues: Queues) {
    queues.send(&queues.work, "x").await;
    fail_until_dead(&queues).await;
    let dead = queues.receive(&queues.dead, json!({})).await;
    queues.send(&queues.work, dead["Body"].as_str().unwrap()).await;
    queues.delete(&queues.dead, &dead).await;
    queues.counts(&queues.dead, [0, 0, 0]).await;
    let back =
        queues.receive(&queues.work, json!({ "MessageSystemAttributeNames": ["ApproximateReceiveCount"] })).await;
    // It begins again.
    assert_eq!((&back["Body"], &back["Attributes"]["ApproximateReceiveCount"]), (&json!("x"), &json!("1")));
}
