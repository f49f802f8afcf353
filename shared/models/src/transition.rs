//! Which event takes a session from which state to which: the one place that says so.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where a session stands. The first six are Banked's ("Payment Session Object", state); the last two are ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// Created without the payer's details.
    AwaitingPayer,
    /// The payer is known and has not chosen a bank.
    AwaitingProvider,
    /// A bank is chosen; the payer is there, or on the way.
    AwaitingPaymentConsent,
    /// The payer consented, and money may move at any time: our order was sent to the bank or is about to be, or the provider
    /// says that it moves the money by itself.
    Pending,
    /// The bank has sent the money. Final.
    Sent,
    /// Declined. Final.
    Failed,
    /// Ended by the merchant or the payer before submission. Final.
    Cancelled,
    /// Not submitted in time. Final.
    Expired,
}

impl SessionState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::AwaitingPayer,
        Self::AwaitingProvider,
        Self::AwaitingPaymentConsent,
        Self::Pending,
        Self::Sent,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
    ];

    /// As stored, and as clients read those states that their wire format knows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingPayer => "awaiting_payer",
            Self::AwaitingProvider => "awaiting_provider",
            Self::AwaitingPaymentConsent => "awaiting_payment_consent",
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Whether it waits for the payer: nothing of ours is submitted, and time ends it unless an attempt is open whose money
    /// moves at consent.
    pub const fn is_awaiting(self) -> bool {
        match self {
            Self::AwaitingPayer | Self::AwaitingProvider | Self::AwaitingPaymentConsent => true,
            Self::Pending | Self::Sent | Self::Failed | Self::Cancelled | Self::Expired => false,
        }
    }

    /// Whether nothing changes it any more.
    pub const fn is_final(self) -> bool {
        match self {
            Self::AwaitingPayer | Self::AwaitingProvider | Self::AwaitingPaymentConsent | Self::Pending => false,
            Self::Sent | Self::Failed | Self::Cancelled | Self::Expired => true,
        }
    }
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What can happen to a session. Each is the cause of one history entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionEvent {
    /// It came to be; the first entry of every history and no other.
    Created,
    /// The payer gave name and e-mail.
    PayerIdentified,
    /// The payer chose a bank, for the first time or again.
    BankChosen,
    /// The payer consented to the latest attempt: the payment is submitted.
    ConsentGiven,
    /// The bank sent the money.
    Settled,
    /// The payer refused at the bank.
    DeclinedByPayer,
    /// The bank refused.
    DeclinedByBank,
    /// The payer's account did not hold enough.
    InsufficientFunds,
    /// Less than the amount was transferred in time, and was returned.
    Underpaid,
    /// The merchant cancelled.
    CancelledByMerchant,
    /// The payer cancelled in the checkout.
    CancelledByPayer,
    /// The merchant deleted it while it awaited the payer.
    DeletedByMerchant,
    /// `expires_at` passed.
    TimePassed,
    /// The latest attempt is over and its money never moves: the payer may choose again.
    AttemptEnded,
}

impl SessionEvent {
    /// Every event.
    pub const ALL: [Self; 14] = [
        Self::Created,
        Self::PayerIdentified,
        Self::BankChosen,
        Self::ConsentGiven,
        Self::Settled,
        Self::DeclinedByPayer,
        Self::DeclinedByBank,
        Self::InsufficientFunds,
        Self::Underpaid,
        Self::CancelledByMerchant,
        Self::CancelledByPayer,
        Self::DeletedByMerchant,
        Self::TimePassed,
        Self::AttemptEnded,
    ];

    /// As stored, and as history and `failure_reason` show it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::PayerIdentified => "payer_identified",
            Self::BankChosen => "bank_chosen",
            Self::ConsentGiven => "consent_given",
            Self::Settled => "settled",
            Self::DeclinedByPayer => "declined_by_payer",
            Self::DeclinedByBank => "declined_by_bank",
            Self::InsufficientFunds => "insufficient_funds",
            Self::Underpaid => "underpaid",
            Self::CancelledByMerchant => "cancelled_by_merchant",
            Self::CancelledByPayer => "cancelled_by_payer",
            Self::DeletedByMerchant => "deleted_by_merchant",
            Self::TimePassed => "time_passed",
            Self::AttemptEnded => "attempt_ended",
        }
    }

    /// Whether it gives up the attempt that goes on: where that one's money moves at consent, only after the provider has
    /// cancelled it.
    pub const fn gives_up_attempt(self) -> bool {
        match self {
            Self::BankChosen
            | Self::CancelledByMerchant
            | Self::CancelledByPayer
            | Self::DeletedByMerchant
            | Self::TimePassed => true,
            Self::Created
            | Self::PayerIdentified
            | Self::ConsentGiven
            | Self::Settled
            | Self::DeclinedByPayer
            | Self::DeclinedByBank
            | Self::InsufficientFunds
            | Self::Underpaid
            | Self::AttemptEnded => false,
        }
    }

    /// When, of the time in which a session can be paid, it can happen to one that awaits its payer.
    pub const fn in_time(self) -> InTime {
        match self {
            Self::Created | Self::PayerIdentified | Self::BankChosen => InTime::Before,
            Self::TimePassed => InTime::After,
            Self::ConsentGiven
            | Self::Settled
            | Self::DeclinedByPayer
            | Self::DeclinedByBank
            | Self::InsufficientFunds
            | Self::Underpaid
            | Self::CancelledByMerchant
            | Self::CancelledByPayer
            | Self::DeletedByMerchant
            | Self::AttemptEnded => InTime::BeforeUnlessOpenAtConsent,
        }
    }

    /// The states in which it can happen; by [`transition`].
    pub fn sources(self) -> impl Iterator<Item = SessionState> {
        SessionState::ALL.into_iter().filter(move |state| transition(*state, self).is_ok())
    }

    /// The state it leads to, which is one and the same from every source; none for [`Self::Created`].
    pub fn target(self) -> Option<SessionState> {
        SessionState::ALL.into_iter().find_map(|state| transition(state, self).ok())
    }
}

impl fmt::Display for SessionEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When an event can happen to a session that awaits its payer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InTime {
    /// Before `expires_at`.
    Before,
    /// Before `expires_at`; with an attempt open whose money moves at consent at any time, since the provider decides.
    BeforeUnlessOpenAtConsent,
    /// From `expires_at` on.
    After,
}

/// An event that can't happen in that state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{event} can't happen to a session that is {state}")]
pub struct IllegalTransition {
    /// Where the session stands.
    pub state: SessionState,
    /// What was tried.
    pub event: SessionEvent,
}

/// The state that `event` leads to from `state`.
///
/// These rules need more than the state and are conditions of the write as well: consent and an attempt's end count for the
/// latest attempt only; nothing but `TimePassed` happens to an awaiting session after `expires_at`, unless it has an attempt
/// open whose money moves at consent; such a session ends, or is paid at another bank, only once the provider has cancelled
/// that attempt; and an attempt that was consented to ends without its session only where the session allows another.
///
/// # Errors
/// The event can't happen in this state.
pub fn transition(state: SessionState, event: SessionEvent) -> Result<SessionState, IllegalTransition> {
    use SessionEvent as E;
    use SessionState as S;
    let illegal = Err(IllegalTransition { state, event });
    match event {
        E::Created => illegal,
        E::PayerIdentified => match state {
            S::AwaitingPayer => Ok(S::AwaitingProvider),
            S::AwaitingProvider
            | S::AwaitingPaymentConsent
            | S::Pending
            | S::Sent
            | S::Failed
            | S::Cancelled
            | S::Expired => illegal,
        },
        E::BankChosen => match state {
            S::AwaitingProvider | S::AwaitingPaymentConsent => Ok(S::AwaitingPaymentConsent),
            S::AwaitingPayer | S::Pending | S::Sent | S::Failed | S::Cancelled | S::Expired => illegal,
        },
        E::ConsentGiven => match state {
            S::AwaitingPaymentConsent => Ok(S::Pending),
            S::AwaitingPayer | S::AwaitingProvider | S::Pending | S::Sent | S::Failed | S::Cancelled | S::Expired => {
                illegal
            }
        },
        E::Settled => match state {
            S::Pending => Ok(S::Sent),
            S::AwaitingPayer
            | S::AwaitingProvider
            | S::AwaitingPaymentConsent
            | S::Sent
            | S::Failed
            | S::Cancelled
            | S::Expired => illegal,
        },
        E::DeclinedByPayer | E::DeclinedByBank | E::InsufficientFunds => match state {
            S::AwaitingPayer | S::AwaitingProvider | S::AwaitingPaymentConsent | S::Pending => Ok(S::Failed),
            S::Sent | S::Failed | S::Cancelled | S::Expired => illegal,
        },
        E::Underpaid => match state {
            S::Pending => Ok(S::Failed),
            S::AwaitingPayer
            | S::AwaitingProvider
            | S::AwaitingPaymentConsent
            | S::Sent
            | S::Failed
            | S::Cancelled
            | S::Expired => illegal,
        },
        E::CancelledByMerchant | E::CancelledByPayer | E::DeletedByMerchant => match state {
            S::AwaitingPayer | S::AwaitingProvider | S::AwaitingPaymentConsent => Ok(S::Cancelled),
            S::Pending | S::Sent | S::Failed | S::Cancelled | S::Expired => illegal,
        },
        E::TimePassed => match state {
            S::AwaitingPayer | S::AwaitingProvider | S::AwaitingPaymentConsent => Ok(S::Expired),
            S::Pending | S::Sent | S::Failed | S::Cancelled | S::Expired => illegal,
        },
        E::AttemptEnded => match state {
            S::AwaitingPaymentConsent | S::Pending => Ok(S::AwaitingProvider),
            S::AwaitingPayer | S::AwaitingProvider | S::Sent | S::Failed | S::Cancelled | S::Expired => illegal,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of docs/architecture.md, written the other way round: by state, what may happen next.
    #[test]
    fn the_whole_table() {
        use SessionState as S;
        let decline = ["declined_by_payer", "declined_by_bank", "insufficient_funds"];
        let end = ["cancelled_by_merchant", "cancelled_by_payer", "deleted_by_merchant", "time_passed"];
        let expected = |state: S| -> Vec<&str> {
            let own: &[&str] = match state {
                S::AwaitingPayer => &["payer_identified"],
                S::AwaitingProvider => &["bank_chosen"],
                S::AwaitingPaymentConsent => &["bank_chosen", "consent_given"],
                S::Pending => &["settled"],
                S::Sent | S::Failed | S::Cancelled | S::Expired => &[],
            };
            let declines: &[&str] = if state.is_final() { &[] } else { &decline };
            let underpaid: &[&str] = if state == S::Pending { &["underpaid"] } else { &[] };
            let ends: &[&str] = if state.is_awaiting() { &end } else { &[] };
            let attempt: &[&str] = match state {
                S::AwaitingPaymentConsent | S::Pending => &["attempt_ended"],
                S::AwaitingPayer | S::AwaitingProvider | S::Sent | S::Failed | S::Cancelled | S::Expired => &[],
            };
            [own, declines, underpaid, ends, attempt].concat()
        };
        for state in S::ALL {
            let possible: Vec<_> = SessionEvent::ALL
                .into_iter()
                .filter(|event| transition(state, *event).is_ok())
                .map(SessionEvent::as_str)
                .collect();
            assert_eq!(possible, expected(state), "{state}");
        }
    }

    #[test]
    fn an_event_leads_to_one_state() {
        for event in SessionEvent::ALL {
            let targets: Vec<_> = event.sources().map(|state| transition(state, event).unwrap()).collect();
            assert!(targets.windows(2).all(|pair| pair[0] == pair[1]), "{event}: {targets:?}");
            assert_eq!(event.target(), targets.first().copied());
        }
    }

    #[test]
    fn a_submitted_session_can_be_neither_cancelled_nor_expired() {
        for event in SessionEvent::ALL {
            if let Ok(next) = transition(SessionState::Pending, event) {
                // Its attempt may end where the session allows another, which is the write's to know.
                let goes_on = event == SessionEvent::AttemptEnded && next == SessionState::AwaitingProvider;
                assert!(goes_on || matches!(next, SessionState::Sent | SessionState::Failed), "{event}");
            }
        }
    }

    #[test]
    fn names_are_as_stored() {
        for state in SessionState::ALL {
            let written = serde_json::to_value(state).unwrap();
            assert_eq!(written, state.as_str());
        }
        for event in SessionEvent::ALL {
            assert_eq!(serde_json::to_value(event).unwrap(), event.as_str());
        }
    }
}
