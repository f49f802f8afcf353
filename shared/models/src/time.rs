//! Timestamps, to the millisecond.

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};

/// Truncates a timestamp to whole milliseconds, the precision at which timestamps are stored, compared and shown.
pub fn truncate_to_ms(at: Timestamp) -> Timestamp {
    at.round(TimestampRound::new().smallest(Unit::Millisecond).mode(RoundMode::Trunc)).unwrap_or(at)
}

/// `2026-01-31T09:30:00.000Z`: a timestamp as programs read it, with three digits after the second whatever they are, so that
/// such texts line up, and sort by time.
pub fn stamp(at: Timestamp) -> String {
    format!("{:.3}", truncate_to_ms(at))
}

/// A timestamp as a string of fixed width whose order as text is its order in time; what index keys are made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SortableTimestamp(String);

impl From<Timestamp> for SortableTimestamp {
    fn from(at: Timestamp) -> Self {
        Self(stamp(at))
    }
}

impl SortableTimestamp {
    /// `2026-01-31T09:30:00.000Z`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        // From year 0 to 9999; outside of it jiff adds a sign and the width changes.
        #[test]
        fn text_order_is_time_order(a in -62_167_219_200_000_i64..253_402_207_200_000, b in -62_167_219_200_000_i64..253_402_207_200_000) {
            let at = |ms| Timestamp::from_millisecond(ms).unwrap();
            let key = |ms| SortableTimestamp::from(at(ms));
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
            prop_assert_eq!(key(a).as_str().parse::<Timestamp>().unwrap(), at(a));
        }
    }
}
