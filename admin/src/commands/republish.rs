//! Publishing again what history says.

use std::cell::Cell;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use runtime::Clock;
use store::{Marked, ObjectPath, REPUBLISHED_FOR, Span, Table};

use crate::arguments::{DRY_RUN_NOTE, DryRun, time};
use crate::failure::Failure;
use crate::progress::{Pace, ReadRate, walk};
use crate::report::{Record, Report, plain, when, word};

const MARKED_NOTE: &str = "They are published within seconds; what is due then is sent within a minute.";

/// Publish again what happened since a time: events, mails and webhooks that are missing
///
/// It reads the whole table and marks every payment session and refund to which something has happened; the table's stream
/// brings the marks to `publish`. Only what is missing is made: no mail is sent twice, and no event is delivered to an endpoint twice,
/// since deliveries are remembered for 40 days, and this goes back 30. An endpoint that was disabled or subscribed to less
/// then gets now what it would get today, except what happened before it was registered. Deleted sessions are left out.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  counterfoil republish --since 90m --dry-run\n  counterfoil republish --since 72h")]
pub(crate) struct Republish {
    /// From this time on, such as 2026-01-31T09:30:00Z or, ago, 90m, 72h or 30d, which is the most
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Timestamp,
    /// Only what happened before this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    #[command(flatten)]
    rates: Rates,
    #[command(flatten)]
    dry: DryRun,
}

/// How fast a table is read and marked.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Rates {
    #[command(flatten)]
    read: ReadRate,
    /// How many payment sessions and refunds to mark in a second, at the most: each is published again
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    marks_per_second: u32,
}

/// What is marked.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) sessions: u64,
    pub(crate) refunds: u64,
}

pub(crate) async fn run(Republish { since, until, rates, dry }: Republish, table: &Table) -> Result<Report, Failure> {
    // Since `30d` was read, some time has passed.
    if Clock::System.now().duration_since(since) > REPUBLISHED_FOR + SignedDuration::from_mins(1) {
        return Err(Failure::TooLongAgo);
    }
    if until.is_some_and(|until| until <= since) {
        return Err(Failure::EmptySpan);
    }
    let marked = mark_all(table, Span { since, until }, rates, dry).await?;
    let record = Record(vec![
        when("since", since),
        plain("sessions", marked.sessions),
        plain("refunds", marked.refunds),
        word("status", if dry.dry_run { "would be published again" } else { "published again" }),
    ]);
    Ok(Report::one(record).with_note(if dry.dry_run { DRY_RUN_NOTE } else { MARKED_NOTE }))
}

/// Marks all to which something happened then.
pub(crate) async fn mark_all(table: &Table, span: Span, rates: Rates, dry: DryRun) -> Result<Tally, Failure> {
    let (tally, pace) = (Cell::new(Tally::default()), Pace::new(rates.marks_per_second));
    let mark = async |found: Vec<(ObjectPath, store::TableItem)>| {
        for (path, item) in found {
            if !span.includes(&item) {
                continue;
            }
            if !dry.dry_run {
                pace.spend(1.0).await;
                match table.republish(&path, span).await? {
                    Marked::From(_) => {}
                    Marked::Nothing | Marked::Gone => continue,
                }
            }
            let Tally { sessions, refunds } = tally.get();
            tally.set(match path {
                ObjectPath::Session(_) => Tally { sessions: sessions + 1, refunds },
                ObjectPath::Refund(..) => Tally { sessions, refunds: refunds + 1 },
            });
        }
        Ok(0.0)
    };
    walk(table, "finding what happened", rates.read, Table::objects, mark).await?;
    Ok(tally.get())
}
