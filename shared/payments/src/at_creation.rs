//! A session whose creation answers with the account to transfer to, before any page of ours is opened: its first attempt begins
//! with it.

use models::{AtConsent, PaymentAttempt, Session, SessionEvent, SessionState, WriteId};
use providers::{Begun, MockConnector, Next, Providers, VirtualAccount};
use store::NewMockEntries;

use crate::error::PaymentError;

/// A new session with its first attempt begun at the provider that keeps its account, and what that provider writes down of it: both
/// are put by [`store::Sessions::create_begun`] at once, so that nobody ever has an account that takes no money.
///
/// That provider is a mock one, whose ledger is in the same table. One of another's is begun by a request that has to be recorded
/// before it is sent.
///
/// # Errors
/// The session does not await the choice of a provider, or the account is not kept by such a one.
pub async fn begin_at_creation(
    mut session: Session,
    account: VirtualAccount,
    write_id: WriteId,
) -> Result<(Session, NewMockEntries), PaymentError> {
    let (number, ledger) = (1, NewMockEntries::default());
    let found = Providers::new(ledger.clone(), false).find(&account.provider, session.mode);
    let (Some(MockConnector::MockTransfer(provider)), SessionState::AwaitingProvider, None) =
        (found, session.state, &session.attempt)
    else {
        return Err(PaymentError::Inconsistent("account that its transfer can begin with"));
    };
    let (request, payment_id, transfer) = match provider.begin_new(&session, number).await {
        Ok((request, Begun { payment_id: Some(id), next: Next::Transfer(transfer), .. })) => (request, id, transfer),
        Ok(_) => return Err(PaymentError::Inconsistent("id at its provider")),
        Err(error) => return Err(error.into()),
    };
    let begun_at = session.created_at;
    let at_consent = AtConsent { begun_at, request, payment_id: Some(payment_id), transfer: Some(transfer) };
    session.attempt = Some(PaymentAttempt {
        number,
        bank: account.provider,
        redirect_url: format!("{}/bank/{number}", session.checkout_url()),
        provider_state: String::new(),
        at_consent: Some(at_consent),
        ended: None,
    });
    session.state = SessionState::AwaitingPaymentConsent;
    session.history.append(session.state, begun_at, SessionEvent::BankChosen, write_id);
    Ok((session, ledger))
}
