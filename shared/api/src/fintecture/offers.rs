//! Which providers a payer is offered, as the headers of a creation say.

use models::{Currency, Mode, OfferLimits, PayerKind, PaymentMethod};
use providers::Wanted;

use super::extra::PsuType;
use super::headers::Headers;
use crate::violations::Violations;

/// The header that names the one provider.
pub(super) const PROVIDER: &str = "header.x-provider";

/// The header that names the one country.
pub(super) const COUNTRY: &str = "header.x-country";

/// What is to be paid, and how it can be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Payable<'a> {
    pub(super) mode: Mode,
    pub(super) currency: Currency,
    pub(super) methods: &'a [PaymentMethod],
}

impl Payable<'_> {
    /// Whether there is any provider for it within these limits.
    fn has_offers(&self, limits: &OfferLimits) -> bool {
        let Self { mode, currency, methods } = *self;
        let OfferLimits { provider, country, payers } = limits;
        let (provider, country, payers) = (provider.as_ref(), *country, *payers);
        methods
            .iter()
            .filter(|method| method.can_have(currency))
            .any(|method| providers::has_offers(&Wanted { mode, method: *method, currency, country, payers, provider }))
    }

    /// Whether a payer is offered a provider of this way to pay.
    pub(super) fn offers(self, method: PaymentMethod, limits: &OfferLimits) -> bool {
        self.methods.contains(&method) && Payable { methods: &[method], ..self }.has_offers(limits)
    }
}

/// Reads the limits. The first header that leaves no provider is wrong, so that nobody gets a page with nothing to choose.
pub(super) fn read(headers: &Headers, payable: Payable<'_>, wrong: &mut Violations) -> OfferLimits {
    let mut limits = OfferLimits::default();
    if let Some(named) = &headers.provider {
        limits.provider = named.parse().ok();
        // What is no id is no provider's.
        if limits.provider.is_none() || !payable.has_offers(&limits) {
            wrong.add(None, PROVIDER, "must be the id of a provider that this payment can be made at");
            return limits;
        }
    }
    if let Some(country) = headers.country {
        limits.country = Some(country);
        if !payable.has_offers(&limits) {
            wrong.add(None, COUNTRY, "must be a country in which a provider of this payment serves payers");
            return limits;
        }
    }
    limits.payers = headers.psu_type.and_then(payers);
    if limits.payers.is_some() && !payable.has_offers(&limits) {
        wrong.add(None, "header.x-psu-type", "must be one that a provider of this payment serves");
    }
    limits
}

const fn payers(psu_type: PsuType) -> Option<PayerKind> {
    match psu_type {
        PsuType::Retail => Some(PayerKind::Retail),
        PsuType::Corporate => Some(PayerKind::Corporate),
        PsuType::All => None,
    }
}
