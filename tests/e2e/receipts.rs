//! The receipt, exactly once.

use local::{Effect, Fault};
use serde_json::json;
use tests::{PATIENCE, World, document_1, text};

#[tokio::test]
async fn one_receipt_with_all_that_belongs_on_it() {
    let world = World::start().await;
    let session = world.paid().await;
    let mails = world.mails().await;
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(mail.to, ["ada@example.com"]);
    let (text_part, html) = (mail.text.as_ref().unwrap(), mail.html.as_ref().unwrap());
    let sent = world.get(&text(&session["id"])).await;
    let date = text(&sent["sent_at"])[..4].to_owned();
    for part in [text_part, html] {
        for fact in ["Candles", "£1.00", "£4.00", "Gerald Wiley", "Illuminate", &date, &text(&session["end_to_end_id"])]
        {
            assert!(part.contains(fact), "{fact}: {part}");
        }
        // Whoever reads the mail can't open the checkout by it.
        assert!(!part.contains(&text(&session["id"])));
    }
}

#[tokio::test]
async fn no_receipt_where_none_is_wanted() {
    let world = World::start().await;
    let mut unwanted = document_1();
    unwanted["email_receipt"] = json!(false);
    let session = world.create_from(&unwanted).await;
    let payer = world.payer(&session);
    payer.identify().await;
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    assert_eq!(world.get(&text(&session["id"])).await["state"], "sent");
    assert!(world.mails().await.is_empty());
}

#[tokio::test]
async fn one_receipt_though_stream_and_queue_deliver_twice() {
    let world = World::start().await;
    world.machine.faults().deliver_twice(true);
    world.paid().await;
    world.paid().await;
    assert_eq!(world.mails().await.len(), 2);
    world.run_schedule().await;
    assert_eq!(world.mails().await.len(), 2);
}

#[tokio::test]
async fn a_lost_ring_is_only_a_delay() {
    let world = World::start().await;
    // Whatever is sent to the queue is gone: not even the SDK's repetitions arrive.
    for _ in 0..3 {
        world.machine.faults().add(Fault::new("SendMessage", Effect::DropRequest).every_attempt());
    }
    let session = world.paid().await;
    world.settled().await;
    assert!(world.machine.faults().waiting().is_empty() && world.machine.mails().is_empty(), "it was not rung for");
    // The schedule finds the mail due, and it goes out, once.
    world.run_schedule().await;
    assert_eq!(world.mails().await.len(), 1);
    world.run_schedule().await;
    assert_eq!(world.mails().await.len(), 1);
    assert_eq!(world.get(&text(&session["id"])).await["state"], "sent");
}

#[tokio::test]
async fn a_record_that_can_not_be_read_is_handed_over_and_holds_up_nobody() {
    let world = World::start().await;
    let item = json!({ "pk": { "S": "SESSION#x" }, "sk": { "S": "SESSION" }, "state": { "S": "unheard_of" } });
    world.dynamodb("PutItem", &json!({ "TableName": world.machine.table_name(), "Item": item })).await;
    world.paid().await;
    assert_eq!(world.mails().await.len(), 1);
    assert_eq!(world.machine.queue_bodies("PublishFailures").len(), 1);
    assert_eq!(world.machine.meter().calls("PublishFunction", "SendMessage"), 2, "handed over once, rung for once");
}

#[tokio::test]
async fn a_mail_service_that_is_down_is_tried_again() {
    let world = World::start().await;
    world.machine.faults().add(Fault::new("SendEmail", Effect::ServerError));
    world.paid().await;
    world.settled().await;
    assert!(world.machine.mails().is_empty());
    // Due again ten seconds later.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while world.machine.mails().is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "not sent again");
        world.run_schedule().await;
        world.settled().await;
    }
    world.run_schedule().await;
    assert_eq!(world.mails().await.len(), 1);
}

#[tokio::test]
async fn logs_hold_ids_and_nothing_personal() {
    let world = World::start().await;
    let session = world.paid().await;
    world.settled().await;
    let logs = world.machine.logs().into_iter().map(|line| line.text).collect::<Vec<_>>().join("\n");
    assert!(logs.contains(&text(&session["id"])));
    for secret in ["Ada", "ada@example.com", "12345678", "010203", "Gerald", "sk_test_demo", "Illuminate", "Candles"] {
        assert!(!logs.contains(secret), "{secret} is in the logs:\n{logs}");
    }
}
