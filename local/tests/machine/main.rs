//! The machine by its public face: one of its own for each test, with functions of a fixture.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may")]

mod functions;
mod permissions;
#[cfg(unix)]
mod program;
mod services;
mod sources;
mod support;
mod units;
