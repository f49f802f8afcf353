//! What AWS would count: calls of its services, invocations, and DynamoDB's request units.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::tasks::lock;

/// The counts of a machine, repetitions by the SDK included. The function is `-` for callers that are none: tests, the
/// AWS CLI.
#[derive(Debug, Default)]
pub struct Meter {
    counts: Mutex<Counts>,
}

/// The counts so far, or since they were last reset.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    /// How often each function called each operation of any AWS service: (function, operation).
    pub calls: BTreeMap<(String, String), u64>,
    /// How often each function was invoked.
    pub invocations: BTreeMap<String, u64>,
    /// What DynamoDB charges for the calls, in request units: of writes, 1 KB each; of consistent reads, 4 KB each.
    pub units: BTreeMap<Usage, f64>,
}

/// What request units were consumed for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usage {
    /// Whose call it was.
    pub function: String,
    /// Which operation.
    pub operation: String,
    /// What kind of item: its partition key up to the first `#`. Empty where there are several, or an index is read.
    pub item: String,
    /// Which index, if not the table itself.
    pub index: Option<String>,
}

impl Usage {
    /// Whether these are write request units; read request units otherwise.
    #[must_use]
    pub fn is_write(&self) -> bool {
        is_write(&self.operation)
    }
}

impl Counts {
    /// How often `function` called any operation.
    #[must_use]
    pub fn calls_of(&self, function: &str) -> u64 {
        self.calls.iter().filter(|((caller, _), _)| caller == function).map(|(_, count)| count).sum()
    }
}

impl Meter {
    /// What was counted so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        lock(&self.counts).clone()
    }

    /// What was counted so far; counts from zero from now on.
    pub fn take(&self) -> Counts {
        std::mem::take(&mut *lock(&self.counts))
    }

    /// How often `function` called `operation` of any AWS service.
    #[must_use]
    pub fn calls(&self, function: &str, operation: &str) -> u64 {
        lock(&self.counts).calls.get(&(function.to_owned(), operation.to_owned())).copied().unwrap_or(0)
    }

    pub(crate) fn called(&self, function: &str, operation: &str) {
        *lock(&self.counts).calls.entry((function.to_owned(), operation.to_owned())).or_default() += 1;
    }

    pub(crate) fn invoked(&self, function: &str) {
        *lock(&self.counts).invocations.entry(function.to_owned()).or_default() += 1;
    }

    pub(crate) fn consumed(&self, usage: Usage, units: f64) {
        *lock(&self.counts).units.entry(usage).or_default() += units;
    }
}

/// Whether an operation of DynamoDB changes items.
pub(crate) fn is_write(operation: &str) -> bool {
    !["Get", "BatchGet", "TransactGet", "Query", "Scan", "Describe", "List"]
        .iter()
        .any(|prefix| operation.starts_with(prefix))
}
