//! A refund that the payment's own provider makes: no session pays it.

use serde::{Deserialize, Serialize};

use crate::attempt::ProviderRequest;
use crate::ids::{BankId, ProviderPaymentId, ProviderRefundId};

/// What is known of a refund that a provider makes. Recorded with the refund, before the provider hears of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundAtProvider {
    /// Which provider: the one of the attempt that paid the session.
    pub provider: BankId,
    /// What it calls the payment of which a part goes back.
    pub payment_id: ProviderPaymentId,
    /// What asks for it. Nothing in it names anybody, as it is kept for good.
    pub request: ProviderRequest,
    /// What the provider calls the refund, once it has accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ProviderRefundId>,
}
