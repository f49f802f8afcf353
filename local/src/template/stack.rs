//! All that the template declares, and what has to be right of several resources at once.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::functions::Function;
use super::mail::ConfigurationSet;
use super::properties::{Location, TemplateError};
use super::state::{Queue, Table};

/// What the template declares, in this machine's names.
#[derive(Debug, Default)]
pub(crate) struct Stack {
    pub(crate) functions: Vec<Function>,
    pub(crate) tables: Vec<Table>,
    pub(crate) queues: Vec<Queue>,
    /// By name.
    pub(crate) configuration_sets: BTreeMap<String, ConfigurationSet>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "properties without effect on this machine, named so that unknown ones are noticed")]
pub(super) struct HttpApiProperties {
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

impl Stack {
    /// Checks what concerns several resources at once.
    pub(super) fn check(&self, apis: &[(Location, HttpApiProperties)]) -> Result<(), TemplateError> {
        let has_routes = self.functions.iter().any(|function| !function.events.routes.is_empty());
        match apis {
            [] if has_routes => {
                return Err(Location::new("Resources", "").error("routes need one AWS::Serverless::HttpApi"));
            }
            [] => {}
            [(location, api)] => self.check_routes(location, api)?,
            [_, (location, _), ..] => {
                return Err(location.error("is a second HttpApi; `local` hosts one"));
            }
        }
        let tables: BTreeMap<&str, &Table> = self.tables.iter().map(|table| (table.name.as_str(), table)).collect();
        let queues: BTreeMap<&str, &Queue> = self.queues.iter().map(|queue| (queue.name.as_str(), queue)).collect();
        for function in &self.functions {
            for stream in &function.events.streams {
                if !tables.get(stream.table.as_str()).is_some_and(|table| table.has_stream) {
                    return Err(Location::new(&function.id, "Properties.Events").child(&stream.name).error(format!(
                        "reads the stream of `{}`, which has none; give the table a StreamSpecification",
                        stream.table
                    )));
                }
            }
            for event in &function.events.queues {
                let Some(queue) = queues.get(event.queue.as_str()) else { continue };
                // AWS refuses this mapping: a message could come back while it is still being worked on.
                if queue.visibility_timeout_ms < i64::try_from(function.timeout_ms).unwrap_or(i64::MAX) {
                    return Err(Location::new(&function.id, "Properties.Timeout").error(format!(
                        "is longer than the VisibilityTimeout of its queue `{}`; AWS refuses that",
                        event.queue
                    )));
                }
            }
        }
        for queue in &self.queues {
            let Some(redrive) = &queue.redrive else { continue };
            if queues.get(redrive.dead_letters.as_str()).is_some_and(|target| target.redrive.is_some()) {
                return Err(Location::new(&queue.name, "Properties.RedrivePolicy")
                    .error("leads to a queue with a RedrivePolicy of its own; `local` does not host such chains"));
            }
        }
        Ok(())
    }

    fn check_routes(&self, location: &Location, api: &HttpApiProperties) -> Result<(), TemplateError> {
        let mut known = BTreeSet::new();
        for function in &self.functions {
            for route in &function.events.routes {
                if !known.insert(route.to_string()) {
                    return Err(Location::new(&function.id, "Properties.Events")
                        .error(format!("the route `{route}` is declared twice; a route belongs to one function")));
                }
            }
        }
        match api.route_settings.keys().find(|key| !known.contains(*key)) {
            Some(key) => Err(location
                .child("RouteSettings")
                .error(format!("`{key}` is no route of any function; CloudFormation refuses it"))),
            None => Ok(()),
        }
    }
}
