//! The providers there are: mocks, and what moves real money.

use models::{BankId, Mode, Session};
use providers::{MockConnector, Offer, ProviderError, Providers, Wanted, delegate_provider};
use runtime::{Clock, SettingError};
use store::{MockLedger, Table};
use thiserror::Error;
use truelayer::{AtBank, TrueLayer};

/// What an installation is connected to, beside the mocks of test sessions.
#[derive(Debug, Clone, Default)]
pub struct Connections {
    /// Whether the mock banks stand in for live ones; only `local` says so.
    pub local_live: bool,
    /// TrueLayer, in its sandbox or live.
    pub truelayer: Option<TrueLayer>,
}

impl Connections {
    /// From the variables that template.yaml sets; TrueLayer's secret is read from Secrets Manager.
    ///
    /// # Errors
    /// The variable that is missing or wrong, or the secret can't be read.
    pub async fn from_env(clock: &Clock) -> Result<Self, SettingError> {
        Ok(Self { local_live: runtime::local_live_connector(), truelayer: TrueLayer::from_env(clock).await? })
    }

    /// To the mocks alone; `local_live` is whether they stand in for live banks.
    pub const fn mocks(local_live: bool) -> Self {
        Self { local_live, truelayer: None }
    }

    /// Whether anything moves the money of live sessions, or stands in for it.
    pub fn has_live(&self) -> bool {
        self.local_live || self.truelayer.as_ref().is_some_and(|truelayer| truelayer.environment().mode() == Mode::Live)
    }
}

/// The connector to one provider.
#[derive(Debug, Clone)]
pub enum Connector {
    /// A mock, whose ledger is in the table.
    Mock(MockConnector<MockLedger>),
    /// TrueLayer, which leads to many banks.
    TrueLayer(AtBank),
}

delegate_provider!(Connector; Mock, TrueLayer);

/// An attempt's provider is not one that this installation is connected to in the session's mode: it was, or will be.
#[derive(Debug, Error)]
#[error("{bank} is not connected for {} sessions; template.yaml's parameters say which providers are", mode.as_str())]
struct NotConnected {
    bank: BankId,
    mode: Mode,
}

/// Whether a provider could not be asked because it is not connected: only an operator mends that.
pub(crate) fn is_not_connected(error: &ProviderError) -> bool {
    matches!(error, ProviderError::Unreachable(cause) if cause.is::<NotConnected>())
}

/// All providers that payers may choose, and how to reach them.
#[derive(Debug)]
pub(crate) struct Connectors {
    mocks: Providers<MockLedger>,
    truelayer: Option<TrueLayer>,
}

impl Connectors {
    pub(crate) fn new(table: Table, connections: Connections) -> Self {
        let Connections { local_live, truelayer } = connections;
        Self { mocks: Providers::new(MockLedger::new(table), local_live), truelayer }
    }

    /// The connector of a provider that payers in this mode may choose; also of one that is down, whose payments go on.
    pub(crate) fn find(&self, bank: &BankId, mode: Mode) -> Option<Connector> {
        match self.truelayer_of(mode).and_then(|truelayer| truelayer.at(bank)) {
            Some(at_bank) => Some(Connector::TrueLayer(at_bank)),
            None => self.mocks.find(bank, mode).map(Connector::Mock),
        }
    }

    /// The connector of a provider that something was begun at. Where it is not connected just now, it can't be asked, which
    /// says nothing about the payment.
    pub(crate) fn connected(&self, bank: &BankId, mode: Mode) -> Result<Connector, ProviderError> {
        self.find(bank, mode).ok_or_else(|| ProviderError::unreachable(NotConnected { bank: bank.clone(), mode }))
    }

    /// What a payer may choose from. A session that follows a test clock has no provider whose clock is another.
    pub(crate) async fn offers(&self, session: &Session, wanted: &Wanted<'_>) -> Vec<Offer> {
        match self.truelayer_for(session) {
            Some(truelayer) => self.and_mocks(truelayer.offers(wanted, session.payer.as_ref()).await, wanted),
            None => self.mocks.offers(wanted),
        }
    }

    /// The same, of what is known without asking anybody.
    pub(crate) fn known_offers(&self, session: &Session, wanted: &Wanted<'_>) -> Vec<Offer> {
        match self.truelayer_for(session) {
            Some(truelayer) => self.and_mocks(truelayer.known_offers(wanted, session.payer.as_ref()), wanted),
            None => self.mocks.offers(wanted),
        }
    }

    /// Those of TrueLayer among the mocks, of which the first one stays first: it is what is tried most.
    fn and_mocks(&self, of_truelayer: Vec<Offer>, wanted: &Wanted<'_>) -> Vec<Offer> {
        let mut offers = self.mocks.offers(wanted);
        let second = offers.len().min(1);
        offers.splice(second..second, of_truelayer);
        offers
    }

    /// TrueLayer, if it may serve this session.
    pub(crate) fn truelayer_for(&self, session: &Session) -> Option<&TrueLayer> {
        self.truelayer_of(session.mode).filter(|_| session.test_clock.is_none())
    }

    /// TrueLayer, if it serves sessions of this mode.
    fn truelayer_of(&self, mode: Mode) -> Option<&TrueLayer> {
        self.truelayer.as_ref().filter(|truelayer| truelayer.environment().mode() == mode)
    }
}
