//! Where the payer is sent on to, with what came of the payment.

use jiff::Timestamp;
use models::{MerchantUrl, Session, SessionState};

use super::id;
use super::session::shown_status;

/// The `return_url`, with the session and its status in its query; none while the session awaits the payer.
pub(crate) fn return_url(session: &Session, now: Timestamp) -> Option<String> {
    let state = session.state_at(now);
    let url: &Option<MerchantUrl> = match state {
        SessionState::AwaitingPayer | SessionState::AwaitingProvider | SessionState::AwaitingPaymentConsent => {
            return None;
        }
        SessionState::Pending | SessionState::Sent => &session.success_url,
        SessionState::Cancelled | SessionState::Failed | SessionState::Expired => &session.error_url,
    };
    let id = id::session(session.id);
    let query = [("payment_session", id.as_str()), ("status", shown_status(state))];
    url.as_ref().map(|url| url.with_query(&query))
}
