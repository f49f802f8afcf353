//! What the pages ask and act by.

use deliveries::Deliveries;
use payments::Payments;
use queue::Queue;
use runtime::{Clock, Random};
use store::{
    Acts, AuditTable, Cursors, Endpoints, Events, Merchants, People, Pointers, Refunds, Sessions, Table, Timelines,
    Visits,
};

/// What the pages ask and act by.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) sessions: Sessions,
    pub(crate) refunds: Refunds,
    pub(crate) timelines: Timelines,
    pub(crate) pointers: Pointers,
    /// For what is verified of it.
    pub(crate) table: Table,
    pub(crate) merchants: Merchants,
    pub(crate) payments: Payments,
    pub(crate) endpoints: Endpoints,
    pub(crate) events: Events,
    pub(crate) cursors: Cursors,
    pub(crate) deliveries: Deliveries,
    pub(crate) acts: Acts,
    pub(crate) people: People,
    pub(crate) visits: Visits,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

impl Services {
    /// Over this table, the table of acts and the queue of webhooks, by this clock and randomness; `local_live` is whether the
    /// mock bank stands in for a live one.
    pub(crate) fn new(
        table: Table,
        audit_table: AuditTable,
        webhooks: Queue,
        local_live: bool,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self {
            deliveries: Deliveries::new(table.clone(), webhooks, clock.clone()),
            endpoints: Endpoints::new(table.clone()),
            events: Events::new(table.clone()),
            cursors: Cursors::new(table.clone()),
            acts: Acts::new(audit_table),
            people: People::new(table.clone()),
            visits: Visits::new(table.clone()),
            payments: Payments::new(table.clone(), local_live, clock.clone(), random.clone()),
            sessions: Sessions::new(table.clone()),
            refunds: Refunds::new(table.clone()),
            timelines: Timelines::new(table.clone()),
            merchants: Merchants::new(table.clone()),
            pointers: Pointers::new(table.clone()),
            table,
            clock,
            random,
        }
    }
}
