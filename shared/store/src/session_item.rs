//! A session's item as it is after everything that happened to it.

use jiff::{SignedDuration, Timestamp};
use models::{Session, SessionState, SortableTimestamp};

use crate::attempts;
use crate::error::StoreError;
use crate::session_writes::{final_keys, new_item};
use crate::table::{Item, Key, keyed, s};

/// How long after consent the bank is first asked what became of a payment.
const FIRST_CHECK_OF_PENDING: SignedDuration = SignedDuration::from_secs(2);

/// The item that a session is kept as, keys included: what [`Sessions`] has written by the time that it is as it is. For
/// tools that fill a table faster than by one call for each change. Of a session whose money may move, the bank has not been
/// asked again yet.
///
/// # Errors
/// The session can't be written as an item.
pub fn session_item(session: &Session) -> Result<Item, StoreError> {
    let (key, item) = item_as_it_is(session)?;
    Ok(keyed(key, item))
}

/// The same, keys apart.
pub(crate) fn item_as_it_is(session: &Session) -> Result<(Key, Item), StoreError> {
    let (key, mut item) = new_item(session)?;
    if session.state.is_final() {
        item.remove("due_pk");
        item.remove("due_at");
        let final_at = session.history.last_at().unwrap_or(session.created_at);
        item.extend(final_keys(&session.id, final_at).map(|(name, value)| (name.to_owned(), value)));
    } else if let Some(at) = first_check_at(session) {
        item.insert("due_at".into(), s(SortableTimestamp::from(at).as_str()));
    }
    Ok((key, item))
}

/// When the bank is first asked about a session whose money may move.
fn first_check_at(session: &Session) -> Option<Timestamp> {
    if session.state == SessionState::Pending {
        let since = session.pending_since()?;
        return Some(since.checked_add(FIRST_CHECK_OF_PENDING).unwrap_or(Timestamp::MAX));
    }
    let at_consent = session.open_at_consent()?.at_consent.as_ref()?;
    Some(attempts::first_check_at(at_consent.begun_at))
}
