//! Ids: a prefix that says of what, and the id itself to the base of 62. A transaction is its session's, under another prefix.

use models::{CustomerId, EventId, InvalidId, ObjectId, RefundId, SessionId};

const SESSION: &str = "py_sess_";
const TRANSACTION: &str = "txn_";
const REFUND: &str = "re_";
const CUSTOMER: &str = "cus_";

pub(crate) fn session(id: SessionId) -> String {
    format!("{SESSION}{}", id.to_base62())
}

pub(crate) fn transaction(id: SessionId) -> String {
    format!("{TRANSACTION}{}", id.to_base62())
}

pub(crate) fn refund(id: RefundId) -> String {
    format!("{REFUND}{}", id.to_base62())
}

pub(crate) fn customer(id: CustomerId) -> String {
    format!("{CUSTOMER}{}", id.to_base62())
}

pub(crate) fn event(id: EventId) -> String {
    format!("evt_{}_{}", id.object_id.to_base62(), id.sequence)
}

pub(crate) fn read_session(text: &str) -> Option<SessionId> {
    read(text, SESSION, SessionId::from_base62)
}

pub(crate) fn read_transaction(text: &str) -> Option<SessionId> {
    read(text, TRANSACTION, SessionId::from_base62)
}

pub(crate) fn read_refund(text: &str) -> Option<RefundId> {
    read(text, REFUND, RefundId::from_base62)
}

pub(crate) fn read_customer(text: &str) -> Option<CustomerId> {
    read(text, CUSTOMER, CustomerId::from_base62)
}

/// A session or a refund.
pub(crate) fn read_object(text: &str) -> Option<ObjectId> {
    read_session(text).map(ObjectId::from).or_else(|| read_refund(text).map(ObjectId::from))
}

pub(crate) fn read_event(text: &str) -> Option<EventId> {
    let (object_id, sequence) = text.strip_prefix("evt_")?.split_once('_')?;
    let object_id = ObjectId::from_base62(object_id).ok()?;
    let sequence = models::whole_number(sequence)?;
    Some(EventId { object_id, sequence })
}

fn read<Id>(text: &str, prefix: &str, from_base62: fn(&str) -> Result<Id, InvalidId>) -> Option<Id> {
    from_base62(text.strip_prefix(prefix)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_id_names_nothing_without_its_prefix_or_with_another_or_of_another_length() {
        let id = SessionId::new(Uuid::from_u128(7));
        let digits = id.to_base62();
        assert_eq!(session(id), format!("py_sess_{digits}"));
        assert_eq!(read_session(&session(id)), Some(id));
        for text in [
            digits.clone(),
            transaction(id),
            format!("py_sess{digits}"),
            format!("PY_SESS_{digits}"),
            format!("py_sess_{digits}0"),
            format!("py_sess_{}", &digits[1..]),
            format!(" py_sess_{digits}"),
            format!("py_sess_{id}"),
            String::new(),
        ] {
            assert_eq!(read_session(&text), None, "{text}");
        }
        assert_eq!(read_transaction(&session(id)), None);
        assert_eq!(read_object(&transaction(id)), None);
    }

    proptest! {
        #[test]
        fn every_id_reads_back(number: u128, sequence in 1..10_000_usize) {
            let uuid = Uuid::from_u128(number);
            let (of_session, of_refund) = (SessionId::new(uuid), RefundId::new(uuid));
            let of_customer = CustomerId::new(uuid);
            prop_assert_eq!(read_session(&session(of_session)), Some(of_session));
            prop_assert_eq!(read_transaction(&transaction(of_session)), Some(of_session));
            prop_assert_eq!(read_refund(&refund(of_refund)), Some(of_refund));
            prop_assert_eq!(read_customer(&customer(of_customer)), Some(of_customer));
            prop_assert_eq!(read_object(&session(of_session)), Some(of_session.into()));
            prop_assert_eq!(read_object(&refund(of_refund)), Some(of_refund.into()));
            let id = EventId { object_id: of_session.into(), sequence };
            prop_assert_eq!(read_event(&event(id)), Some(id));
            // What a client gives as a refund's transaction.
            let shown = transaction(of_session);
            prop_assert!(shown.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
        }

        #[test]
        fn no_text_panics_and_what_is_read_is_written_so(text in "\\PC*|(py_sess_|txn_|re_|cus_|evt_)[0-9A-Za-z_]{0,30}") {
            prop_assert!(read_session(&text).is_none_or(|id| session(id) == text));
            prop_assert!(read_transaction(&text).is_none_or(|id| transaction(id) == text));
            prop_assert!(read_refund(&text).is_none_or(|id| refund(id) == text));
            prop_assert!(read_customer(&text).is_none_or(|id| customer(id) == text));
            prop_assert!(read_event(&text).is_none_or(|id| event(id) == text));
        }
    }
}
