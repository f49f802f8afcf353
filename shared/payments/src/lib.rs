//! What is done to a payment, by any function. The only crate that calls a provider: a test holds that.
//!
//! - **begin**: the payer chose how to pay.
//! - **follow up**: the provider is asked where the payment stands, and what follows is recorded. Safe at any time, by
//!   anyone: the payer's return, the provider's webhook, the schedule.
//! - **end**: it is cancelled, deleted, or its time has passed. Where money could still move, the provider is asked first.
//! - **refund**: money goes back.
//!
//! Each write is conditional, and what a provider is asked to do is recorded before it is asked: whatever crashes between two
//! calls, the next follow-up finds all that it needs in the table.

#![recursion_limit = "256"] // its futures are deep

mod at_consent;
mod at_creation;
mod begin;
mod connector;
mod contact;
mod due;
mod end;
mod error;
mod event;
mod follow_up;
mod next_step;
mod reconcile;
mod refund;
mod refund_at_provider;
mod refund_way;
mod taken_back;
mod way;

use jiff::Timestamp;
use models::{BankId, OfferLimits, Session, SessionEvent, SessionId};
use providers::{Offer, Wanted};
use runtime::{Clock, Random};
use store::{BankPayments, Change, Refunds, Sessions, Table};

use connector::Connectors;

pub use at_creation::begin_at_creation;
pub use begin::BeginError;
pub use connector::{Connections, Connector};
pub use due::Due;
pub use end::EndError;
pub use error::PaymentError;
pub use event::EventError;
pub use reconcile::{Compared, Differs, Fit};
pub use refund::{Made, RefundEndError, RefundError, RefundRequest};
pub use refund_way::RefundWay;
pub use way::Way;

/// Everything that is done to payments in one table, by one clock and randomness.
#[derive(Debug)]
pub struct Payments {
    sessions: Sessions,
    refunds: Refunds,
    bank_payments: BankPayments,
    providers: Connectors,
    clock: Clock,
    random: Random,
}

impl Payments {
    /// Of this table, at the providers of these connections.
    pub fn new(table: Table, connections: Connections, clock: Clock, random: Random) -> Self {
        Self {
            sessions: Sessions::new(table.clone()),
            refunds: Refunds::new(table.clone()),
            bank_payments: BankPayments::new(table.clone()),
            providers: Connectors::new(table, connections),
            clock,
            random,
        }
    }

    /// What a payer may choose from: the providers of each way to pay that the session offers and its currency can have, within
    /// the session's limits and in its order.
    pub async fn offers(&self, session: &Session) -> Vec<Offer> {
        let mut offers = Vec::new();
        for wanted in wanted(session) {
            offers.extend(self.providers.offers(session, &wanted).await);
        }
        offers
    }

    /// The same, of what is known without asking a provider which banks it leads to: for the name of one that was chosen.
    pub fn known_offers(&self, session: &Session) -> Vec<Offer> {
        wanted(session).flat_map(|wanted| self.providers.known_offers(session, &wanted)).collect()
    }

    /// The offer of one provider, if the payer may choose it. One that leads to many banks may itself be chosen, whether or not they
    /// can be listed by now: it was shown in their place where they could not be.
    pub async fn offer(&self, session: &Session, provider: &BankId) -> Option<Offer> {
        for wanted in wanted(session).filter(|wanted| wanted.provider.is_none_or(|only| only == provider)) {
            let wanted = Wanted { provider: Some(provider), ..wanted };
            if let Some(offer) = self.providers.offers(session, &wanted).await.pop() {
                return Some(offer);
            }
        }
        None
    }

    /// Now, by the session's test clock if it follows one.
    fn now(&self, session: &Session) -> Timestamp {
        session.now(self.clock.now())
    }

    /// `event` happens to the session now; if it follows a test clock, the table says when that is.
    fn change(&self, session_id: SessionId, event: SessionEvent) -> Change {
        Change { session_id, event, at: self.clock.now(), write_id: self.random.write_id() }
    }
}

/// What a payer may want to pay by: each way that the session offers and its currency can have.
fn wanted(session: &Session) -> impl Iterator<Item = Wanted<'_>> {
    let (mode, currency) = (session.mode, session.amount.currency());
    let is_paid_into = session.payee.account.receives(currency);
    let OfferLimits { provider, country, payers } = &session.offer_limits;
    let (provider, country, payers) = (provider.as_ref(), *country, *payers);
    let methods = session.payment_methods.as_slice().iter().copied();
    let methods =
        methods.filter(move |method| method.can_have(currency) && (is_paid_into || !method.pays_into_account()));
    methods.map(move |method| Wanted { mode, method, currency, country, payers, provider })
}

#[cfg(test)]
mod tests;
