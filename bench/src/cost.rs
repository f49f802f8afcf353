//! What a million whole payments cost on AWS, from counted operations: one payment is made on the local machine, which
//! counts what AWS would charge for, and the counts are multiplied by published prices. docs/cost.md shows it.

mod bill;
mod flow;
mod prices;
mod report;
mod table;

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::workspace::workspace;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Where the functions' binaries are, if not beside this program; the counts don't depend on how they were built
    #[arg(long)]
    bin_dir: Option<PathBuf>,
    /// Write the tables into docs/cost.md
    #[arg(long)]
    write: bool,
}

/// Measures.
pub(crate) async fn run(Options { bin_dir, write }: Options) -> Result<(), Error> {
    let bin_dir = match bin_dir {
        Some(bin_dir) => bin_dir,
        None => std::env::current_exe()?.parent().map(Path::to_owned).unwrap_or_default(),
    };
    eprintln!("making a payment with the functions in {}", bin_dir.display());
    let tables = tables(&bin_dir).await?;
    println!("{tables}");
    if write {
        let path = page_path();
        let page = tokio::fs::read_to_string(&path).await?;
        let page = report::in_page(&page, &tables).ok_or("docs/cost.md has lost the lines between which tables go")?;
        tokio::fs::write(&path, page).await?;
        eprintln!("written to {}", path.display());
    }
    Ok(())
}

async fn tables(bin_dir: &Path) -> Result<String, Error> {
    let template = tokio::fs::read_to_string(workspace().join("template.yaml")).await?;
    Ok(report::tables(&flow::pay(bin_dir).await?, &template))
}

fn page_path() -> PathBuf {
    workspace().join("docs/cost.md")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[tokio::test]
    async fn the_page_says_what_is_counted() {
        // Beside the folder of this test's own.
        let bin_dir = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
        let tables = tables(&bin_dir).await.unwrap();
        let page = std::fs::read_to_string(page_path()).unwrap();
        let counted = report::in_page(&page, &tables).unwrap();
        let changed: Vec<_> = page.lines().zip(counted.lines()).filter(|(said, is)| said != is).collect();
        assert!(page == counted, "what a payment makes AWS do has changed; `make cost` writes it down: {changed:#?}");
    }
}
