//! What lists of sessions and of refunds are asked for.

use models::SessionState;
use store::ListCursor;

use super::shown_state;
use crate::error::Refusal;
use crate::list::{ListParameters, ListRequest, RefundListRequest, list_cursor, list_query, read_query};

/// What a client calls the session that a refund is of.
pub(crate) const PAYMENT_SESSION_ID: &str = "payment_session_id";

/// Reads which sessions are asked for.
///
/// # Errors
/// 400 if the query string can't be read at all; else 422 with every parameter that is wrong.
pub(crate) fn read_sessions(query: &str) -> Result<ListRequest, Refusal> {
    let mut states = Vec::new();
    let known = ListParameters { once: &[], repeated: &["state"] };
    let range = list_query(
        query,
        known,
        |text| list_cursor(ListCursor::of_sessions(text)),
        |_, value| {
            let several: Option<Vec<_>> = value.split(',').map(read_state).collect();
            states.extend(several.ok_or("must be a state, or several with commas between them")?);
            Ok(())
        },
    )?;
    Ok(ListRequest { range, beside: None, number: 1, skip: 0, states })
}

/// A state as clients read it.
fn read_state(text: &str) -> Option<&'static str> {
    SessionState::ALL.into_iter().map(shown_state).find(|shown| *shown == text)
}

/// Reads of which session refunds are asked for.
///
/// # Errors
/// As [`read_sessions`]'s.
pub(crate) fn read_refunds(query: &str) -> Result<RefundListRequest, Refusal> {
    let mut asked_for = None;
    read_query(query, ListParameters { once: &[PAYMENT_SESSION_ID], repeated: &[] }, |_, value| {
        asked_for = Some(value.parse().map_err(|_| "must be the id of a payment session")?);
        Ok(())
    })?;
    let session_id = asked_for.ok_or_else(|| Refusal::invalid(PAYMENT_SESSION_ID, "must be given"))?;
    Ok(RefundListRequest { session_id, limit: usize::MAX, beside: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(query: &str) -> Vec<String> {
        match read_sessions(query) {
            Err(Refusal::Invalid(violations)) => violations.into_iter().filter_map(|v| v.parameter).collect(),
            other => panic!("{query}: {other:?}"),
        }
    }

    #[test]
    fn reads_what_a_list_can_be_asked_for() {
        let query = "limit=20&state=sent,pending&state=failed&created_from=2026-01-31T09:30:00Z&created_before=2026-02-01T00:00:00%2B01:00";
        let query = read_sessions(query).unwrap();
        assert_eq!(query.range.limit, 20);
        assert_eq!(query.states, ["sent", "pending", "failed"]);
        assert_eq!(query.range.created_from.unwrap().to_string(), "2026-01-31T09:30:00Z");
        assert_eq!(query.range.created_before.unwrap().to_string(), "2026-01-31T23:00:00Z");
        assert_eq!(read_sessions("").unwrap().range.limit, 100);
    }

    #[test]
    fn names_every_parameter_that_is_wrong() {
        assert_eq!(refused("limit=0&state=paid&cursor=x"), ["limit", "state", "cursor"]);
        assert_eq!(refused("limit=101"), ["limit"]);
        for limit in ["%2B1", "01", "1.0", "%EF%BC%91"] {
            assert_eq!(refused(&format!("limit={limit}")), ["limit"], "{limit}");
        }
        assert_eq!(refused("limit=1&limit=2&state[0]=sent&created_after=x"), ["limit", "state[0]", "created_after"]);
        assert_eq!(refused("limit=ten"), ["limit"]);
        assert_eq!(refused("created_from=yesterday&created_before=1"), ["created_from", "created_before"]);
        // Ours are shown as failed, so they can't be asked for by their own names.
        assert_eq!(refused("state=expired"), ["state"]);
    }
}
