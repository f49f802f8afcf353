//! How sessions end before they are paid: cancelled, deleted, expired.

use jiff::SignedDuration;
use models::{EventId, Mode, Object, Session, SessionEvent, SessionId};
use reqwest::{Method, StatusCode};
use serde_json::json;
use store::{Change, Owner, Sessions, StoredEvent};
use tests::{World, answer, document_1, page, states, text};

fn event_id(object: &str, sequence: usize) -> EventId {
    EventId { object_id: object.parse().unwrap(), sequence }
}

/// The session that an event is about.
fn session_of(event: &StoredEvent) -> &Session {
    match &event.object {
        Object::Session(session) => session,
        Object::Refund(_) => panic!("an event of a refund"),
    }
}

#[tokio::test]
async fn cancelling_keeps_the_session_and_may_be_repeated() {
    let world = World::start().await;
    let session = world.create().await;
    let path = format!("/v2/payment_sessions/{}", text(&session["id"]));
    let cancel = || answer(world.demo(Method::POST, &format!("{path}/cancel")));
    let first = cancel().await;
    assert_eq!((first.status, &first.body["state"]), (StatusCode::OK, &json!("failed")));
    assert_eq!(first.body["failure_reason"], "cancelled_by_merchant");
    let again = cancel().await;
    assert_eq!((again.status, &again.text), (StatusCode::OK, &first.text));
    assert_eq!(world.get(&text(&session["id"])).await, first.body);
    assert!(world.payer(&session).page().await.html.contains("banked-checkout-result=failure"));

    // One that the payer cancelled is cancelled, too.
    let other = world.create().await;
    world.payer(&other).cancel().await;
    let path = format!("/v2/payment_sessions/{}/cancel", text(&other["id"]));
    let answer = answer(world.demo(Method::POST, &path)).await;
    assert_eq!((answer.status, &answer.body["failure_reason"]), (StatusCode::OK, &json!("cancelled_by_payer")));
}

#[tokio::test]
async fn what_is_submitted_or_ended_can_not_be_cancelled_and_what_is_submitted_not_deleted() {
    let world = World::start().await;
    let paid = world.paid().await;
    let declined = world.create().await;
    let payer = world.payer(&declined);
    payer.identify().await;
    payer.choose_bank(1).await;
    payer.decide(1, "decline").await;
    for (session, delete) in [(&paid, StatusCode::CONFLICT), (&declined, StatusCode::NO_CONTENT)] {
        let path = format!("/v2/payment_sessions/{}", text(&session["id"]));
        let cancel = answer(world.demo(Method::POST, &format!("{path}/cancel"))).await;
        assert_eq!((cancel.status, cancel.code()), (StatusCode::CONFLICT, "invalid_action"));
        let deleted = answer(world.demo(Method::DELETE, &path)).await;
        assert_eq!(deleted.status, delete);
    }
    assert_eq!(world.get(&text(&paid["id"])).await["state"], "sent");
}

#[tokio::test]
async fn deleting_removes_everything_at_once() {
    let world = World::start().await;
    let session = world.create().await;
    let id = text(&session["id"]);
    let path = format!("/v2/payment_sessions/{id}");
    let payer = world.payer(&session);
    payer.identify().await;
    payer.choose_bank(1).await;
    for _ in 0..2 {
        let deleted = answer(world.demo(Method::DELETE, &path)).await;
        assert_eq!((deleted.status, deleted.text.as_str()), (StatusCode::NO_CONTENT, ""));
        assert_eq!(answer(world.demo(Method::GET, &path)).await.code(), "not_found");
        assert_eq!(answer(world.demo(Method::POST, &format!("{path}/cancel"))).await.code(), "not_found");
        for page_path in [format!("/checkout/{id}"), format!("/mock-bank/{id}/1")] {
            assert_eq!(page(world.request(Method::GET, &page_path)).await.status, StatusCode::NOT_FOUND);
        }
        assert_eq!(payer.decide(1, "approve").await.status, StatusCode::NOT_FOUND);
        assert_eq!(payer.identify().await.status, StatusCode::NOT_FOUND);
        let list = answer(world.demo(Method::GET, "/v2/payment_sessions")).await;
        assert_eq!(list.body["data"], json!([]));
    }
    // One that never was is another matter.
    let other = "/v2/payment_sessions/1ae1ce03-dfa9-4593-b487-65c656991cb5";
    assert_eq!(answer(world.demo(Method::DELETE, other)).await.status, StatusCode::NOT_FOUND);
    // Its end is published, without the payer.
    let events = store::Events::new(world.table());
    world.settled().await;
    let last = events.get(&event_id(&id, 4)).await.unwrap().unwrap();
    assert_eq!(session_of(&last).history.last().unwrap().cause, SessionEvent::DeletedByMerchant);
    assert_eq!(session_of(&last).payer, None);
}

/// A session of the demo merchant's whose time passed an hour ago, as no API can make one.
async fn late_session(world: &World) -> SessionId {
    let session = world.create().await;
    let id: SessionId = text(&session["id"]).parse().unwrap();
    let created: Session = Sessions::new(world.table()).get(&id).await.unwrap().unwrap();
    let ago = SignedDuration::from_hours(25);
    let late = Session {
        id: SessionId::new(uuid::Uuid::now_v7()),
        created_at: created.created_at - ago,
        expires_at: created.expires_at - ago,
        ..created
    };
    Sessions::new(world.table()).create(late.clone(), None).await.unwrap();
    late.id
}

#[tokio::test]
async fn past_its_time_a_session_is_expired_even_before_the_schedule_has_run() {
    let world = World::start().await;
    let id = late_session(&world).await;
    let id_text = id.to_string();
    let path = format!("/v2/payment_sessions/{id}");
    let seen = || world.get(&id_text);
    let before = seen().await;
    assert_eq!((&before["state"], &before["failure_reason"]), (&json!("failed"), &json!("time_passed")));
    assert_eq!(states(&before), ["awaiting_payer"]);
    let payer = world.payer(&before);
    payer.identify().await;
    payer.cancel().await;
    assert!(payer.page().await.html.contains("banked-checkout-result=failure"));
    assert_eq!(answer(world.demo(Method::POST, &format!("{path}/cancel"))).await.code(), "invalid_action");
    let list = answer(world.demo(Method::GET, "/v2/payment_sessions?state=failed")).await;
    assert_eq!(list.body["data"].as_array().unwrap().len(), 1);
    assert_eq!(states(&seen().await), ["awaiting_payer"]);

    world.run_schedule().await;
    world.run_schedule().await;
    let after = seen().await;
    assert_eq!((&after["state"], &after["failure_reason"]), (&json!("failed"), &json!("time_passed")));
    assert_eq!(states(&after), ["awaiting_payer", "failed"]);
    world.settled().await;
    let event = store::Events::new(world.table()).get(&event_id(&id.to_string(), 2)).await.unwrap().unwrap();
    assert_eq!(session_of(&event).history.last().unwrap().cause, SessionEvent::TimePassed);
}

#[tokio::test]
async fn deleting_what_has_expired_says_that_it_expired() {
    let world = World::start().await;
    let id = late_session(&world).await;
    let path = format!("/v2/payment_sessions/{id}");
    assert_eq!(answer(world.demo(Method::DELETE, &path)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(answer(world.demo(Method::GET, &path)).await.status, StatusCode::NOT_FOUND);
    world.settled().await;
    let event = store::Events::new(world.table()).get(&event_id(&id.to_string(), 2)).await.unwrap().unwrap();
    assert_eq!(session_of(&event).history.last().unwrap().cause, SessionEvent::TimePassed);
}

#[tokio::test]
async fn the_schedule_leaves_alone_what_is_not_due() {
    let world = World::start().await;
    let waiting = world.create().await;
    let paid = world.paid().await;
    world.run_schedule().await;
    assert_eq!(states(&world.get(&text(&waiting["id"])).await), ["awaiting_payer"]);
    assert_eq!(world.get(&text(&paid["id"])).await["state"], "sent");
}

/// 2 MB of the due index that are never due: more than one answer holds.
pub(crate) async fn fill_the_due_index(world: &World) {
    for batch in 0..40 {
        let filler = |n: usize| {
            let pk = format!("FILLER#{batch}#{n}#{}", "x".repeat(2000));
            let due_pk = format!("DUE#{n}");
            let item =
                json!({ "pk": { "S": pk }, "sk": { "S": "-" }, "due_pk": { "S": due_pk }, "due_at": { "S": "9" } });
            json!({ "PutRequest": { "Item": item } })
        };
        let requests: Vec<_> = (0..25).map(filler).collect();
        let body = json!({ "RequestItems": { world.machine.table_name(): requests } });
        world.dynamodb("BatchWriteItem", &body).await;
    }
}

#[tokio::test]
async fn what_is_due_is_found_among_more_than_one_answer_holds() {
    let world = World::start().await;
    fill_the_due_index(&world).await;
    let late = [late_session(&world).await, late_session(&world).await];
    world.run_schedule().await;
    for id in late {
        assert_eq!(states(&world.get(&id.to_string()).await), ["awaiting_payer", "failed"]);
    }
}

/// Whatever else is due, by one read of the index and by many.
#[tokio::test]
async fn pending_payments_are_followed_up_before_everything_else() {
    for fill in [false, true] {
        let world = World::start().await;
        let pending = world.create().await;
        let payer = world.payer(&pending);
        payer.identify().await;
        payer.choose_bank(1).await;
        payer.decide(1, "approve_then_settle").await;
        // As if it had been submitted two hours ago, and its bank had settled it since.
        let earlier = (jiff::Timestamp::now() - SignedDuration::from_hours(2)).as_millisecond().to_string();
        let body = json!({
            "TableName": world.machine.table_name(),
            "Key": { "pk": { "S": format!("SESSION#{}", text(&pending["id"])) }, "sk": { "S": "SESSION" } },
            "UpdateExpression": "SET submission.submitted_at = :earlier, due_at = :past",
            "ExpressionAttributeValues": { ":earlier": { "N": earlier }, ":past": { "S": "2000-01-01T00:00:00.000Z" } },
        });
        world.dynamodb("UpdateItem", &body).await;
        if fill {
            fill_the_due_index(&world).await;
        }
        for _ in 0..30 {
            late_session(&world).await;
        }
        world.run_schedule().await;
        // Lines come by a pipe of their own.
        let lines = world
            .machine
            .until(tests::PATIENCE, |machine| {
                let lines = machine.logs().into_iter().filter(|line| line.source == "ExpireFunction");
                let lines: Vec<_> = lines.map(|line| line.text).filter(|line| !line.contains("\"_aws\"")).collect();
                let expired = lines.iter().filter(|line| line.contains("\"event\":\"time_passed\"")).count();
                (expired == 30).then_some(lines)
            })
            .await
            .expect("30 sessions expire");
        let first = |part: &str| lines.iter().position(|line| line.contains(part)).unwrap();
        assert!(first(&text(&pending["id"])) < first("time_passed"), "{fill}: {lines:#?}");
    }
}

#[tokio::test]
async fn consent_counts_until_the_time_passes() {
    let world = World::start().await;
    let mut request = document_1();
    request["payer"] = json!({ "name": "Ada Payer", "email": "ada@example.com" });
    let session = world.create_from(&request).await;
    let id: SessionId = text(&session["id"]).parse().unwrap();
    let payer = world.payer(&session);
    payer.choose_bank(1).await;
    // As if the time had passed while the payer was at the bank.
    let sessions = Sessions::new(world.table());
    let stored = sessions.get(&id).await.unwrap().unwrap();
    let change = Change {
        session_id: id,
        event: SessionEvent::TimePassed,
        at: stored.expires_at,
        write_id: samples::write_id(),
    };
    let owner = Owner { merchant_id: "demo".parse().unwrap(), mode: Mode::Test, format: None };
    sessions.record(change, Some(&owner), None, None).await.unwrap();
    payer.decide(1, "approve").await;
    assert_eq!(world.get(&id.to_string()).await["failure_reason"], "time_passed");
}
