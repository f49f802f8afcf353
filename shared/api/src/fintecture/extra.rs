//! What of a session or a refund only this format reads, as `Extra` keeps it; each text as it was sent.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Which of the two requests made a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// `connect`: the merchant sends the payer to the checkout.
    #[default]
    Connect,
    /// `request-to-pay`: the payer is sent its link.
    RequestToPay,
}

impl Kind {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What a session keeps beside what the domain knows of it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SessionExtra {
    #[serde(skip_serializing_if = "Kind::is_default")]
    pub(super) kind: Kind,
    /// The query's `state`, for the redirect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) with_beneficiary: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) with_virtual_beneficiary: Option<bool>,
    /// The header `x-psu-type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) psu_type: Option<PsuType>,
    /// The header `x-country`, in capitals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) country: Option<String>,
    /// The header `x-provider`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) provider: Option<String>,
    /// `data.type`, which says nothing here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data_type: Option<String>,
    pub(super) attributes: AttributesExtra,
    pub(super) meta: MetaExtra,
}

/// For whom the offered banks are.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PsuType {
    Retail,
    Corporate,
    All,
}

/// Of `data.attributes`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct AttributesExtra {
    /// The text of the amount, which is given back as it was sent: `"20"`, not `"20.00"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) amount: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) beneficiary: Option<Beneficiary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end_to_end_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) execution_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scheme: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) external_reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) debited_account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) debited_account_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) net_amount: Option<String>,
}

/// Who is paid, as it was sent; the account is one of the merchant's own.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Beneficiary {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) iban: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) swift_bic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bank_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) street: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) zip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) country: Option<String>,
}

/// Of `meta`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct MetaExtra {
    /// Kept here if there is no payer, who has it else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) psu_email: Option<String>,
    /// Kept here if there is no payer, or their number has the prefix before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) psu_phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) psu_phone_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) psu_company: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) psu_form: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) psu_incorporation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) psu_address: Option<PsuAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) psu_ip: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) cc: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) bcc: Vec<String>,
    /// The merchant's own object, as it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) custom: Option<Box<RawValue>>,
    /// How a request to pay is sent: `email` or `link`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<String>,
    /// In seconds, as it was sent: a number or a string of digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expiry: Option<Box<RawValue>>,
    /// A number or a string, as it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) due_date: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) payment_methods: Vec<OrderedMethod>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reconciliation: Option<Reconciliation>,
}

/// Where the payer lives.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct PsuAddress {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) street: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) complement: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) zip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) country: Option<String>,
}

/// A way to pay, and where it stands among the others.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OrderedMethod {
    pub(super) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) order: Option<i64>,
}

/// By what a smart transfer is matched.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Reconciliation {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) level: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) match_amount: Option<bool>,
}

/// What a refund keeps beside what the domain knows of it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RefundExtra {
    /// The text of the amount, as it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) amount: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) communication: Option<String>,
    /// The query's `state`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<String>,
}
