//! Whole payments at a fixed rate: how long their requests take, and whether anything that happened was lost.
//! docs/decisions/0011-load.md says why by a driver of our own.

mod driver;
mod flow;
mod lost;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use driver::{Driver, Outcome, Plan};
use flow::Step;
use local::{Config, Machine};

use crate::error::Error;
use crate::figures::{Samples, table};
use crate::seed;

/// How long all that follows from the requests may take.
const SETTLED_WITHIN: Duration = Duration::from_secs(180);
/// How many errors and losses are shown.
const SHOWN: usize = 20;

/// What to drive, and how hard.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// What `local` hosts
    #[arg(long, default_value = "template.yaml")]
    template: PathBuf,
    /// Where the functions' binaries are
    #[arg(long, default_value = "target/release")]
    bin_dir: PathBuf,
    /// Requests a second; a payment has ten
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// For how many seconds requests are timed, after two that are not
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// How many sessions there are before the first request
    #[arg(long, default_value_t = 0)]
    sessions: usize,
    /// Where the table is kept meanwhile, some 9 GB for a million sessions; cleared away again
    #[arg(long, default_value = "target")]
    scratch_dir: PathBuf,
}

/// Drives, prints a table, and fails if a request failed or an event or a receipt is missing.
pub(crate) async fn run(options: Options) -> Result<(), Error> {
    tokio::select! {
        result = drive(&options) => result,
        // So that what was begun is cleared away.
        _ = tokio::signal::ctrl_c() => Err("stopped".into()),
    }
}

async fn drive(options: &Options) -> Result<(), Error> {
    let data = tempfile::tempdir_in(&options.scratch_dir)?;
    let schedule_interval = Some(Duration::from_secs(60));
    let mut config =
        Config { schedule_interval, ..Config::for_tests(&options.template, &options.bin_dir, data.path()) };
    config.environment.insert("LOCAL_LOOPBACK_WEBHOOKS".to_owned(), "1".to_owned());
    let machine = Machine::start(config).await?;
    local::demo::seed(machine.aws_url(), machine.table_name(), false).await?;
    if options.sessions > 0 {
        seed::fill(&machine, options.sessions).await?;
    }
    let plan = Plan {
        rate_per_s: options.rate.into(),
        warm_up: Duration::from_secs(2),
        timed: Duration::from_secs(options.seconds.into()),
    };
    eprintln!("{} requests/s for {} s", options.rate, options.seconds);
    let outcome = Driver::start()?.drive(machine.api_url(), plan).await?;
    let answered = Instant::now();
    let mut wrong = outcome.errors.clone();
    if !machine.settled(SETTLED_WITHIN).await {
        wrong.push(format!("there was still work {SETTLED_WITHIN:?} after the last request"));
    }
    let settled_after = answered.elapsed();
    wrong.extend(lost::find(&machine, &outcome.paid).await?);
    machine.stop().await;
    println!("{}", report(&outcome));
    println!("All that followed was done {:.1} s after the last answer.", settled_after.as_secs_f64());
    if wrong.is_empty() {
        println!("No request failed; each payment has all of its events, in order, and one receipt.");
        return Ok(());
    }
    wrong.iter().take(SHOWN).for_each(|wrong| println!("  {wrong}"));
    Err(format!("{} requests failed, or events or receipts are missing", wrong.len()).into())
}

/// Latencies of each step and of all, in milliseconds from when the request was due.
fn report(outcome: &Outcome) -> String {
    let mut all = Samples::default();
    outcome.latencies_ms.values().flat_map(Samples::values).for_each(|ms| all.push(*ms));
    let line = |name: &str, samples: &Samples| {
        let show = |ms: Option<f64>| ms.map_or("–".to_owned(), |ms| format!("{ms:.1}"));
        let max = samples.values().iter().copied().max_by(f64::total_cmp);
        let figures = [samples.median(), samples.p99(), max].map(show);
        [vec![name.to_owned(), samples.values().len().to_string()], figures.to_vec()].concat()
    };
    let mut lines = vec![["request", "timed", "p50 ms", "p99 ms", "max ms"].map(str::to_owned).to_vec()];
    lines.extend(Step::ALL.iter().filter_map(|step| Some(line(step.name(), outcome.latencies_ms.get(step)?))));
    lines.push(line("all", &all));
    table(&lines)
}
