//! TrueLayer's sandbox, by a person in a browser of their own: `make test-truelayer-sandbox`. What it answers is recorded for the
//! tests of `shared/truelayer`.

use std::time::Duration;

use serde_json::Value;
use tests::relay::Relay;
use tests::{World, text, truelayer_on, workspace};

use crate::{causes, checkout, staying, with_payer};

/// What the person does at the sandbox's bank, and how the session ends
/// (<https://docs.truelayer.com/docs/mock-providers-for-payments-v3-1>).
const VISITS: [(&str, &[&str]); 4] = [
    ("sign in as test_executed", &["sent"]),
    ("sign in as test_authorisation_failed", &["failed"]),
    ("sign in as test_execution_rejected", &["failed"]),
    // Which of its two words TrueLayer has for that is not documented.
    ("press Cancel", &["failed", ATTEMPT_ENDED]),
];

/// The attempt is over, and the payer may choose again.
const ATTEMPT_ENDED: &str = "attempt_ended";

/// How long a person may take for one.
const MINUTES: u64 = 15;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs credentials of TrueLayer's sandbox and a person: make test-truelayer-sandbox"]
async fn a_person_pays() {
    let secret = std::env::var_os("TRUELAYER_SECRET_FILE").expect("TRUELAYER_SECRET_FILE names the credentials' file");
    let relay = Relay::start(workspace().join("tests/truelayer/recorded")).await;
    let world = World::start_with(|config| {
        // TrueLayer's Console lists the way back, so that it has to be the same each time.
        config.api_port = 3000;
        config.schedule_interval = Some(Duration::from_secs(5));
        truelayer_on(config);
        config.truelayer_url = Some(relay.url().parse().unwrap());
        config.truelayer_secret = Some(secret.into());
    })
    .await;
    println!("The Console's sandbox must list {}/providers/truelayer/return.", world.machine.api_url());
    for (act, expected) in VISITS {
        let session = world.create_from(&with_payer(staying())).await;
        println!("\nOpen {}\nChoose “Mock UK Payments - Redirect Flow”, and there {act}.", checkout(&session));
        let state = end(&world, &session).await;
        println!("It is {state}: {}.", causes(&world, &session).await.join(", "));
        assert!(expected.contains(&state.as_str()), "{act}: {state}");
    }
}

/// The state in which a session ends, or its attempt.
async fn end(world: &World, session: &Value) -> String {
    let mut ticks = tokio::time::interval(Duration::from_secs(2));
    for _ in 0..MINUTES * 30 {
        ticks.tick().await;
        let state = text(&world.get(&text(&session["id"])).await["state"]);
        if ["sent", "failed", "cancelled", "expired"].contains(&state.as_str()) {
            return state;
        }
        if causes(world, session).await.last().is_some_and(|cause| cause == ATTEMPT_ENDED) {
            return ATTEMPT_ENDED.to_owned();
        }
    }
    panic!("nobody paid within {MINUTES} minutes");
}
