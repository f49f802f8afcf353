//! End-to-end tests: the real binaries under `local`, used over HTTP as clients and payers use them. Each test has a
//! machine of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod at_consent;
mod at_consent_ends;
mod calls;
mod cards;
mod checkout;
mod correlation;
mod crashes;
mod create;
mod credentials;
mod customers;
mod customers_erased;
mod debits;
mod edge;
mod end;
mod feedback;
mod fintecture;
mod fintecture_credentials;
mod fintecture_lists;
mod idempotency;
mod late_writes;
mod links_by_mail;
mod list;
mod operations;
mod operator;
mod personal_data;
mod plans;
mod policies;
mod receipts;
mod refund_crashes;
mod refund_ends;
mod refunds;
mod refunds_at_provider;
mod refusals;
mod router;
mod samples;
mod template;
mod test_clocks;
mod test_clocks_advance;
mod transfers;
mod upgrade;
mod webhook_crashes;
mod webhook_delivery;
mod webhook_endpoints;
mod webhook_events;
mod webhook_faults;
mod webhook_lanes;
mod webhook_load;
mod wrong_paths;
mod yorlet;
mod yorlet_bad_input;
mod yorlet_lists;
mod yorlet_payments;
mod yorlet_webhooks;
