//! `counterfoil`, the operator's command line: who may use the service, what became of payments, dead letters, and
//! whether the table is sound; on this machine or AWS.

mod acts;
mod arguments;
mod cli;
mod commands;
mod confirm;
mod connection;
mod failure;
mod interrupt;
mod location;
mod logo;
mod other_kind;
mod progress;
mod queues;
mod report;
mod target;

use std::process::ExitCode;

use cli::{Cli, Command, OfService};
use failure::Failure;
use report::{print, say};

/// The exit code after Ctrl-C, as shells have it.
const INTERRUPTED: u8 = 130;

/// The exit code if the command line is wrong, as clap has it; and of `verify` if it could not check the table, for which 1 says that a
/// rule is broken.
const NOT_TRIED: u8 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::given();
    let verifies = matches!(cli.command, Command::OfService(OfService::Verify(_)));
    match run(cli).await {
        Ok(code) => code,
        Err(failure) => {
            say(&format!("counterfoil: {}", failure.in_one_line()));
            match (matches!(failure, Failure::Interrupted(_)), verifies || failure.is_of_the_line()) {
                (true, _) => INTERRUPTED.into(),
                (false, true) => NOT_TRIED.into(),
                (false, false) => ExitCode::FAILURE,
            }
        }
    }
}

async fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let output = cli.output;
    let Some(report) = commands::run(cli).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    print(report.render(output)?.as_bytes())?;
    if let Some(note) = report.note {
        say(&note);
    }
    match report.broke_off {
        Some(failure) => Err(failure),
        None => Ok(if report.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }),
    }
}
