//! Payments and refunds cancelled by people, over tables in memory.

use jiff::SignedDuration;
use models::{
    ActKind, ActObject, ActOutcome, ActReason, Mode, Refund, RefundEvent, RefundState, Session, SessionEvent,
    SessionState,
};

use super::{cancel_payment, cancel_refund, show_payment, show_refund};
use crate::desk::{BASE_URL, Desk, form, seen, words};

const REASON: [(&str, &str); 2] = [("reason", "other"), ("note", "Ordered twice")];

impl Desk {
    async fn cancel(&self, session: &Session, fields: &[(&str, &str)]) -> (u16, String) {
        let (frame, request) = (self.frame(Mode::Test), form(fields));
        seen(Box::pin(cancel_payment(&self.services, &frame, session.id, &request, BASE_URL)).await)
    }

    async fn cancel_refund(&self, refund: &Refund, fields: &[(&str, &str)]) -> (u16, String) {
        let (frame, request) = (self.frame(Mode::Test), form(fields));
        seen(Box::pin(cancel_refund(&self.services, &frame, refund.id, &request, BASE_URL)).await)
    }

    async fn refunded(&self, change: impl FnOnce(&mut Session)) -> (Session, Refund) {
        let session = self.paid(change).await;
        let creation = samples::refund_creation(self.services.clock.now());
        let (refund, payment) = Refund::create(&session, samples::new_refund(&session, Some(100)), creation).unwrap();
        self.services.refunds.create(&refund, payment.as_ref(), None, None, None).await.unwrap();
        (session, refund)
    }

    async fn now(&self, session: &Session) -> Session {
        self.services.sessions.get(&session.id).await.unwrap().unwrap()
    }
}

fn payment(session: &Session) -> String {
    format!("/console/test/payments/{}", session.id)
}

#[tokio::test]
async fn a_payment_is_cancelled_once_and_with_an_act() {
    let desk = Desk::new().await;
    let session = desk.session(|_| {}).await;
    let (status, html) = seen(show_payment(&desk.services, &desk.frame(Mode::Test), session.id, BASE_URL).await);
    assert_eq!(status, 200);
    assert!(html.contains("/cancel") && html.contains("value=\"c5rf\"") && html.contains("$KEY"), "{html}");
    let (status, html) = desk.cancel(&session, &[("reason", "returned"), ("note", "")]).await;
    assert_eq!(status, 422);
    assert!(html.contains("<a href=\"#reason\">"), "{html}");
    assert_eq!((desk.now(&session).await.state, desk.acts().await), (SessionState::AwaitingPayer, vec![]));
    for _ in 0..2 {
        assert_eq!(desk.cancel(&session, &REASON).await, (303, payment(&session)));
    }
    assert_eq!(desk.now(&session).await.state, SessionState::Cancelled);
    let acts = desk.acts().await;
    let [act] = &acts[..] else { panic!("{acts:?}") };
    assert_eq!((act.what, &act.outcome), (ActKind::PaymentCancelled, &ActOutcome::Done));
    assert_eq!(act.object, ActObject::Session(session.id));
    assert_eq!(act.reason, Some(ActReason::Other(samples::text("Ordered twice"))));
    let shown = seen(show_payment(&desk.services, &desk.frame(Mode::Test), session.id, BASE_URL).await);
    assert_eq!(shown, (303, payment(&session)));
}

#[tokio::test]
async fn what_is_paid_is_not_cancelled_and_that_is_recorded() {
    let desk = Desk::new().await;
    let session = desk.paid(|_| {}).await;
    let (status, html) = desk.cancel(&session, &REASON).await;
    assert_eq!(status, 409);
    assert!(words(&html).contains("It is paid. You can refund it."), "{html}");
    let outcomes: Vec<_> = desk.acts().await.into_iter().map(|act| act.outcome).collect();
    assert_eq!(outcomes, [ActOutcome::Refused("sent".to_owned())]);
    let theirs = desk.session(|session| session.merchant_id = "other".parse().unwrap()).await;
    assert_eq!(desk.cancel(&theirs, &REASON).await.0, 404);
    let live = desk.session(|session| session.mode = Mode::Live).await;
    assert_eq!(desk.cancel(&live, &REASON).await.0, 404);
    assert_eq!(
        (desk.now(&theirs).await.state, desk.now(&live).await.state),
        (SessionState::AwaitingPayer, SessionState::AwaitingPayer)
    );
    assert_eq!(desk.acts().await.len(), 1);
}

#[tokio::test]
async fn a_refund_is_cancelled_with_what_pays_it() {
    let desk = Desk::new().await;
    for withheld in [false, true] {
        // Acts of one millisecond are in any order.
        desk.advance(SignedDuration::from_millis(1));
        let (session, refund) = desk
            .refunded(|session| {
                if withheld {
                    session.payer_account = None;
                }
            })
            .await;
        let shown = seen(show_refund(&desk.services, &desk.frame(Mode::Test), refund.id, BASE_URL).await);
        assert_eq!(shown.0, 200, "{}", shown.1);
        let before = desk.acts().await.len();
        for _ in 0..2 {
            assert_eq!(desk.cancel_refund(&refund, &REASON).await, (303, format!("{}#refunds", payment(&session))));
        }
        let refunds = desk.refunds(&session).await;
        assert_eq!(refunds[0].failure_reason_at(desk.services.clock.now()), Some(RefundEvent::CancelledByMerchant));
        assert_eq!(desk.now(&session).await.refundable(desk.services.clock.now()).unwrap().minor(), 400);
        let acts = desk.acts().await;
        assert_eq!(acts.len(), before + 1);
        let act = acts.last().unwrap();
        assert_eq!(act.object, ActObject::Refund { session_id: session.id, refund_id: refund.id });
        assert_eq!((act.what, &act.outcome), (ActKind::RefundCancelled, &ActOutcome::Done));
    }
}

#[tokio::test]
async fn what_pays_a_refund_is_cancelled_as_the_refund_alone() {
    let desk = Desk::new().await;
    let (_, refund) = desk.refunded(|_| {}).await;
    let pays = desk.services.sessions.get(&refund.payment_session_id.unwrap()).await.unwrap().unwrap();
    let to_refund = (303, format!("/console/test/refunds/{}/cancel", refund.id));
    let shown = seen(show_payment(&desk.services, &desk.frame(Mode::Test), pays.id, BASE_URL).await);
    assert_eq!(shown, to_refund);
    assert_eq!(desk.cancel(&pays, &REASON).await, to_refund);
    assert_eq!((desk.now(&pays).await, desk.acts().await), (pays, vec![]));
}

/// Wherever the process dies, the same form sent again cancels; and there is an act of it exactly if it is cancelled.
#[tokio::test]
async fn a_process_may_die_anywhere() {
    for (done, of_refund) in [(false, false), (true, false), (false, true), (true, true)] {
        for calls in 0.. {
            let desk = Desk::new().await;
            let (paid, refund) = desk.refunded(|_| {}).await;
            let session = desk.session(|_| {}).await;
            let answer = if of_refund {
                desk.aws.process(Some((calls, done)), desk.cancel_refund(&refund, &REASON)).await
            } else {
                desk.aws.process(Some((calls, done)), desk.cancel(&session, &REASON)).await
            };
            let what = format!("after {calls} calls, the last {done}, refund {of_refund}");
            let is_cancelled = async || {
                if of_refund {
                    desk.refunds(&paid).await[0].state == RefundState::Failed
                } else {
                    desk.now(&session).await.history.last().unwrap().cause == SessionEvent::CancelledByMerchant
                }
            };
            assert_eq!(desk.acts().await.len(), usize::from(is_cancelled().await), "{what}");
            let again = if of_refund {
                desk.cancel_refund(&refund, &REASON).await
            } else {
                desk.cancel(&session, &REASON).await
            };
            assert_eq!(again.0, 303, "{what}: {}", again.1);
            assert!(is_cancelled().await, "{what}");
            assert_eq!(desk.acts().await.len(), 1, "{what}");
            if answer.is_some() {
                assert!(calls > 2, "{calls}");
                break;
            }
        }
    }
}
