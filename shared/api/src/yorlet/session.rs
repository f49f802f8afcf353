//! Showing a payment session.

use jiff::Timestamp;
use models::{Description, MerchantUrl, Metadata, PaymentMethod, Session, SessionState};
use serde::Serialize;

use super::extra::{ReportingType, SessionExtra};
use super::id;
use crate::extra;
#[cfg(test)]
use crate::openapi::types as doc;

/// A payment session as Yorlet shows it.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "YorletPaymentSession"))]
#[derive(Debug, Serialize)]
pub(crate) struct SessionView<'a> {
    /// Names it here; the checkout's address is `url`.
    #[cfg_attr(test, schemars(with = "doc::PaymentSessionId"))]
    id: String,
    #[cfg_attr(test, schemars(extend("const" = "payment_session")))]
    object: &'static str,
    /// When it was created, in seconds since 1970.
    created: i64,
    /// In minor units (pence, cents, öre).
    amount: i64,
    /// ISO 4217, in small letters.
    #[cfg_attr(test, schemars(with = "doc::YorletCurrency"))]
    currency: String,
    /// Who pays; null once personal data is removed.
    #[cfg_attr(test, schemars(with = "Option<doc::CustomerId>"))]
    customer: Option<String>,
    description: Option<&'a str>,
    #[cfg_attr(test, schemars(with = "std::collections::BTreeMap<String, String>"))]
    metadata: &'a Metadata,
    #[cfg_attr(test, schemars(with = "doc::PaymentMode"))]
    mode: &'static str,
    /// As they were given. The checkout offers those that the currency can have.
    #[cfg_attr(test, schemars(with = "Vec<doc::PaymentMethodType>"))]
    payment_method_types: &'a [PaymentMethod],
    reporting_type: ReportingType,
    /// Where the payer goes on to.
    #[cfg_attr(test, schemars(with = "Option<doc::MerchantUrl>"))]
    return_url: Option<&'a str>,
    /// There if it follows a test clock, which it was given at creation: all of its times are by that.
    #[cfg_attr(test, schemars(with = "doc::Id"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    test_clock: Option<String>,
    #[cfg_attr(test, schemars(with = "doc::YorletSessionStatus"))]
    status: &'static str,
    /// The transaction, once it is `paid`.
    #[cfg_attr(test, schemars(with = "Option<doc::TransactionId>"))]
    transaction: Option<String>,
    /// The checkout. Send the payer there.
    #[cfg_attr(test, schemars(with = "doc::Url"))]
    url: String,
}

/// The three statuses.
///
/// | ours | shown |
/// |---|---|
/// | awaiting_payer, awaiting_provider, awaiting_payment_consent, pending | `unpaid` |
/// | sent | `paid` |
/// | failed, cancelled, expired | `canceled` |
pub(crate) const fn shown_status(state: SessionState) -> &'static str {
    match state {
        SessionState::AwaitingPayer
        | SessionState::AwaitingProvider
        | SessionState::AwaitingPaymentConsent
        | SessionState::Pending => "unpaid",
        SessionState::Sent => "paid",
        SessionState::Failed | SessionState::Cancelled | SessionState::Expired => "canceled",
    }
}

impl<'a> SessionView<'a> {
    /// The session as it is at `now`.
    pub(crate) fn new(session: &'a Session, now: Timestamp) -> Self {
        let state = session.state_at(now);
        let extra: SessionExtra = extra::read(session.extra.as_ref());
        Self {
            id: id::session(session.id),
            object: "payment_session",
            created: session.created_at.as_second(),
            amount: session.amount.minor(),
            currency: session.amount.currency().code().to_ascii_lowercase(),
            customer: session.customer_id.map(id::customer),
            description: session.description.as_ref().map(Description::as_str),
            metadata: &session.metadata,
            mode: "payment",
            payment_method_types: session.payment_methods.as_slice(),
            reporting_type: extra.reporting_type,
            return_url: session.success_url.as_ref().map(MerchantUrl::as_str),
            test_clock: session.test_clock.map(|clock| clock.id.to_string()),
            status: shown_status(state),
            transaction: (state == SessionState::Sent).then(|| id::transaction(session.id)),
            url: session.checkout_url(),
        }
    }
}
