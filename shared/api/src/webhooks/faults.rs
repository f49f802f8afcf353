//! The faults that a test endpoint asks for, as they are read and shown.

use models::{EndpointFaults, Mode};
use serde::{Deserialize, Serialize};

use crate::given::{Given, Object};
#[cfg(test)]
use crate::openapi::types as doc;
use crate::violations::{Violations, infallible};

/// What is to go wrong on purpose in deliveries to a test endpoint, so that your own tests meet it. Null, and an object that
/// asks for nothing, end it. With a live key it is refused.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
pub(crate) struct FaultsRequest {
    /// Whether what was accepted is sent a second time at once.
    #[serde(default)]
    duplicate: Given<bool>,
    /// How many seconds after it happened an event is first sent.
    #[cfg_attr(test, schemars(range(min = 0, max = EndpointFaults::MAX_DELAY_S)))]
    #[serde(default)]
    delay_s: Given<i64>,
    /// How many attempts to deliver each event fail without being sent.
    #[cfg_attr(test, schemars(range(min = 0, max = EndpointFaults::MAX_FIRST_ATTEMPTS_FAIL)))]
    #[serde(default)]
    first_attempts_fail: Given<i64>,
}

/// Reads the faults that are asked for; none if it is none of them.
pub(crate) fn faults(
    given: Given<Object<FaultsRequest>>,
    mode: Mode,
    wrong: &mut Violations,
) -> Option<EndpointFaults> {
    let Object(given) = wrong.optional(given, None, "faults", "must be an object", infallible)?;
    let mut number = |given, parameter| wrong.optional(given, None, parameter, "must be a whole number", infallible);
    let delay_s = number(given.delay_s, "faults.delay_s").unwrap_or(0);
    let first_attempts_fail = number(given.first_attempts_fail, "faults.first_attempts_fail").unwrap_or(0);
    let duplicate = wrong.optional(given.duplicate, None, "faults.duplicate", "must be true or false", infallible);
    match EndpointFaults::new(duplicate.unwrap_or(false), delay_s, first_attempts_fail) {
        Ok(Some(_)) if mode == Mode::Live => {
            wrong.add(None, "faults", "can be asked for with a test key only");
            None
        }
        Ok(faults) => faults,
        Err(invalid) => {
            invalid.into_iter().for_each(|fault| wrong.add(None, &format!("faults.{}", fault.field()), fault));
            None
        }
    }
}

/// What goes wrong on purpose in deliveries to a test endpoint; left out if nothing does.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
pub(crate) struct FaultsView {
    /// Whether what was accepted is sent a second time at once.
    duplicate: bool,
    /// How many seconds after it happened an event is first sent.
    delay_s: u32,
    /// How many attempts to deliver each event fail without being sent.
    first_attempts_fail: u32,
}

impl FaultsView {
    pub(crate) const fn new(faults: EndpointFaults) -> Self {
        Self {
            duplicate: faults.duplicate(),
            delay_s: faults.delay_s(),
            first_attempts_fail: faults.first_attempts_fail(),
        }
    }
}
