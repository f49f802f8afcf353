//! Reads template.yaml: the one description of what runs, in AWS and here.
//!
//! Every reference in the file is resolved, also where `local` has no use for the value, so that a wrong name fails
//! here first. Properties, events and policies that change how the service behaves must be understood; the rest (alarms,
//! log groups) is skipped.

mod filter;
mod policies;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

pub(crate) use filter::Filter;
pub(crate) use policies::Statement;
use values::{Place, Scope, scalar_text};

use crate::http_api::routes::RouteKey;
use crate::names;

/// What is wrong with the template, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template: {resource}{}{property}: {problem}", if property.is_empty() { "" } else { "." })]
pub struct TemplateError {
    /// The resource's logical id, or the section.
    pub resource: String,
    /// The property's path below it; empty if it is about the resource as a whole.
    pub property: String,
    /// What is wrong and what to do.
    pub problem: String,
}

impl TemplateError {
    fn unreadable(problem: impl Into<String>) -> Self {
        Self { resource: "file".to_owned(), property: String::new(), problem: problem.into() }
    }
}

/// The template as read, references unresolved.
pub(crate) struct Template {
    parameters: BTreeMap<String, Value>,
    conditions: BTreeMap<String, Value>,
    globals: Value,
    resources: BTreeMap<String, Value>,
    outputs: Value,
}

/// What the template declares, in this machine's names.
#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) functions: Vec<Function>,
    pub(crate) tables: Vec<Table>,
    pub(crate) queues: Vec<Queue>,
    /// By name.
    pub(crate) configuration_sets: BTreeMap<String, ConfigurationSet>,
}

/// One AWS::Serverless::Function.
#[derive(Debug)]
pub(crate) struct Function {
    /// Its logical id, which is its name on this machine.
    pub(crate) id: String,
    /// The binary's file name: the last part of CodeUri.
    pub(crate) binary: String,
    pub(crate) timeout_ms: u64,
    pub(crate) memory_mb: u64,
    /// How many of its processes may run at once, if that is limited.
    pub(crate) reserved_concurrency: Option<usize>,
    pub(crate) log_group: String,
    pub(crate) log_format: String,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) routes: Vec<RouteKey>,
    pub(crate) streams: Vec<StreamEvent>,
    pub(crate) queues: Vec<QueueEvent>,
    pub(crate) schedules: Vec<ScheduleEvent>,
    /// Patterns of EventBridge's events that it is called with.
    pub(crate) rules: Vec<Filter>,
    /// All that it may do.
    pub(crate) policies: Vec<Statement>,
    /// Without effect on this machine, which stops no chain.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test asks for it"))]
    pub(crate) recursive_loop: RecursiveLoop,
}

/// One AWS::SES::ConfigurationSet, with its event destinations.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConfigurationSet {
    /// `BOUNCE`, `COMPLAINT`: after which an address gets no further mail.
    pub(crate) suppresses: BTreeSet<String>,
    /// `bounce`, `complaint`, …: what EventBridge is told of.
    pub(crate) tells: BTreeSet<String>,
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
    /// The queue told about records given up.
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

/// One AWS::DynamoDB::Table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) has_stream: bool,
    pub(crate) ttl_attribute: Option<String>,
    /// The CreateTable request that makes it.
    pub(crate) creation: Value,
}

/// One AWS::SQS::Queue.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) visibility_timeout_ms: i64,
    pub(crate) retention_ms: i64,
    pub(crate) redrive: Option<Redrive>,
}

/// Where messages go that were received too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redrive {
    pub(crate) dead_letters: String,
    pub(crate) max_receives: u32,
}

/// What the machine adds to the template to resolve it.
pub(crate) struct Site<'a> {
    pub(crate) aws_url: &'a str,
    pub(crate) api_url: &'a str,
    /// Parameters' values in place of their defaults.
    pub(crate) parameters: &'a BTreeMap<String, String>,
}

impl Template {
    /// Reads a template's file.
    pub(crate) fn read(path: &Path) -> Result<Self, TemplateError> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            TemplateError::unreadable(format!(
                "{} cannot be read: {error}; give another with --template",
                path.display()
            ))
        })?;
        Self::parse(&text)
    }

    /// Reads a template's text.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let yaml = serde_yaml_ng::from_str(text).map_err(|error| TemplateError::unreadable(error.to_string()))?;
        let Value::Object(mut document) = values::from_yaml(yaml)? else {
            return Err(TemplateError::unreadable("is no mapping of sections"));
        };
        let mut section = |name: &str| document.remove(name).unwrap_or_else(|| json!({}));
        Ok(Self {
            parameters: as_mapping("Parameters", section("Parameters"))?,
            conditions: as_mapping("Conditions", section("Conditions"))?,
            globals: section("Globals"),
            resources: as_mapping("Resources", section("Resources"))?,
            outputs: section("Outputs"),
        })
    }

    /// Resolves every reference and reads what `local` hosts.
    pub(crate) fn resolve(&self, site: &Site<'_>) -> Result<Stack, TemplateError> {
        let parameters = self.parameters(site.parameters)?;
        let mut kinds = BTreeMap::new();
        for (id, resource) in &self.resources {
            let kind = resource.get("Type").and_then(Value::as_str);
            let kind = kind.ok_or_else(|| Place::new(id, "Type").error("is missing"))?;
            kinds.insert(id.clone(), kind.to_owned());
        }
        let scope = Scope {
            parameters: &parameters,
            resources: &kinds,
            conditions: &self.conditions,
            aws_url: site.aws_url,
            api_url: site.api_url,
        };
        for name in self.conditions.keys() {
            scope.holds(&Place::new("Conditions", name), name)?;
        }
        let globals = scope.resolve(&Place::new("Globals", ""), &self.globals)?;
        scope.resolve(&Place::new("Outputs", ""), &self.outputs)?;
        for (id, output) in self.outputs.as_object().into_iter().flatten() {
            is_there(&scope, &Place::new("Outputs", id), output)?;
        }

        let mut stack = Stack {
            functions: Vec::new(),
            tables: Vec::new(),
            queues: Vec::new(),
            configuration_sets: BTreeMap::new(),
        };
        let mut apis = Vec::new();
        for (id, resource) in &self.resources {
            let place = Place::new(id, "Properties");
            let properties = resource.get("Properties").cloned().unwrap_or_else(|| json!({}));
            let properties = scope.resolve(&place, &properties)?;
            for attribute in ["DeletionPolicy", "UpdateReplacePolicy"] {
                if let Some(policy) = resource.get(attribute) {
                    scope.resolve(&Place::new(id, attribute), policy)?;
                }
            }
            if !is_there(&scope, &Place::new(id, ""), resource)? {
                continue;
            }
            match kinds.get(id).map_or("", String::as_str) {
                "AWS::Serverless::Function" => stack.functions.push(function(id, &place, properties, &globals)?),
                "AWS::Serverless::HttpApi" => {
                    apis.push((place.clone(), read::<HttpApiProperties>(&place, properties)?))
                }
                "AWS::DynamoDB::Table" => stack.tables.push(table(id, &place, properties)?),
                "AWS::SQS::Queue" => stack.queues.push(queue(id, &place, properties)?),
                "AWS::SES::ConfigurationSet" => {
                    let properties: ConfigurationSetProperties = read(&place, properties)?;
                    let set = stack.configuration_sets.entry(names::resource(id)).or_default();
                    set.suppresses = properties.suppression_options.suppressed_reasons;
                }
                "AWS::SES::ConfigurationSetEventDestination" => {
                    let properties: MailDestination = read(&place, properties)?;
                    let set = stack.configuration_sets.entry(properties.configuration_set_name).or_default();
                    set.tells.extend(properties.event_destination.matching_event_types);
                }
                // A domain leads to what `local` hosts anyway.
                "AWS::ApiGatewayV2::DomainName"
                | "AWS::ApiGatewayV2::ApiMapping"
                | "AWS::Logs::LogGroup"
                | "AWS::Logs::MetricFilter"
                | "AWS::SNS::Topic"
                | "AWS::SNS::TopicPolicy"
                | "AWS::SNS::Subscription" => {}
                other if other.starts_with("AWS::IAM::") || other.starts_with("AWS::CloudWatch::") => {}
                other => {
                    return Err(Place::new(id, "Type").error(format!(
                        "`local` does not know {other}; teach it, or list the type among those without effect here"
                    )));
                }
            }
        }
        stack.check(&apis)?;
        Ok(stack)
    }

    fn parameters(&self, given: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, TemplateError> {
        if let Some(unknown) = given.keys().find(|name| !self.parameters.contains_key(*name)) {
            return Err(
                Place::new("Parameters", unknown).error("a value is given, but the template has no such parameter")
            );
        }
        let mut values = BTreeMap::new();
        for (name, declared) in &self.parameters {
            let place = Place::new("Parameters", name);
            let value = match given.get(name) {
                Some(value) => value.clone(),
                None => declared
                    .get("Default")
                    .and_then(scalar_text)
                    .ok_or_else(|| place.error("has no default; `local` needs one, or a value given"))?,
            };
            let allowed = declared.get("AllowedValues").and_then(Value::as_array);
            if allowed.is_some_and(|allowed| !allowed.iter().filter_map(scalar_text).any(|text| text == value)) {
                return Err(place.error(format!("`{value}` is not among its AllowedValues")));
            }
            values.insert(name.clone(), value);
        }
        Ok(values)
    }
}

impl Stack {
    /// Checks what concerns several resources at once.
    fn check(&self, apis: &[(Place, HttpApiProperties)]) -> Result<(), TemplateError> {
        let has_routes = self.functions.iter().any(|function| !function.routes.is_empty());
        match apis {
            [] if has_routes => {
                return Err(Place::new("Resources", "").error("routes need one AWS::Serverless::HttpApi"));
            }
            [] => {}
            [(place, api)] => self.check_routes(place, api)?,
            [_, (place, _), ..] => {
                return Err(place.error("is a second HttpApi; `local` hosts one"));
            }
        }
        let tables: BTreeMap<&str, &Table> = self.tables.iter().map(|table| (table.name.as_str(), table)).collect();
        let queues: BTreeMap<&str, &Queue> = self.queues.iter().map(|queue| (queue.name.as_str(), queue)).collect();
        for function in &self.functions {
            for stream in &function.streams {
                if !tables.get(stream.table.as_str()).is_some_and(|table| table.has_stream) {
                    return Err(Place::new(&function.id, "Properties.Events").child(&stream.name).error(format!(
                        "reads the stream of `{}`, which has none; give the table a StreamSpecification",
                        stream.table
                    )));
                }
            }
            for event in &function.queues {
                let Some(queue) = queues.get(event.queue.as_str()) else { continue };
                // AWS refuses this mapping: a message could come back while it is still being worked on.
                if queue.visibility_timeout_ms < i64::try_from(function.timeout_ms).unwrap_or(i64::MAX) {
                    return Err(Place::new(&function.id, "Properties.Timeout").error(format!(
                        "is longer than the VisibilityTimeout of its queue `{}`; AWS refuses that",
                        event.queue
                    )));
                }
            }
        }
        for queue in &self.queues {
            let Some(redrive) = &queue.redrive else { continue };
            if queues.get(redrive.dead_letters.as_str()).is_some_and(|target| target.redrive.is_some()) {
                return Err(Place::new(&queue.name, "Properties.RedrivePolicy")
                    .error("leads to a queue with a RedrivePolicy of its own; `local` does not host such chains"));
            }
        }
        Ok(())
    }

    fn check_routes(&self, place: &Place, api: &HttpApiProperties) -> Result<(), TemplateError> {
        let mut known = BTreeSet::new();
        for function in &self.functions {
            for route in &function.routes {
                if !known.insert(route.to_string()) {
                    return Err(Place::new(&function.id, "Properties.Events")
                        .error(format!("the route `{route}` is declared twice; a route belongs to one function")));
                }
            }
        }
        match api.route_settings.keys().find(|key| !known.contains(*key)) {
            Some(key) => Err(place
                .child("RouteSettings")
                .error(format!("`{key}` is no route of any function; CloudFormation refuses it"))),
            None => Ok(()),
        }
    }
}

/// Whether a resource or output is there: it has no Condition, or one that holds.
fn is_there(scope: &Scope<'_>, place: &Place, declared: &Value) -> Result<bool, TemplateError> {
    match declared.get("Condition") {
        None => Ok(true),
        Some(Value::String(name)) => scope.holds(&place.child("Condition"), name),
        Some(_) => Err(place.child("Condition").error("must be a condition's name")),
    }
}

fn as_mapping(section: &str, value: Value) -> Result<BTreeMap<String, Value>, TemplateError> {
    match value {
        Value::Object(object) => Ok(object.into_iter().collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(Place::new(section, "").error("is no mapping"))
        }
    }
}

fn read<T: DeserializeOwned>(place: &Place, value: Value) -> Result<T, TemplateError> {
    serde_json::from_value(value).map_err(|error| place.error(error.to_string()))
}

/// A number, written as a number or as text: parameters are text after resolution.
fn number<'de, D, N>(deserializer: D) -> Result<N, D::Error>
where
    D: serde::Deserializer<'de>,
    N: std::str::FromStr,
{
    let value = Value::deserialize(deserializer)?;
    scalar_text(&value)
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| serde::de::Error::custom(format!("{value} is no number in range")))
}

fn some_number<'de, D, N>(deserializer: D) -> Result<Option<N>, D::Error>
where
    D: serde::Deserializer<'de>,
    N: std::str::FromStr,
{
    number(deserializer).map(Some)
}

// AWS::Serverless

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "properties without effect on this machine, named so that unknown ones are noticed")]
struct HttpApiProperties {
    #[serde(default)]
    stage_name: Value,
    #[serde(default)]
    description: Value,
    #[serde(default)]
    access_log_settings: Value,
    #[serde(default)]
    disable_execute_api_endpoint: Value,
    #[serde(default)]
    default_route_settings: Value,
    #[serde(default)]
    route_settings: BTreeMap<String, Value>,
    #[serde(default)]
    fail_on_warnings: Value,
    #[serde(default)]
    tags: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "properties without effect on this machine, named so that unknown ones are noticed")]
struct FunctionProperties {
    code_uri: String,
    #[serde(default = "default_timeout_s", deserialize_with = "number")]
    timeout: u64,
    #[serde(default = "default_memory_mb", deserialize_with = "number")]
    memory_size: u64,
    #[serde(default)]
    environment: Environment,
    #[serde(default)]
    events: BTreeMap<String, Event>,
    #[serde(default)]
    logging_config: LoggingConfig,
    #[serde(default)]
    runtime: Value,
    #[serde(default)]
    handler: Value,
    #[serde(default)]
    architectures: Value,
    #[serde(default)]
    description: Value,
    #[serde(default)]
    policies: Value,
    #[serde(default)]
    role: Value,
    #[serde(default)]
    tags: Value,
    #[serde(default)]
    tracing: Value,
    #[serde(default, deserialize_with = "some_number")]
    reserved_concurrent_executions: Option<usize>,
    event_invoke_config: Option<EventInvokeConfig>,
    recursive_loop: Option<RecursiveLoop>,
}

/// What Lambda does once a chain of calls has come back to the function some 16 times.
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html>
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum RecursiveLoop {
    /// It goes on.
    Allow,
    /// The chain is stopped.
    #[default]
    Terminate,
}

/// What becomes of an asynchronous invocation that fails or waits. Without effect on this machine: a schedule's next turn comes
/// anyway, and nothing waits.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html>
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct EventInvokeConfig {
    #[serde(default, deserialize_with = "some_number")]
    maximum_retry_attempts: Option<u32>,
    #[serde(default, deserialize_with = "some_number")]
    maximum_event_age_in_seconds: Option<u32>,
}

/// Lambda's defaults: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
fn default_timeout_s() -> u64 {
    3
}

fn default_memory_mb() -> u64 {
    128
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Environment {
    #[serde(default)]
    variables: BTreeMap<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LoggingConfig {
    log_group: Option<String>,
    log_format: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Event {
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

fn function(id: &str, place: &Place, properties: Value, globals: &Value) -> Result<Function, TemplateError> {
    let mut merged = globals.get("Function").cloned().unwrap_or_else(|| json!({}));
    merge(&mut merged, properties);
    let properties: FunctionProperties = read(place, merged)?;
    let binary = Path::new(&properties.code_uri).file_name().and_then(|name| name.to_str());
    let binary = binary.ok_or_else(|| place.child("CodeUri").error("must end in the binary's name"))?;

    if let Some(config) = &properties.event_invoke_config {
        let place = place.child("EventInvokeConfig");
        if config.maximum_retry_attempts.is_some_and(|retries| retries > 2) {
            return Err(place.child("MaximumRetryAttempts").error("must be 0 to 2"));
        }
        if config.maximum_event_age_in_seconds.is_some_and(|age| !(60..=21_600).contains(&age)) {
            return Err(place.child("MaximumEventAgeInSeconds").error("must be 60 to 21600"));
        }
    }
    let mut environment = BTreeMap::new();
    for (name, value) in &properties.environment.variables {
        let place = place.child("Environment.Variables").child(name);
        let value = scalar_text(value).ok_or_else(|| place.error("must be text"))?;
        environment.insert(name.clone(), value);
    }
    let mut function = Function {
        id: id.to_owned(),
        binary: binary.to_owned(),
        timeout_ms: properties.timeout.saturating_mul(1000),
        memory_mb: properties.memory_size,
        reserved_concurrency: properties.reserved_concurrent_executions,
        log_group: properties.logging_config.log_group.unwrap_or_else(|| format!("/aws/lambda/{id}")),
        log_format: properties.logging_config.log_format.unwrap_or_else(|| "Text".to_owned()),
        environment,
        routes: Vec::new(),
        streams: Vec::new(),
        queues: Vec::new(),
        schedules: Vec::new(),
        rules: Vec::new(),
        policies: policies::statements(&place.child("Policies"), properties.policies)?,
        recursive_loop: properties.recursive_loop.unwrap_or_default(),
    };
    for (name, event) in properties.events {
        let place = place.child("Events").child(&name);
        add_event(&mut function, &place, name, event)?;
    }
    Ok(function)
}

fn add_event(function: &mut Function, place: &Place, name: String, event: Event) -> Result<(), TemplateError> {
    let inner = place.child("Properties");
    match event.r#type.as_str() {
        "HttpApi" => {
            // No properties at all is the catch-all route of the implicit API.
            let properties = if event.properties.is_null() { json!({}) } else { event.properties };
            let event: HttpApiEvent = read(&inner, properties)?;
            let route = RouteKey::new(event.method.as_deref(), event.path.as_deref())
                .map_err(|problem| inner.error(problem))?;
            function.routes.push(route);
        }
        "DynamoDB" => {
            let event: StreamEventProperties = read(&inner, event.properties)?;
            function.streams.push(stream_event(&inner, name, event)?);
        }
        "SQS" => {
            let event: QueueEventProperties = read(&inner, event.properties)?;
            let most = event.scaling_config.map(|scaling| scaling.maximum_concurrency);
            if most.is_some_and(|most| !(2..=1000).contains(&most)) {
                return Err(inner.child("ScalingConfig.MaximumConcurrency").error("must be 2 to 1000"));
            }
            function.queues.push(QueueEvent {
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
            function.schedules.push(ScheduleEvent { name });
        }
        "EventBridgeRule" => {
            let event: RuleEventProperties = read(&inner, event.properties)?;
            let pattern = event.pattern.to_string();
            function.rules.push(Filter::parse(&pattern).map_err(|problem| inner.child("Pattern").error(problem))?);
        }
        other => {
            return Err(place.child("Type").error(format!(
                "`local` does not know events of type {other}; it knows HttpApi, DynamoDB, SQS, Schedule and EventBridgeRule"
            )));
        }
    }
    Ok(())
}

fn stream_event(place: &Place, name: String, event: StreamEventProperties) -> Result<StreamEvent, TemplateError> {
    let from_start = match event.starting_position.as_str() {
        "TRIM_HORIZON" => true,
        "LATEST" => false,
        other => {
            return Err(place.child("StartingPosition").error(format!("`{other}` is neither TRIM_HORIZON nor LATEST")));
        }
    };
    let failure_queue = match event.destination_config {
        None => None,
        Some(DestinationConfig { on_failure }) => {
            let place = place.child("DestinationConfig.OnFailure");
            if on_failure.r#type.as_deref().is_some_and(|kind| kind != "SQS") {
                return Err(place.child("Type").error("`local` knows SQS only"));
            }
            Some(name_in_arn(&place.child("Destination"), &on_failure.destination, ":sqs:", ':')?)
        }
    };
    let max_retries = match event.maximum_retry_attempts {
        None | Some(-1) => None,
        Some(retries) => Some(
            u32::try_from(retries)
                .map_err(|_| place.child("MaximumRetryAttempts").error("must be between -1 and 10000"))?,
        ),
    };
    let stream = event.stream.trim_end_matches("/stream/local");
    Ok(StreamEvent {
        name,
        table: name_in_arn(&place.child("Stream"), stream, ":dynamodb:", '/')?,
        from_start,
        batch_size: within(&place.child("BatchSize"), event.batch_size, 1000)?,
        parallelization_factor: within(&place.child("ParallelizationFactor"), event.parallelization_factor, 10)?,
        bisect: event.bisect_batch_on_function_error,
        partial_failures: partial_failures(place, &event.function_response_types)?,
        max_retries,
        failure_queue,
        filters: filters(place, event.filter_criteria)?,
    })
}

/// The name at an ARN's end: `arn:aws:sqs:…:name`, `arn:aws:dynamodb:…:table/name`.
fn name_in_arn(place: &Place, arn: &str, service: &str, separator: char) -> Result<String, TemplateError> {
    if !arn.starts_with("arn:aws:") || !arn.contains(service) {
        return Err(place.error(format!("`{arn}` is not an ARN of the kind needed here; use !GetAtt")));
    }
    let name = arn.rsplit(separator).next().filter(|name| !name.is_empty());
    name.map(str::to_owned).ok_or_else(|| place.error("the ARN has no name at its end"))
}

fn within(place: &Place, size: usize, most: usize) -> Result<usize, TemplateError> {
    if (1..=most).contains(&size) { Ok(size) } else { Err(place.error(format!("must be between 1 and {most}"))) }
}

fn partial_failures(place: &Place, types: &[String]) -> Result<bool, TemplateError> {
    match types {
        [] => Ok(false),
        [only] if only == "ReportBatchItemFailures" => Ok(true),
        other => Err(place.child("FunctionResponseTypes").error(format!("{other:?} is not [ReportBatchItemFailures]"))),
    }
}

fn filters(place: &Place, criteria: Option<FilterCriteria>) -> Result<Vec<Filter>, TemplateError> {
    let place = place.child("FilterCriteria.Filters");
    let filters = criteria.map(|criteria| criteria.filters).unwrap_or_default();
    filters
        .iter()
        .enumerate()
        .map(|(index, filter)| {
            Filter::parse(&filter.pattern).map_err(|problem| place.child(&format!("{index}.Pattern")).error(problem))
        })
        .collect()
}

/// SAM's merge of Globals into a resource: mappings are joined, everything else is replaced.
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html>
fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

// mail

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "properties without effect on this machine, named so that unknown ones are noticed")]
struct ConfigurationSetProperties {
    #[serde(default)]
    suppression_options: SuppressionOptions,
    #[serde(default)]
    reputation_options: Value,
    #[serde(default)]
    delivery_options: Value,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SuppressionOptions {
    #[serde(default)]
    suppressed_reasons: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct MailDestination {
    configuration_set_name: String,
    event_destination: EventDestination,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "there is one event bus")]
struct EventDestination {
    #[serde(default)]
    name: Value,
    #[serde(default)]
    enabled: Value,
    matching_event_types: BTreeSet<String>,
    event_bridge_destination: Value,
}

// state

/// Properties of a table that say nothing about how it answers.
const TABLE_PROPERTIES_WITHOUT_EFFECT: [&str; 7] = [
    "DeletionProtectionEnabled",
    "PointInTimeRecoverySpecification",
    "SSESpecification",
    "TableClass",
    "Tags",
    "ContributorInsightsSpecification",
    "OnDemandThroughput",
];

fn table(id: &str, place: &Place, properties: Value) -> Result<Table, TemplateError> {
    let name = names::resource(id);
    let mut creation = Map::from_iter([("TableName".to_owned(), json!(name))]);
    let (mut has_stream, mut ttl_attribute) = (false, None);
    for (property, value) in as_mapping(id, properties)? {
        let place = place.child(&property);
        match property.as_str() {
            "AttributeDefinitions"
            | "KeySchema"
            | "GlobalSecondaryIndexes"
            | "LocalSecondaryIndexes"
            | "BillingMode"
            | "ProvisionedThroughput" => {
                creation.insert(property, value);
            }
            "StreamSpecification" => {
                let view = value.get("StreamViewType").and_then(Value::as_str);
                let view = view.ok_or_else(|| place.child("StreamViewType").error("is missing"))?;
                has_stream = true;
                creation.insert(property, json!({ "StreamEnabled": true, "StreamViewType": view }));
            }
            "TimeToLiveSpecification" => {
                let attribute = value.get("AttributeName").and_then(Value::as_str);
                let attribute = attribute.ok_or_else(|| place.child("AttributeName").error("is missing"))?;
                let enabled = value.get("Enabled").and_then(scalar_text).is_some_and(|text| text == "true");
                ttl_attribute = enabled.then(|| attribute.to_owned());
            }
            other if TABLE_PROPERTIES_WITHOUT_EFFECT.contains(&other) => {}
            other => return Err(place.error(format!("`local` does not know the table property {other}"))),
        }
    }
    Ok(Table { name, has_stream, ttl_attribute, creation: Value::Object(creation) })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "properties without effect on this machine, named so that unknown ones are noticed")]
struct QueueProperties {
    #[serde(default = "default_visibility_s", deserialize_with = "number")]
    visibility_timeout: i64,
    #[serde(default = "default_retention_s", deserialize_with = "number")]
    message_retention_period: i64,
    redrive_policy: Option<RedriveProperties>,
    #[serde(default)]
    redrive_allow_policy: Value,
    #[serde(default)]
    sqs_managed_sse_enabled: Value,
    #[serde(default)]
    receive_message_wait_time_seconds: Value,
    #[serde(default)]
    tags: Value,
}

/// SQS's defaults: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>
fn default_visibility_s() -> i64 {
    30
}

fn default_retention_s() -> i64 {
    345_600
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RedriveProperties {
    dead_letter_target_arn: String,
    #[serde(deserialize_with = "number")]
    max_receive_count: u32,
}

fn queue(id: &str, place: &Place, properties: Value) -> Result<Queue, TemplateError> {
    let properties: QueueProperties = read(place, properties)?;
    let redrive = match properties.redrive_policy {
        None => None,
        Some(policy) => Some(Redrive {
            dead_letters: name_in_arn(
                &place.child("RedrivePolicy.deadLetterTargetArn"),
                &policy.dead_letter_target_arn,
                ":sqs:",
                ':',
            )?,
            max_receives: policy.max_receive_count,
        }),
    };
    Ok(Queue {
        name: names::resource(id),
        visibility_timeout_ms: properties.visibility_timeout.saturating_mul(1000),
        retention_ms: properties.message_retention_period.saturating_mul(1000),
        redrive,
    })
}

impl Function {
    /// Where its binary is.
    pub(crate) fn binary_in(&self, bin_dir: &Path) -> PathBuf {
        bin_dir.join(&self.binary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = include_str!("../tests/template.yaml");

    fn resolve(text: &str) -> Result<Stack, TemplateError> {
        resolve_with(text, &[])
    }

    fn resolve_with(text: &str, parameters: &[(&str, &str)]) -> Result<Stack, TemplateError> {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let site = Site { aws_url: "http://aws", api_url: "http://api", parameters: &parameters };
        Template::parse(text)?.resolve(&site)
    }

    #[test]
    fn reads_what_it_declares() {
        let stack = resolve(TEMPLATE).unwrap();
        let function = |id: &str| stack.functions.iter().find(|function| function.id == id).unwrap();
        let api = function("ApiFunction");
        assert_eq!((api.binary.as_str(), api.timeout_ms, api.memory_mb), ("fixture", 1000, 256));
        assert_eq!(api.environment["GREETING"], "hello, eu-west-2");
        assert_eq!(api.environment["TABLE_NAME"], "local-Table", "from Globals");
        assert_eq!(api.environment["QUEUE_URL"], "http://aws/000000000000/local-Queue");
        assert_eq!(function("SlowFunction").routes[0].to_string(), "ANY /slow/{action}");
        let stream = &function("StreamFunction").streams[0];
        assert_eq!((stream.table.as_str(), stream.batch_size, stream.max_retries), ("local-Table", 10, Some(2)));
        assert_eq!(stream.failure_queue.as_deref(), Some("local-StreamFailures"));
        assert_eq!(stream.parallelization_factor, 1);
        assert!(stream.from_start && stream.bisect && stream.partial_failures && stream.filters.len() == 1);
        assert_eq!(function("QueueFunction").queues[0].queue, "local-Queue");
        assert_eq!(stack.tables[0].ttl_attribute.as_deref(), Some("ttl"));
        let queue = stack.queues.iter().find(|queue| queue.name == "local-Queue").unwrap();
        assert_eq!((queue.visibility_timeout_ms, queue.retention_ms), (30_000, 345_600_000));
        assert_eq!(queue.redrive, Some(Redrive { dead_letters: "local-DeadLetters".to_owned(), max_receives: 2 }));
    }

    #[test]
    fn reads_the_services_own_template() {
        let stack = resolve(include_str!("../../template.yaml")).unwrap();
        assert!(stack.functions.len() >= 9 && stack.tables.len() == 1);
    }

    #[test]
    fn a_public_base_url_is_what_is_given_or_the_domain_or_nothing() {
        let address = |parameters: &[(&str, &str)]| {
            let stack = resolve_with(include_str!("../../template.yaml"), parameters).unwrap();
            let of = |id: &str| {
                stack.functions.iter().find(|function| function.id == id).unwrap().environment["PUBLIC_BASE_URL"]
                    .clone()
            };
            assert_eq!(of("CreateFunction"), of("RefundFunction"));
            of("CreateFunction")
        };
        let domain = [("DomainName", "pay.example.com"), ("CertificateArn", "arn:aws:acm:eu-west-2:1:certificate/1")];
        let [name, certificate] = domain;
        assert_eq!(address(&[]), "");
        assert_eq!(address(&domain), "https://pay.example.com");
        assert_eq!(address(&[("PublicBaseUrl", "https://shop.example.com")]), "https://shop.example.com");
        let both = [name, certificate, ("PublicBaseUrl", "https://shop.example.com")];
        assert_eq!(address(&both), "https://shop.example.com");
    }

    #[test]
    fn what_has_a_condition_is_there_when_it_holds() {
        let conditions = "Conditions:
  Greets: !Not [!Equals [!Ref Greeting, silence]]
  Quiet: !And [!Not [!Condition Greets], !Or [!Equals [1, 2], { Condition: Always }]]
  Always: !Equals [a, a]
Globals:";
        let text = TEMPLATE
            .replacen("Globals:", conditions, 1)
            .replace(
                "\n  Letters: { Type: AWS::SQS::Queue }",
                "\n  Letters: { Type: AWS::SQS::Queue, Condition: Quiet }",
            )
            .replace("!Sub \"${Greeting}, ${AWS::Region}\"", "!If [Quiet, quiet, !If [Greets, greets, none]]");
        let seen = |parameters: &[(&str, &str)]| {
            let stack = resolve_with(&text, parameters).unwrap();
            let api = stack.functions.iter().find(|function| function.id == "ApiFunction").unwrap();
            let letters = stack.queues.iter().any(|queue| queue.name == "local-Letters");
            (api.environment["GREETING"].clone(), letters)
        };
        assert_eq!(seen(&[]), ("greets".to_owned(), false));
        assert_eq!(seen(&[("Greeting", "silence")]), ("quiet".to_owned(), true));

        for (right, wrong, resource, property, problem) in [
            ("[Quiet, quiet,", "[Quite, quiet,", "ApiFunction", "Properties.Environment.Variables.GREETING", "`Quite`"),
            (
                "[Quiet, quiet,",
                "[Quiet, !Ref Quiet,",
                "ApiFunction",
                "Properties.Environment.Variables.GREETING",
                "Quiet",
            ),
            ("[Quiet, quiet,", "[quiet,", "ApiFunction", "Properties.Environment.Variables.GREETING", "two values"),
            ("Condition: Quiet }", "Condition: Quite }", "Letters", "Condition", "`Quite`"),
            ("[!Equals [1, 2],", "[!Equal [1, 2],", "Conditions", "Quiet", "Equals"),
            ("Always: !Equals [a, a]", "Always: !Condition Quiet", "Conditions", "Quiet", "itself"),
            ("Always: !Equals [a, a]", "Always: !Condition Never", "Conditions", "Always", "`Never`"),
        ] {
            assert_eq!(text.matches(right).count(), 1, "{right} is not there once");
            let error = resolve(&text.replace(right, wrong)).map(|_| ()).unwrap_err();
            assert_eq!((error.resource.as_str(), error.property.as_str()), (resource, property), "{wrong}: {error}");
            assert!(error.problem.contains(problem), "{wrong}: {error}");
        }
    }

    /// Lambda counts how often a chain of messages comes back to a function, and stops it after 16 times, unless the
    /// function says otherwise. A chain goes on through queues, not through a table's stream.
    #[test]
    fn exactly_the_functions_whose_messages_may_come_back_to_them_allow_loops() {
        let allowing = |text: &str| {
            let stack = resolve(text).unwrap();
            let allow = stack.functions.iter().filter(|one| one.recursive_loop == RecursiveLoop::Allow);
            let allow: BTreeSet<String> = allow.map(|one| one.id.clone()).collect();
            (in_loops(&stack), allow)
        };
        let (loops, allow) = allowing(include_str!("../../template.yaml"));
        assert_eq!(
            loops, allow,
            "on the left those that may be called again by what they send: they need `RecursiveLoop: Allow`"
        );
        assert!(loops.contains("WebhookFunction"), "{loops:?}");

        assert_eq!(allowing(TEMPLATE), (BTreeSet::new(), BTreeSet::new()));
        // To its own queue; and through another function.
        let send = |function: &str, to: &str, behaviour: &str| {
            let policy = format!(
                "Policies: [{{ Version: \"2012-10-17\", Statement: [{{ Sid: S, Effect: Allow, Action: \"sqs:*\", Resource: !GetAtt {to}.Arn }}] }}]"
            );
            let own = format!("{behaviour} }} }}\n");
            assert_eq!(TEMPLATE.matches(&own).count(), 1, "{function}");
            TEMPLATE.replace(&own, &format!("{own}      {policy}\n"))
        };
        let own = send("QueueFunction", "Queue", "BEHAVIOUR: queue");
        assert_eq!(allowing(&own).0, BTreeSet::from(["QueueFunction".to_owned()]));
        let elsewhere = send("QueueFunction", "Letters", "BEHAVIOUR: queue");
        assert_eq!(allowing(&elsewhere).0, BTreeSet::new());
        let other = "\n  OtherFunction:\n    Type: AWS::Serverless::Function\n    Properties:\n      RecursiveLoop: Allow\n      \
            Policies: [{ Version: \"2012-10-17\", Statement: [{ Sid: S, Effect: Allow, Action: \"sqs:SendMessage\", Resource: [!GetAtt Queue.Arn] }] }]\n      \
            Events: { Letters: { Type: SQS, Properties: { Queue: !GetAtt Letters.Arn } } }\n  HttpApi:\n";
        let through = elsewhere.replacen("\n  HttpApi:\n", other, 1);
        let (loops, allow) = allowing(&through);
        assert_eq!(loops, BTreeSet::from(["OtherFunction".to_owned(), "QueueFunction".to_owned()]));
        assert_eq!(allow, BTreeSet::from(["OtherFunction".to_owned()]));
    }

    /// The functions that a message which they send may come back to, through other functions' messages too.
    fn in_loops(stack: &Stack) -> BTreeSet<String> {
        let like = |pattern: &String, text: &str| wildmatch::WildMatch::new(pattern).matches(text);
        let sends = |from: &Function, queue: &str| {
            from.policies.iter().any(|statement| {
                statement.actions.iter().any(|action| like(action, "sqs:SendMessage"))
                    && statement.resources.iter().any(|resource| like(resource, &names::queue_arn(queue)))
            })
        };
        let calls = |from: &Function| -> BTreeSet<&str> {
            let called = |to: &&Function| to.queues.iter().any(|event| sends(from, &event.queue));
            stack.functions.iter().filter(called).map(|to| to.id.as_str()).collect()
        };
        let called: BTreeMap<&str, BTreeSet<&str>> =
            stack.functions.iter().map(|from| (from.id.as_str(), calls(from))).collect();
        let comes_back = |start: &str| {
            let (mut reached, mut next) = (BTreeSet::new(), vec![start]);
            while let Some(function) = next.pop() {
                next.extend(called[function].iter().filter(|to| reached.insert(**to)));
            }
            reached.contains(start)
        };
        called.keys().filter(|id| comes_back(id)).map(|id| (*id).to_owned()).collect()
    }

    /// Each mistake names its resource and property.
    #[test]
    fn mistakes_are_named() {
        for (right, wrong, resource, property, problem) in [
            (
                "QUEUE_URL: !Ref Queue } }\n      Events",
                "QUEUE_URL: !Ref Queu } }\n      Events",
                "ApiFunction",
                "Properties.Environment.Variables.QUEUE_URL",
                "`Queu`",
            ),
            ("${Greeting}", "${Greting}", "ApiFunction", "Properties.Environment.Variables.GREETING", "`Greting`"),
            (
                "${Greeting}",
                "${HttpApi.ApiEndpoint}",
                "ApiFunction",
                "Properties.Environment.Variables.GREETING",
                "circle",
            ),
            (
                "!GetAtt Queue.Arn",
                "!GetAtt Queue.Name",
                "QueueFunction",
                "Properties.Events.Queue.Properties.Queue",
                "`Name`",
            ),
            ("!GetAtt Queue.Arn", "!Ref Queue", "QueueFunction", "Properties.Events.Queue.Properties.Queue", "!GetAtt"),
            ("Type: Schedule", "Type: Cognito", "ScheduleFunction", "Properties.Events.EveryMinute.Type", "Cognito"),
            (
                "BatchSize: 10, Fun",
                "BatchSize: 11, Fun",
                "QueueFunction",
                "Properties.Events.Queue.Properties.BatchSize",
                "10",
            ),
            (
                "BatchSize: 10, Fun",
                "BatchSze: 10, Fun",
                "QueueFunction",
                "Properties.Events.Queue.Properties",
                "BatchSze",
            ),
            (
                "BisectBatchOnFunctionError: true\n",
                "ParallelizationFactor: 11\n",
                "StreamFunction",
                "Properties.Events.Stream.Properties.ParallelizationFactor",
                "10",
            ),
            (
                "[\"SESSION\"]",
                "[{\"suffix\":\"S\"}]",
                "StreamFunction",
                "Properties.Events.Stream.Properties.FilterCriteria.Filters.0.Pattern",
                "equality",
            ),
            (
                "      StreamSpecification: { StreamViewType: NEW_AND_OLD_IMAGES }\n",
                "",
                "StreamFunction",
                "Properties.Events.Stream",
                "has none",
            ),
            ("\"GET /echo/{id}\":", "\"GET /ecko/{id}\":", "HttpApi", "Properties.RouteSettings", "GET /ecko/{id}"),
            ("Path: /broken", "Path: \"/do/{action}\"", "BrokenFunction", "Properties.Events", "twice"),
            (
                "VisibilityTimeout: 30",
                "VisibilityTimeout: 4",
                "QueueFunction",
                "Properties.Timeout",
                "VisibilityTimeout",
            ),
            (
                "Timeout: 900\n",
                "Timeout: 900\n      EventInvokeConfig: { MaximumRetryAttempts: 3 }\n",
                "SlowFunction",
                "Properties.EventInvokeConfig.MaximumRetryAttempts",
                "0 to 2",
            ),
            (
                "Timeout: 900\n",
                "Timeout: 900\n      EventInvokeConfig: { MaximumEventAgeInSeconds: 59 }\n",
                "SlowFunction",
                "Properties.EventInvokeConfig.MaximumEventAgeInSeconds",
                "60",
            ),
            ("VisibilityTimeout: 30", "VisibilityTimeot: 30", "Queue", "Properties", "VisibilityTimeot"),
            ("{ Type: String, Default: hello }", "{ Type: String }", "Parameters", "Greeting", "default"),
            (
                "  Letters: { Type: AWS::SQS::Queue }",
                "  Letters: { Type: AWS::RDS::DBInstance }",
                "Letters",
                "Type",
                "AWS::RDS",
            ),
            ("!GetAtt HttpApi.ApiEndpoint", "!ImportValue x", "Outputs", "Url.Value", "ImportValue"),
            ("Mail, Effect: Allow", "Mail, Effect: Deny", "WriterFunction", "Properties.Policies.Mail.Effect", "Allow"),
            ("Sid: Mail", "Sid: Send", "WriterFunction", "Properties.Policies.Send", "another"),
            ("StringEquals", "StringLike", "WriterFunction", "Properties.Policies.Mail.Condition", "StringLike"),
            ("Action: ses:SendEmail", "NotAction: ses:SendEmail", "WriterFunction", "Properties.Policies", "NotAction"),
        ] {
            assert_eq!(TEMPLATE.matches(right).count(), 1, "{right} is not there once");
            let text = TEMPLATE.replace(right, wrong);
            let error = resolve(&text).map(|_| ()).unwrap_err();
            assert_eq!((error.resource.as_str(), error.property.as_str()), (resource, property), "{wrong}: {error}");
            assert!(error.problem.contains(problem), "{wrong}: {error}");
        }
    }
}
