//! Measures what is promised of speed, size and cost. `make help` lists what there is; results go to bench/results/.

mod cost;
mod demo;
mod error;
mod figures;
mod functions;
mod instructions;
mod load;
mod orders;
mod progress;
mod seed;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures what is promised of speed, size and cost.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Cold starts, warm requests, memory and size of the functions, beside their peers
    Functions(functions::Options),
    /// Instructions of a warm request, counted by callgrind, against the recorded budget
    Instructions(instructions::Options),
    /// Whole payments at a fixed rate, and whether anything of them was lost
    Load(load::Options),
    /// Fills a table with sessions
    Seed(seed::Options),
    /// Fills a table with a small shop's last 90 days
    Demo(demo::Options),
    /// What a million whole payments cost on AWS, from counted operations
    Cost(cost::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Functions(options) => functions::run(options).await.map_err(|error| error.to_string()),
        Command::Instructions(options) => instructions::run(options).await.map_err(|error| error.to_string()),
        Command::Load(options) => load::run(options).await.map_err(|error| error.to_string()),
        Command::Seed(options) => seed::run(options).await.map_err(|error| error.to_string()),
        Command::Demo(options) => demo::run(options).await.map_err(|error| error.to_string()),
        Command::Cost(options) => cost::run(options).await.map_err(|error| error.to_string()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
