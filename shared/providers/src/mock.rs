//! The mock banks: banks with a memory and no money. Their ledger is kept by whoever implements [`Ledger`].

mod bank;
mod decision;
mod ledger;
mod named;
mod refusal;
mod status;

pub use bank::MockBank;
pub use decision::{Decided, Decision, PayerAccount};
pub use ledger::{Concluded, Conclusion, Entry, Ledger, Order, RefundOrder};
pub use named::{MOCK_BANK, MOCKS, NamedBank};
pub use refusal::Refusal;
