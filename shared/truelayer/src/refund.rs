//! A refund from a merchant account with TrueLayer.
//! <https://docs.truelayer.com/reference/create-payment-refund>, <https://docs.truelayer.com/reference/get-payment-refund>

use models::{Money, ProviderRefundId, ProviderRequest, Reference, RefundId, Session};
use providers::RefundStatus;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::payment::{idempotency_key, shortened};

/// What pays `amount` back. It names nobody, and so the payment's own reference stands in it, not the merchant's.
pub(crate) fn request(session: &Session, refund_id: RefundId, amount: Money) -> ProviderRequest {
    let body = json!({
        "amount_in_minor": amount.minor(),
        "reference": Reference::of_payment(&session.end_to_end_id).as_str(),
        "metadata": { "refund_id": refund_id.to_string() },
    });
    ProviderRequest { idempotency_key: idempotency_key("refund", &refund_id.to_string(), 0), body: body.to_string() }
}

/// A refund that TrueLayer has accepted.
#[derive(Deserialize)]
pub(crate) struct Accepted {
    id: Uuid,
}

impl Accepted {
    /// What TrueLayer calls it.
    pub(crate) fn id(&self) -> Option<ProviderRefundId> {
        self.id.to_string().parse().ok()
    }
}

/// How a refund stands, by an answer's JSON.
pub(crate) fn status(refund: &Value) -> RefundStatus {
    match refund.get("status").and_then(Value::as_str) {
        Some("pending" | "authorized") => RefundStatus::Accepted,
        Some("executed") => RefundStatus::Settled,
        Some("failed") => RefundStatus::Refused,
        other @ (Some(_) | None) => {
            tracing::error!(status = shortened(other), "TrueLayer says a status of a refund that is not known");
            RefundStatus::Unknown
        }
    }
}

/// Whether an answer's JSON is of our refund of this id and amount. It may leave out what we sent along.
pub(crate) fn is_of(refund: &Value, id: RefundId, amount: Money) -> bool {
    let named = refund.pointer("/metadata/refund_id").and_then(Value::as_str);
    refund.get("amount_in_minor").and_then(Value::as_i64) == Some(amount.minor())
        && named.is_none_or(|named| named == id.to_string())
}

#[cfg(test)]
mod tests {
    use models::{Currency, MinorUnits};

    use super::*;

    #[test]
    fn a_refund_is_asked_for_in_the_same_words_under_a_key_of_its_own_and_names_nobody() {
        let session = samples::session();
        let [one, other] = [1, 2].map(|id| RefundId::new(Uuid::from_u128(id)));
        let amount = Money::new(MinorUnits::new(150), Currency::GBP);
        let asked = request(&session, one, amount);
        assert_eq!(asked, request(&session, one, amount));
        assert_ne!(asked.idempotency_key, request(&session, other, amount).idempotency_key);
        let body: Value = serde_json::from_str(&asked.body).unwrap();
        let expected = json!({
            "amount_in_minor": 150,
            "reference": Reference::of_payment(&session.end_to_end_id).as_str(),
            "metadata": { "refund_id": "00000000-0000-0000-0000-000000000001" },
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn a_refund_that_was_accepted_has_an_id() {
        let accepted: Accepted = serde_json::from_str(r#"{"id":"6a1f3c2e-50b1-4c4b-9f6e-0a1b2c3d4e5f"}"#).unwrap();
        assert_eq!(accepted.id().unwrap().as_str(), "6a1f3c2e-50b1-4c4b-9f6e-0a1b2c3d4e5f");
        assert!(serde_json::from_str::<Accepted>(r#"{"id":".."}"#).is_err());
    }

    #[test]
    fn each_status_of_a_refund_is_known_and_what_is_not_fails_nothing() {
        for (status_of, expected) in [
            ("pending", RefundStatus::Accepted),
            ("authorized", RefundStatus::Accepted),
            ("executed", RefundStatus::Settled),
            ("failed", RefundStatus::Refused),
            ("returned", RefundStatus::Unknown),
            ("", RefundStatus::Unknown),
        ] {
            let refund = json!({
                "id": "6a1f3c2e-50b1-4c4b-9f6e-0a1b2c3d4e5f",
                "amount_in_minor": 150,
                "currency": "GBP",
                "reference": "REFUND",
                "status": status_of,
                "created_at": "2026-01-31T09:30:00.123456Z",
                "failure_reason": "insufficient_funds",
            });
            assert_eq!(status(&refund), expected, "{status_of}");
        }
        assert_eq!(status(&json!([])), RefundStatus::Unknown);
    }

    #[test]
    fn a_refund_is_ours_by_its_amount_and_our_id() {
        let (id, amount) = (RefundId::new(Uuid::from_u128(1)), Money::new(MinorUnits::new(150), Currency::GBP));
        let ours = json!({ "refund_id": "00000000-0000-0000-0000-000000000001" });
        let others = json!({ "refund_id": "00000000-0000-0000-0000-000000000002" });
        for (answer, expected) in [
            (json!({ "amount_in_minor": 150, "metadata": ours }), true),
            (json!({ "amount_in_minor": 150 }), true),
            (json!({ "amount_in_minor": 150, "metadata": others }), false),
            (json!({ "amount_in_minor": 151, "metadata": ours }), false),
            (json!({ "metadata": ours }), false),
            (json!(null), false),
        ] {
            assert_eq!(is_of(&answer, id, amount), expected, "{answer}");
        }
    }
}
