//! `counterfoil`, the operator's command line: who may use the service, what became of payments, dead letters, and
//! whether the table is sound; on this machine or AWS.

mod acts;
mod arguments;
mod cli;
mod commands;
mod connection;
mod failure;
mod interrupt;
mod location;
mod logo;
mod progress;
mod queues;
mod report;
mod target;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command, OfService};
use failure::Failure;

/// The exit code of `verify` if it could not check the table; 1 says that a rule is broken.
const NOT_VERIFIED: u8 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let verifies = matches!(cli.command, Command::OfService(OfService::Verify(_)));
    match run(cli).await {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("counterfoil: {}", failure.in_one_line());
            if verifies { NOT_VERIFIED.into() } else { ExitCode::FAILURE }
        }
    }
}

async fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let Some(report) = commands::run(cli.command, &cli.target, cli.output).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    io::stdout().write_all(report.render(cli.output)?.as_bytes())?;
    if let Some(note) = report.note {
        eprintln!("{note}");
    }
    Ok(if report.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
