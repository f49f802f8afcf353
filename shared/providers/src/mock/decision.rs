//! What a payer can decide at a mock bank.

use std::str::FromStr;

use jiff::SignedDuration;
use models::Card;
use serde::{Deserialize, Serialize};

/// What the payer decides on a mock bank's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Consent; the money is sent at once.
    Approve,
    /// Consent; the money is sent after [`Decision::delay`].
    ApproveThenSettle,
    /// Consent; the bank refuses after [`Decision::delay`].
    ApproveThenFail,
    /// Consent; after [`Decision::delay`] the account doesn't hold enough.
    #[serde(rename = "approve_then_insufficient_funds")]
    ApproveThenLackFunds,
    /// No consent.
    Decline,
    /// No consent: the account doesn't hold enough.
    InsufficientFunds,
    /// The payer would consent, and the bank refuses at once.
    Refuse,
}

impl Decision {
    /// Every decision.
    pub const ALL: [Self; 7] = [
        Self::Approve,
        Self::ApproveThenSettle,
        Self::ApproveThenFail,
        Self::ApproveThenLackFunds,
        Self::Decline,
        Self::InsufficientFunds,
        Self::Refuse,
    ];

    /// As a page's form and the ledger spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::ApproveThenSettle => "approve_then_settle",
            Self::ApproveThenFail => "approve_then_fail",
            Self::ApproveThenLackFunds => "approve_then_insufficient_funds",
            Self::Decline => "decline",
            Self::InsufficientFunds => "insufficient_funds",
            Self::Refuse => "refuse",
        }
    }

    /// How long the payment stays pending after the money was asked for.
    pub const fn delay(self) -> SignedDuration {
        match self {
            Self::Approve | Self::Decline | Self::InsufficientFunds | Self::Refuse => SignedDuration::ZERO,
            Self::ApproveThenSettle | Self::ApproveThenFail | Self::ApproveThenLackFunds => {
                SignedDuration::from_secs(10)
            }
        }
    }
}

impl FromStr for Decision {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|decision| decision.as_str() == text).ok_or(())
    }
}

/// Whether the bank shows the merchant which account the money came from. Real banks do or don't; a mock one asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayerAccount {
    /// It does.
    #[default]
    Shared,
    /// It doesn't: before a refund the payer has to be asked.
    Withheld,
}

/// All that the payer decides about one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Whether to pay.
    pub decision: Decision,
    /// Whether the merchant learns from which account.
    #[serde(default)]
    pub payer_account: PayerAccount,
    /// The card that pays, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
}

impl From<Decision> for Decided {
    /// With the payer's account shared.
    fn from(decision: Decision) -> Self {
        Self { decision, payer_account: PayerAccount::Shared, card: None }
    }
}
