//! Money goes back: a refund is one read and one transaction, which subtracts its amount from what is left of the session:
//! however many come at once, no more is refunded than was paid.

use models::{
    EndToEndId, MinorUnits, NewRefund, NotRefundable, Refund, RefundCreation, RefundId, Session, SessionId, WriteId,
};
use providers::ProviderError;
use store::{ActWrite, Fingerprint, Owner, RefundChangeError, RefundChanged, RefundCreated, RefundEnd, StoreError};
use thiserror::Error;

use crate::Payments;
use crate::at_consent::{Stopped, consenting};
use crate::error::PaymentError;

/// How often a refund is put together again because the session or refund has changed meanwhile.
const MAX_TRIES: usize = 10;

/// A refund that is asked for.
#[derive(Debug)]
pub struct RefundRequest {
    /// Its id: derived where the request has an idempotency key.
    pub id: RefundId,
    /// Of the request, if it has an idempotency key.
    pub fingerprint: Option<Fingerprint>,
    /// What is asked for.
    pub new: NewRefund,
    /// The base URL of our pages.
    pub base_url: String,
    /// How many refunds of the session its author saw, if it is to be made only upon as many.
    pub seen: Option<u32>,
}

/// What became of a refund that was asked for.
#[derive(Debug)]
pub enum Made {
    /// It is there now.
    New(Refund),
    /// One with its id was there, made by a request with this fingerprint.
    Existing(Refund, Option<Fingerprint>),
}

/// Why a refund was not made.
#[derive(Debug, Error)]
pub enum RefundError {
    /// There is no such session, or not of this owner.
    #[error("no such session")]
    NotFound,
    /// The session can't be refunded, or not by so much.
    #[error(transparent)]
    NotRefundable(#[from] NotRefundable),
    /// The session has other refunds by now than its author saw; as it is now.
    #[error("the session has other refunds by now")]
    OthersMeanwhile(Box<Session>),
    /// The payment's provider is not connected, which alone knows by which way the money goes back; nothing is recorded.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The table failed us; the refund may have been made.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of asking for a refund's payment to be given up.
enum StoppedPayment {
    /// The money of this attempt never moves.
    Yes(u8),
    /// There is nothing to give up any more: its attempt has ended meanwhile.
    AwaitsThePayer,
    /// Its money may move, or it has ended.
    No,
}

/// Why a refund was not ended.
#[derive(Debug, Error)]
pub enum RefundEndError {
    /// It is as it is.
    #[error(transparent)]
    Change(#[from] RefundChangeError),
    /// The provider, who could still move the money of its payment, or the table could not be asked.
    #[error(transparent)]
    Payment(#[from] PaymentError),
}

impl From<StoreError> for RefundEndError {
    fn from(error: StoreError) -> Self {
        Self::Change(error.into())
    }
}

impl Payments {
    /// Makes a refund: records it, and asks the payment's own provider for it, if that makes it. Whatever the provider says, what is
    /// answered is the refund as it was recorded, before the provider heard of it.
    ///
    /// # Errors
    /// See [`RefundError`].
    pub async fn refund(
        &self,
        request: RefundRequest,
        owner: &Owner,
        as_stored: fn(Session) -> Session,
        act: Option<&ActWrite>,
    ) -> Result<Made, RefundError> {
        let made = self.record_refund(request, owner, as_stored, act).await?;
        if let Made::New(refund) = &made {
            self.begin_refund(refund).await;
        }
        Ok(made)
    }

    /// Records a refund of `owner`'s session, unless there is one with its id: by the payment's own provider, if that can; else
    /// by a session that pays it, which `as_stored` completes as the session's format has it. If a person makes it, it is recorded
    /// together with the `act` that it is.
    ///
    /// No provider is asked: the schedule asks it, once the refund is due ([`store::FIRST_CHECK_AT_CONSENT`]).
    ///
    /// # Errors
    /// See [`RefundError`].
    pub async fn record_refund(
        &self,
        request: RefundRequest,
        owner: &Owner,
        as_stored: fn(Session) -> Session,
        act: Option<&ActWrite>,
    ) -> Result<Made, RefundError> {
        let RefundRequest { id, fingerprint, new, base_url, seen } = request;
        let mut session = self.sessions.get(&new.session_id).await?;
        for _ in 0..MAX_TRIES {
            let refunded = session.filter(|session| owner.owns(session)).ok_or(RefundError::NotFound)?;
            if seen.is_some_and(|seen| seen != refunded.refund_count) {
                // One of them may be this very one: a form that was sent twice, or whose answer was lost.
                return match self.refunds.created(&id).await? {
                    Some((refund, first)) => Ok(Made::Existing(refund, first)),
                    None => Err(RefundError::OthersMeanwhile(Box::new(refunded))),
                };
            }
            // Refunds whose time has passed may reserve what is asked for until they are recorded as failed.
            if asks_for_more_than_is_left(&new, &refunded) && self.expire_refunds_of(&refunded).await? {
                session = self.sessions.get(&new.session_id).await?;
                continue;
            }
            let at = self.now(&refunded);
            let amount = refunded.amount_to_refund(new.amount, at)?;
            let at_provider = match self.refund_at_provider(&refunded, id, amount) {
                Ok(at_provider) => at_provider,
                // What was made before is answered again.
                Err(error) => match self.refunds.created(&id).await? {
                    Some((refund, first)) => return Ok(Made::Existing(refund, first)),
                    None => return Err(error.into()),
                },
            };
            let creation = RefundCreation {
                id,
                payment_session_id: SessionId::new(self.random.uuid_v4()),
                end_to_end_id: EndToEndId::new(self.random.uuid_v4()),
                at,
                base_url: base_url.clone(),
                at_provider,
                write_id: self.random.write_id(),
            };
            let (refund, payment) = Refund::create(&refunded, new.clone(), creation)?;
            let payment = payment.map(as_stored);
            match self.refunds.create(&refund, payment.as_ref(), fingerprint, seen, act).await? {
                RefundCreated::New => return Ok(Made::New(refund)),
                RefundCreated::Existing(refund, first) => return Ok(Made::Existing(*refund, first)),
                RefundCreated::Refused(now) => session = now.map(|session| *session),
            }
        }
        Err(StoreError::Conflict { operation: "TransactWriteItems" }.into())
    }

    /// Records as failed those refunds of a session whose time has passed; whether there were any.
    async fn expire_refunds_of(&self, session: &Session) -> Result<bool, StoreError> {
        let mut any = false;
        for refund in self.refunds.of(&session.id).await?.refunds {
            any |= self.expire_refund(&refund).await?;
        }
        Ok(any)
    }

    /// Ends a refund that has failed by time, if that is not written down yet; whether it did.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn expire_refund(&self, refund: &Refund) -> Result<bool, StoreError> {
        self.refunds.expire(refund, self.clock.now()).await
    }

    /// Cancels a refund for its merchant, together with the session that pays it; where the payer may be paying that, at a
    /// provider whose money moves at consent, only after the provider has cancelled it. If a person does it, together with the
    /// `act` that it is.
    ///
    /// # Errors
    /// [`RefundChangeError::Refused`] once that was submitted, or if the refund has ended; or the provider could not be asked.
    pub async fn cancel_refund(
        &self,
        refund: &Refund,
        write_id: &WriteId,
        act: Option<&ActWrite>,
    ) -> Result<RefundChanged, RefundEndError> {
        let (mut refund, mut cancelled, end) = (refund.clone(), None, RefundEnd::CancelledByMerchant);
        for _ in 0..MAX_TRIES {
            let now_as = match self.refunds.end(&refund, end, self.clock.now(), write_id, cancelled, act).await {
                Err(RefundChangeError::Refused(now_as)) => *now_as,
                ended => return Ok(ended?),
            };
            // The customer gave the details meanwhile.
            if now_as.payment_session_id != refund.payment_session_id {
                refund = now_as;
                continue;
            }
            match self.stop_payment_of(&now_as).await? {
                StoppedPayment::Yes(number) if cancelled != Some(number) => cancelled = Some(number),
                StoppedPayment::AwaitsThePayer => {}
                StoppedPayment::Yes(_) | StoppedPayment::No => {
                    let now_as = self.refunds.find(&refund.session_id, &refund.id).await?.unwrap_or(now_as);
                    return Err(RefundChangeError::Refused(Box::new(now_as)).into());
                }
            }
        }
        Err(StoreError::Conflict { operation: "TransactWriteItems" }.into())
    }

    /// Asks the provider to give up the attempt of a refund's payment, if there is one that may still move money.
    async fn stop_payment_of(&self, refund: &Refund) -> Result<StoppedPayment, PaymentError> {
        let Some(payment) = refund.payment_session_id else { return Ok(StoppedPayment::No) };
        let mut found = self.sessions.get(&payment).await?;
        if let Some(session) = &found
            && let Some((attempt, at_consent)) = consenting(session)
        {
            if let Stopped::Yes(number) = self.stop(session, attempt, at_consent).await? {
                return Ok(StoppedPayment::Yes(number));
            }
            found = self.sessions.get(&payment).await?;
        }
        let awaits =
            |session: &Session| consenting(session).is_none() && session.state_at(self.clock.now()).is_awaiting();
        Ok(if found.as_ref().is_some_and(awaits) { StoppedPayment::AwaitsThePayer } else { StoppedPayment::No })
    }
}

/// Whether what is asked for, which is all of it if no amount is given, may be reserved by earlier refunds.
fn asks_for_more_than_is_left(new: &NewRefund, session: &Session) -> bool {
    session.refundable.is_some_and(|left| left.get() < new.amount.map_or(session.amount.minor(), MinorUnits::get))
}
