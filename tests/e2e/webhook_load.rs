//! Many sessions at once, and a receiver that fails a third of the time.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tests::{
    PATIENCE, Received, Receiver, Reply, World, accepted, document_1, in_order, loopback_webhooks, states, text,
};

const SESSIONS: usize = 300;

/// How many sessions are worked on at a time.
const AT_ONCE: usize = 32;

/// How long all deliveries may take.
const ALL_DELIVERED: Duration = Duration::from_secs(600);

/// A third of first and second attempts fails, always the same ones; no third does.
fn fails_a_third(received: &Received) -> Reply {
    let mut hasher = DefaultHasher::new();
    (received.headers["webhook-id"].as_str(), received.seen).hash(&mut hasher);
    let fails = received.seen < 2 && hasher.finish().is_multiple_of(3);
    Reply::Status(if fails { 500 } else { 200 })
}

#[tokio::test]
async fn hundreds_of_sessions_are_delivered_in_order_though_a_third_fails() {
    let world = World::start_with(|config| {
        loopback_webhooks(config);
        config.max_processes = 8;
    })
    .await;
    let receiver = Receiver::planned(fails_a_third).await;
    world.register(&receiver.url("/"), json!({})).await;
    let mut request = document_1();
    request["payer"] = json!({ "name": "Ada Payer", "email": "ada@example.com" });
    let begun = Instant::now();
    let sessions: Vec<Value> = stream::iter(0..SESSIONS)
        .map(async |_| world.cancel(&world.create_from(&request).await).await)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let made = begun.elapsed();
    // As on AWS, the schedule enqueues what no message announced.
    let schedule = async {
        let mut every = tokio::time::interval(Duration::from_secs(10));
        loop {
            every.tick().await;
            world.run_schedule().await;
        }
    };
    let done = tokio::select! {
        done = receiver.until(ALL_DELIVERED, |all| accepted(all).len() >= 2 * SESSIONS) => done,
        () = schedule => false,
    };
    let received = receiver.received();
    let delivered = in_order(&received);
    println!(
        "{SESSIONS} sessions in {made:?}; all delivered after {:?}: {} requests, {} accepted, {} failed, at most {} at once",
        begun.elapsed(),
        received.len(),
        accepted(&received).len(),
        received.iter().filter(|one| !one.accepted()).count(),
        received.iter().map(|one| one.under_way).max().unwrap_or(0),
    );
    assert!(done, "not all were delivered in time");
    assert!(received.iter().all(|one| one.under_way <= 10));
    // Every event of every session, in order, and no other.
    let expected: BTreeSet<String> = sessions.iter().map(|session| text(&session["id"])).collect();
    assert_eq!(delivered.keys().cloned().collect::<BTreeSet<_>>(), expected);
    for session in &sessions {
        assert_eq!(states(session), ["awaiting_provider", "failed"]);
        assert_eq!(delivered[&text(&session["id"])], [1, 2]);
    }
    for one in &received {
        // Clients read a cancelled session as failed; its event says which it was.
        let (event, state) = match one.sequence() {
            1 => ("payment_session.awaiting_provider", "awaiting_provider"),
            _ => ("payment_session.cancelled", "failed"),
        };
        assert_eq!((one.event_type().as_str(), &one.json["data"]["state"]), (event, &json!(state)));
    }
    // Nothing is left to do.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !world.waiting_cursors().await.is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "{:#?}", world.waiting_cursors().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
