//! One process of a function: on a core of its own from its first instruction, what it has used, and its end.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

use crate::error::Error;

/// Where the function runs, and where everything else does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cores {
    pub(crate) host: usize,
    pub(crate) function: usize,
}

impl Cores {
    /// The first and the last core that this process may use; the same one where there is only one.
    pub(crate) fn of_this_machine() -> Result<Self, Error> {
        let allowed = sched_getaffinity(Pid::from_raw(0))?;
        let mut cores = (0..CpuSet::count()).filter(|core| allowed.is_set(*core).unwrap_or(false));
        let host = cores.next().ok_or("no core to run on")?;
        Ok(Self { host, function: cores.next_back().unwrap_or(host) })
    }
}

/// Keeps this thread, and whatever it starts, on one core.
pub(crate) fn pin(core: usize) -> Result<(), Error> {
    let mut set = CpuSet::new();
    set.set(core)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// What to start.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<PathBuf>,
    pub(crate) environment: BTreeMap<String, String>,
}

/// A running process, killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(crate) started: Instant,
}

impl Process {
    /// Starts it on `core`; its output goes to `log`. In `cgroup`, a shell joins that first and then becomes the program.
    pub(crate) fn start(program: &Program, core: usize, log: &Path, cgroup: Option<&Path>) -> Result<Self, Error> {
        let mut command = match cgroup {
            None => Command::new(&program.path),
            Some(cgroup) => {
                let mut command = Command::new("/bin/sh");
                command.args(["-c", r#"echo $$ > "$0" && exec "$@""#]).arg(cgroup.join("cgroup.procs"));
                command.arg(&program.path);
                command
            }
        };
        let log = File::create(log)?;
        command
            .args(&program.arguments)
            .env_clear()
            .envs(&program.environment)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        // A thread of its own: a process starts on the cores of the thread that starts it.
        let starting = std::thread::spawn(move || {
            pin(core)?;
            let started = Instant::now();
            Ok::<_, Error>(Self { child: command.spawn()?, started })
        });
        let process = starting.join().map_err(|_| "the thread that starts processes panicked")?;
        process.map_err(|error| format!("{} can't be started: {error}", program.path.display()).into())
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<String> {
        self.child.try_wait().ok().flatten().map(|status| status.to_string())
    }

    /// The CPU time of all its threads so far, also of those that have ended, in user and system mode.
    pub(crate) fn cpu_time(&self) -> Result<Duration, Error> {
        Ok(clock_getcpuclockid(self.pid()?)?.now()?.into())
    }

    /// The most memory it has held so far, in bytes.
    pub(crate) fn peak_memory(&self) -> Result<u64, Error> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        Ok(peak_memory(&status).ok_or("/proc/<pid>/status says no VmHWM")?)
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn terminate(mut self) -> Result<(), Error> {
        kill(self.pid()?, Signal::SIGTERM)?;
        self.child.wait()?;
        Ok(())
    }

    fn pid(&self) -> Result<Pid, Error> {
        Ok(Pid::from_raw(self.child.id().try_into()?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn peak_memory(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// An eighth of a core: 2.5 ms of every 20 ms.
const QUOTA_US: (u64, u64) = (2_500, 20_000);

/// A control group that gets an eighth of a core; removed when dropped, once its process has ended.
#[derive(Debug)]
pub(crate) struct EighthOfACore {
    folder: PathBuf,
}

impl EighthOfACore {
    /// Makes one, in cgroups of version 1 or 2.
    ///
    /// # Errors
    /// Why they can't be written: no root, no cgroups.
    pub(crate) fn create() -> Result<Self, Error> {
        let name = format!("counterfoil-bench-{}", std::process::id());
        let (quota_us, period_us) = QUOTA_US;
        let root = Path::new("/sys/fs/cgroup");
        let (parent, settings) = if root.join("cgroup.controllers").exists() {
            (root.to_owned(), vec![("cpu.max", format!("{quota_us} {period_us}"))])
        } else {
            let settings =
                vec![("cpu.cfs_period_us", period_us.to_string()), ("cpu.cfs_quota_us", quota_us.to_string())];
            (root.join("cpu"), settings)
        };
        let group = Self { folder: parent.join(name) };
        fs::create_dir(&group.folder)?;
        for (file, value) in settings {
            fs::write(group.folder.join(file), value)?;
        }
        Ok(group)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// From now on the process has no more than that.
    pub(crate) fn limit(&self, process: &Process) -> Result<(), Error> {
        Ok(fs::write(self.folder.join("cgroup.procs"), process.child.id().to_string())?)
    }
}

impl Drop for EighthOfACore {
    fn drop(&mut self) {
        // A killed process's threads may be in it for a moment longer than the process.
        let until = Instant::now() + Duration::from_secs(2);
        while fs::remove_dir(&self.folder).is_err() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn peak_memory_is_read_in_bytes() {
        assert_eq!(peak_memory("Name:\tx\nVmPeak:\t 9 kB\nVmHWM:\t    1234 kB\nVmRSS: 1 kB\n"), Some(1234 * 1024));
        assert_eq!(peak_memory("Name:\tx\n"), None);
    }

    #[test]
    fn a_process_runs_on_its_core_and_its_time_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let core = Cores::of_this_machine().unwrap().function;
        let program = Program {
            path: "/bin/sh".into(),
            arguments: ["-c", "grep Cpus_allowed_list /proc/self/status; read x < /dev/zero"].map(PathBuf::from).into(),
            environment: BTreeMap::from([("PATH".to_owned(), "/bin:/usr/bin".to_owned())]),
        };
        let log = folder.path().join("log");
        let process = Process::start(&program, core, &log, None).unwrap();
        while !fs::read_to_string(&log).unwrap().contains('\n') || process.cpu_time().unwrap().is_zero() {
            std::thread::yield_now();
        }
        assert_eq!(fs::read_to_string(&log).unwrap().split_whitespace().last(), Some(core.to_string().as_str()));
        assert!(process.peak_memory().unwrap() > 0);
    }
}
