//! What the pages ask and act by.

use api::Formats;
use deliveries::Deliveries;
use models::AmountCaps;
use outbound::{Lookup, Policy};
use pages::Problem;
use payments::{Connections, Payments};
use queue::Queue;
use runtime::{Clock, Random};
use store::{
    Acts, AuditTable, Bounces, Cursors, Endings, Endpoints, Events, LinkMails, Merchants, OidcChoices, OidcRequests,
    People, Pointers, Refunds, Sessions, Shops, Table, Timelines, Visits,
};

use crate::logs::Logs;
use crate::oidc::Oidc;

/// What the operator decides.
#[derive(Debug)]
pub struct Settings {
    /// The most that a payment may be.
    pub caps: AmountCaps,
    /// In which formats payments may be made.
    pub formats: Formats,
    /// Whose providers move the money.
    pub connections: Connections,
    /// Which addresses may be notified; only `local` allows its own machine.
    pub policy: Policy,
    /// Where the functions' logs are; none where `local` has them.
    pub logs: Option<Logs>,
    /// Where people sign in with their company account, if they can.
    pub oidc: Option<Oidc>,
}

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
    pub(crate) shops: Shops,
    pub(crate) payments: Payments,
    pub(crate) endings: Endings,
    pub(crate) bounces: Bounces,
    pub(crate) endpoints: Endpoints,
    pub(crate) events: Events,
    pub(crate) cursors: Cursors,
    pub(crate) deliveries: Deliveries,
    pub(crate) acts: Acts,
    pub(crate) people: People,
    pub(crate) visits: Visits,
    pub(crate) link_mails: LinkMails,
    pub(crate) oidc_requests: OidcRequests,
    pub(crate) oidc_choices: OidcChoices,
    /// Whose messages name mails.
    pub(crate) receipts: Queue,
    pub(crate) settings: Settings,
    /// By which an endpoint's host is looked up.
    pub(crate) lookup: Lookup,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

impl Services {
    /// Over this table, the table of acts and the queues of webhooks and mails, by this clock and randomness.
    pub(crate) fn new(
        table: Table,
        audit_table: AuditTable,
        webhooks: Queue,
        receipts: Queue,
        settings: Settings,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self {
            deliveries: Deliveries::new(table.clone(), webhooks, clock.clone()),
            endings: Endings::new(table.clone()),
            bounces: Bounces::new(table.clone()),
            endpoints: Endpoints::new(table.clone()),
            events: Events::new(table.clone()),
            cursors: Cursors::new(table.clone()),
            acts: Acts::new(audit_table),
            people: People::new(table.clone()),
            visits: Visits::new(table.clone()),
            link_mails: LinkMails::new(table.clone()),
            oidc_requests: OidcRequests::new(table.clone()),
            oidc_choices: OidcChoices::new(table.clone()),
            receipts,
            payments: Payments::new(table.clone(), settings.connections.clone(), clock.clone(), random.clone()),
            sessions: Sessions::new(table.clone()),
            refunds: Refunds::new(table.clone()),
            timelines: Timelines::new(table.clone()),
            merchants: Merchants::new(table.clone()),
            shops: Shops::new(table.clone()),
            pointers: Pointers::new(table.clone()),
            table,
            settings,
            lookup: Lookup::system(),
            clock,
            random,
        }
    }

    /// Where people sign in with their company account; not found if nowhere.
    pub(crate) fn issuer(&self) -> Result<&Oidc, Problem> {
        self.settings.oidc.as_ref().ok_or(Problem::NotFound)
    }
}
