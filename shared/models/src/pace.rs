//! How soon an endpoint answers, and so in which lane it is delivered to.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// In the fast lane an answer is waited for this long, look-up, connection and TLS included. Should two who don't answer be
/// called one after the other by the same worker, a third who comes behind them is still called within 2 s.
///
/// So it is no measure of the receiver alone: a new connection takes three round trips until an answer can come, one each for
/// TCP, TLS 1.3 and the request, and more for the look-up. One that is healthy, but on another continent, may be served by
/// the slow lane for good.
pub const QUICK: Duration = Duration::from_millis(800);

/// The same for who has yet to show that it answers: many who don't may be new at once.
const QUICK_AT_FIRST: Duration = Duration::from_millis(500);

/// Who is in the slow lane has to answer sooner than [`QUICK`] to leave it, so that nobody goes to and fro who takes about
/// as long. Round trips of more than a sixth of a second take that long by themselves.
const QUICK_AGAIN: Duration = Duration::from_millis(500);

/// How many answers in a row have to be quick, at the most, for an endpoint to leave the slow lane.
const MOST_IN_A_ROW: u32 = 64;

/// Where deliveries wait for a worker. Each lane has workers of its own: those of the fast one are never kept for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// An answer is waited for as long as [`QUICK`] says.
    Fast,
    /// An answer is waited for as long as is promised.
    Slow,
}

/// How soon an endpoint answers, as it was seen by its deliveries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    speed: Speed,
    /// How often it came to the slow lane.
    #[serde(default)]
    slowed: u32,
    /// How many answers in a row were quick since it is there.
    #[serde(default)]
    in_a_row: u32,
}

/// What the last delivery showed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Speed {
    /// Nothing: there was none yet.
    #[default]
    Unknown,
    /// It answers at once.
    Quick,
    /// It answers, but has to be waited for.
    Slow,
    /// It did not answer while it was waited for.
    Silent,
}

impl Pace {
    /// In which lane it is delivered to.
    pub const fn lane(self) -> Lane {
        match self.speed {
            Speed::Unknown | Speed::Quick => Lane::Fast,
            Speed::Slow | Speed::Silent => Lane::Slow,
        }
    }

    /// How long an answer is waited for in the fast lane.
    pub const fn patience(self) -> Duration {
        match self.speed {
            Speed::Unknown => QUICK_AT_FIRST,
            Speed::Quick | Speed::Slow | Speed::Silent => QUICK,
        }
    }

    /// Whether it has yet to show how soon it answers.
    pub const fn is_unknown(&self) -> bool {
        matches!(self.speed, Speed::Unknown)
    }

    /// Whether it did not answer the last call while it was waited for.
    pub const fn is_silent(&self) -> bool {
        matches!(self.speed, Speed::Silent)
    }

    /// How many deliveries may be under way at once, of `most`: few to those of whom it is not known that they answer, so that
    /// many who don't hold few workers.
    pub(crate) const fn of_slots(self, most: usize) -> usize {
        match self.speed {
            Speed::Unknown => 2,
            Speed::Quick | Speed::Slow => most,
            Speed::Silent => 1,
        }
    }

    /// What it is after a delivery that came to its end by itself, in success or failure, after `took`; or that did not before
    /// it was given up. Each time that it comes to the slow lane it has to answer quickly for twice as often to leave it:
    /// an endpoint that is quick by turns does not get the same event from both lanes again and again.
    #[must_use]
    pub fn after(self, took: Option<Duration>) -> Self {
        let in_lane = self.lane();
        let slowed = match in_lane {
            Lane::Fast => self.slowed.saturating_add(1),
            Lane::Slow => self.slowed,
        };
        let (speed, slowed, in_a_row) = match (took, in_lane) {
            (None, _) => (Speed::Silent, slowed, 0),
            (Some(took), _) if took >= QUICK => (Speed::Slow, slowed, 0),
            (Some(_), Lane::Fast) => (Speed::Quick, self.slowed, 0),
            (Some(took), Lane::Slow) if took >= QUICK_AGAIN => (Speed::Slow, self.slowed, 0),
            (Some(_), Lane::Slow) => {
                let in_a_row = self.in_a_row.saturating_add(1);
                let wanted = 1 << self.slowed.saturating_sub(1).min(MOST_IN_A_ROW.ilog2());
                if in_a_row < wanted { (Speed::Slow, self.slowed, in_a_row) } else { (Speed::Quick, self.slowed, 0) }
            }
        };
        Self { speed, slowed, in_a_row }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(ms: u64) -> Option<Duration> {
        Some(Duration::from_millis(ms))
    }

    fn after(took: impl IntoIterator<Item = Option<Duration>>) -> Pace {
        took.into_iter().fold(Pace::default(), Pace::after)
    }

    #[test]
    fn who_is_waited_for_comes_to_the_slow_lane_and_who_answers_at_once_leaves_it() {
        let lanes = |all: &[Option<Duration>]| after(all.iter().copied()).lane();
        assert_eq!(lanes(&[]), Lane::Fast);
        assert_eq!(lanes(&[took(1)]), Lane::Fast);
        assert_eq!(lanes(&[took(799)]), Lane::Fast);
        for slow in [None, took(800), took(14_000)] {
            assert_eq!(lanes(&[slow]), Lane::Slow);
            assert_eq!(lanes(&[took(1), slow]), Lane::Slow);
            assert_eq!(lanes(&[slow, took(500)]), Lane::Slow, "not quick enough to return");
            assert_eq!(lanes(&[slow, took(499)]), Lane::Fast);
            assert_eq!(lanes(&[slow, None, took(5_000), took(499), took(700)]), Lane::Fast, "quick enough to stay");
        }
    }

    #[test]
    fn who_is_slow_by_turns_stays_in_the_slow_lane_for_longer_each_time() {
        let mut pace = Pace::default();
        for wanted in [1, 2, 4, 8, 16, 32, 64, 64, 64] {
            pace = pace.after(None);
            assert_eq!(pace.lane(), Lane::Slow);
            if wanted > 1 {
                // One that is slow in between, and all before it count for nothing.
                pace = pace.after(took(1)).after(took(900));
            }
            let mut in_a_row = 0;
            while pace.lane() == Lane::Slow {
                pace = pace.after(took(1));
                in_a_row += 1;
            }
            assert_eq!(in_a_row, wanted);
        }
    }

    #[test]
    fn who_may_not_answer_holds_few_workers() {
        let slots = |all: &[Option<Duration>]| after(all.iter().copied()).of_slots(10);
        assert_eq!((slots(&[]), slots(&[took(1)]), slots(&[took(2_000)])), (2, 10, 10));
        assert!(Pace::default().patience() < after([took(1)]).patience());
        assert_eq!((slots(&[None]), slots(&[took(1), None]), slots(&[None, took(2_000)])), (1, 1, 10));
    }
}
