//! The function processes: spawned on demand, one event at a time each, kept and used again, as Lambda does, and ended once
//! they have been idle for long.
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::body::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Notify, Semaphore, oneshot, watch};
use tokio::time::Instant;
use uuid::Uuid;

use crate::logs::Logs;
use crate::meter::Meter;
use crate::names;
use crate::runtime_api::{self, Job, RuntimeApi};
use crate::tasks::{Signal, Tasks, lock};
use crate::template::Function;
use crate::watcher::Watcher;

/// How long a process may take until it asks for its first event.
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib>
const INIT_TIMEOUT_MS: u64 = 10_000;
/// How long the last lines of an ended process are waited for; a grandchild may hold the pipe open for ever.
const LAST_LINES_MS: u64 = 500;
/// How many processes of a function may run at once if it reserves no concurrency: Lambda's default for a whole account.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const DEFAULT_CONCURRENCY: usize = 1_000;
/// Starts the access key of a function's process, followed by function and process number.
const ACCESS_KEY_PREFIX: &str = "local";

/// The access key of a function that runs outside this machine: it is none of its processes.
const OUTSIDE_ACCESS_KEY: &str = "outside";

/// Why an invocation has no output.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvokeError {
    /// The template declares no such function.
    #[error("there is no function `{function}`")]
    Unknown {
        /// The name asked for.
        function: String,
    },
    /// The function answered with an error.
    #[error("the function failed: {error}")]
    Function {
        /// The error document: `errorType`, `errorMessage`.
        error: Value,
    },
    /// The function took longer than its Timeout and was killed.
    #[error("the function timed out after {timeout_ms} ms")]
    TimedOut {
        /// The limit that was exceeded.
        timeout_ms: u64,
    },
    /// The function's process ended without an answer, or could not be started.
    #[error("the function's process {how}")]
    Exited {
        /// How it ended.
        how: String,
    },
}

impl InvokeError {
    /// The document Lambda shows a caller.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-sync.html>
    #[must_use]
    pub fn document(&self) -> Value {
        match self {
            Self::Function { error } => error.clone(),
            Self::TimedOut { timeout_ms } => json!({
                "errorType": "Sandbox.Timedout",
                "errorMessage": format!("Error: Task timed out after {}.{:03} seconds", timeout_ms / 1000, timeout_ms % 1000),
            }),
            Self::Exited { how } => {
                json!({ "errorType": "Runtime.ExitError", "errorMessage": format!("Error: Runtime {how}") })
            }
            Self::Unknown { .. } => {
                json!({ "errorType": "ResourceNotFoundException", "errorMessage": self.to_string() })
            }
        }
    }
}

/// What the functions share.
pub(crate) struct Surroundings {
    pub(crate) bin_dir: PathBuf,
    pub(crate) aws_url: String,
    /// Variables that only this machine sets, for every function.
    pub(crate) extra_environment: BTreeMap<String, String>,
    /// The most processes of one function, whatever the template allows.
    pub(crate) max_processes: usize,
    /// How long a process is kept that has nothing to do. One of each function stays.
    pub(crate) max_idle: Duration,
    pub(crate) logs: Arc<Logs>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) tasks: Tasks,
    pub(crate) happened: Signal,
    pub(crate) watcher: Watcher,
}

/// All functions of the template.
pub(crate) struct Functions {
    pools: BTreeMap<String, Arc<Pool>>,
}

struct Pool {
    function: Function,
    surroundings: Arc<Surroundings>,
    /// How many invocations may run at once, each in a process of its own.
    concurrency: usize,
    /// One permit per invocation that may run; those who wait get it in order.
    permits: Arc<Semaphore>,
    /// One permit per process that may be starting, as many as there are cores: more would start no sooner, and what is
    /// running would do less meanwhile.
    starts: Semaphore,
    /// Each with the time since which it has been idle. The last used at the end: it is used next, so that the others can
    /// stay asleep.
    idle: Mutex<Vec<(Arc<Process>, Instant)>>,
    /// Wakes one who waits for an idle process.
    freed: Notify,
    /// Every process that has not ended, by number.
    alive: Mutex<BTreeMap<u64, Arc<Process>>>,
    next_number: AtomicU64,
}

struct Process {
    number: u64,
    api: RuntimeApi,
    /// Stopping it kills the process.
    tasks: Tasks,
    /// How the process ended, once it has.
    ended: watch::Receiver<Option<String>>,
}

/// The process an AWS call came from, as its access key tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) function: String,
    pub(crate) process: u64,
}

impl Caller {
    fn access_key(&self) -> String {
        format!("{ACCESS_KEY_PREFIX}-{}-{}", self.function, self.process)
    }

    /// Reads the access key in an Authorization header: `AWS4-HMAC-SHA256 Credential=<key>/<date>/…`.
    /// Nothing means somebody else: a test, the AWS CLI.
    pub(crate) fn from_authorization(header: &str) -> Option<Self> {
        let key = header.split_once("Credential=")?.1.split('/').next()?;
        let (function, process) = key.strip_prefix(ACCESS_KEY_PREFIX)?.strip_prefix('-')?.rsplit_once('-')?;
        Some(Self { function: function.to_owned(), process: process.parse().ok()? })
    }
}

impl Functions {
    pub(crate) fn new(functions: Vec<Function>, surroundings: Surroundings) -> Self {
        let surroundings = Arc::new(surroundings);
        let pool = |function: Function| {
            let concurrency = function.reserved_concurrency.unwrap_or(DEFAULT_CONCURRENCY);
            let concurrency = concurrency.min(surroundings.max_processes);
            let pool = Pool {
                surroundings: Arc::clone(&surroundings),
                concurrency,
                permits: Arc::new(Semaphore::new(concurrency)),
                starts: Semaphore::new(std::thread::available_parallelism().map_or(1, NonZeroUsize::get)),
                idle: Mutex::new(Vec::new()),
                freed: Notify::new(),
                alive: Mutex::new(BTreeMap::new()),
                next_number: AtomicU64::new(1),
                function,
            };
            (pool.function.id.clone(), Arc::new(pool))
        };
        let pools: BTreeMap<String, Arc<Pool>> = functions.into_iter().map(pool).collect();
        let kept: Vec<Arc<Pool>> = pools.values().cloned().collect();
        let max_idle = surroundings.max_idle;
        surroundings.tasks.spawn(async move {
            loop {
                tokio::time::sleep(max_idle / 2).await;
                kept.iter().for_each(|pool| pool.end_idle(max_idle));
            }
        });
        Self { pools }
    }

    /// Runs the function once with `event` and returns its output.
    ///
    /// An invocation that has begun runs to its end even if the caller stops waiting.
    pub(crate) async fn invoke(&self, function: &str, event: Bytes) -> Result<Bytes, InvokeError> {
        let Some(pool) = self.pools.get(function) else {
            return Err(InvokeError::Unknown { function: function.to_owned() });
        };
        let pool = Arc::clone(pool);
        let tasks = pool.surroundings.tasks.clone();
        let invocation = tasks.spawn_to_end(async move {
            let Ok(_permit) = pool.permits.acquire().await else {
                return Err(InvokeError::Exited { how: "is not started: the machine stops".to_owned() });
            };
            let result = pool.invoke(event).await;
            pool.surroundings.happened.signal();
            result
        });
        invocation.await.unwrap_or_else(|error| Err(InvokeError::Exited { how: error.to_string() }))
    }

    /// What the template says of each function.
    pub(crate) fn declared(&self) -> impl Iterator<Item = &Function> {
        self.pools.values().map(|pool| &pool.function)
    }

    /// The variables of a function that runs outside this machine: all of a function's own and this machine's endpoint.
    /// Functions agree on what a name stands for; a test of the product's template sees to it.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let mut environment = BTreeMap::new();
        for pool in self.pools.values() {
            environment.extend(pool.variables(OUTSIDE_ACCESS_KEY));
        }
        environment
    }

    /// How many invocations of a function can run at once.
    pub(crate) fn concurrency(&self, function: &str) -> usize {
        self.pools.get(function).map_or(1, |pool| pool.concurrency)
    }

    /// Whether any invocation is running.
    pub(crate) fn busy(&self) -> bool {
        self.pools.values().any(|pool| pool.permits.available_permits() < pool.concurrency)
    }

    /// The numbers of a function's processes.
    pub(crate) fn processes(&self, function: &str) -> Vec<u64> {
        self.pools.get(function).map(|pool| lock(&pool.alive).keys().copied().collect()).unwrap_or_default()
    }

    /// Kills one process as `kill -9` does and waits for its end.
    pub(crate) async fn kill(&self, caller: &Caller) {
        let process = self.pools.get(&caller.function).and_then(|pool| lock(&pool.alive).get(&caller.process).cloned());
        if let Some(process) = process {
            process.kill().await;
        }
    }

    /// Ends every wait for a process; those that run are ended by their own tasks.
    pub(crate) fn close(&self) {
        for pool in self.pools.values() {
            pool.permits.close();
        }
    }
}

impl Pool {
    async fn invoke(self: &Arc<Self>, event: Bytes) -> Result<Bytes, InvokeError> {
        self.surroundings.meter.invoked(&self.function.id);
        let process = match self.process().await {
            Ok(process) => process,
            // A process that dies without a word would leave nothing to go by.
            Err(error) => {
                self.surroundings.logs.remark(&format!("{} {error}", self.function.id));
                return Err(error);
            }
        };
        let result = self.run_on(&process, event).await;
        match &result {
            // An error the runtime itself reports leaves the process usable.
            Ok(_) | Err(InvokeError::Function { .. }) => {
                lock(&self.idle).push((process, Instant::now()));
                self.freed.notify_one();
            }
            Err(InvokeError::TimedOut { .. } | InvokeError::Exited { .. } | InvokeError::Unknown { .. }) => {
                process.kill().await;
            }
        }
        if let Err(error) = &result {
            self.surroundings.logs.remark(&format!("{} {error}", self.function.id));
        }
        result
    }

    /// A process to use: an idle one, now or as soon as there is one, or a new one if that may be started sooner.
    async fn process(self: &Arc<Self>) -> Result<Arc<Process>, InvokeError> {
        loop {
            if let Some(process) = self.take_idle() {
                return Ok(process);
            }
            tokio::select! {
                biased;
                () = self.freed.notified() => {}
                Ok(_start) = self.starts.acquire() => return self.start().await,
            }
        }
    }

    /// Ends processes that have been idle for long, but for the last used one.
    fn end_idle(&self, max_idle: Duration) {
        let mut idle = lock(&self.idle);
        let count = idle.iter().take_while(|(_, since)| since.elapsed() > max_idle).count();
        let count = count.min(idle.len().saturating_sub(1));
        idle.drain(..count).for_each(|(process, _)| process.tasks.stop());
    }

    fn take_idle(&self) -> Option<Arc<Process>> {
        let mut idle = lock(&self.idle);
        while let Some((process, _)) = idle.pop() {
            if process.ended.borrow().is_none() {
                return Some(process);
            }
        }
        None
    }

    async fn run_on(&self, process: &Process, event: Bytes) -> Result<Bytes, InvokeError> {
        let timeout_ms = self.function.timeout_ms;
        let deadline_ms =
            Timestamp::now().as_millisecond().saturating_add(i64::try_from(timeout_ms).unwrap_or(i64::MAX));
        let (reply, replied) = oneshot::channel();
        let job = Job { id: Uuid::new_v4().to_string(), event, deadline_ms, reply };
        if process.api.jobs.send(job).await.is_err() {
            return Err(InvokeError::Exited { how: process.how_it_ended().await });
        }
        tokio::select! {
            // A process may answer and end at once: the answer counts.
            biased;
            reply = replied => match reply {
                Ok(Ok(output)) => Ok(output),
                Ok(Err(error)) => Err(InvokeError::Function { error }),
                Err(_) => Err(InvokeError::Exited { how: process.how_it_ended().await }),
            },
            how = process.how_it_ended() => Err(InvokeError::Exited { how }),
            () = tokio::time::sleep(Duration::from_millis(timeout_ms)) => Err(InvokeError::TimedOut { timeout_ms }),
        }
    }

    /// Spawns a process and waits until it asks for an event.
    async fn start(self: &Arc<Self>) -> Result<Arc<Process>, InvokeError> {
        let process = self.spawn().await.map_err(|error| {
            let binary = self.function.binary_in(&self.surroundings.bin_dir);
            InvokeError::Exited { how: format!("cannot be started from {}: {error}", binary.display()) }
        })?;
        let mut initialised = process.api.initialised.clone();
        let initialised = async { initialised.wait_for(|initialised| *initialised).await.is_ok() };
        tokio::select! {
            biased;
            true = initialised => Ok(process),
            how = process.how_it_ended() => Err(InvokeError::Exited { how: format!("{how} during its start") }),
            () = tokio::time::sleep(Duration::from_millis(INIT_TIMEOUT_MS)) => {
                process.kill().await;
                Err(InvokeError::TimedOut { timeout_ms: INIT_TIMEOUT_MS })
            }
        }
    }

    async fn spawn(self: &Arc<Self>) -> std::io::Result<Arc<Process>> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let runtime_api = listener.local_addr()?.to_string();
        let caller =
            Caller { function: self.function.id.clone(), process: self.next_number.fetch_add(1, Ordering::Relaxed) };
        let mut command = Command::new(self.function.binary_in(&self.surroundings.bin_dir));
        // Ctrl-C is for the machine, which then ends its processes in order.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(self.environment(&caller, &runtime_api))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id();
        if let Some(pid) = pid {
            self.surroundings.watcher.started(pid);
        }
        let tasks = self.surroundings.tasks.child();
        // Served until the process has ended: one that is killed must not see its connection fail first, and complain.
        let serving = tasks.apart();
        let api = runtime_api::serve(listener, &self.function.id, &serving);
        let output = [
            child.stdout.take().map(|output| self.show_lines(output)),
            child.stderr.take().map(|output| self.show_lines(output)),
        ];
        let (ended, is_ended) = watch::channel(None);
        let process = Arc::new(Process { number: caller.process, api, tasks: tasks.clone(), ended: is_ended });
        lock(&self.alive).insert(process.number, Arc::clone(&process));

        let (pool, number) = (Arc::clone(self), process.number);
        tasks.clone().spawn_to_end(async move {
            let how = until_ended(&mut child, &tasks).await;
            if let Some(pid) = pid {
                pool.surroundings.watcher.ended(pid);
            }
            let last_lines = async {
                for task in output.into_iter().flatten() {
                    let _ = task.await;
                }
            };
            let _ = tokio::time::timeout(Duration::from_millis(LAST_LINES_MS), last_lines).await;
            lock(&pool.alive).remove(&number);
            lock(&pool.idle).retain(|(process, _)| process.number != number);
            ended.send_replace(Some(how));
            tasks.stop();
            serving.stop();
            pool.surroundings.happened.signal();
        });
        Ok(process)
    }

    /// The function's own variables and those by which it reaches this machine's AWS endpoint, or whatever `--env` puts in
    /// its place, such as a proxy. Credentials and region are the machine's own: by its access key a process is known.
    fn variables(&self, access_key: &str) -> BTreeMap<String, String> {
        let mut variables = self.function.environment.clone();
        variables.insert("AWS_ENDPOINT_URL".to_owned(), self.surroundings.aws_url.clone());
        variables.extend(self.surroundings.extra_environment.clone());
        variables.extend(names::access(access_key));
        variables
    }

    /// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>
    fn environment(&self, caller: &Caller, runtime_api: &str) -> BTreeMap<String, String> {
        let function = &self.function;
        let mut environment = self.variables(&caller.access_key());
        environment.extend(
            [
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory_mb.to_string()),
                ("AWS_LAMBDA_FUNCTION_NAME", function.id.clone()),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
                ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
                ("AWS_LAMBDA_LOG_FORMAT", function.log_format.clone()),
                ("AWS_LAMBDA_LOG_GROUP_NAME", function.log_group.clone()),
                ("AWS_LAMBDA_LOG_STREAM_NAME", format!("{}/{}", function.id, caller.process)),
                ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_owned()),
                ("LAMBDA_TASK_ROOT", self.surroundings.bin_dir.display().to_string()),
                ("TZ", ":UTC".to_owned()),
                ("_HANDLER", "bootstrap".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        environment
    }

    fn show_lines(&self, output: impl AsyncRead + Unpin + Send + 'static) -> tokio::task::JoinHandle<()> {
        let (logs, function) = (Arc::clone(&self.surroundings.logs), self.function.id.clone());
        tokio::spawn(async move {
            let mut output = BufReader::new(output);
            let mut line = Vec::new();
            while output.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
                logs.write(&function, String::from_utf8_lossy(&line).trim_end());
                line.clear();
            }
        })
    }
}

/// Waits for the process's end, or brings it about when its tasks are stopped.
async fn until_ended(child: &mut Child, tasks: &Tasks) -> String {
    let waited = tokio::select! {
        waited = child.wait() => waited,
        () = tasks.stopped() => {
            let _ = child.start_kill();
            child.wait().await
        }
    };
    match waited {
        Ok(status) => format!("exited with {}", describe(status)),
        Err(error) => format!("was lost: {error}"),
    }
}

fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("signal: {signal}");
    }
    status.code().map_or_else(|| status.to_string(), |code| format!("exit status {code}"))
}

impl Process {
    async fn kill(&self) {
        self.tasks.stop();
        self.how_it_ended().await;
    }

    /// Resolves once the process has ended.
    async fn how_it_ended(&self) -> String {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(how) => how.clone().unwrap_or_default(),
            Err(_) => "ended".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_tells_the_process_it_came_from() {
        let caller = Caller { function: "CreateFunction".to_owned(), process: 3 };
        let header =
            format!("AWS4-HMAC-SHA256 Credential={}/20261121/eu-west-2/dynamodb/aws4_request", caller.access_key());
        assert_eq!(Caller::from_authorization(&header), Some(caller));
        for other in ["", "Basic eA==", "AWS4-HMAC-SHA256 Credential=local/2026/x", "AWS4 Credential=local-F-x/"] {
            assert_eq!(Caller::from_authorization(other), None, "{other}");
        }
    }
}
