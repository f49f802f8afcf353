//! CloudFormation's values: YAML's short tags (`!Ref`), references resolved to this machine's names.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use serde_yaml_ng::Value as Yaml;

use super::properties::{Location, TemplateError, scalar_text};
use crate::names;

/// Turns YAML into JSON with CloudFormation's long forms: `!Ref X` becomes `{"Ref": "X"}`, `!GetAtt A.B`
/// `{"Fn::GetAtt": "A.B"}`, `!Sub text` `{"Fn::Sub": "text"}`.
pub(super) fn from_yaml(yaml: Yaml) -> Result<Value, TemplateError> {
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(value),
        Yaml::Number(number) => {
            serde_json::to_value(number).map_err(|error| TemplateError::unreadable(error.to_string()))?
        }
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(items) => Value::Array(items.into_iter().map(from_yaml).collect::<Result<_, _>>()?),
        Yaml::Mapping(mapping) => {
            let mut object = Map::new();
            for (key, value) in mapping {
                let Some(key) = key_text(&key) else {
                    return Err(TemplateError::unreadable(format!("a key is no plain text: {key:?}")));
                };
                object.insert(key, from_yaml(value)?);
            }
            Value::Object(object)
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = match tag.trim_start_matches('!') {
                "Ref" => "Ref".to_owned(),
                other => format!("Fn::{other}"),
            };
            Value::Object(Map::from_iter([(name, from_yaml(tagged.value)?)]))
        }
    })
}

fn key_text(key: &Yaml) -> Option<String> {
    match key {
        Yaml::String(text) => Some(text.clone()),
        Yaml::Number(number) => Some(number.to_string()),
        Yaml::Bool(_) | Yaml::Null | Yaml::Sequence(_) | Yaml::Mapping(_) | Yaml::Tagged(_) => None,
    }
}

/// A reference to this leaves out what it stands for.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html>
const NO_VALUE: &str = "AWS::NoValue";

/// What references can point to.
pub(super) struct Scope<'a> {
    pub(super) parameters: &'a BTreeMap<String, String>,
    /// Logical id → resource type.
    pub(super) resources: &'a BTreeMap<String, String>,
    /// The section Conditions, as written.
    pub(super) conditions: &'a BTreeMap<String, Value>,
    pub(super) aws_url: &'a str,
    pub(super) api_url: &'a str,
}

impl Scope<'_> {
    /// Replaces every reference in `value`.
    pub(super) fn resolve(&self, location: &Location, value: &Value) -> Result<Value, TemplateError> {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(value.clone()),
            Value::Array(items) => {
                let resolve = |(index, item): (usize, &Value)| {
                    self.resolve_unless_none(&location.child(&index.to_string()), item).transpose()
                };
                Ok(Value::Array(items.iter().enumerate().filter_map(resolve).collect::<Result<_, _>>()?))
            }
            Value::Object(object) => {
                if let (1, Some((name, argument))) = (object.len(), object.iter().next()) {
                    match name.as_str() {
                        "Ref" => return self.reference(location, argument),
                        "Fn::GetAtt" => return self.attribute(location, argument),
                        "Fn::Sub" => return self.substitute(location, argument),
                        "Fn::If" => {
                            let chosen = self.choose(location, argument)?;
                            return chosen.ok_or_else(|| {
                                location.error(format!(
                                    "{NO_VALUE} can only stand for a property or for an element of a list"
                                ))
                            });
                        }
                        other if other.starts_with("Fn::") => {
                            return Err(location.error(format!(
                                "`local` does not understand {other}; use Ref, GetAtt, Sub or If, or teach it this one"
                            )));
                        }
                        _ => {}
                    }
                }
                let resolve = |(key, item): (&String, &Value)| {
                    let value = self.resolve_unless_none(&location.child(key), item).transpose()?;
                    Some(value.map(|value| (key.clone(), value)))
                };
                Ok(Value::Object(object.iter().filter_map(resolve).collect::<Result<_, TemplateError>>()?))
            }
        }
    }

    /// The same of a property or of an element of a list, which a reference to [`NO_VALUE`] leaves out.
    fn resolve_unless_none(&self, location: &Location, value: &Value) -> Result<Option<Value>, TemplateError> {
        match value.as_object().map(|object| (object.len(), object.iter().next())) {
            Some((1, Some((name, Value::String(what))))) if name == "Ref" && what == NO_VALUE => Ok(None),
            Some((1, Some((name, argument)))) if name == "Fn::If" => self.choose(location, argument),
            Some(_) | None => self.resolve(location, value).map(Some),
        }
    }

    /// `[condition, then, otherwise]`. Both are resolved, so that a wrong name is found in either.
    fn choose(&self, location: &Location, argument: &Value) -> Result<Option<Value>, TemplateError> {
        let Some([Value::String(name), then, otherwise]) = argument.as_array().map(Vec::as_slice) else {
            return Err(location.error("If needs a condition's name and two values"));
        };
        let [then, otherwise] = [then, otherwise].map(|value| self.resolve_unless_none(location, value));
        let (then, otherwise) = (then?, otherwise?);
        Ok(if self.holds(location, name)? { then } else { otherwise })
    }

    /// Whether a condition of the template holds.
    pub(super) fn holds(&self, location: &Location, name: &str) -> Result<bool, TemplateError> {
        self.named(location, name, self.conditions.len())
    }

    /// `depth` is how many conditions may still be on the way: with none left they refer to each other in a circle.
    fn named(&self, location: &Location, name: &str, depth: usize) -> Result<bool, TemplateError> {
        let Some(expression) = self.conditions.get(name) else {
            return Err(location.error(format!("refers to the condition `{name}`, which is none of this template")));
        };
        let location = Location::new("Conditions", name);
        let depth = depth.checked_sub(1).ok_or_else(|| location.error("depends on itself"))?;
        self.expression(&location, expression, depth)
    }

    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-conditions.html>
    fn expression(&self, location: &Location, expression: &Value, depth: usize) -> Result<bool, TemplateError> {
        let unknown = || location.error("needs one of Equals, Not, And, Or and Condition");
        let (name, argument) = match expression.as_object().map(|object| (object.len(), object.iter().next())) {
            Some((1, Some(one))) => one,
            _ => return Err(unknown()),
        };
        let parts = argument.as_array().map_or(&[][..], Vec::as_slice);
        let mut all = parts.iter().map(|part| self.expression(location, part, depth));
        match (name.as_str(), argument, parts) {
            ("Condition" | "Fn::Condition", Value::String(name), _) => self.named(location, name, depth),
            ("Fn::Equals", _, [left, right]) => Ok(self.resolve(location, left)? == self.resolve(location, right)?),
            ("Fn::Not", _, [part]) => Ok(!self.expression(location, part, depth)?),
            ("Fn::And", _, [_, _, ..]) => all.try_fold(true, |so_far, part| Ok(part? && so_far)),
            ("Fn::Or", _, [_, _, ..]) => all.try_fold(false, |so_far, part| Ok(part? || so_far)),
            _ => Err(unknown()),
        }
    }

    fn reference(&self, location: &Location, argument: &Value) -> Result<Value, TemplateError> {
        let name = argument.as_str().ok_or_else(|| location.error("Ref needs a name"))?;
        self.reference_text(location, name).map(Value::String)
    }

    fn reference_text(&self, location: &Location, name: &str) -> Result<String, TemplateError> {
        if let Some(value) = self.parameters.get(name) {
            return Ok(value.clone());
        }
        match name {
            "AWS::Region" => return Ok(names::REGION.to_owned()),
            "AWS::AccountId" => return Ok(names::ACCOUNT.to_owned()),
            "AWS::Partition" => return Ok("aws".to_owned()),
            "AWS::StackName" => return Ok(names::STACK.to_owned()),
            "AWS::URLSuffix" => return Ok("amazonaws.com".to_owned()),
            _ => {}
        }
        // SAM knows the stage that it makes by this name.
        if let Some(api) = name.strip_suffix(".Stage")
            && self.resource_type(location, api)? == "AWS::Serverless::HttpApi"
        {
            return Ok("$default".to_owned());
        }
        match self.resource_type(location, name)? {
            "AWS::SQS::Queue" => Ok(names::queue_url(self.aws_url, &names::resource(name))),
            _ => Ok(names::resource(name)),
        }
    }

    fn resource_type(&self, location: &Location, name: &str) -> Result<&str, TemplateError> {
        let Some(kind) = self.resources.get(name) else {
            return Err(location.error(format!(
                "refers to `{name}`, which is neither a parameter nor a resource of this template; check the name"
            )));
        };
        // SAM makes the HttpApi from its functions' events, so a function that refers to it is a circle.
        if kind == "AWS::Serverless::HttpApi" && location.property.contains("Environment.Variables") {
            return Err(location.error(format!(
                "refers to `{name}`, which itself depends on this function: CloudFormation refuses the circle; use the \
                 request's domain name instead"
            )));
        }
        Ok(kind)
    }

    fn attribute(&self, location: &Location, argument: &Value) -> Result<Value, TemplateError> {
        let (resource, attribute) = match argument {
            Value::String(text) => text.split_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())),
            Value::Array(parts) => match parts.as_slice() {
                [Value::String(resource), Value::String(attribute)] => Some((resource.clone(), attribute.clone())),
                _ => None,
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
        }
        .ok_or_else(|| location.error("GetAtt needs `Resource.Attribute`"))?;
        self.attribute_text(location, &resource, &attribute).map(Value::String)
    }

    fn attribute_text(&self, location: &Location, id: &str, attribute: &str) -> Result<String, TemplateError> {
        let name = names::resource(id);
        match (self.resource_type(location, id)?, attribute) {
            ("AWS::DynamoDB::Table", "Arn") => Ok(names::table_arn(&name)),
            ("AWS::DynamoDB::Table", "StreamArn") => Ok(names::stream_arn(&name)),
            ("AWS::SQS::Queue", "Arn") => Ok(names::queue_arn(&name)),
            ("AWS::SQS::Queue", "QueueName") => Ok(name),
            ("AWS::SQS::Queue", "QueueUrl") => Ok(names::queue_url(self.aws_url, &name)),
            ("AWS::Serverless::Function", "Arn") => Ok(names::function_arn(id)),
            ("AWS::Serverless::HttpApi", "ApiEndpoint") => Ok(self.api_url.to_owned()),
            (
                kind @ ("AWS::DynamoDB::Table"
                | "AWS::SQS::Queue"
                | "AWS::Serverless::Function"
                | "AWS::Serverless::HttpApi"),
                other,
            ) => {
                Err(location.error(format!("`{id}` is a {kind}, which has no attribute `{other}` that `local` knows")))
            }
            // Nothing here is run by `local`; any text will do.
            (_, other) => Ok(format!("arn:aws:local:{}:{}:{name}/{other}", names::REGION, names::ACCOUNT)),
        }
    }

    /// `text` or `[text, {name: value}]`; `${!x}` stands for a literal `${x}`.
    fn substitute(&self, location: &Location, argument: &Value) -> Result<Value, TemplateError> {
        let nothing = Map::new();
        let (text, given) = match argument {
            Value::String(text) => (text, &nothing),
            Value::Array(parts) => match parts.as_slice() {
                [Value::String(text), Value::Object(given)] => (text, given),
                _ => return Err(location.error("Sub needs a text, or a text and a mapping")),
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
                return Err(location.error("Sub needs a text, or a text and a mapping"));
            }
        };
        let mut result = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            result.push_str(before);
            let (name, after) = after.split_once('}').ok_or_else(|| location.error("`${` without `}` in Sub"))?;
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                result.push_str(&format!("${{{literal}}}"));
            } else if let Some(value) = given.get(name) {
                let value = self.resolve(location, value)?;
                result.push_str(&scalar_text(&value).ok_or_else(|| location.error(format!("`{name}` is no text")))?);
            } else if let Some((resource, attribute)) = name.split_once('.') {
                result.push_str(&self.attribute_text(location, resource, attribute)?);
            } else {
                result.push_str(&self.reference_text(location, name)?);
            }
        }
        result.push_str(rest);
        Ok(Value::String(result))
    }
}
