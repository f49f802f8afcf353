//! Instructions of a cold start and of a warm request: counted by callgrind, so that they are the same whatever else the
//! machine does, and however long AWS takes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::functions::candidates::{self, Builds, Candidate};
use crate::functions::host::Host;
use crate::functions::process::{Cores, Process, Program};
use crate::functions::work::Preparer;
use crate::functions::world::World;
use crate::workspace::{default_folder, workspace};

/// Requests of a short and of a long run: what differs is the warm requests of the long one, not the start.
const SHORT: u32 = 20;
const LONG: u32 = 220;
/// How far above its budget a function may be.
const MAX_OVER_PERCENT: u64 = 5;
/// How many instructions another function's cold start is to take for a hundred of create's at the most: a fifth more. As with a
/// budget, [`MAX_OVER_PERCENT`] above it fails nothing yet (docs/decisions/0009-cold-starts.md).
const COLD_PERCENT_OF_CREATE: u64 = 120;

/// What to count, and against what.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// These functions
    #[arg(long, value_delimiter = ',', default_values = [candidates::CREATE, candidates::REFUND])]
    only: Vec<String>,
    /// Where the functions' binaries are
    #[arg(long, default_value_os_t = default_folder("target/release"))]
    bin_dir: PathBuf,
    /// The recorded budget: a JSON object of both counts by function
    #[arg(long, default_value_os_t = default_folder("bench/instructions.json"))]
    budget: PathBuf,
    /// Write what is counted as the new budget
    #[arg(long)]
    record: bool,
}

/// What was counted of a function, or is its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Counts {
    /// From the start of its process to its first answer.
    cold: u64,
    /// For each request from then on.
    warm: u64,
}

impl Counts {
    /// By all instructions of two runs.
    fn of(short: u64, long: u64) -> Self {
        let warm = long.saturating_sub(short) / u64::from(LONG - SHORT);
        Self { cold: short.saturating_sub(warm * u64::from(SHORT - 1)), warm }
    }
}

/// Counts, and fails if a function has come more than 5 % above its budget or starts too slowly beside create.
pub(crate) async fn run(options: Options) -> Result<(), Error> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Err("valgrind is not installed: `apt-get install valgrind`".into());
    }
    let mut budget: BTreeMap<String, Counts> = match fs::read_to_string(&options.budget) {
        Ok(text) => serde_json::from_str(&text)?,
        Err(_) => BTreeMap::new(),
    };
    let world = World::start(&workspace().join("template.yaml")).await?;
    let preparer = Preparer::new(&world).await?;
    let builds = Builds { ours: options.bin_dir, peers: workspace().join("target/bench") };
    let mut over = Vec::new();
    let mut cold_of_create = None;
    for candidate in candidates::all(&world, &builds, |name| options.only.iter().any(|only| only == name))? {
        let mut totals = [0; 3];
        // Two short ones, of which the lesser counts: under callgrind, on a busy machine, a call may time out and be
        // made once more.
        for (total, requests) in totals.iter_mut().zip([SHORT, SHORT, LONG]) {
            eprintln!("==> {}: {requests} requests under callgrind", candidate.name);
            *total = count(&world, &preparer, &candidate, requests).await?;
        }
        let [one, another, long] = totals;
        let counts = Counts::of(one.min(another), long);
        let budgeted = budget.get(candidate.name);
        let mut verdicts = vec![
            ("a cold start", counts.cold, Verdict::of(counts.cold, budgeted.map(|budget| budget.cold))),
            ("a warm request", counts.warm, Verdict::of(counts.warm, budgeted.map(|budget| budget.warm))),
        ];
        if candidate.name == candidates::CREATE {
            cold_of_create = Some(counts.cold);
        } else if let Some(create) = cold_of_create {
            verdicts.push(("a cold start", counts.cold, Verdict::beside_create(counts.cold, create)));
        }
        for (what, count, verdict) in verdicts {
            println!("{}: {count} instructions {what}; {verdict}", candidate.name);
            if !options.record && !verdict.is_kept() {
                over.push(candidate.name);
            }
        }
        if options.record {
            budget.insert(candidate.name.to_owned(), counts);
        }
    }
    if options.record {
        fs::write(&options.budget, format!("{}\n", serde_json::to_string_pretty(&budget)?))?;
    }
    if over.is_empty() {
        return Ok(());
    }
    let hint = "find what costs more (`callgrind_annotate`), or record the new figure with --record and say why";
    Err(format!("{}: over budget; {hint}", over.join(", ")).into())
}

/// All instructions of a process that answers this many requests.
async fn count(world: &World, preparer: &Preparer, candidate: &Candidate, requests: u32) -> Result<u64, Error> {
    let log = world.log(candidate.name);
    let profile = log.with_extension("callgrind");
    let mut host = Host::start().await?;
    let mut environment = candidate.program.environment.clone();
    environment.insert("AWS_LAMBDA_RUNTIME_API".to_owned(), host.address.clone());
    let program = Program {
        path: "valgrind".into(),
        arguments: vec![
            "--tool=callgrind".into(),
            format!("--callgrind-out-file={}", profile.display()).into(),
            candidate.program.path.clone(),
        ],
        environment,
    };
    let mut process = Process::start(&program, Cores::of_this_machine()?.function, &log, None)?;
    for _ in 0..requests {
        host.offer(preparer.event(candidate.work).await?).await?;
        let answer = host.answer(&mut process).await?;
        candidate.work.check(&answer)?;
    }
    process.terminate()?;
    instructions(&profile)
}

/// The total that callgrind has written at the end of its file.
fn instructions(profile: &Path) -> Result<u64, Error> {
    let text = fs::read_to_string(profile)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
    Ok(total.ok_or("callgrind wrote no total")?.trim().parse()?)
}

/// How a count stands to its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    NoBudget,
    Kept { budget: u64 },
    Over { budget: u64 },
    Beside { percent: u64 },
    TooSlowBeside { percent: u64 },
}

impl Verdict {
    fn of(count: u64, budget: Option<u64>) -> Self {
        match budget {
            None => Self::NoBudget,
            Some(budget) if count * 100 <= budget * (100 + MAX_OVER_PERCENT) => Self::Kept { budget },
            Some(budget) => Self::Over { budget },
        }
    }

    fn beside_create(cold: u64, create: u64) -> Self {
        let percent = (cold * 100).div_ceil(create.max(1));
        let is_kept = percent * 100 <= COLD_PERCENT_OF_CREATE * (100 + MAX_OVER_PERCENT);
        if is_kept { Self::Beside { percent } } else { Self::TooSlowBeside { percent } }
    }

    fn is_kept(self) -> bool {
        match self {
            Self::Kept { .. } | Self::Beside { .. } => true,
            Self::NoBudget | Self::Over { .. } | Self::TooSlowBeside { .. } => false,
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoBudget => write!(f, "no budget is recorded: --record writes one"),
            Self::Kept { budget } => write!(f, "within {MAX_OVER_PERCENT} % of its budget of {budget}"),
            Self::Over { budget } => write!(f, "MORE than {MAX_OVER_PERCENT} % above its budget of {budget}"),
            Self::Beside { percent } => {
                write!(f, "{percent} % of create's, within {MAX_OVER_PERCENT} % of {COLD_PERCENT_OF_CREATE}")
            }
            Self::TooSlowBeside { percent } => {
                write!(f, "{percent} % of create's, MORE than {MAX_OVER_PERCENT} % above {COLD_PERCENT_OF_CREATE}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn five_percent_above_is_kept_and_no_more() {
        assert_eq!(Verdict::of(1050, Some(1000)), Verdict::Kept { budget: 1000 });
        assert_eq!(Verdict::of(1051, Some(1000)), Verdict::Over { budget: 1000 });
        assert!(!Verdict::of(1, None).is_kept());
    }

    #[test]
    fn a_cold_start_is_what_warm_requests_leave_of_a_run() {
        let total = |requests: u32| 6_000 + u64::from(requests - 1) * 100;
        assert_eq!(Counts::of(total(SHORT), total(LONG)), Counts { cold: 6_000, warm: 100 });
    }

    #[test]
    fn a_start_may_take_a_fifth_more_than_creates_and_five_percent_above_that() {
        for kept in [1200, 1201, 1260] {
            assert!(Verdict::beside_create(kept, 1000).is_kept(), "{kept}");
        }
        assert_eq!(Verdict::beside_create(1261, 1000), Verdict::TooSlowBeside { percent: 127 });
    }

    #[test]
    fn the_total_is_read_from_callgrinds_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("profile");
        fs::write(&file, "version: 1\nevents: Ir\nsummary: 1234\n\nfn=(1) x\n1 2\ntotals: 1234\n").unwrap();
        assert_eq!(instructions(&file).unwrap(), 1234);
        fs::write(&file, "version: 1\n").unwrap();
        assert!(instructions(&file).is_err());
    }
}
