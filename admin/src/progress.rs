//! Long walks through the table: how far they are, and how fast they go.

use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use clap::Args;
use futures_util::future::try_join_all;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use store::{Parts, Table, Walk};
use tokio::time::Instant;

use crate::failure::Failure;

/// In how many parts a table is walked at once.
const PARTS: Parts = Parts(8);

/// How fast a table is read.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ReadRate {
    /// How many read units of DynamoDB to take in a second, at the most; a million of them cost some $0.15
    #[arg(long, value_name = "UNITS", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) read_units_per_second: u32,
}

impl ReadRate {
    pub(crate) fn pace(self) -> Pace {
        Pace::new(self.read_units_per_second)
    }
}

/// Keeps to a number of something in a second.
pub(crate) struct Pace {
    per_second: f64,
    begun: Instant,
    spent: Cell<f64>,
}

impl Pace {
    pub(crate) fn new(per_second: u32) -> Self {
        Self { per_second: per_second.into(), begun: Instant::now(), spent: Cell::new(0.0) }
    }

    /// Some were used: waits until more may be.
    pub(crate) async fn spend(&self, used: f64) {
        self.spent.set(self.spent.get() + used);
        let until = Duration::try_from_secs_f64(self.spent.get() / self.per_second).unwrap_or(Duration::MAX);
        if let Some(until) = self.begun.checked_add(until) {
            tokio::time::sleep_until(until).await;
        }
    }
}

/// Does something with each page of what is found in a whole table, all parts of it at once, with a bar that says how far it
/// is. What is done says how many read units it took.
pub(crate) async fn walk<T>(
    table: &Table,
    what: &'static str,
    rate: ReadRate,
    walks: fn(&Table, Parts) -> Vec<Walk<T>>,
    each: impl AsyncFn(Vec<T>) -> Result<f64, Failure>,
) -> Result<(), Failure> {
    let (pace, bar) = (rate.pace(), bar(table.approximate_items().await?, what));
    let (pace, bar, each) = (&pace, &bar, &each);
    let parts = walks(table, PARTS).into_iter().map(async |mut part| {
        while let Some(page) = part.next().await? {
            let units = page.units + each(page.found).await?;
            bar.inc(page.read_count);
            pace.spend(units).await;
        }
        Ok::<_, Failure>(())
    });
    let walked = try_join_all(parts).await;
    bar.finish_and_clear();
    walked.map(|_| ())
}

/// A bar of about this many steps; nothing where the output is no terminal.
fn bar(about: u64, what: &'static str) -> ProgressBar {
    let template = "{msg} [{bar:30}] {human_pos} of about {human_len} items  {per_sec}, {eta} left";
    styled(ProgressBar::new(about).with_message(what), template)
}

/// A count of steps where nobody knows how many there are; nothing where the output is no terminal.
pub(crate) fn counter(what: &'static str) -> ProgressBar {
    styled(ProgressBar::new_spinner().with_message(what), "{msg}: {human_pos} read in {elapsed}")
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        // By itself it is written with decimals.
        Ok(style) => bar.with_style(style.with_key("per_sec", |state: &ProgressState, text: &mut dyn fmt::Write| {
            let _ = write!(text, "{:.0}/s", state.per_sec());
        })),
        Err(_) => bar,
    }
}
