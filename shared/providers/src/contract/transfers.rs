//! What every provider keeps to whose payers make transfers by instructions.

use jiff::Timestamp;
use models::{AtConsent, MinorUnits, Money, PaymentAttempt, Reference, Session, TransferId, TransferInstructions};

use super::suite::{LONG, Payer, Suite, answered};
use crate::mock::{Arrived, Ledger, Sender, Transfer, arrive};
use crate::port::{Arrivals, Cancellation, Next, Provider, RefundAnswer, RefundRefusal, Status};
use crate::virtual_account::virtual_account;

/// A mock's payer makes a transfer, until they know that it is done.
///
/// # Panics
/// It is refused.
pub async fn send(
    ledger: &impl Ledger,
    id: TransferId,
    reference: &Reference,
    amount: Money,
    now: Timestamp,
) -> Arrived {
    let reference = reference.as_str().to_owned();
    let transfer = Transfer { id, account: None, reference, amount, sender: Sender::Payer };
    answered(async || arrive(ledger, &transfer, now, now).await).await
}

/// A payment that awaits transfers.
struct Awaited {
    session: Session,
    attempt: PaymentAttempt,
    to: TransferInstructions,
}

impl<P: Provider, Y: Payer> Suite<'_, P, Y> {
    /// Nothing, if the payer gets no instructions.
    pub(super) async fn transfers(&self) {
        if self.awaited().await.is_none() {
            return;
        }
        self.in_parts().await;
        self.above().await;
        self.given_up().await;
        self.late().await;
    }

    async fn awaited(&self) -> Option<Awaited> {
        let mut session = self.payer.session();
        let attempt = self.begin(&mut session, 1).await;
        let AtConsent { request, .. } = attempt.at_consent.as_ref()?;
        match answered(async || self.provider.begin(&session, 1, request).await).await.next {
            Next::Transfer(to) => {
                let own = virtual_account(&session).map(|own| own.payee);
                assert!(to.payee == session.payee || Some(&to.payee) == own.as_ref(), "who is paid");
                Some(Awaited { session, attempt, to })
            }
            Next::Redirect(_) => None,
        }
    }

    async fn expected(&self) -> Awaited {
        self.awaited().await.expect("instructions, as before")
    }

    async fn send(&self, to: &Awaited, minor: i64) {
        self.payer.transfer(&to.session, &to.to, minor, self.now).await;
    }

    /// What has come, in all; asked for by the attempt and by its id.
    async fn arrivals(&self, of: &Awaited, at: Timestamp) -> Arrivals {
        let status = self.status(&of.session, &of.attempt, at).await;
        let by_id = answered(async || self.provider.status_by_id(Self::payment_id(&of.attempt), at).await).await;
        let (Status::Arrived(arrivals), Status::Arrived(by_id)) = (&status, by_id) else { panic!("{status:?}") };
        let known = (by_id.received, by_id.late, by_id.closed);
        assert_eq!(known, (arrivals.received, arrivals.late, arrivals.closed), "one word");
        arrivals.clone()
    }

    async fn cancel(&self, of: &Awaited) -> Cancellation {
        answered(async || self.provider.cancel(&of.session, &of.attempt, self.now).await).await
    }

    async fn give_up(&self, of: &Awaited) -> Status {
        answered(async || self.provider.give_up(&of.session, &of.attempt, self.now).await).await
    }

    /// Less than the amount is less than the amount, for as long as nobody gives it up; and not to be cancelled.
    async fn in_parts(&self) {
        let of = self.expected().await;
        let amount = of.session.amount.minor();
        let refund = self.provider.refund_request(&of.session, &of.attempt, self.payer.refund_id(), part(&of, 1));
        for (minor, total) in [(1, 1), (amount - 2, amount - 1), (1, amount)] {
            self.send(&of, minor).await;
            for at in [self.now, self.now + LONG] {
                let arrivals = self.arrivals(&of, at).await;
                let seen = (arrivals.received.get(), arrivals.late.get(), arrivals.closed);
                assert_eq!(seen, (total, 0, false));
            }
            let status = self.status(&of.session, &of.attempt, self.now).await;
            assert_eq!(self.cancel(&of).await, Cancellation::TooLate(status), "the first money is the consent");
            if let Some(refund) = &refund {
                let paid = Self::payment_id(&of.attempt);
                let answer = answered(async || self.provider.refund(paid, refund, self.now).await).await;
                let not_settled = answer == RefundAnswer::Refused(RefundRefusal::NotSettled);
                assert_eq!(not_settled, total < amount, "a part alone is not refunded, but returned");
            }
        }
        let status = self.status(&of.session, &of.attempt, self.now).await;
        assert_eq!(self.give_up(&of).await, status, "all of it has come: there is nothing to give up");
    }

    async fn above(&self) {
        let of = self.expected().await;
        let amount = of.session.amount.minor();
        self.send(&of, amount + 5).await;
        self.send(&of, amount).await;
        let arrivals = self.arrivals(&of, self.now).await;
        assert_eq!((arrivals.received.get(), arrivals.late.get(), arrivals.closed), (2 * amount + 5, 0, false));
    }

    /// A part is returned, and what comes later is late.
    async fn given_up(&self) {
        let of = self.expected().await;
        let amount = of.session.amount.minor();
        self.send(&of, amount - 1).await;
        let Status::Arrived(arrivals) = self.give_up(&of).await else { panic!("a part has come") };
        assert_eq!((arrivals.received.get(), arrivals.late.get(), arrivals.closed), (amount - 1, 0, true));
        assert_eq!(self.give_up(&of).await, Status::Arrived(arrivals.clone()), "and again");
        assert_eq!(self.cancel(&of).await, Cancellation::TooLate(Status::Arrived(arrivals)));
        self.send(&of, 1).await;
        let arrivals = self.arrivals(&of, self.now).await;
        assert_eq!((arrivals.received.get(), arrivals.late.get(), arrivals.closed), (amount - 1, 1, true));
        // Nothing has come: it is cancelled by it.
        let of = self.expected().await;
        assert_eq!(self.give_up(&of).await, Status::Cancelled);
    }

    async fn late(&self) {
        let mut of = self.expected().await;
        assert_eq!(self.cancel(&of).await, Cancellation::Yes);
        let amount = of.session.amount.minor();
        for total in [amount, 2 * amount] {
            self.send(&of, amount).await;
            let arrivals = self.arrivals(&of, self.now).await;
            assert_eq!((arrivals.received.get(), arrivals.late.get(), arrivals.closed), (0, total, true));
            assert_eq!(self.cancel(&of).await, Cancellation::Yes, "it is cancelled all the same");
        }
        // What comes from now on pays the next attempt, by the same instructions.
        let second = self.begin(&mut of.session, 2).await;
        self.send(&of, amount).await;
        let status = self.status(&of.session, &second, self.now).await;
        let Status::Arrived(arrivals) = status else { panic!("{status:?}") };
        assert_eq!((arrivals.received.get(), arrivals.late.get(), arrivals.closed), (amount, 0, false));
        assert_eq!(self.arrivals(&of, self.now).await.late.get(), 2 * amount);
    }
}

fn part(of: &Awaited, minor: i64) -> Money {
    Money::new(MinorUnits::new(minor), of.session.amount.currency())
}
