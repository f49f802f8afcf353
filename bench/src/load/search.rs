//! Which rate to try next, and when enough has been tried.

/// Looks for the highest rate that holds: up in steps until one does not, then halving what is between.
#[derive(Debug, Clone)]
pub(super) struct Search {
    next_per_s: f64,
    /// The highest that held.
    held_per_s: Option<f64>,
    /// The lowest that did not.
    failed_per_s: Option<f64>,
    tries_left: u32,
}

/// From one rate up to the next.
const STEP: f64 = 1.5;
/// The highest that held and the lowest that did not need be no closer than this.
const CLOSE_ENOUGH: f64 = 1.1;

impl Search {
    /// Begins with `start_per_s`; tries at most `tries` rates.
    pub(super) fn new(start_per_s: f64, tries: u32) -> Self {
        Self { next_per_s: start_per_s, held_per_s: None, failed_per_s: None, tries_left: tries }
    }

    /// The rate to try now; none once the search is over.
    pub(super) fn next(&self) -> Option<f64> {
        let close = match (self.held_per_s, self.failed_per_s) {
            (Some(held), Some(failed)) => failed <= held * CLOSE_ENOUGH,
            (None, _) | (_, None) => false,
        };
        (self.tries_left > 0 && !close).then_some(self.next_per_s)
    }

    /// What became of the rate last tried.
    pub(super) fn tried(&mut self, held: bool) {
        self.tries_left = self.tries_left.saturating_sub(1);
        if held {
            self.held_per_s = Some(self.next_per_s);
        } else {
            self.failed_per_s = Some(self.next_per_s);
        }
        self.next_per_s = match (self.held_per_s, self.failed_per_s) {
            (Some(held), Some(failed)) => (held * failed).sqrt(),
            (Some(held), None) => held * STEP,
            (None, Some(failed)) => failed / STEP,
            (None, None) => self.next_per_s,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All rates tried of something that takes so many.
    fn search(capacity_per_s: f64) -> (Vec<f64>, Option<f64>) {
        let mut search = Search::new(100.0, 20);
        let mut tried = Vec::new();
        while let Some(rate) = search.next() {
            tried.push(rate);
            search.tried(rate <= capacity_per_s);
        }
        (tried, search.held_per_s)
    }

    #[test]
    fn the_capacity_is_found_closely_from_below_wherever_it_is() {
        for capacity in [7.0, 99.0, 100.0, 149.0, 333.0, 5000.0] {
            let (tried, best) = search(capacity);
            let best = best.unwrap();
            assert!(best <= capacity && capacity < best * CLOSE_ENOUGH, "{best} of {capacity}");
            assert!(tried.len() < 20, "{tried:?}");
        }
    }

    #[test]
    fn rates_rise_until_one_fails() {
        let (tried, _) = search(200.0);
        assert_eq!(tried[..3], [100.0, 150.0, 225.0]);
        assert!((tried[3] - (150.0_f64 * 225.0).sqrt()).abs() < 1e-9);
    }

    #[test]
    fn what_never_holds_ends() {
        let (tried, best) = search(0.0);
        assert_eq!((tried.len(), best), (20, None));
    }
}
