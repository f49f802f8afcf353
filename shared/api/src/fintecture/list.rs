//! Lists: `{meta, data, links}`, newest first, by number and by cursor.

#![expect(clippy::todo, reason = "is written next")]

use jiff::Timestamp;
use models::{Refund, Session};
use store::ListCursor;

use crate::answer::Answer;
use crate::error::Refusal;
use crate::list::{ListLinks, ListRequest};

/// Reads which page of sessions is asked for.
///
/// # Errors
/// 400 with the parameter that is wrong.
pub(crate) fn read_sessions(_query: &str) -> Result<ListRequest, Refusal> {
    todo!()
}

/// A page of sessions as they are at `now`, of a list that has `count` in all.
///
/// # Errors
/// 500 if it can't be written as JSON.
pub(crate) fn list(
    _sessions: &[(Session, Vec<Refund>)],
    _now: Timestamp,
    _count: u64,
    _next: Option<&ListCursor>,
    _links: &ListLinks,
) -> Answer {
    todo!()
}
