//! How much CPU time this process and the functions it runs have used, as Linux counts it in nanoseconds.

use std::error::Error;
use std::fs;
use std::time::Duration;

use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;

use super::driver::THREAD_NAME;

/// Functions that answer requests.
const FRONT: [&str; 4] = ["create", "get", "checkout", "rust-put-item"];
/// Functions that work behind them.
const BEHIND: [&str; 4] = ["publish", "email-receipt", "webhook", "expire"];

/// CPU time used so far, user and system together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cpu {
    /// The functions that answer requests.
    pub(super) front: Duration,
    /// The functions behind the stream, the queues and the schedule.
    pub(super) behind: Duration,
    /// `local`: API Gateway, Lambda, DynamoDB, SQS and SES, all in this process.
    pub(super) host: Duration,
    /// The threads of this process that send requests.
    pub(super) driver: Duration,
}

impl Cpu {
    /// Until now.
    ///
    /// # Errors
    /// There is no /proc: this is not Linux.
    pub(super) fn now() -> Result<Self, Box<dyn Error>> {
        let driver = driver()?;
        let process: Duration = ClockId::CLOCK_PROCESS_CPUTIME_ID.now()?.into();
        let mut cpu = Self { host: process.saturating_sub(driver), driver, ..Self::default() };
        let own = std::process::id().to_string();
        for process in fs::read_dir("/proc")? {
            // One that ends meanwhile is no longer counted.
            let Ok(stat) = fs::read_to_string(process?.path().join("stat")) else { continue };
            let Some(Process { pid, name, parent }) = process_of(&stat) else { continue };
            if parent != own {
                continue;
            }
            let used = || Ok::<Duration, nix::Error>(clock_getcpuclockid(Pid::from_raw(pid))?.now()?.into());
            if FRONT.contains(&name) {
                cpu.front += used()?;
            } else if BEHIND.contains(&name) {
                cpu.behind += used()?;
            }
        }
        Ok(cpu)
    }

    /// What was used since `earlier`, while the same processes lived.
    pub(super) fn since(self, earlier: Self) -> Self {
        Self {
            front: self.front.saturating_sub(earlier.front),
            behind: self.behind.saturating_sub(earlier.behind),
            host: self.host.saturating_sub(earlier.host),
            driver: self.driver.saturating_sub(earlier.driver),
        }
    }
}

struct Process<'a> {
    pid: i32,
    name: &'a str,
    parent: &'a str,
}

/// Of `/proc/<pid>/stat`: `pid (name) state parent …`; a name may hold anything.
fn process_of(stat: &str) -> Option<Process<'_>> {
    let (before, after) = stat.rsplit_once(')')?;
    let (pid, name) = before.split_once(" (")?;
    Some(Process { pid: pid.parse().ok()?, name, parent: after.split_whitespace().nth(1)? })
}

/// What the threads of this process that send requests have used; they live as long as the driver.
fn driver() -> Result<Duration, Box<dyn Error>> {
    let mut used = Duration::ZERO;
    for thread in fs::read_dir("/proc/self/task")? {
        let thread = thread?.path();
        let read = |file: &str| fs::read_to_string(thread.join(file));
        // One that ends meanwhile is none of them.
        let (Ok(name), Ok(schedstat)) = (read("comm"), read("schedstat")) else { continue };
        if name.trim_end() == THREAD_NAME {
            used += on_cpu(&schedstat);
        }
    }
    Ok(used)
}

/// Of `schedstat`: nanoseconds on a CPU, nanoseconds waiting for one, time slices.
fn on_cpu(schedstat: &str) -> Duration {
    let ns = schedstat.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or_default();
    Duration::from_nanos(ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_anything() {
        let read = |stat| process_of(stat).map(|Process { pid, name, parent }| (pid, name, parent));
        assert_eq!(read("7 (create) S 42 7 7 0"), Some((7, "create", "42")));
        assert_eq!(read("7 (a) b (c) R 42 7"), Some((7, "a) b (c", "42")));
        assert_eq!(read("nonsense"), None);
    }

    #[test]
    fn work_is_counted_where_it_is_done() {
        let before = Cpu::now().unwrap();
        let worker = std::thread::Builder::new().name(THREAD_NAME.to_owned());
        let (done, until_done) = std::sync::mpsc::channel::<()>();
        let (end, until_end) = std::sync::mpsc::channel::<()>();
        let worker = worker
            .spawn(move || {
                let text: String = (0..2_000_000).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
                assert!(text.len() == 2_000_000);
                done.send(()).unwrap();
                until_end.recv().unwrap();
            })
            .unwrap();
        until_done.recv().unwrap();
        let used = Cpu::now().unwrap().since(before);
        end.send(()).unwrap();
        worker.join().unwrap();
        assert!(used.driver > Duration::ZERO, "{used:?}");
    }
}
