//! A payer's attempt to pay at a provider, and how it can end without its session.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::Payee;
use crate::ids::{BankId, ProviderPaymentId};
use crate::money::MinorUnits;
use crate::text::Reference;
use crate::transition::SessionEvent;

/// How often a payer may choose a bank for one session.
pub const MAX_ATTEMPTS: u8 = 20;

/// When an attempt's money moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovesMoney {
    /// When we submit it, after the payer's consent.
    AtSubmission,
    /// When the payer consents, at the provider: we submit nothing.
    AtConsent,
}

/// The payer's latest choice of a bank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentAttempt {
    /// 1 for the first, at most [`MAX_ATTEMPTS`].
    pub number: u8,
    /// Which bank; of one that is reached through a provider of many, that provider.
    pub bank: BankId,
    /// Where the payer goes to consent. Where money moves at consent it is a page of ours: the provider's own link may hold
    /// a token, and is never stored.
    pub redirect_url: String,
    /// What the bank's connector needs to find the payment again, which nobody else reads; where money moves at consent, what the
    /// provider of many calls the bank, if one was chosen.
    pub provider_state: String,
    /// What is known of it if its money moves at consent. None says that it moves at submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_consent: Option<AtConsent>,
    /// How it ended, if it did and its session went on: its money never moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<AttemptEnd>,
}

impl PaymentAttempt {
    /// When its money moves.
    pub const fn moves_money(&self) -> MovesMoney {
        if self.at_consent.is_some() { MovesMoney::AtConsent } else { MovesMoney::AtSubmission }
    }

    /// What the payer chose, by the id that it was offered under. It is stored in parts: an earlier release knows no id with a dot.
    pub fn chosen(&self) -> BankId {
        let Self { bank, provider_state, at_consent, .. } = self;
        if at_consent.is_none() || provider_state.is_empty() {
            return bank.clone();
        }
        format!("{bank}.{provider_state}").parse().unwrap_or_else(|_| bank.clone())
    }
}

/// What is known of an attempt whose money moves at consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtConsent {
    /// When it was recorded, which is before the provider heard of it.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub begun_at: Timestamp,
    /// What begins it at the provider.
    pub request: ProviderRequest,
    /// What the provider calls it, once it has answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<ProviderPaymentId>,
    /// What the payer needs to pay by a transfer of their own, if the provider asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferInstructions>,
}

/// A request to a provider: recorded before it is sent, so that it can only be repeated.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderRequest {
    /// Our idempotency key with the provider.
    pub idempotency_key: String,
    /// The exact bytes. Personal data may be in them.
    pub body: String,
}

// The body may name the payer, and debug output may reach a log.
impl fmt::Debug for ProviderRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderRequest").field("idempotency_key", &self.idempotency_key).finish_non_exhaustive()
    }
}

/// For a payer who pays by a transfer of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferInstructions {
    /// Who is paid. A virtual IBAN is this payee's account.
    pub payee: Payee,
    /// By what the provider finds the transfer.
    pub reference: Reference,
}

/// Why a provider finally refused an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeclineReason {
    /// The payer refused at the provider.
    ByPayer,
    /// The bank refused.
    ByBank,
    /// The payer's account did not hold enough.
    InsufficientFunds,
}

impl DeclineReason {
    /// What happens to a session that ends by it.
    pub const fn event(self) -> SessionEvent {
        match self {
            Self::ByPayer => SessionEvent::DeclinedByPayer,
            Self::ByBank => SessionEvent::DeclinedByBank,
            Self::InsufficientFunds => SessionEvent::InsufficientFunds,
        }
    }
}

/// How an attempt ended without its session. Its money never moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptEnd {
    /// The payer refused at the provider.
    DeclinedByPayer,
    /// The bank refused.
    DeclinedByBank,
    /// The payer's account did not hold enough.
    InsufficientFunds,
    /// The provider cancelled it for us.
    Cancelled,
    /// The provider refused to begin it.
    NotBegun,
}

impl AttemptEnd {
    /// Every end.
    pub const ALL: [Self; 5] =
        [Self::DeclinedByPayer, Self::DeclinedByBank, Self::InsufficientFunds, Self::Cancelled, Self::NotBegun];

    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DeclinedByPayer => "declined_by_payer",
            Self::DeclinedByBank => "declined_by_bank",
            Self::InsufficientFunds => "insufficient_funds",
            Self::Cancelled => "cancelled",
            Self::NotBegun => "not_begun",
        }
    }
}

impl fmt::Display for AttemptEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<DeclineReason> for AttemptEnd {
    fn from(reason: DeclineReason) -> Self {
        match reason {
            DeclineReason::ByPayer => Self::DeclinedByPayer,
            DeclineReason::ByBank => Self::DeclinedByBank,
            DeclineReason::InsufficientFunds => Self::InsufficientFunds,
        }
    }
}

/// Money that moved for an attempt that was over: the session stays as it is, and a person returns the money. No personal
/// data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateMoney {
    /// When it was noted.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub at: Timestamp,
    /// Whose payment it is.
    pub provider: BankId,
    /// What the provider calls it.
    pub payment_id: ProviderPaymentId,
    /// Of which of the session's attempts.
    pub attempt: u8,
    /// How much came so, in all, where its provider says that. It may rise: each transfer comes by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<MinorUnits>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_stored_as_they_are_spelled() {
        for end in AttemptEnd::ALL {
            assert_eq!(serde_json::to_value(end).unwrap(), end.as_str());
        }
        let reasons = [DeclineReason::ByPayer, DeclineReason::ByBank, DeclineReason::InsufficientFunds];
        for reason in reasons {
            assert_eq!(AttemptEnd::from(reason).as_str(), reason.event().as_str());
        }
    }

    #[test]
    fn what_an_earlier_release_stored_moves_its_money_at_submission() {
        let stored = r#"{"number":1,"bank":"mock-bank","redirect_url":"http://pay.example/b","provider_state":"1"}"#;
        let attempt: PaymentAttempt = serde_json::from_str(stored).unwrap();
        assert_eq!((attempt.moves_money(), attempt.ended), (MovesMoney::AtSubmission, None));
        assert_eq!(serde_json::to_string(&attempt).unwrap(), stored, "nothing new is written of it");
    }

    #[test]
    fn the_bytes_of_a_request_are_in_no_debug_output() {
        let request = ProviderRequest { idempotency_key: "begin-1".to_owned(), body: "Ada Payer".to_owned() };
        let shown = format!("{request:?}");
        assert!(shown.contains("begin-1") && !shown.contains("Ada"), "{shown}");
    }
}
