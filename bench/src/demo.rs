//! Fills a data folder with a small shop's last 90 days, for `make demo` and the pictures of the console.
//!
//! The same each time, but that it ends now: a seed says what happens. Each payment goes by a clock of its own through what
//! the service puts payments through, and the machine's functions publish it; so the table holds nothing that they would not
//! write.

mod till;
mod wares;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use aws_credential_types::Credentials;
use fastrand::Rng;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use local::{Config, Machine};
use models::{
    Act, ActChange, ActKind, ActObject, ApiKey, Colour, Endpoint, EndpointId, EndpointSecret, MerchantId, Mode, Person,
    Role, Scopes,
};
use outbound::WebhookSecret;
use runtime::{Clock, Random};
use store::{Acts, AuditTable, EndpointCreated, Endpoints, Merchants, People, Shops, Table};
use till::{CHECKOUT, CLERK, SHOP, Shop};

use crate::error::Error;
use crate::progress;

/// What the days and all that is not about one payment are drawn by.
const SEED: u64 = 1866;

/// How far back it goes.
const DAYS: i64 = 90;

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;

/// When the shop is open, by UTC.
const OPEN_S: std::ops::Range<i64> = 8 * HOUR_S..21 * HOUR_S;

/// How busy the days of a week are, Monday first.
const BUSY: [u32; 7] = [7, 8, 9, 10, 12, 18, 6];

/// How many payments are made at a time: the table takes one write at a time.
const AT_ONCE: usize = 4;

/// How long what happened may take to be published.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(600);

/// The owner, as `local` invites them.
const OWNER: &str = "owner@demo.example";

/// Who else works in the console, and how many days ago they were added.
const PEOPLE: [(&str, Role, i64); 3] = [
    (CLERK, Role::Refund, 84),
    ("mara.lindqvist@harbour-bicycles.example", Role::Develop, 71),
    ("books@harbour-bicycles.example", Role::Look, 33),
];

/// API keys, how many days ago they were issued and, if they were, revoked.
const KEYS: [(&str, i64, Option<i64>); 2] = [("Old web shop", 88, Some(41)), ("Web shop", 43, None)];

/// What to fill.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many payments
    #[arg(long, default_value = "400")]
    count: NonZeroU32,
    /// The data folder of `local`; made if missing
    #[arg(long)]
    data_dir: PathBuf,
    /// Where the checkout will be: `local`'s address
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    base_url: String,
    /// What `local` hosts
    #[arg(long, default_value = "template.yaml")]
    template: PathBuf,
    /// Where the functions' binaries are
    #[arg(long, default_value = "target/debug")]
    bin_dir: PathBuf,
}

/// Adds the shop's payments, as the demo merchant's, to a data folder that has none yet.
pub(crate) async fn run(options: Options) -> Result<(), Error> {
    let Options { count, data_dir, base_url, template, bin_dir } = options;
    let mut config = Config::for_tests(template, bin_dir, data_dir);
    config.parameters.insert("Console".to_owned(), "on".to_owned());
    let machine = Machine::start(config).await?;
    let filled = fill(&machine, count.get().try_into()?, base_url).await;
    let data_dir = machine.data_dir().to_owned();
    machine.stop().await;
    filled?;
    println!("{} has {count} payments of the last {DAYS} days", data_dir.display());
    Ok(())
}

/// Adds `count` payments to a machine's table, with progress shown, and waits until all is published.
///
/// # Errors
/// The table can't be written, or what happened is not published in time.
async fn fill(machine: &Machine, count: usize, base_url: String) -> Result<(), Error> {
    let credentials = Credentials::new("bench", "bench", None, None, "bench");
    let endpoint = Some(machine.aws_url().to_owned());
    let config = runtime::aws_config_for(credentials, "eu-west-2".to_owned(), endpoint)?;
    let table = Table::new(&config, machine.table_name().to_owned(), Random::System);
    let acts = Acts::new(AuditTable::new(&config, machine.audit_table_name().to_owned()));
    name(&table).await?;
    local::demo::seed(machine.aws_url(), machine.table_name(), false).await?;
    let merchant = Merchants::new(table.clone()).get(&"demo".parse()?).await?.ok_or("no demo merchant")?;
    let now = models::truncate_to_ms(Clock::System.now());
    let shop = Shop { table, acts, merchant, base_url, now };
    let random = Random::seeded(SEED);
    add_people(&shop, &random).await?;
    add_keys(&shop, &random).await?;

    let progress = progress::bar(count, "making payments");
    let payments = times(now, count)?.into_iter().enumerate().map(async |(number, at)| {
        shop.payment(number, at).await?;
        progress.inc(1);
        Ok::<_, Error>(())
    });
    stream::iter(payments).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    progress.set_message("publishing");
    if !machine.settled(PUBLISHED_WITHIN).await {
        return Err("what happened is not published yet".into());
    }
    progress.finish();
    // From here on: nobody there is notified of what happened before.
    add_endpoints(&shop, &random).await
}

/// Gives the demo merchant this shop's name, before it gets another.
async fn name(table: &Table) -> Result<(), Error> {
    let id: MerchantId = "demo".parse()?;
    Merchants::new(table.clone()).create(&id, SHOP.to_owned().try_into()?, [0; 32]).await?;
    let shop = models::Shop {
        support_email: Some("help@harbour-bicycles.example".to_owned().try_into()?),
        website: Some("https://harbour-bicycles.example".to_owned().try_into()?),
        colour: Some(Colour::rgb(0x0b, 0x4f, 0x6c)),
        ..models::Shop::new(SHOP.to_owned().try_into()?)
    };
    Ok(Shops::new(table.clone()).put(&id, &shop).await?)
}

/// When this number of payments were created, oldest first: by the rhythm of weeks, more of them from month to month.
fn times(now: Timestamp, count: usize) -> Result<Vec<Timestamp>, Error> {
    let mut rng = Rng::with_seed(SEED);
    let today = now.as_second().div_euclid(DAY_S);
    let weighed = |day: i64| -> Result<(i64, u32), Error> {
        // The first day of 1970 was a Thursday.
        let weekday = usize::try_from(day.saturating_add(3).rem_euclid(7))?;
        let busy = BUSY.get(weekday).copied().unwrap_or_default();
        Ok((day, busy.saturating_mul(u32::try_from(60 + DAYS - (today - day))?)))
    };
    let days = (0..DAYS).map(|age| weighed(today - age)).collect::<Result<Vec<_>, _>>()?;
    let total: u32 = days.iter().map(|(_, weight)| weight).sum();
    let latest = now.checked_sub(CHECKOUT)?;
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let mut left = rng.u32(0..total);
        let mut drawn = today;
        for (day, weight) in &days {
            match left.checked_sub(*weight) {
                Some(more) => left = more,
                None => {
                    drawn = *day;
                    break;
                }
            }
        }
        let at = Timestamp::from_second(drawn * DAY_S + rng.i64(OPEN_S))?;
        // Of today, only what has been.
        times.push(if at > latest { at.checked_sub(SignedDuration::from_secs(DAY_S))? } else { at });
    }
    times.sort_unstable();
    Ok(times)
}

/// The time this number of days ago.
fn days_ago(shop: &Shop, days: i64) -> Result<Timestamp, Error> {
    Ok(shop.now.checked_sub(SignedDuration::from_secs(days * DAY_S))?)
}

async fn add_people(shop: &Shop, random: &Random) -> Result<(), Error> {
    let people = People::new(shop.table.clone());
    let person = |email: &str, role, at| -> Result<Person, Error> {
        let (merchant_id, email) = (shop.merchant.id.clone(), email.to_owned().try_into()?);
        Ok(Person { merchant_id, email, role, added_at: at, visits_from: at })
    };
    people.add(&person(OWNER, Role::Own, days_ago(shop, DAYS)?)?, None).await?;
    for (email, role, days) in PEOPLE {
        let at = days_ago(shop, days)?;
        let new = person(email, role, at)?;
        let act = Act {
            mode: None,
            change: Some(ActChange { from: String::new(), to: role.as_str().to_owned() }),
            ..shop.act(random, at, OWNER, ActKind::PersonAdded, ActObject::Person(new.email.clone()))
        };
        people.add(&new, Some(&shop.acts.write(&act)?)).await?;
    }
    Ok(())
}

async fn add_keys(shop: &Shop, random: &Random) -> Result<(), Error> {
    let merchants = Merchants::new(shop.table.clone());
    for (name, issued, revoked) in KEYS {
        let at = days_ago(shop, issued)?;
        let issued = api::issue_key(&shop.merchant.id, Mode::Test, Scopes::ALL, at, random);
        let key = ApiKey { name: Some(name.to_owned().try_into()?), ..issued.key };
        let act = Act {
            change: Some(ActChange { from: String::new(), to: name.to_owned() }),
            ..shop.act(random, at, OWNER, ActKind::KeyIssued, ActObject::Key(key.id.clone()))
        };
        merchants.add_key(&key, Some(&shop.acts.write(&act)?)).await?;
        if let Some(days) = revoked {
            let at = days_ago(shop, days)?;
            let act = shop.act(random, at, OWNER, ActKind::KeyRevoked, ActObject::Key(key.id.clone()));
            merchants.revoke_key(&key.id, at, Some(&shop.acts.write(&act)?)).await?;
        }
    }
    Ok(())
}

/// One that is as it should be, and one that has failed so often that it is parked.
async fn add_endpoints(shop: &Shop, random: &Random) -> Result<(), Error> {
    let endpoints = Endpoints::new(shop.table.clone());
    for (url, note, days, failures) in [
        ("https://shop.harbour-bicycles.example/hooks/payments", "Web shop", 71, 0),
        ("https://books.harbour-bicycles.example/hooks", "Bookkeeping", 30, 7),
    ] {
        let at = days_ago(shop, days)?;
        let endpoint = Endpoint {
            id: EndpointId::new(random.uuid_v7(at)),
            merchant_id: shop.merchant.id.clone(),
            url: url.to_owned().try_into()?,
            description: Some(note.to_owned().try_into()?),
            created_at: at,
            secret: EndpointSecret::new(WebhookSecret::generate(random.bytes()).expose().to_owned()),
            failures,
            parked_until: Endpoint::park_until(failures, Clock::System.now(), 1.0),
            ..samples::endpoint()
        };
        match endpoints.create(&endpoint, None).await? {
            EndpointCreated::New(_) => {}
            EndpointCreated::Existing(..) | EndpointCreated::TooMany => return Err("an endpoint was not made".into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

    use std::collections::BTreeSet;

    use ::tests::World;
    use models::Session;
    use store::{ListRange, ListStart, Owner, Parts, Refunds, Sessions, Verify};

    use super::*;

    #[test]
    fn payments_come_on_every_weekday_until_now_and_more_and_more_of_them() {
        let now: Timestamp = "2026-03-02T09:30:00Z".parse().unwrap();
        let times = times(now, 1_000).unwrap();
        assert_eq!(times, super::times(now, 1_000).unwrap(), "the same each time");
        assert!(times.is_sorted() && times.iter().all(|at| *at <= now - CHECKOUT));
        let days = |at: &Timestamp| now.duration_since(*at).as_hours() / 24;
        assert!(times.iter().all(|at| days(at) <= DAYS));
        let of = |from, until| times.iter().filter(|at| (from..until).contains(&days(at))).count();
        assert!(of(0, 30) > of(30, 60) && of(30, 60) > of(60, 90));
        let weekdays: BTreeSet<_> = times.iter().map(|at| at.as_second().div_euclid(DAY_S).rem_euclid(7)).collect();
        assert_eq!(weekdays.len(), 7);
    }

    async fn sessions(table: &Table) -> Vec<Session> {
        let owner = Owner { merchant_id: "demo".parse().unwrap(), mode: Mode::Test, format: None };
        let range = ListRange { created_from: None, created_before: None, start: ListStart::Newest, limit: 100 };
        let shards = Merchants::new(table.clone()).get(&owner.merchant_id).await.unwrap().unwrap();
        let shards = shards.list_sharding.shards();
        Sessions::new(table.clone()).search(&owner, shards, range, None, None).await.unwrap().items
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_made_breaks_no_rule_of_the_table() {
        let world = World::with_console().await;
        fill(&world.machine, 90, world.machine.api_url().to_owned()).await.unwrap();
        world.settled().await;
        let (table, now) = (world.table(), Clock::System.now());
        let verify = Verify::new(table.clone(), now, SignedDuration::from_hours(1));
        for mut walk in table.items(Parts(1)) {
            while let Some(page) = walk.next().await.unwrap() {
                for item in page.found {
                    let checked = verify.check(&item).await.unwrap();
                    assert!(checked.violations.is_empty() && checked.warnings.is_empty(), "{checked:?}");
                }
            }
        }

        let sessions = sessions(&table).await;
        let states: BTreeSet<_> = sessions.iter().map(|session| session.state_at(now).as_str()).collect();
        assert!(["sent", "failed", "cancelled", "expired"].iter().all(|state| states.contains(state)), "{states:?}");
        let formats: BTreeSet<_> = sessions.iter().map(|session| session.format.as_str()).collect();
        assert_eq!(formats.len(), models::WireFormat::ALL.len());
        let refunds = Refunds::new(table.clone());
        let mut refunded = 0;
        for session in &sessions {
            refunded += refunds.of(&session.id).await.unwrap().refunds.len();
        }
        assert!(refunded > 0);
        let endpoints = Endpoints::new(table).of(&"demo".parse().unwrap()).await.unwrap();
        assert_eq!(endpoints.iter().filter(|endpoint| endpoint.parked_until.is_some()).count(), 1);
    }
}
