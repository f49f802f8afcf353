//! The merchant's console.

mod people;

use std::cell::Cell;

use clap::{Args, Subcommand};
use models::{Object, SessionId};
use runtime::Clock;
use store::{Endings, Pointers, Refunds, Table, WithRefunds};

use crate::arguments::{DRY_RUN_NOTE, DryRun};
use crate::failure::Failure;
use crate::progress::{Pace, ReadRate, walk};
use crate::report::{Record, Report, plain, word};
use crate::target::Service;

#[derive(Debug, Subcommand)]
pub(crate) enum Console {
    #[command(flatten)]
    People(people::PeopleCommand),
    Backfill(Backfill),
}

/// Make payments findable that were created before the console was switched on, and count how they ended
///
/// It reads the whole table, and stores for each payment session by what it is found: its reference, its end-to-end id, and a keyed
/// hash of its payer's e-mail address; and how it and its refunds ended, if that was in the last 100 days. Sessions that were erased
/// or deleted are left out. Run it once, after the deployment that switched the console on; done twice, it changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  counterfoil console backfill --dry-run")]
pub(crate) struct Backfill {
    #[command(flatten)]
    read: ReadRate,
    /// How many payment sessions to make findable in a second, at the most: each takes some 12 write units
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    sessions_per_second: u32,
    #[command(flatten)]
    dry: DryRun,
}

pub(crate) async fn run(command: Console, service: &Service) -> Result<Report, Failure> {
    match command {
        Console::People(command) => people::run(command, service).await,
        Console::Backfill(backfill) => self::backfill(backfill, &service.table).await,
    }
}

async fn backfill(Backfill { read, sessions_per_second, dry }: Backfill, table: &Table) -> Result<Report, Failure> {
    let (refunds, pointers) = (Refunds::new(table.clone()), Pointers::new(table.clone()));
    let endings = Endings::new(table.clone());
    let (count, pace) = (Cell::new(0_u64), Pace::new(sessions_per_second));
    let point = async |found: Vec<SessionId>| {
        let mut units = 0.0;
        for id in found {
            let is_findable = if dry.dry_run {
                true
            } else {
                pace.spend(1.0).await;
                // It, and the secret that its payer's address is hashed with.
                units += 2.0;
                let WithRefunds { session, refunds } = refunds.of(&id).await?;
                let is_findable = match &session {
                    Some(session) => pointers.put_for(session).await?,
                    None => false,
                };
                let session = session.filter(|_| is_findable).map(|session| Object::Session(Box::new(session)));
                for object in session.into_iter().chain(refunds.into_iter().map(|of| Object::Refund(Box::new(of)))) {
                    endings.note(&object, Clock::System.now()).await?;
                }
                is_findable
            };
            count.set(count.get() + u64::from(is_findable));
        }
        Ok(units)
    };
    walk(table, "finding payments", read, Table::whole_sessions, point).await?;
    let status = if dry.dry_run { "would be findable" } else { "findable" };
    let report = Report::one(Record(vec![plain("sessions", count.get()), word("status", status)]));
    Ok(if dry.dry_run { report.with_note(DRY_RUN_NOTE) } else { report })
}
