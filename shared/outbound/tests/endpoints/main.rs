//! Deliveries to real endpoints on this machine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod sending;
mod support;
mod tls;
