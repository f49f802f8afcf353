//! Functions, with what SAM's Globals add to them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use super::events::{Event, Events};
use super::policies::{self, Statement};
use super::properties::{Location, TemplateError, number, read, scalar_text, some_number};

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
    pub(crate) events: Events,
    /// All that it may do.
    pub(crate) policies: Vec<Statement>,
    /// Without effect on this machine, which stops no chain.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test asks for it"))]
    pub(crate) recursive_loop: RecursiveLoop,
}

impl Function {
    /// Where its binary is: in the folder itself, as cargo builds it, or as CodeUri says, in a folder of its own.
    pub(crate) fn binary_in(&self, bin_dir: &Path) -> PathBuf {
        let path = bin_dir.join(&self.binary);
        if path.is_dir() { path.join("bootstrap") } else { path }
    }
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

pub(super) fn function(
    id: &str,
    location: &Location,
    properties: Value,
    globals: &Value,
) -> Result<Function, TemplateError> {
    let mut merged = globals.get("Function").cloned().unwrap_or_else(|| json!({}));
    merge(&mut merged, properties);
    let properties: FunctionProperties = read(location, merged)?;
    let binary = Path::new(&properties.code_uri).file_name().and_then(|name| name.to_str());
    let binary = binary.ok_or_else(|| location.child("CodeUri").error("must end in the binary's name"))?;

    if let Some(config) = &properties.event_invoke_config {
        let location = location.child("EventInvokeConfig");
        if config.maximum_retry_attempts.is_some_and(|retries| retries > 2) {
            return Err(location.child("MaximumRetryAttempts").error("must be 0 to 2"));
        }
        if config.maximum_event_age_in_seconds.is_some_and(|age| !(60..=21_600).contains(&age)) {
            return Err(location.child("MaximumEventAgeInSeconds").error("must be 60 to 21600"));
        }
    }
    let mut environment = BTreeMap::new();
    for (name, value) in &properties.environment.variables {
        let location = location.child("Environment.Variables").child(name);
        let value = scalar_text(value).ok_or_else(|| location.error("must be text"))?;
        environment.insert(name.clone(), value);
    }
    let mut events = Events::default();
    for (name, event) in properties.events {
        let location = location.child("Events").child(&name);
        events.add(&location, name, event)?;
    }
    Ok(Function {
        id: id.to_owned(),
        binary: binary.to_owned(),
        timeout_ms: properties.timeout.saturating_mul(1000),
        memory_mb: properties.memory_size,
        reserved_concurrency: properties.reserved_concurrent_executions,
        log_group: properties.logging_config.log_group.unwrap_or_else(|| format!("/aws/lambda/{id}")),
        log_format: properties.logging_config.log_format.unwrap_or_else(|| "Text".to_owned()),
        environment,
        events,
        policies: policies::statements(&location.child("Policies"), properties.policies)?,
        recursive_loop: properties.recursive_loop.unwrap_or_default(),
    })
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
