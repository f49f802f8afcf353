//! Cold starts, warm requests, memory and size of the functions, beside their peers.
//!
//! Every candidate runs under the same Runtime API (`host`) with the same AWS endpoint over TLS (`world`), pinned to one core,
//! everything else to another. They take turns, so that whatever else the machine does falls on all alike.

pub(crate) mod candidates;
pub(crate) mod host;
pub(crate) mod process;
mod report;
mod roots;
pub(crate) mod work;
pub(crate) mod world;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use candidates::{Builds, Candidate};
use host::Host;
use process::{Cores, EighthOfACore, Process};
use work::Preparer;
use world::World;

use crate::error::Error;
use crate::figures::Samples;
use crate::workspace::{default_folder, workspace};

/// What to measure, and how often.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Cold starts of each, with a whole core, with an eighth, and with an eighth after init
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Warm requests of each
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..))]
    requests: u32,
    /// Only these, by name: `create,rust-put-item,rust-empty`
    #[arg(long, value_delimiter = ',', value_parser = clap::builder::PossibleValuesParser::new(candidates::names()))]
    only: Vec<String>,
    /// Where our functions' binaries are, to compare two builds
    #[arg(long, default_value_os_t = default_folder("target/release"))]
    bin_dir: PathBuf,
    /// Where `make bench` has put the peers
    #[arg(long, default_value_os_t = default_folder("target/bench"))]
    peers_dir: PathBuf,
    /// Where the raw figures go
    #[arg(long, default_value_os_t = default_folder("bench/results"))]
    results_dir: PathBuf,
}

/// What was measured of one candidate.
#[derive(Debug)]
struct Measured {
    candidate: Candidate,
    /// Process start to first answer, in milliseconds.
    cold_ms: Samples,
    /// The CPU time of that: what a start costs however long AWS takes to answer.
    cold_cpu_ms: Samples,
    /// The same with an eighth of a core.
    cold_eighth_ms: Samples,
    /// The same with a whole core until the first event is asked for and an eighth from then on, as Lambda does it.
    cold_lambda_ms: Samples,
    /// The CPU time of that from the first event on: on Lambda it takes as many times longer as a core is shared.
    first_cpu_ms: Samples,
    /// Event handed over to answer received, in milliseconds.
    warm_ms: Samples,
    /// CPU time of a request in each block, in microseconds.
    warm_cpu_us: Samples,
    /// The most memory that it held, in bytes.
    peak_memory: u64,
    /// The size of its package, in bytes.
    zipped: Option<u64>,
    /// AWS calls of all warm requests, by operation.
    calls: BTreeMap<String, u64>,
    /// How often it was given work.
    runs: usize,
}

/// Measures.
pub(crate) async fn run(options: Options) -> Result<(), Error> {
    // A thread of its own, so that all that it starts stays on its core.
    let measuring = tokio::task::spawn_blocking(move || {
        let cores = Cores::of_this_machine()?;
        process::pin(cores.host)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        runtime.block_on(measure(&options, cores))
    });
    measuring.await?
}

async fn measure(options: &Options, cores: Cores) -> Result<(), Error> {
    let machine = report::Machine::this(cores);
    println!("{machine}");
    let world = World::start(&workspace().join("template.yaml")).await?;
    let preparer = Preparer::new(&world).await?;
    let builds = Builds { ours: options.bin_dir.clone(), peers: options.peers_dir.clone() };
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
    let mut measured = Vec::new();
    for candidate in candidates::all(&world, &builds, wanted)? {
        measured.push(Measured {
            zipped: candidate.binary.as_deref().map(report::zipped_size).transpose()?,
            candidate,
            cold_ms: Samples::default(),
            cold_cpu_ms: Samples::default(),
            cold_eighth_ms: Samples::default(),
            cold_lambda_ms: Samples::default(),
            first_cpu_ms: Samples::default(),
            warm_ms: Samples::default(),
            warm_cpu_us: Samples::default(),
            peak_memory: 0,
            calls: BTreeMap::new(),
            runs: 0,
        });
    }
    let bench = Bench { world, preparer, cores };
    bench.cold(&mut measured, options.rounds).await?;
    match EighthOfACore::create().map(drop) {
        Ok(()) => bench.cold_on_an_eighth(&mut measured, options.rounds).await?,
        Err(error) => println!("an eighth of a core: cgroups can't be written here ({error}): skipped"),
    }
    bench.warm(&mut measured, options.requests).await?;
    bench.check_mails(&measured)?;
    println!("\n{}", report::tables(&measured, &bench.world));
    let path = report::write(&options.results_dir, &machine, &measured)?;
    println!("raw figures: {}", path.display());
    Ok(())
}

struct Bench {
    world: World,
    preparer: Preparer,
    cores: Cores,
}

/// A process and its Runtime API.
struct Running {
    process: Process,
    host: Host,
}

/// From a process's start to its first answer.
struct ColdStart {
    took_ms: f64,
    cpu_ms: f64,
}

/// How many turns each candidate gets with its warm requests.
const BLOCKS: u32 = 20;

impl Bench {
    async fn cold(&self, measured: &mut [Measured], rounds: u32) -> Result<(), Error> {
        // The first round brings the files into memory and is not counted.
        for round in 0..=rounds {
            progress("cold starts", round, rounds);
            for measured in in_turn(measured, round) {
                let start = self.cold_start(measured, None).await?;
                if round > 0 {
                    measured.cold_ms.push(start.took_ms);
                    measured.cold_cpu_ms.push(start.cpu_ms);
                }
            }
        }
        Ok(())
    }

    async fn cold_on_an_eighth(&self, measured: &mut [Measured], rounds: u32) -> Result<(), Error> {
        for round in 1..=rounds {
            progress("cold starts with an eighth of a core", round, rounds);
            for measured in in_turn(measured, round) {
                // A group for each: a new process would pay back what the one before it has overdrawn.
                let group = EighthOfACore::create()?;
                let start = self.cold_start(measured, Some(group.folder())).await?;
                measured.cold_eighth_ms.push(start.took_ms);
                drop(group);
                self.cold_start_as_on_lambda(measured, &EighthOfACore::create()?).await?;
            }
        }
        Ok(())
    }

    async fn cold_start(&self, measured: &mut Measured, cgroup: Option<&Path>) -> Result<ColdStart, Error> {
        let event = self.preparer.event(measured.candidate.work).await?;
        let host = Host::start().await?;
        host.offer(event).await?;
        let mut running = self.start(&measured.candidate, host, cgroup)?;
        let answer = self.answer(measured, &mut running).await?;
        Ok(ColdStart {
            took_ms: milliseconds(answer.duration_since(running.process.started)),
            cpu_ms: milliseconds(running.process.cpu_time()?),
        })
    }

    async fn cold_start_as_on_lambda(&self, measured: &mut Measured, group: &EighthOfACore) -> Result<(), Error> {
        let event = self.preparer.event(measured.candidate.work).await?;
        let mut running = self.start(&measured.candidate, Host::start().await?, None)?;
        running.host.initialised(&mut running.process).await?;
        group.limit(&running.process)?;
        let cpu_in_init = running.process.cpu_time()?;
        running.host.offer(event).await?;
        let answered = self.answer(measured, &mut running).await?;
        let cpu_after_init = running.process.cpu_time()?.saturating_sub(cpu_in_init);
        measured.cold_lambda_ms.push(milliseconds(answered.duration_since(running.process.started)));
        measured.first_cpu_ms.push(milliseconds(cpu_after_init));
        Ok(())
    }

    async fn warm(&self, measured: &mut [Measured], requests: u32) -> Result<(), Error> {
        let per_block = requests.div_ceil(BLOCKS);
        let mut all_running = Vec::new();
        for measured in measured.iter() {
            all_running.push(self.start(&measured.candidate, Host::start().await?, None)?);
        }
        // The first block lets just-in-time compilers settle and is not counted.
        for block in 0..=BLOCKS {
            progress("warm requests, block", block, BLOCKS);
            for (measured, running) in measured.iter_mut().zip(&mut all_running) {
                let mut events = Vec::new();
                for _ in 0..per_block {
                    events.push(self.preparer.event(measured.candidate.work).await?);
                }
                // What preparing took is nobody's.
                self.world.machine.meter().take();
                let cpu_before = running.process.cpu_time()?;
                for event in events {
                    let offered = Instant::now();
                    running.host.offer(event).await?;
                    let answered = self.answer(measured, running).await?;
                    if block > 0 {
                        measured.warm_ms.push(milliseconds(answered.duration_since(offered)));
                    }
                }
                let cpu = running.process.cpu_time()?.saturating_sub(cpu_before);
                if block > 0 {
                    for ((_, operation), count) in self.world.machine.meter().take().calls {
                        *measured.calls.entry(operation).or_default() += count;
                    }
                    measured.warm_cpu_us.push(milliseconds(cpu) * 1000.0 / f64::from(per_block));
                }
                measured.peak_memory = running.process.peak_memory()?;
            }
        }
        Ok(())
    }

    fn start(&self, candidate: &Candidate, host: Host, cgroup: Option<&Path>) -> Result<Running, Error> {
        let mut program = candidate.program.clone();
        program.environment.insert("AWS_LAMBDA_RUNTIME_API".to_owned(), host.address.clone());
        let log = self.world.log(candidate.name);
        Ok(Running { process: Process::start(&program, self.cores.function, &log, cgroup)?, host })
    }

    /// When the answer came, if it is what it should be.
    async fn answer(&self, measured: &mut Measured, running: &mut Running) -> Result<Instant, Error> {
        let candidate = &measured.candidate;
        measured.runs += 1;
        let answered = running.host.answer(&mut running.process).await;
        let answered = answered.and_then(|answer| candidate.work.check(&answer).map(|()| answer.at));
        answered.map_err(|error| {
            let log = std::fs::read_to_string(self.world.log(candidate.name)).unwrap_or_default();
            format!("{}: {error}\nIts output:\n{log}", candidate.name).into()
        })
    }

    /// Its answer does not say whether a mail was sent.
    fn check_mails(&self, measured: &[Measured]) -> Result<(), Error> {
        let due: usize =
            measured.iter().filter(|it| it.candidate.work == work::Work::EmailReceipt).map(|it| it.runs).sum();
        let sent = self.world.machine.mails().len();
        if sent == due { Ok(()) } else { Err(format!("email-receipt sent {sent} of {due} mails").into()) }
    }
}

/// In an order that differs from round to round: nobody always follows the same neighbour.
fn in_turn(measured: &mut [Measured], round: u32) -> Vec<&mut Measured> {
    let mut order: Vec<_> = measured.iter_mut().collect();
    fastrand::Rng::with_seed(round.into()).shuffle(&mut order);
    order
}

fn milliseconds(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// One line that is written over until the last.
fn progress(what: &str, done: u32, of: u32) {
    eprint!("\r==> {what} {done} of {of} ");
    if done == of {
        eprintln!();
    }
    let _ = std::io::stderr().flush();
}
