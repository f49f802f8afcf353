//! What calls a function: routes of the HTTP API, streams, queues, schedules and rules.

use serde::Deserialize;
use serde_json::{Value, json};

use super::filter::Filter;
use super::properties::{Location, TemplateError, name_in_arn, number, read, some_number, within};
use crate::routes::RouteKey;

/// All that calls one function.
#[derive(Debug, Default)]
pub(crate) struct Events {
    pub(crate) routes: Vec<RouteKey>,
    pub(crate) streams: Vec<StreamEvent>,
    pub(crate) queues: Vec<QueueEvent>,
    pub(crate) schedules: Vec<ScheduleEvent>,
    /// Patterns of EventBridge's events that it is called with.
    pub(crate) rules: Vec<Filter>,
}

/// An event of type DynamoDB.
#[derive(Debug, Clone)]
pub(crate) struct StreamEvent {
    /// The event's name in the template.
    pub(crate) name: String,
    pub(crate) table: String,
    pub(crate) from_start: bool,
    pub(crate) batch_size: usize,
    /// How many batches of a shard may be under way at once; the records of one item are never in two of them.
    pub(crate) parallelization_factor: usize,
    pub(crate) bisect: bool,
    pub(crate) partial_failures: bool,
    /// Nothing means without end, AWS's default.
    pub(crate) max_retries: Option<u32>,
    /// Gets a message about records that were given up.
    pub(crate) failure_queue: Option<String>,
    /// A record passes if any matches; no filter passes everything.
    pub(crate) filters: Vec<Filter>,
}

/// An event of type SQS.
#[derive(Debug, Clone)]
pub(crate) struct QueueEvent {
    pub(crate) queue: String,
    /// How many batches may be under way at once, if that is limited.
    pub(crate) maximum_concurrency: Option<usize>,
    pub(crate) batch_size: usize,
    pub(crate) partial_failures: bool,
    pub(crate) filters: Vec<Filter>,
}

/// An event of type Schedule.
#[derive(Debug, Clone)]
pub(crate) struct ScheduleEvent {
    /// The event's name in the template.
    pub(crate) name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Event {
    r#type: String,
    #[serde(default)]
    properties: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "there is one HttpApi")]
struct HttpApiEvent {
    method: Option<String>,
    path: Option<String>,
    #[serde(default)]
    api_id: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct StreamEventProperties {
    stream: String,
    starting_position: String,
    /// AWS's default for streams: 100.
    #[serde(default = "default_stream_batch", deserialize_with = "number")]
    batch_size: usize,
    /// AWS's default: 1.
    #[serde(default = "default_parallelization_factor", deserialize_with = "number")]
    parallelization_factor: usize,
    #[serde(default)]
    bisect_batch_on_function_error: bool,
    #[serde(default)]
    function_response_types: Vec<String>,
    #[serde(default, deserialize_with = "some_number")]
    maximum_retry_attempts: Option<i64>,
    destination_config: Option<DestinationConfig>,
    filter_criteria: Option<FilterCriteria>,
}

fn default_stream_batch() -> usize {
    100
}

fn default_parallelization_factor() -> usize {
    1
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct QueueEventProperties {
    queue: String,
    /// AWS's default for queues: 10.
    #[serde(default = "default_queue_batch", deserialize_with = "number")]
    batch_size: usize,
    #[serde(default)]
    function_response_types: Vec<String>,
    filter_criteria: Option<FilterCriteria>,
    scaling_config: Option<ScalingConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ScalingConfig {
    #[serde(deserialize_with = "number")]
    maximum_concurrency: usize,
}

fn default_queue_batch() -> usize {
    10
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "properties without effect on this machine, named so that unknown ones are noticed")]
struct ScheduleEventProperties {
    schedule: String,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    description: Value,
    #[serde(default)]
    enabled: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RuleEventProperties {
    pattern: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DestinationConfig {
    on_failure: OnFailure,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct OnFailure {
    r#type: Option<String>,
    destination: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct FilterCriteria {
    filters: Vec<FilterProperties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct FilterProperties {
    pattern: String,
}

impl Events {
    /// Reads one more event, by its name in the template.
    pub(super) fn add(&mut self, location: &Location, name: String, event: Event) -> Result<(), TemplateError> {
        let inner = location.child("Properties");
        match event.r#type.as_str() {
            "HttpApi" => {
                // No properties at all is the catch-all route of the implicit API.
                let properties = if event.properties.is_null() { json!({}) } else { event.properties };
                let event: HttpApiEvent = read(&inner, properties)?;
                let route = RouteKey::new(event.method.as_deref(), event.path.as_deref())
                    .map_err(|problem| inner.error(problem))?;
                self.routes.push(route);
            }
            "DynamoDB" => {
                let event: StreamEventProperties = read(&inner, event.properties)?;
                self.streams.push(stream_event(&inner, name, event)?);
            }
            "SQS" => {
                let event: QueueEventProperties = read(&inner, event.properties)?;
                let most = event.scaling_config.map(|scaling| scaling.maximum_concurrency);
                if most.is_some_and(|most| !(2..=1000).contains(&most)) {
                    return Err(inner.child("ScalingConfig.MaximumConcurrency").error("must be 2 to 1000"));
                }
                self.queues.push(QueueEvent {
                    maximum_concurrency: most,
                    queue: name_in_arn(&inner.child("Queue"), &event.queue, ":sqs:", ':')?,
                    batch_size: within(&inner.child("BatchSize"), event.batch_size, 10)?,
                    partial_failures: partial_failures(&inner, &event.function_response_types)?,
                    filters: filters(&inner, event.filter_criteria)?,
                });
            }
            "Schedule" => {
                let event: ScheduleEventProperties = read(&inner, event.properties)?;
                if !event.schedule.starts_with("rate(") && !event.schedule.starts_with("cron(") {
                    return Err(inner.child("Schedule").error("must be rate(…) or cron(…)"));
                }
                self.schedules.push(ScheduleEvent { name });
            }
            "EventBridgeRule" => {
                let event: RuleEventProperties = read(&inner, event.properties)?;
                let pattern = event.pattern.to_string();
                self.rules.push(Filter::parse(&pattern).map_err(|problem| inner.child("Pattern").error(problem))?);
            }
            other => {
                return Err(location.child("Type").error(format!(
                    "`local` does not know events of type {other}; it knows HttpApi, DynamoDB, SQS, Schedule and EventBridgeRule"
                )));
            }
        }
        Ok(())
    }
}

fn stream_event(location: &Location, name: String, event: StreamEventProperties) -> Result<StreamEvent, TemplateError> {
    let from_start = match event.starting_position.as_str() {
        "TRIM_HORIZON" => true,
        "LATEST" => false,
        other => {
            return Err(location
                .child("StartingPosition")
                .error(format!("`{other}` is neither TRIM_HORIZON nor LATEST")));
        }
    };
    let failure_queue = match event.destination_config {
        None => None,
        Some(DestinationConfig { on_failure }) => {
            let location = location.child("DestinationConfig.OnFailure");
            if on_failure.r#type.as_deref().is_some_and(|kind| kind != "SQS") {
                return Err(location.child("Type").error("`local` knows SQS only"));
            }
            Some(name_in_arn(&location.child("Destination"), &on_failure.destination, ":sqs:", ':')?)
        }
    };
    let max_retries = match event.maximum_retry_attempts {
        None | Some(-1) => None,
        Some(retries) => Some(
            u32::try_from(retries)
                .map_err(|_| location.child("MaximumRetryAttempts").error("must be between -1 and 10000"))?,
        ),
    };
    let stream = event.stream.trim_end_matches("/stream/local");
    Ok(StreamEvent {
        name,
        table: name_in_arn(&location.child("Stream"), stream, ":dynamodb:", '/')?,
        from_start,
        batch_size: within(&location.child("BatchSize"), event.batch_size, 1000)?,
        parallelization_factor: within(&location.child("ParallelizationFactor"), event.parallelization_factor, 10)?,
        bisect: event.bisect_batch_on_function_error,
        partial_failures: partial_failures(location, &event.function_response_types)?,
        max_retries,
        failure_queue,
        filters: filters(location, event.filter_criteria)?,
    })
}

fn partial_failures(location: &Location, types: &[String]) -> Result<bool, TemplateError> {
    match types {
        [] => Ok(false),
        [only] if only == "ReportBatchItemFailures" => Ok(true),
        other => {
            Err(location.child("FunctionResponseTypes").error(format!("{other:?} is not [ReportBatchItemFailures]")))
        }
    }
}

fn filters(location: &Location, criteria: Option<FilterCriteria>) -> Result<Vec<Filter>, TemplateError> {
    let location = location.child("FilterCriteria.Filters");
    let filters = criteria.map(|criteria| criteria.filters).unwrap_or_default();
    filters
        .iter()
        .enumerate()
        .map(|(index, filter)| {
            Filter::parse(&filter.pattern).map_err(|problem| location.child(&format!("{index}.Pattern")).error(problem))
        })
        .collect()
}
