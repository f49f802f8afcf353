//! What is done while a test clock is advanced.

use std::time::Instant;

use api::ApiError;
use models::TestClock;
use store::TestClocks;

/// Advances test clocks.
#[derive(Debug)]
pub(crate) struct Advance {
    clocks: TestClocks,
}

impl Advance {
    pub(crate) const fn new(clocks: TestClocks) -> Self {
        Self { clocks }
    }

    /// Moves a clock on towards the time that it is being advanced to, until it has arrived or it is `stop_at`.
    ///
    /// # Errors
    /// 503, 500: it may have been moved on.
    pub(crate) async fn work(&self, clock: &TestClock, _stop_at: Instant) -> Result<(), ApiError> {
        let Some(target) = clock.target else { return Ok(()) };
        self.clocks.step(clock.id, clock.now, target).await?;
        Ok(self.clocks.arrive(clock.id, target).await?)
    }
}
