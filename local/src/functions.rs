//! The function processes: spawned on demand, one event at a time each, kept and used again, as Lambda does, and ended once
//! they have been idle for long.
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>

mod caller;
mod pool;
mod process;

use std::collections::BTreeMap;
use std::sync::Arc;

use hyper::body::Bytes;

pub(crate) use caller::Caller;
use pool::Pool;
pub use process::InvokeError;
pub(crate) use process::Surroundings;

use crate::tasks::lock;
use crate::template::Function;

/// The access key of a function that runs outside this machine: it is none of its processes.
const OUTSIDE_ACCESS_KEY: &str = "outside";

/// All functions of the template.
pub(crate) struct Functions {
    pools: BTreeMap<String, Arc<Pool>>,
}

impl Functions {
    pub(crate) fn new(functions: Vec<Function>, surroundings: Surroundings) -> Self {
        let surroundings = Arc::new(surroundings);
        let pool = |function: Function| (function.id.clone(), Arc::new(Pool::new(function, Arc::clone(&surroundings))));
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
        let tasks = pool.program.surroundings.tasks.clone();
        let invocation = tasks.spawn_to_end(async move {
            let Ok(_permit) = pool.permits.acquire().await else {
                return Err(InvokeError::Exited { how: "is not started: the machine stops".to_owned() });
            };
            let result = pool.invoke(event).await;
            pool.program.surroundings.happened.signal();
            result
        });
        invocation.await.unwrap_or_else(|error| Err(InvokeError::Exited { how: error.to_string() }))
    }

    /// What the template says of each function.
    pub(crate) fn declared(&self) -> impl Iterator<Item = &Function> {
        self.pools.values().map(|pool| &pool.program.function)
    }

    /// The variables of a function that runs outside this machine: all of a function's own and this machine's endpoint.
    /// Functions agree on what a name stands for; a test of the product's template sees to it.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let mut environment = BTreeMap::new();
        for pool in self.pools.values() {
            environment.extend(pool.program.variables(OUTSIDE_ACCESS_KEY));
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
