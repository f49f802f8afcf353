//! `/v2/test_clocks`: a time of a merchant's own, for tests.

mod advance;
mod handler;

pub use handler::TestClocksFunction;
