//! Merchants.

mod shop;

use std::cell::RefCell;

use clap::Subcommand;
use models::{ActKind, ActObject, ListShards, Merchant, MerchantId, Name, Shop};
use runtime::{Clock, Random};
use store::{ListShardsRaised, Merchants as Stored, Shops, Table};

use crate::arguments::{DRY_RUN_NOTE, DryRun, text};
use crate::failure::Failure;
use crate::progress::{ReadRate, walk};
use crate::report::{Record, Report, field, plain};
use crate::target::Service;
use shop::ShopArguments;

const SHARDS_NOTE: &str = "Lists read all of them from now on; new sessions are put into all of them in 20 minutes.";

#[derive(Debug, Subcommand)]
pub(crate) enum Merchants {
    /// Create a merchant
    #[command(after_help = "Example:\n  counterfoil merchants create acme --name Acme")]
    Create {
        /// 1 to 24 lower-case letters and digits; its keys will carry it
        id: MerchantId,
        /// Its name, for you
        #[arg(long, value_parser = text::<Name>)]
        name: Name,
        #[command(flatten)]
        dry: DryRun,
        #[command(flatten)]
        shop: Box<ShopArguments>,
    },
    /// Change what payers see of a merchant: its shop's name, where it helps, its colour and logo
    #[command(after_help = "Example:\n  counterfoil merchants update acme --support-email help@shop.example")]
    Update {
        /// The merchant's id
        id: MerchantId,
        #[command(flatten)]
        dry: DryRun,
        #[command(flatten)]
        shop: Box<ShopArguments>,
    },
    /// Show a merchant, and what payers see of it
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
    #[command(after_help = "Example:\n  counterfoil merchants shards acme 4 --dry-run")]
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

pub(crate) async fn run(command: Merchants, service: &Service) -> Result<Report, Failure> {
    let table = &service.table;
    let (merchants, shops) = (&Stored::new(table.clone()), &Shops::new(table.clone()));
    match command {
        Merchants::Create { id, name, shop, dry } => create(merchants, shops, id, name, &shop, dry).await,
        Merchants::Update { id, shop, dry } => update(service, merchants, shops, id, &shop, dry).await,
        Merchants::Show { id } => {
            let merchant = get(merchants, id).await?;
            let shop = shops.get(&merchant.id).await?;
            Ok(Report::one(with_shop(record(&merchant), shop.as_ref())))
        }
        Merchants::List { rate } => list(merchants, table, rate).await,
        Merchants::Shards { id, count, dry } => raise_shards(merchants, id, count, dry).await,
    }
}

/// The merchant with this id.
pub(crate) async fn get(merchants: &Stored, id: MerchantId) -> Result<Merchant, Failure> {
    merchants.get(&id).await?.ok_or(Failure::NoMerchant(id))
}

async fn create(
    merchants: &Stored,
    shops: &Shops,
    id: MerchantId,
    name: Name,
    shop: &ShopArguments,
    dry: DryRun,
) -> Result<Report, Failure> {
    let wanted = if shop.are_none() { None } else { Some(shop.onto(None, &id)?) };
    if dry.dry_run {
        if merchants.get(&id).await?.is_some() {
            return Err(Failure::MerchantExists(id));
        }
        let would_be = Record(vec![field("id", &id), field("name", name.as_str()), plain("list_shards", 1)]);
        return Ok(report(would_be, wanted.as_ref(), shop, dry));
    }
    let salt = Random::System.bytes();
    if !merchants.create(&id, name.clone(), salt).await? {
        // Ours after all if it bears our salt: the SDK repeated a write whose answer was lost.
        let there = merchants.get(&id).await?;
        if there.is_none_or(|there| there.idempotency_salt != salt) {
            return Err(Failure::MerchantExists(id));
        }
    }
    if let Some(wanted) = &wanted {
        shops.put(&id, wanted).await?;
    }
    Ok(report(record(&get(merchants, id.clone()).await?), wanted.as_ref(), shop, dry))
}

async fn update(
    service: &Service,
    merchants: &Stored,
    shops: &Shops,
    id: MerchantId,
    shop: &ShopArguments,
    dry: DryRun,
) -> Result<Report, Failure> {
    if shop.are_none() {
        return Err(Failure::NothingGiven);
    }
    let merchant = get(merchants, id).await?;
    let changed = |before| shop.onto(before, &merchant.id);
    let wanted = match dry.dry_run {
        true => changed(shops.get(&merchant.id).await?)?,
        false => {
            service.record(&merchant.id, None, ActKind::ShopChanged, ActObject::Shop).await?;
            shops.change(&merchant.id, changed, None).await?
        }
    };
    Ok(report(record(&merchant), Some(&wanted), shop, dry))
}

/// A merchant with its shop as it is then, and what is to be said of it.
fn report(record: Record, shop: Option<&Shop>, given: &ShopArguments, dry: DryRun) -> Report {
    let notes = [given.note(), dry.dry_run.then(|| DRY_RUN_NOTE.to_owned())];
    let notes: Vec<_> = notes.into_iter().flatten().collect();
    let report = Report::one(with_shop(record, shop));
    if notes.is_empty() { report } else { report.with_note(notes.join(" ")) }
}

fn with_shop(Record(mut fields): Record, shop: Option<&Shop>) -> Record {
    fields.extend(shop::fields(shop));
    Record(fields)
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
        let shards = plain("list_shards", u16::from(count));
        let would_be = Record(vec![field("id", merchant.id), field("name", merchant.name.as_str()), shards]);
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
        plain("list_shards", u16::from(merchant.list_sharding.shards())),
    ])
}
