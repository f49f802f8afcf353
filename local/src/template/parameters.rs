//! Parameters: what they are on one machine, and whether CloudFormation would accept that.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::properties::{Location, TemplateError, read, scalar_text, some_number};
use crate::names;

/// What parameters are on one machine, unless a value is given: every format is switched on, as nothing of an older release
/// runs here, and a secret has a name.
const VALUES_HERE: [(&str, &str); 2] =
    [("Formats", "banked,yorlet,fintecture"), ("TrueLayerSecretArn", names::TRUELAYER_SECRET_ARN)];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "properties without effect on this machine, named so that unknown ones are noticed")]
struct Parameter {
    #[serde(rename = "Type")]
    kind: Kind,
    default: Option<Value>,
    allowed_values: Option<Vec<Value>>,
    allowed_pattern: Option<String>,
    #[serde(default, deserialize_with = "some_number")]
    min_value: Option<f64>,
    #[serde(default, deserialize_with = "some_number")]
    max_value: Option<f64>,
    #[serde(default)]
    description: Value,
}

#[derive(PartialEq, Deserialize)]
enum Kind {
    String,
    Number,
}

impl Parameter {
    fn check(&self, location: &Location, value: &str) -> Result<(), TemplateError> {
        let allowed = self.allowed_values.as_ref();
        if allowed.is_some_and(|allowed| !allowed.iter().filter_map(scalar_text).any(|text| text == value)) {
            return Err(location.error(format!("`{value}` is not among its AllowedValues")));
        }
        if let Some(pattern) = &self.allowed_pattern {
            // It is for the whole value.
            let whole = Regex::new(&format!("^(?:{pattern})$"));
            let whole = whole.map_err(|error| location.child("AllowedPattern").error(error.to_string()))?;
            if !whole.is_match(value) {
                return Err(location.error(format!("`{value}` does not match its AllowedPattern `{pattern}`")));
            }
        }
        if self.kind == Kind::Number {
            let number = value.parse::<f64>().ok().filter(|number| number.is_finite());
            let number = number.ok_or_else(|| location.error(format!("`{value}` is no number")))?;
            if let Some(min) = self.min_value.filter(|min| number < *min) {
                return Err(location.error(format!("`{value}` is below its MinValue {min}")));
            }
            if let Some(max) = self.max_value.filter(|max| number > *max) {
                return Err(location.error(format!("`{value}` is above its MaxValue {max}")));
            }
        }
        Ok(())
    }
}

/// Every parameter's value: the one given, the one of this machine, or its default.
pub(super) fn values(
    declared: &BTreeMap<String, Value>,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, TemplateError> {
    if let Some(unknown) = given.keys().find(|name| !declared.contains_key(*name)) {
        return Err(
            Location::new("Parameters", unknown).error("a value is given, but the template has no such parameter")
        );
    }
    let mut values = BTreeMap::new();
    for (name, declared) in declared {
        let location = Location::new("Parameters", name);
        let parameter: Parameter = read(&location, declared.clone())?;
        let here = VALUES_HERE.iter().find(|(here, _)| here == name).map(|(_, value)| *value);
        let default = parameter.default.as_ref().and_then(scalar_text);
        let value = match (given.get(name), here) {
            (Some(value), _) => value.clone(),
            (None, Some(value)) => value.to_owned(),
            (None, None) => {
                default.ok_or_else(|| location.error("has no default; `local` needs one, or a value given"))?
            }
        };
        parameter.check(&location, &value)?;
        values.insert(name.clone(), value);
    }
    Ok(values)
}
