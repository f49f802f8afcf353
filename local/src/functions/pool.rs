//! A function's processes: which of them takes an invocation, when one more is started, and when those that idle end.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::body::Bytes;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use super::process::{InvokeError, Process, Program, Surroundings};
use crate::tasks::lock;
use crate::template::Function;

/// How many processes of a function may run at once if it reserves no concurrency: Lambda's default for a whole account.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const DEFAULT_CONCURRENCY: usize = 1_000;

/// A function's processes.
pub(super) struct Pool {
    pub(super) program: Program,
    /// How many invocations may run at once, each in a process of its own.
    pub(super) concurrency: usize,
    /// One permit per invocation that may run; those who wait get it in order.
    pub(super) permits: Arc<Semaphore>,
    /// One permit per process that may be starting, as many as there are cores: more would start no sooner, and what is
    /// running would do less meanwhile.
    starts: Semaphore,
    /// Each with the time since which it has been idle. The last used at the end: it is used next, so that the others can
    /// stay asleep.
    idle: Mutex<Vec<(Arc<Process>, Instant)>>,
    /// Wakes one who waits for an idle process.
    freed: Notify,
    /// Every process that has not ended, by number.
    pub(super) alive: Mutex<BTreeMap<u64, Arc<Process>>>,
    next_number: AtomicU64,
}

impl Pool {
    /// With no process yet.
    pub(super) fn new(function: Function, surroundings: Arc<Surroundings>) -> Self {
        let concurrency = function.reserved_concurrency.unwrap_or(DEFAULT_CONCURRENCY);
        let concurrency = concurrency.min(surroundings.max_processes);
        Self {
            program: Program { function, surroundings },
            concurrency,
            permits: Arc::new(Semaphore::new(concurrency)),
            starts: Semaphore::new(std::thread::available_parallelism().map_or(1, NonZeroUsize::get)),
            idle: Mutex::new(Vec::new()),
            freed: Notify::new(),
            alive: Mutex::new(BTreeMap::new()),
            next_number: AtomicU64::new(1),
        }
    }

    /// Runs one invocation, in a process of its own for as long as it lasts. What goes wrong is in the log too: a process that
    /// dies without a word would leave nothing to go by.
    pub(super) async fn invoke(self: &Arc<Self>, event: Bytes) -> Result<Bytes, InvokeError> {
        let (surroundings, id) = (&self.program.surroundings, &self.program.function.id);
        surroundings.meter.invoked(id);
        let result = self.run(event).await;
        if let Err(error) = &result {
            surroundings.logs.remark(&format!("{id}: {error}"));
        }
        result
    }

    async fn run(self: &Arc<Self>, event: Bytes) -> Result<Bytes, InvokeError> {
        let process = self.process().await?;
        let result = process.run(event, self.program.function.timeout_ms).await;
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
    pub(super) fn end_idle(&self, max_idle: Duration) {
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

    /// Starts a process and waits until it asks for an event.
    async fn start(self: &Arc<Self>) -> Result<Arc<Process>, InvokeError> {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let on_start = |process: &Arc<Process>| drop(lock(&self.alive).insert(number, Arc::clone(process)));
        let pool = Arc::clone(self);
        let on_end = move || {
            lock(&pool.alive).remove(&number);
            lock(&pool.idle).retain(|(process, _)| process.number != number);
        };
        let process = self.program.spawn(number, on_start, on_end).await.map_err(|error| {
            let binary = self.program.function.binary_in(&self.program.surroundings.bin_dir);
            InvokeError::Exited { how: format!("cannot be started from {}: {error}", binary.display()) }
        })?;
        process.initialised().await?;
        Ok(process)
    }
}
