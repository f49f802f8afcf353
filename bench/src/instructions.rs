//! Instructions of a warm request: counted by callgrind, so that they are the same whatever else the machine does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;
use crate::functions::candidates::{self, Candidate, Places};
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

/// What to count, and against what.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// These functions
    #[arg(long, value_delimiter = ',', default_value = candidates::CREATE)]
    only: Vec<String>,
    /// Where the functions' binaries are
    #[arg(long, default_value_os_t = default_folder("target/release"))]
    bin_dir: PathBuf,
    /// The recorded budget: a JSON object of instructions by function
    #[arg(long, default_value_os_t = default_folder("bench/instructions.json"))]
    budget: PathBuf,
    /// Write what is counted as the new budget
    #[arg(long)]
    record: bool,
}

/// Counts, and fails if a function has come more than 5 % above its budget.
pub(crate) async fn run(options: Options) -> Result<(), Error> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Err("valgrind is not installed: `apt-get install valgrind`".into());
    }
    let mut budget: BTreeMap<String, u64> = match fs::read_to_string(&options.budget) {
        Ok(text) => serde_json::from_str(&text)?,
        Err(_) => BTreeMap::new(),
    };
    let world = World::start(&workspace().join("template.yaml")).await?;
    let preparer = Preparer::new(&world).await?;
    let places = Places { ours: options.bin_dir, peers: workspace().join("target/bench") };
    let mut over = Vec::new();
    for candidate in candidates::all(&world, &places, |name| options.only.iter().any(|only| only == name))? {
        let mut totals = [0; 2];
        for (total, requests) in totals.iter_mut().zip([SHORT, LONG]) {
            eprintln!("==> {}: {requests} requests under callgrind", candidate.name);
            *total = count(&world, &preparer, &candidate, requests).await?;
        }
        let [short, long] = totals;
        let per_request = long.saturating_sub(short) / u64::from(LONG - SHORT);
        let verdict = Verdict::of(per_request, budget.get(candidate.name).copied());
        println!("{}: {per_request} instructions a warm request; {verdict}", candidate.name);
        if options.record {
            budget.insert(candidate.name.to_owned(), per_request);
        } else if !verdict.is_kept() {
            over.push(candidate.name);
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

/// All instructions of a process that answers so many requests.
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
}

impl Verdict {
    fn of(per_request: u64, budget: Option<u64>) -> Self {
        match budget {
            None => Self::NoBudget,
            Some(budget) if per_request * 100 <= budget * (100 + MAX_OVER_PERCENT) => Self::Kept { budget },
            Some(budget) => Self::Over { budget },
        }
    }

    fn is_kept(self) -> bool {
        match self {
            Self::Kept { .. } => true,
            Self::NoBudget | Self::Over { .. } => false,
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoBudget => write!(f, "no budget is recorded: --record writes one"),
            Self::Kept { budget } => write!(f, "within {MAX_OVER_PERCENT} % of its budget of {budget}"),
            Self::Over { budget } => write!(f, "more than {MAX_OVER_PERCENT} % above its budget of {budget}"),
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
    fn the_total_is_read_from_callgrinds_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("profile");
        fs::write(&file, "version: 1\nevents: Ir\nsummary: 1234\n\nfn=(1) x\n1 2\ntotals: 1234\n").unwrap();
        assert_eq!(instructions(&file).unwrap(), 1234);
        fs::write(&file, "version: 1\n").unwrap();
        assert!(instructions(&file).is_err());
    }
}
