//! The mock banks: banks with a memory and no money. Their ledger is kept by what implements [`Ledger`].

mod bank;
mod consent;
mod decision;
mod ids;
mod ledger;
mod named;
mod refunds;
mod refusal;
mod sender;
mod sha256;
mod status;
mod transfer;
mod transfer_log;
mod webhook;

use models::Session;

pub use bank::MockBank;
pub use consent::MockConsent;
pub use decision::{Decided, Decision, PayerAccount};
pub use ids::unmatched_list;
pub use ledger::{Concluded, Conclusion, Entry, Ledger, Order, Payment, RefundOrder};
pub use named::{MandateScheme, MockPage, NamedMock, mocks};
pub use refusal::Refusal;
pub use sender::Sender;
pub use transfer::{Arrived, MockTransfer, Transfer, arrive};
pub use transfer_log::{LogEntry, Referenced, UnmatchedTransfer};
pub use webhook::SignedEvent;

/// The page where a payer decides about an attempt.
fn page_url(session: &Session, attempt: u8) -> String {
    format!("{}/mock-bank/{}/{attempt}", session.base_url, session.id)
}

#[cfg(test)]
mod tests;
