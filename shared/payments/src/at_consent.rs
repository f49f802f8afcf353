//! Attempts whose money moves when the payer consents, at the provider: it is asked before anything else is done.

use jiff::Timestamp;
use models::{
    AtConsent, AttemptEnd, MinorUnits, PaidFrom, PaymentAttempt, Received, Session, SessionEvent, SessionState,
    next_check_at, next_check_by_clock,
};
use providers::{Arrivals, Begun, Cancellation, Next, Provider, ProviderError, Status};
use runtime::Metric;
use store::{ChangeError, StoreError};

use crate::Payments;
use crate::connector::is_not_connected;
use crate::error::{PaymentError, cause, recorded};
use crate::next_step::{self, AtConsentStep};

/// What became of following an attempt up.
#[derive(Debug, PartialEq, Eq)]
enum Followed {
    /// What followed is recorded, by this request or another.
    Recorded,
    /// It is open still.
    Open,
    /// It is open, and the session's time has passed.
    TimePassed,
    /// A part of it has come, and the session's time has passed.
    Underpaid,
}

/// What became of asking a provider to give an attempt up.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// The money of this attempt never moves.
    Yes(u8),
    /// It may still; what the provider said is recorded.
    No,
}

impl Payments {
    /// Sends the recorded request that begins an attempt, and records the provider's id of it. None if the provider refused for
    /// good, or has not answered for as long as the request may be repeated, which is recorded as well.
    ///
    /// Until its id is recorded nobody has had the link, so that an attempt which ends here was never consented to.
    pub(crate) async fn ask_to_begin(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        at_consent: &AtConsent,
    ) -> Result<Option<Next>, PaymentError> {
        let connector = self.connector(attempt, session)?;
        let age = self.now(session).duration_since(at_consent.begun_at);
        if at_consent.payment_id.is_none() && connector.repeats_within().is_some_and(|within| age >= within) {
            // No answer was ever recorded, and what is sent so late might be another payment.
            tracing::error!(session_id = %session.id, attempt = attempt.number, begun_at = %at_consent.begun_at, "never begun: the provider did not answer in time");
            self.end_attempt(session, AttemptEnd::NotBegun).await?;
            return Ok(None);
        }
        match connector.begin(session, attempt.number, &at_consent.request).await {
            Ok(Begun { payment_id, next, .. }) => {
                let payment_id = payment_id.ok_or(PaymentError::Inconsistent("id at its provider"))?;
                // Its keys expire one day, and a repeated request is another payment then: it is recorded, so that its money is
                // found, and nobody is led there.
                if at_consent.payment_id.as_ref() != Some(&payment_id) {
                    let transfer = match &next {
                        Next::Transfer(instructions) => Some(instructions),
                        Next::Redirect(_) => None,
                    };
                    let answered = self.sessions.provider_answered(
                        &session.id,
                        attempt.number,
                        &attempt.bank,
                        &payment_id,
                        transfer,
                    );
                    match answered.await {
                        Ok(now_as) if consenting(&now_as).is_some_and(|(open, _)| open.number == attempt.number) => {}
                        // Recorded, so that its money is found; and over, or consented to.
                        Ok(_) => return Ok(None),
                        // It has moved on: nobody is led to an attempt that is over.
                        Err(ChangeError::Refused(_) | ChangeError::NotFound) => return Ok(None),
                        Err(ChangeError::Store(error)) => return Err(error.into()),
                    }
                    tracing::info!(session_id = %session.id, attempt = attempt.number, "begun at the provider");
                }
                Ok(Some(next))
            }
            Err(ProviderError::Refused(cause)) if at_consent.payment_id.is_none() => {
                tracing::warn!(session_id = %session.id, attempt = attempt.number, %cause, "the provider refused to begin");
                self.end_attempt(session, AttemptEnd::NotBegun).await?;
                Ok(None)
            }
            // It had begun, and payers may have the link: only its status says what became of it.
            Err(ProviderError::Refused(cause)) => {
                tracing::warn!(session_id = %session.id, attempt = attempt.number, %cause, "the provider refused to begin again");
                Ok(None)
            }
            Err(error @ ProviderError::Unreachable(_)) => Err(error.into()),
        }
    }

    /// Finds out where an attempt stands that the payer may have consented to, and records what follows. Whatever goes wrong, it
    /// stays due.
    ///
    /// # Errors
    /// See [`PaymentError`]. That its provider could not be asked is logged by then.
    pub(crate) async fn follow_up_at_consent(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        at_consent: &AtConsent,
        now: Timestamp,
    ) -> Result<(), PaymentError> {
        let followed = match self.status_at_consent(session, attempt, at_consent, now).await {
            Ok(Some(status)) => match Box::pin(self.record_status(session, attempt, status, now)).await {
                Ok(Followed::TimePassed) => self.expire_at_consent(session, attempt, at_consent).await,
                Ok(Followed::Underpaid) => self.give_up(session, attempt, now).await,
                followed @ (Ok(Followed::Recorded | Followed::Open) | Err(_)) => followed,
            },
            Ok(None) => Ok(Followed::Recorded),
            Err(error) => Err(error),
        };
        let since = session.pending_since().unwrap_or(at_consent.begun_at);
        match followed {
            Ok(Followed::Recorded) => Ok(()),
            Ok(Followed::Open | Followed::TimePassed | Followed::Underpaid) => {
                self.check_again(session, since, now).await
            }
            Err(PaymentError::Provider(error)) => {
                let cause = cause(&error);
                let is_not_connected = is_not_connected(&error);
                if is_not_connected {
                    tracing::error!(session_id = %session.id, %error, cause, "the provider is not connected");
                    Metric::DueFailed.count();
                } else {
                    tracing::warn!(session_id = %session.id, %error, cause, "the provider could not be asked");
                }
                // As soon as can be, so that the alarm rings until it is mended.
                let since = if is_not_connected && session.test_clock.is_none() { now } else { since };
                self.check_again(session, since, now).await?;
                Err(error.into())
            }
            Err(error @ (PaymentError::Store(_) | PaymentError::Inconsistent(_))) => Err(error),
        }
    }

    /// The session's time has passed, and the payer has not consented: it ends if the provider gives the attempt up.
    async fn expire_at_consent(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        at_consent: &AtConsent,
    ) -> Result<Followed, PaymentError> {
        let Stopped::Yes(cancelled) = self.stop(session, attempt, at_consent).await? else {
            return Ok(Followed::Open);
        };
        let event = SessionEvent::TimePassed;
        done(recorded(self.sessions.record(self.change(session.id, event), None, Some(cancelled), None).await, event))?;
        Ok(Followed::Recorded)
    }

    /// The session's time has passed, and less than its amount has come: the provider returns that, unless the rest came before it
    /// was asked.
    async fn give_up(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        now: Timestamp,
    ) -> Result<Followed, PaymentError> {
        let status = self.connector(attempt, session)?.give_up(session, attempt, now).await?;
        Box::pin(self.record_status(session, attempt, status, now)).await
    }

    /// Records what follows from the provider's word.
    async fn record_status(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        status: Status,
        now: Timestamp,
    ) -> Result<Followed, PaymentError> {
        self.note_received(session, attempt.number, &status, now).await?;
        self.record_step(session, attempt, next_step::at_consent(session, status, now), now).await
    }

    /// Notes how much has come by transfers, if that is more than what is known. It comes before all else that
    /// follows from it, so that what is recorded then is recorded with it.
    pub(crate) async fn note_received(
        &self,
        session: &Session,
        number: u8,
        status: &Status,
        now: Timestamp,
    ) -> Result<(), PaymentError> {
        let Status::Arrived(Arrivals { received: total, .. }) = *status else { return Ok(()) };
        if total > session.received.map_or(MinorUnits::new(0), |received| received.total) {
            self.sessions.note_received(&session.id, number, &Received { total, at: now }).await?;
            tracing::info!(session_id = %session.id, attempt = number, "money has come by transfer");
        }
        Ok(())
    }

    /// What the provider says; none if it refused to begin, and so there is nothing to say any more.
    async fn status_at_consent(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        at_consent: &AtConsent,
        now: Timestamp,
    ) -> Result<Option<Status>, PaymentError> {
        let Some(session) = self.begun(session, attempt, at_consent).await? else { return Ok(None) };
        let Some((attempt, _)) = open(&session).filter(|(now, _)| now.number == attempt.number) else {
            return Ok(None);
        };
        Ok(Some(self.connector(attempt, &session)?.status(&session, attempt, now).await?))
    }

    /// The session with the provider's id of its attempt: a begin whose answer was lost is repeated. None if it has moved on.
    async fn begun(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        at_consent: &AtConsent,
    ) -> Result<Option<Session>, PaymentError> {
        if at_consent.payment_id.is_some() {
            return Ok(Some(session.clone()));
        }
        if self.ask_to_begin(session, attempt, at_consent).await?.is_none() {
            return Ok(None);
        }
        Ok(self.sessions.get(&session.id).await?)
    }

    async fn record_step(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        step: AtConsentStep,
        now: Timestamp,
    ) -> Result<Followed, PaymentError> {
        match step {
            AtConsentStep::Authorise => drop(self.authorise(session, attempt, now).await?),
            AtConsentStep::AuthoriseAndSettle(from) => {
                if let Some(session) = self.authorise(session, attempt, now).await? {
                    self.settle(&session, &from, None).await?;
                }
            }
            AtConsentStep::Settle(from) => self.settle(session, &from, None).await?,
            AtConsentStep::SettleTakenBack(why) => self.settle(session, &PaidFrom::Undisclosed, Some(why)).await?,
            AtConsentStep::Decline(why) => self.decline(session, attempt, why).await?,
            AtConsentStep::EndAttempt(end) => self.end_attempt(session, end).await?,
            AtConsentStep::EndUnderpaid => {
                let event = SessionEvent::Underpaid;
                let ended = self.sessions.decline_submitted(self.change(session.id, event), attempt.number).await;
                done(recorded(ended, event))?;
            }
            AtConsentStep::Expire => return Ok(Followed::TimePassed),
            AtConsentStep::GiveUp => return Ok(Followed::Underpaid),
            AtConsentStep::CheckAgain => return Ok(Followed::Open),
        }
        Ok(Followed::Recorded)
    }

    /// The provider's word is that the money moves, or will: pending, whatever happens from here on. The session if it was so
    /// recorded, now or by another request.
    async fn authorise(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        now: Timestamp,
    ) -> Result<Option<Session>, PaymentError> {
        let event = SessionEvent::ConsentGiven;
        let next_check_at = next_check_at(now, now);
        let authorised = self.sessions.authorised(self.change(session.id, event), attempt.number, next_check_at).await;
        let session = recorded(authorised, event)?;
        Ok(session
            .filter(|session| session.state == SessionState::Pending && session.attempt_number() == attempt.number))
    }

    /// When the provider is next asked about what has been open `since` then: soon if that is young, and when the session's time has
    /// passed.
    async fn check_again(&self, session: &Session, since: Timestamp, now: Timestamp) -> Result<(), PaymentError> {
        self.note_if_stuck(session, now);
        let by_clock = session.test_clock.is_some();
        let mut at = if by_clock { next_check_by_clock(since, now) } else { next_check_at(since, now) };
        // What awaits its payer, and what awaits the rest of a transfer.
        let ends = session.state == SessionState::AwaitingPaymentConsent || session.missing().is_some();
        if ends && now < session.expires_at {
            at = at.min(session.expires_at);
        }
        Ok(self.sessions.check_again_at(session, at).await?)
    }

    /// Asks the provider to give an open attempt up. Only its yes lets the session end, or another attempt begin.
    pub(crate) async fn stop(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        at_consent: &AtConsent,
    ) -> Result<Stopped, PaymentError> {
        let now = self.now(session);
        let Some(session) = self.begun(session, attempt, at_consent).await? else { return Ok(Stopped::No) };
        let Some((attempt, _)) = open(&session).filter(|(now, _)| now.number == attempt.number) else {
            return Ok(Stopped::No);
        };
        let cancelled = match self.connector(attempt, &session)?.cancel(&session, attempt, now).await {
            // That request did nothing, which says nothing about the payment.
            Err(ProviderError::Refused(cause)) => {
                tracing::warn!(session_id = %session.id, attempt = attempt.number, %cause, "the provider refused to cancel");
                return Ok(Stopped::No);
            }
            cancelled => cancelled?,
        };
        match cancelled {
            Cancellation::Yes | Cancellation::TooLate(Status::Cancelled) => Ok(Stopped::Yes(attempt.number)),
            Cancellation::TooLate(status) => {
                Box::pin(self.record_status(&session, attempt, status, now)).await?;
                Ok(Stopped::No)
            }
            Cancellation::Unsupported => Ok(Stopped::No),
        }
    }
}

/// The session's attempt whose money moves at consent, while that can still happen: it awaits consent, or is pending.
pub(crate) fn open(session: &Session) -> Option<(&PaymentAttempt, &AtConsent)> {
    let attempt = session.open_at_consent()?;
    Some((attempt, attempt.at_consent.as_ref()?))
}

/// The same, while it awaits consent.
pub(crate) fn consenting(session: &Session) -> Option<(&PaymentAttempt, &AtConsent)> {
    open(session).filter(|_| session.state == SessionState::AwaitingPaymentConsent)
}

/// A change that was recorded, or that another request was before.
pub(crate) fn done(changed: Result<Option<Session>, StoreError>) -> Result<(), PaymentError> {
    changed.map(drop).map_err(PaymentError::from)
}
