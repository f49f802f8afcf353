//! Event filter patterns: which records reach a function.
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html>

use std::collections::BTreeMap;

use serde_json::Value;

/// A pattern of equalities and prefixes: every leaf is a list of what is allowed at that position.
///
/// AWS's other comparisons (`exists`, `anything-but`, …) are refused rather than misread.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Filter(Node);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    All(BTreeMap<String, Node>),
    AnyOf(Vec<Leaf>),
}

#[derive(Debug, Clone, PartialEq)]
enum Leaf {
    Equals(Value),
    Prefix(String),
}

impl Leaf {
    fn parse(value: &Value) -> Result<Self, String> {
        match value {
            Value::Object(comparison) => match (comparison.len(), comparison.get("prefix")) {
                (1, Some(Value::String(prefix))) => Ok(Self::Prefix(prefix.clone())),
                _ => Err(format!("`local` knows equality and prefix only, not {value}")),
            },
            Value::Array(_) => Err(format!("`local` knows equality and prefix only, not {value}")),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(Self::Equals(value.clone())),
        }
    }

    fn allows(&self, value: &Value) -> bool {
        match self {
            Self::Equals(allowed) => value == allowed,
            Self::Prefix(prefix) => value.as_str().is_some_and(|text| text.starts_with(prefix)),
        }
    }
}

impl Filter {
    /// Reads a pattern's JSON text.
    pub(crate) fn parse(pattern: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(pattern).map_err(|error| format!("is no JSON: {error}"))?;
        if !value.is_object() {
            return Err("must be a JSON object".to_owned());
        }
        node(&value).map(Self)
    }

    /// Whether an event passes.
    pub(crate) fn matches(&self, event: &Value) -> bool {
        self.0.matches(event)
    }
}

fn node(value: &Value) -> Result<Node, String> {
    match value {
        Value::Object(object) => {
            let children = object.iter().map(|(key, value)| Ok((key.clone(), node(value)?)));
            Ok(Node::All(children.collect::<Result<_, String>>()?))
        }
        Value::Array(values) if values.is_empty() => Err("an empty list matches nothing".to_owned()),
        Value::Array(values) => values.iter().map(Leaf::parse).collect::<Result<_, _>>().map(Node::AnyOf),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Err(format!("{value} must stand in a list: [{value}]"))
        }
    }
}

impl Node {
    fn matches(&self, value: &Value) -> bool {
        match self {
            Self::All(children) => {
                children.iter().all(|(key, child)| value.get(key).is_some_and(|value| child.matches(value)))
            }
            // A list in the event passes if any of its elements does.
            Self::AnyOf(allowed) => match value.as_array() {
                Some(values) => values.iter().any(|value| allowed.iter().any(|leaf| leaf.allows(value))),
                None => allowed.iter().any(|leaf| leaf.allows(value)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn passes_what_equals_and_nothing_else() {
        let filter = Filter::parse(r#"{"dynamodb":{"Keys":{"sk":{"S":["SESSION","OTHER"]}}}}"#).unwrap();
        assert!(filter.matches(&json!({"dynamodb": {"Keys": {"pk": {"S": "x"}, "sk": {"S": "SESSION"}}}})));
        assert!(!filter.matches(&json!({"dynamodb": {"Keys": {"sk": {"S": "EVENT#1"}}}})));
        assert!(!filter.matches(&json!({"dynamodb": {"Keys": {}}})));
    }

    #[test]
    fn passes_what_begins_so() {
        let filter = Filter::parse(r#"{"sk":["SESSION",{"prefix":"REFUND#"}]}"#).unwrap();
        for (sk, passes) in [("SESSION", true), ("REFUND#x", true), ("REFUND", false), ("xREFUND#", false)] {
            assert_eq!(filter.matches(&json!({ "sk": sk })), passes, "{sk}");
        }
        assert!(!filter.matches(&json!({ "sk": 1 })));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for pattern in [
            r#"{"a":[{"suffix":"b"}]}"#,
            r#"{"a":[{"prefix":1}]}"#,
            r#"{"a":[["b"]]}"#,
            r#"{"a":"b"}"#,
            r#"{"a":[]}"#,
            "[]",
            "{",
        ] {
            assert!(Filter::parse(pattern).is_err(), "{pattern}");
        }
    }
}
