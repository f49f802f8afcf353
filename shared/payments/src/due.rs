//! What is to be done about a session or refund that is due.

use jiff::Timestamp;
use models::{Refund, Session, SessionEvent, SessionState};

use crate::Payments;
use crate::error::PaymentError;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing yet, or any more.
    Nothing,
    /// Its provider is asked where it stands.
    FollowUp,
    /// Its time has passed, and no money of it can move: it is ended.
    Expire,
}

impl Due {
    /// About a session at `now`.
    pub fn of_session(session: &Session, now: Timestamp) -> Self {
        match session.state {
            SessionState::AwaitingPaymentConsent if session.open_at_consent().is_some() => Self::FollowUp,
            SessionState::Pending => Self::FollowUp,
            SessionState::AwaitingPayer | SessionState::AwaitingProvider | SessionState::AwaitingPaymentConsent => {
                if session.state_at(now) == SessionState::Expired {
                    Self::Expire
                } else {
                    Self::Nothing
                }
            }
            SessionState::Sent | SessionState::Failed | SessionState::Cancelled | SessionState::Expired => {
                Self::Nothing
            }
        }
    }

    /// About a refund at `now`.
    pub fn of_refund(refund: &Refund, now: Timestamp) -> Self {
        if refund.open_at_provider().is_some() {
            Self::FollowUp
        } else if refund.has_expired_at(now) {
            Self::Expire
        } else {
            Self::Nothing
        }
    }
}

impl Payments {
    /// Does what is due of a session, as it was read.
    ///
    /// # Errors
    /// See [`PaymentError`].
    pub async fn do_due_of_session(&self, session: &Session) -> Result<(), PaymentError> {
        match Due::of_session(session, self.now(session)) {
            Due::Nothing => Ok(()),
            Due::FollowUp => self.follow_up(session).await,
            Due::Expire => self.end_by(session.id, SessionEvent::TimePassed).await.map(drop),
        }
    }

    /// Does what is due of a refund, as it was read.
    ///
    /// # Errors
    /// See [`PaymentError`].
    pub async fn do_due_of_refund(&self, refund: &Refund) -> Result<(), PaymentError> {
        match Due::of_refund(refund, self.clock.now()) {
            Due::Nothing => Ok(()),
            Due::FollowUp => self.follow_up_refund(refund).await,
            Due::Expire => Ok(self.expire_refund(refund).await.map(drop)?),
        }
    }
}
