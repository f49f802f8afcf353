//! One process of a function: its environment, the events it is handed, its output and its end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use super::caller::Caller;
use crate::logs::Logs;
use crate::meter::Meter;
use crate::names;
use crate::runtime_api::{self, Job, RuntimeApi};
use crate::tasks::{Signal, Tasks};
use crate::template::Function;
use crate::watcher::Watcher;

/// How long a process may take until it asks for its first event.
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib>
const INIT_TIMEOUT_MS: u64 = 10_000;
/// How long the last lines of an ended process are waited for; a grandchild may hold the pipe open for ever.
const LAST_LINES_MS: u64 = 500;

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

/// What a function's processes are started from.
pub(super) struct Program {
    pub(super) function: Function,
    pub(super) surroundings: Arc<Surroundings>,
}

pub(super) struct Process {
    pub(super) number: u64,
    api: RuntimeApi,
    /// Stopping it kills the process.
    pub(super) tasks: Tasks,
    /// How the process ended, once it has.
    pub(super) ended: watch::Receiver<Option<String>>,
}

impl Program {
    /// Spawns a process, and calls `on_start` with it, and `on_end` once it is gone.
    pub(super) async fn spawn(
        &self,
        number: u64,
        on_start: impl FnOnce(&Arc<Process>),
        on_end: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<Arc<Process>> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let runtime_api = listener.local_addr()?.to_string();
        let caller = Caller { function: self.function.id.clone(), process: number };
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
        on_start(&process);

        let surroundings = Arc::clone(&self.surroundings);
        tasks.clone().spawn_to_end(async move {
            let how = until_ended(&mut child, &tasks).await;
            if let Some(pid) = pid {
                surroundings.watcher.ended(pid);
            }
            let last_lines = async {
                for task in output.into_iter().flatten() {
                    let _ = task.await;
                }
            };
            let _ = tokio::time::timeout(Duration::from_millis(LAST_LINES_MS), last_lines).await;
            on_end();
            ended.send_replace(Some(how));
            tasks.stop();
            serving.stop();
            surroundings.happened.signal();
        });
        Ok(process)
    }

    /// The function's own variables and those by which it reaches this machine's AWS endpoint, or whatever `--env` puts in
    /// its place, such as a proxy. Credentials and region are the machine's own: by its access key a process is known.
    pub(super) fn variables(&self, access_key: &str) -> BTreeMap<String, String> {
        let mut variables = self.function.environment.clone();
        variables.insert("AWS_ENDPOINT_URL".to_owned(), self.surroundings.aws_url.clone());
        // Logs are on this machine: no page leads to AWS for them.
        variables.remove("LOG_GROUPS");
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

/// Waits for the process's end, or kills it when its tasks are stopped.
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
    /// Waits until it asks for its first event; one that takes too long is killed.
    pub(super) async fn initialised(&self) -> Result<(), InvokeError> {
        let mut initialised = self.api.initialised.clone();
        let initialised = async { initialised.wait_for(|initialised| *initialised).await.is_ok() };
        tokio::select! {
            biased;
            true = initialised => Ok(()),
            how = self.how_it_ended() => Err(InvokeError::Exited { how: format!("{how} during its start") }),
            () = tokio::time::sleep(Duration::from_millis(INIT_TIMEOUT_MS)) => {
                self.kill().await;
                Err(InvokeError::TimedOut { timeout_ms: INIT_TIMEOUT_MS })
            }
        }
    }

    /// Hands it an event and waits for the output, at most for `timeout_ms`.
    pub(super) async fn run(&self, event: Bytes, timeout_ms: u64) -> Result<Bytes, InvokeError> {
        let deadline_ms =
            Timestamp::now().as_millisecond().saturating_add(i64::try_from(timeout_ms).unwrap_or(i64::MAX));
        let (reply, replied) = oneshot::channel();
        let job = Job { id: Uuid::new_v4().to_string(), event, deadline_ms, reply };
        if self.api.jobs.send(job).await.is_err() {
            return Err(InvokeError::Exited { how: self.how_it_ended().await });
        }
        tokio::select! {
            // A process may answer and end at once: the answer counts.
            biased;
            reply = replied => match reply {
                Ok(Ok(output)) => Ok(output),
                Ok(Err(error)) => Err(InvokeError::Function { error }),
                Err(_) => Err(InvokeError::Exited { how: self.how_it_ended().await }),
            },
            how = self.how_it_ended() => Err(InvokeError::Exited { how }),
            () = tokio::time::sleep(Duration::from_millis(timeout_ms)) => Err(InvokeError::TimedOut { timeout_ms }),
        }
    }

    /// Kills it as `kill -9` does and waits for its end.
    pub(super) async fn kill(&self) {
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
