//! Which event takes a refund from which state to which: the one place that says so.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::transition::SessionEvent;

/// Where a refund stands ("Refund a payment session").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// The customer's account is not known; the customer has a link to a page that asks for it.
    AwaitingDetails,
    /// There is a payment session to the customer's account, for the merchant to authorise; or the payment's provider is
    /// asked to pay it back.
    AwaitingPayment,
    /// The money is on its way back. Final.
    Sent,
    /// It will not be: the amount can be refunded again. Final.
    Failed,
}

impl RefundState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::AwaitingDetails, Self::AwaitingPayment, Self::Sent, Self::Failed];

    /// As stored, and as clients read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingDetails => "awaiting_details",
            Self::AwaitingPayment => "awaiting_payment",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing changes it any more.
    pub const fn is_final(self) -> bool {
        match self {
            Self::AwaitingDetails | Self::AwaitingPayment => false,
            Self::Sent | Self::Failed => true,
        }
    }
}

impl fmt::Display for RefundState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What can happen to a refund. Each is the cause of one history entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundEvent {
    /// It came to be; the first entry of every history and no other.
    Created,
    /// The customer said where the money goes.
    DetailsGiven,
    /// The merchant's bank sent the money.
    Settled,
    /// The merchant refused at the bank.
    DeclinedByPayer,
    /// The merchant's bank refused, or the payment's provider.
    DeclinedByBank,
    /// The merchant's account did not hold enough.
    InsufficientFunds,
    /// The merchant transferred less than the amount in time, and it was returned.
    Underpaid,
    /// The merchant cancelled the refund or its payment session.
    CancelledByMerchant,
    /// It was cancelled in the checkout of its payment session.
    CancelledByPayer,
    /// The merchant deleted its payment session.
    DeletedByMerchant,
    /// The details were not given, or the payment not authorised, in time.
    TimePassed,
}

impl RefundEvent {
    /// Every event.
    pub const ALL: [Self; 11] = [
        Self::Created,
        Self::DetailsGiven,
        Self::Settled,
        Self::DeclinedByPayer,
        Self::DeclinedByBank,
        Self::InsufficientFunds,
        Self::Underpaid,
        Self::CancelledByMerchant,
        Self::CancelledByPayer,
        Self::DeletedByMerchant,
        Self::TimePassed,
    ];

    /// What an event of a refund's payment session means for the refund; none for those that leave it as it is.
    pub const fn of_payment(event: SessionEvent) -> Option<Self> {
        match event {
            SessionEvent::Created
            | SessionEvent::PayerIdentified
            | SessionEvent::BankChosen
            | SessionEvent::ConsentGiven
            | SessionEvent::AttemptEnded => None,
            SessionEvent::Settled => Some(Self::Settled),
            SessionEvent::DeclinedByPayer => Some(Self::DeclinedByPayer),
            SessionEvent::DeclinedByBank => Some(Self::DeclinedByBank),
            SessionEvent::InsufficientFunds => Some(Self::InsufficientFunds),
            SessionEvent::Underpaid => Some(Self::Underpaid),
            SessionEvent::CancelledByMerchant => Some(Self::CancelledByMerchant),
            SessionEvent::CancelledByPayer => Some(Self::CancelledByPayer),
            SessionEvent::DeletedByMerchant => Some(Self::DeletedByMerchant),
            SessionEvent::TimePassed => Some(Self::TimePassed),
        }
    }

    /// As stored, and as history and `failure_reason` show it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::DetailsGiven => "details_given",
            Self::Settled => "settled",
            Self::DeclinedByPayer => "declined_by_payer",
            Self::DeclinedByBank => "declined_by_bank",
            Self::InsufficientFunds => "insufficient_funds",
            Self::Underpaid => "underpaid",
            Self::CancelledByMerchant => "cancelled_by_merchant",
            Self::CancelledByPayer => "cancelled_by_payer",
            Self::DeletedByMerchant => "deleted_by_merchant",
            Self::TimePassed => "time_passed",
        }
    }

    /// The states in which it can happen; by [`refund_transition`].
    pub fn sources(self) -> impl Iterator<Item = RefundState> {
        RefundState::ALL.into_iter().filter(move |state| refund_transition(*state, self).is_ok())
    }

    /// The state it leads to, which is one and the same from every source; none for [`Self::Created`].
    pub fn target(self) -> Option<RefundState> {
        RefundState::ALL.into_iter().find_map(|state| refund_transition(state, self).ok())
    }
}

impl fmt::Display for RefundEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An event that can't happen in that state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{event} can't happen to a refund that is {state}")]
pub struct IllegalRefundTransition {
    /// Where the refund stands.
    pub state: RefundState,
    /// What was tried.
    pub event: RefundEvent,
}

/// The state that `event` leads to from `state`.
///
/// In `awaiting_payment` every event is its payment session's, and happens to both in one write; whether that session
/// allows it is [`crate::transition`]'s to say. Of a refund that the payment's provider makes it is the provider's word:
/// settled, or declined by the bank.
///
/// # Errors
/// The event can't happen in this state.
pub fn refund_transition(state: RefundState, event: RefundEvent) -> Result<RefundState, IllegalRefundTransition> {
    use RefundEvent as E;
    use RefundState as S;
    let illegal = Err(IllegalRefundTransition { state, event });
    match event {
        E::Created => illegal,
        E::DetailsGiven => match state {
            S::AwaitingDetails => Ok(S::AwaitingPayment),
            S::AwaitingPayment | S::Sent | S::Failed => illegal,
        },
        E::Settled => match state {
            S::AwaitingPayment => Ok(S::Sent),
            S::AwaitingDetails | S::Sent | S::Failed => illegal,
        },
        E::DeclinedByPayer
        | E::DeclinedByBank
        | E::InsufficientFunds
        | E::Underpaid
        | E::CancelledByPayer
        | E::DeletedByMerchant => match state {
            S::AwaitingPayment => Ok(S::Failed),
            S::AwaitingDetails | S::Sent | S::Failed => illegal,
        },
        E::CancelledByMerchant | E::TimePassed => match state {
            S::AwaitingDetails | S::AwaitingPayment => Ok(S::Failed),
            S::Sent | S::Failed => illegal,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transition::SessionState;

    /// The table of docs/architecture.md, written the other way round: by state, what may happen next.
    #[test]
    fn the_whole_table() {
        let expected = |state: RefundState| -> &[&str] {
            match state {
                RefundState::AwaitingDetails => &["details_given", "cancelled_by_merchant", "time_passed"],
                RefundState::AwaitingPayment => &[
                    "settled",
                    "declined_by_payer",
                    "declined_by_bank",
                    "insufficient_funds",
                    "underpaid",
                    "cancelled_by_merchant",
                    "cancelled_by_payer",
                    "deleted_by_merchant",
                    "time_passed",
                ],
                RefundState::Sent | RefundState::Failed => &[],
            }
        };
        for state in RefundState::ALL {
            let possible: Vec<_> = RefundEvent::ALL
                .into_iter()
                .filter(|event| refund_transition(state, *event).is_ok())
                .map(RefundEvent::as_str)
                .collect();
            assert_eq!(possible, expected(state), "{state}");
        }
    }

    #[test]
    fn an_event_leads_to_one_state() {
        for event in RefundEvent::ALL {
            let targets: Vec<_> = event.sources().map(|state| refund_transition(state, event).unwrap()).collect();
            assert!(targets.windows(2).all(|pair| pair[0] == pair[1]), "{event}: {targets:?}");
            assert_eq!(event.target(), targets.first().copied());
        }
    }

    /// Whatever ends a refund's payment session ends the refund, and in the same way: money sent or not.
    #[test]
    fn a_refund_ends_as_its_payment_does() {
        for event in SessionEvent::ALL {
            let ends = event.target().filter(|state| state.is_final());
            let refund = RefundEvent::of_payment(event);
            assert_eq!(ends.is_some(), refund.is_some(), "{event}");
            if let (Some(state), Some(refund)) = (ends, refund) {
                let expected = if state == SessionState::Sent { RefundState::Sent } else { RefundState::Failed };
                assert_eq!(refund_transition(RefundState::AwaitingPayment, refund), Ok(expected), "{event}");
                assert_eq!(refund.as_str(), event.as_str());
            }
        }
    }

    #[test]
    fn names_are_as_stored() {
        for state in RefundState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        for event in RefundEvent::ALL {
            assert_eq!(serde_json::to_value(event).unwrap(), event.as_str());
        }
    }
}
