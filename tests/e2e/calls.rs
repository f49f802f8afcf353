//! How many calls of AWS each request and event costs, while the merchant is remembered and nobody else is at it. A call
//! more is money and time for everyone; who adds one says so here.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Receiver, World, answer, document_1, loopback_webhooks, page, text};

/// How many calls `function` makes for what `act` does.
async fn calls<T>(world: &World, function: &str, act: impl Future<Output = T>) -> (u64, T) {
    world.settled().await;
    world.machine.meter().take();
    let result = act.await;
    (world.machine.meter().counts().calls_of(function), result)
}

/// Answers a request as the demo merchant, which must succeed; how many calls that made.
async fn demo(world: &World, function: &str, method: Method, path: &str, body: Option<Value>) -> (u64, Value) {
    let mut request = world.demo(method, path);
    if let Some(body) = body {
        request = request.header("idempotency-key", uuid::Uuid::new_v4().to_string()).json(&body);
    }
    let (count, answer) = calls(world, function, answer(request)).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    (count, answer.body)
}

#[tokio::test]
async fn of_the_api() {
    let world = World::start().await;
    let sessions = "/v2/payment_sessions";
    let path = |session: &Value| format!("{sessions}/{}", text(&session["id"]));
    let create = || calls(&world, "CreateFunction", world.create());
    let (first, session) = create().await;
    assert_eq!(first, 3, "one read as the process starts, the merchant, and the work");
    assert_eq!(create().await.0, 1);
    assert_eq!(demo(&world, "CreateFunction", Method::POST, sessions, Some(document_1())).await.0, 1, "with a key");

    let get = || demo(&world, "GetFunction", Method::GET, sessions, None);
    get().await;
    assert_eq!(get().await.0, 2, "a list, whose index has one shard, and what is in it");
    assert_eq!(demo(&world, "GetFunction", Method::GET, &format!("{sessions}?limit=20"), None).await.0, 2);
    let (one, _) = demo(&world, "GetFunction", Method::GET, &path(&session), None).await;
    assert_eq!(one, 1, "with its refunds, if it has any");

    let cancel = async |session: Value| {
        demo(&world, "CancelFunction", Method::POST, &format!("{}/cancel", path(&session)), None).await.0
    };
    cancel(session.clone()).await;
    assert_eq!(cancel(world.create().await).await, 1);
    let delete = |session: Value| {
        let path = path(&session);
        let world = &world;
        async move { demo(world, "CancelFunction", Method::DELETE, &path, None).await.0 }
    };
    assert_eq!(
        delete(world.create().await).await,
        3,
        "the session, one transaction with its events, and what was delivered"
    );
    assert_eq!(delete(session).await, 3, "one that had ended");

    let paid = world.paid().await;
    let refund = json!({ "payment_session_id": paid["id"], "amount": 1 });
    let refund = || demo(&world, "RefundFunction", Method::POST, "/v2/refunds", Some(refund.clone()));
    refund().await;
    assert_eq!(refund().await.0, 2, "the session, and one transaction");
    let (count, list) = get().await;
    let refunded = list["data"].as_array().unwrap().iter().filter(|one| one["refunds"] != json!([])).count();
    assert_eq!(
        (count, refunded),
        (3, 1),
        "a listed session's refunds stand beside it: one call for each that has some"
    );
}

/// What the mock bank itself reads and remembers while the checkout follows up a payer who approved: it reads the decision
/// when it is asked how things stand and again when it is asked for the money, and keeps the order. A live bank does that at
/// home.
const OF_THE_MOCK_BANK: u64 = 3;

#[tokio::test]
async fn of_the_checkout() {
    let world = World::start().await;
    let session = world.create().await;
    let payer = world.payer(&session);
    let opened = || async { calls(&world, "CheckoutFunction", payer.page()).await.0 };
    assert_eq!(opened().await, 3, "one read as the process starts, the session, its merchant's shop");
    assert_eq!(calls(&world, "CheckoutFunction", payer.identify()).await.0, 2);
    assert_eq!(opened().await, 2);
    assert_eq!(calls(&world, "CheckoutFunction", payer.choose_bank(1)).await.0, 2);
    let bank = world.request(Method::GET, &format!("/mock-bank/{}/1", text(&session["id"])));
    assert_eq!(calls(&world, "MocksFunction", page(bank)).await.0, 3, "one read as the process starts");
    assert_eq!(calls(&world, "MocksFunction", payer.press(1, &[("decision", "approve")])).await.0, 2);
    // The session, the submission's record, and, as the bank answers at once, the settlement's; and what came of it.
    let (count, _) = calls(&world, "CheckoutFunction", payer.come_back()).await;
    assert_eq!(count, 4 + OF_THE_MOCK_BANK);
    assert_eq!(calls(&world, "CheckoutFunction", payer.come_back()).await.0, 1, "again");
    assert_eq!(opened().await, 2);
    assert_eq!(world.get(&text(&session["id"])).await["state"], "sent");

    let at_bank = async || {
        let session = world.create().await;
        let payer = world.payer(&session);
        payer.identify().await;
        payer.choose_bank(1).await;
        session
    };
    let session = at_bank().await;
    let later = calls(&world, "CheckoutFunction", world.payer(&session).decide(1, "approve_then_settle")).await.0;
    assert_eq!(later, 3 + OF_THE_MOCK_BANK, "the session, the submission's record, and what came of it");
    let session = at_bank().await;
    let declined = calls(&world, "CheckoutFunction", world.payer(&session).decide(1, "decline")).await.0;
    assert_eq!(declined, 3 + OF_THE_MOCK_BANK - 2, "the bank is not asked for the money");
    let session = at_bank().await;
    assert_eq!(calls(&world, "CheckoutFunction", world.payer(&session).cancel()).await.0, 1);
}

#[tokio::test]
async fn of_a_refunds_pages() {
    let world = World::start().await;
    let paid = world.paid_from_withheld_account().await;
    let refund = world.refund(&paid, 1).await;
    let open = || page(world.request(Method::GET, &format!("/refunds/{}", text(&refund["id"]))));
    assert_eq!(
        calls(&world, "CheckoutFunction", open()).await.0,
        4,
        "which session's it is, the refund, the session, the shop"
    );
    let given = calls(&world, "CheckoutFunction", world.give_details(&refund, "check", "12345674")).await.0;
    assert_eq!(given, 4, "shown again, to be confirmed");
    let confirmed = calls(&world, "CheckoutFunction", world.give_details(&refund, "confirm", "12345674")).await.0;
    assert_eq!(confirmed, 6, "the same, one transaction, and how the refund is after it");
}

/// What follows by itself: one stream record or message at a time.
#[tokio::test]
async fn of_notifications() {
    let world = World::start_with(loopback_webhooks).await;
    let receiver = Receiver::start().await;
    for path in ["/a", "/b"] {
        world
            .register(
                &receiver.url(path),
                json!({ "events": ["payment_session.awaiting_payer", "payment_session.sent"] }),
            )
            .await;
    }
    // The first one knows nothing yet of how to reach anyone.
    world.create().await;
    world.settled().await;
    let meter = world.machine.meter();
    meter.take();

    let session = world.create().await;
    world.settled().await;
    let counts = meter.take();
    assert_eq!(counts.calls_of("PublishFunction"), 2 + 2 * 2, "endpoints, event; for each endpoint cursor and message");
    let deliveries = counts.calls[&("WebhookFunction".to_owned(), "PutItem".to_owned())];
    assert_eq!(deliveries, 2, "each is noted");
    // Claim, endpoint, slot, events, note, cursor, slot.
    assert_eq!(counts.calls_of("WebhookFunction"), 7 * deliveries);

    let payer = world.payer(&session);
    payer.identify().await;
    world.settled().await;
    assert_eq!(meter.take().calls_of("PublishFunction"), 2, "endpoints, event; nobody wants to know");

    payer.choose_bank(1).await;
    world.settled().await;
    meter.take();
    payer.decide(1, "approve").await;
    world.settled().await;
    let counts = meter.take();
    let publish = |operation: &str| counts.calls[&("PublishFunction".to_owned(), operation.to_owned())];
    assert_eq!(publish("PutItem"), 2 + 1, "two events and a mail");
    assert_eq!(publish("SendMessage"), 1 + 2, "rung for the mail, and for each endpoint");
    // Claim, session, shop, SES, mark.
    assert_eq!(counts.calls_of("EmailReceiptFunction"), 5);
}
