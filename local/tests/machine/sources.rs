//! Writes and messages that call functions.

use std::time::Duration;

use crate::support::{PATIENCE, config, dynamodb, get, lines, machine, put, records, s, sqs};
use local::Machine;
use serde_json::Value;

#[tokio::test]
async fn records_arrive_in_order_and_only_those_the_filter_lets_pass() {
    let (machine, _folder) = machine().await;
    let client = dynamodb(&machine);
    for n in 0..25 {
        put(&client, &format!("{n:02}"), "").await;
        client.put_item().table_name("local-Table").item("pk", s("x")).item("sk", s("EVENT")).send().await.unwrap();
    }
    assert!(machine.settled(PATIENCE).await);
    let expected: Vec<_> = (0..25).map(|n| format!("INSERT {n:02}")).collect();
    assert_eq!(records(&machine, "StreamFunction"), expected);
    assert!(lines(&machine, "StreamFunction").iter().all(|line| line != "batch of 11"));
    machine.stop().await;
}

#[tokio::test]
async fn a_record_that_fails_once_is_retried_from_there_on() {
    let (machine, _folder) = machine().await;
    let client = dynamodb(&machine);
    // Written in one transaction, so that they come in one batch.
    write_together(&client, &[("a", ""), ("b", "fail-1"), ("c", "")]).await;
    assert!(machine.settled(PATIENCE).await);
    let seen = records(&machine, "StreamFunction");
    assert_eq!(seen, ["INSERT a", "INSERT b", "INSERT c", "INSERT b", "INSERT c"]);
    machine.stop().await;
}

#[tokio::test]
async fn each_record_has_retries_of_its_own() {
    let (machine, _folder) = machine().await;
    // One after the other is the first to fail; the last then has its own two retries left, and needs one.
    let wishes = [("a", ""), ("b", "fail-1"), ("c", "fail-2"), ("d", "fail-3"), ("e", "fail-5")];
    write_together(&dynamodb(&machine), &wishes).await;
    assert!(machine.settled(PATIENCE).await);
    assert_eq!(machine.queue_bodies("StreamFailures"), Vec::<String>::new());
    machine.stop().await;
}

#[tokio::test]
async fn a_record_that_always_fails_is_given_up_and_stops_no_other() {
    let (machine, _folder) = machine().await;
    let client = dynamodb(&machine);
    write_together(&client, &[("a", ""), ("b", "fail"), ("c", ""), ("d", "exit"), ("e", "")]).await;
    assert!(machine.settled(PATIENCE).await);
    let seen = records(&machine, "StreamFunction");
    for good in ["a", "c", "e"] {
        assert!(seen.contains(&format!("INSERT {good}")), "{seen:?}");
    }
    let given_up: Vec<Value> =
        machine.queue_bodies("StreamFailures").iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    assert_eq!(given_up.len(), 2, "{given_up:?}");
    for document in given_up {
        assert_eq!(document["requestContext"]["condition"], "RetryAttemptsExhausted");
        let info = &document["DDBStreamBatchInfo"];
        assert_eq!((&info["batchSize"], &info["startSequenceNumber"]), (&Value::from(1), &info["endSequenceNumber"]));
    }
    machine.stop().await;
}

async fn write_together(client: &aws_sdk_dynamodb::Client, items: &[(&str, &str)]) {
    use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
    let mut transaction = client.transact_write_items();
    for (pk, wish) in items {
        let put = Put::builder().table_name("local-Table").item("pk", s(pk)).item("sk", s("SESSION"));
        let put = put.item("wish", s(wish)).build().unwrap();
        transaction = transaction.transact_items(TransactWriteItem::builder().put(put).build());
    }
    transaction.send().await.unwrap();
}

#[tokio::test]
async fn items_are_delivered_side_by_side_and_each_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(crate::support::template()).unwrap();
    let parallel = text.replace("BisectBatch", "ParallelizationFactor: 3\n            BisectBatch");
    assert_ne!(parallel, text);
    // A record may fail once in each process: that must not exhaust its attempts.
    let patient = parallel.replace("MaximumRetryAttempts: 2", "MaximumRetryAttempts: 10");
    assert_ne!(patient, parallel);
    let template = folder.path().join("template.yaml");
    std::fs::write(&template, patient).unwrap();
    let machine = Machine::start(local::Config { template, ..config(&folder) }).await.unwrap();
    let client = dynamodb(&machine);
    let items = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for wish in ["", "fail-1", "changed"] {
        write_together(&client, &items.map(|item| (item, wish))).await;
    }
    for item in items {
        client.delete_item().table_name("local-Table").key("pk", s(item)).key("sk", s("SESSION")).send().await.unwrap();
    }
    assert!(machine.settled(PATIENCE).await);
    let seen = records(&machine, "StreamFunction");
    for item in items {
        let of_item = seen.iter().filter_map(|record| record.strip_suffix(&format!(" {item}")));
        let mut of_item: Vec<_> = of_item.collect();
        of_item.dedup();
        assert_eq!((of_item.first(), of_item.last()), (Some(&"INSERT"), Some(&"REMOVE")), "{item}: {seen:?}");
    }
    assert!(machine.process_count("StreamFunction") > 1, "never two batches at once");
    assert_eq!(machine.queue_bodies("StreamFailures"), Vec::<String>::new());
    machine.stop().await;
}

#[tokio::test]
async fn batches_are_delivered_twice_on_request() {
    let (machine, _folder) = machine().await;
    machine.faults().deliver_twice(true);
    put(&dynamodb(&machine), "a", "").await;
    send(&machine, "m").await;
    assert!(machine.settled(PATIENCE).await);
    assert_eq!(records(&machine, "StreamFunction"), ["INSERT a", "INSERT a"]);
    assert_eq!(records(&machine, "QueueFunction"), ["m", "m"]);
    machine.stop().await;
}

#[tokio::test]
async fn what_was_read_before_a_stop_is_not_read_again() {
    let (machine, folder) = machine().await;
    put(&dynamodb(&machine), "a", "").await;
    assert!(machine.settled(PATIENCE).await);
    machine.stop().await;
    let machine = Machine::start(config(&folder)).await.unwrap();
    put(&dynamodb(&machine), "b", "").await;
    assert!(machine.settled(PATIENCE).await);
    assert_eq!(records(&machine, "StreamFunction"), ["INSERT b"]);
    machine.stop().await;
}

#[tokio::test]
async fn expired_items_are_removed_and_recorded_in_the_stream() {
    let (machine, _folder) = machine().await;
    let ttl = aws_sdk_dynamodb::types::AttributeValue::N("1".to_owned());
    let put = dynamodb(&machine).put_item().table_name("local-Table").item("pk", s("a")).item("sk", s("SESSION"));
    put.item("ttl", ttl).send().await.unwrap();
    assert_eq!(machine.sweep_ttl().unwrap(), 1);
    assert!(machine.settled(PATIENCE).await);
    assert_eq!(records(&machine, "StreamFunction"), ["INSERT a", "REMOVE a"]);
    machine.stop().await;
}

/// This test's runtime has one thread: were it to wait for a file, nothing else would be answered.
#[tokio::test]
async fn a_file_that_is_held_stops_only_those_who_wait_for_it() {
    let (machine, _folder) = machine().await;
    assert_eq!(get(&format!("{}/echo/1", machine.api_url())).await.status, 200, "its process has been started");
    let held = ["table.sqlite", "queues.sqlite"].map(|name| {
        let file = rusqlite::Connection::open(machine.data_dir().join(name)).unwrap();
        file.execute_batch("BEGIN IMMEDIATE").unwrap();
        file
    });
    let (table, queue, url) = (dynamodb(&machine), sqs(&machine), machine.queue_url("Letters"));
    let writes = tokio::spawn(async move {
        let put = put(&table, "a", "");
        let send = queue.send_message().queue_url(url).message_body("b").send();
        tokio::join!(put, send).1.unwrap();
    });
    let called = |operation: &str| machine.meter().calls("-", operation);
    let begun = |_: &Machine| (called("PutItem") + called("SendMessage") == 2).then_some(());
    machine.until(PATIENCE, begun).await.unwrap();
    for page in [format!("{}/echo/1", machine.api_url()), machine.mail_url().to_owned()] {
        assert_eq!(get(&page).await.status, 200);
    }
    assert!(!writes.is_finished());
    drop(held);
    writes.await.unwrap();
    assert_eq!((called("PutItem"), called("SendMessage")), (1, 1), "nobody gave up");
    machine.stop().await;
}

async fn send(machine: &Machine, body: &str) {
    let url = machine.queue_url("Queue");
    sqs(machine).send_message().queue_url(url).message_body(body).send().await.unwrap();
}

#[tokio::test]
async fn messages_done_are_deleted_and_those_that_fail_come_back_until_they_are_dead_letters() {
    let folder = tempfile::tempdir().unwrap();
    let timeout = Some(Duration::from_millis(300));
    let machine = Machine::start(local::Config { visibility_timeout: timeout, ..config(&folder) }).await.unwrap();
    for body in ["good", "fail", "fail-1", "exit"] {
        send(&machine, body).await;
    }
    assert!(machine.settled(PATIENCE).await);
    let seen = records(&machine, "QueueFunction");
    let count = |name: &str| seen.iter().filter(|seen| *seen == name).count();
    assert_eq!((count("fail"), count("exit")), (2, 2), "{seen:?}");
    let mut dead = machine.queue_bodies("DeadLetters");
    dead.sort();
    dead.retain(|body| body != "good" && body != "fail-1");
    assert_eq!(dead, ["exit", "fail"]);
    machine.stop().await;
}
