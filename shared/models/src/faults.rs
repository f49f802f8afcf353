//! What a merchant has go wrong on purpose in deliveries to a test endpoint, so that their own tests meet it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Faults that a test endpoint asked for: at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct EndpointFaults(Fields);

/// As they are stored; what is not asked for is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Fields {
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
    #[serde(default, skip_serializing_if = "is_zero")]
    delay_s: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    first_attempts_fail: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A fault that can't be asked for so. The text is for the merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidFault {
    /// Longer than [`EndpointFaults::MAX_DELAY_S`], or less than nothing.
    #[error("must be 0 to {}", EndpointFaults::MAX_DELAY_S)]
    DelayS,
    /// More than [`EndpointFaults::MAX_FIRST_ATTEMPTS_FAIL`], or less than nothing.
    #[error("must be 0 to {}", EndpointFaults::MAX_FIRST_ATTEMPTS_FAIL)]
    FirstAttemptsFail,
}

impl InvalidFault {
    /// The fault's name, as merchants spell it.
    pub const fn field(self) -> &'static str {
        match self {
            Self::DelayS => "delay_s",
            Self::FirstAttemptsFail => "first_attempts_fail",
        }
    }
}

impl EndpointFaults {
    /// The longest delay: a day.
    pub const MAX_DELAY_S: u32 = 86_400;

    /// How many attempts can be made to fail at the most. With the waits between them that takes less than a day, so that no
    /// delivery is given up for it.
    pub const MAX_FIRST_ATTEMPTS_FAIL: u32 = 10;

    /// Why an attempt was not sent that fails on purpose, for the merchant to read.
    pub const FAILED_ON_PURPOSE: &'static str = "failed on purpose: faults.first_attempts_fail";

    /// These faults; none if nothing is asked for.
    ///
    /// # Errors
    /// Each that is out of its range.
    pub fn new(duplicate: bool, delay_s: i64, first_attempts_fail: i64) -> Result<Option<Self>, Vec<InvalidFault>> {
        let within = |number: i64, most: u32| u32::try_from(number).ok().filter(|number| *number <= most);
        let delay_s = within(delay_s, Self::MAX_DELAY_S).ok_or(InvalidFault::DelayS);
        let first_attempts_fail =
            within(first_attempts_fail, Self::MAX_FIRST_ATTEMPTS_FAIL).ok_or(InvalidFault::FirstAttemptsFail);
        match (delay_s, first_attempts_fail) {
            (Ok(delay_s), Ok(first_attempts_fail)) => {
                let fields = Fields { duplicate, delay_s, first_attempts_fail };
                Ok((fields != Fields::default()).then_some(Self(fields)))
            }
            (delay_s, first_attempts_fail) => Err(delay_s.err().into_iter().chain(first_attempts_fail.err()).collect()),
        }
    }

    /// Whether what was accepted is sent a second time at once.
    pub const fn duplicate(self) -> bool {
        self.0.duplicate
    }

    /// How long after it happened an event is first sent; 0 if at once.
    pub const fn delay_s(self) -> u32 {
        self.0.delay_s
    }

    /// How many attempts to deliver each event fail without being sent; 0 if none.
    pub const fn first_attempts_fail(self) -> u32 {
        self.0.first_attempts_fail
    }

    /// When an event that happened then is first sent.
    pub fn first_sent_at(self, happened_at: Timestamp) -> Timestamp {
        happened_at.checked_add(SignedDuration::from_secs(self.0.delay_s.into())).unwrap_or(Timestamp::MAX)
    }

    /// Whether the next attempt fails on purpose, after this number that have failed.
    pub const fn fails_after(self, failed_attempts: u32) -> bool {
        failed_attempts < self.0.first_attempts_fail
    }
}

impl TryFrom<Fields> for EndpointFaults {
    type Error = &'static str;
    fn try_from(fields: Fields) -> Result<Self, Self::Error> {
        let Fields { duplicate, delay_s, first_attempts_fail } = fields;
        let read = Self::new(duplicate, delay_s.into(), first_attempts_fail.into());
        read.ok().flatten().ok_or("not faults that an endpoint can ask for")
    }
}

impl From<EndpointFaults> for Fields {
    fn from(EndpointFaults(fields): EndpointFaults) -> Self {
        fields
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(duplicate: bool, delay_s: i64, first_attempts_fail: i64) -> EndpointFaults {
        EndpointFaults::new(duplicate, delay_s, first_attempts_fail).unwrap().unwrap()
    }

    #[test]
    fn each_has_its_range_and_all_that_are_out_of_it_are_named() {
        assert_eq!(EndpointFaults::new(false, 0, 0), Ok(None), "nothing is asked for");
        for (duplicate, delay_s, first) in [(true, 0, 0), (false, 1, 0), (false, 0, 1), (true, 86_400, 10)] {
            let faults = faults(duplicate, delay_s, first);
            assert_eq!(
                (faults.duplicate(), i64::from(faults.delay_s()), i64::from(faults.first_attempts_fail())),
                (duplicate, delay_s, first)
            );
        }
        let [delay, first] = [InvalidFault::DelayS, InvalidFault::FirstAttemptsFail];
        for out in [-1, 86_401, i64::MIN, i64::MAX] {
            assert_eq!(EndpointFaults::new(true, out, 10), Err(vec![delay]), "{out}");
            assert_eq!(EndpointFaults::new(false, out, 11), Err(vec![delay, first]), "{out}");
        }
        for out in [-1, 11, i64::MIN, i64::MAX] {
            assert_eq!(EndpointFaults::new(false, 86_400, out), Err(vec![first]), "{out}");
        }
        let said = [delay, first].map(|fault| (fault.field(), fault.to_string()));
        assert_eq!(said, [("delay_s", "must be 0 to 86400".into()), ("first_attempts_fail", "must be 0 to 10".into())]);
    }

    #[test]
    fn what_is_asked_for_is_stored_and_nothing_else_reads_back() {
        for (faults, stored) in [
            (faults(true, 0, 0), json!({ "duplicate": true })),
            (faults(false, 5, 0), json!({ "delay_s": 5 })),
            (faults(false, 0, 2), json!({ "first_attempts_fail": 2 })),
            (faults(true, 5, 2), json!({ "duplicate": true, "delay_s": 5, "first_attempts_fail": 2 })),
        ] {
            assert_eq!(serde_json::to_value(faults).unwrap(), stored);
            assert_eq!(serde_json::from_value::<EndpointFaults>(stored).unwrap(), faults);
        }
        for wrong in [json!({}), json!({ "duplicate": false }), json!({ "delay_s": 86_401 }), json!({ "delay_s": -1 })]
        {
            assert!(serde_json::from_value::<EndpointFaults>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_event_waits_from_when_it_happened_and_the_first_attempts_fail() {
        let now = Timestamp::constant(1_772_000_000, 0);
        assert_eq!(faults(false, 90, 0).first_sent_at(now).duration_since(now), SignedDuration::from_secs(90));
        assert_eq!(faults(true, 0, 0).first_sent_at(now), now);
        assert_eq!(faults(false, 1, 0).first_sent_at(Timestamp::MAX), Timestamp::MAX);
        assert_eq!([0, 1, 2, 3].map(|failed| faults(false, 0, 2).fails_after(failed)), [true, true, false, false]);
        assert!(!faults(true, 9, 0).fails_after(0));
    }
}
