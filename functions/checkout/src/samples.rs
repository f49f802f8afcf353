//! Sessions and refunds for tests.

use jiff::Timestamp;
use models::{
    AccountIdentifier, EndToEndId, NewRefund, Payee, Refund, RefundEvent, Session, SessionEvent, SessionId,
    SessionState, refund_transition,
};
use providers::ProviderError;
use providers::mock::{Entry, Ledger};
use samples::NOW;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A session that came to this state in the shortest way through a bank.
pub(crate) fn in_state(state: SessionState) -> Session {
    use SessionEvent as E;
    let events: &[E] = match state {
        SessionState::AwaitingPayer => &[],
        SessionState::AwaitingProvider => &[E::PayerIdentified],
        SessionState::AwaitingPaymentConsent => &[E::PayerIdentified, E::BankChosen],
        SessionState::Pending => &[E::PayerIdentified, E::BankChosen, E::ConsentGiven],
        SessionState::Sent => &[E::PayerIdentified, E::BankChosen, E::ConsentGiven, E::Settled],
        SessionState::Failed => &[E::PayerIdentified, E::BankChosen, E::DeclinedByPayer],
        SessionState::Cancelled => &[E::PayerIdentified, E::BankChosen, E::CancelledByPayer],
        SessionState::Expired => &[E::PayerIdentified, E::BankChosen, E::TimePassed],
    };
    samples::session_after(events)
}

/// Where the money of every sample refund goes; no page may show it once it is given.
pub(crate) fn details() -> Payee {
    samples::payee("Ada Customer", "112233", "87654321")
}

/// Where the money of a sample refund in euro goes.
pub(crate) fn details_with_iban() -> Payee {
    let account = AccountIdentifier::Iban { iban: samples::text("FR1420041010050500013M02606") };
    Payee { account, ..details() }
}

/// A refund of this much of a session that was paid without saying from which account.
pub(crate) fn refund_of(session: &Session, minor: i64, at: Timestamp) -> Refund {
    let reference = Some(samples::text("Candles refund"));
    let new = NewRefund { reference, ..samples::new_refund(session, Some(minor)) };
    let (refund, payment) = Refund::create(session, new, samples::refund_creation(at)).unwrap();
    assert_eq!(payment, None);
    refund
}

/// A refund that awaits details, of the common session.
pub(crate) fn refund() -> Refund {
    refund_of(&in_state(SessionState::Sent), 250, NOW)
}

/// One whose details were given, and the session that pays it.
pub(crate) fn refund_with_payment() -> (Refund, Session) {
    let mut refund = refund();
    let (id, end_to_end_id) = (SessionId::new(samples::uuid()), EndToEndId::new(samples::uuid()));
    let session = in_state(SessionState::Sent);
    let payment = refund.give_details(&session, details(), id, end_to_end_id, NOW, samples::write_id()).unwrap();
    (refund, payment)
}

/// What `event` does to a refund.
pub(crate) fn happen_to_refund(refund: &mut Refund, event: RefundEvent) {
    refund.state = refund_transition(refund.state, event).unwrap();
    refund.history.append(refund.state, NOW, event, samples::write_id());
}

/// A memory for a mock bank that is not asked to remember anything.
#[derive(Debug, Clone)]
pub(crate) struct NoLedger;

impl Ledger for NoLedger {
    async fn get<T: DeserializeOwned>(&self, _: EndToEndId, _: Entry) -> Result<Option<T>, ProviderError> {
        Ok(None)
    }

    async fn put<T: Serialize + DeserializeOwned>(
        &self,
        _: EndToEndId,
        _: Entry,
        value: T,
    ) -> Result<T, ProviderError> {
        Ok(value)
    }
}
