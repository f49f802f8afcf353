//! How the parts of the template are read: where a value stands, what is wrong with it, numbers, names in ARNs.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

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
    pub(super) fn unreadable(problem: impl Into<String>) -> Self {
        Self { resource: "file".to_owned(), property: String::new(), problem: problem.into() }
    }
}

/// Where a value stands, for errors: `CreateFunction`, `Properties.Timeout`.
#[derive(Debug, Clone)]
pub(super) struct Location {
    pub(super) resource: String,
    pub(super) property: String,
}

impl Location {
    pub(super) fn new(resource: &str, property: &str) -> Self {
        Self { resource: resource.to_owned(), property: property.to_owned() }
    }

    pub(super) fn child(&self, name: &str) -> Self {
        let property = if self.property.is_empty() { name.to_owned() } else { format!("{}.{name}", self.property) };
        Self { resource: self.resource.clone(), property }
    }

    pub(super) fn error(&self, problem: impl Into<String>) -> TemplateError {
        TemplateError { resource: self.resource.clone(), property: self.property.clone(), problem: problem.into() }
    }
}

pub(super) fn as_mapping(section: &str, value: Value) -> Result<BTreeMap<String, Value>, TemplateError> {
    match value {
        Value::Object(object) => Ok(object.into_iter().collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(Location::new(section, "").error("is no mapping"))
        }
    }
}

pub(super) fn read<T: DeserializeOwned>(location: &Location, value: Value) -> Result<T, TemplateError> {
    serde_json::from_value(value).map_err(|error| location.error(error.to_string()))
}

/// The text CloudFormation makes of a scalar; nothing for lists, mappings and null.
pub(super) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A number, written as a number or as text: parameters are text after resolution.
pub(super) fn number<'de, D, N>(deserializer: D) -> Result<N, D::Error>
where
    D: serde::Deserializer<'de>,
    N: std::str::FromStr,
{
    let value = Value::deserialize(deserializer)?;
    scalar_text(&value)
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| serde::de::Error::custom(format!("{value} is no number in range")))
}

pub(super) fn some_number<'de, D, N>(deserializer: D) -> Result<Option<N>, D::Error>
where
    D: serde::Deserializer<'de>,
    N: std::str::FromStr,
{
    number(deserializer).map(Some)
}

/// The name at an ARN's end: `arn:aws:sqs:…:name`, `arn:aws:dynamodb:…:table/name`.
pub(super) fn name_in_arn(
    location: &Location,
    arn: &str,
    service: &str,
    separator: char,
) -> Result<String, TemplateError> {
    if !arn.starts_with("arn:aws:") || !arn.contains(service) {
        return Err(location.error(format!("`{arn}` is not an ARN of the kind needed here; use !GetAtt")));
    }
    let name = arn.rsplit(separator).next().filter(|name| !name.is_empty());
    name.map(str::to_owned).ok_or_else(|| location.error("the ARN has no name at its end"))
}

pub(super) fn within(location: &Location, size: usize, most: usize) -> Result<usize, TemplateError> {
    if (1..=most).contains(&size) { Ok(size) } else { Err(location.error(format!("must be between 1 and {most}"))) }
}
