//! What is due beside pending payments.

use models::{CursorId, EndpointId, MailId, MerchantId, RefundId, SessionId};

/// What is due and can wait until pending payments are done.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// Nobody consented in time.
    Expiry(SessionId),
    /// A customer's details were not given in time.
    Refund(SessionId, RefundId),
    Mail(MailId),
    Cursor(CursorId),
    /// Webhooks that an endpoint has been paused for.
    Endpoint(MerchantId, EndpointId),
}
