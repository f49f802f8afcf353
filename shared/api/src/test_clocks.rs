//! Our own API of test clocks, `/v2/test_clocks`, which no wire format has.

use jiff::Timestamp;
use models::{InvalidId, MAX_SESSIONS_ON_A_CLOCK, Name, TestClock, TestClockId, stamp};
use serde::{Deserialize, Serialize};

use crate::error::Refusal;
use crate::given::Given;
use crate::json::Json;
#[cfg(test)]
use crate::openapi::types as doc;
use crate::rfc_3339::rfc_3339;
use crate::violations::{A_STRING, Violations};

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "NewTestClock", transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
pub(crate) struct TestClockRequest {
    /// The time that it shows at first, from a year ago to ten years ahead; the real one if left out.
    #[cfg_attr(test, schemars(with = "doc::PreciseTimestamp"))]
    #[serde(default)]
    now: Given<String>,
    /// Your own note.
    #[cfg_attr(test, schemars(with = "doc::Text<140>"))]
    #[serde(default)]
    name: Given<String>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "TestClockAdvance", transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
pub(crate) struct AdvanceRequest {
    /// The time that it is to show: later than it does, at most 100 days later, and at most ten years ahead.
    #[cfg_attr(test, schemars(with = "doc::PreciseTimestamp", extend("must_be_given" = true)))]
    #[serde(default)]
    to: Given<String>,
}

/// What a client says of a test clock to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestClockParts {
    /// The time that it shows at first.
    pub now: Timestamp,
    /// The merchant's own note.
    pub name: Option<Name>,
}

/// Reads what a test clock is created of, while the real time is `real`.
///
/// # Errors
/// 400 if it can't be read at all; else 422 with everything that is wrong.
pub fn parse_test_clock(body: &Json<'_>, real: Timestamp) -> Result<TestClockParts, Refusal> {
    let request: TestClockRequest = body.object()?;
    let mut wrong = Violations::default();
    let now = wrong.optional(request.now, None, "now", A_STRING, |text| {
        TestClock::begins_at(timestamp(&text)?, real).map_err(|error| error.to_string())
    });
    let name = wrong.optional(request.name, None, "name", A_STRING, Name::try_from);
    if wrong.0.is_empty() {
        Ok(TestClockParts { now: now.unwrap_or(real), name })
    } else {
        Err(Refusal::Invalid(wrong.0))
    }
}

/// Reads the time to which a test clock is to be advanced. Whether that clock can be is not checked here:
/// [`TestClock::advances_to`] does.
///
/// # Errors
/// 400 if it can't be read at all; else 422.
pub fn parse_advance(body: &Json<'_>) -> Result<Timestamp, Refusal> {
    let request: AdvanceRequest = body.object()?;
    let mut wrong = Violations::default();
    let to = wrong.required(request.to, None, "to", A_STRING, |text| timestamp(&text));
    to.ok_or(Refusal::Invalid(wrong.0))
}

/// The parameter of a session's creation that names its test clock.
const TEST_CLOCK: &str = "test_clock";

/// `test_clock`, as the creation of a session gives it: which one that is to follow. What is wrong has this code.
pub(crate) fn read_test_clock(
    given: Given<String>,
    code: Option<&'static str>,
    wrong: &mut Violations,
) -> Option<TestClockId> {
    wrong.optional(given, code, TEST_CLOCK, A_STRING, |text| {
        text.parse().map_err(|_: InvalidId| "must be the id of a test clock")
    })
}

/// Why a session can't follow the test clock that it names, when that says no: it is gone or was never there, is being advanced,
/// or is followed by too many.
pub fn not_on_clock(clock: Option<&TestClock>) -> Refusal {
    match clock {
        None => Refusal::invalid(TEST_CLOCK, "names no test clock of yours"),
        Some(TestClock { target: Some(target), .. }) => Refusal::InvalidAction {
            title: format!(
                "{TEST_CLOCK} is being advanced to {}; create the session when that is done",
                stamp(*target)
            ),
            parameter: Some(TEST_CLOCK),
        },
        Some(_) => Refusal::invalid(
            TEST_CLOCK,
            format_args!("is followed by {MAX_SESSIONS_ON_A_CLOCK} sessions, which is the most; create another clock"),
        ),
    }
}

fn timestamp(text: &str) -> Result<Timestamp, String> {
    rfc_3339(text).ok_or_else(|| "must be a time such as 2026-01-31T09:30:00Z".to_owned())
}

/// Whether a test clock stands still.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Ready,
    Advancing,
}

/// A test clock as its merchant reads it.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "TestClock"))]
#[derive(Debug, Serialize)]
pub struct TestClockView<'a> {
    #[cfg_attr(test, schemars(with = "doc::Id"))]
    id: String,
    /// Your own note.
    name: Option<&'a str>,
    /// The time that it shows.
    #[cfg_attr(test, schemars(with = "doc::PreciseTimestamp"))]
    now: String,
    /// `advancing` from the request to advance it until all is done that is due by then.
    status: Status,
    /// The time to which it is being advanced; null if it is `ready`.
    #[cfg_attr(test, schemars(with = "Option<doc::PreciseTimestamp>"))]
    advancing_to: Option<String>,
    /// How many sessions follow it.
    #[cfg_attr(test, schemars(range(max = models::MAX_SESSIONS_ON_A_CLOCK)))]
    session_count: usize,
    /// When it was created, in real time.
    #[cfg_attr(test, schemars(with = "doc::PreciseTimestamp"))]
    created_at: String,
}

impl<'a> TestClockView<'a> {
    /// As it is.
    pub fn new(clock: &'a TestClock) -> Self {
        Self {
            id: clock.id.to_string(),
            name: clock.name.as_ref().map(Name::as_str),
            now: stamp(clock.now),
            status: if clock.target.is_some() { Status::Advancing } else { Status::Ready },
            advancing_to: clock.target.map(stamp),
            session_count: clock.sessions.len(),
            created_at: stamp(clock.created_at),
        }
    }
}

#[cfg(test)]
mod tests;
