//! Histories in items: entries as they are appended, and what is read of items that may not be readable otherwise.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use models::{OnClock, WriteId};

use crate::table::{Item, ms, s};
use crate::update::Update;

/// With which API key the last change of a session, refund or customer was made; not there if it was made without one. It is
/// beside the history, and not in it, so that the item loses it with the next change, and events don't have it. For
/// [`crate::key_used`] alone.
pub(crate) const KEY_ID: &str = "key_id";

/// What a session or refund keeps of the test clock that it follows.
pub(crate) const TEST_CLOCK: &str = "test_clock";

/// Whether an item is due by a test clock. What names one and is in the due index goes by the real time.
pub(crate) fn follows_clock(item: &Item) -> bool {
    item.contains_key(TEST_CLOCK) && !item.contains_key("due_pk")
}

/// What an item keeps of the clock that it follows.
pub(crate) fn on_clock_item(on_clock: &OnClock) -> AttributeValue {
    AttributeValue::M(Item::from([("id".to_owned(), s(on_clock.id.to_string())), ("now".to_owned(), ms(on_clock.now))]))
}

/// A history entry, as `list_append` takes it. It bears the id of what is going on.
pub(crate) fn history_entry(
    state: &'static str,
    at: Timestamp,
    cause: &'static str,
    write_id: &WriteId,
) -> AttributeValue {
    let mut entry = Item::from([
        ("state".to_owned(), s(state)),
        ("at".to_owned(), ms(at)),
        ("cause".to_owned(), s(cause)),
        ("write_id".to_owned(), s(write_id.as_str())),
    ]);
    correlate(&mut entry);
    AttributeValue::M(entry)
}

/// The history entries of a new item bear the id of what is going on, too; and the item the key that it is made with.
pub(crate) fn correlate_new(item: &mut Item) {
    item.extend(runtime::acting_key().map(|id| (KEY_ID.to_owned(), s(id.as_str()))));
    if let Some(AttributeValue::L(history)) = item.get_mut("history") {
        for entry in history {
            if let AttributeValue::M(entry) = entry {
                correlate(entry);
            }
        }
    }
}

/// A change, with the key that it is made with.
pub(crate) fn with_key(update: Update) -> Update {
    match runtime::acting_key() {
        Some(id) => update.set(KEY_ID, s(id.as_str())),
        None => update.remove(&[KEY_ID]),
    }
}

fn correlate(entry: &mut Item) {
    entry.extend(runtime::correlation_id().map(|id| ("correlation_id".to_owned(), s(id))));
}

/// The timestamp that a new entry of an item's history has to bear instead of `at`, if none of its entries is of this write: that
/// of the test clock that it follows; else that of its latest entry, if it is later. The last entry may have an earlier one: up
/// to release 0.1, an entry was appended whatever the timestamps before it.
pub(crate) fn entered_at_instead(item: &Item, at: Timestamp, write_id: &WriteId) -> Option<Timestamp> {
    let history = item.get("history")?.as_l().ok()?;
    let own = s(write_id.as_str());
    if history.iter().any(|entry| entry.as_m().is_ok_and(|entry| entry.get("write_id") == Some(&own))) {
        return None;
    }
    match clock_now(item) {
        Some(clock_now) => Some(clock_now).filter(|clock_now| *clock_now != at),
        None => entered_at(item).max().filter(|latest| *latest > at),
    }
}

/// The time of the test clock that an item follows, if it does.
fn clock_now(item: &Item) -> Option<Timestamp> {
    let now = item.get(TEST_CLOCK)?.as_m().ok()?.get("now")?.as_n().ok()?;
    Timestamp::from_millisecond(now.parse().ok()?).ok()
}

/// When each history entry of an item was made. Nothing else of the item has to be readable.
pub(crate) fn entered_at(item: &Item) -> impl Iterator<Item = Timestamp> {
    let history = item.get("history").and_then(|history| history.as_l().ok()).map(Vec::as_slice).unwrap_or_default();
    history.iter().map_while(|entry| {
        let at = entry.as_m().ok()?.get("at")?.as_n().ok()?;
        Timestamp::from_millisecond(at.parse().ok()?).ok()
    })
}

#[cfg(test)]
mod tests {
    use models::{HistoryEntry, SessionEvent, SessionState};

    use super::*;

    #[tokio::test]
    async fn a_history_entry_reads_back_as_it_is_written() {
        let entry = HistoryEntry {
            state: SessionState::Sent,
            at: Timestamp::from_millisecond(1_572_623_306_123).unwrap(),
            cause: SessionEvent::Settled,
            write_id: "w".parse().unwrap(),
            correlation_id: Some("JKJaXmPLvHcESHA=".parse().unwrap()),
        };
        let write = async || history_entry(entry.state.as_str(), entry.at, entry.cause.as_str(), &entry.write_id);
        let written = runtime::correlated("JKJaXmPLvHcESHA=", write()).await;
        let read: HistoryEntry = serde_dynamo::from_attribute_value(written).unwrap();
        assert_eq!(read, entry);
    }
}
