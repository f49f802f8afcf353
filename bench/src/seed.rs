//! To be written.

use std::error::Error;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {}

/// Measures.
pub(crate) async fn run(Options {}: Options) -> Result<(), Box<dyn Error>> {
    Err("not built yet".into())
}
