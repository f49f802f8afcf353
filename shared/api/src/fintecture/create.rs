//! Reading what a payment session is created of: `connect` and `request-to-pay`, which its path tells.

#![expect(clippy::todo, reason = "is written next")]

use models::{AmountCaps, NewSession, Session};

use crate::error::Refusal;
use crate::session_request::SessionRequest;

/// Reads a request; its amount may be at most its currency's cap.
///
/// # Errors
/// 400 with everything that is wrong; 401 if payers may not be sent to its URLs.
pub(crate) fn parse_create(_asked: &SessionRequest<'_>, _caps: &AmountCaps) -> Result<NewSession, Refusal> {
    todo!()
}

/// Whether the answer to its creation says where to transfer to, so that its transfer begins with it.
pub(crate) fn begins_transfer(_session: &Session) -> bool {
    todo!()
}
