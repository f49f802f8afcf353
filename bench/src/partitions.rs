//! Whether any partition of the table would get more than DynamoDB takes, by simulation (docs/decisions/0010-shards.md).

mod simulation;
mod weights;

use std::error::Error;

use fastrand::Rng;
use simulation::{Counts, Hottest, Load};
use store::DUE_SHARDS;

/// What to simulate.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many seconds to simulate
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// How many of a hundred sessions are paid; all others expire
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    paid_percent: u32,
    /// Of the random numbers: the same seed gives the same result
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Simulates, and says what came of it.
pub(crate) async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let Options { seconds, paid_percent, seed } = options;
    let load = Load::new(weights::weigh().await?, paid_percent);
    println!("{load}");
    println!("\n{:<44} {:>10}  {:>14}  {:>6}", "partitions", "how many", "hottest second", "limit");
    let found = load.simulate(&Counts::REAL, seconds, &mut Rng::with_seed(seed));
    for Hottest { kind, partitions, units, limit } in &found {
        let verdict = if units <= limit { "holds" } else { "TOO HOT" };
        println!("{kind:<44} {partitions:>10}  {units:>14}  {limit:>6}  {verdict}");
    }
    let (due, list) = load.needed(&mut Rng::with_seed(seed));
    println!(
        "\nWith {} % to spare it needs {due} shards of the due index (there are {DUE_SHARDS}),",
        simulation::SPARE_PERCENT
    );
    println!(
        "and {list} of the greatest merchant's lists (there are {}, by what `counterfoil` advises).",
        Counts::greatest()
    );
    match found.iter().filter(|hottest| hottest.units > hottest.limit).count() {
        0 => Ok(()),
        count => Err(format!("{count} of these get more than DynamoDB takes: raise their counts of shards").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn too_hot(load: &Load, counts: &Counts) -> Vec<&'static str> {
        let found = load.simulate(counts, 1, &mut Rng::with_seed(1));
        found.into_iter().filter(|hottest| hottest.units > hottest.limit).map(|hottest| hottest.kind).collect()
    }

    #[tokio::test]
    async fn every_partition_holds_and_with_fewer_shards_would_not() {
        let load = Load::new(weights::weigh().await.unwrap(), 0);
        assert_eq!(too_hot(&load, &Counts::REAL), Vec::<&str>::new());
        assert_eq!(too_hot(&load, &Counts { due: 16, ..Counts::REAL }), ["due index: writes"]);
        let one_each = Counts { list: |_| models::ListShards::default(), ..Counts::REAL };
        assert_eq!(too_hot(&load, &one_each), ["list index, sessions: writes", "list index, events: writes"]);
    }
}
