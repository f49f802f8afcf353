//! DynamoDB: the only crate that knows the table.
//!
//! One table; docs/architecture.md lists its items. Every write that matters is conditional and carries a write id, so
//! that a write whose answer was lost is recognised when it is repeated.

#[cfg(test)]
extern crate self as store;

mod cursors;
mod due;
mod endpoints;
mod erasures;
mod error;
mod events;
mod keys;
mod list;
mod mail_log;
mod mails;
mod merchants;
mod mock_ledger;
mod refund_writes;
mod refunds;
mod republish;
mod sessions;
mod size;
mod stream;
mod table;
mod tables;
mod told;
mod transaction;
mod update;
mod verify;
mod walk;
mod write;

pub use cursors::{Advanced, CursorClaim, Cursors, Finished, Held};
pub use due::{DUE_SHARDS, Due, DueItem, DuePage, DuePlace};
pub use endpoints::{EndpointChange, EndpointCreated, Endpoints, NotChanged, Registration, Slot, Slots};
pub use erasures::{Erased, Erasures, FINAL_SHARDS, FinalPage, FinalPlace};
pub use error::StoreError;
pub use events::{Attempt as DeliveryAttempt, Events, StoredEvent};
pub use list::{ListCursor, ListRange, Page};
pub use mail_log::{MailLog, Resent};
pub use mails::{Claim, Mails};
pub use merchants::{ListShardsRaised, Merchants};
pub use mock_ledger::MockLedger;
pub use refunds::{RefundChangeError, RefundChanged, RefundCreated, RefundEnd, Refunds, WithRefunds};
pub use republish::{Marked, ObjectPath, REPUBLISHED_FOR, Span, UnreadRecord};
pub use sessions::{Change, ChangeError, Changed, Created, Deleted, Fingerprint, Owner, Sessions, session_item};
pub use size::size_bytes;
pub use stream::{HistoryChange, history_change};
pub use table::{Item, Table};
pub use tables::tables_named;
pub use told::{CursorState, Told};
pub use verify::{Checked, Rule, Verify, Violation};
pub use walk::{Parts, PayersSession, TableItem, Walk, WalkPage};
pub use write::{CLOCKS_DIFFER_BY, WRITE_LANDS_WITHIN};

/// A new random write id.
pub fn new_write_id() -> models::WriteId {
    let uuid = uuid::Uuid::new_v4();
    // A UUID's simple form is 32 graphic characters, which is what a write id is.
    #[expect(clippy::expect_used, reason = "always valid")]
    uuid.simple().to_string().parse().expect("a UUID is a valid write id")
}
