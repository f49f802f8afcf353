//! What people do: an act is there if and only if what was done is, wherever the function dies, and two who saw the same make
//! one refund.

use memory_aws::AUDIT_TABLE;
use models::{
    Act, ActKind, ActObject, MinorUnits, Mode, NewRefund, Refund, RefundId, RefundState, Session, SessionEvent,
    SessionState,
};
use providers::mock::{Decided, Decision, Entry, Ledger};
use store::{Acts, AuditTable, Change, Fingerprint, RefundChangeError};

use super::world::{CONSENT, MOCK_BANK, World, bank_id, owner};
use crate::{Made, RefundEndError, RefundError, RefundRequest};

/// After how many calls a process ends, and whether the last of them was still done: more than any of these makes.
fn crashes() -> impl Iterator<Item = (usize, bool)> {
    (0..9).flat_map(|calls| [(calls, false), (calls, true)])
}

impl World {
    fn acts(&self) -> Acts {
        Acts::new(AuditTable::new(&self.aws.config(), AUDIT_TABLE.to_owned()))
    }

    async fn acts_of(&self, session: &Session) -> Vec<Act> {
        self.acts().of_session(&session.id).await.unwrap()
    }

    fn act(&self, session: &Session, what: ActKind, refund: Option<RefundId>) -> Act {
        let object = match refund {
            Some(refund_id) => ActObject::Refund { session_id: session.id, refund_id },
            None => ActObject::Session(session.id),
        };
        Act { at: self.now(), ..samples::act(&session.merchant_id, Mode::Test, what, object) }
    }

    /// A session of £4.00 that was paid at this bank.
    async fn paid_by_act(&self, bank: &str) -> Session {
        let session = self.at(bank).await;
        if bank == CONSENT {
            self.decide(&session, 1, Decision::Approve).await;
        } else {
            let decided = Decided::from(Decision::Approve);
            self.ledger().put(session.end_to_end_id, Entry::Decision(1), decided).await.unwrap();
        }
        self.payments.follow_up(&session).await.unwrap();
        self.read(&session).await.unwrap()
    }

    /// A person's form is sent: a refund of £1.00, by one who saw that count.
    async fn form(&self, session: &Session, id: RefundId, seen: u32) -> Result<Made, RefundError> {
        let write = self.acts().write(&self.act(session, ActKind::RefundMade, Some(id))).unwrap();
        let new = NewRefund { amount: Some(MinorUnits::new(100)), ..samples::new_refund(session, None) };
        let request = RefundRequest {
            id,
            fingerprint: Some(Fingerprint([1; 32])),
            new,
            base_url: samples::BASE_URL.to_owned(),
            seen: Some(seen),
        };
        self.payments.refund(request, &owner(session), |session| session, Some(&write)).await
    }

    async fn refunds_of(&self, session: &Session) -> Vec<Refund> {
        self.payments.refunds.of(&session.id).await.unwrap().refunds
    }
}

fn new_id() -> RefundId {
    RefundId::new(samples::uuid())
}

#[tokio::test]
async fn ten_forms_of_people_who_saw_the_same_make_one_refund() {
    for bank in [MOCK_BANK, CONSENT] {
        let world = World::new();
        let session = world.paid_by_act(bank).await;
        // Half of them are one form that was sent again and again.
        let id = new_id();
        let (mut new, mut existing, mut others) = (0, 0, 0);
        for id in (0..10).map(|number| if number % 2 == 0 { id } else { new_id() }) {
            match world.form(&session, id, 0).await {
                Ok(Made::New(_)) => new += 1,
                Ok(Made::Existing(..)) => existing += 1,
                Err(RefundError::OthersMeanwhile(now)) => {
                    assert_eq!((now.refund_count, now.refundable.unwrap().get()), (1, 300));
                    others += 1;
                }
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!((new, existing, others), (1, 4, 5), "{bank}");
        let acts = world.acts_of(&session).await;
        assert_eq!((world.refunds_of(&session).await.len(), acts.len()), (1, 1), "{bank}");
        // Who has seen it makes the next one.
        assert!(matches!(world.form(&session, new_id(), 1).await, Ok(Made::New(_))), "{bank}");
        let wrong = world.form(&session, new_id(), 7).await;
        assert!(matches!(wrong, Err(RefundError::OthersMeanwhile(_))), "{bank}: {wrong:?}");
        assert_eq!(world.acts_of(&session).await.len(), 2, "{bank}");
    }
}

#[tokio::test]
async fn a_form_that_is_sent_again_makes_one_refund_and_one_act_wherever_the_first_died() {
    for bank in [MOCK_BANK, CONSENT] {
        for crash in crashes() {
            let world = World::new();
            let session = world.paid_by_act(bank).await;
            let id = new_id();
            world.aws.process(Some(crash), world.form(&session, id, 0)).await;
            let (refunds, acts) = (world.refunds_of(&session).await, world.acts_of(&session).await);
            assert_eq!(refunds.len(), acts.len(), "{bank}, {crash:?}");
            let made = world.form(&session, id, 0).await.unwrap();
            assert_eq!(matches!(made, Made::New(_)), refunds.is_empty(), "{bank}, {crash:?}: {made:?}");
            let acts = world.acts_of(&session).await;
            assert_eq!((world.refunds_of(&session).await.len(), acts.len()), (1, 1), "{bank}, {crash:?}");
            let object = ActObject::Refund { session_id: session.id, refund_id: id };
            assert!(acts.iter().all(|act| act.what == ActKind::RefundMade && act.object == object));
        }
    }
}

#[tokio::test]
async fn a_payment_is_cancelled_with_its_act_wherever_the_function_dies_though_money_may_move() {
    for (bank, crash) in [MOCK_BANK, CONSENT].into_iter().flat_map(|bank| crashes().map(move |crash| (bank, crash))) {
        let world = World::new();
        let session = world.at(bank).await;
        let change = Change {
            session_id: session.id,
            event: SessionEvent::CancelledByMerchant,
            at: world.now(),
            write_id: samples::write_id(),
        };
        let write = world.acts().write(&world.act(&session, ActKind::PaymentCancelled, None)).unwrap();
        let by = owner(&session);
        world.aws.process(Some(crash), world.payments.end(change.clone(), Some(&by), Some(&write))).await;
        let is_cancelled = world.read(&session).await.unwrap().state == SessionState::Cancelled;
        assert_eq!(world.acts_of(&session).await.len(), usize::from(is_cancelled), "{bank}, {crash:?}");
        let changed = world.payments.end(change, Some(&by), Some(&write)).await.unwrap();
        assert_eq!(
            (changed.session.state, changed.repeated),
            (SessionState::Cancelled, is_cancelled),
            "{bank}, {crash:?}"
        );
        assert_eq!(world.acts_of(&session).await.len(), 1, "{bank}, {crash:?}");
        world.verify(&format!("{bank}, {crash:?}")).await;
    }
}

#[tokio::test]
async fn a_refund_is_cancelled_with_its_act_wherever_the_function_dies_though_it_is_being_paid() {
    // Its payment awaits a choice, or is open at this bank.
    for (bank, crash) in
        [None, Some(MOCK_BANK), Some(CONSENT)].into_iter().flat_map(|bank| crashes().map(move |crash| (bank, crash)))
    {
        let what = format!("{bank:?}, {crash:?}");
        let world = World::new();
        let session = world.paid_by_act(MOCK_BANK).await;
        let Made::New(refund) = world.form(&session, new_id(), 0).await.unwrap() else { panic!("{what}") };
        let payment = refund.payment_session_id.unwrap();
        if let Some(bank) = bank {
            let payment = world.payments.sessions.get(&payment).await.unwrap().unwrap();
            world.payments.begin(&payment, bank_id(bank), 1).await.unwrap();
        }
        let write = world.acts().write(&world.act(&session, ActKind::RefundCancelled, Some(refund.id))).unwrap();
        let write_id = samples::write_id();
        world.aws.process(Some(crash), world.payments.cancel_refund(&refund, &write_id, Some(&write))).await;
        let is_cancelled = world.refunds_of(&session).await[0].state == RefundState::Failed;
        assert_eq!(world.acts_of(&session).await.len(), 1 + usize::from(is_cancelled), "{what}");
        let ended = world.payments.cancel_refund(&refund, &write_id, Some(&write)).await.unwrap();
        assert_eq!((ended.refund.state, ended.repeated), (RefundState::Failed, is_cancelled), "{what}");
        let other = world.acts().write(&world.act(&session, ActKind::RefundCancelled, Some(refund.id))).unwrap();
        let refused = world.payments.cancel_refund(&refund, &samples::write_id(), Some(&other)).await;
        assert!(matches!(refused, Err(RefundEndError::Change(RefundChangeError::Refused(_)))), "{what}");
        assert_eq!(world.acts_of(&session).await.len(), 2, "{what}");
        let payment = world.payments.sessions.get(&payment).await.unwrap().unwrap();
        assert_eq!(payment.state, SessionState::Cancelled, "{what}");
        world.verify(&what).await;
    }
}
