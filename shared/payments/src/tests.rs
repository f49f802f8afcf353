//! What is done to payments, over a table in memory and by a clock that tests advance.

mod acts;
mod at_consent;
mod at_creation;
mod at_submission;
mod links;
mod machine;
mod reconcile;
mod refunds;
mod stale;
mod taken_back;
mod transfers;
mod transfers_machine;
mod unasked;
mod world;
