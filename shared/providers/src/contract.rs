//! The suite that every connector passes, and what its tests are made of. Only for tests: it panics where a connector is
//! wrong.

#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used, reason = "only for tests")]

mod flaky;
mod ledger;
mod money;
mod suite;
mod transfers;

pub use flaky::{Fault, FlakyLedger};
pub use ledger::MemoryLedger;
pub use money::money_moved;
pub use suite::{Payer, passes};
pub use transfers::send;
