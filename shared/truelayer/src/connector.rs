//! TrueLayer, and what a payer chose there, behind the port.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use models::{
    AtConsent, BankId, Currency, Money, MovesMoney, PaidFrom, Payer, PaymentAttempt, PaymentMethod, ProviderPaymentId,
    ProviderRefundId, ProviderRequest, RefundId, Session,
};
use outbound::NoSender;
use providers::{
    Begun, Cancellation, EventRefusal, Next, Offer, Provider, ProviderError, ProviderEvent, RawEvent, RefundAnswer,
    RefundRefusal, RefundStatus, Status, TRUELAYER, Wanted,
};
use runtime::{Clock, SettingError};
use serde_json::Value;
use thiserror::Error;

use crate::banks::{self, Bank, Banks, Query, any_bank, countries};
use crate::check::{Checked, check};
use crate::client::{self, CallError, Client};
use crate::credentials::Credentials;
use crate::hosts::Environment;
use crate::jwks::Jwks;
use crate::payment::{self, Created, Payment, idempotency_key, pays_into_merchant_account};
use crate::refund::{self, Accepted};
use crate::settings::{self, Settings, credentials_from_env};
use crate::webhook;

/// For how long a payer is led to a payment. The token in the link is good for 15 minutes from its creation, no repeated request makes
/// another, and a payment that nobody decides about stays open as long (<https://docs.truelayer.com/docs/create-a-payment>): who is
/// led there has five minutes at least.
pub const LINK_LASTS: SignedDuration = SignedDuration::from_mins(10);

/// For how long a recorded request is repeated. TrueLayer keeps idempotency keys for 30 days
/// (<https://docs.truelayer.com/docs/idempotency>), and a request that comes later does what it asks for once more.
pub const REPEATS_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// Where payments are.
const PAYMENTS: &str = "/v3/payments";

/// Where banks are found.
const BANKS: &str = "/v3/payments-providers/search";

/// Where a payer comes back to, after the base URL of our pages. TrueLayer's Console has to list it.
pub const RETURN_PATH: &str = "/providers/truelayer/return";

/// How long a list of banks may take: a payer waits for the page that shows it.
const LIST_WITHIN: Duration = Duration::from_secs(3);

/// How often a payment's status is asked for again, after TrueLayer accepted our wish to cancel it.
const CANCEL_CHECKS: u8 = 3;

/// How long before each time.
const CANCEL_PAUSE: Duration = Duration::from_millis(300);

/// What is no request to TrueLayer, or has no end there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
enum Refusal {
    #[error("the attempt was never begun")]
    NotBegun,
    #[error("TrueLayer accepted the wish to cancel, and has not cancelled yet")]
    NotCancelledYet,
}

/// TrueLayer, in one of its environments. Its clones share what is kept: the token, the banks, the keys of webhooks.
#[derive(Clone)]
pub struct TrueLayer(Arc<Inner>);

struct Inner {
    settings: Settings,
    client: Client,
    jwks: Jwks,
    banks: Banks,
    clock: Clock,
}

impl fmt::Debug for TrueLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrueLayer").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl TrueLayer {
    /// With these settings and credentials, by this clock. Nothing is asked yet.
    ///
    /// # Errors
    /// The HTTP client can't be made.
    pub fn new(settings: Settings, credentials: Credentials, clock: Clock) -> Result<Self, NoSender> {
        Self::with(settings, Some(credentials), clock)
    }

    /// For who records what TrueLayer is to be asked, and leaves the asking to others: without credentials every call fails before
    /// anything is sent.
    ///
    /// # Errors
    /// The HTTP client can't be made.
    pub fn unasked(settings: Settings, clock: Clock) -> Result<Self, NoSender> {
        Self::with(settings, None, clock)
    }

    fn with(settings: Settings, credentials: Option<Credentials>, clock: Clock) -> Result<Self, NoSender> {
        let sender = client::sender(settings.policy, clock.clone())?;
        let jwks = Jwks::new(settings.hosts.jwks(), sender.clone());
        let client = Client::new(sender, settings.hosts.clone(), credentials, clock.clone());
        Ok(Self(Arc::new(Inner { settings, client, jwks, banks: Banks::default(), clock })))
    }

    /// From the variables that template.yaml sets, and the secret that they name; none if TrueLayer is off.
    ///
    /// # Errors
    /// The variable that is missing or wrong, or the secret can't be read or used.
    pub async fn from_env(clock: &Clock) -> Result<Option<Self>, SettingError> {
        let Some(settings) = Settings::read(runtime::optional)? else { return Ok(None) };
        let truelayer = Self::new(settings, credentials_from_env().await?, clock.clone()).map_err(|error| {
            tracing::error!(%error, "TrueLayer can't be called");
            SettingError::new(settings::TRUELAYER, "is on, and there is no HTTP client; the log says why")
        })?;
        Ok(Some(truelayer))
    }

    /// Which TrueLayer it is, and so which sessions it serves.
    pub fn environment(&self) -> Environment {
        self.0.settings.environment
    }

    /// The connector for what a payer chose: TrueLayer, or a bank that it leads to. None if it is neither.
    pub fn at(&self, bank: &BankId) -> Option<AtBank> {
        let (provider, bank) = bank.parts();
        (provider == TRUELAYER).then(|| AtBank { truelayer: self.clone(), bank: bank.map(str::to_owned) })
    }

    /// What a payer may choose of it: its banks, or itself where they can't be had now, or where nothing else is wanted. Nothing of
    /// a payer whom it does not take, as it wants an e-mail address or a telephone number.
    pub async fn offers(&self, wanted: &Wanted<'_>, payer: Option<&Payer>) -> Vec<Offer> {
        if !self.serves(wanted, payer) {
            return Vec::new();
        }
        let Wanted { currency, payers, provider, .. } = *wanted;
        let itself = || -> Vec<Offer> { any_bank(self.environment()).into_iter().collect() };
        if provider.is_some_and(|provider| provider.as_str() == TRUELAYER) {
            return itself();
        }
        match self.banks(Query { currency, payers }).await {
            Some(banks) => self.of_list(&banks, wanted),
            None if provider.is_none() => itself(),
            None => Vec::new(),
        }
    }

    /// The same of its banks, as they are known without asking for them.
    pub fn known_offers(&self, wanted: &Wanted<'_>, payer: Option<&Payer>) -> Vec<Offer> {
        let Wanted { currency, payers, .. } = *wanted;
        let known = self.0.banks.known(Query { currency, payers }, self.0.clock.now());
        let known = known.filter(|_| self.serves(wanted, payer));
        known.map_or_else(Vec::new, |banks| self.of_list(&banks, wanted))
    }

    fn serves(&self, wanted: &Wanted<'_>, payer: Option<&Payer>) -> bool {
        let Wanted { mode, method, currency, country, provider, .. } = *wanted;
        mode == self.environment().mode()
            && method == PaymentMethod::PayByBank
            && !countries(currency, country).is_empty()
            && provider.is_none_or(|provider| provider.provider() == TRUELAYER)
            && payer.is_none_or(Payer::can_be_reached)
    }

    fn of_list(&self, banks: &[Bank], wanted: &Wanted<'_>) -> Vec<Offer> {
        let served = banks.iter().filter(|bank| bank.serves(wanted));
        served.map(|bank| bank.offer(self.environment())).collect()
    }

    /// Asks TrueLayer whether the settings are right. It moves no money.
    pub async fn check(&self) -> Vec<Checked> {
        let Inner { settings, client, jwks, clock, .. } = &*self.0;
        let banks = self.ask_for_banks(Query { currency: Currency::GBP, payers: None });
        check(client, jwks, &settings.merchant_accounts, banks, clock.now()).await
    }

    /// Whether TrueLayer knows a payment by this id. It shows each client its own alone: so whether the credentials are those by which
    /// the payment was begun.
    ///
    /// # Errors
    /// TrueLayer could not be asked.
    pub async fn knows_payment(&self, id: &ProviderPaymentId) -> Result<bool, ProviderError> {
        match self.0.client.get::<Value>(&format!("{PAYMENTS}/{id}")).await {
            Ok(_) => Ok(true),
            Err(error) if error.status() == Some(404) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether TrueLayer knows a refund of a payment by this id that is ours: of this amount, and with our id, which we send along.
    ///
    /// # Errors
    /// TrueLayer could not be asked.
    pub async fn knows_refund(
        &self,
        payment_id: &ProviderPaymentId,
        known_as: &ProviderRefundId,
        id: RefundId,
        amount: Money,
    ) -> Result<bool, ProviderError> {
        match self.0.client.get::<Value>(&format!("{PAYMENTS}/{payment_id}/refunds/{known_as}")).await {
            Ok(answer) => Ok(refund::is_of(&answer, id, amount)),
            Err(error) if error.status() == Some(404) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn banks(&self, query: Query) -> Option<Arc<[Bank]>> {
        self.0.banks.get(query, self.0.clock.now(), self.ask_for_banks(query)).await
    }

    async fn ask_for_banks(&self, query: Query) -> Result<Vec<Bank>, ProviderError> {
        let body = query.body();
        let asked = tokio::time::timeout(LIST_WITHIN, self.0.client.list::<Value>(BANKS, &body)).await;
        let answer = asked.map_err(ProviderError::unreachable)??;
        Ok(banks::read(&answer).ok_or(CallError::Unreadable)?)
    }
}

/// The connector to TrueLayer for one choice of a payer's: a bank, or TrueLayer, which asks them for the bank.
#[derive(Debug, Clone)]
pub struct AtBank {
    truelayer: TrueLayer,
    /// As TrueLayer calls it.
    bank: Option<String>,
}

impl AtBank {
    fn inner(&self) -> &Inner {
        &self.truelayer.0
    }

    /// What TrueLayer calls an attempt: as recorded, or as it answers the recorded request when that is repeated.
    async fn id_of(&self, session: &Session, attempt: &PaymentAttempt) -> Result<ProviderPaymentId, ProviderError> {
        let not_begun = || ProviderError::refused(Refusal::NotBegun);
        let AtConsent { request, payment_id, .. } = attempt.at_consent.as_ref().ok_or_else(not_begun)?;
        match payment_id {
            Some(id) => Ok(id.clone()),
            None => self.begin(session, attempt.number, request).await?.payment_id.ok_or_else(not_begun),
        }
    }

    /// How a payment stands; unknown if there is none of this id.
    async fn status_of(&self, id: &ProviderPaymentId) -> Result<Status, ProviderError> {
        match self.inner().client.get::<Value>(&format!("{PAYMENTS}/{id}")).await {
            Ok(answer) => Ok(Payment::new(answer).status()),
            Err(error) if error.status() == Some(404) => Ok(Status::Unknown),
            Err(error) => Err(error.into()),
        }
    }
}

impl Provider for AtBank {
    fn moves_money(&self) -> MovesMoney {
        MovesMoney::AtConsent
    }

    fn link_lasts(&self) -> Option<SignedDuration> {
        Some(LINK_LASTS)
    }

    fn repeats_within(&self) -> Option<SignedDuration> {
        Some(REPEATS_WITHIN)
    }

    /// What is executed or settled there has no other status after that
    /// (<https://docs.truelayer.com/docs/single-payment-statuses>).
    fn takes_back(&self) -> bool {
        false
    }

    fn begin_request(&self, session: &Session, number: u8) -> ProviderRequest {
        let accounts = &self.inner().settings.merchant_accounts;
        // What pays a refund goes to the customer's own account.
        let is_merchants = session.pays_refund.is_none();
        let account = is_merchants.then(|| accounts.of(&session.merchant_id, session.amount.currency())).flatten();
        payment::request(session, number, self.bank.as_deref(), account)
    }

    async fn begin(&self, session: &Session, _: u8, request: &ProviderRequest) -> Result<Begun, ProviderError> {
        let Inner { client, settings, .. } = self.inner();
        let created: Created = client.order(PAYMENTS, request).await?;
        let payment_id = created.id().ok_or(CallError::Unreadable)?;
        let return_uri = format!("{}{RETURN_PATH}", session.base_url);
        let next = Next::Redirect(created.link(&settings.hosts.payment, &return_uri));
        Ok(Begun { payment_id: Some(payment_id), provider_state: String::new(), next })
    }

    async fn status(&self, session: &Session, attempt: &PaymentAttempt, _: Timestamp) -> Result<Status, ProviderError> {
        let id = self.id_of(session, attempt).await?;
        self.status_of(&id).await
    }

    async fn status_by_id(&self, id: &ProviderPaymentId, _: Timestamp) -> Result<Status, ProviderError> {
        let status = self.status_of(id).await?;
        Ok(if matches!(status, Status::Settled(_)) { Status::Settled(PaidFrom::Undisclosed) } else { status })
    }

    /// Whatever TrueLayer answers, the payment's status says whether it is over (<https://docs.truelayer.com/docs/cancel-a-payment>):
    /// the answer is no more than that the wish was accepted, or that it came too late, which it does a second time, too.
    async fn cancel(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        now: Timestamp,
    ) -> Result<Cancellation, ProviderError> {
        let id = self.id_of(session, attempt).await?;
        // A key of its own each second: under one that was used TrueLayer repeats its answer and does nothing, and cancelling again
        // does nothing twice.
        let key = idempotency_key("cancel", &format!("{} {}", session.id, now.as_second()), attempt.number);
        let asked = self.inner().client.act(&format!("{PAYMENTS}/{id}/actions/cancel"), &key).await;
        let (checks, still_open) = match asked.map_err(ProviderError::from) {
            Ok(()) => (CANCEL_CHECKS, ProviderError::unreachable(Refusal::NotCancelledYet)),
            Err(error) => (0, error),
        };
        for check in 0..=checks {
            if check > 0 {
                tokio::time::sleep(CANCEL_PAUSE).await;
            }
            match self.status_of(&id).await? {
                Status::AwaitingConsent => {}
                Status::Cancelled => return Ok(Cancellation::Yes),
                status @ (Status::Consented
                | Status::Accepted
                | Status::Settled(_)
                | Status::TakenBack(_)
                | Status::Refused(_)
                | Status::Arrived(_)
                | Status::Unknown) => return Ok(Cancellation::TooLate(status)),
            }
        }
        Err(still_open)
    }

    fn refund_request(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        refund_id: RefundId,
        amount: Money,
    ) -> Option<ProviderRequest> {
        let AtConsent { request, payment_id, .. } = attempt.at_consent.as_ref()?;
        // What has no id was never paid, and what went to another account is not TrueLayer's to send back.
        payment_id.as_ref()?;
        pays_into_merchant_account(request).then(|| refund::request(session, refund_id, amount))
    }

    async fn refund(
        &self,
        payment_id: &ProviderPaymentId,
        request: &ProviderRequest,
        _: Timestamp,
    ) -> Result<RefundAnswer, ProviderError> {
        let path = format!("{PAYMENTS}/{payment_id}/refunds");
        match self.inner().client.order::<Accepted>(&path, request).await {
            Ok(accepted) => Ok(RefundAnswer::Accepted(accepted.id().ok_or(CallError::Unreadable)?)),
            // About what was asked. Anything else is about how: a refund with this key may be there.
            Err(error) if matches!(error.status(), Some(400 | 403 | 404)) => {
                tracing::warn!(%payment_id, %error, "TrueLayer refused a refund");
                Ok(RefundAnswer::Refused(RefundRefusal::ByProvider))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn refund_status(
        &self,
        payment_id: &ProviderPaymentId,
        id: &ProviderRefundId,
        _: Timestamp,
    ) -> Result<RefundStatus, ProviderError> {
        match self.inner().client.get::<Value>(&format!("{PAYMENTS}/{payment_id}/refunds/{id}")).await {
            Ok(answer) => Ok(refund::status(&answer)),
            Err(error) if error.status() == Some(404) => Ok(RefundStatus::Unknown),
            Err(error) => Err(error.into()),
        }
    }

    async fn read_event(&self, event: &RawEvent<'_>) -> Result<ProviderEvent, EventRefusal> {
        let Inner { settings, jwks, .. } = self.inner();
        let payment_id = webhook::verify(event, &settings.webhook_path, jwks, event.now).await?;
        Ok(ProviderEvent { payment_id })
    }
}

#[cfg(test)]
mod tests;
