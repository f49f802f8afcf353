//! Reading the table's stream: which history entries a record brings.

use models::{ApiKeyId, Object, Refund, Session, SessionId, SessionState};
use serde::de::DeserializeOwned;
use serde_dynamo::AttributeValue;

use crate::error::StoreError;
use crate::events::StoredEvent;
use crate::history::KEY_ID;
use crate::keys;
use crate::republish::marked_from;
use crate::tombstone::Tombstone;

/// What one stream record brings to the history of a session or refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryChange {
    /// It, as of the record.
    pub object: Object,
    /// The sequence number of the first entry to publish, from 1; there is none if it is past the history's end.
    pub first_new: usize,
    /// The sequence number of the first entry that became readable with the record; those before it are published again.
    pub first_landed: usize,
}

impl HistoryChange {
    /// The events of the entries to publish, in order. The last takes the object itself: most often it is the only one.
    pub fn into_events(self) -> impl Iterator<Item = StoredEvent> {
        let last = self.object.history_len();
        let mut object = Some(self.object);
        (self.first_new..=last).filter_map(move |sequence| {
            let object = if sequence == last { object.take() } else { object.clone() };
            object.map(|object| StoredEvent::new(object, sequence))
        })
    }
}

/// The history entries that are in `new` and not in `old`, and those that `new` wants to be published again; images as the stream
/// has them, empty where there is none. None for a record that is about something else than a session or refund, or that only
/// removes one.
///
/// # Errors
/// An image of a session or refund can't be read.
pub fn history_change(old: serde_dynamo::Item, new: serde_dynamo::Item) -> Result<Option<HistoryChange>, StoreError> {
    if old.contains_key("deleted_at") || !is_of_a_session(&new) {
        return Ok(None);
    }
    let marked_from = marked_from(&old, &new).unwrap_or(usize::MAX).max(1);
    if is_refund(&new) {
        let old: Option<Refund> = image(old)?;
        let first_landed = old.map_or(0, |old| old.history.len()) + 1;
        let first_new = marked_from.min(first_landed);
        return Ok(image(new)?.map(|refund| HistoryChange { object: Object::Refund(refund), first_new, first_landed }));
    }
    let old: Option<Session> = image(old)?;
    let first_landed = old.as_ref().map_or(0, |old| old.history.len()) + 1;
    let first_new = marked_from.min(first_landed);
    let session = if new.contains_key("deleted_at") {
        // What was deleted is published from what it was before: that it ended, and nobody's data.
        image(new)?.zip(old).map(|(Tombstone { state, history, deleted_at, .. }, old)| {
            Box::new(Session { state, history, ..old.erased(deleted_at) })
        })
    } else {
        image(new)?
    };
    Ok(session.map(|session| HistoryChange { object: Object::Session(session), first_new, first_landed }))
}

/// The session of which this record says, for the first time or of more of it, that money came for an attempt that was over; none
/// of any other. Images as the stream has them, empty where there is none.
pub fn late_money_noted(old: &serde_dynamo::Item, new: &serde_dynamo::Item) -> Option<SessionId> {
    if !new.contains_key("late_money") || old.get("late_money") == new.get("late_money") {
        return None;
    }
    session_id(new)
}

/// The session of which this record says, for the first time, that its money was taken back; none of any other. Images as the
/// stream has them, empty where there is none.
pub fn taken_back_noted(old: &serde_dynamo::Item, new: &serde_dynamo::Item) -> Option<SessionId> {
    if old.contains_key("taken_back") || !new.contains_key("taken_back") {
        return None;
    }
    session_id(new)
}

/// The API key with which a session, refund or customer was made or changed, if this record is of that: its item is new, its
/// history or version is another, or it was deleted. What else is written to the item says nothing of its key. Images as the
/// stream has them, empty where there is none.
pub fn key_used(old: &serde_dynamo::Item, new: &serde_dynamo::Item) -> Option<ApiKeyId> {
    let id = text_of(new, KEY_ID)?;
    let is_changed =
        old.is_empty() || ["history", "version", "deleted_at"].iter().any(|name| old.get(*name) != new.get(*name));
    if is_changed { id.parse().ok() } else { None }
}

/// Money that came by transfer above a payment's amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// Until it was sent.
    WithIt(SessionId),
    /// After that: somebody has paid again.
    AfterIt(SessionId),
}

/// What this record says, for the first time or of more of it, to have come above a sent payment's amount. Images as the stream
/// has them.
pub fn excess_noted(old: &serde_dynamo::Item, new: &serde_dynamo::Item) -> Option<Excess> {
    let sent = SessionState::Sent.as_str();
    let (total, amount) = (number_in(new, "received", "total")?, number_in(new, "amount", "minor")?);
    if text_of(new, "state") != Some(sent) || total <= amount {
        return None;
    }
    let before = number_in(old, "received", "total");
    match text_of(old, "state") {
        Some(state) if state == sent => (before != Some(total)).then_some(Excess::AfterIt(session_id(new)?)),
        Some(_) | None => Some(Excess::WithIt(session_id(new)?)),
    }
}

fn session_id(image: &serde_dynamo::Item) -> Option<SessionId> {
    text_of(image, "pk")?.strip_prefix(keys::SESSION_PK_PREFIX)?.parse().ok()
}

fn text_of<'a>(image: &'a serde_dynamo::Item, name: &str) -> Option<&'a str> {
    let AttributeValue::S(text) = image.get(name)? else { return None };
    Some(text)
}

fn number_in(image: &serde_dynamo::Item, name: &str, inner: &str) -> Option<i64> {
    let AttributeValue::M(map) = image.get(name)? else { return None };
    let AttributeValue::N(number) = map.get(inner)? else { return None };
    number.parse().ok()
}

fn is_refund(image: &serde_dynamo::Item) -> bool {
    matches!(image.get("sk"), Some(serde_dynamo::AttributeValue::S(sk)) if sk.starts_with(keys::REFUND_PREFIX))
}

/// A session, or a refund, which stands beside it. Customers have no history, and a mock's ledger may have refunds of its own.
fn is_of_a_session(image: &serde_dynamo::Item) -> bool {
    text_of(image, "pk").is_some_and(|pk| pk.starts_with(keys::SESSION_PK_PREFIX))
}

/// Reads an image; none if it is empty.
fn image<T: DeserializeOwned>(item: serde_dynamo::Item) -> Result<Option<T>, StoreError> {
    if item.is_empty() {
        return Ok(None);
    }
    let read = serde_dynamo::from_item(item);
    read.map(Some).map_err(|cause| StoreError::Unreadable { key: "in the stream".to_owned(), cause })
}

#[cfg(test)]
mod tests {
    use models::{MinorUnits, Received};

    use super::*;

    #[test]
    fn late_money_and_money_taken_back_are_seen_once_also_of_a_deleted_session() {
        let id = "1ae1ce03-dfa9-4593-b487-65c656991cb5";
        let item = |names: &[&str], id: &str| {
            let text = |text: &str| serde_dynamo::AttributeValue::S(text.to_owned());
            let mut item =
                serde_dynamo::Item::from(std::collections::HashMap::<String, serde_dynamo::AttributeValue>::new());
            item.insert("pk".to_owned(), text(&format!("SESSION#{id}")));
            names.iter().for_each(|name| drop(item.insert((*name).to_owned(), text(""))));
            item
        };
        let (before, noted) = (item(&["deleted_at"], id), item(&["deleted_at", "late_money"], id));
        assert_eq!(late_money_noted(&before, &noted), Some(id.parse().unwrap()));
        assert_eq!(late_money_noted(&noted, &noted), None);
        assert_eq!(late_money_noted(&before, &before), None);
        assert_eq!(late_money_noted(&before, &item(&["late_money"], "x")), None);
        let (before, noted) = (item(&["late_money"], id), item(&["late_money", "taken_back"], id));
        assert_eq!(taken_back_noted(&before, &noted), Some(id.parse().unwrap()));
        assert_eq!((taken_back_noted(&noted, &noted), late_money_noted(&before, &noted)), (None, None));
        let mut more = noted.clone();
        more.insert("late_money".to_owned(), AttributeValue::S("more".to_owned()));
        assert_eq!(late_money_noted(&noted, &more), Some(id.parse().unwrap()), "more of it");
    }

    #[test]
    fn a_key_is_used_by_what_changes_and_by_nothing_else_that_is_written() {
        let item = |attributes: &[(&str, &str)]| {
            let text = |text: &str| serde_dynamo::AttributeValue::S(text.to_owned());
            let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), text(value)));
            serde_dynamo::Item::from(attributes.collect::<std::collections::HashMap<_, _>>())
        };
        let key = (KEY_ID, "pk_test_demo_a");
        let used = |old: &[(&str, &str)], new: &[(&str, &str)]| {
            key_used(&item(old), &item(new)).map(|id| id.as_str().to_owned()).unwrap_or_default()
        };
        let created = [key, ("history", "1")];
        assert_eq!(used(&[], &created), key.1);
        assert_eq!(used(&[], &[key]), key.1, "a customer, who has no history");
        assert_eq!(used(&created, &[("history", "2")]), "", "the payer");
        assert_eq!(used(&[("history", "2")], &[key, ("history", "3")]), key.1);
        assert_eq!(used(&created, &[(KEY_ID, "pk_test_demo_b"), ("history", "2")]), "pk_test_demo_b");
        assert_eq!(used(&created, &[key, ("history", "1"), ("erased_at", "1")]), "", "what is written long after");
        assert_eq!(used(&created, &[key, ("history", "1"), ("deleted_at", "1")]), key.1);
        assert_eq!(used(&[key], &[key, ("version", "1")]), key.1);
        assert_eq!(used(&created, &[]), "");
        assert_eq!(used(&[], &[(KEY_ID, "no key")]), "");
    }

    #[test]
    fn what_comes_above_the_amount_is_seen_each_time() {
        let session = samples::session();
        let image = |state: &str, total: Option<i64>| {
            let received = total.map(|minor| Received { total: MinorUnits::new(minor), at: samples::NOW });
            let mut item: serde_dynamo::Item = serde_dynamo::to_item(Session { received, ..session.clone() }).unwrap();
            item.insert("state".to_owned(), AttributeValue::S(state.to_owned()));
            item.insert("pk".to_owned(), AttributeValue::S(format!("SESSION#{}", session.id)));
            item
        };
        let (with_it, after_it) = (Some(Excess::WithIt(session.id)), Some(Excess::AfterIt(session.id)));
        for (old, new, expected) in [
            (("pending", Some(400)), ("sent", Some(400)), None),
            (("pending", Some(401)), ("sent", Some(401)), with_it),
            (("pending", None), ("pending", Some(401)), None),
            (("sent", Some(400)), ("sent", Some(800)), after_it),
            (("sent", Some(800)), ("sent", Some(900)), after_it),
            (("sent", Some(800)), ("sent", Some(800)), None),
            (("pending", None), ("sent", None), None),
            (("pending", Some(399)), ("failed", Some(399)), None),
        ] {
            assert_eq!(excess_noted(&image(old.0, old.1), &image(new.0, new.1)), expected, "{old:?} {new:?}");
        }
    }
}
