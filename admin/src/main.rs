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
mod progress;
mod queues;
mod report;
mod target;

use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command, OfService};
use failure::Failure;
use report::{print, say};

/// The exit code after Ctrl-C, as shells have it.
const INTERRUPTED: u8 = 130;

/// The exit code of `verify` if it could not check the table; 1 says that a rule is broken.
const NOT_VERIFIED: u8 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let verifies = matches!(cli.command, Command::OfService(OfService::Verify(_)));
    match run(cli).await {
        Ok(code) => code,
        Err(failure) => {
            say(&format!("counterfoil: {}", failure.in_one_line()));
            match (matches!(failure, Failure::Interrupted), verifies) {
                (true, _) => INTERRUPTED.into(),
                (false, true) => NOT_VERIFIED.into(),
                (false, false) => ExitCode::FAILURE,
            }
        }
    }
}

async fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let Some(report) = commands::run(cli.command, &cli.target, cli.output).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    print(report.render(cli.output)?.as_bytes())?;
    if let Some(note) = report.note {
        say(&note);
    }
    Ok(if report.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
