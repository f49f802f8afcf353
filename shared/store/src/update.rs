//! One conditional update, put together piece by piece; sent alone, or as a part of a transaction.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};

use jiff::Timestamp;
use models::WriteId;

use crate::conflicts::past_conflicts;
use crate::error::StoreError;
use crate::table::{Item, Key, Table, ms, n, s};
use crate::write::WriteKind;

/// A conditional `UpdateItem` that answers with the whole item: the new one, or, if a condition did not hold, the old.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    kind: WriteKind,
    key: Key,
    sets: Vec<String>,
    removes: Vec<String>,
    conditions: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

/// How often an item was changed by writes that expect its version; 0 as well if by none yet, or by an earlier release alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version(u64);

impl Version {
    /// An item's, there or not.
    pub(crate) fn of(item: Option<&Item>) -> Self {
        let version = item.and_then(|item| item.get("version")?.as_n().ok()?.parse().ok());
        Self(version.unwrap_or_default())
    }
}

/// What became of an update.
pub(crate) enum Updated {
    /// Done; the item as it is now.
    New(Item),
    /// A condition did not hold; the item as it is, if there is one.
    Refused(Option<Item>),
}

impl Update {
    pub(crate) fn new(kind: WriteKind, key: Key) -> Self {
        Self {
            kind,
            key,
            sets: Vec::new(),
            removes: Vec::new(),
            conditions: Vec::new(),
            names: HashMap::new(),
            values: HashMap::new(),
        }
    }

    /// Sets a top-level attribute.
    pub(crate) fn set(mut self, attribute: &str, value: AttributeValue) -> Self {
        self.sets.push(format!("#{attribute} = :set_{attribute}"));
        self.names.insert(format!("#{attribute}"), attribute.to_owned());
        self.values.insert(format!(":set_{attribute}"), value);
        self
    }

    /// Appends to a list attribute.
    pub(crate) fn append(mut self, attribute: &str, value: AttributeValue) -> Self {
        self.sets.push(format!("#{attribute} = list_append(#{attribute}, :append_{attribute})"));
        self.names.insert(format!("#{attribute}"), attribute.to_owned());
        self.values.insert(format!(":append_{attribute}"), AttributeValue::L(vec![value]));
        self
    }

    /// Adds 1 to a number attribute.
    pub(crate) fn increment(mut self, attribute: &str) -> Self {
        self.sets.push(format!("#{attribute} = #{attribute} + :one"));
        self.names.insert(format!("#{attribute}"), attribute.to_owned());
        self.values.insert(":one".to_owned(), AttributeValue::N("1".to_owned()));
        self
    }

    /// Sets a top-level attribute to what an expression says. In it and in conditions, `#attribute` stands for that
    /// attribute, `#a.#b` for one inside.
    pub(crate) fn set_to<const N: usize>(
        mut self,
        attribute: &str,
        expression: &str,
        values: [(&str, AttributeValue); N],
    ) -> Self {
        self.sets.push(format!("#{attribute} = {expression}"));
        self.names.insert(format!("#{attribute}"), attribute.to_owned());
        self.names_in(expression);
        self.values.extend(values.into_iter().map(|(name, value)| (name.to_owned(), value)));
        self
    }

    /// Sets what is inside of an attribute, `#a.#b`, whose outer parts are there.
    pub(crate) fn set_inside(mut self, path: &str, value: AttributeValue) -> Self {
        let placeholder = format!(":set_{}", path.replace('#', "").replace('.', "_"));
        self.names_in(path);
        self.sets.push(format!("{path} = {placeholder}"));
        self.values.insert(placeholder, value);
        self
    }

    /// Sets an element of a list attribute.
    pub(crate) fn set_element(mut self, attribute: &str, index: usize, value: AttributeValue) -> Self {
        self.sets.push(format!("#{attribute}[{index}] = :element"));
        self.names.insert(format!("#{attribute}"), attribute.to_owned());
        self.values.insert(":element".to_owned(), value);
        self
    }

    /// Removes top-level attributes.
    pub(crate) fn remove(mut self, attributes: &[&str]) -> Self {
        for attribute in attributes {
            self.removes.push(format!("#{attribute}"));
            self.names.insert(format!("#{attribute}"), (*attribute).to_owned());
        }
        self
    }

    /// Adds a condition.
    pub(crate) fn when<const N: usize>(mut self, condition: &str, values: [(&str, AttributeValue); N]) -> Self {
        self.names_in(condition);
        self.conditions.push(format!("({condition})"));
        self.values.extend(values.into_iter().map(|(name, value)| (name.to_owned(), value)));
        self
    }

    pub(crate) const fn kind(&self) -> WriteKind {
        self.kind
    }

    /// Only of this version, which is the next one then: a condition that holds once.
    pub(crate) fn of_version(self, version: Version) -> Self {
        let Version(seen) = version;
        self.at_version(version).set("version", n(seen.saturating_add(1)))
    }

    /// Only of this version, which it stays.
    pub(crate) fn at_version(self, Version(seen): Version) -> Self {
        if seen == 0 {
            self.when("attribute_not_exists(#version)", [])
        } else {
            self.when("#version = :seen_version", [(":seen_version", n(seen))])
        }
    }

    /// Only if no entry of the history, which has at most `entries`, is later than this; and if it is the time of the test
    /// clock that the item follows, where it follows one.
    pub(crate) fn not_before_history(self, entries: usize, at: Timestamp) -> Self {
        // A comparison with what is not there does not hold.
        let clauses: Vec<_> = (0..entries).map(|index| format!("NOT #history[{index}].#at > :entered_at")).collect();
        self.when(&clauses.join(" AND "), [(":entered_at", ms(at))])
            .when("attribute_not_exists(#test_clock) OR #test_clock.#now = :entered_at", [])
    }

    /// Takes a lease that nobody holds at `now`. It leaves `due_at` as it is: moving an entry of the due index is two more
    /// writes, and what is enqueued again meanwhile is refused here.
    pub(crate) fn lease(self, id: &WriteId, now: Timestamp, until: Timestamp) -> Self {
        self.when("attribute_not_exists(#lease_until) OR #lease_until <= :lease_now", [(":lease_now", ms(now))])
            .set("lease_id", s(id.as_str()))
            .set("lease_until", ms(until))
    }

    /// Adds the condition that a string attribute is one of these.
    pub(crate) fn when_one_of<'a>(mut self, attribute: &str, texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut placeholders = Vec::new();
        for (n, text) in texts.into_iter().enumerate() {
            placeholders.push(format!(":{attribute}_{n}"));
            self.values.insert(format!(":{attribute}_{n}"), AttributeValue::S(text.to_owned()));
        }
        self.names.insert(format!("#{attribute}"), attribute.to_owned());
        self.conditions.push(format!("#{attribute} IN ({})", placeholders.join(", ")));
        self
    }

    fn names_in(&mut self, expression: &str) {
        for name in expression.split(|c: char| !(c == '#' || c == '_' || c.is_ascii_alphanumeric())) {
            if let Some(attribute) = name.strip_prefix('#') {
                self.names.insert(name.to_owned(), attribute.to_owned());
            }
        }
    }

    fn expression(&self) -> String {
        let mut expression = String::new();
        for (keyword, clauses) in [("SET", &self.sets), ("REMOVE", &self.removes)] {
            if !clauses.is_empty() {
                expression.push_str(&format!("{keyword} {} ", clauses.join(", ")));
            }
        }
        expression
    }

    fn condition(&self) -> Option<String> {
        (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "))
    }

    /// As a part of a transaction; refused, it answers with the old item.
    pub(crate) fn in_transaction(self, table: &Table) -> Result<types::Update, BuildError> {
        types::Update::builder()
            .table_name(&table.name)
            .update_expression(self.expression())
            .set_condition_expression(self.condition())
            .set_key(Some(self.key.into_item()))
            .set_expression_attribute_names(Some(self.names))
            .set_expression_attribute_values((!self.values.is_empty()).then_some(self.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
    }

    pub(crate) async fn send(self, table: &Table) -> Result<Updated, StoreError> {
        past_conflicts(|| self.clone().send_once(table)).await
    }

    async fn send_once(self, table: &Table) -> Result<Updated, StoreError> {
        let (kind, expression, condition) = (self.kind, self.expression(), self.condition());
        let request = table
            .client
            .update_item()
            .table_name(&table.name)
            .set_key(Some(self.key.into_item()))
            .update_expression(expression)
            .set_condition_expression(condition)
            .set_expression_attribute_names(Some(self.names))
            .set_expression_attribute_values((!self.values.is_empty()).then_some(self.values))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send();
        #[cfg(test)]
        let request = crate::write::sending(vec![kind], request);
        match request.await {
            Ok(output) => Ok(Updated::New(output.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Updated::Refused(failed.item().cloned()))
                }
                Some(UpdateItemError::TransactionConflictException(_)) => {
                    Err(StoreError::Conflict { operation: kind.as_str() })
                }
                Some(_) | None => Err(StoreError::unavailable(kind.as_str(), error)),
            },
        }
    }
}
