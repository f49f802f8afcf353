//! What calls functions besides HTTP: the table's stream, queues and schedules, as Lambda's event source mappings do.

pub(crate) mod queue;
pub(crate) mod schedule;
pub(crate) mod stream;

use std::sync::Arc;

use serde_json::Value;

use crate::faults::Faults;
use crate::functions::{Functions, InvokeError};

/// What a function made of a batch.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    AllDone,
    /// These items failed, by identifier; only with ReportBatchItemFailures.
    SomeFailed(Vec<String>),
    AllFailed,
}

/// Invokes with a batch, twice if faults say so; the later outcome counts.
async fn deliver(
    functions: &Arc<Functions>,
    faults: &Faults,
    function: &str,
    event: &Value,
    partial_failures: bool,
) -> Outcome {
    let event = hyper::body::Bytes::from(event.to_string());
    if faults.delivers_twice() {
        let first = functions.invoke(function, event.clone()).await;
        if first.is_err() {
            return Outcome::AllFailed;
        }
    }
    outcome(functions.invoke(function, event).await, partial_failures)
}

/// Reads the answer by AWS's rules: <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>
fn outcome(result: Result<hyper::body::Bytes, InvokeError>, partial_failures: bool) -> Outcome {
    let Ok(output) = result else { return Outcome::AllFailed };
    if !partial_failures || output.is_empty() {
        return Outcome::AllDone;
    }
    let failures = match serde_json::from_slice::<Value>(&output) {
        Ok(Value::Null) => return Outcome::AllDone,
        Ok(Value::Object(mut object)) => match object.remove("batchItemFailures") {
            None | Some(Value::Null) => return Outcome::AllDone,
            Some(Value::Array(failures)) => failures,
            Some(_) => return Outcome::AllFailed,
        },
        Ok(_) => return Outcome::AllDone,
        Err(_) => return Outcome::AllFailed,
    };
    let mut ids = Vec::with_capacity(failures.len());
    for failure in failures {
        match failure.get("itemIdentifier").and_then(Value::as_str) {
            Some(id) if !id.is_empty() => ids.push(id.to_owned()),
            Some(_) | None => return Outcome::AllFailed,
        }
    }
    if ids.is_empty() { Outcome::AllDone } else { Outcome::SomeFailed(ids) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_by_awss_rules() {
        let read = |text: &str, partial| outcome(Ok(text.to_owned().into()), partial);
        for done in ["", "null", "{}", r#"{"batchItemFailures":[]}"#, r#"{"batchItemFailures":null}"#, "\"ok\""] {
            assert_eq!(read(done, true), Outcome::AllDone, "{done}");
        }
        let one = r#"{"batchItemFailures":[{"itemIdentifier":"7"}]}"#;
        assert_eq!(read(one, true), Outcome::SomeFailed(vec!["7".to_owned()]));
        assert_eq!(read(one, false), Outcome::AllDone, "not asked to report");
        for failed in [
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"id":"7"}]}"#,
            r#"{"batchItemFailures":"7"}"#,
            "{",
        ] {
            assert_eq!(read(failed, true), Outcome::AllFailed, "{failed}");
        }
        let error = InvokeError::TimedOut { timeout_ms: 1 };
        assert_eq!(outcome(Err(error), true), Outcome::AllFailed);
    }
}
