//! The two lanes of deliveries: an endpoint that keeps a delivery waiting keeps no other waiting.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use local::{Effect, Fault};
use models::Mode;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{PATIENCE, Received, Receiver, Reply, World, answer, document_1, in_order, loopback_webhooks, text};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::Instant;

/// Within this an endpoint that answers at once is called, even if others do not.
const PROMPT: Duration = Duration::from_secs(2);

/// Longer than anything here takes, what is waited for included.
const LONG: Duration = Duration::from_secs(90);

/// A merchant's key and secret.
type Credentials = (String, String);

async fn register(world: &World, (key, secret): &Credentials, url: &str) -> Value {
    let request = world.request(Method::POST, "/v2/webhooks").basic_auth(key, Some(secret));
    let answer = answer(request.json(&json!({ "url": url }))).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body
}

/// Creates a session: its id, and when it was asked for.
async fn create(world: &World, (key, secret): &Credentials) -> (String, Instant) {
    let asked = Instant::now();
    let request = world.request(Method::POST, "/v2/payment_sessions").basic_auth(key, Some(secret));
    let answer = answer(request.json(&document_1())).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    (text(&answer.body["id"]), asked)
}

/// How long after it was asked for a session's first event came to a path.
async fn came_after(receiver: &Receiver, path: &str, (id, asked): &(String, Instant)) -> Duration {
    let is_it = |one: &Received| one.path() == path && one.object_id() == *id;
    assert!(
        receiver.until(PATIENCE, |all| all.iter().any(is_it)).await,
        "{id} did not come: {:#?}",
        receiver.summary()
    );
    receiver.received().iter().find(|one| is_it(one)).unwrap().at.saturating_duration_since(*asked)
}

/// Creates sessions of three merchants, all at once: how long after that each came to its merchant's own endpoint.
async fn burst(world: &World, receiver: &Receiver, merchants: &[Credentials; 3]) -> Vec<Duration> {
    let all = (0..9).map(|n| create(world, &merchants[n % 3]));
    let sessions = futures_util::future::join_all(all).await;
    let came = sessions
        .iter()
        .enumerate()
        .map(async |(n, session)| came_after(receiver, &format!("/fine{}", n % 3), session).await);
    futures_util::future::join_all(came).await
}

/// A port whose connections are never accepted: as many wait already as the system lets further ones wait outside.
async fn never_accepts() -> (SocketAddr, Vec<TcpStream>, TcpListener) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        waiting.push(stream.unwrap());
    }
    (address, waiting, listener)
}

/// A port whose connections are accepted, and then hear nothing: no TLS either.
async fn never_speaks() -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            kept.push(stream);
        }
    });
    (address, accepting)
}

async fn three_merchants(world: &World) -> [Credentials; 3] {
    let (acme, zeta) = (world.merchant("acme", Mode::Test, "all"), world.merchant("zeta", Mode::Test, "all"));
    [("pk_test_demo".to_owned(), "sk_test_demo".to_owned()), acme.await, zeta.await]
}

#[tokio::test]
async fn beside_ten_endpoints_that_never_answer_others_are_called_at_once() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::planned(|one| match one.path() {
        path if path.starts_with("/hangs") => Reply::Hang,
        path if path.starts_with("/drips") => Reply::Drip,
        _ => Reply::Status(200),
    })
    .await;
    let merchants = three_merchants(&world).await;
    for (n, merchant) in merchants.iter().enumerate() {
        register(&world, merchant, &receiver.url(&format!("/fine{n}"))).await;
    }
    let (deaf, _waiting, _deaf) = never_accepts().await;
    let (dumb, _dumb) = never_speaks().await;
    let silent = [
        receiver.url("/hangs/1"),
        format!("http://{deaf}/"),
        receiver.url("/drips/1"),
        format!("https://{dumb}/"),
        receiver.url("/hangs/2"),
        format!("https://{deaf}/"),
        receiver.url("/drips/2"),
        receiver.url("/hangs/3"),
        receiver.url("/hangs/4"),
        receiver.url("/hangs/5"),
    ];
    // As long as all of them answer, so that it is known what as many deliveries take on this machine.
    let mut others = Vec::new();
    for n in 0..silent.len() {
        others.push(register(&world, &merchants[n % 3], &receiver.url("/quick")).await);
    }
    burst(&world, &receiver, &merchants).await;
    world.settled().await;
    let usual = burst(&world, &receiver, &merchants).await.into_iter().max().unwrap();
    world.settled().await;
    for (n, (webhook, url)) in others.iter().zip(&silent).enumerate() {
        let path = format!("/v2/webhooks/{}", text(&webhook["id"]));
        let (key, secret) = &merchants[n % 3];
        let request = world.request(Method::PATCH, &path).basic_auth(key, Some(secret));
        assert_eq!(answer(request.json(&json!({ "url": url }))).await.status, 200);
    }
    // Now none does, and each has several events waiting.
    let first = burst(&world, &receiver, &merchants).await;
    // They are still being waited for: the next are delivered as if they were not there.
    let second = burst(&world, &receiver, &merchants).await;
    let mut alone = Vec::new();
    for (n, merchant) in merchants.iter().enumerate() {
        let session = create(&world, merchant).await;
        alone.push(came_after(&receiver, &format!("/fine{n}"), &session).await);
    }
    println!("usually within {usual:?}; beside ten that never answer {first:?}, {second:?}, then one by one {alone:?}");
    let most = PROMPT + 2 * usual;
    assert!(first.iter().all(|wait| *wait < most), "usually within {usual:?}, now {first:?}");
    assert!(second.iter().all(|wait| *wait < most), "usually within {usual:?}, then {second:?}");
    assert!(alone.iter().all(|wait| *wait < most), "usually within {usual:?}, one by one {alone:?}");
    // They are called all the same, by few deliveries at a time.
    let hangs = |all: &[Received]| all.iter().filter(|one| one.path() == "/hangs/1").count();
    assert!(receiver.until(LONG, |all| hangs(all) >= 3).await, "{:#?}", receiver.summary());
    assert!(receiver.received().iter().all(|one| one.path().starts_with("/fine") || one.under_way <= 3));
}

#[tokio::test]
async fn an_answers_body_holds_up_nobody() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::planned(|_| Reply::DripBody(200)).await;
    world.register(&receiver.url("/"), json!({})).await;
    let session = world.paid().await;
    let paid = Instant::now();
    let id = text(&session["id"]);
    assert!(receiver.until(LONG, |all| all.len() >= 5).await, "{:#?}", receiver.summary());
    let elapsed = paid.elapsed();
    // The body of each would be waited for for 15 s.
    assert!(elapsed < Duration::from_secs(12), "{elapsed:?}");
    world.settled().await;
    assert_eq!(in_order(&receiver.received())[&id], [1, 2, 3, 4, 5]);
    assert_eq!(receiver.received().len(), 5, "each once: {:#?}", receiver.summary());
}

/// How many attempts each lane made since it was last asked.
fn attempts(world: &World) -> (u64, u64) {
    let counts = world.machine.meter().take();
    let of = |function: &str| counts.calls.get(&(function.to_owned(), "PutItem".to_owned())).copied().unwrap_or(0);
    (of("WebhookFunction"), of("SlowWebhookFunction"))
}

/// What fails at once needs no waiting for: it is tried again in the fast lane.
#[tokio::test]
async fn who_fails_quickly_leaves_the_slow_lane() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::planned(|_| Reply::After(Duration::from_secs(2), 200)).await;
    world.register(&receiver.url("/"), json!({})).await;
    world.create().await;
    world.settled().await;
    receiver.answer_all(Reply::Status(500));
    attempts(&world);
    receiver.forget();
    world.create().await;
    assert!(receiver.until(LONG, |all| all.len() == 1).await);
    receiver.answer_all(Reply::Status(200));
    assert!(receiver.until(LONG, |all| all.len() == 2).await, "{:#?}", receiver.summary());
    world.settled().await;
    assert_eq!(attempts(&world), (1, 1), "the first by the slow lane, the next by the fast one");
}

#[tokio::test]
async fn who_takes_long_is_waited_for_and_comes_back_when_it_is_quick() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::planned(|_| Reply::After(Duration::from_secs(3), 200)).await;
    let webhook = world.register(&receiver.url("/"), json!({})).await;
    attempts(&world);
    let first = world.create().await;
    world.settled().await;
    assert_eq!(attempts(&world), (1, 1), "{:#?}", receiver.summary());
    let path = format!("/v2/events/evt_{}_1/attempts", text(&first["id"]));
    let noted = answer(world.demo(Method::GET, &path)).await.body["data"].clone();
    let said: Vec<_> =
        noted.as_array().unwrap().iter().map(|one| (one["status"].clone(), one["error"].clone())).collect();
    let late = json!("there was no answer at once; the event is sent again, and its answer waited for");
    assert!(said.contains(&(json!(null), late)) && said.contains(&(json!(200), json!(null))), "{noted}");
    assert_eq!(world.get_webhook(&webhook).await["failures"], 0, "that is no failure");
    // From now on each is sent once.
    receiver.forget();
    world.create().await;
    world.settled().await;
    assert_eq!((attempts(&world), receiver.received().len()), ((0, 1), 1));
    receiver.answer_all(Reply::Status(200));
    world.create().await;
    world.settled().await;
    assert_eq!(attempts(&world), (0, 1), "nobody knows yet that it is quick again");
    world.create().await;
    world.settled().await;
    assert_eq!((attempts(&world), receiver.received().len()), ((1, 0), 3));
    // The second time it has to be quick for longer.
    receiver.answer_all(Reply::After(Duration::from_secs(2), 200));
    world.create().await;
    world.settled().await;
    assert_eq!(attempts(&world), (1, 1));
    receiver.answer_all(Reply::Status(200));
    for lanes in [(0, 1), (0, 1), (1, 0)] {
        world.create().await;
        world.settled().await;
        assert_eq!(attempts(&world), lanes);
    }
    // Another server is another matter.
    receiver.answer_all(Reply::After(Duration::from_secs(2), 200));
    world.create().await;
    world.settled().await;
    receiver.answer_all(Reply::Status(200));
    world.change_webhook(&webhook, json!({ "url": receiver.url("/moved") })).await;
    attempts(&world);
    world.create().await;
    world.settled().await;
    assert_eq!(attempts(&world), (1, 0));
}

/// What an endpoint has waiting is due in the table, whichever lane it is in: also for who asks for it elsewhere.
#[tokio::test]
async fn replays_retries_and_what_the_schedule_finds_come_to_the_right_lane() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::planned(|_| Reply::After(Duration::from_secs(2), 200)).await;
    world.register(&receiver.url("/"), json!({})).await;
    let session = world.create().await;
    world.settled().await;
    attempts(&world);
    let replay = format!("/v2/events/evt_{}_1/replay", text(&session["id"]));
    assert_eq!(answer(world.demo(Method::POST, &replay)).await.status, 202);
    world.settled().await;
    assert_eq!(attempts(&world), (0, 1));
    // Its retry, after some seconds.
    receiver.plan(|one| Reply::After(Duration::from_secs(2), if one.seen == 0 { 500 } else { 200 }));
    world.create().await;
    world.settled().await;
    assert_eq!(attempts(&world), (0, 2));
    // No message announces it, so that the schedule does.
    let lost = Fault::new("SendMessage", Effect::DropRequest).function("PublishFunction").times(1_000).every_attempt();
    world.machine.faults().add(lost);
    receiver.answer_all(Reply::After(Duration::from_secs(2), 200));
    world.create().await;
    let moved = |machine: &local::Machine| (machine.meter().calls("PublishFunction", "UpdateItem") >= 1).then_some(());
    assert!(world.machine.until(PATIENCE, moved).await.is_some());
    world.settled().await;
    world.machine.faults().clear();
    attempts(&world);
    world.run_schedule().await;
    world.settled().await;
    assert_eq!(attempts(&world), (0, 1));
    assert!(world.waiting_cursors().await.is_empty());
}

#[tokio::test]
async fn order_holds_from_lane_to_lane() {
    let world = World::with_webhooks().await;
    // Some take so long that the next lane has to, each of them once.
    let receiver = Receiver::planned(|one| {
        let is_slow = one.seen == 0 && (one.sequence() + u64::from(one.object_id().as_bytes()[0])).is_multiple_of(4);
        if is_slow { Reply::After(Duration::from_millis(1_500), 200) } else { Reply::Status(200) }
    })
    .await;
    world.register(&receiver.url("/"), json!({})).await;
    let sessions = futures_util::future::join_all((0..6).map(|_| world.paid())).await;
    let delivered = |all: &[Received], id: &str| {
        (1..=5).all(|n| all.iter().any(|one| one.object_id() == id && one.sequence() == n))
    };
    let all_delivered =
        receiver.until(LONG, |all| sessions.iter().all(|session| delivered(all, &text(&session["id"])))).await;
    assert!(all_delivered, "{:#?}", receiver.summary());
    world.settled().await;
    let delivered = in_order(&receiver.received());
    assert!(sessions.iter().all(|session| delivered[&text(&session["id"])] == [1, 2, 3, 4, 5]), "{delivered:?}");
    assert!(world.waiting_cursors().await.is_empty());
}

/// Whatever dies while an event goes from one lane to the other.
#[tokio::test]
async fn nothing_is_lost_between_the_lanes() {
    let world = World::start_with(|config| {
        loopback_webhooks(config);
        config.visibility_timeout = Some(Duration::from_secs(1));
    })
    .await;
    let receiver =
        Receiver::planned(|one| if one.seen == 0 && one.sequence() == 2 { Reply::Hang } else { Reply::Status(200) })
            .await;
    let webhook = world.register(&receiver.url("/"), json!({})).await;
    let kills = [
        ("WebhookFunction", "PutItem", 2),
        ("WebhookFunction", "UpdateItem", 5),
        ("WebhookFunction", "SendMessage", 1),
        ("SlowWebhookFunction", "GetItem", 1),
        ("SlowWebhookFunction", "UpdateItem", 3),
        ("SlowWebhookFunction", "PutItem", 1),
    ];
    for (function, operation, most) in kills {
        for effect in [Effect::KillBefore, Effect::KillAfter] {
            for nth in 0..most {
                // Back in the fast lane.
                world.change_webhook(&webhook, json!({ "url": receiver.url("/") })).await;
                if nth > 0 {
                    let lost = Fault::new(operation, Effect::DropAnswer).function(function).times(nth);
                    world.machine.faults().add(lost);
                }
                world.machine.faults().add(Fault::new(operation, effect).function(function));
                let what = format!("{function} {operation} {effect:?} {nth}");
                let session = world.create().await;
                let id = text(&session["id"]);
                world.payer(&session).identify().await;
                let delivered = |all: &[Received]| {
                    (1..=2)
                        .all(|n| all.iter().any(|one| one.object_id() == id && one.sequence() == n && one.accepted()))
                };
                let deadline = Instant::now() + LONG;
                while !receiver.until(Duration::from_millis(2_500), delivered).await {
                    assert!(Instant::now() < deadline, "{what}: {:#?}", receiver.summary());
                    world.long_after().await;
                }
                assert_eq!(in_order(&receiver.received())[&id], [1, 2], "{what}");
                world.machine.faults().clear();
            }
        }
    }
}

#[tokio::test]
async fn a_receiver_says_when_it_is_to_be_called_again() {
    let world = World::with_webhooks().await;
    let in_ten_s = || {
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(11);
        at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    };
    let receiver = Receiver::planned(move |one| match (one.path(), one.seen) {
        ("/seconds", 0) => Reply::RetryAfter(500, "10".to_owned()),
        ("/date", 0) => Reply::RetryAfter(404, in_ten_s()),
        ("/sooner", 0) => Reply::RetryAfter(503, "1".to_owned()),
        ("/nonsense", 0) => Reply::RetryAfter(503, "soon".to_owned()),
        ("/busy", 0) => Reply::RetryAfter(429, "10".to_owned()),
        _ => Reply::Status(200),
    })
    .await;
    for path in ["/seconds", "/date", "/sooner", "/nonsense", "/busy"] {
        world.register(&receiver.url(path), json!({})).await;
    }
    let session = world.create().await;
    let busy = |all: &[Received]| all.iter().filter(|one| one.path() == "/busy").count();
    assert!(receiver.until(PATIENCE, |all| busy(all) >= 1).await);
    let deadline = Instant::now() + PATIENCE;
    while !world.waiting_cursors().await.iter().any(|cursor| cursor.get("attempts").is_some_and(|n| n["N"] == "1")) {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.settled().await;
    let id = text(&session["id"]);
    let wait = |path: &str| {
        let all: Vec<Received> = receiver.at(path).into_iter().filter(|one| one.object_id() == id).collect();
        assert_eq!(all.len(), 2, "{path}: {:#?}", receiver.summary());
        (all[1].at - all[0].at).as_secs_f64()
    };
    for path in ["/seconds", "/date", "/busy"] {
        assert!((9.5..25.0).contains(&wait(path)), "{path}: {}", wait(path));
    }
    for path in ["/sooner", "/nonsense"] {
        assert!((4.0..9.4).contains(&wait(path)), "{path}: {}", wait(path));
    }
    // Who is busy is not called for others either; who can't take one event may take others.
    receiver.forget();
    receiver.plan(|one| match (one.path(), one.seen) {
        ("/busy", 0) => Reply::RetryAfter(503, "8".to_owned()),
        ("/seconds", 0) => Reply::RetryAfter(409, "8".to_owned()),
        _ => Reply::Status(200),
    });
    world.create().await;
    for path in ["/busy", "/seconds"] {
        assert!(receiver.until(PATIENCE, |all| all.iter().any(|one| one.path() == path)).await);
    }
    let parked = async || {
        let body =
            json!({ "TableName": world.machine.table_name(), "FilterExpression": "attribute_exists(parked_until)" });
        world.dynamodb("Scan", &body).await["Items"].as_array().unwrap().len()
    };
    let deadline = Instant::now() + PATIENCE;
    while parked().await == 0 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let second = text(&world.create().await["id"]);
    world.settled().await;
    let first_at = |path: &str, object: Option<&str>| {
        let all = receiver.at(path);
        all.iter().find(|one| object.is_none_or(|object| one.object_id() == object)).unwrap().at
    };
    let between = |path: &str| (first_at(path, Some(&second)) - first_at(path, None)).as_secs_f64();
    assert!(between("/busy") >= 7.5, "{}", between("/busy"));
    assert!(between("/seconds") < 7.5, "{}", between("/seconds"));
}

#[tokio::test]
async fn a_port_that_is_blocked_is_neither_registered_nor_called() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    let webhook = world.register(&receiver.url("/"), json!({})).await;
    let title = "url must be a URL whose port is neither 0 nor one that browsers block";
    for url in ["http://127.0.0.1:0/", "http://127.0.0.1:25/hook", "http://localhost:6667/", "http://[::1]:10080/"] {
        let registered = answer(world.demo(Method::POST, "/v2/webhooks").json(&json!({ "url": url }))).await;
        let path = format!("/v2/webhooks/{}", text(&webhook["id"]));
        let changed = answer(world.demo(Method::PATCH, &path).json(&json!({ "url": url, "description": "b" }))).await;
        for refused in [registered, changed] {
            assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["title"]), (422, &json!(title)), "{url}");
            assert_eq!(refused.body["errors"][0]["source"]["parameter"], "url");
        }
    }
    assert_eq!(world.get_webhook(&webhook).await, {
        let mut unchanged = webhook.clone();
        unchanged.as_object_mut().unwrap().remove("secret");
        unchanged
    });
    // One that an earlier release accepted is not called, which its merchant can read; nothing is lost until it is changed.
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": { "S": "ENDPOINTS#demo" }, "sk": { "S": webhook["id"] } },
        "UpdateExpression": "SET #url = :url",
        "ExpressionAttributeNames": { "#url": "url" },
        "ExpressionAttributeValues": { ":url": { "S": "http://127.0.0.1:25/" } },
    });
    world.dynamodb("UpdateItem", &body).await;
    let session = world.create().await;
    let deadline = Instant::now() + PATIENCE;
    while world.get_webhook(&webhook).await["failures"] == 0 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let path = format!("/v2/events/evt_{}_1/attempts", text(&session["id"]));
    let attempts = answer(world.demo(Method::GET, &path)).await.body;
    assert_eq!(attempts["data"][0]["error"], "the port is 0 or one that browsers block", "{attempts}");
    world.change_webhook(&webhook, json!({ "url": receiver.url("/") })).await;
    world.settled().await;
    assert_eq!(in_order(&receiver.received())[&text(&session["id"])], [1]);
}
