//! Test clocks: a time that a merchant's own tests move forward, and that sessions in test mode follow instead of the real one.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::{MerchantId, SessionId, TestClockId};
use crate::text::Name;
use crate::time::stamp;

/// How many sessions may follow one clock.
pub const MAX_SESSIONS_ON_A_CLOCK: usize = 100;

/// How much earlier than the real time a clock may begin, and how much later it may be.
const MAX_BEFORE: SignedDuration = SignedDuration::from_hours(365 * 24);
const MAX_AHEAD: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);

/// How long a clock is there, in real time: less than events are kept, so that of what follows it all are there.
const LIFETIME: SignedDuration = SignedDuration::from_hours(28 * 24);

/// By how much a clock is advanced at a time.
const MAX_ADVANCE: SignedDuration = SignedDuration::from_hours(100 * 24);

/// A test clock. It stands still but for being advanced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestClock {
    /// Its id.
    pub id: TestClockId,
    /// Whose it is.
    pub merchant_id: MerchantId,
    /// The merchant's own note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// When it was made, in real time.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub created_at: Timestamp,
    /// The time that it shows.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub now: Timestamp,
    /// The time that it is being advanced to, while it is.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::millisecond::optional"
    )]
    pub target: Option<Timestamp>,
    /// The sessions that follow it, at most [`MAX_SESSIONS_ON_A_CLOCK`].
    #[serde(default)]
    pub sessions: Vec<SessionId>,
}

/// What a session or refund keeps of the clock that it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnClock {
    /// Which.
    pub id: TestClockId,
    /// The time that it shows.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub now: Timestamp,
}

impl OnClock {
    /// As it was when it showed this time.
    pub(crate) const fn at(self, now: Timestamp) -> Self {
        Self { now, ..self }
    }

    /// Until when the clock is there at the most, in real time: its id says when it was made.
    pub fn ends_at(&self) -> Timestamp {
        self.id.made_at().and_then(|made_at| made_at.checked_add(LIFETIME).ok()).unwrap_or(Timestamp::MIN)
    }

    /// The time by the clock, if there is one; else the real time.
    pub fn time(on_clock: Option<&Self>, real: Timestamp) -> Timestamp {
        on_clock.map_or(real, |clock| clock.now)
    }
}

/// A time that a clock can't show; reads on after the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidClockTime {
    /// It is too long ago.
    #[error("must be at most a year ago")]
    TooEarly,
    /// It is too far ahead.
    #[error("must be at most ten years ahead")]
    TooFarAhead,
    /// The clock shows it, or a later one.
    #[error("must be later than {}, which the clock shows: it moves only forward", stamp(*.0))]
    NotForward(Timestamp),
    /// It is too much later than the one that the clock shows.
    #[error("must be at most 100 days later than {}, which the clock shows; advance it step by step", stamp(*.0))]
    TooMuchAtOnce(Timestamp),
}

impl TestClock {
    /// The time at which a clock begins, if it can be this one while the real time is `real`.
    ///
    /// # Errors
    /// It is more than a year ago or ten years ahead.
    pub fn begins_at(begin: Timestamp, real: Timestamp) -> Result<Timestamp, InvalidClockTime> {
        if real.duration_since(begin) > MAX_BEFORE {
            return Err(InvalidClockTime::TooEarly);
        }
        not_too_far_ahead(begin, real)
    }

    /// The time to advance to, if it can be this one while the real time is `real`.
    ///
    /// # Errors
    /// It is no later time than it shows, more than 100 days later, or more than ten years ahead.
    pub fn advances_to(&self, to: Timestamp, real: Timestamp) -> Result<Timestamp, InvalidClockTime> {
        if to <= self.now {
            return Err(InvalidClockTime::NotForward(self.now));
        }
        if to.duration_since(self.now) > MAX_ADVANCE {
            return Err(InvalidClockTime::TooMuchAtOnce(self.now));
        }
        not_too_far_ahead(to, real)
    }

    /// Until when it is there, in real time.
    pub fn ends_at(&self) -> Timestamp {
        self.created_at.checked_add(LIFETIME).unwrap_or(Timestamp::MAX)
    }

    /// What a session that follows it keeps of it.
    pub const fn on_clock(&self) -> OnClock {
        OnClock { id: self.id, now: self.now }
    }
}

fn not_too_far_ahead(time: Timestamp, real: Timestamp) -> Result<Timestamp, InvalidClockTime> {
    if time.duration_since(real) > MAX_AHEAD { Err(InvalidClockTime::TooFarAhead) } else { Ok(time) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_clock_begins_within_a_year_ago_and_ten_years_ahead() {
        let real = at("2026-06-01T00:00:00Z");
        for begin in ["2025-06-01T00:00:00Z", "2026-06-01T00:00:00Z", "2036-05-29T00:00:00Z"] {
            assert_eq!(TestClock::begins_at(at(begin), real), Ok(at(begin)));
        }
        assert_eq!(TestClock::begins_at(at("2025-05-31T23:59:59.999Z"), real), Err(InvalidClockTime::TooEarly));
        assert_eq!(TestClock::begins_at(at("2036-05-29T00:00:00.001Z"), real), Err(InvalidClockTime::TooFarAhead));
    }

    #[test]
    fn what_was_is_shown_by_the_clock_as_it_was() {
        let at = |day: i64| at("2026-06-01T00:00:00Z") + SignedDuration::from_hours(24 * day);
        let on_clock = OnClock { id: TestClockId::new(uuid::Uuid::nil()), now: at(40) };
        assert_eq!((OnClock::time(Some(&on_clock), at(3)), OnClock::time(None, at(3))), (at(40), at(3)));
        assert_eq!(OnClock::time(Some(&on_clock.at(at(1))), at(3)), at(1));
    }

    #[test]
    fn a_clock_moves_only_forward_and_not_too_far() {
        let (real, now) = (at("2026-06-01T00:00:00Z"), at("2026-07-01T00:00:00Z"));
        let clock = TestClock {
            id: TestClockId::new(uuid::Uuid::nil()),
            merchant_id: "demo".parse().unwrap(),
            name: None,
            created_at: real,
            now,
            target: None,
            sessions: Vec::new(),
        };
        for to in ["2026-07-01T00:00:00.001Z", "2026-10-09T00:00:00Z"] {
            assert_eq!(clock.advances_to(at(to), real), Ok(at(to)));
        }
        for (to, why) in [
            ("2026-07-01T00:00:00Z", InvalidClockTime::NotForward(now)),
            ("2026-06-30T00:00:00Z", InvalidClockTime::NotForward(now)),
            ("2026-10-09T00:00:00.001Z", InvalidClockTime::TooMuchAtOnce(now)),
        ] {
            assert_eq!(clock.advances_to(at(to), real), Err(why));
        }
        let late = TestClock { now: at("2036-05-28T00:00:00Z"), ..clock };
        assert_eq!(late.advances_to(at("2036-05-30T00:00:00Z"), real), Err(InvalidClockTime::TooFarAhead));
    }
}
