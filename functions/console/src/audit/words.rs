//! What acts are called.

use models::{Act, ActKind, ActObject, ActOutcome, Actor, Mode};

use crate::words;

/// A kind as people read it: `Refund made`.
pub(super) fn kind(kind: ActKind) -> String {
    let text = kind.as_str().replace('_', " ");
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// What was done, as people read it: who ends another's visits is not signed out themselves.
pub(super) fn what(act: &Act) -> String {
    let is_own = match (&act.object, &act.who) {
        (ActObject::Person(whom), Actor::Person(by)) => whom == by,
        (
            ActObject::Person(_)
            | ActObject::Session(_)
            | ActObject::Refund { .. }
            | ActObject::Customer(_)
            | ActObject::Endpoint(_)
            | ActObject::Event(_)
            | ActObject::Key(_)
            | ActObject::Account(_)
            | ActObject::Shop
            | ActObject::Payments,
            Actor::Person(_) | Actor::Operator(_),
        ) => false,
    };
    if act.what == ActKind::SignedOut && !is_own { "Signed out everywhere".to_owned() } else { kind(act.what) }
}

/// What it was done to.
pub(super) fn object(act: &Act) -> String {
    match &act.object {
        ActObject::Session(id) => format!("Payment {id}"),
        ActObject::Refund { refund_id, .. } => format!("Refund {refund_id}"),
        ActObject::Person(email) => email.as_str().to_owned(),
        ActObject::Customer(id) => format!("Customer {id}"),
        ActObject::Endpoint(id) => format!("Webhook {id}"),
        ActObject::Event(id) => format!("Event {id}"),
        ActObject::Key(id) => format!("Key {id}"),
        ActObject::Account(end) => format!("Account ending {}", end.as_str()),
        ActObject::Shop => "The shop".to_owned(),
        ActObject::Payments => "Many payments".to_owned(),
    }
}

/// The page of what it was done to, below that of a mode, if there is one.
pub(super) fn path(act: &Act) -> Option<String> {
    match &act.object {
        ActObject::Session(id) | ActObject::Refund { session_id: id, .. } => Some(format!("payments/{id}")),
        ActObject::Endpoint(id) => Some(format!("webhooks/{id}")),
        ActObject::Event(id) => Some(format!("events/{id}")),
        ActObject::Person(_)
        | ActObject::Customer(_)
        | ActObject::Key(_)
        | ActObject::Account(_)
        | ActObject::Shop
        | ActObject::Payments => None,
    }
}

/// Why, if that was said. What was noted may name a payer: it shows on the payment's page, to who asked for personal data.
pub(super) fn reason(act: &Act) -> &str {
    act.reason.as_ref().map_or("", |reason| words::said_reason(reason).unwrap_or("Noted"))
}

/// The rule that refused it; empty if it was done.
pub(super) fn refused(act: &Act) -> &str {
    match &act.outcome {
        ActOutcome::Done => "",
        ActOutcome::Refused(code) => code,
    }
}

/// In which mode; empty if in both.
pub(super) fn mode(act: &Act) -> &'static str {
    act.mode.map_or("", Mode::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_ends_anothers_visits_signs_them_out_everywhere_and_notes_are_not_shown() {
        for (who, expected) in [
            (json!({ "person": "ada@shop.example" }), "Signed out"),
            (json!({ "person": "bea@shop.example" }), "Signed out everywhere"),
            (json!({ "operator": "arn:aws:iam::123456789012:user/ada" }), "Signed out everywhere"),
        ] {
            let stored = json!({
                "id": "019c1363-4a3b-7000-8000-000000000001",
                "at": 1_769_851_800_123_i64,
                "merchant_id": "demo",
                "who": who,
                "what": "signed_out",
                "acted_on": { "person": "ada@shop.example" },
                "reason": { "other": "As Ada asked" },
                "outcome": "done",
            });
            let act: Act = serde_json::from_str(&stored.to_string()).unwrap();
            assert_eq!((what(&act).as_str(), reason(&act)), (expected, "Noted"));
        }
    }

    #[test]
    fn kinds_read_as_words() {
        assert_eq!(kind(ActKind::RefundMade), "Refund made");
        assert!(ActKind::ALL.iter().all(|of| !kind(*of).contains('_')));
    }
}
