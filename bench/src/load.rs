//! How many requests a second the whole service takes, beside the peer, and what a request costs in CPU time however
//! many sessions there are. docs/decisions/0011-load.md says why so.

mod cpu;
mod driver;
mod flow;
mod hooks;
mod lost;
mod peer;
mod report;
mod search;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cpu::Cpu;
use driver::{Driver, Plan};
use flow::{Kind, Paid};
use hooks::Hooks;
use local::{Config, Machine};
use report::{Flat, Report, Size, Tried};
use search::Search;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::seed;

/// What 99 of 100 requests stay below, in milliseconds.
const P99_BELOW_MS: f64 = 50.0;
/// The first rate tried; the service's and the peer's.
const START_PER_S: f64 = 60.0;
const PEER_START_PER_S: f64 = 200.0;
/// The most rates tried of each.
const TRIES: u32 = 12;
/// A whole payment lasts 0.8 s.
const WARM_UP: Duration = Duration::from_secs(2);
const TIMED: Duration = Duration::from_secs(6);
/// How long what follows from requests may take before the next step.
const SETTLED_WITHIN: Duration = Duration::from_secs(180);

/// How many sessions there are while the cost of a request is measured.
const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// Sent to each size in turn, so that whatever else the machine does meets all alike.
const ROUNDS: usize = 4;
/// A rate that leaves the machine time to spare.
const FLAT_RATE_PER_S: f64 = 60.0;
const ROUND: Duration = Duration::from_secs(6);

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// What `local` hosts
    #[arg(long, default_value = "template.yaml")]
    template: PathBuf,
    /// Where the functions' binaries are
    #[arg(long, default_value = "target/release")]
    bin_dir: PathBuf,
    /// Where the peer's binary is
    #[arg(long, default_value = "target/bench/peers/release")]
    peer_dir: PathBuf,
    /// Only one part
    #[arg(long)]
    only: Option<Part>,
    /// The largest number of sessions while the cost of a request is measured
    #[arg(long, default_value_t = 1_000_000)]
    max_sessions: usize,
    /// Where tables are kept meanwhile, some 9 GB for a million sessions; cleared away again
    #[arg(long, default_value = "target")]
    scratch_dir: PathBuf,
    /// Where the raw figures go
    #[arg(long, default_value = "bench/results")]
    results_dir: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Requests a second, and the peer's
    Throughput,
    /// CPU time of a request by the number of sessions
    Flat,
}

/// Measures, prints a table, and fails if a request failed, an event was lost, or a request costs more where there is
/// more.
pub(crate) async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    tokio::select! {
        result = measure(&options) => result,
        // So that what was begun is cleared away.
        _ = tokio::signal::ctrl_c() => Err("stopped".into()),
    }
}

async fn measure(options: &Options) -> Result<(), Box<dyn Error>> {
    let driver = Driver::start()?;
    let mut report = Report::default();
    if options.only != Some(Part::Flat) {
        let service = Host::start(options, &options.template, &options.bin_dir, Some(Duration::from_secs(60))).await?;
        report.service = service.highest_rate(&driver, Kind::Payment, START_PER_S, &mut report.wrong).await?;
        report.with_webhooks = Some(service.with_webhooks(&driver, START_PER_S, &mut report.wrong).await?);
        service.stop().await;
        let peer = Host::peer(options).await?;
        report.peer = peer.highest_rate(&driver, Kind::Peer, PEER_START_PER_S, &mut report.wrong).await?;
        peer.stop().await;
    }
    if options.only != Some(Part::Throughput) {
        report.flat = flat(options, &driver, &mut report.wrong).await?;
    }
    report.print();
    eprintln!("raw figures: {}", report.write(&options.results_dir)?.display());
    report.verdict().map_err(Into::into)
}

/// A machine with its data, gone when it is dropped.
struct Host {
    machine: Machine,
    _data: TempDir,
}

impl Host {
    async fn start(
        options: &Options,
        template: &Path,
        bin_dir: &Path,
        schedule_interval: Option<Duration>,
    ) -> Result<Self, Box<dyn Error>> {
        let data = tempfile::tempdir_in(&options.scratch_dir)?;
        // DynamoDB's own housekeeping is not what is measured: no sweeps for items past their time to live.
        let mut config = Config { schedule_interval, ..Config::for_tests(template, bin_dir, data.path()) };
        config.environment.insert("LOCAL_LOOPBACK_WEBHOOKS".to_owned(), "1".to_owned());
        let machine = Machine::start(config).await?;
        local::demo::seed(machine.aws_url(), machine.table_name()).await.map_err(|error| error.to_string())?;
        Ok(Self { machine, _data: data })
    }

    async fn peer(options: &Options) -> Result<Self, Box<dyn Error>> {
        let binary = options.peer_dir.join("rust-put-item");
        if !binary.is_file() {
            return Err(format!("there is no peer {}; `make bench-load` builds it", binary.display()).into());
        }
        let template = tempfile::NamedTempFile::new_in(&options.scratch_dir)?;
        peer::write_template(&options.template, template.path())?;
        Self::start(options, template.path(), &options.peer_dir, None).await
    }

    async fn stop(self) {
        self.machine.stop().await;
    }

    /// Looks for the highest rate that holds, then for what was lost meanwhile.
    async fn highest_rate(
        &self,
        driver: &Driver,
        kind: Kind,
        start_per_s: f64,
        wrong: &mut Vec<String>,
    ) -> Result<Vec<Tried>, Box<dyn Error>> {
        let mut search = Search::new(start_per_s, TRIES);
        let (mut all, mut paid) = (Vec::new(), Vec::new());
        // Starts processes and fills caches, and does not count.
        let warm_up = Plan { kind, rate_per_s: start_per_s, warm_up: Duration::ZERO, timed: WARM_UP };
        paid.extend(self.drive(driver, warm_up, wrong).await?.paid);
        eprintln!("{}", report::HEAD);
        while let Some(rate_per_s) = search.next() {
            let plan = Plan { kind, rate_per_s, warm_up: WARM_UP, timed: TIMED };
            // A rate fails if it fails twice: once may be the machine's hiccup.
            let mut held = false;
            for _ in 0..2 {
                let step = self.drive(driver, plan, wrong).await?;
                paid.extend(step.paid);
                held = step.tried.holds();
                eprintln!("{}: {}", step.tried, kind.name());
                all.push(step.tried);
                if held {
                    break;
                }
            }
            search.tried(held);
        }
        wrong.extend(lost::look(&self.machine, &paid).await?);
        Ok(all)
    }

    /// The same payments with a webhook endpoint that is told of each, at a rate that leaves time for it.
    async fn with_webhooks(
        &self,
        driver: &Driver,
        rate_per_s: f64,
        wrong: &mut Vec<String>,
    ) -> Result<Tried, Box<dyn Error>> {
        let hooks = Hooks::start().await?;
        let http = flow::client(SETTLED_WITHIN)?;
        flow::register(&http, self.machine.api_url(), &hooks.url, &hooks::WANTED).await?;
        let plan = Plan { kind: Kind::Payment, rate_per_s, warm_up: WARM_UP, timed: TIMED };
        let Driven { tried, paid } = self.drive(driver, plan, wrong).await?;
        eprintln!("{tried}: payments with webhooks");
        wrong.extend(lost::look(&self.machine, &paid).await?);
        wrong.extend(hooks.wrong(&paid));
        Ok(tried)
    }

    /// Drives, and waits for all that follows from it.
    async fn drive(&self, driver: &Driver, plan: Plan, wrong: &mut Vec<String>) -> Result<Driven, Box<dyn Error>> {
        let before = Cpu::now()?;
        let outcome = driver.drive(self.machine.api_url(), plan).await?;
        let answered = Instant::now();
        if !self.machine.settled(SETTLED_WITHIN).await {
            wrong.push(format!("still telling {SETTLED_WITHIN:?} after the last request"));
        }
        let told_after = answered.elapsed();
        let tried = Tried::new(plan, &outcome, told_after, Cpu::now()?.since(before));
        wrong.extend(outcome.errors);
        Ok(Driven { tried, paid: outcome.paid })
    }
}

struct Driven {
    tried: Tried,
    paid: Vec<Paid>,
}

/// What a request costs, for each number of sessions.
async fn flat(options: &Options, driver: &Driver, wrong: &mut Vec<String>) -> Result<Flat, Box<dyn Error>> {
    let mut hosts = Vec::new();
    let mut sizes = Vec::new();
    for sessions in SIZES.into_iter().filter(|size| *size <= options.max_sessions) {
        // No schedule: it costs the same however many requests there are.
        let host = Host::start(options, &options.template, &options.bin_dir, None).await?;
        seed::fill(&host.machine, sessions).await?;
        hosts.push(host);
        sizes.push(Size { sessions, rounds: Vec::new() });
    }
    let mut paid = vec![Vec::new(); hosts.len()];
    let plan = |timed| Plan { kind: Kind::PaymentAndList, rate_per_s: FLAT_RATE_PER_S, warm_up: Duration::ZERO, timed };
    for round in 0..=ROUNDS {
        for ((host, size), paid) in hosts.iter().zip(&mut sizes).zip(&mut paid) {
            eprintln!("round {round} of {ROUNDS}: {FLAT_RATE_PER_S} requests/s to {} sessions", size.sessions);
            // The first starts processes and fills caches, and does not count.
            let driven = host.drive(driver, plan(if round == 0 { WARM_UP } else { ROUND }), wrong).await?;
            paid.extend(driven.paid);
            if round > 0 {
                size.rounds.push(driven.tried);
            }
        }
    }
    for (host, paid) in hosts.into_iter().zip(paid) {
        wrong.extend(lost::look(&host.machine, &paid).await?);
        host.stop().await;
    }
    Ok(Flat { sizes })
}
