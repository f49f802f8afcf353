//! What of a session or a refund only this format reads, as `Extra` keeps it.

use models::Metadata;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// As what a payment is reported.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReportingType {
    AdvanceRent,
    #[default]
    Charge,
    Deposit,
    HoldingFee,
    Rent,
}

impl ReportingType {
    pub(crate) const ALL: [Self; 5] = [Self::AdvanceRent, Self::Charge, Self::Deposit, Self::HoldingFee, Self::Rent];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::AdvanceRent => "advance_rent",
            Self::Charge => "charge",
            Self::Deposit => "deposit",
            Self::HoldingFee => "holding_fee",
            Self::Rent => "rent",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Why a refund is made.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefundReason {
    Duplicate,
    Fraudulent,
    RequestedByCustomer,
}

impl RefundReason {
    pub(crate) const ALL: [Self; 3] = [Self::Duplicate, Self::Fraudulent, Self::RequestedByCustomer];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Fraudulent => "fraudulent",
            Self::RequestedByCustomer => "requested_by_customer",
        }
    }
}

/// What a session keeps beside what the domain knows of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct SessionExtra {
    #[serde(default, skip_serializing_if = "ReportingType::is_default")]
    pub(crate) reporting_type: ReportingType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) transaction_data: Option<TransactionData>,
    /// As it was sent: what it holds is nowhere said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) payment_method_options: Option<Box<RawValue>>,
}

/// How the transaction is to be processed: kept for the merchant's own books, since there are no units and balances here.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TransactionData {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) use_unit_ownership: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) apply_balance: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) balance_description: Option<String>,
}

/// What a refund keeps beside what the domain knows of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct RefundExtra {
    #[serde(default, skip_serializing_if = "is_empty")]
    pub(crate) metadata: Metadata,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<RefundReason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason_description: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) reverse_transfer: bool,
}

fn is_empty(metadata: &Metadata) -> bool {
    metadata.as_map().is_empty()
}
