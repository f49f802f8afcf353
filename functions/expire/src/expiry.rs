//! Ends sessions and refunds whose time has passed.

use jiff::Timestamp;
use lambda_runtime::Error;
use models::{RefundId, SessionEvent, SessionId};

use crate::follow_up::recorded;
use crate::handler::Expire;

impl Expire {
    pub(crate) async fn expire_session(&self, id: SessionId) -> Result<(), Error> {
        let change = self.change(id, SessionEvent::TimePassed);
        recorded(id, SessionEvent::TimePassed, self.sessions.record(change, None).await)
    }

    pub(crate) async fn expire_refund(&self, session_id: SessionId, id: RefundId, now: Timestamp) -> Result<(), Error> {
        let Some(refund) = self.refunds.find(&session_id, &id).await? else { return Ok(()) };
        if self.refunds.expire(&refund, now).await? {
            tracing::info!(refund_id = %id, "expired");
        }
        Ok(())
    }
}
