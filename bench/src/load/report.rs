//! What was measured, as a table and as a file.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::P99_BELOW_MS;
use super::cpu::Cpu;
use super::driver::{Outcome, Plan};
use super::flow::Step;

/// How much more or less than with the fewest sessions a request may cost with any number of them.
const FLAT_WITHIN: f64 = 0.10;

/// All that was measured.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    /// Every rate tried, in order.
    pub(super) service: Vec<Tried>,
    /// One rate, with a webhook endpoint.
    pub(super) with_webhooks: Option<Tried>,
    pub(super) peer: Vec<Tried>,
    pub(super) flat: Flat,
    /// Failed requests, lost events.
    pub(super) wrong: Vec<String>,
}

/// One rate, for a while.
#[derive(Debug, Serialize)]
pub(super) struct Tried {
    rate_per_s: f64,
    /// Timed or not.
    requests: usize,
    timed: u64,
    errors: usize,
    timed_s: f64,
    latency: Latency,
    by_step: BTreeMap<&'static str, Latency>,
    /// From the last answer until all was told.
    told_after_s: f64,
    /// Of all requests, those that were not timed and what followed from them included.
    cpu_us_per_request: CpuPerRequest,
}

/// In milliseconds, from when a request was due.
#[derive(Debug, Clone, Copy, Serialize)]
struct Latency {
    p50_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

/// In microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
struct CpuPerRequest {
    front: f64,
    behind: f64,
    host: f64,
    driver: f64,
}

/// What a request costs, by how many sessions there are, fewest first.
#[derive(Debug, Default, Serialize)]
pub(super) struct Flat {
    pub(super) sizes: Vec<Size>,
}

/// One number of sessions.
#[derive(Debug, Serialize)]
pub(super) struct Size {
    pub(super) sessions: usize,
    pub(super) rounds: Vec<Tried>,
}

impl Latency {
    fn of(latencies_us: &Histogram<u64>) -> Self {
        let at = |quantile| ms(latencies_us.value_at_quantile(quantile));
        Self { p50_ms: at(0.5), p90_ms: at(0.9), p99_ms: at(0.99), max_ms: ms(latencies_us.max()) }
    }
}

#[expect(clippy::cast_precision_loss, reason = "two minutes at most")]
fn ms(us: u64) -> f64 {
    us as f64 / 1e3
}

impl CpuPerRequest {
    fn of(cpu: Cpu, requests: usize) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let each = |used: Duration| used.as_secs_f64() * 1e6 / requests.max(1) as f64;
        Self { front: each(cpu.front), behind: each(cpu.behind), host: each(cpu.host), driver: each(cpu.driver) }
    }
}

impl Tried {
    pub(super) fn new(plan: Plan, outcome: &Outcome, told_after: Duration, cpu: Cpu) -> Self {
        let by_step = |(step, latencies): (&Step, &Histogram<u64>)| (step.name(), Latency::of(latencies));
        Self {
            rate_per_s: plan.rate_per_s,
            requests: outcome.requests,
            timed: outcome.latencies.len(),
            errors: outcome.errors.len(),
            timed_s: outcome.timed_s,
            latency: Latency::of(&outcome.latencies),
            by_step: outcome.by_step.iter().map(by_step).collect(),
            told_after_s: told_after.as_secs_f64(),
            cpu_us_per_request: CpuPerRequest::of(cpu, outcome.requests),
        }
    }

    /// Whether the rate can be had: no error, and 99 of 100 requests, which takes as many, in time.
    pub(super) fn holds(&self) -> bool {
        self.errors == 0 && self.timed >= 100 && self.latency.p99_ms < P99_BELOW_MS
    }
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rate_per_s, errors, latency, told_after_s, cpu_us_per_request: cpu, .. } = self;
        let Latency { p50_ms, p99_ms, max_ms, .. } = latency;
        let CpuPerRequest { front, behind, host, driver } = cpu;
        write!(f, "{rate_per_s:>8.0} {p50_ms:>8.1} {p99_ms:>8.1} {max_ms:>8.1} {errors:>7} {told_after_s:>7.1}")?;
        write!(f, " {front:>10.0} {behind:>10.0} {host:>10.0} {driver:>10.0}")?;
        f.write_str(if self.holds() { "  holds" } else { "  does not hold" })
    }
}

/// Above lines of [`Tried`].
pub(super) const HEAD: &str = "    rate   p50 ms   p99 ms   max ms  errors  told s  functions     behind       host     driver\n\
                               requests/s                                            CPU µs/request";

/// The highest rate that holds.
fn best(all: &[Tried]) -> Option<&Tried> {
    all.iter().filter(|tried| tried.holds()).max_by(|a, b| a.rate_per_s.total_cmp(&b.rate_per_s))
}

impl Size {
    /// CPU time of the functions that answer, for a request, in microseconds: the median of the rounds.
    fn front_us(&self) -> f64 {
        self.median(|tried| tried.cpu_us_per_request.front)
    }

    fn median(&self, of: impl Fn(&Tried) -> f64) -> f64 {
        let mut values: Vec<f64> = self.rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        let middle = |n: usize| values.get(n).copied().unwrap_or(f64::NAN);
        f64::midpoint(middle(values.len().saturating_sub(1) / 2), middle(values.len() / 2))
    }
}

impl Flat {
    /// The cost at each size as a multiple of that at the first.
    fn ratios(&self) -> Vec<f64> {
        let costs: Vec<f64> = self.sizes.iter().map(Size::front_us).collect();
        let first = costs.first().copied().unwrap_or(f64::NAN);
        costs.into_iter().map(|cost| cost / first).collect()
    }

    fn is_flat(&self) -> bool {
        self.ratios().iter().all(|ratio| (ratio - 1.0).abs() <= FLAT_WITHIN)
    }
}

impl Report {
    /// Prints all of it.
    pub(super) fn print(&self) {
        println!("{self}");
    }

    /// Writes the raw figures; returns the file.
    ///
    /// # Errors
    /// The folder can't be written.
    pub(super) fn write(&self, folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
        let figures = serde_json::json!({ "machine": machine(), "load": self });
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{}-load.json", jiff::Zoned::now().date()));
        fs::write(&path, format!("{figures}\n"))?;
        Ok(path)
    }

    /// # Errors
    /// A request failed, an event was lost, or a request costs more where there are more sessions.
    pub(super) fn verdict(&self) -> Result<(), String> {
        match self.wrong.len() {
            0 if self.flat.is_flat() => Ok(()),
            0 => Err(format!("a request's cost is not flat within {:.0} %", FLAT_WITHIN * 100.0)),
            count => Err(format!("{count} requests failed or events were lost")),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, with_webhooks, peer, flat, wrong } = self;
        writeln!(f, "{}\nthe functions, their host and what drives them share it\n", machine())?;
        if let (Some(service), Some(peer)) = (best(service), best(peer)) {
            writeln!(f, "{HEAD}")?;
            writeln!(f, "{service}: payments (create, get, checkout)")?;
            if let Some(with_webhooks) = with_webhooks {
                writeln!(f, "{with_webhooks}: payments, two webhooks each")?;
            }
            writeln!(f, "{peer}: peer (one PutItem)")?;
            writeln!(f, "{:>8.2}: payments / peer\n", service.rate_per_s / peer.rate_per_s)?;
        }
        if !flat.sizes.is_empty() {
            writeln!(f, "CPU µs/request at {:.0} requests/s (create, get, checkout, list)", super::FLAT_RATE_PER_S)?;
            writeln!(f, "  sessions  functions  × first     behind       host   p99 ms")?;
        }
        for (size, ratio) in flat.sizes.iter().zip(flat.ratios()) {
            let (sessions, front_us) = (size.sessions, size.front_us());
            let behind_us = size.median(|tried| tried.cpu_us_per_request.behind);
            let host_us = size.median(|tried| tried.cpu_us_per_request.host);
            let p99_ms = size.median(|tried| tried.latency.p99_ms);
            writeln!(
                f,
                "{sessions:>10} {front_us:>10.0} {ratio:>8.2} {behind_us:>10.0} {host_us:>10.0} {p99_ms:>8.1}"
            )?;
        }
        if wrong.is_empty() {
            return f.write_str("\nno error; every event of every payment told once and in order, every receipt sent");
        }
        writeln!(f, "\n{} WRONG:", wrong.len())?;
        wrong.iter().take(20).try_for_each(|wrong| writeln!(f, "  {wrong}"))
    }
}

/// The machine's name: its processor, how many, its kernel.
fn machine() -> String {
    let read = |file| fs::read_to_string(file).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{}, {cores} cores, Linux {}", model.map_or(std::env::consts::ARCH, |(_, model)| model), kernel.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(rate_per_s: f64, p99_ms: f64, errors: usize, front: f64) -> Tried {
        Tried {
            rate_per_s,
            requests: 100,
            timed: 100,
            errors,
            timed_s: 1.0,
            latency: Latency { p50_ms: 1.0, p90_ms: 2.0, p99_ms, max_ms: p99_ms },
            by_step: BTreeMap::new(),
            told_after_s: 0.0,
            cpu_us_per_request: CpuPerRequest { front, behind: 1.0, host: 1.0, driver: 1.0 },
        }
    }

    fn flat(costs: &[&[f64]]) -> Flat {
        let size = |costs: &&[f64]| Size {
            sessions: 1,
            rounds: costs.iter().map(|cost| tried(60.0, 9.0, 0, *cost)).collect(),
        };
        Flat { sizes: costs.iter().map(size).collect() }
    }

    #[test]
    fn the_best_rate_is_the_highest_in_time_and_without_error() {
        let all = [
            tried(100.0, 10.0, 0, 1.0),
            tried(150.0, 49.9, 0, 1.0),
            tried(200.0, 9.0, 1, 1.0),
            tried(175.0, 50.0, 0, 1.0),
        ];
        assert_eq!(best(&all).map(|tried| tried.rate_per_s), Some(150.0));
        assert!(best(&all[2..]).is_none());
        assert!(!Tried { timed: 99, ..tried(100.0, 10.0, 0, 1.0) }.holds(), "too few to tell");
    }

    #[test]
    fn a_cost_is_flat_within_a_tenth_either_way_by_the_median() {
        assert!(flat(&[]).is_flat());
        assert!(flat(&[&[100.0], &[109.0], &[91.0]]).is_flat());
        assert!(!flat(&[&[100.0], &[111.0]]).is_flat());
        assert!(!flat(&[&[100.0], &[100.0], &[89.0]]).is_flat());
        assert!(flat(&[&[100.0], &[500.0, 105.0, 101.0]]).is_flat(), "one round was disturbed");
        assert!(flat(&[&[100.0], &[90.0, 120.0]]).is_flat(), "the middle of two is between them");
        assert!(!flat(&[&[100.0], &[]]).is_flat(), "nothing measured is not flat");
    }

    #[test]
    fn what_is_wrong_fails_the_run() {
        assert_eq!(Report::default().verdict(), Ok(()));
        assert!(Report { wrong: vec!["lost".to_owned()], ..Report::default() }.verdict().is_err());
        assert!(Report { flat: flat(&[&[1.0], &[2.0]]), ..Report::default() }.verdict().is_err());
    }

    #[test]
    fn percentiles_are_of_all_requests() {
        let mut latencies_us = Histogram::new(3).unwrap();
        (1..=100).for_each(|n| latencies_us.record(n * 1000).unwrap());
        let Latency { p50_ms, p99_ms, max_ms, .. } = Latency::of(&latencies_us);
        assert!((p50_ms - 50.0).abs() < 0.1 && (p99_ms - 99.0).abs() < 0.1 && (max_ms - 100.0).abs() < 0.1);
    }
}
