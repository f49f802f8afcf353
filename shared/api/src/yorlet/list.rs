//! Lists: `{object, count, has_more, data}`, newest first, read either way from one of their own.

use lambda_http::http::StatusCode;
use models::{Refund, RefundId, SessionId, whole_number};
use serde::Serialize;

use super::id;
use super::refund::{RefundView, TRANSACTION};
use crate::answer::{Answer, json};
use crate::error::Refusal;
use crate::list::{Beside, CustomerListRequest, ListParameters, ListRequest, MAX_LIMIT, RefundListRequest, read_query};

/// How many there are in a page if nothing is said.
const DEFAULT_LIMIT: usize = 10;
const STARTING_AFTER: &str = "starting_after";
const ENDING_BEFORE: &str = "ending_before";

/// A page of a list.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct List<T> {
    #[cfg_attr(test, schemars(extend("const" = "list")))]
    object: &'static str,
    /// How many there are in all; it may lag some seconds behind.
    count: u64,
    /// Whether there are more in the direction that was asked for.
    has_more: bool,
    data: Vec<T>,
}

/// An answer with a page of a list that has `count` in all.
///
/// # Errors
/// 500 if it can't be written as JSON.
pub(crate) fn list<T: Serialize>(data: impl Iterator<Item = T>, count: u64, has_more: bool) -> Answer {
    json(StatusCode::OK, &List { object: "list", count, has_more, data: data.collect() })
}

/// Which page of a list is asked for.
struct PageRequest<Id> {
    limit: usize,
    beside: Option<Beside<Id>>,
}

/// Reads which page of sessions is asked for.
///
/// # Errors
/// 400 with the parameter that is wrong.
pub(crate) fn read_sessions(query: &str) -> Result<ListRequest, Refusal> {
    read_pages_of(query, id::read_session)
}

/// Reads which page of transactions is asked for.
///
/// # Errors
/// 400 with the parameter that is wrong.
pub(crate) fn read_transactions(query: &str) -> Result<ListRequest, Refusal> {
    read_pages_of(query, id::read_transaction)
}

fn read_pages_of(query: &str, read_id: fn(&str) -> Option<SessionId>) -> Result<ListRequest, Refusal> {
    let PageRequest { limit, beside } = read_page(query, &[], read_id, |_| Ok(()))?;
    Ok(ListRequest { beside, ..ListRequest::of(limit) })
}

/// Reads which page of customers is asked for.
///
/// # Errors
/// 400 with the parameter that is wrong.
pub(crate) fn read_customers(query: &str) -> Result<CustomerListRequest, Refusal> {
    let PageRequest { limit, beside } = read_page(query, &[], id::read_customer, |_| Ok(()))?;
    Ok(CustomerListRequest { limit, beside })
}

/// Reads which page of which transaction's refunds is asked for.
///
/// # Errors
/// 400 with the parameter that is wrong; 404 if the transaction's id is none.
pub(crate) fn read_refunds(query: &str) -> Result<RefundListRequest, Refusal> {
    let mut transaction = None;
    let PageRequest { limit, beside } = read_page(query, &[TRANSACTION], id::read_refund, |value| {
        transaction = Some(value.to_owned());
        Ok(())
    })?;
    let transaction = transaction.ok_or_else(|| Refusal::invalid(TRANSACTION, "must be given"))?;
    let session_id = id::read_transaction(&transaction).ok_or(Refusal::Unknown(TRANSACTION))?;
    Ok(RefundListRequest { session_id, limit, beside })
}

/// The page of these refunds, which come oldest first, that is asked for.
///
/// # Errors
/// 400 if it is to begin beside none of them.
pub(crate) fn refunds(refunds: &[Refund], asked: &RefundListRequest, now: jiff::Timestamp) -> Answer {
    let newest_first: Vec<&Refund> = refunds.iter().rev().collect();
    let position = |id: &RefundId| newest_first.iter().position(|refund| refund.id == *id);
    let (from, to) = match &asked.beside {
        None => (0, asked.limit),
        Some(beside) => {
            let at = position(beside.id()).ok_or_else(|| unknown(beside))?;
            match beside {
                Beside::After(_) => (at.saturating_add(1), at.saturating_add(1).saturating_add(asked.limit)),
                Beside::Before(_) => (at.saturating_sub(asked.limit), at),
            }
        }
    };
    let has_more = match &asked.beside {
        None | Some(Beside::After(_)) => to < newest_first.len(),
        Some(Beside::Before(_)) => from > 0,
    };
    let page = newest_first.iter().take(to).skip(from).map(|refund| RefundView::new(refund, now));
    list(page, u64::try_from(refunds.len()).unwrap_or(u64::MAX), has_more)
}

/// What a page beside something that is not there, or not the caller's, is refused with.
pub(crate) fn unknown<Id>(beside: &Beside<Id>) -> Refusal {
    let parameter = match beside {
        Beside::After(_) => STARTING_AFTER,
        Beside::Before(_) => ENDING_BEFORE,
    };
    Refusal::invalid(parameter, NOT_IN_LIST)
}

const NOT_IN_LIST: &str = "must be the id of one that is in the list";

/// Reads `limit`, `starting_after`, `ending_before`, and by `other` what else is `known`.
fn read_page<Id>(
    query: &str,
    known: &[&str],
    read_id: fn(&str) -> Option<Id>,
    mut other: impl FnMut(&str) -> Result<(), &'static str>,
) -> Result<PageRequest<Id>, Refusal> {
    let (mut limit, mut beside) = (DEFAULT_LIMIT, None);
    let once = [&["limit", STARTING_AFTER, ENDING_BEFORE], known].concat();
    read_query(query, ListParameters { once: &once, repeated: &[] }, |name, value| {
        match name {
            "limit" => {
                let given = whole_number(value).filter(|limit| (1..=MAX_LIMIT).contains(limit));
                limit = given.ok_or("must be 1 to 100")?;
            }
            STARTING_AFTER | ENDING_BEFORE => {
                if beside.is_some() {
                    return Err("must not be given beside the other of starting_after and ending_before");
                }
                let id = read_id(value).ok_or(NOT_IN_LIST)?;
                beside = Some(if name == STARTING_AFTER { Beside::After(id) } else { Beside::Before(id) });
            }
            _ => other(value)?,
        }
        Ok(())
    })?;
    Ok(PageRequest { limit, beside })
}
