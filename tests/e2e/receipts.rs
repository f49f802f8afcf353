//! The receipt, exactly once.

use futures_util::future::join_all;
use local::{Effect, Fault, Machine};
use serde_json::{Value, json};
use tests::{PATIENCE, World, document_1, text, workspace};

async fn receipt(world: &World, session: &Value) -> Value {
    world.item(&format!("MAIL#{}", text(&session["id"])), "receipt#5").await
}

/// Waits until this many mails have been sent, however long they are put off.
async fn until_sent(world: &World, count: usize) {
    let sent = |machine: &Machine| (machine.mails().len() >= count).then_some(());
    assert!(world.machine.until(3 * PATIENCE, sent).await.is_some(), "{:#?}", world.machine.logs());
}

fn dead_letters(world: &World) -> Vec<String> {
    world.machine.queue_bodies("ReceiptsDeadLetters")
}

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
        // The mail's reader can't open the checkout by it.
        assert!(!part.contains(&text(&session["id"])));
    }
    // It is the shop's, and so are answers to it, unless a program gives them.
    assert_eq!(mail.from_name.as_deref(), Some("Bright Candles via Counterfoil"));
    assert_eq!(
        (mail.from.as_str(), mail.reply_to.as_slice()),
        ("receipts@example.com", &["help@brightcandles.example".to_owned()][..])
    );
    assert_eq!(mail.subject, "[Test] Receipt for £4.00 · Illuminate · Bright Candles");
    assert!(std::fs::read_to_string(&mail.path).unwrap().contains("Auto-Submitted: auto-generated\r\n"));
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
async fn a_lost_message_is_only_a_delay() {
    let world = World::start().await;
    // Whatever is sent to the queue is gone: not even the SDK's repetitions arrive.
    for _ in 0..3 {
        world.machine.faults().add(Fault::new("SendMessage", Effect::DropRequest).every_attempt());
    }
    let session = world.paid().await;
    world.settled().await;
    assert!(world.machine.faults().waiting().is_empty() && world.machine.mails().is_empty(), "no message announced it");
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

/// More often than SQS has a message received before it is a dead letter. No schedule runs: it comes back by itself.
#[tokio::test]
async fn a_mail_that_ses_turns_away_for_its_rate_waits_without_an_attempt_or_a_dead_letter() {
    let world = World::start().await;
    world.machine.faults().add(Fault::new("SendEmail", Effect::Throttled).times(6));
    let session = world.paid().await;
    until_sent(&world, 1).await;
    assert!(world.machine.faults().waiting().is_empty());
    world.settled().await;
    let mail = receipt(&world, &session).await;
    assert_eq!((&mail["state"]["S"], &mail["attempts"]["N"]), (&json!("sent"), &json!("1")));
    assert_eq!(dead_letters(&world), [""; 0]);
}

#[tokio::test]
async fn more_mails_than_the_rate_allows_are_all_sent_once() {
    let world = World::start_with(|config| config.mails_per_second = Some(2)).await;
    let sessions = join_all((0..8).map(|_| world.paid())).await;
    until_sent(&world, 8).await;
    assert_eq!(world.mails().await.len(), 8);
    for session in sessions {
        assert_eq!(receipt(&world, &session).await["attempts"]["N"], "1");
    }
    assert!(world.machine.meter().calls("EmailReceiptFunction", "SendMessage") > 0, "the rate was never used up");
    assert_eq!(dead_letters(&world), [""; 0]);
}

#[tokio::test]
async fn a_mail_beyond_the_days_quota_waits_as_long_as_aws_advises() {
    let world = World::start().await;
    world.machine.faults().add(Fault::new("SendEmail", Effect::OverQuota));
    let session = world.paid().await;
    let before = jiff::Timestamp::now();
    let put_off = |machine: &Machine| (machine.queue_counts("ReceiptsQueue")?.delayed == 1).then_some(());
    assert!(world.machine.until(PATIENCE, put_off).await.is_some(), "{:#?}", world.machine.logs());
    let mail = receipt(&world, &session).await;
    assert_eq!((&mail["state"]["S"], &mail["attempts"]["N"]), (&json!("due"), &json!("0")));
    let due_at: jiff::Timestamp = text(&mail["due_at"]["S"]).parse().unwrap();
    assert!((590..=630).contains(&due_at.duration_since(before).as_secs()), "{mail}");
    // Meanwhile it is not due.
    world.run_schedule().await;
    assert_eq!(world.machine.queue_counts("ReceiptsQueue").unwrap().total(), 1);
}

/// A message more for each mail, every minute, would keep the senders from sending.
#[tokio::test]
async fn no_mail_is_queued_again_while_many_wait() {
    let world = World::start().await;
    // No message arrives, so the mail is due and in no queue.
    for _ in 0..3 {
        world.machine.faults().add(Fault::new("SendMessage", Effect::DropRequest).every_attempt());
    }
    world.paid().await;
    world.settled().await;
    for batch in 0..100 {
        let entries = (0..10).map(|n| json!({ "Id": format!("m{n}"), "MessageBody": "later", "DelaySeconds": 900 }));
        let body =
            json!({ "QueueUrl": world.machine.queue_url("ReceiptsQueue"), "Entries": entries.collect::<Vec<_>>() });
        let sent = world.sqs("SendMessageBatch", &body).await;
        assert_eq!(sent["Successful"].as_array().map(Vec::len), Some(10), "{batch}: {sent}");
    }
    world.run_schedule().await;
    assert_eq!(world.machine.queue_counts("ReceiptsQueue").unwrap().total(), 1000);
    assert!(world.machine.mails().is_empty());
    world.sqs("PurgeQueue", &json!({ "QueueUrl": world.machine.queue_url("ReceiptsQueue") })).await;
    world.run_schedule().await;
    assert_eq!(world.mails().await.len(), 1);
}

/// As if there were never time to send one: each message goes back as a new one, more often than SQS would have it received.
#[tokio::test]
async fn a_mail_without_time_left_waits_without_an_attempt_or_a_dead_letter() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(workspace().join("template.yaml")).unwrap();
    let (before, function) = text.split_once("CodeUri: target/lambda/email-receipt/").unwrap();
    let hasty = function.replacen("Timeout: 60", "Timeout: 20", 1);
    let template = folder.path().join("template.yaml");
    std::fs::write(&template, format!("{before}CodeUri: target/lambda/email-receipt/{hasty}")).unwrap();
    let world = World::start_with(|config| config.template = template).await;
    let session = world.paid().await;
    let again = |machine: &Machine| (machine.meter().calls("EmailReceiptFunction", "SendMessage") > 6).then_some(());
    assert!(world.machine.until(PATIENCE, again).await.is_some(), "{:#?}", world.machine.logs());
    let mail = receipt(&world, &session).await;
    assert_eq!((&mail["state"]["S"], &mail["attempts"]["N"]), (&json!("due"), &json!("0")));
    assert_eq!(dead_letters(&world), [""; 0]);
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
