//! Ids in whichever spelling people have them: as a format shows them, as logs do, in capitals.

use models::{RefundId, SessionId, WireFormat};

use crate::format::Format;

/// The payment session that this is the id of in some format, or the id of its transaction, or the address of its checkout.
pub fn any_session_id(text: &str) -> Option<SessionId> {
    let text = text.rsplit_once("/checkout/").map_or(text, |(_, id)| id);
    in_any_spelling(text, |format, text| format.session_id(text).or_else(|_| format.transaction_id(text)).ok())
}

/// The refund that this is the id of in some format.
pub fn any_refund_id(text: &str) -> Option<RefundId> {
    in_any_spelling(text, |format, text| format.refund_id(text).ok())
}

/// No two formats read two ids in one text. Capitals are small letters only where all digits are hexadecimal: elsewhere a capital is
/// another digit, and so another id. What is pasted may have spaces around it.
fn in_any_spelling<Id>(text: &str, read: impl Fn(Format, &str) -> Option<Id>) -> Option<Id> {
    let of = |text: &str| {
        let mut formats = WireFormat::ALL.into_iter().filter_map(|format| Format::of_stored(format).ok());
        formats.find_map(|format| read(format, text))
    };
    let text = text.trim();
    let is_hexadecimal = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    of(text).or_else(|| is_hexadecimal.then(|| of(&text.to_ascii_lowercase())).flatten())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    proptest! {
        #[test]
        fn an_id_is_known_in_each_of_its_spellings(number: u128) {
            let uuid = Uuid::from_u128(number);
            let (session_id, refund_id) = (SessionId::new(uuid), RefundId::new(uuid));
            for format in WireFormat::ALL.map(|format| Format::of_stored(format).unwrap()) {
                prop_assert_eq!(any_session_id(&format.shown_session_id(session_id)), Some(session_id));
                prop_assert_eq!(any_refund_id(&format.shown_refund_id(refund_id)), Some(refund_id));
                let pasted = format!(" {}\n", format.shown_session_id(session_id));
                prop_assert_eq!(any_session_id(&pasted), Some(session_id));
            }
            let transaction = format!("txn_{}", session_id.to_base62());
            prop_assert_eq!(any_session_id(&transaction), Some(session_id));
            let checkout = format!("https://pay.example.com/checkout/{session_id}");
            prop_assert_eq!((any_session_id(&checkout), any_refund_id(&checkout)), (Some(session_id), None));
            for capitals in ["PY_SESS_", "Py_sess_", "TXN_", "RE_"] {
                let other = format!("{capitals}{}", session_id.to_base62());
                prop_assert_eq!((any_session_id(&other), any_refund_id(&other)), (None, None), "else another's");
            }
            for capitals in [uuid.to_string().to_uppercase(), session_id.to_hex().to_uppercase()] {
                prop_assert_eq!(any_session_id(&capitals), Some(session_id));
                prop_assert_eq!(any_refund_id(&capitals), Some(refund_id), "it may be a refund's as well");
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC*|(py_sess_|txn_|re_)[0-9A-Za-z]{20,24}") {
            let _ = (any_session_id(&text), any_refund_id(&text));
        }
    }

    #[test]
    fn what_is_no_id_in_full_is_none() {
        let id = "1ae1ce03-dfa9-4593-b487-65c656991cb5";
        for other in ["", "Illuminate", "ada@example.com", &id[..8], &id[1..], "re_1", "py_sess_"] {
            assert_eq!((any_session_id(other), any_refund_id(other)), (None, None), "{other}");
        }
        let refund = format!("re_{}", RefundId::new(Uuid::from_u128(7)).to_base62());
        assert_eq!(any_session_id(&refund), None, "what has a prefix is of one kind");
    }
}
