//! Ids of payment sessions and of refunds, which nobody can distinguish: the one may be given in place of the other.

use models::{RefundId, SessionId};
use store::{Refunds, Sessions, Table};

use crate::failure::{Failure, Meant};

/// Why there is no payment session with this id: it may be a refund's.
pub(crate) async fn no_session(table: &Table, id: SessionId, meant: Meant) -> Failure {
    let Ok(refund_id) = id.to_string().parse::<RefundId>() else { return Failure::NoSession(id) };
    match Refunds::new(table.clone()).get(&refund_id).await {
        Ok(Some(refund)) => Failure::IsRefund { id: refund_id, session_id: refund.session_id, meant },
        Ok(None) => Failure::NoSession(id),
        Err(error) => error.into(),
    }
}

/// Why there is no refund with this id: it may be a payment session's.
pub(crate) async fn no_refund(table: &Table, id: RefundId) -> Failure {
    let Ok(session_id) = id.to_string().parse::<SessionId>() else { return Failure::NoRefund(id) };
    match Sessions::new(table.clone()).get(&session_id).await {
        Ok(Some(_)) => Failure::IsSession(session_id),
        Ok(None) => Failure::NoRefund(id),
        Err(error) => error.into(),
    }
}
