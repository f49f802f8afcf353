//! Compares what is recorded of a payment with its provider's word. It changes nothing.

use jiff::Timestamp;
use models::{Mode, SessionEvent, SessionState};
use providers::{Provider, Status};
use store::{KnownPayment, PaidSession};

use crate::Payments;
use crate::error::PaymentError;
use crate::follow_up::STUCK_AFTER;

/// A payment as it is recorded, and as its provider knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// How its session stands.
    pub state: SessionState,
    /// What the provider says, in one word.
    pub says: &'static str,
    /// Whether that fits.
    pub fit: Fit,
}

/// Whether what is recorded fits the provider's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It does.
    Same,
    /// The provider is ahead, for less than an hour: its webhook or the next check brings it.
    Lags,
    /// It does not.
    Differs(Differs),
}

/// In what they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Differs {
    /// Money moved for an attempt that is over, and nothing is noted of it.
    Late,
    /// The same, and it is noted on the session.
    LateAndNoted,
    /// More is recorded than the provider says: what is sent here is not, or no more, sent there.
    Ahead,
    /// The provider has been ahead for an hour or longer.
    Behind,
    /// An attempt has been over for an hour or longer, and the provider still calls it open.
    Open,
    /// The provider does not know the payment, or says what we do not know.
    Unknown,
}

/// How a payment is recorded.
enum Recorded {
    Sent,
    Pending,
    AwaitingConsent,
    /// Its attempt is over, with its session or without.
    Over,
}

impl Payments {
    /// Compares a payment with its provider's word. None if it is not of a session of this mode, or was begun before `since`.
    ///
    /// # Errors
    /// The provider or the table could not be asked.
    pub async fn compare(
        &self,
        payment: &KnownPayment,
        mode: Mode,
        since: Timestamp,
    ) -> Result<Option<Compared>, PaymentError> {
        let session = self.bank_payments.session(&payment.pays).await?;
        let Some(session) = session.filter(|session| session.mode == mode && begun_since(session, payment, since))
        else {
            return Ok(None);
        };
        let now = self.clock.now();
        // What is recorded was read first: a change between the two makes it lag, and nothing else.
        let status = self.providers.connected(&payment.provider, mode)?.status_by_id(&payment.id, now).await?;
        Ok(Some(Compared { state: session.state, says: word(&status), fit: fit(&session, payment, &status, now) }))
    }
}

/// Whether the attempt that a payment is was begun then or later.
fn begun_since(session: &PaidSession, payment: &KnownPayment, since: Timestamp) -> bool {
    let mut begun = session.history.iter().filter(|entry| entry.cause == SessionEvent::BankChosen);
    begun.nth(usize::from(payment.pays.attempt).saturating_sub(1)).is_none_or(|entry| entry.at >= since)
}

fn recorded(session: &PaidSession, payment: &KnownPayment) -> Recorded {
    let attempt = session.attempt.as_ref();
    // What is deleted or erased has no attempt any more; and an attempt may have had another id first.
    let known_as = attempt.and_then(|attempt| attempt.at_consent.as_ref()?.payment_id.as_ref());
    let is_latest = session.history.count(SessionEvent::BankChosen) == usize::from(payment.pays.attempt)
        && known_as.is_none_or(|id| *id == payment.id);
    if !is_latest || attempt.is_some_and(|attempt| attempt.ended.is_some()) {
        return Recorded::Over;
    }
    match session.state {
        SessionState::Sent => Recorded::Sent,
        SessionState::Pending => Recorded::Pending,
        SessionState::AwaitingPaymentConsent => Recorded::AwaitingConsent,
        SessionState::AwaitingPayer
        | SessionState::AwaitingProvider
        | SessionState::Failed
        | SessionState::Cancelled
        | SessionState::Expired => Recorded::Over,
    }
}

fn fit(session: &PaidSession, payment: &KnownPayment, status: &Status, now: Timestamp) -> Fit {
    let after_an_hour = |how| {
        let is_old = session.history.last_at().is_none_or(|at| now.duration_since(at) >= STUCK_AFTER);
        if is_old { Fit::Differs(how) } else { Fit::Lags }
    };
    let late = || {
        let is_noted = session.late_money.as_ref().is_some_and(|money| money.payment_id == payment.id);
        Fit::Differs(if is_noted { Differs::LateAndNoted } else { Differs::Late })
    };
    match (recorded(session, payment), status) {
        // Transfers are compared by nobody yet: their word is a total.
        (_, Status::Unknown | Status::Arrived(_)) => Fit::Differs(Differs::Unknown),
        (Recorded::Sent, Status::Settled(_) | Status::TakenBack(_))
        | (Recorded::Pending, Status::Consented | Status::Accepted)
        | (Recorded::AwaitingConsent, Status::AwaitingConsent)
        | (Recorded::Over, Status::Refused(_) | Status::Cancelled | Status::TakenBack(_)) => Fit::Same,
        (
            Recorded::Sent,
            Status::AwaitingConsent | Status::Consented | Status::Accepted | Status::Refused(_) | Status::Cancelled,
        )
        | (Recorded::Pending, Status::AwaitingConsent) => Fit::Differs(Differs::Ahead),
        (Recorded::Pending, Status::Settled(_) | Status::TakenBack(_) | Status::Refused(_) | Status::Cancelled)
        | (
            Recorded::AwaitingConsent,
            Status::Consented
            | Status::Accepted
            | Status::Settled(_)
            | Status::TakenBack(_)
            | Status::Refused(_)
            | Status::Cancelled,
        ) => after_an_hour(Differs::Behind),
        // Nobody is led there any more, and it expires by itself: nothing follows it up here.
        (Recorded::Over, Status::AwaitingConsent) => after_an_hour(Differs::Open),
        (Recorded::Over, Status::Consented | Status::Accepted | Status::Settled(_)) => late(),
    }
}

const fn word(status: &Status) -> &'static str {
    match status {
        Status::AwaitingConsent => "awaiting_consent",
        Status::Consented => "consented",
        Status::Accepted => "accepted",
        Status::Settled(_) => "settled",
        Status::TakenBack(_) => "taken_back",
        Status::Refused(_) => "refused",
        Status::Cancelled => "cancelled",
        Status::Arrived(_) => "arrived",
        Status::Unknown => "unknown",
    }
}
