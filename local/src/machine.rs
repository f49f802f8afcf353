//! The machine as a whole: starts everything in order, stops it together.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::body::Bytes;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::dynamodb::{DynamoDb, hash_keys};
use crate::endpoint::{self, Endpoint};
use crate::faults::Faults;
use crate::feedback::Feedback;
use crate::functions::{Functions, InvokeError, Surroundings};
use crate::http_api;
use crate::http_api::routes::Routes;
use crate::logs::{LogLine, Logs};
use crate::mailbox;
use crate::mails::{self, Mail, Mails};
use crate::meter::Meter;
use crate::names;
use crate::permissions::Permissions;
use crate::queues::{QueueCounts, Queues};
use crate::ses::MailRate;
use crate::sources::queue::QueueSource;
use crate::sources::schedule;
use crate::sources::stream::StreamSource;
use crate::tasks::{Signal, Tasks};
use crate::template::{Function, Site, Stack, Template, TemplateError};
use crate::watcher::Watcher;

/// How many ports after the wanted one the mailbox tries.
const MAIL_PORT_TRIES: u16 = 100;
/// How many processes of a function run at once, if no other bound is given: what the template lets webhooks have, which wait
/// for merchants' servers most of the time, and some more. Each takes some 20 MB, and those that are not needed end.
pub const MAX_PROCESSES: usize = 64;
/// How often [`Machine::until`] looks although nothing seems to have happened: time passing makes no sound.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What to host, and how.
#[derive(Debug, Clone)]
pub struct Config {
    /// template.yaml.
    pub template: PathBuf,
    /// Where the functions' binaries are, each named as its CodeUri's last part.
    pub bin_dir: PathBuf,
    /// Where everything is kept: the table, the queues, the mails. Made if missing.
    pub data_dir: PathBuf,
    /// The address all servers listen on.
    pub bind: IpAddr,
    /// The HTTP API's port; 0 takes any that is free.
    pub api_port: u16,
    /// The mailbox's port; the next free one if it is taken, 0 takes any.
    pub mail_port: u16,
    /// The AWS endpoint's port; 0 takes any that is free.
    pub aws_port: u16,
    /// Values for the template's parameters, in place of their defaults.
    pub parameters: BTreeMap<String, String>,
    /// Variables every function gets besides the template's.
    pub environment: BTreeMap<String, String>,
    /// How often every schedule runs, whatever its expression says; nothing means never.
    pub schedule_interval: Option<Duration>,
    /// How often expired items are removed; DynamoDB itself takes up to days.
    pub ttl_sweep_interval: Duration,
    /// The pause before a failed stream batch is tried again; it doubles with each failure.
    pub stream_retry_pause: Duration,
    /// The visibility timeout of every queue, in place of the template's; for tests that wait for redelivery.
    pub visibility_timeout: Option<Duration>,
    /// The most processes of each function that run at once, however many more the template allows.
    pub max_processes: usize,
    /// How long a process is kept that has nothing to do. One of each function stays.
    pub max_idle: Duration,
    /// How many mails a second SES takes: 1 in its sandbox, 14 is where production begins. Nothing limits nothing.
    pub mails_per_second: Option<usize>,
    /// A folder where it is written down which of their permissions functions make use of, one
    /// [`crate::PermissionRecord`] in JSON to a line, each once.
    pub permissions_dir: Option<PathBuf>,
    /// Keep log lines without showing them.
    pub quiet: bool,
}

impl Config {
    /// What `make run` uses: the documented ports, a schedule every 5 seconds.
    #[must_use]
    pub fn new(template: impl Into<PathBuf>, bin_dir: impl Into<PathBuf>, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            template: template.into(),
            bin_dir: bin_dir.into(),
            data_dir: data_dir.into(),
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            api_port: 3000,
            mail_port: 8025,
            aws_port: 0,
            parameters: BTreeMap::new(),
            environment: BTreeMap::new(),
            schedule_interval: Some(Duration::from_secs(5)),
            ttl_sweep_interval: Duration::from_secs(10),
            stream_retry_pause: Duration::from_millis(200),
            visibility_timeout: None,
            max_processes: MAX_PROCESSES,
            max_idle: Duration::from_secs(60),
            mails_per_second: None,
            permissions_dir: None,
            quiet: false,
        }
    }

    /// For tests, many in one process: free ports, no schedules (use [`Machine::invoke`]), no TTL sweeps (use
    /// [`Machine::sweep_ttl`]), short pauses, quiet.
    #[must_use]
    pub fn for_tests(template: impl Into<PathBuf>, bin_dir: impl Into<PathBuf>, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            api_port: 0,
            mail_port: 0,
            schedule_interval: None,
            ttl_sweep_interval: Duration::MAX,
            stream_retry_pause: Duration::from_millis(5),
            quiet: true,
            ..Self::new(template, bin_dir, data_dir)
        }
    }
}

/// Why the machine did not start. Each reads as one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The template says something that cannot be hosted.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A function has not been built.
    #[error("{function}: there is no binary {}; run `make debug` first", path.display())]
    MissingBinary {
        /// The function's logical id.
        function: String,
        /// Where its binary should be.
        path: PathBuf,
    },
    /// The data folder cannot be made, read or written.
    #[error("the data folder {} cannot be used: {error}; give another with --data-dir", path.display())]
    DataFolder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Another machine uses the data folder.
    #[error("the data folder {} is in use by another `local`; stop that one, or give another with --data-dir", path.display())]
    DataFolderInUse {
        /// The folder.
        path: PathBuf,
    },
    /// A port is taken.
    #[error("port {port} for the {server} cannot be used: {error}; give another with {option}")]
    Port {
        /// Which server wanted it.
        server: &'static str,
        /// The port.
        port: u16,
        /// The option that sets it.
        option: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// The table or the queues could not be opened.
    #[error("the {what} in {} cannot be opened: {problem}", path.display())]
    State {
        /// `table` or `queues`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// A running machine. Dropping it stops it without waiting; [`Machine::stop`] waits.
pub struct Machine {
    api_url: String,
    aws_url: String,
    mail_url: String,
    data_dir: PathBuf,
    table_names: Vec<String>,
    dynamodb: Arc<DynamoDb>,
    queues: Arc<Queues>,
    mails: Mails,
    functions: Arc<Functions>,
    routes: Arc<Routes>,
    faults: Arc<Faults>,
    meter: Arc<Meter>,
    logs: Arc<Logs>,
    streams: Vec<Arc<StreamSource>>,
    queue_sources: Vec<Arc<QueueSource>>,
    happened: Signal,
    tasks: Tasks,
    /// Held as long as the machine runs; the system releases it whatever happens.
    _lock: File,
}

/// What every part is made of.
struct Parts {
    dynamodb: Arc<DynamoDb>,
    queues: Arc<Queues>,
    functions: Arc<Functions>,
    faults: Arc<Faults>,
    logs: Arc<Logs>,
    happened: Signal,
}

impl Machine {
    /// Starts everything the template declares. Once this returns, every server answers.
    ///
    /// # Errors
    ///
    /// See [`StartError`]; nothing is left running.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let happened = Signal::new();
        let logs = Arc::new(Logs::new(config.quiet, happened.clone()));
        let tasks = Tasks::new();
        let result = start(config, logs, happened, tasks.clone()).await;
        if result.is_err() {
            tasks.stop();
            tasks.ended().await;
        }
        result
    }

    /// The HTTP API: `http://127.0.0.1:3000`.
    #[must_use]
    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    /// The AWS endpoint for DynamoDB, SQS and SES.
    #[must_use]
    pub fn aws_url(&self) -> &str {
        &self.aws_url
    }

    /// The mailbox page.
    #[must_use]
    pub fn mail_url(&self) -> &str {
        &self.mail_url
    }

    /// The first table's name; empty if the template has none.
    #[must_use]
    pub fn table_name(&self) -> &str {
        self.table_names.first().map_or("", String::as_str)
    }

    /// The URL of a queue, by its logical id.
    #[must_use]
    pub fn queue_url(&self, logical_id: &str) -> String {
        names::queue_url(&self.aws_url, &names::resource(logical_id))
    }

    /// Where everything is kept.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The mails sent so far, newest first; empty if the folder cannot be read.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.list().unwrap_or_default()
    }

    /// How many messages a queue holds, by its logical id; nothing for a queue that is none.
    #[must_use]
    pub fn queue_counts(&self, logical_id: &str) -> Option<QueueCounts> {
        let queue = self.queues.get(&names::resource(logical_id))?;
        self.queues.counts(&queue.name).ok()
    }

    /// The bodies of a queue's messages, oldest first, without receiving them; by its logical id.
    #[must_use]
    pub fn queue_bodies(&self, logical_id: &str) -> Vec<String> {
        self.queues.bodies(&names::resource(logical_id)).unwrap_or_default()
    }

    /// The lines written so far by functions, and by the machine about them (source `local`).
    #[must_use]
    pub fn logs(&self) -> Vec<LogLine> {
        self.logs.lines()
    }

    /// Faults on purpose.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What AWS would count of what has happened.
    #[must_use]
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The logical id of each function, and the name of its binary.
    pub fn functions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.functions.declared().map(|function| (function.id.as_str(), function.binary.as_str()))
    }

    /// The path of each route as template.yaml writes it, more than once where it takes more than one method; not the
    /// route of what no other takes.
    pub fn route_paths(&self) -> impl Iterator<Item = String> {
        self.routes.keys().filter_map(|key| key.to_string().split_once(' ').map(|(_, path)| path.to_owned()))
    }

    /// The logical id of the function that a request goes to, if there is one.
    #[must_use]
    pub fn function_for(&self, method: &str, path: &str) -> Option<&str> {
        self.routes.find(method, path).map(|route| route.function)
    }

    /// The variables of a function that runs outside this machine, by other tools, on its table and queues.
    #[must_use]
    pub fn outside_environment(&self) -> BTreeMap<String, String> {
        self.functions.environment()
    }

    /// How many processes of a function live, by its logical id.
    #[must_use]
    pub fn process_count(&self, function: &str) -> usize {
        self.functions.processes(function).len()
    }

    /// Runs a function once, by its logical id, and returns its output.
    ///
    /// # Errors
    ///
    /// See [`InvokeError`].
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<Value, InvokeError> {
        let output = self.functions.invoke(function, Bytes::from(event.to_string())).await?;
        Ok(serde_json::from_slice(&output).unwrap_or(Value::Null))
    }

    /// Removes expired items now; how many there were.
    ///
    /// # Errors
    ///
    /// When the table cannot be written.
    pub fn sweep_ttl(&self) -> io::Result<usize> {
        self.dynamodb.sweep_ttl().map_err(io::Error::other)
    }

    /// Looks again whenever something happened (a line was written, a call answered, an invocation ended) until `look`
    /// finds something, or for `within` at most.
    pub async fn until<T>(&self, within: Duration, mut look: impl FnMut(&Self) -> Option<T>) -> Option<T> {
        let end = tokio::time::Instant::now() + within;
        let mut happened = self.happened.listen();
        loop {
            if let Some(found) = look(self) {
                return Some(found);
            }
            if tokio::time::Instant::now() >= end {
                return None;
            }
            let _ = tokio::time::timeout(LOOK_AGAIN, happened.heard()).await;
        }
    }

    /// Waits until there is nothing left to do: streams read, queues with a function empty, no invocation running.
    /// False if that took longer than `within`.
    pub async fn settled(&self, within: Duration) -> bool {
        self.until(within, |machine| (machine.is_idle() && machine.is_idle()).then_some(())).await.is_some()
    }

    /// A source is idle only after its function's work is written, so what follows from it is seen by a later look.
    fn is_idle(&self) -> bool {
        let queues = || self.queue_sources.iter().all(|source| source.is_idle());
        !self.functions.busy() && queues() && self.streams.iter().all(|source| source.is_idle()) && queues()
    }

    /// Stops everything and waits for it: servers, sources, function processes.
    pub async fn stop(self) {
        self.functions.close();
        self.tasks.stop();
        self.tasks.ended().await;
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.functions.close();
        self.tasks.stop();
    }
}

async fn start(config: Config, logs: Arc<Logs>, happened: Signal, tasks: Tasks) -> Result<Machine, StartError> {
    logs.remark(&format!("reading {}", config.template.display()));
    let template = Template::read(&config.template)?;

    let api = listen(&config, config.api_port, "HTTP API", "--port").await?;
    let aws = listen(&config, config.aws_port, "AWS endpoint", "--aws-port").await?;
    let (api_address, aws_address) = (address(&api), address(&aws));
    let (api_url, aws_url) = (format!("http://{api_address}"), format!("http://{aws_address}"));
    let mut stack = template.resolve(&Site { aws_url: &aws_url, api_url: &api_url, parameters: &config.parameters })?;
    check_binaries(&stack, &config.bin_dir)?;

    logs.remark(&format!("opening {}", config.data_dir.display()));
    let data_folder = |error| StartError::DataFolder { path: config.data_dir.clone(), error };
    let lock = lock_folder(&config.data_dir)?;
    let mails = Mails::open(config.data_dir.join("mails")).map_err(data_folder)?;
    let meter = Arc::new(Meter::default());
    let (table_file, queue_file) = (config.data_dir.join("table.sqlite"), config.data_dir.join("queues.sqlite"));
    let dynamodb = DynamoDb::open(&table_file, &stack.tables, Arc::clone(&meter), &tasks)
        .map_err(|error| StartError::State { what: "table", path: table_file, problem: error.to_string() })?;
    let queues = open_queues(&config, &mut stack, queue_file, &tasks)?;

    let mail = listen_nearby(&config).await?;
    let mail_url = format!("http://{}", address(&mail));
    let routes = stack
        .functions
        .iter()
        .flat_map(|function| function.routes.iter().map(|route| (route.clone(), function.id.clone())));
    let routes = Arc::new(Routes::new(routes.collect()));
    let (streams, queue_events, schedules) = events(&stack.functions);
    let rules = stack
        .functions
        .iter()
        .flat_map(|function| function.rules.iter().map(|rule| (function.id.clone(), rule.clone())).collect::<Vec<_>>());
    let rules = rules.collect();
    let permissions = config.permissions_dir.as_deref();
    let permissions = Permissions::new(&stack.functions, hash_keys(&stack.tables), permissions).map_err(|error| {
        let path = permissions.unwrap_or(&config.data_dir).to_owned();
        StartError::DataFolder { path, error }
    })?;
    let functions = Functions::new(
        stack.functions,
        Surroundings {
            bin_dir: config.bin_dir.clone(),
            aws_url: aws_url.clone(),
            extra_environment: config.environment.clone(),
            max_processes: config.max_processes.max(1),
            max_idle: config.max_idle,
            logs: Arc::clone(&logs),
            meter: Arc::clone(&meter),
            tasks: tasks.clone(),
            happened: happened.clone(),
            watcher: Watcher::start(),
        },
    );
    let parts = Parts {
        dynamodb: Arc::new(dynamodb),
        queues: Arc::new(queues),
        functions: Arc::new(functions),
        faults: Arc::new(Faults::default()),
        logs,
        happened,
    };

    let endpoint = Endpoint {
        dynamodb: Arc::clone(&parts.dynamodb),
        queues: Arc::clone(&parts.queues),
        mails: mails.clone(),
        mail_rate: MailRate::new(config.mails_per_second),
        feedback: Arc::new(Feedback {
            sets: stack.configuration_sets,
            rules,
            functions: Arc::clone(&parts.functions),
            tasks: tasks.clone(),
            suppressed: Mutex::default(),
        }),
        functions: Arc::clone(&parts.functions),
        faults: Arc::clone(&parts.faults),
        meter: Arc::clone(&meter),
        permissions,
        logs: Arc::clone(&parts.logs),
        aws_url: aws_url.clone(),
        happened: parts.happened.clone(),
        tasks: tasks.clone(),
    };
    endpoint::serve(aws, endpoint, &tasks);
    mailbox::serve(mail, mails.clone(), &tasks);
    http_api::serve(api, api_address.port(), Arc::clone(&routes), Arc::clone(&parts.functions), &tasks);

    let streams: Vec<_> =
        streams.into_iter().map(|(function, event)| Arc::new(parts.stream(&config, function, event))).collect();
    parts.trim_streams(&streams);
    let queue_sources: Vec<_> =
        queue_events.into_iter().map(|(function, event)| Arc::new(parts.queue(function, event))).collect();
    streams.iter().for_each(|source| Arc::clone(source).run(&tasks));
    queue_sources.iter().for_each(|source| Arc::clone(source).run(&tasks));
    if let Some(interval) = config.schedule_interval {
        for (function, event) in schedules {
            schedule::run(function, event, interval, Arc::clone(&parts.functions), &tasks);
        }
    }
    parts.dynamodb.keep_sweeping(config.ttl_sweep_interval, Arc::clone(&parts.logs));

    Ok(Machine {
        api_url,
        aws_url,
        mail_url,
        data_dir: config.data_dir,
        table_names: stack.tables.into_iter().map(|table| table.name).collect(),
        dynamodb: parts.dynamodb,
        queues: parts.queues,
        mails,
        functions: parts.functions,
        routes,
        faults: parts.faults,
        meter,
        logs: parts.logs,
        streams,
        queue_sources,
        happened: parts.happened,
        tasks,
        _lock: lock,
    })
}

impl Parts {
    fn stream(&self, config: &Config, function: String, event: crate::template::StreamEvent) -> StreamSource {
        StreamSource {
            function,
            event,
            retry_pause: config.stream_retry_pause,
            dynamodb: Arc::clone(&self.dynamodb),
            queues: Arc::clone(&self.queues),
            functions: Arc::clone(&self.functions),
            faults: Arc::clone(&self.faults),
            logs: Arc::clone(&self.logs),
            happened: self.happened.clone(),
        }
    }

    fn queue(&self, function: String, event: crate::template::QueueEvent) -> QueueSource {
        QueueSource {
            function,
            event,
            queues: Arc::clone(&self.queues),
            functions: Arc::clone(&self.functions),
            faults: Arc::clone(&self.faults),
            logs: Arc::clone(&self.logs),
            happened: self.happened.clone(),
        }
    }

    /// Old stream records go, up to where the slowest reader of each table is.
    fn trim_streams(&self, streams: &[Arc<StreamSource>]) {
        let mut done: BTreeMap<&str, Option<String>> = BTreeMap::new();
        for source in streams {
            let checkpoint = self.queues.checkpoint(&source.id()).ok().flatten();
            done.entry(&source.event.table)
                .and_modify(|least| *least = least.take().min(checkpoint.clone()))
                .or_insert(checkpoint);
        }
        for (table, checkpoint) in done {
            let Some(checkpoint) = checkpoint else { continue };
            if let Err(error) = self.dynamodb.trim(table, &checkpoint) {
                self.logs.remark(&format!("old stream records of {table} could not be removed: {error}"));
            }
        }
    }
}

type Events = (
    Vec<(String, crate::template::StreamEvent)>,
    Vec<(String, crate::template::QueueEvent)>,
    Vec<(String, crate::template::ScheduleEvent)>,
);

/// Every event source with the function it belongs to.
fn events(functions: &[Function]) -> Events {
    let mut events: Events = (Vec::new(), Vec::new(), Vec::new());
    for function in functions {
        let id = || function.id.clone();
        events.0.extend(function.streams.iter().cloned().map(|event| (id(), event)));
        events.1.extend(function.queues.iter().cloned().map(|event| (id(), event)));
        events.2.extend(function.schedules.iter().cloned().map(|event| (id(), event)));
    }
    events
}

fn open_queues(config: &Config, stack: &mut Stack, path: PathBuf, tasks: &Tasks) -> Result<Queues, StartError> {
    let mut queues = std::mem::take(&mut stack.queues);
    if let Some(timeout) = config.visibility_timeout {
        for queue in &mut queues {
            queue.visibility_timeout_ms = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
        }
    }
    Queues::open(&path, queues, tasks.clone()).map_err(|error| StartError::State {
        what: "queues",
        path,
        problem: error.to_string(),
    })
}

fn check_binaries(stack: &Stack, bin_dir: &Path) -> Result<(), StartError> {
    for function in &stack.functions {
        let path = function.binary_in(bin_dir);
        if !path.is_file() {
            return Err(StartError::MissingBinary { function: function.id.clone(), path });
        }
    }
    Ok(())
}

/// Makes the folder and takes its lock, which the system gives back when this process ends, however it ends.
fn lock_folder(path: &Path) -> Result<File, StartError> {
    let failed = |error| StartError::DataFolder { path: path.to_owned(), error };
    mails::check_writable(path).map_err(failed)?;
    let lock = File::create(path.join("lock")).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StartError::DataFolderInUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

async fn listen(
    config: &Config,
    port: u16,
    server: &'static str,
    option: &'static str,
) -> Result<TcpListener, StartError> {
    TcpListener::bind((config.bind, port)).await.map_err(|error| StartError::Port { server, port, option, error })
}

/// The mailbox's port, or the next free one: it is a convenience that must not keep the service from starting.
async fn listen_nearby(config: &Config) -> Result<TcpListener, StartError> {
    let last = config.mail_port.saturating_add(MAIL_PORT_TRIES);
    for port in config.mail_port..last {
        match TcpListener::bind((config.bind, port)).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Ok(listener) => return Ok(listener),
            Err(error) => return Err(StartError::Port { server: "mailbox", port, option: "--mail-port", error }),
        }
    }
    listen(config, last, "mailbox", "--mail-port").await
}

/// Where a listener can be reached from this machine.
fn address(listener: &TcpListener) -> SocketAddr {
    let mut address = listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([127, 0, 0, 1], 0)));
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    address
}
