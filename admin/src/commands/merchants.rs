//! Merchants.

use std::cell::RefCell;

use clap::Subcommand;
use models::{InvalidText, ListShards, Merchant, MerchantId, Name};
use runtime::{Clock, Random};
use store::{ListShardsRaised, Merchants as Stored, Table};

use crate::arguments::{DRY_RUN_NOTE, DryRun};
use crate::failure::Failure;
use crate::progress::{ReadRate, walk};
use crate::report::{Record, Report, field};

const SHARDS_NOTE: &str = "Lists read all of them from now on; new sessions are put into all of them in 20 minutes.";

#[derive(Debug, Subcommand)]
pub(crate) enum Merchants {
    /// Create a merchant
    Create {
        /// 1 to 24 lower-case letters and digits; its keys will carry it
        id: MerchantId,
        /// Its name, for you
        #[arg(long, value_parser = name)]
        name: Name,
        #[command(flatten)]
        dry: DryRun,
    },
    /// Show a merchant
    Show {
        /// The merchant's id
        id: MerchantId,
    },
    /// List all merchants
    ///
    /// This reads the whole table, for nothing else needs to know all merchants.
    List {
        #[command(flatten)]
        rate: ReadRate,
    },
    /// Put a busy merchant's new sessions into more shards of its lists
    ///
    /// One partition of DynamoDB takes 1,000 writes a second, and a merchant with more has its requests throttled. The count
    /// only rises: each session stays where it is, and every list reads every shard. Only a merchant with very many
    /// payments needs more than the one that it begins with.
    Shards {
        /// The merchant's id
        id: MerchantId,
        #[arg(help = format!(
            "How many, up to {}: one for each {} sessions that are created in its busiest second",
            ListShards::MAX,
            ListShards::CREATIONS_PER_SECOND
        ))]
        count: ListShards,
        #[command(flatten)]
        dry: DryRun,
    },
}

pub(crate) async fn run(command: Merchants, table: &Table) -> Result<Report, Failure> {
    let merchants = &Stored::new(table.clone());
    match command {
        Merchants::Create { id, name, dry } => create(merchants, id, name, dry).await,
        Merchants::Show { id } => Ok(Report::one(record(&get(merchants, id).await?))),
        Merchants::List { rate } => list(merchants, table, rate).await,
        Merchants::Shards { id, count, dry } => raise_shards(merchants, id, count, dry).await,
    }
}

/// The merchant with this id.
pub(crate) async fn get(merchants: &Stored, id: MerchantId) -> Result<Merchant, Failure> {
    merchants.get(&id).await?.ok_or(Failure::NoMerchant(id))
}

async fn create(merchants: &Stored, id: MerchantId, name: Name, dry: DryRun) -> Result<Report, Failure> {
    if dry.dry_run {
        if merchants.get(&id).await?.is_some() {
            return Err(Failure::MerchantExists(id));
        }
        let would_be = Record(vec![field("id", id), field("name", name.as_str()), field("list_shards", 1)]);
        return Ok(Report::one(would_be).with_note(DRY_RUN_NOTE));
    }
    let salt = Random::System.bytes();
    if !merchants.create(&id, name.clone(), salt).await? {
        // Ours after all if it bears our salt: the SDK repeated a write whose answer was lost.
        let there = merchants.get(&id).await?;
        if there.is_none_or(|there| there.idempotency_salt != salt) {
            return Err(Failure::MerchantExists(id));
        }
    }
    Ok(Report::one(record(&get(merchants, id).await?)))
}

async fn list(merchants: &Stored, table: &Table, rate: ReadRate) -> Result<Report, Failure> {
    let ids = RefCell::new(Vec::new());
    let gather = async |found| {
        ids.borrow_mut().extend(found);
        Ok(0.0)
    };
    walk(table, "finding merchants", rate, Table::merchants, gather).await?;
    let mut ids = ids.into_inner();
    ids.sort();
    let mut records = Vec::new();
    for id in ids {
        records.push(record(&get(merchants, id).await?));
    }
    Ok(Report::many(records))
}

async fn raise_shards(merchants: &Stored, id: MerchantId, count: ListShards, dry: DryRun) -> Result<Report, Failure> {
    if dry.dry_run {
        let merchant = get(merchants, id).await?;
        let shards = merchant.list_sharding.shards();
        if count <= shards {
            return Err(Failure::NotMoreShards { id: merchant.id, shards });
        }
        let would_be =
            Record(vec![field("id", merchant.id), field("name", merchant.name.as_str()), field("list_shards", count)]);
        return Ok(Report::one(would_be).with_note(DRY_RUN_NOTE));
    }
    match merchants.raise_list_shards(&id, count, Clock::System.now()).await? {
        ListShardsRaised::Done => {}
        ListShardsRaised::NotMore(shards) => return Err(Failure::NotMoreShards { id, shards }),
        ListShardsRaised::NoMerchant => return Err(Failure::NoMerchant(id)),
    }
    Ok(Report::one(record(&get(merchants, id).await?)).with_note(SHARDS_NOTE))
}

fn record(merchant: &Merchant) -> Record {
    Record(vec![
        field("id", &merchant.id),
        field("name", merchant.name.as_str()),
        field("list_shards", merchant.list_sharding.shards()),
    ])
}

pub(crate) fn name(text: &str) -> Result<Name, InvalidText> {
    text.to_owned().try_into()
}
