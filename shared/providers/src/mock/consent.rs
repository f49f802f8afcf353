//! The mock bank whose money moves when the payer consents.

use jiff::{SignedDuration, Timestamp};
use models::{
    AtConsent, Card, EndToEndId, Money, MovesMoney, Payee, PaymentAttempt, ProviderPaymentId, ProviderRefundId,
    ProviderRequest, Reference, RefundId, Session, TakenBack, TakenBackReason, TransferInstructions,
};
use serde::{Deserialize, Serialize};

use super::decision::Decided;
use super::ids;
use super::ledger::{Concluded, Conclusion, Entry, Ledger, Payment, RefundOrder};
use super::named::{MockPage, NamedMock};
use super::refunds::{self, Paid, RefundBody};
use super::refusal::Refusal;
use super::sha256::sha256;
use super::status::after_order;
use super::webhook::{self, SignedEvent};
use crate::event::{ProviderEvent, RawEvent};
use crate::port::{
    Begun, Cancellation, EventRefusal, Next, PayerLink, Provider, ProviderError, RefundAnswer, RefundRefusal,
    RefundStatus, Status,
};

/// What the mock bank is sent to begin a payment. Nothing of the payer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BeginBody {
    pub(super) end_to_end_id: EndToEndId,
    pub(super) attempt: u8,
    amount_minor: i64,
    pub(super) currency: String,
    payee: Payee,
    pub(super) reference: Reference,
    return_url: String,
    pub(super) webhook_url: String,
}

impl BeginBody {
    pub(super) fn request(&self) -> ProviderRequest {
        let idempotency_key = format!("begin-{}-{}", self.end_to_end_id, self.attempt);
        ProviderRequest { idempotency_key, body: serde_json::json!(self).to_string() }
    }
}

/// The connector to a mock bank whose money moves at consent.
#[derive(Debug, Clone)]
pub struct MockConsent<L> {
    pub(super) ledger: L,
    named: &'static NamedMock,
}

impl<L: Ledger> MockConsent<L> {
    /// A named one, with this memory.
    pub(crate) const fn named(named: &'static NamedMock, ledger: L) -> Self {
        Self { ledger, named }
    }

    /// Which mock bank it is.
    pub const fn mock(&self) -> &'static NamedMock {
        self.named
    }

    /// What it is sent to begin an attempt that pays this account under this reference.
    pub(super) fn begin_body(&self, session: &Session, number: u8, payee: Payee, reference: Reference) -> BeginBody {
        BeginBody {
            end_to_end_id: session.end_to_end_id,
            attempt: number,
            amount_minor: session.amount.minor(),
            currency: session.amount.currency().code().to_owned(),
            payee,
            reference,
            return_url: format!("{}/return", session.checkout_url()),
            webhook_url: format!("{}{}", session.base_url, webhook::webhook_path(self.named.id)),
        }
    }

    /// Begins an attempt by a request that was read.
    pub(super) async fn begin_by(
        &self,
        session: &Session,
        number: u8,
        body: &BeginBody,
        request: &ProviderRequest,
    ) -> Result<Begun, ProviderError> {
        let BeginBody { end_to_end_id, attempt, amount_minor, currency, payee, reference, .. } = body;
        let (idempotency_key, body_sha256) = (request.idempotency_key.clone(), sha256(&request.body));
        let payment = Payment { idempotency_key, body_sha256, amount_minor: *amount_minor, currency: currency.clone() };
        let holds = self.ledger.put(*end_to_end_id, Entry::Begun(*attempt), payment.clone()).await?;
        let id = ids::payment_id(*end_to_end_id, *attempt).filter(|_| holds == payment);
        let id = id.ok_or_else(|| ProviderError::refused(Refusal::DifferentRequest))?;
        let next = match self.named.page {
            MockPage::Transfer => {
                Next::Transfer(TransferInstructions { payee: payee.clone(), reference: reference.clone() })
            }
            MockPage::Decide | MockPage::Card | MockPage::Plan | MockPage::Mandate(_) => {
                let (page, token) = (super::page_url(session, number), webhook::link_token(&id));
                Next::Redirect(PayerLink::new(format!("{page}?token={token}")))
            }
        };
        Ok(Begun { payment_id: Some(id), provider_state: String::new(), next })
    }

    /// The payer decides about an attempt: an approval moves the money. Returns what ended the payer's choice: the first
    /// decision, or our cancelling if that came before, and then nothing moves.
    ///
    /// # Errors
    /// The ledger could not be written, the bank does not offer this decision, or it does not know the attempt.
    pub async fn decide(
        &self,
        session: &Session,
        attempt: u8,
        decided: Decided,
        now: Timestamp,
    ) -> Result<Conclusion, ProviderError> {
        let decided = self.named.offered(decided).map_err(ProviderError::refused)?;
        let concluded = Concluded { conclusion: Conclusion::Decided(decided), at: now };
        Ok(self.conclude(session.end_to_end_id, attempt, concluded).await?.conclusion)
    }

    /// What ended the payer's choice about an attempt, if anything did.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn conclusion(&self, session: &Session, attempt: u8) -> Result<Option<Conclusion>, ProviderError> {
        let concluded = self.ledger.concluded(session.end_to_end_id, attempt).await?;
        Ok(concluded.map(|concluded| concluded.conclusion))
    }

    /// Before this card pays an attempt, its holder is asked whether it is them. The first card holds.
    ///
    /// # Errors
    /// The ledger could not be written.
    pub async fn challenge(&self, session: &Session, attempt: u8, card: Card) -> Result<Card, ProviderError> {
        self.ledger.put(session.end_to_end_id, Entry::Challenge(attempt), card).await
    }

    /// The card whose holder is asked whether it is them, if one is.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn challenged(&self, session: &Session, attempt: u8) -> Result<Option<Card>, ProviderError> {
        self.ledger.challenged(session.end_to_end_id, attempt).await
    }

    /// The payer, or their bank, takes the money of an attempt back: also what was refunded of it is not asked for again.
    ///
    /// # Errors
    /// The ledger could not be written, or there is nothing to take back.
    pub async fn take_back(
        &self,
        session: &Session,
        attempt: u8,
        reason: TakenBackReason,
        now: Timestamp,
    ) -> Result<TakenBack, ProviderError> {
        let nothing = || ProviderError::refused(Refusal::NothingToTakeBack);
        let status = self.shown_status(session, attempt, now).await?;
        if !self.named.can_be_taken_back() || !matches!(status, Status::Settled(_) | Status::TakenBack(_)) {
            return Err(nothing());
        }
        let taken_back = TakenBack { reason, at: now };
        self.ledger.put(session.end_to_end_id, Entry::TakenBack(attempt), taken_back).await
    }

    /// How an attempt stands, for the mock's own page.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn shown_status(&self, session: &Session, attempt: u8, now: Timestamp) -> Result<Status, ProviderError> {
        match ids::payment_id(session.end_to_end_id, attempt) {
            Some(id) => self.status_of(&id, Some(session), now).await,
            None => Ok(Status::Unknown),
        }
    }

    /// Whether this is the token in the link to an attempt's page.
    pub fn is_link_token(&self, session: &Session, attempt: u8, token: &str) -> bool {
        ids::payment_id(session.end_to_end_id, attempt).is_some_and(|id| webhook::link_token(&id) == token)
    }

    /// The webhook which says that something happened to an attempt.
    pub fn event(&self, session: &Session, attempt: u8, now: Timestamp) -> Option<SignedEvent> {
        ids::payment_id(session.end_to_end_id, attempt).map(|id| webhook::sign(self.named.id, &id, now))
    }

    /// Ends the payer's choice unless it has ended, and returns what ended it: consent and cancelling race for one entry.
    async fn conclude(
        &self,
        payment: EndToEndId,
        attempt: u8,
        concluded: Concluded,
    ) -> Result<Concluded, ProviderError> {
        if self.ledger.begun(payment, attempt).await?.is_none() {
            return Err(ProviderError::refused(Refusal::NotBegun));
        }
        self.ledger.put(payment, Entry::Conclusion(attempt), concluded).await
    }

    async fn status_of(
        &self,
        id: &ProviderPaymentId,
        session: Option<&Session>,
        now: Timestamp,
    ) -> Result<Status, ProviderError> {
        let Some((payment, attempt)) = ids::attempt_of(id) else { return Ok(Status::Unknown) };
        let status = match self.ledger.concluded(payment, attempt).await? {
            Some(concluded) => of_conclusion(&concluded, session, now),
            None if self.ledger.begun(payment, attempt).await?.is_some() => Status::AwaitingConsent,
            None => Status::Unknown,
        };
        if matches!(status, Status::Settled(_))
            && self.named.can_be_taken_back()
            && let Some(TakenBack { reason, .. }) = self.ledger.taken_back(payment, attempt).await?
        {
            return Ok(Status::TakenBack(reason));
        }
        Ok(status)
    }

    /// The payment that a refund is asked of; why not, if it has not settled or was taken back.
    async fn paid(&self, id: &ProviderPaymentId, now: Timestamp) -> Result<Result<Paid, RefundRefusal>, ProviderError> {
        match self.status_of(id, None, now).await? {
            Status::Settled(_) => {}
            Status::TakenBack(_) => return Ok(Err(RefundRefusal::ByProvider)),
            Status::AwaitingConsent
            | Status::Consented
            | Status::Accepted
            | Status::Refused(_)
            | Status::Cancelled
            | Status::Arrived(_)
            | Status::Unknown => return Ok(Err(RefundRefusal::NotSettled)),
        }
        let Some((payment, attempt)) = ids::attempt_of(id) else { return Ok(Err(RefundRefusal::NotSettled)) };
        let begun = self.ledger.begun(payment, attempt).await?.ok_or(RefundRefusal::NotSettled);
        Ok(begun.map(|Payment { amount_minor, currency, .. }| Paid { payment, attempt, amount_minor, currency }))
    }
}

/// What a provider calls an attempt: as recorded, or as it answers the recorded request when that is repeated.
pub(super) async fn id_of(
    provider: &impl Provider,
    session: &Session,
    attempt: &PaymentAttempt,
) -> Result<ProviderPaymentId, ProviderError> {
    let AtConsent { request, payment_id, .. } =
        attempt.at_consent.as_ref().ok_or_else(|| ProviderError::refused(Refusal::NotBegun))?;
    match payment_id {
        Some(id) => Ok(id.clone()),
        None => {
            let begun = provider.begin(session, attempt.number, request).await?;
            begun.payment_id.ok_or_else(|| ProviderError::refused(Refusal::NotBegun))
        }
    }
}

fn of_conclusion(concluded: &Concluded, session: Option<&Session>, now: Timestamp) -> Status {
    match concluded.conclusion {
        Conclusion::Cancelled => Status::Cancelled,
        Conclusion::Decided(decided) => after_order(decided, session, concluded.at, now),
    }
}

/// Reads the bytes of a request.
pub(super) fn read<T: serde::de::DeserializeOwned>(request: &ProviderRequest) -> Result<T, ProviderError> {
    serde_json::from_str(&request.body).map_err(|_| ProviderError::refused(Refusal::Unreadable))
}

impl<L: Ledger> Provider for MockConsent<L> {
    fn moves_money(&self) -> MovesMoney {
        MovesMoney::AtConsent
    }

    fn link_lasts(&self) -> Option<SignedDuration> {
        self.named.link_lasts
    }

    fn begin_request(&self, session: &Session, number: u8) -> ProviderRequest {
        self.begin_body(session, number, session.payee.clone(), session.reference.clone()).request()
    }

    async fn begin(&self, session: &Session, number: u8, request: &ProviderRequest) -> Result<Begun, ProviderError> {
        self.begin_by(session, number, &read(request)?, request).await
    }

    async fn status(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        now: Timestamp,
    ) -> Result<Status, ProviderError> {
        let id = id_of(self, session, attempt).await?;
        self.status_of(&id, Some(session), now).await
    }

    async fn status_by_id(&self, id: &ProviderPaymentId, now: Timestamp) -> Result<Status, ProviderError> {
        self.status_of(id, None, now).await
    }

    async fn cancel(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        now: Timestamp,
    ) -> Result<Cancellation, ProviderError> {
        let id = id_of(self, session, attempt).await?;
        let (payment, number) = ids::attempt_of(&id).ok_or_else(|| ProviderError::refused(Refusal::NotBegun))?;
        let cancelled = Concluded { conclusion: Conclusion::Cancelled, at: now };
        let concluded = self.conclude(payment, number, cancelled).await?;
        Ok(match concluded.conclusion {
            Conclusion::Cancelled => Cancellation::Yes,
            Conclusion::Decided(_) => Cancellation::TooLate(of_conclusion(&concluded, Some(session), now)),
        })
    }

    fn refund_request(
        &self,
        _: &Session,
        attempt: &PaymentAttempt,
        refund_id: RefundId,
        amount: Money,
    ) -> Option<ProviderRequest> {
        // What has no id was never paid.
        attempt.at_consent.as_ref()?.payment_id.as_ref()?;
        let currency = amount.currency().code().to_owned();
        let body = RefundBody { refund_id, amount_minor: amount.minor(), currency };
        let idempotency_key = format!("refund-{refund_id}");
        Some(ProviderRequest { idempotency_key, body: serde_json::json!(body).to_string() })
    }

    async fn refund(
        &self,
        payment_id: &ProviderPaymentId,
        request: &ProviderRequest,
        now: Timestamp,
    ) -> Result<RefundAnswer, ProviderError> {
        let body: RefundBody = read(request)?;
        match self.paid(payment_id, now).await? {
            Ok(paid) => refunds::refund(&self.ledger, &paid, &body, request, now).await,
            Err(why) => Ok(RefundAnswer::Refused(why)),
        }
    }

    async fn refund_status(
        &self,
        payment_id: &ProviderPaymentId,
        id: &ProviderRefundId,
        now: Timestamp,
    ) -> Result<RefundStatus, ProviderError> {
        let of_payment = |(payment, attempt, _): &(EndToEndId, u8, u8)| {
            ids::payment_id(*payment, *attempt).is_some_and(|of| of == *payment_id)
        };
        let Some((payment, attempt, position)) = ids::refund_of(id).filter(of_payment) else {
            return Ok(RefundStatus::Unknown);
        };
        let order: Option<RefundOrder> = self.ledger.get(payment, Entry::Refund { attempt, position }).await?;
        Ok(order.map_or(RefundStatus::Unknown, |order| refunds::status(&order, now)))
    }

    async fn read_event(&self, event: &RawEvent<'_>) -> Result<ProviderEvent, EventRefusal> {
        Ok(webhook::read(self.named.id, event)?)
    }
}
