//! What acts are called.

use models::{Act, ActKind, ActObject, ActOutcome, Actor, Mode};
use pages::{Facts, Language};

use crate::texts::texts;
use crate::words;

/// A kind as people read it: `Refund made`.
pub(super) const fn kind(kind: ActKind, language: Language) -> &'static str {
    let t = texts(language).audit;
    match kind {
        ActKind::RefundMade => t.refund_made,
        ActKind::RefundCancelled => t.refund_cancelled,
        ActKind::RefundConcluded => t.refund_concluded,
        ActKind::PaymentCancelled => t.payment_cancelled,
        ActKind::PersonalDataShown => t.personal_data_shown,
        ActKind::PersonalDataErased => t.personal_data_erased,
        ActKind::SignedIn => t.signed_in,
        ActKind::SignedOut => t.signed_out,
        ActKind::PersonAdded => t.person_added,
        ActKind::SignInLinkMade => t.sign_in_link_made,
        ActKind::RoleChanged => t.role_changed,
        ActKind::PersonRemoved => t.person_removed,
        ActKind::WebhookRegistered => t.webhook_registered,
        ActKind::WebhookChanged => t.webhook_changed,
        ActKind::WebhookRemoved => t.webhook_removed,
        ActKind::WebhookResumed => t.webhook_resumed,
        ActKind::SecretRolled => t.secret_rolled,
        ActKind::EventResent => t.event_resent,
        ActKind::TestEventSent => t.test_event_sent,
        ActKind::KeyIssued => t.key_issued,
        ActKind::KeyRolled => t.key_rolled,
        ActKind::KeyRevoked => t.key_revoked,
        ActKind::AccountLinked => t.account_linked,
        ActKind::AccountUnlinked => t.account_unlinked,
        ActKind::ShopChanged => t.shop_changed,
        ActKind::PaymentLinkMade => t.payment_link_made,
        ActKind::Exported => t.exported,
    }
}

/// What was done, as people read it: who ends another's visits is not signed out themselves.
pub(super) fn what(act: &Act, language: Language) -> &'static str {
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
    if act.what == ActKind::SignedOut && !is_own {
        texts(language).audit.signed_out_everywhere
    } else {
        kind(act.what, language)
    }
}

/// What it was done to.
pub(super) fn object(act: &Act, language: Language) -> String {
    let (t, facts) = (texts(language).audit, Facts::new(language));
    match &act.object {
        ActObject::Session(id) => facts.text("id", id).plain(t.payment),
        ActObject::Refund { refund_id, .. } => facts.text("id", refund_id).plain(t.refund),
        ActObject::Person(email) => email.as_str().to_owned(),
        ActObject::Customer(id) => facts.text("id", id).plain(t.customer),
        ActObject::Endpoint(id) => facts.text("id", id).plain(t.webhook),
        ActObject::Event(id) => facts.text("id", id).plain(t.event),
        ActObject::Key(id) => facts.text("id", id).plain(t.key),
        ActObject::Account(end) => facts.text("end", end.as_str()).plain(t.account),
        ActObject::Shop => t.shop.to_owned(),
        ActObject::Payments => t.payments.to_owned(),
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
pub(super) fn reason(act: &Act, language: Language) -> &str {
    act.reason.as_ref().map_or("", |reason| words::said_reason(reason, language).unwrap_or(texts(language).audit.noted))
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
            assert_eq!((what(&act, Language::English), reason(&act, Language::English)), (expected, "Noted"));
        }
    }

    #[test]
    fn kinds_read_as_words() {
        assert_eq!(kind(ActKind::RefundMade, Language::English), "Refund made");
        for of in ActKind::ALL {
            let words = kind(*of, Language::English).to_lowercase().replace('-', " ");
            assert_eq!(words, of.as_str().replace('_', " "));
        }
    }
}
