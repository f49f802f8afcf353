//! Lost messages and answers, duplicates and dying processes: every event is delivered at least once, in order, and none that
//! did not happen.

use std::time::Duration;

use local::{Config, Effect, Fault};
use serde_json::{Value, json};
use tests::{PATIENCE, Receiver, Reply, World, in_order, loopback_webhooks, text};

/// Longer than anything here takes, retries included.
const LONG: Duration = Duration::from_secs(60);

fn impatient(config: &mut Config) {
    loopback_webhooks(config);
    // What a dead process had received comes back after this, not after the template's minutes.
    config.visibility_timeout = Some(Duration::from_secs(1));
}

/// Waits until a paid session's events are all delivered, as if minutes passed meanwhile, and checks that they are in order.
async fn delivered_in_order(world: &World, receiver: &Receiver, session: &Value, what: &str) {
    let id = text(&session["id"]);
    let all_delivered = |all: &[tests::Received]| {
        (1..=5)
            .all(|sequence| all.iter().any(|one| one.object_id() == id && one.sequence() == sequence && one.accepted()))
    };
    let deadline = tokio::time::Instant::now() + LONG;
    while !receiver.until(Duration::from_millis(1_500), all_delivered).await {
        assert!(
            tokio::time::Instant::now() < deadline,
            "{what}: {:#?} {:#?}",
            receiver.summary(),
            world.waiting_cursors().await
        );
        world.long_after().await;
    }
    assert_eq!(in_order(&receiver.received())[&id], [1, 2, 3, 4, 5], "{what}");
}

/// Nothing else was delivered than what the API says has happened.
async fn nothing_else_was_delivered(world: &World, receiver: &Receiver) {
    for one in receiver.received() {
        let session = world.get(&one.object_id()).await;
        let entry = &session["history"][usize::try_from(one.sequence()).unwrap() - 1];
        assert_eq!(one.event_type(), format!("payment_session.{}", text(&entry["state"])));
        assert_eq!(one.json["created_at"], entry["at"]);
    }
}

#[tokio::test]
async fn every_first_answer_is_lost_and_nothing_comes_of_it() {
    let world = World::start_with(impatient).await;
    let lose = |function: &str, operation: &str, times| {
        world.machine.faults().add(Fault::new(operation, Effect::DropAnswer).function(function).times(times));
    };
    lose("EndpointsFunction", "TransactWriteItems", 1);
    // Each event is refused once, so that what comes after a failure is lost as well.
    let receiver =
        Receiver::planned(|one| Reply::Status(if one.seen == 0 && one.sequence() == 2 { 500 } else { 200 })).await;
    let webhook = world.register(&receiver.url("/"), json!({})).await;
    let faults = [
        ("PublishFunction", vec!["PutItem", "UpdateItem", "SendMessage", "Query"]),
        ("WebhookFunction", vec!["PutItem", "UpdateItem", "SendMessage", "Query", "GetItem"]),
    ];
    for (function, operations) in faults {
        for operation in operations {
            lose(function, operation, if operation == "SendMessage" || operation == "Query" { 1 } else { 8 });
        }
    }
    let session = world.paid().await;
    delivered_in_order(&world, &receiver, &session, "lost answers").await;
    world.settled().await;
    assert!(world.waiting_cursors().await.is_empty());
    assert!(receiver.received().iter().all(|one| one.is_signed_by(&[&text(&webhook["secret"])])));
    // A lost answer is repeated by the SDK: nothing had to be delivered again for it.
    assert_eq!(receiver.received().len() - world.handed_over().await, 6, "{:#?}", receiver.summary());
    nothing_else_was_delivered(&world, &receiver).await;
}

#[tokio::test]
async fn what_stream_and_queue_deliver_twice_arrives_in_order() {
    let world = World::start_with(impatient).await;
    let receiver = Receiver::planned(|one| {
        let fails = one.seen == 0 && one.sequence() == 3;
        Reply::After(Duration::from_millis(20), if fails { 500 } else { 200 })
    })
    .await;
    world.register(&receiver.url("/"), json!({})).await;
    world.machine.faults().deliver_twice(true);
    let mut sessions = Vec::new();
    for _ in 0..5 {
        sessions.push(world.paid().await);
    }
    // On a busy machine too: as if minutes passed, a claim would expire whose delivery is under way.
    world.settled().await;
    for session in &sessions {
        delivered_in_order(&world, &receiver, session, "twice").await;
    }
    nothing_else_was_delivered(&world, &receiver).await;
    // A message that comes again finds nothing to do.
    assert_eq!(receiver.received().len() - world.handed_over().await, 30, "{:#?}", receiver.summary());
}

#[tokio::test]
async fn the_schedule_enqueues_what_no_message_announced() {
    let world = World::start_with(impatient).await;
    let receiver = Receiver::planned(|one| Reply::Status(if one.seen == 0 { 500 } else { 200 })).await;
    world.register(&receiver.url("/"), json!({})).await;
    for function in ["PublishFunction", "WebhookFunction"] {
        let lost = Fault::new("SendMessage", Effect::DropRequest).function(function).times(1_000).every_attempt();
        world.machine.faults().add(lost);
    }
    let session = world.paid().await;
    let streams_read = world
        .machine
        .until(PATIENCE, |machine| (machine.meter().calls("PublishFunction", "UpdateItem") >= 5).then_some(()));
    assert!(streams_read.await.is_some());
    world.settled().await;
    assert!(receiver.received().is_empty(), "no message announced it");
    world.run_schedule().await;
    world.settled().await;
    assert_eq!(receiver.received().len(), 1, "once for the cursor, and not for its retry");
    delivered_in_order(&world, &receiver, &session, "not announced").await;
    nothing_else_was_delivered(&world, &receiver).await;
}

/// An event that could not be put down at first holds up what comes after it, and nothing else.
#[tokio::test]
async fn an_event_that_is_published_late_is_delivered_first() {
    let world = World::start_with(impatient).await;
    let receiver = Receiver::start().await;
    world.register(&receiver.url("/"), json!({})).await;
    let faults = world.machine.faults();
    let broken = |prefix: &str, times| {
        Fault::new("PutItem", Effect::ServerError).function("PublishFunction").prefix(prefix).times(times)
    };
    // While nothing can be published, a batch of several records comes together.
    faults.add(broken("EVENTS#", 1_000));
    world.create().await;
    assert!(
        world
            .machine
            .until(PATIENCE, |machine| (machine.faults().waiting()[0].times < 1_000).then_some(()))
            .await
            .is_some()
    );
    let late = world.paid().await;
    let other = world.paid().await;
    faults.clear();
    // The SDK tries three times.
    faults.add(broken(&format!("EVENTS#{}", text(&late["id"])), 3));
    delivered_in_order(&world, &receiver, &late, "late").await;
    delivered_in_order(&world, &receiver, &other, "other").await;
    assert!(faults.waiting().is_empty(), "it was not late");
    nothing_else_was_delivered(&world, &receiver).await;
}

#[tokio::test]
async fn publish_and_webhook_may_die_anywhere() {
    let world = World::start_with(impatient).await;
    let receiver =
        Receiver::planned(|one| Reply::Status(if one.seen == 0 && one.sequence() == 4 { 500 } else { 200 })).await;
    world.register(&receiver.url("/"), json!({})).await;
    let kills = [
        ("PublishFunction", "PutItem", 3),
        ("PublishFunction", "UpdateItem", 2),
        ("PublishFunction", "SendMessage", 2),
        ("PublishFunction", "Query", 1),
        ("WebhookFunction", "GetItem", 1),
        ("WebhookFunction", "UpdateItem", 8),
        ("WebhookFunction", "PutItem", 3),
        ("WebhookFunction", "Query", 1),
        ("WebhookFunction", "SendMessage", 1),
    ];
    for (function, operation, most) in kills {
        for effect in [Effect::KillBefore, Effect::KillAfter] {
            // The first, the second, … request of this kind.
            for nth in 0..most {
                if nth > 0 {
                    // Lets one through unharmed: a lost answer is repeated by the SDK.
                    let lost = Fault::new(operation, Effect::DropAnswer).function(function).times(nth);
                    world.machine.faults().add(lost);
                }
                world.machine.faults().add(Fault::new(operation, effect).function(function));
                let what = format!("{function} {operation} {effect:?} {nth}");
                let session = world.paid().await;
                delivered_in_order(&world, &receiver, &session, &what).await;
                assert!(world.machine.faults().waiting().is_empty(), "{what} did not happen");
            }
        }
    }
    nothing_else_was_delivered(&world, &receiver).await;
}
