//! Customers: what this format keeps of one for itself, and how one is shown.

mod request;
#[cfg(test)]
mod tests;

#[cfg(test)]
use std::collections::BTreeMap;

use models::{Customer, CustomerId, Description, EmailAddress, Metadata, Name, PhoneNumber};
use serde::{Deserialize, Serialize};

use super::id;
use crate::extra;
#[cfg(test)]
use crate::openapi::types as doc;

pub use request::CustomerChange;
#[cfg(test)]
pub(crate) use request::CustomerRequest;
pub(crate) use request::{parse_customer, parse_customer_change};

/// The most addresses that get copies of invoices. With it the parts of a customer fit into what a format may keep of one.
const MAX_COPIES: usize = 5;

/// What a customer keeps beside what the domain knows of it. What is null in answers is left out.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CustomerExtra {
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Description>,
    #[serde(skip_serializing_if = "Address::is_empty")]
    address: Address,
    #[serde(skip_serializing_if = "Legal::is_empty")]
    pub(crate) legal: Legal,
    #[serde(skip_serializing_if = "Invoicing::is_empty")]
    invoicing: Invoicing,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoice_prefix: Option<String>,
}

/// Where they live. What is not known is null.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Address {
    #[cfg_attr(test, schemars(with = "Option<doc::Text<140>>"))]
    line1: Option<Name>,
    #[cfg_attr(test, schemars(with = "Option<doc::Text<140>>"))]
    line2: Option<Name>,
    #[cfg_attr(test, schemars(with = "Option<doc::Text<140>>"))]
    city: Option<Name>,
    /// Two letters (ISO 3166-1).
    #[cfg_attr(test, schemars(length(equal = 2)))]
    country: Option<String>,
    #[cfg_attr(test, schemars(length(min = 1, max = 20)))]
    postal_code: Option<String>,
    #[cfg_attr(test, schemars(with = "Option<doc::Text<140>>"))]
    state: Option<Name>,
}

/// Their name by law. What is not known is null.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Legal {
    #[cfg_attr(test, schemars(with = "Option<doc::Text<140>>"))]
    first_name: Option<Name>,
    #[cfg_attr(test, schemars(with = "Option<doc::Text<140>>"))]
    last_name: Option<Name>,
}

/// Where their invoices go; kept and answered, for no invoices are made here.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Invoicing {
    #[cfg_attr(test, schemars(with = "Option<String>", length(max = 254)))]
    email_to: Option<EmailAddress>,
    /// Who gets copies.
    #[cfg_attr(test, schemars(with = "Vec<String>", length(max = MAX_COPIES)))]
    email_cc: Vec<EmailAddress>,
    /// Whether they are written to about arrears.
    arrears_emails: Option<bool>,
}

impl Address {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Legal {
    /// Both names, those that are known.
    pub(crate) fn whole(&self) -> String {
        let names = [&self.first_name, &self.last_name].into_iter().flatten();
        names.map(Name::as_str).collect::<Vec<_>>().join(" ")
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Invoicing {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A customer as Yorlet shows it.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "YorletCustomer"))]
#[derive(Debug, Serialize)]
pub(crate) struct CustomerView<'a> {
    #[cfg_attr(test, schemars(with = "doc::CustomerId"))]
    id: String,
    #[cfg_attr(test, schemars(extend("const" = "customer")))]
    object: &'static str,
    /// When it was created, in seconds since 1970.
    created: i64,
    email: &'a str,
    name: Option<&'a str>,
    phone: Option<&'a str>,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    description: Option<Description>,
    address: Address,
    legal: Legal,
    invoicing: Invoicing,
    invoice_prefix: Option<String>,
    #[cfg_attr(test, schemars(with = "BTreeMap<String, String>"))]
    metadata: &'a Metadata,
    /// Always null: how to pay is chosen at each checkout.
    default_payment_method: Option<()>,
    /// Always false: there are no invoices here that could be overdue.
    #[cfg_attr(test, schemars(extend("const" = false)))]
    delinquent: bool,
    radar: Radar,
}

/// Always nulls: no risk is assessed here.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Default, Serialize)]
struct Radar {
    message: Option<()>,
    reason: Option<()>,
    risk_level: Option<()>,
}

impl<'a> CustomerView<'a> {
    pub(crate) fn new(customer: &'a Customer) -> Self {
        let kept: CustomerExtra = extra::read(customer.extra.as_ref());
        Self {
            id: id::customer(customer.id),
            object: "customer",
            created: customer.created_at.as_second(),
            email: customer.email.as_str(),
            name: customer.name.as_ref().map(Name::as_str),
            phone: customer.phone.as_ref().map(PhoneNumber::as_str),
            description: kept.description,
            address: kept.address,
            legal: kept.legal,
            invoicing: kept.invoicing,
            invoice_prefix: kept.invoice_prefix,
            metadata: &customer.metadata,
            default_payment_method: None,
            delinquent: false,
            radar: Radar::default(),
        }
    }
}

/// What is left of a deleted customer.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "YorletDeletedCustomer"))]
#[derive(Debug, Serialize)]
pub(crate) struct DeletedCustomerView {
    #[cfg_attr(test, schemars(with = "doc::CustomerId"))]
    id: String,
    #[cfg_attr(test, schemars(extend("const" = "customer")))]
    object: &'static str,
    #[cfg_attr(test, schemars(extend("const" = true)))]
    deleted: bool,
}

impl DeletedCustomerView {
    pub(crate) fn new(id: CustomerId) -> Self {
        Self { id: id::customer(id), object: "customer", deleted: true }
    }
}
