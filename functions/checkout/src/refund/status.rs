//! What a refund's page shows, as a function of the refund and the time alone.

use jiff::Timestamp;
use models::{AccountKind, Refund, RefundEvent, RefundState};

/// What the page of a refund shows now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Ask where the money goes, to an account of this kind.
    Details(AccountKind),
    /// Say where it stands.
    Status(Status),
}

/// Where a refund stands that asks nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// The merchant has to approve it.
    Approval,
    /// The merchant has, and their bank is sending the money.
    Sending,
    /// The money is sent.
    Sent,
    /// The details were not given in time.
    TooLate,
    /// It failed otherwise.
    NotMade,
}

/// What the page of the refund shows at `now`.
pub(super) fn shown(refund: &Refund, now: Timestamp) -> Shown {
    match refund.state_at(now) {
        // None is made of a currency that no bank sends back (`NotRefundable::NotByBank`).
        RefundState::AwaitingDetails => {
            AccountKind::of_refund(refund.amount.currency()).map_or(Shown::Status(Status::NotMade), Shown::Details)
        }
        RefundState::AwaitingPayment if refund.submitted => Shown::Status(Status::Sending),
        RefundState::AwaitingPayment => Shown::Status(Status::Approval),
        RefundState::Sent => Shown::Status(Status::Sent),
        RefundState::Failed => {
            let late = refund.failure_reason_at(now) == Some(RefundEvent::TimePassed);
            let details_given = refund.payment_session_id.is_some();
            Shown::Status(if late && !details_given { Status::TooLate } else { Status::NotMade })
        }
    }
}

#[cfg(test)]
mod tests {
    use models::{Currency, Money};
    use samples::{NOW, later};

    use super::*;
    use crate::samples::{happen_to_refund, refund, refund_with_payment};

    #[test]
    fn each_state_has_its_page() {
        let days = |days: i64| later(days * 86_400);
        let awaiting = refund();
        assert_eq!(shown(&awaiting, days(29)), Shown::Details(AccountKind::UkAccount));
        for (currency, asked) in [
            (Currency::EUR, Shown::Details(AccountKind::Iban)),
            (Currency::SEK, Shown::Status(Status::NotMade)),
            (Currency::USD, Shown::Status(Status::NotMade)),
        ] {
            let amount = Money::new(awaiting.amount.minor_units(), currency);
            assert_eq!(shown(&Refund { amount, ..awaiting.clone() }, NOW), asked, "{currency}");
        }
        assert_eq!(shown(&awaiting, days(30)), Shown::Status(Status::TooLate));
        let (mut given, _) = refund_with_payment();
        assert_eq!(shown(&given, NOW), Shown::Status(Status::Approval));
        assert_eq!(shown(&given, days(365)), Shown::Status(Status::NotMade));
        given.submitted = true;
        assert_eq!(shown(&given, days(365)), Shown::Status(Status::Sending));
        for (event, status) in [
            (RefundEvent::Settled, Status::Sent),
            (RefundEvent::DeclinedByBank, Status::NotMade),
            (RefundEvent::CancelledByMerchant, Status::NotMade),
            (RefundEvent::TimePassed, Status::NotMade),
        ] {
            let mut ended = given.clone();
            happen_to_refund(&mut ended, event);
            assert_eq!(shown(&ended, NOW), Shown::Status(status), "{event}");
        }
        for (event, status) in
            [(RefundEvent::CancelledByMerchant, Status::NotMade), (RefundEvent::TimePassed, Status::TooLate)]
        {
            let mut ended = awaiting.clone();
            happen_to_refund(&mut ended, event);
            assert_eq!(shown(&ended, NOW), Shown::Status(status), "{event}");
        }
    }
}
