//! What a bank whose money moves at consent sends, once the payer has decided: a webhook, by HTTP, as a
//! stranger does. One that is lost is lost; the schedule asks the bank all the same.

use std::sync::OnceLock;

use jiff::Timestamp;
use models::Session;
use outbound::{Lookup, Policy, Sender, TimeOuts};
use providers::MockConnector;
use providers::mock::{Ledger, MockConsent, SignedEvent};
use runtime::Clock;

/// The payer waits for it: less than the function's own time.
const TIME_OUTS: TimeOuts = TimeOuts { connect_ms: 2_000, answer_ms: 5_000 };

/// A signed webhook, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankWebhook {
    /// The base URL that the payment's session has.
    pub base_url: String,
    /// What is sent, from the path on.
    pub event: SignedEvent,
}

impl BankWebhook {
    /// That something happened to an attempt; none of a bank that is only asked.
    pub(crate) fn of<L: Ledger>(
        bank: &MockConnector<L>,
        session: &Session,
        number: u8,
        now: Timestamp,
    ) -> Option<Self> {
        match bank {
            // What is sent of transfers goes with each of them.
            MockConnector::MockBank(_) | MockConnector::MockTransfer(_) => None,
            MockConnector::MockConsent(bank) => Self::about(bank, session, number, now),
        }
    }

    /// That something happened to an attempt at a provider whose money moves at consent.
    pub(crate) fn about<L: Ledger>(
        provider: &MockConsent<L>,
        session: &Session,
        number: u8,
        now: Timestamp,
    ) -> Option<Self> {
        let event = provider.event(session, number, now)?;
        Some(Self { base_url: session.base_url.clone(), event })
    }

    /// Sends it once.
    pub(crate) async fn send(self) {
        let Self { base_url, event } = self;
        let Some(sender) = sender() else { return };
        let url = match outbound::check_url(&format!("{base_url}{}", event.path), false, policy()) {
            Ok(url) => url,
            Err(error) => return tracing::warn!(%error, "a webhook can't be sent"),
        };
        match sender.post(&url, &event.headers, event.body).await {
            Ok(status) => tracing::info!(status, "sent a webhook"),
            Err(error) => tracing::warn!(%error, "a webhook was lost"),
        }
    }
}

fn policy() -> Policy {
    Policy { loopback_allowed: runtime::local_loopback_webhooks() }
}

/// Made when it is first needed: most banks send nothing.
fn sender() -> Option<&'static Sender> {
    static SENDER: OnceLock<Option<Sender>> = OnceLock::new();
    let make = || {
        let made = Sender::with(policy(), Lookup::system(), TIME_OUTS, Clock::System);
        made.inspect_err(|error| tracing::error!(%error, "webhooks can't be sent")).ok()
    };
    SENDER.get_or_init(make).as_ref()
}
