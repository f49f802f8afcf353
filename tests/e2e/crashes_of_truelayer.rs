//! Dying processes around payments by TrueLayer: wherever a function dies between two calls, before or after the table has done what
//! it was asked, repeating what was done, a webhook that is sent again, or the schedule brings it to its end. TrueLayer is asked
//! for one payment, and for one refund.

use std::time::Duration;

use local::{Effect, Fault};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{PATIENCE, World, answer, states, text};

use crate::at_consent_ends::fall_due;
use crate::truelayer::{BANK, PAID, at_the_bank, come_back, decide, state, truelayer, visit, with_merchant_account};
use crate::{operator, refunds_at_provider};

const TRANSACTION: &str = "TransactWriteItems";

/// How a function dies: before or after which of its requests of a kind.
type Death = (&'static str, Effect, usize);

/// Before and after every request: of each kind there are this many.
fn deaths(kinds: &[(&'static str, usize)]) -> Vec<Death> {
    let mut deaths = Vec::new();
    for (operation, times) in kinds.iter().copied() {
        for nth in 0..times {
            deaths.extend([Effect::KillBefore, Effect::KillAfter].map(|effect| (operation, effect, nth)));
        }
    }
    deaths
}

/// Has the function of a route started: it is to die of what it does, and not as it starts.
async fn start(world: &World, method: Method, path: &str) {
    answer(world.demo(method, path)).await;
}

/// The next time, this function dies so.
fn arm(world: &World, function: &str, (operation, effect, nth): Death) {
    for _ in 0..nth {
        // Lets one through unharmed: a lost answer is repeated by the SDK.
        world.machine.faults().add(Fault::new(operation, Effect::DropAnswer).function(function));
    }
    world.machine.faults().add(Fault::new(operation, effect).function(function));
}

/// It is over; at least the first of each kind must have happened.
fn disarm(world: &World, death: Death) {
    let waiting = world.machine.faults().waiting();
    assert!(death.2 > 0 || waiting.is_empty(), "nothing dies of it: {waiting:?}");
    world.machine.faults().clear();
}

/// The session was paid in the way that every other is, and TrueLayer was asked for one payment.
async fn assert_paid_once(world: &World, session: &Value, before: usize, death: &str) {
    let paid = world.get(&text(&session["id"])).await;
    assert_eq!(states(&paid), PAID, "{death}: {:#?}", world.machine.logs());
    let payments = truelayer(world).payments();
    assert_eq!(payments.len(), before + 1, "{death}");
    let executed = payments.iter().filter(|payment| payment.status == "executed").count();
    assert_eq!(executed, before + 1, "{death}");
    assert!(payments.iter().all(|payment| payment.other_creates == 0), "{death}: {payments:?}");
}

/// Wherever the checkout dies while the payer chooses, or as they come back: they press again, or load the page again.
#[tokio::test]
async fn a_checkout_that_dies_anywhere_pays_once() {
    let world = World::with_truelayer().await;
    truelayer(&world).pause_webhooks(true);
    let choosing = deaths(&[("GetItem", 2), ("UpdateItem", 1), (TRANSACTION, 1)]);
    let returning = deaths(&[("GetItem", 2), ("UpdateItem", 2)]);
    let choosing = choosing.into_iter().map(|death| (true, death));
    let all: Vec<_> = choosing.chain(returning.into_iter().map(|death| (false, death))).collect();
    for (before, (is_choosing, death)) in all.iter().copied().enumerate() {
        let dies = format!("choosing: {is_choosing}, {death:?}");
        let session = world.create().await;
        let payer = world.payer(&session);
        payer.identify().await;
        if is_choosing {
            arm(&world, "CheckoutFunction", death);
            payer.choose(BANK, 1).await;
            disarm(&world, death);
        }
        payer.choose(BANK, 1).await;
        let back = decide(&world, &session, "approve").await;
        if !is_choosing {
            arm(&world, "CheckoutFunction", death);
            come_back(&world, &back).await;
            disarm(&world, death);
        }
        come_back(&world, &back).await;
        assert_paid_once(&world, &session, before, &dies).await;
    }
    assert_eq!(world.mails().await.len(), all.len());
    operator::answer(&world, &["verify"]).await;
}

/// Nobody comes back, and the function dies that a webhook comes to: it is sent again.
#[tokio::test]
async fn a_webhook_that_kills_its_function_comes_again_and_pays_once() {
    let world = World::with_truelayer().await;
    start(&world, Method::POST, "/providers/truelayer/webhook").await;
    let all = deaths(&[("GetItem", 2), ("UpdateItem", 2)]);
    for (before, death) in all.iter().copied().enumerate() {
        truelayer(&world).pause_webhooks(true);
        let session = at_the_bank(&world).await;
        visit(&world.payer(&session).link(1).await, Some("approve")).await;
        arm(&world, "ProviderEventsFunction", death);
        truelayer(&world).deliver_webhooks().await;
        disarm(&world, death);
        truelayer(&world).pause_webhooks(false);
        world.settled().await;
        assert_paid_once(&world, &session, before, &format!("{death:?}")).await;
    }
    assert_eq!(world.mails().await.len(), all.len());
    operator::answer(&world, &["verify"]).await;
}

/// Nobody comes back, and no webhook comes.
#[tokio::test]
async fn a_schedule_that_dies_anywhere_pays_once() {
    let world = World::with_truelayer().await;
    truelayer(&world).pause_webhooks(true);
    world.run_schedule().await;
    let all = deaths(&[("GetItem", 1), ("UpdateItem", 2)]);
    for (before, death) in all.iter().copied().enumerate() {
        let session = at_the_bank(&world).await;
        visit(&world.payer(&session).link(1).await, Some("approve")).await;
        arm(&world, "ExpireFunction", death);
        fall_due(&world, &session, false).await;
        world.try_schedule().await;
        disarm(&world, death);
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while state(&world, &session).await != "sent" {
            assert!(tokio::time::Instant::now() < deadline, "{death:?}: {:#?}", world.machine.logs());
            fall_due(&world, &session, false).await;
            world.run_schedule().await;
        }
        assert_paid_once(&world, &session, before, &format!("{death:?}")).await;
    }
    assert_eq!(world.mails().await.len(), all.len());
    operator::answer(&world, &["verify"]).await;
}

/// The merchant ends what the payer is paying, and the function dies that does it: TrueLayer is asked again, and nobody pays.
#[tokio::test]
async fn a_merchant_who_cancels_through_a_function_that_dies_is_not_paid() {
    let world = World::with_truelayer().await;
    truelayer(&world).pause_webhooks(true);
    start(&world, Method::POST, "/v2/payment_sessions/00000000-0000-4000-8000-000000000000/cancel").await;
    for (before, death) in deaths(&[("GetItem", 1), ("UpdateItem", 2)]).into_iter().enumerate() {
        let session = at_the_bank(&world).await;
        let link = world.payer(&session).link(1).await;
        arm(&world, "CancelFunction", death);
        let cancel = format!("/v2/payment_sessions/{}/cancel", text(&session["id"]));
        answer(world.demo(Method::POST, &cancel)).await;
        world.machine.faults().clear();
        answer(world.demo(Method::POST, &cancel)).await;
        visit(&link, Some("approve")).await;
        world.payer(&session).come_back().await;
        let ended = world.get(&text(&session["id"])).await;
        assert_eq!(ended["failure_reason"], "cancelled_by_merchant", "{death:?}: {ended}");
        let payments = truelayer(&world).payments();
        let failed = payments.iter().filter(|payment| payment.status == "failed").count();
        assert_eq!((payments.len(), failed), (before + 1, before + 1), "{death:?}: {payments:?}");
    }
    world.settled().await;
    operator::answer(&world, &["verify"]).await;
}

/// What a refund is followed up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Webhook,
    Schedule,
}

/// How long a refund takes at the simulator, and more.
const LONG_ENOUGH: Duration = Duration::from_secs(3);

/// A merchant account's payment is refunded in many parts, and each of the functions dies that do it: each part goes back once.
#[tokio::test]
async fn a_refund_is_made_once_whichever_function_dies_of_it() {
    const PART: i64 = 10;
    let world = with_merchant_account().await;
    let session = at_the_bank(&world).await;
    let back = decide(&world, &session, "approve").await;
    truelayer(&world).advance(LONG_ENOUGH);
    come_back(&world, &back).await;
    world.settled().await;
    assert_eq!(state(&world, &session).await, "sent", "{:#?}", world.machine.logs());

    truelayer(&world).pause_webhooks(true);
    start(&world, Method::GET, "/v2/refunds/00000000-0000-4000-8000-000000000000").await;
    world.run_schedule().await;
    let asking = deaths(&[("GetItem", 2), (TRANSACTION, 1), ("UpdateItem", 1)]).into_iter();
    let asking = asking.map(|death| ("RefundFunction", By::Schedule, death));
    let following = deaths(&[("GetItem", 1), (TRANSACTION, 1)]).into_iter();
    let following = following
        .flat_map(|death| [("ProviderEventsFunction", By::Webhook, death), ("ExpireFunction", By::Schedule, death)]);
    let mut refunded = 0;
    for (function, by, death) in asking.chain(following) {
        let dies = format!("{function} {death:?}");
        let key = format!("part-{refunded}");
        let ask = async || {
            let request = json!({ "payment_session_id": session["id"], "amount": PART });
            answer(world.demo(Method::POST, "/v2/refunds").header("idempotency-key", &key).json(&request)).await
        };
        if function == "RefundFunction" {
            arm(&world, function, death);
            ask().await;
            disarm(&world, death);
        }
        let made = ask().await;
        assert_eq!(made.status, StatusCode::CREATED, "{dies}: {}", made.text);
        let refund = made.body;
        truelayer(&world).advance(LONG_ENOUGH);
        let follow_up = async || match by {
            By::Webhook => drop(truelayer(&world).deliver_webhooks().await),
            By::Schedule => {
                refunds_at_provider::fall_due(&world, &refund).await;
                world.try_schedule().await;
                truelayer(&world).advance(LONG_ENOUGH);
            }
        };
        if function != "RefundFunction" {
            arm(&world, function, death);
            follow_up().await;
            disarm(&world, death);
        }
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while world.get_refund(&refund).await["state"] != "sent" {
            assert!(tokio::time::Instant::now() < deadline, "{dies}: {:#?}", world.machine.logs());
            follow_up().await;
        }
        refunded += PART;
        let payments = truelayer(&world).payments();
        assert_eq!(i64::try_from(payments[0].refunded_minor).unwrap(), refunded, "{dies}");
        assert_eq!(world.get(&text(&session["id"])).await["refundable_amount"], 400 - refunded, "{dies}");
        // Those that are late, and were not needed.
        truelayer(&world).deliver_webhooks().await;
    }
    world.settled().await;
    operator::answer(&world, &["verify"]).await;
}
