//! Personal data: masked, until somebody who may has asked for it, which is put down first.

use lambda_http::http::StatusCode;
use models::SessionId;
use pages::{Answer, Problem};

use crate::frame::Frame;
use crate::services::Services;

/// Whether personal data is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Personal {
    Masked,
    Shown,
}

/// Puts down that this person asks for the personal data of a payment, and leads to the page that shows it.
pub(crate) async fn ask_for_personal_data(_: &Services, _: &Frame<'_>, _: SessionId) -> Answer {
    Err(Problem::NotFound)
}

/// Whether the personal data of a payment is shown: this person asked for it a short while ago, and may.
pub(super) async fn personal(_: &Services, _: &Frame<'_>, _: &SessionId, _: &str) -> Result<Personal, Problem> {
    let _ = StatusCode::OK;
    Ok(Personal::Masked)
}
