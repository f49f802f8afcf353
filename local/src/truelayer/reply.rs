//! What the simulator answers.

use hyper::StatusCode;
use serde_json::Value;

use super::page::Page;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Json(StatusCode, Value),
    Problem(StatusCode, Value),
    NoContent,
    /// A page for the payer.
    Page(StatusCode, Page),
    Script(&'static str),
    /// Leads the payer on.
    SeeOther(String),
}
