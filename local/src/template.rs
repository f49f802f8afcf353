//! Reads template.yaml: the one description of what runs, in AWS and here.
//!
//! Every reference in the file is resolved, also where `local` has no use for the value, so that a wrong name fails
//! here first. Properties, events and policies that change how the service behaves must be understood; the rest (alarms,
//! log groups) is skipped.

mod events;
mod filter;
mod functions;
mod mail;
mod parameters;
mod policies;
mod properties;
mod stack;
mod state;
mod values;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

pub(crate) use events::{Events, QueueEvent, ScheduleEvent, StreamEvent};
pub(crate) use filter::Filter;
pub(crate) use functions::Function;
pub(crate) use mail::ConfigurationSet;
pub(crate) use policies::Statement;
pub use properties::TemplateError;
pub(crate) use stack::Stack;
#[cfg(test)]
pub(crate) use state::Redrive;
pub(crate) use state::{Queue, Table};

use crate::names;
use functions::function;
use mail::{ConfigurationSetProperties, MailDestination};
use properties::{Location, as_mapping, read};
use stack::HttpApiProperties;
use state::{queue, table};
use values::Scope;

/// The template as read, references unresolved.
pub(crate) struct Template {
    parameters: BTreeMap<String, Value>,
    conditions: BTreeMap<String, Value>,
    globals: Value,
    resources: BTreeMap<String, Value>,
    outputs: Value,
}

/// What the machine adds to the template to resolve it.
pub(crate) struct Site<'a> {
    pub(crate) aws_url: &'a str,
    pub(crate) api_url: &'a str,
    /// Parameters' values in location of their defaults.
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

    /// Whether it has this parameter.
    pub(crate) fn declares(&self, parameter: &str) -> bool {
        self.parameters.contains_key(parameter)
    }

    /// Resolves every reference and reads what `local` hosts.
    pub(crate) fn resolve(&self, site: &Site<'_>) -> Result<Stack, TemplateError> {
        let parameters = parameters::values(&self.parameters, site.parameters)?;
        let mut kinds = BTreeMap::new();
        for (id, resource) in &self.resources {
            let kind = resource.get("Type").and_then(Value::as_str);
            let kind = kind.ok_or_else(|| Location::new(id, "Type").error("is missing"))?;
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
            scope.holds(&Location::new("Conditions", name), name)?;
        }
        let globals = scope.resolve(&Location::new("Globals", ""), &self.globals)?;
        scope.resolve(&Location::new("Outputs", ""), &self.outputs)?;
        for (id, output) in self.outputs.as_object().into_iter().flatten() {
            is_there(&scope, &Location::new("Outputs", id), output)?;
        }

        let mut stack = Stack::default();
        let mut apis = Vec::new();
        for (id, resource) in &self.resources {
            let location = Location::new(id, "Properties");
            let properties = resource.get("Properties").cloned().unwrap_or_else(|| json!({}));
            let properties = scope.resolve(&location, &properties)?;
            for attribute in ["DeletionPolicy", "UpdateReplacePolicy"] {
                if let Some(policy) = resource.get(attribute) {
                    scope.resolve(&Location::new(id, attribute), policy)?;
                }
            }
            if !is_there(&scope, &Location::new(id, ""), resource)? {
                continue;
            }
            match kinds.get(id).map_or("", String::as_str) {
                "AWS::Serverless::Function" => stack.functions.push(function(id, &location, properties, &globals)?),
                "AWS::Serverless::HttpApi" => {
                    apis.push((location.clone(), read::<HttpApiProperties>(&location, properties)?))
                }
                "AWS::DynamoDB::Table" => stack.tables.push(table(id, &location, properties)?),
                "AWS::SQS::Queue" => stack.queues.push(queue(id, &location, properties)?),
                "AWS::SES::ConfigurationSet" => {
                    let properties: ConfigurationSetProperties = read(&location, properties)?;
                    let set = stack.configuration_sets.entry(names::resource(id)).or_default();
                    set.suppresses = properties.suppression_options.suppressed_reasons;
                }
                "AWS::SES::ConfigurationSetEventDestination" => {
                    let properties: MailDestination = read(&location, properties)?;
                    let set = stack.configuration_sets.entry(properties.configuration_set_name).or_default();
                    set.publishes.extend(properties.event_destination.matching_event_types);
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
                    return Err(Location::new(id, "Type").error(format!(
                        "`local` does not know {other}; teach it, or list the type among those without effect here"
                    )));
                }
            }
        }
        stack.check(&apis)?;
        Ok(stack)
    }
}

/// Whether a resource or output is there: it has no Condition, or one that holds.
fn is_there(scope: &Scope<'_>, location: &Location, declared: &Value) -> Result<bool, TemplateError> {
    match declared.get("Condition") {
        None => Ok(true),
        Some(Value::String(name)) => scope.holds(&location.child("Condition"), name),
        Some(_) => Err(location.child("Condition").error("must be a condition's name")),
    }
}

#[cfg(test)]
mod tests;
