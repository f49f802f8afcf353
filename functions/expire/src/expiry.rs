//! Ends sessions and refunds whose time has passed.

use lambda_runtime::Error;
use models::{Refund, SessionEvent, SessionId};

use crate::handler::Expire;

impl Expire {
    pub(crate) async fn expire_session(&self, id: SessionId) -> Result<(), Error> {
        self.payments.end_by(id, SessionEvent::TimePassed).await?;
        Ok(())
    }

    pub(crate) async fn expire_refund(&self, refund: &Refund) -> Result<(), Error> {
        if self.payments.expire_refund(refund).await? {
            tracing::info!(refund_id = %refund.id, "expired");
        }
        Ok(())
    }
}
