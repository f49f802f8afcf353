//! `counterfoil`, the operator's command line: merchants, their keys, linked accounts and webhook
//! endpoints, on this machine or AWS.

mod cli;
mod commands;
mod failure;
mod report;
mod target;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use cli::Cli;
use failure::Failure;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("counterfoil: {}", failure.in_one_line());
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), Failure> {
    let (table, place) = target::table(&cli.target).await?;
    let report = commands::run(cli.command, table).await.map_err(|failure| failure.at(&place))?;
    io::stdout().write_all(report.render(cli.output)?.as_bytes())?;
    if let Some(note) = report.note {
        eprintln!("{note}");
    }
    Ok(())
}
