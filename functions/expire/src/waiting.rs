//! What is due beside pending payments.

use std::fmt;

use models::{CursorId, EndpointId, LinkMailId, MailId, MerchantId, Refund, SessionId};

/// What is due and can wait until pending payments are done.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// Nobody consented in time.
    Expiry(SessionId),
    /// A customer's details were not given in time.
    Refund(WithoutDetails),
    Mail(MailId),
    LinkMail(LinkMailId),
    Cursor(CursorId),
    /// Webhooks that an endpoint has been paused for.
    Endpoint(MerchantId, EndpointId),
}

/// A refund as it was read. Debug output may reach a log, which carries ids alone.
pub(crate) struct WithoutDetails(pub(crate) Box<Refund>);

impl fmt::Debug for WithoutDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.id)
    }
}
