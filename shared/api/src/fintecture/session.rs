//! Showing a session as it stands, by itself and in a list.

use std::borrow::Cow;

use jiff::Timestamp;
use lambda_http::http::StatusCode;
use models::{
    Description, EmailAddress, Locale, MerchantUrl, Money, Payer, PaymentMethod, PhoneNumber, Session, stamp,
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::beneficiary::BeneficiaryView;
use super::extra::{
    AttributesExtra, Kind, MetaExtra, OrderedMethod, PsuAddress, PsuType, Reconciliation, SessionExtra,
};
use super::status::{chosen_method, session_status, session_transfer_state};
use crate::answer::{Answer, json};
use crate::extra;
#[cfg(test)]
use crate::openapi::types as doc;

/// What a way to pay is called; none if it is not one of this format.
pub(crate) const fn shown_method(method: PaymentMethod) -> Option<&'static str> {
    match method {
        PaymentMethod::PayByBank => Some("immediate_transfer"),
        PaymentMethod::BankTransfer => Some("smart_transfer"),
        PaymentMethod::BuyNowPayLater => Some("bnpl"),
        PaymentMethod::Card
        | PaymentMethod::CardPresent
        | PaymentMethod::BacsDebit
        | PaymentMethod::SepaDebit
        | PaymentMethod::Autogiro
        | PaymentMethod::DirectTransfer
        | PaymentMethod::GbpCreditTransfer => None,
    }
}

/// A payment session.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FintecturePayment"))]
#[derive(Debug, Serialize)]
pub(crate) struct SessionView<'a> {
    meta: SessionMeta<'a>,
    data: SessionData<'a>,
}

/// The session, and its payer as they were sent. What was not sent is left out, and personal data once it is removed.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct SessionMeta<'a> {
    #[cfg_attr(test, schemars(with = "doc::Hex"))]
    session_id: String,
    #[cfg_attr(test, schemars(with = "doc::FintectureStatus"))]
    status: &'static str,
    /// Always 200.
    #[cfg_attr(test, schemars(with = "doc::HttpStatus"))]
    code: u16,
    #[serde(rename = "type")]
    payment_type: PaymentType,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    /// Whom the payer chose last; before that whom `x-provider` named.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<Cow<'a, str>>,
    #[cfg_attr(test, schemars(with = "doc::PreciseTimestamp"))]
    created_at: String,
    /// Until when it can be paid.
    #[cfg_attr(test, schemars(with = "doc::PreciseTimestamp"))]
    expires_at: String,
    /// The language of its pages, by `x-language`.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    /// By `x-country`.
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
    /// By `x-psu-type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    psu_type: Option<PsuType>,
    /// The `type` that was sent beside the attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_type: Option<String>,
    /// Where the payer goes back to.
    #[cfg_attr(test, schemars(with = "doc::MerchantUrl"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_uri: Option<&'a str>,
    /// Where a payer goes who cancels.
    #[cfg_attr(test, schemars(with = "doc::MerchantUrl"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    origin_uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    with_beneficiary: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    with_virtual_beneficiary: Option<bool>,
    /// Who pays: as it was sent, else as the payer gave it in the checkout.
    #[serde(skip_serializing_if = "Option::is_none")]
    psu_name: Option<&'a str>,
    #[cfg_attr(test, schemars(extend("format" = "email")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    psu_email: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    psu_phone: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    psu_phone_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    psu_company: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    psu_form: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    psu_incorporation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    psu_address: Option<PsuAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    psu_ip: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cc: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bcc: Vec<String>,
    #[cfg_attr(test, schemars(with = "doc::AnyObject"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<Box<RawValue>>,
    /// How a request to pay was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// In seconds, as it was sent.
    #[cfg_attr(test, schemars(with = "doc::NumberOrText"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry: Option<Box<RawValue>>,
    /// As it was sent.
    #[cfg_attr(test, schemars(with = "doc::NumberOrText"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    due_date: Option<Box<RawValue>>,
    payment_methods: Vec<OrderedMethod>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reconciliation: Option<Reconciliation>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct SessionData<'a> {
    #[cfg_attr(test, schemars(with = "doc::Hex"))]
    id: String,
    #[serde(rename = "type")]
    payment_type: PaymentType,
    #[cfg_attr(test, schemars(with = "doc::FintectureTransferState"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_state: Option<&'static str>,
    attributes: AttributesView<'a>,
}

/// What is paid.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FintectureAttributes"))]
#[derive(Debug, Serialize)]
struct AttributesView<'a> {
    /// As it was sent.
    #[cfg_attr(test, schemars(with = "doc::DecimalAmount"))]
    amount: String,
    #[cfg_attr(test, schemars(with = "doc::FintectureCurrency"))]
    currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    communication: Option<&'a str>,
    /// As it was sent, else the payment's own.
    end_to_end_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheme: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    debited_account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    debited_account_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    net_amount: Option<String>,
    #[cfg_attr(test, schemars(with = "doc::FintectureTransferState"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_state: Option<&'static str>,
    /// What has come of it, of a payment by transfer.
    #[cfg_attr(test, schemars(with = "doc::DecimalAmount"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    received_amount: Option<String>,
    /// Who is paid.
    beneficiary: BeneficiaryView,
    /// The session's own account, for a transfer; there if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    virtual_beneficiary: Option<BeneficiaryView>,
}

/// What a payment is: a request to pay, or how it is paid.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FintecturePaymentType"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum PaymentType {
    PayByBank,
    RequestToPay,
    ManualTransfer,
    BuyNowPayLater,
}

impl PaymentType {
    pub(super) fn of(session: &Session, kind: Kind) -> Self {
        match (kind, chosen_method(session)) {
            (Kind::RequestToPay, _) => Self::RequestToPay,
            (Kind::Connect, Some(PaymentMethod::BankTransfer)) => Self::ManualTransfer,
            (Kind::Connect, Some(PaymentMethod::BuyNowPayLater)) => Self::BuyNowPayLater,
            (
                Kind::Connect,
                None
                | Some(
                    PaymentMethod::PayByBank
                    | PaymentMethod::Card
                    | PaymentMethod::CardPresent
                    | PaymentMethod::BacsDebit
                    | PaymentMethod::SepaDebit
                    | PaymentMethod::Autogiro
                    | PaymentMethod::DirectTransfer
                    | PaymentMethod::GbpCreditTransfer,
                ),
            ) => Self::PayByBank,
        }
    }

    /// As answers and events have it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::PayByBank => "PayByBank",
            Self::RequestToPay => "RequestToPay",
            Self::ManualTransfer => "ManualTransfer",
            Self::BuyNowPayLater => "BuyNowPayLater",
        }
    }
}

/// The ways to pay of a session that was sent none.
fn methods_of(session: &Session) -> Vec<OrderedMethod> {
    let ids = session.payment_methods.as_slice().iter().filter_map(|method| shown_method(*method));
    ids.map(|id| OrderedMethod { id: id.to_owned(), order: None }).collect()
}

impl<'a> AttributesView<'a> {
    fn new(session: &'a Session, sent: AttributesExtra, now: Timestamp) -> Self {
        let AttributesExtra {
            amount,
            beneficiary,
            end_to_end_id,
            execution_date,
            scheme,
            external_reference,
            debited_account_id,
            debited_account_type,
            net_amount,
        } = sent;
        // Before its transfer has begun, an account takes no money.
        let at_consent = session.attempt.as_ref().and_then(|attempt| attempt.at_consent.as_ref());
        let takes_transfers = at_consent.is_some_and(|at_consent| at_consent.transfer.is_some());
        Self {
            amount: amount.unwrap_or_else(|| session.amount.to_decimal()),
            currency: session.amount.currency().code(),
            communication: session.description.as_ref().map(Description::as_str),
            end_to_end_id: end_to_end_id.unwrap_or_else(|| session.end_to_end_id.to_hex()),
            execution_date,
            scheme,
            external_reference,
            debited_account_id,
            debited_account_type,
            net_amount,
            transfer_state: session_transfer_state(session, now),
            received_amount: session.received_amount().map(Money::to_decimal),
            beneficiary: BeneficiaryView::new(session, beneficiary),
            virtual_beneficiary: BeneficiaryView::of_virtual_account(session).filter(|_| takes_transfers),
        }
    }
}

impl<'a> SessionView<'a> {
    /// The session as it is at `now`.
    pub(crate) fn new(session: &'a Session, now: Timestamp) -> Self {
        let SessionExtra {
            kind,
            state,
            with_beneficiary,
            with_virtual_beneficiary,
            psu_type,
            country,
            provider,
            data_type,
            attributes,
            meta,
        } = extra::read(session.extra.as_ref());
        let MetaExtra {
            psu_email,
            psu_phone,
            psu_phone_prefix,
            psu_company,
            psu_form,
            psu_incorporation,
            psu_address,
            psu_ip,
            cc,
            bcc,
            custom,
            method,
            expiry,
            due_date,
            payment_methods,
            reconciliation,
        } = meta;
        let payment_type = PaymentType::of(session, kind);
        let payer = session.payer.as_ref();
        let chosen = session.attempt.as_ref().map(|attempt| attempt.bank.as_str());
        let email = payer.and_then(|payer| payer.email.as_ref()).map(EmailAddress::as_str);
        let phone = payer.and_then(|payer| payer.phone.as_ref()).map(PhoneNumber::as_str);
        let meta = SessionMeta {
            session_id: session.id.to_hex(),
            status: session_status(session, now),
            code: StatusCode::OK.as_u16(),
            payment_type,
            state,
            provider: chosen.map(Cow::Borrowed).or(provider.map(Cow::Owned)),
            created_at: stamp(session.created_at),
            expires_at: stamp(session.expires_at),
            language: session.locale.as_ref().map(Locale::as_str),
            country,
            psu_type,
            data_type,
            redirect_uri: session.success_url.as_ref().map(MerchantUrl::as_str),
            origin_uri: session.cancel_url.as_ref().map(MerchantUrl::as_str),
            with_beneficiary,
            with_virtual_beneficiary,
            psu_name: payer.map(|Payer { name, .. }| name.as_str()),
            psu_email: psu_email.map(Cow::Owned).or(email.map(Cow::Borrowed)),
            psu_phone: psu_phone.map(Cow::Owned).or(phone.map(Cow::Borrowed)),
            psu_phone_prefix,
            psu_company,
            psu_form,
            psu_incorporation,
            psu_address,
            psu_ip,
            cc,
            bcc,
            custom,
            method,
            expiry,
            due_date,
            payment_methods: if payment_methods.is_empty() { methods_of(session) } else { payment_methods },
            reconciliation,
        };
        let attributes = AttributesView::new(session, attributes, now);
        let (id, transfer_state) = (session.id.to_hex(), attributes.transfer_state);
        Self { meta, data: SessionData { id, payment_type, transfer_state, attributes } }
    }
}

/// A session as it is at `now`.
///
/// # Errors
/// 500 if it can't be written as JSON.
pub(crate) fn session(session: &Session, now: Timestamp) -> Answer {
    json(StatusCode::OK, &SessionView::new(session, now))
}

/// A payment session, in a list.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FintectureListedPayment"))]
#[derive(Debug, Serialize)]
pub(crate) struct ListedSessionView<'a> {
    #[cfg_attr(test, schemars(with = "doc::Hex"))]
    id: String,
    #[serde(rename = "type")]
    payment_type: PaymentType,
    meta: ListedMeta,
    attributes: AttributesView<'a>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct ListedMeta {
    #[cfg_attr(test, schemars(with = "doc::Hex"))]
    session_id: String,
    #[cfg_attr(test, schemars(with = "doc::FintectureStatus"))]
    status: &'static str,
}

impl<'a> ListedSessionView<'a> {
    /// The session as it is at `now`.
    pub(crate) fn new(session: &'a Session, now: Timestamp) -> Self {
        let SessionExtra { kind, attributes, .. } = extra::read(session.extra.as_ref());
        Self {
            id: session.id.to_hex(),
            payment_type: PaymentType::of(session, kind),
            meta: ListedMeta { session_id: session.id.to_hex(), status: session_status(session, now) },
            attributes: AttributesView::new(session, attributes, now),
        }
    }
}
