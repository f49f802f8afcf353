//! Merchants, payers and time do whatever comes to a seed's mind, in one process with every function: processes end between
//! any two calls of AWS, messages are lost and come twice. In the end nothing may be wrong, and the same seed must do the
//! same again.
//!
//! `SIMULATION_SEED=7 cargo test -p tests --test simulation` runs one seed and shows what was done.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![recursion_limit = "256"] // the functions' futures are deep

mod world;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use lambda_http::http::Method;
use models::{SessionState, WireFormat};
use serde_json::{Value, json};
use store::{Parts, Sessions, Verify};
use tests::{Receiver, Reply, accepted};

use crate::world::World;

const SEEDS: [u64; 5] = [1, 2, 3, 6, 11];
const STEPS: usize = 300;
/// How often a seed is tried while the machine is too slow for it.
const MAX_TRIES: usize = 10;
/// How often a clock is asked in the end to arrive: each time something has happened by it, or is to be delivered.
const MAX_ADVANCES: usize = 500;
/// How many customers there are; from then on they are read.
const CUSTOMERS: usize = 4;

/// Whom the steps are about.
#[derive(Default)]
struct Known {
    sessions: Vec<String>,
    refunds: Vec<String>,
    endpoints: Vec<String>,
    customers: Vec<String>,
    clocks: Vec<String>,
    /// Events that were delivered again by hand, and so may come in any order.
    replayed: BTreeSet<String>,
}

#[test]
fn whatever_happens_nothing_is_wrong_and_a_seed_repeats_itself() {
    let one: Option<u64> = std::env::var("SIMULATION_SEED").ok().map(|seed| seed.parse().unwrap());
    let seeds = one.map_or(SEEDS.to_vec(), |seed| vec![seed]).into_iter().map(|seed| {
        // Futures of unoptimised builds are large.
        let thread = std::thread::Builder::new().name(format!("SIMULATION_SEED={seed}")).stack_size(64 << 20);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        thread.spawn(move || runtime.block_on(twice(seed, one.is_some()))).unwrap()
    });
    let ended: Vec<_> = seeds.collect::<Vec<_>>().into_iter().map(std::thread::JoinHandle::join).collect();
    assert!(ended.iter().all(Result::is_ok), "above is what a seed came to");
}

async fn twice(seed: u64, shows: bool) {
    let receiver = Receiver::start().await;
    let (first, items) = run(seed, &receiver).await;
    if shows {
        println!("{first}");
    }
    let (second, items_again) = run(seed, &receiver).await;
    assert_eq!(first.lines().zip(second.lines()).find(|(first, second)| first != second), None);
    assert_eq!(first.len(), second.len());
    assert_eq!(items.iter().zip(&items_again).find(|(item, again)| item != again), None);
    assert_eq!(items.len(), items_again.len());
}

/// What a seed does, and the table in the end.
async fn run(seed: u64, receiver: &Receiver) -> (String, Vec<Value>) {
    for _ in 0..MAX_TRIES {
        receiver.forget();
        // Most events are accepted at once.
        receiver.plan({
            let calls = std::sync::atomic::AtomicUsize::new(0);
            move |_| {
                Reply::Status(if calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 7 == 3 { 500 } else { 204 })
            }
        });
        let (mut world, mut known) = (World::new(seed).await, Known::default());
        for _ in 0..STEPS {
            step(&mut world, &mut known, receiver).await;
        }
        settle(&mut world, &known).await;
        let items = world.aws.items();
        // Real time is in nothing but this: a receiver that was too slow for the fast lane.
        if items.iter().any(|item| item["error"]["S"].as_str().is_some_and(|error| error.contains("at once"))) {
            continue;
        }
        check(&world, &known, &items, receiver).await;
        return (world.history, items);
    }
    panic!(
        "seed {seed}: each of {MAX_TRIES} times the receiver took longer than the fast lane waits: the machine is too slow"
    );
}

async fn step(world: &mut World, known: &mut Known, receiver: &Receiver) {
    let number = world.rng.u32(..);
    let mut one_of = |ids: &[String]| {
        // Most often one of the last, so that one goes on.
        let from = if world.rng.u8(0..4) == 0 { 0 } else { ids.len().saturating_sub(4) };
        world.rng.choice(&ids[from..]).cloned().unwrap_or_default()
    };
    let (session, refund) = (one_of(&known.sessions), one_of(&known.refunds));
    let endpoint = world.rng.choice(&known.endpoints).cloned().unwrap_or_default();
    let customer = world.rng.choice(&known.customers).cloned().unwrap_or_default();
    let clock = world.rng.choice(&known.clocks).cloned();
    match world.rng.u32(0..115) {
        0..12 => {
            let clock = clock.filter(|_| number.is_multiple_of(4));
            let new = new_session(number / 4, clock.as_deref(), receiver);
            known.sessions.extend(id_of(world.api(Method::POST, "/v2/payment_sessions", Some(new)).await));
        }
        12..18 => world.post(&format!("/checkout/{session}/payer"), "name=Ada+Payer&email=ada%40example.com").await,
        18..28 => {
            let attempt = attempt_of(world, &session).await + attempt(number);
            let bank = ["mock-bank", "mock-consent", "mock-bank", "mock-settles-later"][number as usize / 8 % 4];
            world.post(&format!("/checkout/{session}/bank"), &format!("bank={bank}&attempt={attempt}")).await;
            if bank == "mock-consent" && !number.is_multiple_of(4) {
                let decision =
                    ["approve", "approve_then_settle", "decline", "approve_then_fail"][number as usize / 32 % 4];
                world.consent(&session, attempt, decision).await;
            }
        }
        28..40 => {
            let (attempt, account) = (
                (attempt_of(world, &session).await + attempt(number)).saturating_sub(1),
                ["shared", "withheld"][number as usize / 8 % 2],
            );
            let decisions = ["approve", "approve_then_settle", "approve", "approve_then_fail", "approve", "decline"];
            let decision = decisions[number as usize / 32 % decisions.len()];
            let form = format!("decision={decision}&payer_account={account}");
            world.post(&format!("/mock-bank/{session}/{attempt}"), &form).await;
            world.consent(&session, attempt, decision).await;
        }
        40..42 => world.post(&format!("/checkout/{session}/cancel"), "").await,
        42..44 => drop(world.api(Method::POST, &format!("/v2/payment_sessions/{session}/cancel"), None).await),
        44..45 => drop(world.api(Method::DELETE, &format!("/v2/payment_sessions/{session}"), None).await),
        45..55 => {
            let amount = (!number.is_multiple_of(3)).then_some(1 + number % 500);
            let refund = json!({ "payment_session_id": session, "amount": amount, "reference": "Candles back" });
            known.refunds.extend(id_of(world.api(Method::POST, "/v2/refunds", Some(refund)).await));
        }
        55..60 => {
            // Its payment is a session like any other.
            let shown = world.api(Method::GET, &format!("/v2/refunds/{refund}"), None).await;
            let payment = shown.and_then(|shown| Some(shown["refund_payment_session_id"].as_str()?.to_owned()));
            known.sessions.extend(payment.filter(|id| !known.sessions.contains(id)));
        }
        60..61 => drop(world.api(Method::POST, &format!("/v2/refunds/{refund}/cancel"), None).await),
        61..66 => {
            let details = "step=confirm&name=Ada+Payer&sort_code=040506&account_number=87654321";
            world.post(&format!("/refunds/{refund}"), details).await;
        }
        66..68 if known.endpoints.len() < 2 => {
            let url = receiver.url(&format!("/{}", known.endpoints.len()));
            let new = json!({ "url": url });
            known.endpoints.extend(id_of(world.api(Method::POST, "/v2/webhooks", Some(new)).await));
        }
        66..69 => {
            let change = json!({ "enabled": !number.is_multiple_of(3) });
            world.api(Method::PATCH, &format!("/v2/webhooks/{endpoint}"), Some(change)).await;
        }
        69 => {
            let path = ["/v2/payment_sessions?limit=20", "/v2/payment_session"][number as usize % 2];
            let listed = world.api_by_token(Method::GET, path, None).await;
            assert_eq!(listed.is_some(), path.ends_with("20"), "{path}");
        }
        70 => replay(world, known, number).await,
        71..80 => drop(world.publish().await),
        80..90 => drop(world.deliver().await),
        90..92 => world.expire().await,
        92 => world.bounce().await,
        93..99 => world.advance_ms(u64::from(number % 60_000)),
        99 => world.advance_ms(u64::from(number % 7_200_000)),
        100..103 if known.customers.len() < CUSTOMERS => {
            let new = json!({ "email": "ada@example.com", "name": "Ada Payer" });
            let made = world.done(Method::POST, "/v1/customers", Some(new)).await;
            known.customers.push(made["id"].as_str().unwrap().to_owned());
        }
        100..103 => {
            let shown = world.api(Method::GET, &format!("/v1/customers/{customer}"), None).await;
            assert_eq!(id_of(shown), Some(customer));
        }
        103..106 => {
            let order = json!({
                "amount": 100 + number % 900,
                "currency": "gbp",
                "customer": customer,
                "mode": "payment",
                "payment_method_types": ["pay_by_bank"],
            });
            let made = world.api(Method::POST, "/v1/payment_sessions", Some(order)).await;
            // It is refused while there is no customer.
            assert_eq!(made.is_none(), customer.is_empty(), "{}", world.last());
            // Payers reach it by its own id, which is not the one that this format shows.
            let id = made.map(|made| made["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned());
            known.sessions.extend(id);
        }
        106 => {
            let new = json!({ "name": "Expiry" });
            let made = world.done(Method::POST, "/v2/test_clocks", Some(new)).await;
            known.clocks.push(made["id"].as_str().unwrap().to_owned());
        }
        107..112 => {
            if let Some(clock) = clock {
                advance(world, &clock, SignedDuration::from_secs((1 + number % 200_000).into())).await;
            }
        }
        _ => look(world, &session).await,
    }
    world.advance_ms(u64::from(number % 40));
}

/// Reads the last events, and asks for one of them to be delivered again.
async fn replay(world: &mut World, known: &mut Known, number: u32) {
    let listed = world.api(Method::GET, "/v2/events?limit=10", None).await.unwrap();
    let events = listed["data"].as_array().unwrap();
    let Some(event) = events.get(number as usize % events.len().max(1)) else { return };
    let id = event["id"].as_str().unwrap().to_owned();
    let replayed = world.api(Method::POST, &format!("/v2/events/{id}/replay"), None).await;
    known.replayed.extend(replayed.map(|_| id));
}

/// Has a clock advanced by this much, or on to where it is being advanced to; whether it has arrived.
async fn advance(world: &mut World, clock: &str, by: SignedDuration) -> bool {
    let path = format!("/v2/test_clocks/{clock}");
    let shown = world.done(Method::GET, &path, None).await;
    let time = |clock: &Value, name: &str| clock[name].as_str().map(|at| at.parse::<Timestamp>().unwrap());
    let to = time(&shown, "advancing_to").unwrap_or_else(|| time(&shown, "now").unwrap() + by);
    let body = json!({ "to": to.to_string() });
    let advanced = world.done(Method::POST, &format!("{path}/advance"), Some(body)).await;
    let has_arrived = advanced["status"] == "ready";
    assert_eq!(time(&advanced, if has_arrived { "now" } else { "advancing_to" }), Some(to), "{advanced}");
    assert_eq!(world.done(Method::GET, &path, None).await, advanced);
    has_arrived
}

/// Somebody of the merchant opens the list of payments in the console, and one of them: it stands there as in the table, and as
/// by the API.
async fn look(world: &mut World, session: &str) {
    let visit = world.sign_in().await;
    let (status, list) = world.console(&visit, "/console/test/payments").await;
    assert_eq!(status, 200, "{list}");
    if session.is_empty() {
        return;
    }
    let (status, page) = world.console(&visit, &format!("/console/test/payments/{session}")).await;
    let stored = Sessions::new(world.table.clone()).get(&session.parse().unwrap()).await.unwrap();
    let shown = world.api(Method::GET, &format!("/v2/payment_sessions/{session}"), None).await;
    // It was deleted.
    let Some(stored) = stored else {
        assert_eq!((status, shown), (404, None), "{session}: {page}");
        return;
    };
    assert_eq!(status, 200, "{session}: {page}");
    let state = stored.state_at(world.clock.now());
    let (class, state_by_api) = match state {
        SessionState::AwaitingPayer
        | SessionState::AwaitingProvider
        | SessionState::AwaitingPaymentConsent
        | SessionState::Pending => ("wait", state),
        SessionState::Sent => ("good", state),
        SessionState::Failed => ("bad", state),
        // Both are failed to the API.
        SessionState::Cancelled | SessionState::Expired => ("", SessionState::Failed),
    };
    let class_shown = page.split_once("<span class=\"state ").and_then(|(_, rest)| rest.split_once('"'));
    assert_eq!(class_shown.map(|(class, _)| class), Some(class), "{session} is {state}: {page}");
    // This API knows those of its own format alone.
    let expected = (stored.format == WireFormat::Banked).then(|| state_by_api.as_str());
    let state_shown = shown.as_ref().map(|shown| shown["state"].as_str().unwrap());
    assert_eq!(state_shown, expected, "{session} is {state}: {shown:?}");
}

/// The id of what was made or shown.
fn id_of(answer: Option<Value>) -> Option<String> {
    answer.and_then(|answer| Some(answer["id"].as_str()?.to_owned()))
}

/// Which attempt the session is at.
async fn attempt_of(world: &World, session: &str) -> u32 {
    let Ok(id) = session.parse() else { return 0 };
    let session = Sessions::new(world.table.clone()).get(&id).await.unwrap();
    session.map_or(0, |session| session.attempt_number().into())
}

/// Most often the right one.
fn attempt(number: u32) -> u32 {
    [1, 1, 1, 1, 1, 1, 0, 2][number as usize % 8]
}

fn new_session(number: u32, clock: Option<&str>, receiver: &Receiver) -> Value {
    let payer = (!number.is_multiple_of(3)).then(|| json!({ "name": "Ada Payer", "email": "ada@example.com" }));
    json!({
        "reference": "Illuminate",
        "success_url": receiver.url("/success?id=__PAYMENT_ID__"),
        "error_url": receiver.url("/error"),
        "line_items": [{ "name": "Candles", "amount": 1 + number % 900, "currency": "GBP", "quantity": 1 }],
        "payee": { "name": "Bright Candles Ltd", "account_number": "12345678", "sort_code": "010203" },
        "payer": payer,
        "email_receipt": number.is_multiple_of(2),
        "test_clock": clock,
    })
}

/// Lets all that is under way come to its end: nothing is lost any more, and nobody does anything new.
async fn settle(world: &mut World, known: &Known) {
    world.hurts = false;
    // While clocks are there, they arrive where they are being advanced to, and go on for longer than what follows them waits.
    for (clock, days) in known.clocks.iter().flat_map(|clock| [(clock, 1), (clock, 99)]) {
        let mut advances = 0..MAX_ADVANCES;
        while !advance(world, clock, SignedDuration::from_hours(24 * days)).await {
            assert!(advances.next().is_some(), "{clock} doesn't arrive");
            hand_on(world).await;
            world.advance_ms(60_000);
        }
    }
    for round in 0..70 {
        hand_on(world).await;
        world.expire().await;
        // As much as mails, slots and banks wait for; then as much as sessions and refunds do.
        world.advance_ms(if round < 30 { 60_000 } else { 24 * 3_600_000 });
    }
}

/// Publishes and delivers all that there is to.
async fn hand_on(world: &mut World) {
    while world.publish().await > 0 {}
    while world.deliver().await {}
}

/// Whether a mock bank sends money by this: by our order, or by the payer's consent alone. What it refuses later moves nothing.
fn moves_money(item: &Value) -> bool {
    let decision = match item["sk"]["S"].as_str().and_then(|sk| sk.split('#').next()) {
        Some("ORDER") => &item["decision"],
        Some("CONCLUSION") => &item["conclusion"]["M"]["decided"]["M"]["decision"],
        Some(_) | None => return false,
    };
    matches!(decision["S"].as_str(), Some("approve" | "approve_then_settle"))
}

async fn check(world: &World, known: &Known, items: &[Value], receiver: &Receiver) {
    let verify = Verify::new(world.table.clone(), world.clock.now(), SignedDuration::from_hours(25));
    for mut walk in world.table.items(Parts(1)) {
        while let Some(page) = walk.next().await.unwrap() {
            for item in page.found {
                let checked = verify.check(&item).await.unwrap();
                assert_eq!((checked.violations, checked.warnings), (vec![], vec![]));
            }
        }
    }
    let text = |item: &Value, name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
    let minor = |item: &Value| item["amount"]["M"]["minor"]["N"].as_str().unwrap().parse::<i64>().unwrap();
    // An attempt's money is asked for again by the same order alone.
    let mut orders = BTreeMap::new();
    for (payment, sk, order) in world.aws.orders() {
        assert_eq!(orders.entry((payment.clone(), sk)).or_insert(order.clone()), &order, "{payment}");
    }
    let sessions = || items.iter().filter(|item| item["sk"]["S"] == "SESSION" && !item["state"].is_null());
    for session in sessions() {
        let payment = format!("MOCKBANK#{}", text(session, "end_to_end_id"));
        // By one order or one consent, and never both; attempts that failed may have come before.
        let moved = items.iter().filter(|item| text(item, "pk") == payment && moves_money(item)).count();
        assert!(moved <= 1, "paid {moved} times: {session}");
        let state = text(session, "state");
        assert!(matches!(state.as_str(), "sent" | "failed" | "cancelled" | "expired"), "still {state}: {session}");
        assert_eq!(moved == 1, state == "sent", "paid {moved} times, and {state}: {session}");
        // What was given back is what the bank was ordered to pay back.
        let refunds = items.iter().filter(|item| {
            item["pk"] == session["pk"] && text(item, "sk").starts_with("REFUND#") && text(item, "state") == "sent"
        });
        let refunded: i64 = refunds.map(minor).sum();
        assert!(refunded == 0 || state == "sent" && refunded <= minor(session), "{refunded} of {session}");
    }
    // To each endpoint, each object's events in order.
    for path in ["/0", "/1"] {
        let mut last = BTreeMap::new();
        for one in accepted(&receiver.at(path)) {
            if known.replayed.contains(one.json["id"].as_str().unwrap()) {
                continue;
            }
            let (object, sequence) = (one.object_id(), one.sequence());
            // One that comes again was accepted before.
            let delivered: &mut Vec<u64> = last.entry(object).or_default();
            assert!(
                delivered.contains(&sequence) || delivered.last() < Some(&sequence),
                "{path}: {sequence} after {delivered:?}"
            );
            delivered.push(sequence);
        }
    }
}
