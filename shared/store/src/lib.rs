//! DynamoDB: the only crate that knows the tables.
//!
//! One table, and one of acts; docs/architecture.md lists their items. Every write that matters is conditional and carries a write id, so
//! that a write whose answer was lost is recognised when it is repeated.

#[cfg(test)]
extern crate self as store;

mod acts;
mod applications;
mod attempts;
mod bank_payments;
mod begun_sessions;
mod bounces;
mod change;
mod conflicts;
mod counts;
mod cursors;
mod customers;
mod deletion;
mod deliveries;
mod due;
mod endings;
mod endpoints;
mod erasures;
mod error;
mod events;
mod history;
mod keys;
mod late_money;
mod link_mails;
mod list;
mod mail_log;
mod mails;
mod merchants;
mod mock_ledger;
mod object_path;
mod oidc_choices;
mod oidc_requests;
mod owner;
mod people;
mod pointers;
mod query;
mod received;
mod refund_writes;
mod refunds;
mod refunds_at_provider;
mod republish;
mod session_item;
mod session_writes;
mod sessions;
#[cfg(test)]
mod shard_counts;
mod shops;
mod size;
mod slots;
mod stream;
mod table;
mod tables;
mod taken_back;
mod test_clocks;
mod timeline;
mod tombstone;
mod transaction;
mod update;
mod verify;
mod visits;
mod walk;
mod write;

pub use acts::{ActPage, ActRange, ActWrite, Acts, AuditTable};
pub use attempts::FIRST_CHECK_AT_CONSENT;
pub use bank_payments::{BankPayment, BankPayments, KnownPayment, PaidSession};
pub use bounces::{Bounce, Bounces};
pub use change::{Change, ChangeError, Changed};
pub use counts::{CountChange, Counted, Counts, count_change};
pub use cursors::{Advanced, BackingOff, CursorClaim, Cursors, Finished, FoundBackingOff, Paused, Search};
pub use customers::{CustomerChanged, CustomerCreated, CustomerRecord, Customers, KeyedRequest};
pub use deletion::Deleted;
pub use deliveries::{CursorState, Deliveries};
pub use due::{Due, DueItem};
pub use endings::{ByMethod, Endings, InCurrency, LastDays, Tally, Wait};
pub use endpoints::{EndpointChange, EndpointCreated, Endpoints, NotChanged, Registration};
pub use erasures::{Erasable, Erased, Erasures};
pub use error::StoreError;
pub use events::{DeliveryAttempt, Events, StoredEvent};
pub use keys::{DUE_SHARDS, FINAL_SHARDS};
pub use link_mails::{AccountChange, AccountNotice, LinkMail, LinkMailClaim, LinkMails, SignInRequest};
pub use list::{ListCursor, ListRange, ListStart, Page};
pub use mail_log::{MailLog, Resent};
pub use mails::{Claim, Mails};
pub use merchants::{ByPerson, ListShardsRaised, Merchants};
pub use mock_ledger::{MockLedger, NewMockEntries};
pub use object_path::ObjectPath;
pub use oidc_choices::{Access, OidcChoice, OidcChoices};
pub use oidc_requests::{OIDC_LASTS, OidcRequest, OidcRequests};
pub use owner::Owner;
pub use people::{LinkAsked, ListedPerson, People, PeopleChanged};
pub use pointers::{Pointers, Sought};
pub use query::{Position, QueryPage};
pub use refunds::{RefundChangeError, RefundChanged, RefundCreated, RefundEnd, Refunds, WithRefunds};
pub use refunds_at_provider::RefundConclusion;
pub use republish::{Marked, REPUBLISHED_FOR, Span, UnreadRecord};
pub use session_item::session_item;
pub use sessions::{Created, Fingerprint, Sessions};
pub use shops::Shops;
pub use size::size_bytes;
pub use slots::{Slot, Slots};
pub use stream::{Excess, HistoryChange, excess_noted, history_change, key_used, late_money_noted, taken_back_noted};
pub use table::{Item, Table, TableItem};
pub use tables::tables_named;
pub use test_clocks::{ClockAdvanced, ClockDeleted, DueCursor, Follower, Published, TestClocks};
pub use timeline::{Difference, Happened, MailFate, Timeline, TimelineEntry, Timelines};
pub use verify::{Checked, Rule, Verify, Violation};
pub use visits::{
    BrowserToken, ChoiceToken, LINK_LASTS, LinkToken, SignInLink, StateToken, TokenUnreadable, VISIT_IDLE, VISIT_LASTS,
    Visit, VisitToken, Visits,
};
pub use walk::{Parts, PayersData, Walk, WalkPage};
pub use write::{CLOCKS_DIFFER_BY, WRITE_LANDS_WITHIN};
