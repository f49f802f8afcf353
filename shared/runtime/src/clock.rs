//! Where the time comes from: the system, or a test.
//!
//! What a handler does or writes goes by this clock. AWS clients and time-outs around requests go by the system's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

/// What time it is.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The system's clock.
    #[default]
    System,
    /// A clock that stands still until it is advanced; for tests.
    Virtual(VirtualClock),
}

/// A clock that stands still until it is advanced. Its clones are the same clock.
#[derive(Debug, Clone)]
pub struct VirtualClock {
    begin: Timestamp,
    begin_instant: Instant,
    passed_ms: Arc<AtomicU64>,
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
impl Clock {
    /// The time now, to the millisecond.
    pub fn now(&self) -> Timestamp {
        models::truncate_to_ms(match self {
            Self::System => Timestamp::now(),
            Self::Virtual(clock) => clock.begin.checked_add(clock.passed()).unwrap_or(Timestamp::MAX),
        })
    }

    /// Now, on a clock that is never set back: for durations.
    pub fn instant(&self) -> Instant {
        match self {
            Self::System => Instant::now(),
            Self::Virtual(clock) => clock.begin_instant.checked_add(clock.passed()).unwrap_or(clock.begin_instant),
        }
    }

    /// How long ago that was.
    pub fn elapsed(&self, since: Instant) -> Duration {
        self.instant().saturating_duration_since(since)
    }

    /// Whether it is this late or later.
    pub fn is_past(&self, deadline: SystemTime) -> bool {
        SystemTime::from(self.now()) >= deadline
    }
}

#[expect(clippy::disallowed_methods, reason = "instants can't be made, only compared")]
impl VirtualClock {
    /// A clock at this time.
    pub fn at(begin: Timestamp) -> Self {
        Self { begin, begin_instant: Instant::now(), passed_ms: Arc::default() }
    }

    /// Lets this many milliseconds pass.
    pub fn advance_ms(&self, ms: u64) {
        self.passed_ms.fetch_add(ms, Ordering::Relaxed);
    }

    fn passed(&self) -> Duration {
        Duration::from_millis(self.passed_ms.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_moves_only_when_it_is_advanced_and_all_its_clones_with_it() {
        let begin = "2026-01-31T09:30:00Z".parse().unwrap();
        let hands = VirtualClock::at(begin);
        let (clock, other) = (Clock::Virtual(hands.clone()), Clock::Virtual(hands.clone()));
        let began = clock.instant();
        assert_eq!((clock.now(), other.now(), clock.elapsed(began)), (begin, begin, Duration::ZERO));
        hands.advance_ms(1_500);
        assert_eq!(other.now().to_string(), "2026-01-31T09:30:01.5Z");
        assert_eq!(clock.elapsed(began), Duration::from_millis(1_500));
        let deadline = SystemTime::from(other.now());
        assert!(clock.is_past(deadline) && !clock.is_past(deadline + Duration::from_millis(1)));
    }
}
