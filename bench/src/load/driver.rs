//! Sends flows at a fixed rate, whatever becomes of those before (an open loop), and times every request from the
//! time it was due. A service that stalls delays requests that are due meanwhile; to time them from when they could
//! at last be sent would hide it (coordinated omission).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Client;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::flow::{self, Flow, Paid, Step};
use crate::error::Error;
use crate::figures::Samples;

/// Between two steps of one flow: longer than any request may take, so that a flow held up a little catches up.
const THINK_TIME: Duration = Duration::from_millis(100);
/// What takes longer than this is an error.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How many requests a second, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// Requests, not flows.
    pub(super) rate_per_s: f64,
    /// Sent at the same rate, before anything is timed. At least as long as one flow, or the first timed seconds see
    /// fewer requests.
    pub(super) warm_up: Duration,
    /// How long requests are timed.
    pub(super) timed: Duration,
}

/// What came of a plan.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Of timed requests, in milliseconds.
    pub(super) latencies_ms: BTreeMap<Step, Samples>,
    /// The payments that were seen paid.
    pub(super) paid: Vec<Paid>,
    /// What went wrong, timed or not.
    pub(super) errors: Vec<String>,
}

/// Sends requests from threads of its own.
pub(super) struct Driver {
    runtime: Option<Runtime>,
    http: Client,
    numbers: Arc<AtomicUsize>,
}

/// One request of a flow that was answered.
struct Sample {
    step: Step,
    due: Instant,
    answered: Instant,
}

struct FlowEnd {
    samples: Vec<Sample>,
    result: Result<Paid, String>,
}

impl Driver {
    /// # Errors
    /// No threads, or no HTTP client.
    pub(super) fn start() -> Result<Self, Error> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let http = flow::client(REQUEST_TIMEOUT)?;
        Ok(Self { runtime: Some(runtime), http, numbers: Arc::new(AtomicUsize::new(1)) })
    }

    /// Runs `plan` against `base_url` and waits for the last answer.
    ///
    /// # Errors
    /// A thread panicked.
    pub(super) async fn drive(&self, base_url: &str, plan: Plan) -> Result<Outcome, Error> {
        let runtime = self.runtime.as_ref().ok_or("the driver has ended")?;
        let (http, base_url, numbers) = (self.http.clone(), base_url.to_owned(), Arc::clone(&self.numbers));
        Ok(runtime.spawn(async move { drive(&http, &base_url, &numbers, plan).await }).await?)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // One that waits must not be dropped where others run.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn drive(http: &Client, base_url: &str, numbers: &AtomicUsize, plan: Plan) -> Outcome {
    let flow_interval_s = Step::ALL.len() as f64 / plan.rate_per_s;
    let begin = Instant::now();
    let timed_from = begin + plan.warm_up;
    let end = timed_from + plan.timed;
    let mut flows = JoinSet::new();
    let mut launched = 0_u32;
    loop {
        let due = begin + Duration::from_secs_f64(f64::from(launched) * flow_interval_s);
        if due >= end {
            break;
        }
        tokio::time::sleep_until(due).await;
        let flow = Flow::new(http.clone(), base_url.to_owned(), numbers.fetch_add(1, Ordering::Relaxed));
        flows.spawn(follow(flow, due));
        launched += 1;
    }
    let mut outcome = Outcome { latencies_ms: BTreeMap::new(), paid: Vec::new(), errors: Vec::new() };
    while let Some(ended) = flows.join_next().await {
        let FlowEnd { samples, result } = match ended {
            Ok(flow) => flow,
            Err(error) => {
                outcome.errors.push(error.to_string());
                continue;
            }
        };
        for Sample { step, due, answered } in samples {
            if (timed_from..end).contains(&due) {
                let latency_ms = answered.duration_since(due).as_secs_f64() * 1000.0;
                outcome.latencies_ms.entry(step).or_default().push(latency_ms);
            }
        }
        match result {
            Ok(paid) => outcome.paid.push(paid),
            Err(error) => outcome.errors.push(error),
        }
    }
    outcome
}

/// One flow, its steps due [`THINK_TIME`] apart; a step is sent when it is due and the one before is answered.
async fn follow(mut flow: Flow, begin: Instant) -> FlowEnd {
    let mut samples = Vec::with_capacity(Step::ALL.len());
    let mut due = begin;
    for step in Step::ALL {
        tokio::time::sleep_until(due).await;
        if let Err(error) = flow.send(step).await {
            return FlowEnd { samples, result: Err(error) };
        }
        samples.push(Sample { step, due, answered: Instant::now() });
        due += THINK_TIME;
    }
    FlowEnd { samples, result: Ok(flow.paid()) }
}
