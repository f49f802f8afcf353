//! Money that was taken back after a payment had succeeded.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Why the money of a payment that was sent is not the merchant's any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TakenBackReason {
    /// The card's holder disputed the payment, and their bank took the money back.
    Chargeback,
    /// The payer claimed it under the Direct Debit Guarantee.
    IndemnityClaim,
    /// The payer's bank returned the collection: within eight weeks without a reason in the SEPA Core scheme.
    Returned,
}

impl TakenBackReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Chargeback, Self::IndemnityClaim, Self::Returned];

    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chargeback => "chargeback",
            Self::IndemnityClaim => "indemnity_claim",
            Self::Returned => "returned",
        }
    }
}

/// That the money was taken back: the session stays sent, and nothing of it is refunded any more. No personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenBack {
    /// Why.
    pub reason: TakenBackReason,
    /// When it was noted.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_stored_as_they_are_spelled() {
        for reason in TakenBackReason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
        let stored = r#"{"reason":"chargeback","at":1772000000000}"#;
        assert_eq!(serde_json::to_string(&serde_json::from_str::<TakenBack>(stored).unwrap()).unwrap(), stored);
    }
}
