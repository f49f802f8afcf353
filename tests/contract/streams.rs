//! The table's stream: what it reports of each write, and in which order.

use serde_json::{Value, json};

use crate::call::plain_item;
use crate::fixture::{Table, key, until, update};

contracts! { Table:
    "dynamodb:Streams" each_write_is_in_the_stream_with_both_images,
    "dynamodb:Streams" a_write_that_changes_nothing_is_not_in_the_stream,
    "dynamodb:Streams" changes_of_an_item_are_in_the_stream_in_order,
    "dynamodb:Streams" all_that_a_transaction_changes_is_in_the_stream,
    "dynamodb-api:API_streams_GetShardIterator" reading_goes_on_after_a_sequence_number,
    "dynamodb-api:API_streams_GetRecords" where_nothing_is_new_nothing_is_returned_and_reading_goes_on,
}

/// The first `count` records of the stream, from its trim horizon on; no more come with them. All writes of a contract go to
/// one partition key, whose changes are in one shard.
async fn records(table: &Table, count: usize) -> Vec<Value> {
    let mut records = Vec::new();
    until(&format!("{count} records"), table.patience(), async || {
        records.clear();
        for shard in shards(table).await {
            let mut iterator = iterator(table, &shard, json!({ "ShardIteratorType": "TRIM_HORIZON" })).await;
            // An empty answer may be in the midst of a shard on AWS, and its end is not marked while it is open.
            for _ in 0..5 {
                let answer = table.stream("GetRecords", json!({ "ShardIterator": iterator })).await;
                records.extend(answer["Records"].as_array().cloned().unwrap());
                match answer.get("NextShardIterator").filter(|next| !next.is_null()) {
                    Some(next) => iterator = next.clone(),
                    None => break,
                }
            }
        }
        (records.len() >= count).then_some(())
    })
    .await;
    assert_eq!(records.len(), count, "{records:?}");
    records
}

async fn arn(table: &Table) -> Value {
    table.ok("DescribeTable", json!({})).await["Table"]["LatestStreamArn"].clone()
}

async fn shards(table: &Table) -> Vec<Value> {
    let described = table.stream("DescribeStream", json!({ "StreamArn": arn(table).await })).await;
    let description = &described["StreamDescription"];
    assert_eq!(description["StreamViewType"], "NEW_AND_OLD_IMAGES");
    description["Shards"].as_array().unwrap().iter().map(|shard| shard["ShardId"].clone()).collect()
}

async fn iterator(table: &Table, shard: &Value, from: Value) -> Value {
    let mut body = from;
    body["StreamArn"] = arn(table).await;
    body["ShardId"] = shard.clone();
    table.stream("GetShardIterator", body).await["ShardIterator"].clone()
}

fn image(record: &Value, which: &str) -> Option<Value> {
    record["dynamodb"].get(which).filter(|image| !image.is_null()).map(plain_item)
}

fn sequence_number(record: &Value) -> u128 {
    record["dynamodb"]["SequenceNumber"].as_str().unwrap().parse().unwrap()
}

fn now_s() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64()
}

async fn each_write_is_in_the_stream_with_both_images(table: Table) {
    let begun_s = now_s();
    table.put(json!({ "pk": "a", "sk": "1", "n": 1 })).await;
    table.update("SET #n = :n", "", json!({ ":n": 2 })).await.unwrap();
    table.put(json!({ "pk": "a", "sk": "1", "n": 3 })).await;
    table.ok("DeleteItem", json!({ "Key": key("a", "1") })).await;
    let ended_s = now_s() + 1.0;
    let records = records(&table, 4).await;
    let item = |n: u32| Some(json!({ "pk": "a", "sk": "1", "n": n }));
    let wanted = [
        ("INSERT", None, item(1)),
        ("MODIFY", item(1), item(2)),
        ("MODIFY", item(2), item(3)),
        ("REMOVE", item(3), None),
    ];
    for (record, (event, old, new)) in records.iter().zip(wanted) {
        assert_eq!(record["eventName"], event);
        assert_eq!(record["dynamodb"]["Keys"], key("a", "1"));
        assert_eq!((image(record, "OldImage"), image(record, "NewImage")), (old, new), "{event}");
        assert_eq!(record["dynamodb"]["StreamViewType"], "NEW_AND_OLD_IMAGES");
        // Of the second in which it was written, rounded down; `publish` allows a second more for clocks.
        let landed_s = record["dynamodb"]["ApproximateCreationDateTime"].as_f64().unwrap();
        assert!(
            landed_s.fract() == 0.0 && (begun_s - 2.0..=ended_s).contains(&landed_s),
            "{landed_s} {begun_s} {ended_s}"
        );
    }
    let mut ids: Vec<_> = records.iter().map(|record| record["eventID"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

async fn a_write_that_changes_nothing_is_not_in_the_stream(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "n": 1 })).await;
    table.put(json!({ "pk": "a", "sk": "1", "n": 1 })).await;
    table.update("SET #n = :n REMOVE #never", "", json!({ ":n": 1 })).await.unwrap();
    table.update("SET #n = :n", "#n = :n", json!({ ":n": 2 })).await.unwrap_err();
    table.put_new(json!({ "pk": "a", "sk": "1", "n": 3 })).await.unwrap_err();
    table.ok("DeleteItem", json!({ "Key": key("a", "2") })).await;
    table.put(json!({ "pk": "a", "sk": "1", "n": 4 })).await;
    let reported: Vec<_> =
        records(&table, 2).await.iter().map(|record| image(record, "NewImage").unwrap()["n"].clone()).collect();
    assert_eq!(reported, [1, 4]);
}

async fn changes_of_an_item_are_in_the_stream_in_order(table: Table) {
    for n in 1..=30 {
        table.update("SET #n = :n", "", json!({ ":n": n })).await.unwrap();
    }
    let records = records(&table, 30).await;
    assert!(records.iter().is_sorted_by(|a, b| sequence_number(a) < sequence_number(b)));
    let reported: Vec<_> =
        records.iter().map(|record| image(record, "NewImage").unwrap()["n"].as_u64().unwrap()).collect();
    assert_eq!(reported, (1..=30).collect::<Vec<_>>());
}

async fn all_that_a_transaction_changes_is_in_the_stream(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1" })).await;
    table.put(json!({ "pk": "a", "sk": "3" })).await;
    let mut set = update("a", "1", "SET #n = :n", "", json!({ ":n": 1 }));
    set["TableName"] = json!(table.name);
    let with = |mut body: Value| {
        body["TableName"] = json!(table.name);
        body
    };
    let parts = [
        json!({ "Put": with(json!({ "Item": key("a", "2") })) }),
        json!({ "Update": set }),
        json!({ "Delete": with(json!({ "Key": key("a", "3") })) }),
    ];
    table.transact(parts).await.unwrap();
    let mut reported: Vec<_> = records(&table, 5).await[2..]
        .iter()
        .map(|record| (record["dynamodb"]["Keys"]["sk"]["S"].clone(), record["eventName"].clone()))
        .map(|(sk, event)| (sk.as_str().unwrap().to_owned(), event.as_str().unwrap().to_owned()))
        .collect();
    reported.sort();
    assert_eq!(
        reported,
        [("1", "MODIFY"), ("2", "INSERT"), ("3", "REMOVE")].map(|(sk, event)| (sk.to_owned(), event.to_owned()))
    );
}

/// The shard that has records, and its first `count` records.
async fn shard_of(table: &Table, count: usize) -> (Value, Vec<Value>) {
    let records = records(table, count).await;
    for shard in shards(table).await {
        let iterator = iterator(table, &shard, json!({ "ShardIteratorType": "TRIM_HORIZON" })).await;
        let answer = table.stream("GetRecords", json!({ "ShardIterator": iterator })).await;
        if answer["Records"].as_array().is_some_and(|records| !records.is_empty()) {
            return (shard, records);
        }
    }
    panic!("no shard has records");
}

async fn reading_goes_on_after_a_sequence_number(table: Table) {
    for n in 1..=5 {
        table.update("SET #n = :n", "", json!({ ":n": n })).await.unwrap();
    }
    let (shard, all) = shard_of(&table, 5).await;
    let from =
        |kind: &str| json!({ "ShardIteratorType": kind, "SequenceNumber": all[1]["dynamodb"]["SequenceNumber"] });
    for (kind, first) in [("AFTER_SEQUENCE_NUMBER", 2), ("AT_SEQUENCE_NUMBER", 1)] {
        let iterator = iterator(&table, &shard, from(kind)).await;
        let answer = table.stream("GetRecords", json!({ "ShardIterator": iterator, "Limit": 2 })).await;
        let reported: Vec<_> = answer["Records"].as_array().unwrap().iter().map(sequence_number).collect();
        let wanted: Vec<_> = all[first..first + 2].iter().map(sequence_number).collect();
        assert_eq!(reported, wanted, "{kind}");
        let next = answer["NextShardIterator"].clone();
        let answer = table.stream("GetRecords", json!({ "ShardIterator": next, "Limit": 1 })).await;
        assert_eq!(sequence_number(&answer["Records"][0]), sequence_number(&all[first + 2]), "{kind}");
    }
}

async fn where_nothing_is_new_nothing_is_returned_and_reading_goes_on(table: Table) {
    table.put(json!({ "pk": "a", "sk": "1", "n": 1 })).await;
    let (shard, all) = shard_of(&table, 1).await;
    let last =
        json!({ "ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": all[0]["dynamodb"]["SequenceNumber"] });
    let mut iterator = iterator(&table, &shard, last).await;
    let answer = table.stream("GetRecords", json!({ "ShardIterator": iterator })).await;
    assert_eq!(answer["Records"], json!([]));
    iterator = answer["NextShardIterator"].clone();
    table.put(json!({ "pk": "a", "sk": "1", "n": 2 })).await;
    let reported = until("the new record", table.patience(), async || {
        let answer = table.stream("GetRecords", json!({ "ShardIterator": iterator })).await;
        iterator = answer["NextShardIterator"].clone();
        answer["Records"].as_array().and_then(|records| records.first().cloned())
    })
    .await;
    assert_eq!(image(&reported, "NewImage").unwrap()["n"], 2);
}
