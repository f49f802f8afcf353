//! What the measurements come to: targets met or not, a line for each candidate, and the raw figures as a file.

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use jiff::Zoned;
use serde_json::{Value, json};

use super::Measured;
use super::candidates::{CREATE, FLOOR, REFUND, RUST_PEER};
use super::process::Cores;
use super::roots::{FEW_COUNT, PLATFORM_COUNT};
use super::world::World;
use crate::error::Error;
use crate::figures::{Samples, table};

/// The machine that was measured on.
#[derive(Debug)]
pub(crate) struct Machine {
    cpu: String,
    cores: usize,
    kernel: String,
    pinned: Cores,
    load: String,
}

impl Machine {
    pub(crate) fn this(pinned: Cores) -> Self {
        let cpu_info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Self {
            cpu: cpu_model(&cpu_info).unwrap_or(std::env::consts::ARCH).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from).max(pinned.function - pinned.host + 1),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            pinned,
            load: fs::read_to_string("/proc/loadavg").unwrap_or_default().chars().take_while(|c| *c != ' ').collect(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cores, kernel, pinned: Cores { host, function }, load } = self;
        write!(f, "{cpu}, {cores} cores, Linux {kernel}; functions on core {function}, all else on core {host}; ")?;
        write!(f, "load before: {load}")
    }
}

fn cpu_model(cpu_info: &str) -> Option<&str> {
    cpu_info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name.trim()))
}

/// The size of the package that cargo-lambda makes of a binary: a zip file of one deflated file, `bootstrap`.
pub(crate) fn zipped_size(binary: &Path) -> Result<u64, Error> {
    /// Local header, central header and its end, without names (APPNOTE.TXT 4.3).
    const ZIP_HEADERS: usize = 30 + 46 + 22;
    let content = fs::read(binary).map_err(|error| format!("{}: {error}; run `make bench`", binary.display()))?;
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&content)?;
    Ok(u64::try_from(encoder.finish()?.len() + ZIP_HEADERS + 2 * "bootstrap".len())?)
}

/// One target: what is to be at most what.
struct Target {
    figure: String,
    at_most: f64,
    unit: &'static str,
    measured: Option<f64>,
}

/// The targets' table, the candidates' table, and what to know about both.
pub(crate) fn tables(measured: &[Measured], world: &World) -> String {
    let mut targets = vec![["figure", "target", "measured", ""].map(str::to_owned).to_vec()];
    targets.extend(self::targets(measured).iter().map(Target::cells));
    let mut lines = vec![
        [
            "",
            "cold ms",
            "p99",
            "cold CPU ms",
            "cold ms, 1/8 core",
            "p99",
            "…after init",
            "p99",
            "CPU ms after init",
            "warm CPU µs",
            "warm ms",
            "p99",
            "peak MB",
            "zipped MB",
            "AWS calls",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    lines.extend(measured.iter().map(line));
    format!(
        "{}\n{}\nMedians. Cold: process start to first answer received; after init: a whole core until the first event is asked \
         for,\nan eighth from then on (Lambda gives 256 MB a seventh). Warm CPU: user and system, a request. Everybody reaches AWS over TLS. Peers trust a\nbundle of {PLATFORM_COUNT} certificates ({} of them real), Node.js its own and one; our \
         functions trust {FEW_COUNT}, as on AWS.\n",
        table(&targets),
        table(&lines),
        world.real_roots,
    )
}

fn targets(measured: &[Measured]) -> Vec<Target> {
    let of = |name: &str, figure: fn(&Measured) -> Option<f64>| {
        measured.iter().find(|measured| measured.candidate.name == name).and_then(figure)
    };
    let ratio = |figure: &str, at_most: f64, what: &str, to: &str, get: fn(&Measured) -> Option<f64>| Target {
        figure: format!("{figure}: {what} / {to}"),
        at_most,
        unit: "×",
        measured: of(what, get).zip(of(to, get)).map(|(this, that)| this / that),
    };
    let cold = |measured: &Measured| measured.cold_ms.median();
    let mut targets = vec![
        ratio("cold", 0.15, CREATE, RUST_PEER, cold),
        ratio("cold", 3.9, CREATE, FLOOR, cold),
        ratio("cold, 1/8 of a core", 0.06, CREATE, RUST_PEER, |measured| measured.cold_eighth_ms.median()),
        ratio("warm CPU", 0.95, CREATE, RUST_PEER, |measured| measured.warm_cpu_us.median()),
        Target { figure: format!("zipped: {CREATE}"), at_most: 2.5, unit: "MB", measured: of(CREATE, zipped_mb) },
        ratio("zipped", 0.5, CREATE, RUST_PEER, zipped_mb),
        ratio("peak memory", 0.56, CREATE, RUST_PEER, |measured| Some(peak_mb(measured))),
    ];
    let others = ["get", "cancel", "publish", "email-receipt"];
    targets.extend(others.map(|name| ratio("cold", 1.15, name, CREATE, cold)));
    // The local table alone takes longer for its transaction than that allows; its own work shows in the second.
    targets.push(ratio("cold", 1.2, REFUND, CREATE, cold));
    targets.push(ratio("CPU of a cold start", 1.2, REFUND, CREATE, |measured| measured.cold_cpu_ms.median()));
    targets
}

impl Target {
    fn cells(&self) -> Vec<String> {
        let Self { figure, at_most, unit, measured } = self;
        let (measured, met) = match measured {
            Some(measured) if measured <= at_most => (format!("{measured:.2} {unit}"), "met"),
            Some(measured) => (format!("{measured:.2} {unit}"), "NOT met"),
            None => ("–".to_owned(), "not measured"),
        };
        vec![figure.clone(), format!("≤ {at_most:.2} {unit}"), measured, met.to_owned()]
    }
}

fn line(measured: &Measured) -> Vec<String> {
    let show = |value: Option<f64>, digits: usize| value.map_or("–".to_owned(), |value| format!("{value:.digits$}"));
    let Measured { cold_ms, cold_cpu_ms, cold_eighth_ms, cold_lambda_ms, first_cpu_ms, warm_ms, warm_cpu_us, .. } =
        measured;
    vec![
        measured.candidate.name.to_owned(),
        show(cold_ms.median(), 1),
        show(cold_ms.p99(), 1),
        show(cold_cpu_ms.median(), 1),
        show(cold_eighth_ms.median(), 1),
        show(cold_eighth_ms.p99(), 1),
        show(cold_lambda_ms.median(), 1),
        show(cold_lambda_ms.p99(), 1),
        show(first_cpu_ms.median(), 2),
        show(warm_cpu_us.median(), 0),
        show(warm_ms.median(), 2),
        show(warm_ms.p99(), 2),
        show(Some(peak_mb(measured)), 1),
        show(zipped_mb(measured), 2),
        calls(measured),
    ]
}

/// AWS calls of one warm request; not those that come once in a while.
fn calls(measured: &Measured) -> String {
    let requests = measured.warm_ms.values().len() as f64;
    let each = measured.calls.iter().map(|(operation, count)| (operation, *count as f64 / requests));
    let often = each.filter(|(_, count)| *count >= 0.1).map(|(operation, count)| format!("{operation} {count:.1}"));
    often.collect::<Vec<_>>().join(", ")
}

fn peak_mb(measured: &Measured) -> f64 {
    megabytes(measured.peak_memory)
}

fn zipped_mb(measured: &Measured) -> Option<f64> {
    measured.zipped.map(megabytes)
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Writes the raw figures to `<date>-<CPU>.json`; returns its path.
pub(crate) fn write(folder: &Path, machine: &Machine, measured: &[Measured]) -> Result<PathBuf, Error> {
    let candidates: Vec<String> = measured.iter().map(|measured| raw(measured).to_string()).collect();
    let Machine { cpu, cores, kernel, .. } = machine;
    let about = json!({ "cpu": cpu, "cores": cores, "kernel": kernel });
    // A line for each candidate: thousands of figures, but readable in a diff.
    let text = format!("{{\"machine\":{about},\"candidates\":[\n{}\n]}}\n", candidates.join(",\n"));
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("{}-{}.json", Zoned::now().date(), slug(cpu)));
    fs::write(&path, text)?;
    Ok(path)
}

fn raw(measured: &Measured) -> Value {
    // Microseconds and less are noise.
    let series = |samples: &Samples| -> Vec<f64> {
        samples.values().iter().map(|value| (value * 1000.0).round() / 1000.0).collect()
    };
    json!({
        "name": measured.candidate.name,
        "zipped_bytes": measured.zipped,
        "peak_memory_bytes": measured.peak_memory,
        "calls": measured.calls,
        "cold_ms": series(&measured.cold_ms),
        "cold_cpu_ms": series(&measured.cold_cpu_ms),
        "cold_eighth_ms": series(&measured.cold_eighth_ms),
        "cold_lambda_ms": series(&measured.cold_lambda_ms),
        "first_cpu_ms": series(&measured.first_cpu_ms),
        "warm_cpu_us": series(&measured.warm_cpu_us),
        "warm_ms": series(&measured.warm_ms),
    })
}

/// A name as a file's: small letters, digits, hyphens.
fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn a_target_is_met_up_to_its_limit() {
        let met = |measured| {
            let target = Target { figure: "cold".to_owned(), at_most: 0.2, unit: "×", measured };
            target.cells().pop().unwrap()
        };
        assert_eq!(met(Some(0.2)), "met");
        assert_eq!(met(Some(0.201)), "NOT met");
        assert_eq!(met(None), "not measured");
    }

    #[test]
    fn names_of_processors_become_names_of_files() {
        let info = "processor\t: 0\nmodel name\t: AMD EPYC 7B13 (R)\n";
        assert_eq!(slug(cpu_model(info).unwrap()), "amd-epyc-7b13-r");
        assert_eq!(cpu_model("processor : 0"), None);
    }

    #[test]
    fn a_package_is_deflated() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), vec![0; 100_000]).unwrap();
        let size = zipped_size(file.path()).unwrap();
        assert!((116..1000).contains(&size), "{size}");
        assert!(zipped_size(Path::new("/nowhere")).unwrap_err().to_string().contains("make bench"));
    }
}
