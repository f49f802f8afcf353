//! Refunds at the bank whose money moves at consent.

use std::collections::BTreeMap;

use models::{
    AtConsent, Currency, MinorUnits, Money, PaymentAttempt, ProviderPaymentId, ProviderRefundId, ProviderRequest,
};
use samples::later;

use super::*;
use crate::port::{RefundAnswer, RefundRefusal, RefundStatus};

/// A session that was paid at the bank, £4.00 of it, and the attempt that paid it.
async fn paid<L: Ledger + Clone>(bank: &MockConnector<L>, decision: Decision) -> (Session, PaymentAttempt) {
    let session = session();
    let request = bank.begin_request(&session, 1);
    let payment_id = answered(async || bank.begin(&session, 1, &request).await).await.payment_id;
    let at_consent = AtConsent { begun_at: NOW, request, payment_id, transfer: None };
    let attempt = PaymentAttempt { at_consent: Some(at_consent), ..samples::attempt(session.id, 1) };
    answered(async || bank.decide(&session, 1, decision.into(), NOW).await).await;
    (session, attempt)
}

fn request<L: Ledger>(
    bank: &MockConnector<L>,
    session: &Session,
    attempt: &PaymentAttempt,
    id: RefundId,
    minor: i64,
) -> ProviderRequest {
    bank.refund_request(session, attempt, id, Money::new(MinorUnits::new(minor), Currency::GBP)).unwrap()
}

fn payment_id(attempt: &PaymentAttempt) -> &ProviderPaymentId {
    attempt.at_consent.as_ref().unwrap().payment_id.as_ref().unwrap()
}

fn new_id() -> RefundId {
    RefundId::new(samples::uuid())
}

#[test]
fn the_last_digits_of_the_amount_say_what_becomes_of_a_refund() {
    use RefundStatus::{Accepted, Refused, Settled};
    for (minor, at_9_s, at_10_s) in
        [(90, Settled, Settled), (192, Accepted, Refused), (93, Accepted, Settled), (94, Settled, Settled)]
    {
        let bank = connector("mock-consent", MemoryLedger::default());
        let (session, attempt) = run(paid(&bank, Decision::Approve));
        let request = request(&bank, &session, &attempt, new_id(), minor);
        let RefundAnswer::Accepted(id) = run(bank.refund(payment_id(&attempt), &request, NOW)).unwrap() else {
            panic!("{minor}")
        };
        for (at, expected) in [(later(9), at_9_s), (later(10), at_10_s)] {
            assert_eq!(run(bank.refund_status(payment_id(&attempt), &id, at)).unwrap(), expected, "{minor}");
        }
        let next: ProviderRefundId = format!("{}2", &id.as_str()[..id.as_str().len() - 1]).parse().unwrap();
        assert_eq!(run(bank.refund_status(payment_id(&attempt), &next, NOW)).unwrap(), RefundStatus::Unknown);
        let (_, other) = run(paid(&bank, Decision::Approve));
        assert_eq!(run(bank.refund_status(payment_id(&other), &id, NOW)).unwrap(), RefundStatus::Unknown);
        assert_eq!(id.to_string(), format!("mock.{}.1.1", session.end_to_end_id));
    }
}

#[test]
fn what_the_bank_will_not_refund() {
    let bank = connector("mock-consent", MemoryLedger::default());
    let (session, attempt) = run(paid(&bank, Decision::ApproveThenSettle));
    let refund = |minor, at| {
        run(bank.refund(payment_id(&attempt), &request(&bank, &session, &attempt, new_id(), minor), at)).unwrap()
    };
    assert_eq!(refund(100, later(9)), RefundAnswer::Refused(RefundRefusal::NotSettled));
    for (minor, refusal) in [
        (91, RefundRefusal::ByProvider),
        (391, RefundRefusal::ByProvider),
        (0, RefundRefusal::ByProvider),
        (-1, RefundRefusal::ByProvider),
        (401, RefundRefusal::TooMuch),
    ] {
        assert_eq!(refund(minor, later(10)), RefundAnswer::Refused(refusal), "{minor}");
    }
    let euros = Money::new(MinorUnits::new(100), Currency::EUR);
    let euros = bank.refund_request(&session, &attempt, new_id(), euros).unwrap();
    let answer = run(bank.refund(payment_id(&attempt), &euros, later(10))).unwrap();
    assert_eq!(answer, RefundAnswer::Refused(RefundRefusal::ByProvider));
    assert!(matches!(refund(1, later(10)), RefundAnswer::Accepted(_)));
    assert!(matches!(refund(399, later(10)), RefundAnswer::Accepted(_)));
    assert_eq!(refund(1, later(10)), RefundAnswer::Refused(RefundRefusal::TooMuch));
    let unreadable = ProviderRequest { idempotency_key: "key".to_owned(), body: "?".to_owned() };
    assert_eq!(refusal(run(bank.refund(payment_id(&attempt), &unreadable, later(10)))), "the request can't be read");
}

#[test]
fn a_refund_that_fails_gives_its_amount_back() {
    let bank = connector("mock-consent", MemoryLedger::default());
    let (session, attempt) = run(paid(&bank, Decision::Approve));
    let refund = |minor, at| {
        run(bank.refund(payment_id(&attempt), &request(&bank, &session, &attempt, new_id(), minor), at)).unwrap()
    };
    assert!(matches!(refund(292, NOW), RefundAnswer::Accepted(_)));
    assert_eq!(refund(300, later(9)), RefundAnswer::Refused(RefundRefusal::TooMuch));
    assert!(matches!(refund(300, later(10)), RefundAnswer::Accepted(_)));
}

#[test]
fn there_is_an_end_to_refunds() {
    let bank = connector("mock-consent", MemoryLedger::default());
    let (session, attempt) = run(paid(&bank, Decision::Approve));
    let refund =
        || run(bank.refund(payment_id(&attempt), &request(&bank, &session, &attempt, new_id(), 1), NOW)).unwrap();
    for _ in 0..100 {
        assert!(matches!(refund(), RefundAnswer::Accepted(_)));
    }
    assert_eq!(refund(), RefundAnswer::Refused(RefundRefusal::ByProvider));
}

#[test]
fn banks_whose_money_moves_at_submission_refund_nothing() {
    let bank = connector("mock-bank", MemoryLedger::default());
    let payment_id = "mock.1".parse().unwrap();
    let request = ProviderRequest { idempotency_key: "key".to_owned(), body: "{}".to_owned() };
    assert_eq!(refusal(run(bank.refund(&payment_id, &request, NOW))), "this bank makes no refunds");
    let id = "mock.1".parse().unwrap();
    assert_eq!(run(bank.refund_status(&payment_id, &id, NOW)).unwrap(), RefundStatus::Unknown);
}

#[test]
fn a_refunds_id_has_an_alphabet() {
    for text in ["a", "re_1-2.3:4", &"a".repeat(128)] {
        assert_eq!(text.parse::<ProviderRefundId>().unwrap().as_str(), text);
    }
    for text in ["", "a b", "é", "a/b", &"a".repeat(129)] {
        assert!(text.parse::<ProviderRefundId>().is_err(), "{text}");
    }
}

proptest! {
    /// Two at a time, some of them the same, with answers lost and late.
    #[test]
    fn no_refund_is_made_twice_and_no_more_is_paid_back_than_was_paid(
        asked in prop::collection::vec((0..5_usize, 0..5_usize), 1..10), faults in faults(60),
    ) {
        let memory = MemoryLedger::default();
        let bank = connector("mock-consent", Flaky::new(memory.clone(), faults));
        run(async {
            let (session, attempt) = paid(&bank, Decision::Approve).await;
            let amounts = [100, 150, 193, 292, 400];
            let requests = amounts.map(|minor| request(&bank, &session, &attempt, new_id(), minor));
            let mut accepted: BTreeMap<usize, ProviderRefundId> = BTreeMap::new();
            for (one, other) in asked {
                let answers = tokio::join!(
                    bank.refund(payment_id(&attempt), &requests[one], NOW), bank.refund(payment_id(&attempt), &requests[other], NOW),
                );
                for (which, answer) in [(one, answers.0), (other, answers.1)] {
                    if let Ok(RefundAnswer::Accepted(id)) = answer {
                        let before = accepted.insert(which, id.clone());
                        assert!(before.is_none_or(|before| before == id), "made twice");
                    }
                }
            }
            let entries = memory.entries().into_iter().filter(|(_, entry)| matches!(entry, Entry::Refund { .. })).count();
            assert!(accepted.len() <= entries, "what is accepted is written down");
            let total: i64 = accepted.keys().map(|which| amounts[*which]).sum();
            assert!(total <= 400, "{total}");
        });
    }
}
