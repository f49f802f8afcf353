//! Banks that a payer can choose, as the official clients read them: an array, without a page around it.

use providers::{Availability, Offer};
use serde::Serialize;

#[cfg(test)]
use crate::openapi::types as doc;

/// A bank that a payer can choose.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Provider"))]
#[derive(Debug, Serialize)]
pub(crate) struct ProviderView<'a> {
    /// Its id.
    id: &'a str,
    /// Its name, as payers read it.
    name: &'a str,
    /// Where its logo is; null if it has none.
    #[cfg_attr(test, schemars(with = "Option<doc::Url>"))]
    logo: Option<&'a str>,
    /// Whether it can be chosen now.
    status: ProviderStatus,
    /// Whether it takes batches of payments. None does.
    supports_batch: bool,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum ProviderStatus {
    Available,
    Unavailable,
}

impl<'a> ProviderView<'a> {
    pub(crate) fn new(offer: &'a Offer) -> Self {
        let status = match offer.availability {
            Availability::Available => ProviderStatus::Available,
            Availability::Down(_) => ProviderStatus::Unavailable,
        };
        Self { id: offer.id.as_str(), name: &offer.name, logo: offer.logo.as_deref(), status, supports_batch: false }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bank_that_is_down_is_listed_and_says_so() {
        let mut offer = Offer {
            id: "mock-bank".parse().unwrap(),
            name: "Mock Bank".to_owned(),
            logo: None,
            note: Some("You choose what happens.".to_owned()),
            method: models::PaymentMethod::PayByBank,
            availability: Availability::Available,
        };
        let expected = json!({
            "id": "mock-bank", "name": "Mock Bank", "logo": null, "status": "AVAILABLE", "supports_batch": false,
        });
        assert_eq!(json!(ProviderView::new(&offer)), expected);
        offer.availability = Availability::Down(providers::Outage::Maintenance);
        assert_eq!(json!(ProviderView::new(&offer))["status"], "UNAVAILABLE");
    }
}
