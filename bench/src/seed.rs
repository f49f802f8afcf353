//! Fills a table with sessions, as the service would have written them in a quarter of a year.
//!
//! They go straight into the table's file, a thousand times faster than by the API, and without stream records: the
//! stream's reader begins at its oldest record, so that it would otherwise publish every one of them first. So these
//! sessions have no events, no mails and no bank's ledger, only their items and both index entries.

mod sessions;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::types::AttributeValue as Sdk;
use dynoxide::{AttributeValue, Database, ImportOptions};
use fastrand::Rng;
use indicatif::ProgressBar;
use local::{Config, Machine};
use models::Merchant;
use sessions::Maker;
use store::{Merchants, Table};
use tokio::runtime::Handle;

use crate::error::Error;
use crate::progress;

/// How many sessions one transaction of the table's file holds.
const BATCH: usize = 5_000;

/// What to fill.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many sessions to add
    #[arg(long, default_value = "1000000")]
    count: NonZeroU32,
    /// The data folder of `local`; made if missing
    #[arg(long)]
    data_dir: PathBuf,
    /// What `local` hosts
    #[arg(long, default_value = "template.yaml")]
    template: PathBuf,
    /// Where the functions' binaries are
    #[arg(long, default_value = "target/release")]
    bin_dir: PathBuf,
}

/// Adds sessions of the demo merchant to a data folder.
pub(crate) async fn run(Options { count, data_dir, template, bin_dir }: Options) -> Result<(), Error> {
    // It makes the table as the template says, and keeps others out of the folder meanwhile.
    let machine = Machine::start(Config::for_tests(template, bin_dir, data_dir)).await?;
    local::demo::seed(machine.aws_url(), machine.table_name(), false).await?;
    let filled = fill(&machine, count.get().try_into()?).await;
    let data_dir = machine.data_dir().to_owned();
    machine.stop().await;
    filled?;
    println!("{} has {count} sessions more", data_dir.display());
    Ok(())
}

/// Adds `count` sessions of the demo merchant to a machine's table, with progress shown.
///
/// # Errors
/// The table can't be written; what was written until then stays.
pub(crate) async fn fill(machine: &Machine, count: usize) -> Result<(), Error> {
    let merchant = Merchants::new(table(machine)?).get(&"demo".parse()?).await?.ok_or("no demo merchant")?;
    let file = machine.data_dir().join("table.sqlite");
    let database = Database::new(&file.to_string_lossy())?;
    database.enable_bulk_loading()?;
    let (table_name, base_url) = (machine.table_name().to_owned(), machine.api_url().to_owned());
    let progress = progress::bar(count, "seeding sessions");
    // One thread makes the next batch while another writes the last.
    let (batches, made) = sync_channel(1);
    let handle = Handle::current();
    let making = tokio::task::spawn_blocking(move || make(&handle, merchant, base_url, count, &batches));
    let shown = progress.clone();
    let writing = tokio::task::spawn_blocking(move || write(&database, &table_name, made, &shown));
    writing.await??;
    making.await??;
    progress.finish();
    Ok(())
}

/// A machine's table, as the service's own code reads it.
fn table(machine: &Machine) -> Result<Table, Error> {
    let credentials = Credentials::new("bench", "bench", None, None, "bench");
    let endpoint = Some(machine.aws_url().to_owned());
    let config = runtime::aws_config_for(credentials, "eu-west-2".to_owned(), endpoint)?;
    Ok(Table::new(&config, machine.table_name().to_owned(), runtime::Random::System))
}

fn make(
    handle: &Handle,
    merchant: Merchant,
    base_url: String,
    count: usize,
    batches: &SyncSender<Vec<dynoxide::Item>>,
) -> Result<(), Error> {
    let mut maker = Maker::new(merchant, base_url, Rng::new());
    let mut number = 0;
    while number < count {
        let end = count.min(number + BATCH);
        let mut batch = Vec::with_capacity(end - number);
        while number < end {
            let session = handle.block_on(maker.session(number, count))?;
            batch.push(item(store::session_item(&session)?)?);
            number += 1;
        }
        // The writer says itself why it has stopped.
        if batches.send(batch).is_err() {
            break;
        }
    }
    Ok(())
}

fn write(
    database: &Database,
    table: &str,
    made: Receiver<Vec<dynoxide::Item>>,
    progress: &ProgressBar,
) -> Result<(), Error> {
    let unseen = ImportOptions { record_streams: false, ..ImportOptions::default() };
    for batch in made {
        let imported = database.import_items(table, batch, unseen.clone())?;
        progress.inc(imported.items_imported.try_into()?);
    }
    database.disable_bulk_loading()?;
    Ok(())
}

/// An item as dynoxide has it.
fn item(item: store::Item) -> Result<dynoxide::Item, Error> {
    item.into_iter().map(|(name, value)| Ok((name, attribute(value)?))).collect()
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the SDK's may get more, and says so by a variant that can't be named"
)]
fn attribute(value: Sdk) -> Result<AttributeValue, Error> {
    Ok(match value {
        Sdk::S(text) => AttributeValue::S(text),
        Sdk::N(number) => AttributeValue::N(number),
        Sdk::B(bytes) => AttributeValue::B(bytes.into_inner()),
        Sdk::Bool(flag) => AttributeValue::BOOL(flag),
        Sdk::Null(flag) => AttributeValue::NULL(flag),
        Sdk::Ss(texts) => AttributeValue::SS(texts),
        Sdk::Ns(numbers) => AttributeValue::NS(numbers),
        Sdk::Bs(all) => AttributeValue::BS(all.into_iter().map(|bytes| bytes.into_inner()).collect()),
        Sdk::L(values) => AttributeValue::L(values.into_iter().map(attribute).collect::<Result<_, _>>()?),
        Sdk::M(map) => AttributeValue::M(item(map)?),
        _ => return Err("a kind of attribute that is newer than this code".into()),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

    use std::collections::BTreeSet;

    use ::tests::{World, answer, text};
    use jiff::{SignedDuration, Timestamp};
    use models::SessionState;
    use reqwest::{Method, StatusCode};
    use serde_json::{Value, json};
    use store::Sessions;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_seeded_is_listed_and_got_and_nothing_is_published_of_it() {
        let world = World::start().await;
        fill(&world.machine, 250).await.unwrap();
        let (mut ids, mut states) = (BTreeSet::new(), BTreeSet::new());
        let mut path = "/v2/payment_sessions?limit=100".to_owned();
        loop {
            let page = answer(world.demo(Method::GET, &path)).await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.text);
            for session in page.body["data"].as_array().unwrap() {
                ids.insert(text(&session["id"]));
                states.insert(text(&session["state"]));
            }
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            path = format!("/v2/payment_sessions?limit=100&cursor={cursor}");
        }
        assert_eq!(ids.len(), 250);
        assert!(states.len() >= 3, "cancelled and expired show as failed: {states:?}");
        for id in ids.iter().take(20) {
            assert_eq!(&text(&world.get(id).await["id"]), id);
        }
        world.settled().await;
        assert_eq!(world.machine.process_count("PublishFunction"), 0, "it had nothing to publish");
        world.paid().await;
        world.settled().await;
        assert_eq!(world.machine.process_count("PublishFunction"), 1, "it publishes what happens from then on");
        assert_eq!(world.machine.mails().len(), 1);
    }

    /// A session in every state that callers can bring about at once.
    async fn sessions(world: &World) -> Vec<String> {
        let mut ids = Vec::new();
        for steps in 0..=6 {
            let session = world.create().await;
            let payer = world.payer(&session);
            if steps >= 1 {
                payer.identify().await;
            }
            if (2..6).contains(&steps) {
                payer.choose_bank(1).await;
            }
            match steps {
                3 => drop(payer.decide(1, "approve").await),
                4 => drop(payer.decide(1, "decline").await),
                5 => drop(payer.decide(1, "approve_then_settle").await),
                6 => drop(payer.cancel().await),
                _ => {}
            }
            ids.push(text(&session["id"]));
        }
        ids
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_item_is_as_the_service_writes_it() {
        let world = World::start().await;
        let mut states = BTreeSet::new();
        for id in sessions(&world).await {
            let key = json!({ "pk": { "S": format!("SESSION#{id}") }, "sk": { "S": "SESSION" } });
            let body = json!({ "TableName": world.machine.table_name(), "Key": key });
            let mut written: Value = world.dynamodb("GetItem", &body).await["Item"].clone();
            // By which key it was changed last stands beside the session.
            written.as_object_mut().unwrap().remove("key_id");
            let session = Sessions::new(world.table()).get(&id.parse().unwrap()).await.unwrap().unwrap();
            states.insert(session.state.as_str());
            let seeded = item(store::session_item(&session).unwrap()).unwrap();
            assert_eq!(serde_json::to_value(seeded).unwrap(), written);
        }
        assert_eq!(states.len(), 7, "{states:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn sessions_come_oldest_first_and_none_falls_due_soon() {
        let world = World::start().await;
        let merchant = Merchants::new(world.table()).get(&"demo".parse().unwrap()).await.unwrap().unwrap();
        // By chance, one in fifty samples of 400 lacks a state.
        let mut maker = Maker::new(merchant, world.machine.api_url().to_owned(), Rng::with_seed(1));
        let now = Timestamp::now();
        let mut states = BTreeSet::new();
        let mut last = Timestamp::MIN;
        for number in 0..400 {
            let session = maker.session(number, 400).await.unwrap();
            assert!(last <= session.created_at && session.created_at < now);
            last = session.created_at;
            states.insert(session.state.as_str());
            assert_eq!(session.history.last().map(|entry| entry.state), Some(session.state));
            assert!(session.history.is_sorted_by_key(|entry| entry.at));
            assert!(session.history.last().is_some_and(|entry| entry.at < now));
            let left = session.expires_at.duration_since(now);
            if session.state.is_awaiting() {
                assert!(left > SignedDuration::from_hours(1), "{session:?}");
            }
            assert!(session.state != SessionState::Expired || left.is_negative());
        }
        assert_eq!(states.len(), 7, "all but pending: {states:?}");
    }
}
