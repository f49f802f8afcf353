//! Ends sessions and refunds whose time has passed.

use lambda_runtime::Error;
use models::{RefundId, SessionEvent, SessionId};

use crate::handler::Expire;

impl Expire {
    pub(crate) async fn expire_session(&self, id: SessionId) -> Result<(), Error> {
        self.payments.end_by(id, SessionEvent::TimePassed).await?;
        Ok(())
    }

    pub(crate) async fn expire_refund(&self, session_id: SessionId, id: RefundId) -> Result<(), Error> {
        let Some(refund) = self.refunds.find(&session_id, &id).await? else { return Ok(()) };
        if self.payments.expire_refund(&refund).await? {
            tracing::info!(refund_id = %id, "expired");
        }
        Ok(())
    }
}
