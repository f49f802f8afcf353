//! The mock provider whose payers make transfers of their own: it says where to, and finds by the account or the reference whose
//! each is.

use jiff::Timestamp;
use models::{
    AccountIdentifier, BankId, MinorUnits, Money, MovesMoney, Payee, PaymentAttempt, ProviderPaymentId,
    ProviderRefundId, ProviderRequest, Reference, RefundId, Session, TransferId,
};

use super::consent::{BeginBody, MockConsent, id_of, read};
use super::ids;
use super::ledger::{Entry, Ledger, Payment};
use super::named::NamedMock;
use super::refunds::{self, Paid};
use super::refusal::Refusal;
use super::sender::Sender;
use super::status::{account_in, account_of_payer};
use super::transfer_log::{Log, LogEntry, OfAttempt, Referenced, UnmatchedTransfer};
use super::webhook::{self, SignedEvent};
use crate::event::{ProviderEvent, RawEvent};
use crate::port::{
    Arrivals, Begun, Cancellation, EventRefusal, Provider, ProviderError, RefundAnswer, RefundRefusal, RefundStatus,
    Status,
};
use crate::virtual_account::virtual_account;

impl Sender {
    /// The account, one of the payment's currency, where the payer of `session` is known.
    pub(super) fn account(self, session: Option<&Session>) -> Option<Payee> {
        match self {
            Self::Payer => account_of_payer(session?),
            Self::SomebodyElse => {
                let numbers = ["11223344", "NL91ABNA0417164300", "SE7280000810340009783242"];
                let account = account_in(session?.amount.currency(), numbers)?;
                Some(Payee { name: "Rowan Tallis".to_owned().try_into().ok()?, account })
            }
            Self::Undisclosed => None,
        }
    }
}

/// A transfer that somebody makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Its id: however often it is sent, it arrives once.
    pub id: TransferId,
    /// What was typed as the IBAN that it goes to, if one was: it may be one payment's own.
    pub account: Option<String>,
    /// What was typed as its reference.
    pub reference: String,
    /// How much.
    pub amount: Money,
    /// From whom.
    pub sender: Sender,
}

/// What became of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrived {
    /// It has the account or the reference of a payment of ours.
    AtPayment {
        /// What is sent to say so, and where.
        event: SignedEvent,
        /// The base URL there.
        base_url: String,
    },
    /// It matches none, and is kept in the list of those.
    Unmatched,
}

/// A transfer arrives. It is matched by its account, if that is a payment's own, else by its reference; and by its currency, whatever
/// the state of the payment. The webhook is signed at the real time, which is another than `now` where a payment follows a test clock.
///
/// # Errors
/// The ledger could not be read or written, or the payment has had too many.
pub async fn arrive(
    ledger: &impl Ledger,
    transfer: &Transfer,
    now: Timestamp,
    real_now: Timestamp,
) -> Result<Arrived, ProviderError> {
    let Transfer { id, account, reference, amount, sender } = transfer;
    let currency = amount.currency().code();
    let unmatched_list = ids::unmatched_list().ok_or_else(|| ProviderError::refused(Refusal::Unreadable))?;
    if ledger.get::<UnmatchedTransfer>(unmatched_list, Entry::Unmatched(*id)).await?.is_some() {
        return Ok(Arrived::Unmatched);
    }
    let of_account = match account {
        Some(account) => known(ledger, account).await?,
        None => None,
    };
    let referenced = match of_account {
        // A transfer to a payment's own account pays that, whatever else was typed.
        Some(of_account) => Some(of_account),
        None => known(ledger, reference).await?,
    };
    let Some(Referenced { payment, provider, webhook_url, .. }) =
        referenced.filter(|referenced| referenced.currency == currency)
    else {
        let unmatched = UnmatchedTransfer {
            id: *id,
            reference: if ids::is_like_a_reference(reference) { reference.clone() } else { String::new() },
            amount_minor: amount.minor(),
            currency: currency.to_owned(),
            sender: *sender,
            at: now,
        };
        ledger.put(unmatched_list, Entry::Unmatched(*id), unmatched).await?;
        return Ok(Arrived::Unmatched);
    };
    let arrived = LogEntry::Arrived { id: *id, amount_minor: amount.minor(), sender: *sender, at: now };
    let log = Log::append(ledger, payment, |log| (!log.has(*id)).then_some(arrived)).await?;
    // It was opened before its reference was known.
    let id = log.attempt_of(*id).and_then(|attempt| ids::payment_id(payment, attempt));
    let id = id.ok_or_else(|| ProviderError::refused(Refusal::NotBegun))?;
    let event = webhook::sign(provider.as_str(), &id, real_now);
    let base_url = webhook_url.strip_suffix(&event.path).unwrap_or_default().to_owned();
    Ok(Arrived::AtPayment { event, base_url })
}

/// The payment that has this reference, or this account for its own.
async fn known(ledger: &impl Ledger, typed: &str) -> Result<Option<Referenced>, ProviderError> {
    match ids::of_reference(typed) {
        Some(of_reference) => ledger.get(of_reference, Entry::Reference).await,
        None => Ok(None),
    }
}

/// The connector to a mock provider whose payers make transfers.
#[derive(Debug, Clone)]
pub struct MockTransfer<L> {
    /// What it has in common with the other whose money moves without us: how a payment is begun, and refunded.
    consent: MockConsent<L>,
}

impl<L: Ledger> MockTransfer<L> {
    /// A named one, with this memory.
    pub(crate) const fn named(named: &'static NamedMock, ledger: L) -> Self {
        Self { consent: MockConsent::named(named, ledger) }
    }

    /// Which mock it is.
    pub const fn mock(&self) -> &'static NamedMock {
        self.consent.mock()
    }

    /// The account that is the session's own, if it has one here.
    fn own_account(&self, session: &Session) -> Option<Payee> {
        virtual_account(session).filter(|own| own.provider.as_str() == self.mock().id).map(|own| own.payee)
    }

    /// To the session's own account, if it has one, and under the payment's own reference, whatever is to stand on a statement: by
    /// them the transfer is found.
    fn begin_body(&self, session: &Session, number: u8) -> BeginBody {
        let reference = Reference::of_payment(&session.end_to_end_id);
        let payee = self.own_account(session).unwrap_or_else(|| session.payee.clone());
        self.consent.begin_body(session, number, payee, reference)
    }

    /// Begins an attempt that was never asked for before, by the request that it returns.
    ///
    /// # Errors
    /// The ledger could not be written.
    pub async fn begin_new(&self, session: &Session, number: u8) -> Result<(ProviderRequest, Begun), ProviderError> {
        let body = self.begin_body(session, number);
        let request = body.request();
        let begun = self.begin_by(session, number, body, &request).await?;
        Ok((request, begun))
    }

    async fn begin_by(
        &self,
        session: &Session,
        number: u8,
        body: BeginBody,
        request: &ProviderRequest,
    ) -> Result<Begun, ProviderError> {
        let begun = self.consent.begin_by(session, number, &body, request).await?;
        let BeginBody { end_to_end_id, attempt, currency, reference, webhook_url, .. } = body;
        let unreadable = || ProviderError::refused(Refusal::Unreadable);
        let provider: BankId = self.mock().id.parse().map_err(|_| unreadable())?;
        let of_reference = ids::of_reference(reference.as_str()).ok_or_else(unreadable)?;
        let own = self.own_account(session).and_then(|own| match own.account {
            AccountIdentifier::Iban { iban } => ids::of_reference(iban.as_str()),
            AccountIdentifier::UkAccount { .. } => None,
        });
        let referenced = Referenced { payment: end_to_end_id, provider, currency, webhook_url };
        let opened = LogEntry::Opened { attempt };
        Log::append(&self.consent.ledger, end_to_end_id, |log| (!log.of(attempt).opened).then_some(opened)).await?;
        // Afterwards: whatever has this reference or account comes when an attempt has been opened.
        for known_by in own.into_iter().chain([of_reference]) {
            self.consent.ledger.put(known_by, Entry::Reference, referenced.clone()).await?;
        }
        Ok(begun)
    }

    async fn of_attempt(&self, id: &ProviderPaymentId) -> Result<Option<OfAttempt>, ProviderError> {
        let Some((payment, attempt)) = ids::attempt_of(id) else { return Ok(None) };
        let seen = Log::read(&self.consent.ledger, payment).await?.of(attempt);
        Ok(Some(seen).filter(|seen| seen.opened))
    }

    /// Closes an attempt unless as much as `enough_minor` has come before; how it stands then.
    async fn close(
        &self,
        id: &ProviderPaymentId,
        session: &Session,
        enough_minor: i64,
        now: Timestamp,
    ) -> Result<Status, ProviderError> {
        let not_begun = || ProviderError::refused(Refusal::NotBegun);
        let (payment, attempt) = ids::attempt_of(id).ok_or_else(not_begun)?;
        let closed = LogEntry::Closed { attempt, at: now };
        let log = Log::append(&self.consent.ledger, payment, |log| {
            let seen = log.of(attempt);
            let closes = seen.opened && !seen.closed && seen.received_minor < enough_minor;
            closes.then_some(closed)
        });
        match log.await?.of(attempt) {
            seen if seen.opened => Ok(status_of(&seen, Some(session))),
            _ => Err(not_begun()),
        }
    }

    /// The payment that a refund is asked of, if all of it has come.
    async fn paid(&self, id: &ProviderPaymentId) -> Result<Option<Paid>, ProviderError> {
        let (Some((payment, attempt)), Some(seen)) = (ids::attempt_of(id), self.of_attempt(id).await?) else {
            return Ok(None);
        };
        let begun = self.consent.ledger.begun(payment, attempt).await?;
        let begun = begun.filter(|begun| !seen.closed && seen.received_minor >= begun.amount_minor);
        Ok(begun.map(|Payment { amount_minor, currency, .. }| Paid { payment, attempt, amount_minor, currency }))
    }
}

fn status_of(seen: &OfAttempt, session: Option<&Session>) -> Status {
    if seen.received_minor == 0 && seen.late_minor == 0 {
        return if seen.closed { Status::Cancelled } else { Status::AwaitingConsent };
    }
    let one = seen.senders.first().filter(|first| seen.senders.iter().all(|sender| sender == *first));
    Status::Arrived(Arrivals {
        received: MinorUnits::new(seen.received_minor),
        late: MinorUnits::new(seen.late_minor),
        closed: seen.closed,
        payer_account: one.and_then(|sender| sender.account(session)),
    })
}

impl<L: Ledger> Provider for MockTransfer<L> {
    fn moves_money(&self) -> MovesMoney {
        MovesMoney::AtConsent
    }

    fn begin_request(&self, session: &Session, number: u8) -> ProviderRequest {
        self.begin_body(session, number).request()
    }

    async fn begin(&self, session: &Session, number: u8, request: &ProviderRequest) -> Result<Begun, ProviderError> {
        self.begin_by(session, number, read(request)?, request).await
    }

    async fn status(&self, session: &Session, attempt: &PaymentAttempt, _: Timestamp) -> Result<Status, ProviderError> {
        // One that is not begun is begun by asking for its id.
        let id = id_of(self, session, attempt).await?;
        let seen = self.of_attempt(&id).await?;
        Ok(seen.map_or(Status::Unknown, |seen| status_of(&seen, Some(session))))
    }

    async fn status_by_id(&self, id: &ProviderPaymentId, _: Timestamp) -> Result<Status, ProviderError> {
        Ok(self.of_attempt(id).await?.map_or(Status::Unknown, |seen| status_of(&seen, None)))
    }

    async fn cancel(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        now: Timestamp,
    ) -> Result<Cancellation, ProviderError> {
        let id = id_of(self, session, attempt).await?;
        // From the first money on it is not cancelled any more.
        Ok(match self.close(&id, session, 1, now).await? {
            Status::Cancelled => Cancellation::Yes,
            Status::Arrived(Arrivals { closed: true, received, .. }) if received.get() == 0 => Cancellation::Yes,
            status @ (Status::AwaitingConsent
            | Status::Consented
            | Status::Accepted
            | Status::Settled(_)
            | Status::TakenBack(_)
            | Status::Refused(_)
            | Status::Arrived(_)
            | Status::Unknown) => Cancellation::TooLate(status),
        })
    }

    async fn give_up(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        now: Timestamp,
    ) -> Result<Status, ProviderError> {
        let id = id_of(self, session, attempt).await?;
        self.close(&id, session, session.amount.minor(), now).await
    }

    fn refund_request(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        refund_id: RefundId,
        amount: Money,
    ) -> Option<ProviderRequest> {
        self.consent.refund_request(session, attempt, refund_id, amount)
    }

    async fn refund(
        &self,
        payment_id: &ProviderPaymentId,
        request: &ProviderRequest,
        now: Timestamp,
    ) -> Result<RefundAnswer, ProviderError> {
        let body = read(request)?;
        match self.paid(payment_id).await? {
            Some(paid) => refunds::refund(&self.consent.ledger, &paid, &body, request, now).await,
            None => Ok(RefundAnswer::Refused(RefundRefusal::NotSettled)),
        }
    }

    async fn refund_status(
        &self,
        payment_id: &ProviderPaymentId,
        id: &ProviderRefundId,
        now: Timestamp,
    ) -> Result<RefundStatus, ProviderError> {
        self.consent.refund_status(payment_id, id, now).await
    }

    async fn read_event(&self, event: &RawEvent<'_>) -> Result<ProviderEvent, EventRefusal> {
        self.consent.read_event(event).await
    }
}
