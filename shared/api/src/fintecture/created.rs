//! Showing what a session's creation is answered with.

use lambda_http::http::StatusCode;
use models::Session;
use serde::Serialize;

use super::beneficiary::BeneficiaryView;
use super::extra::{Kind, SessionExtra};
use crate::answer::{Answer, json};
use crate::extra;
#[cfg(test)]
use crate::openapi::types as doc;

/// What a session's creation is answered with.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FintectureCreated"))]
#[derive(Debug, Serialize)]
pub(crate) struct CreatedView {
    meta: CreatedMeta,
    /// Who is paid; there if `with_beneficiary` asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    beneficiary: Option<BeneficiaryView>,
    /// The session's own account, for a transfer; there if `with_virtual_beneficiary` asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    virtual_beneficiary: Option<BeneficiaryView>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct CreatedMeta {
    #[cfg_attr(test, schemars(with = "doc::Hex"))]
    session_id: String,
    /// The checkout. Send the payer there.
    #[cfg_attr(test, schemars(with = "doc::Url"))]
    url: String,
    /// The answer's own: 200 for `connect`, 201 for `request-to-pay`.
    #[cfg_attr(test, schemars(with = "doc::HttpStatus"))]
    status: u16,
    /// `connect_initiated` or `request_to_pay_initiated`.
    code: &'static str,
}

impl CreatedView {
    /// Of what is fixed at creation, so that a repeat of it is answered alike.
    pub(crate) fn new(session: &Session) -> Self {
        let extra: SessionExtra = extra::read(session.extra.as_ref());
        let (status, code) = match extra.kind {
            Kind::Connect => (StatusCode::OK, "connect_initiated"),
            Kind::RequestToPay => (StatusCode::CREATED, "request_to_pay_initiated"),
        };
        let [beneficiary, virtual_beneficiary] =
            [extra.with_beneficiary, extra.with_virtual_beneficiary].map(|asked| asked.unwrap_or(false));
        Self {
            meta: CreatedMeta {
                session_id: session.id.to_hex(),
                url: session.checkout_url(),
                status: status.as_u16(),
                code,
            },
            beneficiary: beneficiary.then(|| BeneficiaryView::new(session, extra.attributes.beneficiary)),
            virtual_beneficiary: BeneficiaryView::of_virtual_account(session).filter(|_| virtual_beneficiary),
        }
    }
}

/// The answer to a session's creation: of what is fixed then.
///
/// # Errors
/// 500 if it can't be written as JSON.
pub(crate) fn created(session: &Session) -> Answer {
    let view = CreatedView::new(session);
    json(StatusCode::from_u16(view.meta.status).unwrap_or_default(), &view)
}
