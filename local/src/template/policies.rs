//! Functions' policies: statements that allow, in the part of IAM's language that this product's template uses.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::properties::{Location, TemplateError, read};

/// One statement that allows something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    /// Names it in its function.
    pub(crate) sid: String,
    /// Patterns of actions: `dynamodb:PutItem`.
    pub(crate) actions: Vec<String>,
    /// Patterns of ARNs.
    pub(crate) resources: Vec<String>,
    /// Patterns that every partition key of a request has to match; nothing means any key.
    pub(crate) leading_keys: Option<Vec<String>>,
    /// From which addresses mails may be sent; nothing means any.
    pub(crate) from_addresses: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> From<OneOrMany<T>> for Vec<T> {
    fn from(some: OneOrMany<T>) -> Self {
        match some {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "there is one version of the language")]
struct Document {
    version: String,
    statement: Vec<StatementProperties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct StatementProperties {
    sid: String,
    effect: String,
    action: OneOrMany<String>,
    resource: OneOrMany<String>,
    #[serde(default)]
    condition: BTreeMap<String, BTreeMap<String, OneOrMany<String>>>,
}

/// The statements of a function's Policies.
pub(super) fn statements(location: &Location, policies: Value) -> Result<Vec<Statement>, TemplateError> {
    if policies.is_null() {
        return Ok(Vec::new());
    }
    let documents: Vec<Document> = read(location, policies).map_err(|error| {
        location.error(format!("{}; `local` knows lists of documents with Version, Sid, Effect, Action, Resource and Condition, no managed policies and no policy templates", error.problem))
    })?;
    let mut statements: Vec<Statement> = Vec::new();
    for properties in documents.into_iter().flat_map(|document| document.statement) {
        let location = location.child(&properties.sid);
        if properties.effect != "Allow" {
            return Err(location.child("Effect").error("`local` knows Allow only"));
        }
        if statements.iter().any(|other| other.sid == properties.sid) {
            return Err(location.error("there is another statement of this Sid"));
        }
        let mut statement = Statement {
            sid: properties.sid,
            actions: properties.action.into(),
            resources: properties.resource.into(),
            leading_keys: None,
            from_addresses: None,
        };
        for (operator, keys) in properties.condition {
            for (key, values) in keys {
                match (operator.as_str(), key.as_str()) {
                    ("ForAllValues:StringLike", "dynamodb:LeadingKeys") => statement.leading_keys = Some(values.into()),
                    ("StringEquals", "ses:FromAddress") => statement.from_addresses = Some(values.into()),
                    _ => {
                        return Err(location.child("Condition").error(format!(
                            "`local` does not know {operator} of {key}; it knows ForAllValues:StringLike of \
                             dynamodb:LeadingKeys and StringEquals of ses:FromAddress"
                        )));
                    }
                }
            }
        }
        statements.push(statement);
    }
    Ok(statements)
}
