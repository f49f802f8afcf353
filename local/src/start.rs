//! Starts the machine: everything in order, or nothing.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;

use crate::config::Config;
use crate::dynamodb::{DynamoDb, hash_keys};
use crate::endpoint::{self, Endpoint};
use crate::faults::Faults;
use crate::feedback::Feedback;
use crate::functions::{Functions, Surroundings};
use crate::http_api;
use crate::logs::Logs;
use crate::machine::Machine;
use crate::mailbox;
use crate::mails::{self, Mails};
use crate::meter::Meter;
use crate::permissions::Permissions;
use crate::queues::Queues;
use crate::routes::Routes;
use crate::ses::MailRate;
use crate::sources::queue::QueueSource;
use crate::sources::schedule;
use crate::sources::stream::StreamSource;
use crate::start_page::StartPage;
use crate::tasks::{Signal, Tasks};
use crate::template::{Events, Function, QueueEvent, Site, Stack, StreamEvent, Template, TemplateError};
use crate::truelayer::{self, TrueLayerHandle};
use crate::watcher::Watcher;

/// How many ports after the wanted one the mailbox and the simulator of TrueLayer try.
const PORT_TRIES: u16 = 100;

/// Why the machine did not start. Each reads as one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The template says something that cannot be hosted.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A function has not been built.
    #[error("{function}: there is no binary {}; run `make debug` first, or name another folder by --bin-dir", path.display())]
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
    /// A port is in use.
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
    /// TrueLayer's credentials can't be used.
    #[error("TrueLayer's credentials can't be used: {problem}; give others with --truelayer-secret-file")]
    TrueLayer {
        /// What is wrong with them. It quotes none of them.
        problem: String,
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

    let mail = listen_nearby(&config, config.mail_port, "mailbox", "--mail-port").await?;
    let mail_url = format!("http://{}", address(&mail));
    let secret = secret(&config)?;
    let simulator = simulator(&config).await?;
    let mut extra_environment = config.environment.clone();
    if let Some(url) = truelayer_url(&config, simulator.as_ref()) {
        extra_environment.insert("TRUELAYER_URL".to_owned(), url);
    }
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
            extra_environment,
            max_processes: config.max_processes.max(1),
            max_idle: config.max_idle,
            logs: Arc::clone(&logs),
            meter: Arc::clone(&meter),
            tasks: tasks.clone(),
            happened: happened.clone(),
            watcher: Watcher::start(),
        },
    );
    let routes = with_functions(&functions, |events| &events.routes);
    let routes = Arc::new(Routes::new(routes.into_iter().map(|(function, route)| (route, function)).collect()));
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
        secret: secret.clone(),
        feedback: Arc::new(Feedback {
            sets: stack.configuration_sets,
            rules: with_functions(&parts.functions, |events| &events.rules),
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
    let start_page = config.start_page.then(|| {
        let simulator_url = simulator.as_ref().map(|(_, url)| url.clone());
        Arc::new(StartPage::new(&config, (&api_url, &aws_url, &mail_url), simulator_url))
    });
    http_api::serve(api, api_address.port(), Arc::clone(&routes), Arc::clone(&parts.functions), start_page, &tasks);
    let truelayer = match (simulator, &secret) {
        (Some(listener), Some(secret)) => Some(parts.truelayer(&config, listener, secret, &api_url, &tasks)?),
        (Some(_) | None, _) => None,
    };

    let streams = with_functions(&parts.functions, |events| &events.streams).into_iter();
    let streams: Vec<_> = streams.map(|(function, event)| Arc::new(parts.stream(&config, function, event))).collect();
    parts.trim_streams(&streams);
    let queues = with_functions(&parts.functions, |events| &events.queues).into_iter();
    let queue_sources: Vec<_> = queues.map(|(function, event)| Arc::new(parts.queue(function, event))).collect();
    streams.iter().for_each(|source| Arc::clone(source).run(&tasks));
    queue_sources.iter().for_each(|source| Arc::clone(source).run(&tasks));
    if let Some(interval) = config.schedule_interval {
        for (function, event) in with_functions(&parts.functions, |events| &events.schedules) {
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
        truelayer,
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
    fn stream(&self, config: &Config, function: String, event: StreamEvent) -> StreamSource {
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

    fn queue(&self, function: String, event: QueueEvent) -> QueueSource {
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

    fn truelayer(
        &self,
        config: &Config,
        (listener, url): (TcpListener, String),
        secret: &str,
        api_url: &str,
        tasks: &Tasks,
    ) -> Result<TrueLayerHandle, StartError> {
        let given = config.environment.get("PUBLIC_BASE_URL").or_else(|| config.parameters.get("PublicBaseUrl"));
        let webhooks_to = (api_url, given.map(String::as_str));
        let (logs, happened) = (Arc::clone(&self.logs), self.happened.clone());
        // What is wrong with them the functions say, which don't start then.
        let accounts = config.parameters.get("TrueLayerMerchantAccounts");
        let accounts = accounts.and_then(|accounts| accounts.parse::<::truelayer::MerchantAccounts>().ok());
        let client = (secret, accounts.unwrap_or_default());
        truelayer::serve((listener, url), client, webhooks_to, logs, happened, tasks)
            .map_err(|error| StartError::TrueLayer { problem: error.to_string() })
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

/// Every event of a kind, after the id of the function that it calls.
fn with_functions<T: Clone>(functions: &Functions, of: fn(&Events) -> &Vec<T>) -> Vec<(String, T)> {
    let of = |function: &Function| -> Vec<_> {
        of(&function.events).iter().map(|event| (function.id.clone(), event.clone())).collect()
    };
    functions.declared().flat_map(of).collect()
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

/// This port, or the next free one: what listens there is a convenience that must not keep the service from starting.
async fn listen_nearby(
    config: &Config,
    first: u16,
    server: &'static str,
    option: &'static str,
) -> Result<TcpListener, StartError> {
    let last = first.saturating_add(PORT_TRIES);
    for port in first..last {
        match TcpListener::bind((config.bind, port)).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Ok(listener) => return Ok(listener),
            Err(error) => return Err(StartError::Port { server, port, option, error }),
        }
    }
    listen(config, last, server, option).await
}

/// Whether the template's functions pay by TrueLayer.
fn pays_by_truelayer(config: &Config) -> bool {
    config.parameters.get("TrueLayer").is_some_and(|environment| environment != "off")
}

/// TrueLayer's credentials: those that were given, or new ones for the simulator.
fn secret(config: &Config) -> Result<Option<String>, StartError> {
    let failed = |problem: String| StartError::TrueLayer { problem };
    match &config.truelayer_secret {
        _ if !pays_by_truelayer(config) => Ok(None),
        Some(path) => {
            let read = std::fs::read_to_string(path);
            read.map(Some).map_err(|error| failed(format!("{} can't be read: {error}", path.display())))
        }
        None if config.truelayer_url.is_some() => Err(failed("there are none for the URL that was given".to_owned())),
        None => truelayer::new_client().map(Some).map_err(|error| failed(error.to_string())),
    }
}

/// Where the simulator of TrueLayer is to listen, and its address, if it is to run.
async fn simulator(config: &Config) -> Result<Option<(TcpListener, String)>, StartError> {
    if !pays_by_truelayer(config) || config.truelayer_url.is_some() {
        return Ok(None);
    }
    let listener = listen_nearby(config, config.truelayer_port, "simulator of TrueLayer", "--truelayer-port").await?;
    let url = format!("http://{}", address(&listener));
    Ok(Some((listener, url)))
}

/// What functions find in place of TrueLayer's own hosts.
fn truelayer_url(config: &Config, simulator: Option<&(TcpListener, String)>) -> Option<String> {
    let given = config.truelayer_url.as_ref().map(ToString::to_string);
    given.or_else(|| simulator.map(|(_, url)| url.clone())).filter(|_| pays_by_truelayer(config))
}

/// Where a listener can be reached from this machine.
fn address(listener: &TcpListener) -> SocketAddr {
    let mut address = listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([127, 0, 0, 1], 0)));
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    address
}
