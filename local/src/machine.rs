//! A running machine: what tests ask of it, and its end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use serde_json::Value;

use crate::dynamodb::DynamoDb;
use crate::faults::Faults;
use crate::functions::{Functions, InvokeError};
use crate::logs::{LogLine, Logs};
use crate::mails::{Mail, Mails};
use crate::meter::Meter;
use crate::names;
use crate::queues::{QueueCounts, Queues};
use crate::routes::Routes;
use crate::sources::queue::QueueSource;
use crate::sources::stream::StreamSource;
use crate::tasks::{Signal, Tasks};
use crate::truelayer::TrueLayerHandle;

/// How often [`Machine::until`] checks although nothing was signalled: the passing of time is not.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// A running machine. Dropping it stops it without waiting; [`Machine::stop`] waits.
pub struct Machine {
    pub(crate) api_url: String,
    pub(crate) aws_url: String,
    pub(crate) mail_url: String,
    pub(crate) data_dir: PathBuf,
    pub(crate) table_names: Vec<String>,
    pub(crate) dynamodb: Arc<DynamoDb>,
    pub(crate) queues: Arc<Queues>,
    pub(crate) mails: Mails,
    pub(crate) functions: Arc<Functions>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) truelayer: Option<TrueLayerHandle>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) logs: Arc<Logs>,
    pub(crate) streams: Vec<Arc<StreamSource>>,
    pub(crate) queue_sources: Vec<Arc<QueueSource>>,
    pub(crate) happened: Signal,
    pub(crate) tasks: Tasks,
    /// Held as long as the machine runs; the system releases it whatever happens.
    pub(crate) _lock: File,
}

impl Machine {
    /// The HTTP API: `http://127.0.0.1:3000`.
    #[must_use]
    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    /// The AWS endpoint for DynamoDB, SQS, SES and Secrets Manager.
    #[must_use]
    pub fn aws_url(&self) -> &str {
        &self.aws_url
    }

    /// The mailbox page.
    #[must_use]
    pub fn mail_url(&self) -> &str {
        &self.mail_url
    }

    /// The name of the table `Table`; empty if the template has none.
    #[must_use]
    pub fn table_name(&self) -> &str {
        self.name_of_table("Table")
    }

    /// The name of the table `AuditTable`, likewise.
    #[must_use]
    pub fn audit_table_name(&self) -> &str {
        self.name_of_table("AuditTable")
    }

    fn name_of_table(&self, logical_id: &str) -> &str {
        let wanted = names::resource(logical_id);
        self.table_names.iter().find(|name| **name == wanted).map_or("", String::as_str)
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

    /// The simulator of TrueLayer, if it runs.
    #[must_use]
    pub fn truelayer(&self) -> Option<&TrueLayerHandle> {
        self.truelayer.as_ref()
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

    /// Checks whenever something happened (a line was written, a call answered, an invocation ended) until `check`
    /// finds something, or for `within` at most.
    pub async fn until<T>(&self, within: Duration, mut check: impl FnMut(&Self) -> Option<T>) -> Option<T> {
        let end = tokio::time::Instant::now() + within;
        let mut happened = self.happened.listen();
        loop {
            if let Some(found) = check(self) {
                return Some(found);
            }
            if tokio::time::Instant::now() >= end {
                return None;
            }
            let _ = tokio::time::timeout(CHECK_INTERVAL, happened.signalled()).await;
        }
    }

    /// Waits until there is nothing left to do: streams read, queues with a function empty, the simulator's webhooks sent, no
    /// invocation running. False if that took longer than `within`.
    pub async fn settled(&self, within: Duration) -> bool {
        self.until(within, |machine| (machine.is_idle() && machine.is_idle()).then_some(())).await.is_some()
    }

    /// A source is idle only after its function's work is written, so what follows from it is seen by a later check.
    fn is_idle(&self) -> bool {
        let queues = || self.queue_sources.iter().all(|source| source.is_idle());
        let streams = || self.streams.iter().all(|source| source.is_idle());
        let has_sent = self.truelayer.as_ref().is_none_or(TrueLayerHandle::is_idle);
        has_sent && !self.functions.busy() && queues() && streams() && queues()
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
