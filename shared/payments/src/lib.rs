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

mod at_consent;
mod at_creation;
mod begin;
mod due;
mod end;
mod error;
mod event;
mod follow_up;
mod next_step;
mod refund;
mod refund_at_provider;
mod refund_way;
mod taken_back;

use jiff::Timestamp;
use models::{OfferLimits, Session, SessionEvent, SessionId};
use providers::{Offer, Providers, Wanted};
use runtime::{Clock, Random};
use store::{BankPayments, Change, MockLedger, Refunds, Sessions, Table};

pub use at_consent::Way;
pub use at_creation::begin_at_creation;
pub use begin::BeginError;
pub use due::Due;
pub use end::EndError;
pub use error::PaymentError;
pub use event::EventError;
pub use refund::{Made, RefundEndError, RefundError, RefundRequest};
pub use refund_way::RefundWay;

/// Everything that is done to payments in one table, by one clock and randomness.
#[derive(Debug)]
pub struct Payments {
    sessions: Sessions,
    refunds: Refunds,
    bank_payments: BankPayments,
    providers: Providers<MockLedger>,
    clock: Clock,
    random: Random,
}

impl Payments {
    /// Of this table; `local_live` is whether the mock bank stands in for a live one.
    pub fn new(table: Table, local_live: bool, clock: Clock, random: Random) -> Self {
        Self {
            sessions: Sessions::new(table.clone()),
            refunds: Refunds::new(table.clone()),
            bank_payments: BankPayments::new(table.clone()),
            providers: Providers::new(MockLedger::new(table), local_live),
            clock,
            random,
        }
    }

    /// What a payer may choose from: the providers of each way to pay that the session offers and its currency can have, within
    /// the session's limits and in its order.
    pub fn offers(&self, session: &Session) -> Vec<Offer> {
        let (mode, currency) = (session.mode, session.amount.currency());
        let is_paid_into = session.payee.account.receives(currency);
        let methods = session.payment_methods.as_slice().iter().copied();
        let methods =
            methods.filter(|method| method.can_have(currency) && (is_paid_into || !method.pays_into_account()));
        let OfferLimits { provider, country, payers } = &session.offer_limits;
        let (provider, country, payers) = (provider.as_ref(), *country, *payers);
        let of = |method| self.providers.offers(&Wanted { mode, method, currency, country, payers, provider });
        methods.flat_map(of).collect()
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

#[cfg(test)]
mod tests;
