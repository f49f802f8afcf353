//! What the states of sessions, refunds and transfers are called.

use jiff::Timestamp;
use models::{PaymentMethod, Refund, RefundState, Session, SessionState};

/// A session's state. [`session_status`] knows more of a session than that.
///
/// | ours | shown |
/// |---|---|
/// | awaiting_payer, awaiting_provider | `provider_required` |
/// | awaiting_payment_consent | `sca_required` |
/// | pending | `payment_pending` |
/// | sent | `payment_created` |
/// | failed | `payment_unsuccessful` |
/// | cancelled | `payment_cancelled` |
/// | expired | `payment_expired` |
pub(crate) const fn shown_status(state: SessionState) -> &'static str {
    match state {
        SessionState::AwaitingPayer | SessionState::AwaitingProvider => "provider_required",
        SessionState::AwaitingPaymentConsent => "sca_required",
        SessionState::Pending => "payment_pending",
        SessionState::Sent => "payment_created",
        SessionState::Failed => "payment_unsuccessful",
        SessionState::Cancelled => "payment_cancelled",
        SessionState::Expired => "payment_expired",
    }
}

/// The state of a session's transfer; none before there is one, or if there never will be. [`session_transfer_state`] knows
/// more of a session than its state.
pub(crate) const fn shown_transfer_state(state: SessionState) -> Option<&'static str> {
    match state {
        SessionState::AwaitingPayer
        | SessionState::AwaitingProvider
        | SessionState::AwaitingPaymentConsent
        | SessionState::Expired => None,
        SessionState::Pending => Some("processing"),
        SessionState::Sent => Some("completed"),
        SessionState::Failed => Some("rejected"),
        SessionState::Cancelled => Some("cancelled"),
    }
}

/// How a session is paid: by the one way that it offers, else by that which its payer chose last, if it is known.
pub(super) fn chosen_method(session: &Session) -> Option<PaymentMethod> {
    match session.payment_methods.as_slice() {
        [only] => Some(*only),
        _ => providers::method_of(&session.attempt.as_ref()?.bank),
    }
}

/// A payer has instructions for a transfer of their own, which is awaited.
pub(crate) const WAITING: Shown = Shown { status: "payment_waiting", transfer_state: Some("pending") };
/// A part of the amount has come by transfers.
pub(crate) const PARTIAL: Shown = Shown { status: "payment_partial", transfer_state: Some("insufficient") };
/// More than the amount has come by transfers.
pub(crate) const OVERPAID: Shown = Shown { status: shown_status(SessionState::Sent), transfer_state: Some("overpaid") };

/// The provider that lets the payer pay later has accepted the order, and is to pay the merchant.
pub(crate) const ORDERED: Shown =
    Shown { status: "order_created", transfer_state: shown_transfer_state(SessionState::Pending) };

/// Every status of a session.
#[cfg(test)]
pub(crate) const STATUSES: [&str; 10] = [
    "provider_required",
    "sca_required",
    WAITING.status,
    "payment_pending",
    ORDERED.status,
    PARTIAL.status,
    "payment_created",
    "payment_unsuccessful",
    "payment_cancelled",
    "payment_expired",
];

/// Every state of a transfer.
#[cfg(test)]
pub(crate) const TRANSFER_STATES: [&str; 7] =
    ["pending", "processing", "insufficient", "completed", "overpaid", "rejected", "cancelled"];

/// How a payment is said to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) status: &'static str,
    pub(crate) transfer_state: Option<&'static str>,
}

/// A session as it is at `now`: by its state, unless more is known of its transfers.
fn shown_session(session: &Session, now: Timestamp) -> Shown {
    let state = session.state_at(now);
    match state {
        // Also where the instructions are yet to come, as in the event of the choice.
        SessionState::AwaitingPaymentConsent if chosen_method(session) == Some(PaymentMethod::BankTransfer) => WAITING,
        SessionState::Pending if chosen_method(session) == Some(PaymentMethod::BuyNowPayLater) => ORDERED,
        SessionState::Pending if session.missing().is_some() => PARTIAL,
        SessionState::Sent if session.excess().is_some() => OVERPAID,
        SessionState::AwaitingPayer
        | SessionState::AwaitingProvider
        | SessionState::AwaitingPaymentConsent
        | SessionState::Pending
        | SessionState::Sent
        | SessionState::Failed
        | SessionState::Cancelled
        | SessionState::Expired => Shown { status: shown_status(state), transfer_state: shown_transfer_state(state) },
    }
}

/// The status of a session as it is at `now`.
pub(crate) fn session_status(session: &Session, now: Timestamp) -> &'static str {
    shown_session(session, now).status
}

/// The state of the transfer of a session as it is at `now`; none before there is one, or if there never will be.
pub(super) fn session_transfer_state(session: &Session, now: Timestamp) -> Option<&'static str> {
    shown_session(session, now).transfer_state
}

/// The status of a refund, and the state of its transfer: `submitted` is whether its payment was, or its provider is asked for
/// it.
///
/// | ours | status | transfer |
/// |---|---|---|
/// | awaiting_details; awaiting_payment, which the merchant has to authorise | `refund_waiting` | `pending` |
/// | awaiting_payment, submitted or at the payment's provider | `refund_accepted` | `processing` |
/// | sent | `refund_completed` | `completed` |
/// | failed | `refund_aborted` | `rejected` |
pub(crate) const fn shown_refund(state: RefundState, submitted: bool) -> (&'static str, &'static str) {
    match state {
        RefundState::AwaitingPayment if submitted => ("refund_accepted", "processing"),
        RefundState::AwaitingDetails | RefundState::AwaitingPayment => ("refund_waiting", "pending"),
        RefundState::Sent => ("refund_completed", "completed"),
        RefundState::Failed => (REFUND_ABORTED, "rejected"),
    }
}

/// The status of a refund that failed; also the vendor's code of what can't be refunded.
pub(super) const REFUND_ABORTED: &str = "refund_aborted";

/// The status of a refund as it is at `now`.
pub(super) fn refund_status(refund: &Refund, now: Timestamp) -> &'static str {
    shown_refund(refund.state_at(now), refund.submitted).0
}

/// The state of the transfer of a refund as it is at `now`.
pub(super) fn refund_transfer_state(refund: &Refund, now: Timestamp) -> &'static str {
    shown_refund(refund.state_at(now), refund.submitted).1
}

#[cfg(test)]
mod tests {
    use models::{MinorUnits, Received, SessionEvent as E};
    use samples::{NOW, later, refund_at_provider, session_after};

    use super::*;

    /// With the status and the transfer's state at `now`.
    fn shown(session: &Session, now: Timestamp) -> (&'static str, Option<&'static str>) {
        (session_status(session, now), session_transfer_state(session, now))
    }

    #[test]
    fn every_session_has_a_status_and_its_transfer_a_state() {
        let paid = [E::PayerIdentified, E::BankChosen, E::ConsentGiven, E::Settled];
        let after = |causes: &[E]| shown(&session_after(causes), NOW);
        assert_eq!(after(&[]), ("provider_required", None));
        assert_eq!(after(&paid[..1]), ("provider_required", None));
        assert_eq!(after(&paid[..2]), ("sca_required", None));
        assert_eq!(after(&paid[..3]), ("payment_pending", Some("processing")));
        assert_eq!(after(&paid), ("payment_created", Some("completed")));
        for refused in [E::DeclinedByPayer, E::DeclinedByBank, E::InsufficientFunds, E::Underpaid] {
            let failed = after(&[&paid[..3], &[refused]].concat());
            assert_eq!(failed, ("payment_unsuccessful", Some("rejected")), "{refused}");
        }
        for cancelled in [E::CancelledByPayer, E::CancelledByMerchant, E::DeletedByMerchant] {
            assert_eq!(after(&[cancelled]), ("payment_cancelled", Some("cancelled")), "{cancelled}");
        }
        assert_eq!(after(&[E::TimePassed]), ("payment_expired", None));
        // Before that is written down, too.
        assert_eq!(shown(&session_after(&[]), later(86_400)), ("payment_expired", None));
        assert_eq!(shown(&session_after(&[]), later(86_399)), ("provider_required", None));
    }

    #[test]
    fn what_comes_by_transfers_is_said() {
        let paid_by_transfer = |causes: &[E], received: Option<i64>| {
            let mut session = session_after(&[E::PayerIdentified, E::BankChosen]);
            let mut attempt = samples::attempt_at_consent(session.id, 1, NOW);
            attempt.bank = "mock-transfer".parse().unwrap();
            session.attempt = Some(attempt);
            let offered = vec![PaymentMethod::PayByBank, PaymentMethod::BankTransfer];
            session.payment_methods = models::PaymentMethods::new(offered).unwrap();
            causes.iter().for_each(|cause| samples::happen(&mut session, *cause, NOW));
            session.received = received.map(|total| Received { total: MinorUnits::new(total), at: NOW });
            shown(&session, later(86_400))
        };
        // A session of £4.00, of which the clock alone ends nothing.
        assert_eq!(paid_by_transfer(&[], None), ("payment_waiting", Some("pending")));
        assert_eq!(paid_by_transfer(&[E::ConsentGiven], None), ("payment_pending", Some("processing")));
        assert_eq!(paid_by_transfer(&[E::ConsentGiven], Some(399)), ("payment_partial", Some("insufficient")));
        assert_eq!(paid_by_transfer(&[E::ConsentGiven], Some(400)), ("payment_pending", Some("processing")));
        let sent = [E::ConsentGiven, E::Settled];
        assert_eq!(paid_by_transfer(&sent, Some(400)), ("payment_created", Some("completed")));
        assert_eq!(paid_by_transfer(&sent, Some(401)), ("payment_created", Some("overpaid")));
        let returned = [E::ConsentGiven, E::Underpaid];
        assert_eq!(paid_by_transfer(&returned, Some(399)), ("payment_unsuccessful", Some("rejected")));
    }

    #[test]
    fn an_order_is_said_of_who_pays_later() {
        let paid = [E::PayerIdentified, E::BankChosen, E::ConsentGiven, E::Settled];
        let after = |causes: &[E]| {
            let methods = models::PaymentMethods::new(vec![PaymentMethod::BuyNowPayLater]).unwrap();
            shown(&Session { payment_methods: methods, ..session_after(causes) }, NOW)
        };
        assert_eq!(after(&paid[..2]), ("sca_required", None));
        assert_eq!(after(&paid[..3]), ("order_created", Some("processing")));
        assert_eq!(after(&paid), ("payment_created", Some("completed")));
        assert_eq!(after(&[&paid[..3], &[E::DeclinedByBank]].concat()), ("payment_unsuccessful", Some("rejected")));
    }

    #[test]
    fn every_refund_has_a_status_and_its_transfer_a_state() {
        let paid = session_after(&[E::PayerIdentified, E::BankChosen, E::ConsentGiven, E::Settled]);
        let known = Session { payer_account: Some(samples::payee("A Payer", "040004", "87654321")), ..paid.clone() };
        let new = |session: &Session| {
            Refund::create(session, samples::new_refund(session, None), samples::refund_creation(NOW)).unwrap().0
        };
        let shown = |refund: &Refund, now| (refund_status(refund, now), refund_transfer_state(refund, now));
        let waiting = ("refund_waiting", "pending");
        let accepted = ("refund_accepted", "processing");
        let aborted = ("refund_aborted", "rejected");
        let (asked, made) = (new(&paid), new(&known));
        assert_eq!((asked.state, made.state), (RefundState::AwaitingDetails, RefundState::AwaitingPayment));
        assert_eq!([shown(&asked, NOW), shown(&made, NOW)], [waiting, waiting]);
        assert_eq!(shown(&Refund { submitted: true, ..made.clone() }, NOW), accepted);
        // The bank is at it, whatever the time.
        assert_eq!(shown(&Refund { submitted: true, ..made.clone() }, Timestamp::MAX), accepted);
        assert_eq!([shown(&asked, Timestamp::MAX), shown(&made, Timestamp::MAX)], [aborted, aborted]);
        assert_eq!(shown(&Refund { state: RefundState::Failed, ..made.clone() }, NOW), aborted);
        let sent = Refund { state: RefundState::Sent, submitted: true, ..made };
        assert_eq!(shown(&sent, NOW), ("refund_completed", "completed"));
        let creation = samples::refund_creation(NOW);
        let at_provider = Some(refund_at_provider(creation.id));
        let creation = models::RefundCreation { at_provider, ..creation };
        let by_provider = Refund::create(&paid, samples::new_refund(&paid, None), creation).unwrap().0;
        assert_eq!(shown(&by_provider, NOW), accepted);
    }
}
