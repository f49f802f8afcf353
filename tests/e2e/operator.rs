//! The operator's command line against the whole service: what it shows, what it does, and that a dry run does nothing.

use std::collections::BTreeMap;
use std::process::Stdio;

use local::{Effect, Fault};
use serde_json::{Value, json};
use tests::{PATIENCE, Receiver, Reply, World, bin_dir, text};
use tokio::process::Command;

/// A day on which nothing that tests do has happened yet.
const LONG_AGO: &str = "48h";

/// The variables that a command reads: where the service is, and a payer's account.
const READ: [&str; 7] =
    ["COUNTERFOIL_ENDPOINT", "DATA_DIR", "TABLE_NAME", "ACCOUNT_NAME", "SORT_CODE", "ACCOUNT_NUMBER", "IBAN"];

/// What a command answered.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) json: Value,
    pub(crate) shown: String,
    pub(crate) said: String,
}

/// How often who is no function has called each operation of AWS.
fn calls(world: &World) -> BTreeMap<String, u64> {
    let calls = world.machine.meter().counts().calls.into_iter();
    calls.filter(|((caller, _), _)| caller == "-").map(|((_, operation), count)| (operation, count)).collect()
}

/// Runs `counterfoil` on a machine, which may do no more than the policy for operators allows.
pub(crate) async fn run(world: &World, arguments: &[&str]) -> Ran {
    run_in(world, &[], arguments).await
}

/// The same, in an environment that has these variables.
pub(crate) async fn run_in(world: &World, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let mut command = Command::new(bin_dir().join("counterfoil"));
    for name in READ {
        command.env_remove(name);
    }
    let before = calls(world);
    let output = command
        .envs(variables.iter().copied())
        .args(["--endpoint", world.machine.aws_url(), "--output", "json"])
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap_or_else(|error| panic!("counterfoil: {error}; `make debug` builds it"));
    let called = calls(world).into_iter().filter(|(operation, count)| before.get(operation) != Some(count));
    crate::policies::assert_operating_allows(called.map(|(operation, _)| operation));
    let shown = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let json = serde_json::from_str(&shown).unwrap_or(Value::Null);
    assert_eq!(samples::prose_in(&json), None, "{arguments:?}");
    Ran { code: output.status.code().unwrap(), json, shown, said }
}

/// The same, where it must succeed.
pub(crate) async fn answer(world: &World, arguments: &[&str]) -> Value {
    let ran = run(world, arguments).await;
    assert_eq!(ran.code, 0, "{arguments:?}: {} {}", ran.said, ran.shown);
    ran.json
}

/// All items, in an order that doesn't change.
pub(crate) async fn everything(world: &World) -> Vec<Value> {
    let body = json!({ "TableName": world.machine.table_name() });
    let mut items = world.dynamodb("Scan", &body).await["Items"].as_array().unwrap().clone();
    items.sort_by_key(|item| (text(&item["pk"]["S"]), text(&item["sk"]["S"])));
    items
}

pub(crate) async fn delete(world: &World, pk: &str, sk: &str) {
    let key = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
    world.dynamodb("DeleteItem", &json!({ "TableName": world.machine.table_name(), "Key": key })).await;
}

/// Changes an item as only a hand in the table could.
async fn change(world: &World, pk: &str, sk: &str, update: &str, values: Value) {
    let mut body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": { "S": pk }, "sk": { "S": sk } },
        "UpdateExpression": update,
    });
    // `#name` stands for a name that DynamoDB has reserved.
    for name in update.split([' ', ',', '.', '[']).filter(|word| word.starts_with('#')) {
        body["ExpressionAttributeNames"][name] = json!(name.trim_start_matches('#'));
    }
    if values != json!({}) {
        body["ExpressionAttributeValues"] = values;
    }
    world.dynamodb("UpdateItem", &body).await;
}

/// Puts a message into one of the machine's queues.
async fn send(world: &World, queue: &str, message: &str) {
    world.sqs("SendMessage", &json!({ "QueueUrl": world.machine.queue_url(queue), "MessageBody": message })).await;
}

#[tokio::test]
async fn the_examples_of_the_first_help_can_be_typed_as_they_are() {
    let world = World::start().await;
    let help = run(&world, &["-h"]).await.shown;
    let lines = help.lines().filter_map(|line| line.strip_prefix("  counterfoil "));
    let examples: Vec<Vec<_>> =
        lines.map(|line| line.split_whitespace().take_while(|word| *word != "#").collect()).collect();
    assert!(examples.len() >= 4, "{help}");
    // `listen` goes on until Ctrl-C, and has tests of its own.
    for example in examples.iter().filter(|example| **example != ["listen"]) {
        answer(&world, example).await;
    }
}

#[tokio::test]
async fn a_session_is_shown_with_all_that_happened_and_nothing_personal() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    world.register(&receiver.url("/"), json!({})).await;
    let session = world.paid().await;
    let refund = world.refund(&session, 150).await;
    world.settled().await;
    receiver.accepted(6, PATIENCE).await;
    world.settled().await;

    let shown = answer(&world, &["sessions", "show", &text(&session["id"])]).await;
    assert_eq!(answer(&world, &["sessions", "show", &text(&refund["id"])]).await, shown, "by its refund's id, too");
    let left = json!({ "amount_minor": 250, "currency": "GBP" });
    assert_eq!((&shown["session"]["state"], &shown["session"]["left_to_refund"]), (&json!("sent"), &left));
    assert_eq!(shown["refunds"][0]["refund_id"], refund["id"]);
    let webhooks = shown["webhooks"].as_array().unwrap().iter();
    let delivered: Vec<_> = webhooks.map(|one| [&one["delivered"], &one["events"]]).collect();
    assert_eq!(delivered, [[&json!(5); 2], [&json!(1); 2]]);
    let timeline = shown["timeline"].as_array().unwrap();
    let what = |of: &str| -> Vec<String> {
        timeline.iter().filter(|row| text(&row["of"]) == of).map(|row| text(&row["what"])).collect()
    };
    let of_session = what(&text(&session["id"]));
    for expected in ["awaiting_payer", "sent", "mail_receipt_called_for", "mail_receipt_sent", "webhook_answered_200"] {
        assert!(of_session.iter().any(|what| what == expected), "{expected}: {of_session:?}");
    }
    assert_eq!(what(&text(&refund["id"])), ["awaiting_payment", "webhook_answered_200"]);
    assert!(timeline.is_sorted_by_key(|row| text(&row["at"])), "{timeline:?}");
    assert!(timeline.iter().any(|row| !row["request"].is_null()), "what it came of is shown");

    for personal in ["Ada", "ada@example.com", "87654321", "12345678", "Illuminate", "Candles"] {
        assert!(!shown.to_string().contains(personal), "{personal}: {shown}");
    }
    let all = answer(&world, &["sessions", "show", &text(&session["id"]), "--personal"]).await;
    assert_eq!(all["session"]["payer_email"], "ada@example.com");
    let nobody = run(&world, &["sessions", "show", "00000000-0000-4000-8000-000000000000"]).await;
    assert!(nobody.code == 1 && nobody.said.contains("no payment session or refund"), "{}", nobody.said);
}

#[tokio::test]
async fn what_was_deleted_is_shown_by_its_events() {
    let world = World::start().await;
    let session = world.create().await;
    let path = format!("/v2/payment_sessions/{}", text(&session["id"]));
    tests::answer(world.demo(reqwest::Method::DELETE, &path)).await;
    world.settled().await;
    let shown = answer(&world, &["sessions", "show", &text(&session["id"])]).await;
    assert!(text(&shown["session"]["state"]).contains("deleted"));
    assert_eq!(shown["timeline"].as_array().unwrap().len(), 2, "{shown}");
}

#[tokio::test]
async fn sessions_whose_bank_is_silent_are_listed() {
    let world = World::start().await;
    let session = world.create().await;
    let payer = world.payer(&session);
    payer.identify().await;
    payer.choose_bank(1).await;
    assert_eq!(answer(&world, &["sessions", "pending"]).await, json!([]));
    payer.decide(1, "approve_then_settle").await;
    let pending = answer(&world, &["sessions", "pending"]).await;
    assert_eq!((pending.as_array().unwrap().len(), &pending[0]["session_id"]), (1, &session["id"]));
    assert_eq!(answer(&world, &["sessions", "pending", "--longer-than", "1h"]).await, json!([]));
}

#[tokio::test]
async fn a_mail_that_came_back_is_in_the_timeline() {
    let world = World::start().await;
    let mut request = tests::document_1();
    request["payer"] = json!({ "name": "Ada Payer", "email": "bounce+ada@simulator.amazonses.com" });
    let session = world.create_from(&request).await;
    let payer = world.payer(&session);
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    let noted = |machine: &local::Machine| {
        machine.logs().iter().any(|line| line.text.contains("\"feedback\":\"bounced\",\"noted\":true")).then_some(())
    };
    assert!(world.machine.until(PATIENCE, noted).await.is_some(), "{:#?}", world.machine.logs());
    let shown = answer(&world, &["sessions", "show", &text(&session["id"])]).await;
    let timeline: Vec<_> = shown["timeline"].as_array().unwrap().iter().map(|row| text(&row["what"])).collect();
    assert!(timeline.iter().any(|what| what == "mail_receipt_bounced"), "{timeline:?}");
    assert!(!shown.to_string().contains("simulator"), "{shown}");
}

/// The details that a mail asks for are given, or its refund is cancelled, before it has been sent for all we know.
#[tokio::test]
async fn a_mail_that_is_not_needed_any_more_has_not_failed() {
    for (effect, given, sent, attempts, detail) in [
        // SES accepted it, and its answer was lost.
        (Effect::DropAnswer, true, true, 2, "an earlier attempt may have been sent"),
        (Effect::DropAnswer, false, true, 2, "an earlier attempt may have been sent"),
        (Effect::OverQuota, false, false, 1, "it was never sent"),
    ] {
        let world = World::start().await;
        let session = world.paid_from_withheld_account().await;
        assert_eq!(world.mails().await.len(), 1, "the receipt");
        world.machine.faults().add(Fault::new("SendEmail", effect));
        let refund = world.refund(&session, 150).await;
        let tried = |machine: &local::Machine| machine.faults().waiting().is_empty().then_some(());
        assert!(world.machine.until(PATIENCE, tried).await.is_some());
        let (id, pk) = (text(&refund["id"]), format!("MAIL#{}", text(&refund["id"])));
        let without = async |attribute: &str| {
            let gone = async {
                while !world.item(&pk, "refund_details#1").await[attribute].is_null() {
                    tokio::task::yield_now().await;
                }
            };
            assert!(tokio::time::timeout(PATIENCE, gone).await.is_ok(), "{attribute} is still there");
        };
        without("lease_until").await;
        assert_eq!(world.machine.mails().len(), 1 + usize::from(sent));
        if given {
            world.give_details(&refund, "confirm", "12345674").await;
        } else {
            let path = format!("/v2/refunds/{id}/cancel");
            assert_eq!(tests::answer(world.demo(reqwest::Method::POST, &path)).await.status, 200);
        }
        // As if the wait were over.
        let past = json!({ ":past": { "S": "2000-01-01T00:00:00.000Z" } });
        change(&world, &pk, "refund_details#1", "SET due_at = :past", past).await;
        world.run_schedule().await;
        without("due_at").await;
        assert_eq!(world.machine.mails().len(), 1 + usize::from(sent));

        let mails = answer(&world, &["mails", "list", &id]).await;
        let mail = &mails[0];
        assert_eq!((&mail["state"], &mail["attempts"]), (&json!("not_needed"), &json!(attempts)), "{mail}");
        assert!(mail["not_needed_at"].is_string() && mail["failed_at"].is_null(), "{mail}");
        let shown = answer(&world, &["sessions", "show", &text(&session["id"])]).await;
        let timeline = shown["timeline"].as_array().unwrap();
        let row = timeline.iter().find(|row| row["what"] == "mail_refund_details_not_needed");
        assert!(row.is_some_and(|row| text(&row["detail"]).contains(detail)), "{detail}: {timeline:#?}");
        assert!(!shown.to_string().contains("given up"), "{timeline:#?}");
        assert!(!world.machine.logs().iter().any(|line| line.text.contains("MailsFailed")), "counted as failed");
        // The last release knows these states only, and so reads it.
        assert_eq!(world.item(&pk, "refund_details#1").await["state"]["S"], "failed");
        assert_eq!(run(&world, &["verify"]).await.code, 0);
        assert_eq!(answer(&world, &["mails", "resend", &id, "refund_details"]).await["status"], "due");
    }
}

#[tokio::test]
async fn a_mail_is_sent_again_as_it_was() {
    let world = World::start().await;
    let session = world.paid().await;
    let id = text(&session["id"]);
    assert_eq!(world.mails().await.len(), 1);
    let before = everything(&world).await;
    let dry = run(&world, &["mails", "resend", &id, "receipt", "--dry-run"]).await;
    assert!(dry.code == 0 && dry.said.contains("dry run"), "{}", dry.said);
    assert_eq!(everything(&world).await, before);

    let resent = run(&world, &["mails", "resend", &id, "receipt"]).await;
    assert_eq!(resent.json["status"], "due");
    assert!(resent.said.contains(&format!("as `counterfoil mails list {id}` then says")), "{}", resent.said);
    let again = run(&world, &["mails", "resend", &id, "receipt"]).await;
    assert!(again.code == 1 && again.said.contains("due already"), "{}", again.said);
    assert_eq!(answer(&world, &["mails", "list", &id]).await[0]["state"], "due");
    world.run_schedule().await;
    let mails = world.mails().await;
    assert_eq!(mails.len(), 2);
    assert_eq!((&mails[0].subject, &mails[0].text), (&mails[1].subject, &mails[1].text));
    let listed = answer(&world, &["mails", "list", &id]).await;
    assert_eq!((&listed[0]["state"], &listed[0]["attempts"]), (&json!("sent"), &json!(1)));
    let none = run(&world, &["mails", "resend", &id, "refund_sent"]).await;
    assert!(none.code == 1 && none.said.contains("mails list"), "{}", none.said);
    // What the list prints, as it prints it.
    let mail = text(&listed[0]["mail"]);
    assert_eq!(mail, format!("{id}/receipt/5"));
    assert_eq!(answer(&world, &["mails", "resend", &mail]).await["status"], "due");
    world.run_schedule().await;
    assert_eq!(world.mails().await.len(), 3);
    for (mail, code, advice) in [(&id, 2, "mails list"), (&format!("{id}/receipt/6"), 1, "no such mail")] {
        let refused = run(&world, &["mails", "resend", mail]).await;
        assert!(refused.code == code && refused.said.contains(advice), "{}", refused.said);
    }
    // Nobody can be reached any more.
    answer(&world, &["erase", "session", &id, "--yes"]).await;
    let before = everything(&world).await;
    for more in [&[] as &[&str], &["--dry-run"]] {
        let refused = run(&world, &[&["mails", "resend", &id, "receipt"][..], more].concat()).await;
        assert!(refused.code == 1 && refused.said.contains("no address to send it to"), "{}", refused.said);
    }
    assert_eq!(everything(&world).await, before);
}

#[tokio::test]
async fn what_was_lost_is_published_again_and_nothing_is_delivered_twice() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    world.register(&receiver.url("/"), json!({})).await;
    let session = world.paid().await;
    let refund = world.refund(&session, 150).await;
    let deleted = world.create().await;
    let path = format!("/v2/payment_sessions/{}", text(&deleted["id"]));
    tests::answer(world.demo(reqwest::Method::DELETE, &path)).await;
    world.settled().await;
    receiver.accepted(9, PATIENCE).await;
    world.settled().await;
    // An endpoint that is registered now has no part in what happened before.
    let late = Receiver::start().await;
    let late_webhook = world.register(&late.url("/"), json!({})).await;
    world.settled().await;
    // By half a minute and more, which a write may take.
    let later = json!({ ":later": { "N": "99999999999999" } });
    change(&world, "ENDPOINTS#demo", &text(&late_webhook["id"]), "SET created_at = :later", later).await;
    // What the mark adds is nothing that anybody else reads.
    let strip = |items: Vec<Value>| -> Vec<Value> {
        let strip_one = |mut item: Value| {
            item.as_object_mut().unwrap().remove("republish");
            item
        };
        items.into_iter().map(strip_one).filter(|item| !text(&item["pk"]["S"]).starts_with("ENDPOINTS#")).collect()
    };
    let whole = strip(everything(&world).await);

    let (id, refund_id) = (text(&session["id"]), text(&refund["id"]));
    for sequence in [2, 5] {
        delete(&world, &format!("EVENTS#{id}"), &format!("EVENT#{sequence:06}")).await;
    }
    delete(&world, &format!("EVENTS#{refund_id}"), "EVENT#000001").await;
    let lost = everything(&world).await;
    let dry = run(&world, &["republish", "--since", LONG_AGO, "--dry-run"]).await;
    assert_eq!((&dry.json["sessions"], &dry.json["refunds"]), (&json!(2), &json!(1)), "{}", dry.said);
    world.settled().await;
    assert_eq!(everything(&world).await, lost);
    let nothing = answer(&world, &["republish", "--since", "1h", "--until", "30m"]).await;
    assert_eq!((&nothing["sessions"], &nothing["refunds"]), (&json!(0), &json!(0)));

    let done = answer(&world, &["republish", "--since", LONG_AGO]).await;
    assert_eq!((&done["sessions"], &done["refunds"]), (&json!(2), &json!(1)), "its payment's session, too");
    world.settled().await;
    world.run_schedule().await;
    world.settled().await;
    assert!(strip(everything(&world).await) == whole, "events are as they were");
    assert_eq!(receiver.received().len(), 9, "{:#?}", receiver.summary());
    assert!(late.received().is_empty(), "{:#?}", late.summary());
    assert_eq!(world.mails().await.len(), 1);

    // A lost mail is sent.
    delete(&world, &format!("MAIL#{id}"), "receipt#5").await;
    answer(&world, &["republish", "--since", LONG_AGO]).await;
    world.settled().await;
    world.run_schedule().await;
    assert_eq!(world.mails().await.len(), 2);
    assert_eq!(receiver.received().len(), 9, "{:#?}", receiver.summary());
    let refused = run(&world, &["republish", "--since", "1000h"]).await;
    assert!(refused.code == 2 && refused.said.contains("30 days"), "{}", refused.said);
    // The session goes on as any other.
    assert_eq!(world.refund(&session, 250).await["state"], "awaiting_payment");
}

#[tokio::test]
async fn dead_letters_are_listed_shown_and_sent_again() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::planned(|_| Reply::Status(200)).await;
    let webhook = world.register(&receiver.url("/"), json!({})).await;
    let session = world.paid().await;
    let id = text(&session["id"]);
    world.settled().await;
    let mail = format!("{id}/receipt/5");
    let cursor = format!("{id}/demo/{}", text(&webhook["id"]));
    send(&world, "ReceiptsDeadLetters", &mail).await;
    send(&world, "ReceiptsDeadLetters", "nothing that is known").await;
    send(&world, "WebhooksDeadLetters", &cursor).await;

    let listed = answer(&world, &["dead-letters", "list"]).await;
    let counts: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["messages"].clone()).collect();
    assert_eq!(counts, [2, 1, 0]);
    assert!(listed[0]["oldest_age_s"].is_u64() && listed[2]["oldest_age_s"].is_null(), "{listed}");
    let shown = answer(&world, &["dead-letters", "show", "receipts"]).await;
    let about: Vec<_> = shown.as_array().unwrap().iter().map(|one| one["about"].clone()).collect();
    assert_eq!(about, [json!({ "mail": mail }), Value::Null]);
    let dry = answer(&world, &["dead-letters", "redrive", "receipts", "--dry-run"]).await;
    assert_eq!(dry[0]["result"], "would_be_tried_again");
    // Nothing was removed, and all of it can be seen at once.
    assert_eq!(answer(&world, &["dead-letters", "list"]).await[0]["messages"], 2);
    assert_eq!(world.machine.meter().calls("EmailReceiptFunction", "UpdateItem"), 2, "claimed and sent, once");

    let message = text(&shown[0]["message_id"]);
    let one = answer(&world, &["dead-letters", "redrive", "receipts", "--message", &message]).await;
    assert_eq!((one.as_array().unwrap().len(), &one[0]["result"]), (1, &json!("sent_again")));
    let gone = run(&world, &["dead-letters", "redrive", "receipts", "--message", &message]).await;
    assert!(gone.code == 1 && gone.said.contains("there is no message"), "{}", gone.said);
    answer(&world, &["dead-letters", "redrive", "webhooks"]).await;
    world.settled().await;
    assert_eq!(world.machine.queue_bodies("WebhooksDeadLetters"), Vec::<String>::new());
    assert_eq!(world.machine.queue_bodies("ReceiptsDeadLetters"), ["nothing that is known"]);
    assert_eq!(world.machine.meter().calls("EmailReceiptFunction", "UpdateItem"), 3, "processed again, and left");
    let left = run(&world, &["dead-letters", "redrive", "receipts"]).await;
    assert!(
        left.shown.contains("\"left\"") && left.said.contains("dead-letters delete receipts --message"),
        "{}",
        left.said
    );
    assert_eq!(world.machine.queue_bodies("ReceiptsDeadLetters"), ["nothing that is known"]);
    assert_eq!((world.mails().await.len(), receiver.received().len()), (1, 5), "nothing is delivered twice");
    let other = run(&world, &["--stack", "other", "--table", "local-Table", "dead-letters", "list"]).await;
    assert!(other.code == 1 && other.said.contains("--stack"), "{}", other.said);
}

#[tokio::test]
async fn dead_letters_are_deleted_once_that_was_confirmed() {
    let world = World::start().await;
    let bodies = || world.machine.queue_bodies("ReceiptsDeadLetters");
    for body in ["one", "another"] {
        send(&world, "ReceiptsDeadLetters", body).await;
    }
    let all = ["dead-letters", "delete", "receipts", "--all"];
    let dry = answer(&world, &[&all[..], &["--dry-run"]].concat()).await;
    let results: Vec<_> = dry.as_array().unwrap().iter().map(|one| text(&one["result"])).collect();
    assert_eq!(results, ["would_be_deleted"; 2]);
    let unasked = run(&world, &all).await;
    assert!(unasked.code == 1 && unasked.said.contains("--yes"), "{}", unasked.said);
    let none = run(&world, &["dead-letters", "delete", "receipts", "--message", "none", "--yes"]).await;
    assert!(none.code == 1 && none.said.contains("dead-letters show receipts"), "{}", none.said);
    assert_eq!(bodies().len(), 2);

    // None is kept from others for long: all can be seen at once.
    let shown = answer(&world, &["dead-letters", "show", "receipts"]).await;
    assert_eq!(shown.as_array().unwrap().len(), 2);
    let message = text(&shown[0]["message_id"]);
    let one = answer(&world, &["dead-letters", "delete", "receipts", "--message", &message, "--yes"]).await;
    assert_eq!((&one[0]["message_id"], &one[0]["result"]), (&json!(message), &json!("deleted")));
    let left = answer(&world, &["dead-letters", "show", "receipts"]).await;
    assert_eq!((left.as_array().unwrap().len(), &left[0]["message_id"]), (1, &shown[1]["message_id"]));
    assert_eq!(bodies().len(), 1);
    answer(&world, &[&all[..], &["--yes"]].concat()).await;
    assert_eq!(bodies(), Vec::<String>::new());
}

/// It was there neither to be seen nor to be counted when the command began.
#[tokio::test]
async fn a_dead_letter_that_comes_while_others_are_deleted_is_kept() {
    let world = World::start().await;
    for body in ["one", "another"] {
        send(&world, "ReceiptsDeadLetters", body).await;
    }
    // Putting back what it has counted takes its time.
    world.machine.faults().add(Fault::new("ChangeMessageVisibility", Effect::Throttled));
    let counted = |machine: &local::Machine| machine.faults().waiting().is_empty().then_some(());
    let late = async {
        assert!(world.machine.until(PATIENCE, counted).await.is_some());
        send(&world, "ReceiptsDeadLetters", "late").await;
    };
    let (ran, ()) = tokio::join!(run(&world, &["dead-letters", "delete", "receipts", "--all", "--yes"]), late);
    assert_eq!((ran.code, ran.json.as_array().map(Vec::len)), (0, Some(2)), "{}", ran.said);
    assert_eq!(world.machine.queue_bodies("ReceiptsDeadLetters"), ["late"]);
}

#[tokio::test]
async fn what_became_of_dead_letters_is_listed_though_it_breaks_off() {
    let world = World::with_webhooks().await;
    for queue in ["ReceiptsDeadLetters", "WebhooksDeadLetters"] {
        for _ in 0..2 {
            send(&world, queue, "00000000-0000-4000-8000-000000000000").await;
        }
    }
    let cursor = "00000000-0000-4000-8000-000000000000/demo/00000000-0000-4000-8000-000000000001";
    send(&world, "WebhooksDeadLetters", cursor).await;
    for line in
        [&["dead-letters", "delete", "receipts", "--all", "--yes"][..], &["dead-letters", "redrive", "webhooks"]]
    {
        world.machine.faults().add(Fault::new("DeleteMessage", Effect::ServerError).times(100));
        let ran = run(&world, line).await;
        world.machine.faults().clear();
        assert!(ran.code == 1 && ran.said.contains("broke off"), "{line:?}: {} {}", ran.said, ran.shown);
        let results = ran.json.as_array().unwrap().iter().filter(|one| one["result"] == "not_known");
        assert_eq!(results.count(), 1, "{}", ran.shown);
    }
    // None is out of sight, and none was lost.
    let listed = answer(&world, &["dead-letters", "list"]).await;
    assert_eq!((&listed[0]["messages"], &listed[1]["messages"]), (&json!(2), &json!(3)), "{listed}");
}

/// A cursor of an endpoint that fails, as if it had failed often: nobody is delivering it, and it is tried again in hours.
async fn backs_off_for_hours(world: &World, pk: &str, sk: &str) -> jiff::Timestamp {
    let later = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() + 5 * 3600).unwrap();
    let waits = async {
        loop {
            let cursor = world.item(pk, sk).await;
            let (head, failed) = (&cursor["head"]["N"], cursor.get("waiting_since").is_some());
            if head == "2" && failed && cursor.get("lease_id").is_none() {
                let later = json!({ ":later": { "S": format!("{later:.3}") } });
                return change(world, pk, sk, "SET due_at = :later", later).await;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waits).await.unwrap();
    later
}

#[tokio::test]
async fn what_backs_off_is_hastened_when_its_endpoint_is_resumed_or_enabled() {
    for (commands, status) in [(&["resume"][..], "resumed"), (&["disable", "enable"][..], "enabled")] {
        let world = World::with_webhooks().await;
        let receiver = Receiver::planned(|_| Reply::Status(500)).await;
        let endpoint = text(&world.register(&receiver.url("/"), json!({})).await["id"]);
        let session = world.create().await;
        let id = text(&session["id"]);
        world.payer(&session).identify().await;
        let (pk, sk) = (format!("EVENTS#{id}"), format!("CURSOR#demo#{endpoint}"));
        let later = backs_off_for_hours(&world, &pk, &sk).await;
        let list = async || answer(&world, &["webhooks", "list", "demo"]).await[0].clone();
        let listed = list().await;
        assert_eq!(
            (&listed["backing_off"], &listed["next_try"]),
            (&json!(1), &json!(format!("{later:.3}"))),
            "{listed}"
        );
        assert_eq!(listed["waiting"], 0);
        let tried = receiver.received().len();
        world.run_schedule().await;
        assert_eq!(receiver.received().len(), tried, "{:#?}", receiver.summary());

        let mut done = Value::Null;
        for command in commands {
            done = answer(&world, &["webhooks", command, "demo", &endpoint]).await;
        }
        assert_eq!((&done["status"], &done["backing_off"]), (&json!(status), &json!(1)));
        // It fails once more, and backs off again, as what was just being delivered would.
        world.run_schedule().await;
        assert!(receiver.until(PATIENCE, |all| all.len() > tried).await, "{:#?}", receiver.summary());
        backs_off_for_hours(&world, &pk, &sk).await;
        receiver.answer_all(Reply::Status(200));
        world.run_schedule().await;
        receiver.accepted(2, PATIENCE).await;
        world.settled().await;
        let received = receiver.received();
        assert_eq!(tests::in_order(&received)[&id], [1, 2]);
        assert_eq!(tests::accepted(&received).len(), 2, "each once: {:#?}", receiver.summary());
        let listed = list().await;
        assert_eq!((&listed["backing_off"], &listed["next_try"]), (&json!(0), &Value::Null), "{listed}");
    }
}

#[tokio::test]
async fn what_could_not_be_published_is_published_from_history() {
    let world = World::start().await;
    let session = world.create().await;
    let id = text(&session["id"]);
    world.settled().await;
    let (pk, sk) = (format!("SESSION#{id}"), "SESSION");
    // A release that nobody here knows has been at it.
    change(&world, &pk, sk, "SET #state = :state", json!({ ":state": { "S": "unheard_of" } })).await;
    world.settled().await;
    let shown = answer(&world, &["dead-letters", "show", "publish"]).await;
    assert_eq!(shown[0]["about"], json!({ "session": id }));
    change(&world, &pk, sk, "SET #state = :state", json!({ ":state": { "S": "awaiting_payer" } })).await;
    world.settled().await;
    // Its old image could not be read, which is one more.
    assert_eq!(world.machine.queue_bodies("PublishFailures").len(), 2);
    delete(&world, &format!("EVENTS#{id}"), "EVENT#000001").await;
    let done = answer(&world, &["dead-letters", "redrive", "publish"]).await;
    assert_eq!(done[0]["result"], "published_again");
    world.settled().await;
    assert!(world.item(&format!("EVENTS#{id}"), "EVENT#000001").await.is_object());
    assert!(world.machine.queue_bodies("PublishFailures").is_empty());

    // What Lambda says of records that it gave up says only when they came.
    delete(&world, &format!("EVENTS#{id}"), "EVENT#000001").await;
    let now = jiff::Timestamp::now();
    let given_up = json!({ "version": "1.0", "DDBStreamBatchInfo": {
        "approximateArrivalOfFirstRecord": now, "approximateArrivalOfLastRecord": now, "batchSize": 1,
    } });
    send(&world, "PublishFailures", &given_up.to_string()).await;
    let done = answer(&world, &["dead-letters", "redrive", "publish"]).await;
    assert_eq!(done[0]["result"], "published_again");
    world.settled().await;
    assert!(world.item(&format!("EVENTS#{id}"), "EVENT#000001").await.is_object());
    assert!(world.machine.queue_bodies("PublishFailures").is_empty());
}

#[tokio::test]
async fn a_table_on_which_all_holds_is_verified() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    world.register(&receiver.url("/"), json!({})).await;
    let session = world.paid().await;
    for (amount, decision) in [(100, "approve"), (50, "decline"), (30, "approve_then_settle")] {
        let refund = world.refund(&session, amount).await;
        let refunder = world.refunder(&refund);
        refunder.choose_bank(1).await;
        refunder.decide(1, decision).await;
    }
    let withheld = world.paid_from_withheld_account().await;
    world.refund(&withheld, 10).await;
    let cancelled = world.create().await;
    world.cancel(&cancelled).await;
    let deleted = world.create().await;
    let path = format!("/v2/payment_sessions/{}", text(&deleted["id"]));
    tests::answer(world.demo(reqwest::Method::DELETE, &path)).await;
    let erased = world.paid().await;
    world.settled().await;
    assert_eq!(answer(&world, &["erase", "session", &text(&erased["id"]), "--yes"]).await["result"], "erased");
    world.settled().await;
    world.run_schedule().await;
    world.settled().await;
    let before = everything(&world).await;
    let verified = run(&world, &["verify"]).await;
    assert_eq!(verified.code, 0, "{}", verified.shown);
    assert_eq!(verified.json["summary"]["items"], before.len());
    assert_eq!(everything(&world).await, before);
    let strict = run(&world, &["verify", "--late-after", "0s"]).await;
    let forgotten = strict.json["violations"].as_array().unwrap();
    assert!(
        forgotten.iter().all(|one| one["rule"] == "forgotten"),
        "all that was to be published was: {}",
        strict.shown
    );
}

/// Something that is wrong, planted; and what `verify` says of it.
struct Plant {
    rule: &'static str,
    item: String,
    problem: &'static str,
}

#[tokio::test]
async fn each_thing_that_is_wrong_is_found() {
    let world = World::with_webhooks().await;
    let mut plants: Vec<Plant> = Vec::new();
    let mut expect = |rule, item: String, problem| plants.push(Plant { rule, item, problem });
    let session_pk = |session: &Value| format!("SESSION#{}", text(&session["id"]));
    let named = |session: &Value| format!("session {}", text(&session["id"]));
    let n = |number: i64| json!({ "N": number.to_string() });
    let s = |text: &str| json!({ "S": text });

    let session = world.paid().await;
    let refund = world.refund(&session, 100).await;
    let sound = [&session["id"], &refund["id"], &refund["refund_payment_session_id"]].map(text);

    let gap = world.paid().await;
    change(&world, &session_pk(&gap), "SESSION", "REMOVE history[2]", json!({})).await;
    expect("history", named(&gap), "entry 3 goes from awaiting_provider to pending");
    let state = world.paid().await;
    change(&world, &session_pk(&state), "SESSION", "SET #state = :state", json!({ ":state": s("cancelled") })).await;
    expect("history", named(&state), "it is cancelled, and its history ends with sent");
    let submission = world.paid().await;
    change(&world, &session_pk(&submission), "SESSION", "REMOVE submission", json!({})).await;
    expect("payment", named(&submission), "does not say what was");
    let amount = world.create().await;
    change(&world, &session_pk(&amount), "SESSION", "SET amount.minor = :amount", json!({ ":amount": n(399) })).await;
    expect("payment", named(&amount), "sum of its items");

    let too_much = world.paid().await;
    world.refund(&too_much, 100).await;
    change(&world, &session_pk(&too_much), "SESSION", "SET refundable = :left", json!({ ":left": n(400) })).await;
    expect("refundable", named(&too_much), "says that 400 is left, and 400 less 100 is 300");
    let count = world.paid().await;
    world.refund(&count, 100).await;
    change(&world, &session_pk(&count), "SESSION", "SET refund_count = :count", json!({ ":count": n(2) })).await;
    expect("refundable", named(&count), "counts 2 refunds, and has 1");

    let pair = world.paid().await;
    let refund = world.refund(&pair, 100).await;
    let payment = text(&refund["refund_payment_session_id"]);
    let refund_name =
        |session: &Value, refund: &Value| format!("refund {} of session {}", text(&refund["id"]), text(&session["id"]));
    delete(&world, &format!("SESSION#{payment}"), "SESSION").await;
    expect("refund", refund_name(&pair, &refund), "which is not there");
    let apart = world.paid().await;
    let refund = world.refund(&apart, 100).await;
    change(
        &world,
        &session_pk(&apart),
        &format!("REFUND#{}", text(&refund["id"])),
        "SET submitted = :yes",
        json!({ ":yes": { "BOOL": true } }),
    )
    .await;
    expect("refund", refund_name(&apart, &refund), "is awaiting_payment, and session");
    let unpointed = world.paid().await;
    let refund = world.refund(&unpointed, 100).await;
    delete(&world, &format!("REFUND#{}", text(&refund["id"])), "REFUND").await;
    expect("refund", refund_name(&unpointed, &refund), "has no pointer");

    let orphaned = world.paid().await;
    let refund = world.refund(&orphaned, 100).await;
    delete(&world, &session_pk(&orphaned), "SESSION").await;
    expect("orphan", refund_name(&orphaned, &refund), "refunds a session that is not there");
    let left = world.paid().await;
    let refund = world.refund(&left, 100).await;
    delete(&world, &session_pk(&left), &format!("REFUND#{}", text(&refund["id"]))).await;
    expect("orphan", format!("pointer of refund {}", text(&refund["id"])), "leads to a refund that is not there");
    expect("orphan", format!("session {}", text(&refund["refund_payment_session_id"])), "which is not there");
    let cursor = json!({
        "pk": s("EVENTS#00000000-0000-4000-8000-000000000000"),
        "sk": s("CURSOR#demo#00000000-0000-4000-8000-000000000001"),
        "delivered": n(1), "head": n(1),
    });
    world.dynamodb("PutItem", &json!({ "TableName": world.machine.table_name(), "Item": cursor })).await;
    expect(
        "orphan",
        "cursor 00000000-0000-4000-8000-000000000000/demo/00000000-0000-4000-8000-000000000001".to_owned(),
        "not there",
    );
    let ahead = world.create().await;
    let cursor = json!({
        "pk": s(&format!("EVENTS#{}", text(&ahead["id"]))),
        "sk": s("CURSOR#demo#00000000-0000-4000-8000-000000000001"),
        "delivered": n(7), "head": n(7),
    });
    world.dynamodb("PutItem", &json!({ "TableName": world.machine.table_name(), "Item": cursor })).await;
    expect(
        "cursor",
        format!("cursor {}/demo/00000000-0000-4000-8000-000000000001", text(&ahead["id"])),
        "1 have happened",
    );

    let undue = world.create().await;
    change(&world, &session_pk(&undue), "SESSION", "REMOVE due_pk, due_at", json!({})).await;
    expect("due", named(&undue), "is not in the due index");
    let still_due = world.paid().await;
    change(
        &world,
        &session_pk(&still_due),
        "SESSION",
        "SET due_pk = :pk, due_at = :at",
        json!({ ":pk": s("DUE#1"), ":at": s("2096-01-01T00:00:00.000Z") }),
    )
    .await;
    expect("due", named(&still_due), "is done, and is in the due index");
    let wrongly_due = world.create().await;
    change(
        &world,
        &session_pk(&wrongly_due),
        "SESSION",
        "SET due_at = :at",
        json!({ ":at": s("2096-01-01T00:00:00.000Z") }),
    )
    .await;
    expect("due", named(&wrongly_due), "and is due at 2096");
    let forgotten = world.create().await;
    let past = json!({ ":past": n(946_684_800_000), ":at": s("2000-01-01T00:00:00.000Z") });
    change(&world, &session_pk(&forgotten), "SESSION", "SET expires_at = :past, due_at = :at", past).await;
    expect("forgotten", named(&forgotten), "has been due since 2000");

    let unlisted = world.create().await;
    change(&world, &session_pk(&unlisted), "SESSION", "REMOVE list_pk", json!({})).await;
    expect("listed", named(&unlisted), "not in its merchant's list");
    let deleted = world.create().await;
    tests::answer(world.demo(reqwest::Method::DELETE, &format!("/v2/payment_sessions/{}", text(&deleted["id"])))).await;
    change(&world, &session_pk(&deleted), "SESSION", "SET payer = :payer", json!({ ":payer": s("Ada") })).await;
    expect("erased", named(&deleted), "has still its payer");

    let unerased = world.create().await;
    world.cancel(&unerased).await;
    change(&world, &session_pk(&unerased), "SESSION", "SET erased_at = :at", json!({ ":at": { "N": "1" } })).await;
    expect("erased", named(&unerased), "holds still something about its payer");
    let unfound = world.create().await;
    world.cancel(&unfound).await;
    change(&world, &session_pk(&unfound), "SESSION", "REMOVE final_pk", json!({})).await;
    expect("final", named(&unfound), "is final, and not among those");

    let unmailed = world.paid().await;
    let unpublished = world.paid().await;
    world.settled().await;
    delete(&world, &format!("MAIL#{}", text(&unmailed["id"])), "receipt#5").await;
    expect("mail", named(&unmailed), "is not there");
    delete(&world, &format!("EVENTS#{}", text(&unpublished["id"])), "EVENT#000003").await;
    expect("event", named(&unpublished), "_3 is not there");
    let receiver = Receiver::start().await;
    world.register(&receiver.url("/"), json!({})).await;
    change(&world, "ENDPOINTS#demo", "COUNT#test", "SET #count = :count", json!({ ":count": n(3) })).await;
    expect("endpoint", "count of test endpoints of merchant demo".to_owned(), "says 3, and there are 1");
    let unreadable = world.create().await;
    change(&world, &session_pk(&unreadable), "SESSION", "REMOVE payee", json!({})).await;
    expect("readable", named(&unreadable), "missing field `payee`");
    let unknown = json!({ "pk": s("WHAT#1"), "sk": s("EVER") });
    world.dynamodb("PutItem", &json!({ "TableName": world.machine.table_name(), "Item": unknown })).await;
    expect("readable", "item WHAT#1".to_owned(), "nothing that this release knows");
    world.settled().await;

    let verified = run(&world, &["verify", "--late-after", "0s"]).await;
    assert_eq!(verified.code, 1, "{}", verified.said);
    let found = verified.json["violations"].as_array().unwrap();
    for Plant { rule, item, problem } in &plants {
        let is_it =
            |one: &&Value| one["rule"] == *rule && one["item"] == **item && text(&one["problem"]).contains(problem);
        assert!(found.iter().any(|one| is_it(&one)), "{rule} {item} {problem}: {}", verified.shown);
    }
    let of_sound: Vec<_> = found.iter().filter(|one| sound.iter().any(|id| text(&one["item"]).contains(id))).collect();
    assert!(of_sound.is_empty(), "{of_sound:#?}");
    let remedies = verified.json["what_to_do"].as_array().unwrap();
    assert!(remedies.len() >= 13 && remedies.iter().all(|one| one["what_to_do"].is_string()), "{remedies:?}");
    assert!(!verified.shown.contains("Ada"), "{}", verified.shown);
}

#[tokio::test]
async fn a_payer_is_erased_and_the_payment_is_not() {
    let world = World::start().await;
    let paid = world.paid().await;
    let open = world.create().await;
    world.payer(&open).identify().await;
    world.settled().await;
    let before = everything(&world).await;
    let erase = ["erase", "payer", "--email", "ADA@example.com"];
    let dry = run(&world, &[&erase[..], &["--dry-run"]].concat()).await;
    assert_eq!(dry.code, 1, "not all could be erased: {}", dry.said);
    assert!(dry.said.contains("dry run") && dry.said.contains("cancel them"), "{}", dry.said);
    let result = |answer: &Value, session: &Value| {
        let of = |one: &&Value| one["session_id"] == session["id"];
        text(&answer.as_array().unwrap().iter().find(of).unwrap()["result"])
    };
    assert_eq!((result(&dry.json, &paid), result(&dry.json, &open)), ("would_be_erased".into(), "not_final".into()));
    let why = dry.json.as_array().unwrap().iter().filter_map(|one| one["why"].as_str()).collect::<Vec<_>>();
    assert!(matches!(why[..], [why] if why.contains("cancel it")), "{why:?}");
    assert_eq!(everything(&world).await, before);

    // Nobody is at a terminal, and nobody said yes.
    let unasked = run(&world, &erase).await;
    assert!(unasked.code == 1 && unasked.said.contains("--yes"), "{}", unasked.said);
    assert_eq!(everything(&world).await, before);
    let erase = [&erase[..], &["--yes"]].concat();
    let done = run(&world, &erase).await;
    assert_eq!(done.code, 1, "not all could be erased");
    assert!(done.said.contains("cancel them"), "{}", done.said);
    assert_eq!(result(&done.json, &paid), "erased");
    assert_eq!(result(&done.json, &open), "not_final");
    let one = run(&world, &["erase", "session", &text(&open["id"]), "--yes"]).await;
    assert!(one.code == 1 && one.said.contains("cancel it"), "{}", one.said);
    let acts = async || crate::console_refunds::acts(&world, "personal_data_erased").await.len();
    assert_eq!(acts().await, 1, "of what was not final there is none");
    let again = answer(&world, &["erase", "session", &text(&paid["id"]), "--yes"]).await;
    assert_eq!((&again["result"], acts().await), (&json!("was_erased_before"), 1));
    world.cancel(&open).await;
    world.settled().await;
    assert_eq!(run(&world, &erase).await.code, 0);
    assert_eq!(answer(&world, &erase).await, json!([]), "nobody is there any more");
    let all = everything(&world).await;
    let sessions = all.iter().filter(|item| !text(&item["pk"]["S"]).starts_with("MOCKBANK#"));
    let left: Vec<_> = sessions.filter(|item| item.to_string().contains("ada@example.com")).collect();
    assert!(left.is_empty(), "{left:#?}");
    let session = world.get(&text(&paid["id"])).await;
    assert_eq!((&session["state"], &session["amount"]), (&json!("sent"), &json!(400)));
    assert_eq!(answer(&world, &["verify", "--late-after", "1h"]).await["summary"]["violations"], 0);
}

#[tokio::test]
async fn first_entries_that_were_never_published_are_reported_once_though_later_ones_were() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    let endpoint = world.register(&receiver.url("/"), json!({})).await;
    let session = world.paid().await;
    world.settled().await;
    receiver.accepted(5, PATIENCE).await;
    // As if nothing had been published before the third entry.
    let pk = format!("EVENTS#{}", text(&session["id"]));
    for sequence in [1, 2] {
        delete(&world, &pk, &format!("EVENT#{sequence:06}")).await;
    }
    let cursor = format!("CURSOR#demo#{}", text(&endpoint["id"]));
    assert_eq!(world.item(&pk, &cursor).await["first"]["N"], "1");
    change(&world, &pk, &cursor, "SET #first = :first", json!({ ":first": { "N": "3" } })).await;
    receiver.forget();

    for _ in 0..2 {
        answer(&world, &["republish", "--since", LONG_AGO]).await;
        world.settled().await;
        let mut delivered: Vec<_> = receiver.received().iter().map(tests::Received::sequence).collect();
        delivered.sort_unstable();
        assert_eq!(delivered, [1, 2], "{:#?}", receiver.summary());
    }
}
