//! What the pages ask and act by.

use payments::Payments;
use runtime::{Clock, Random};
use store::{Merchants, Refunds, Sessions, Table, Timelines};

/// What the pages ask and act by.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) sessions: Sessions,
    pub(crate) refunds: Refunds,
    pub(crate) timelines: Timelines,
    pub(crate) merchants: Merchants,
    pub(crate) payments: Payments,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

impl Services {
    /// Over this table, by this clock and randomness; `local_live` is whether the mock bank stands in for a live one.
    pub(crate) fn new(table: Table, local_live: bool, clock: Clock, random: Random) -> Self {
        Self {
            payments: Payments::new(table.clone(), local_live, clock.clone(), random.clone()),
            sessions: Sessions::new(table.clone()),
            refunds: Refunds::new(table.clone()),
            timelines: Timelines::new(table.clone()),
            merchants: Merchants::new(table),
            clock,
            random,
        }
    }
}
