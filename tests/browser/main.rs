//! A payer with a real browser, headless, goes through the checkout: the pages as they are seen and pressed, on a
//! phone, without scripts. What is sent over HTTP alone is tested in `e2e`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod browser;
mod payments;
mod shop;
