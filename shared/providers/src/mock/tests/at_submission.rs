//! Banks whose money moves at submission.

use models::{DeclineReason, PaidFrom, PaymentAttempt, Submission};
use samples::later;

use super::*;
use crate::contract::money_moved;
use crate::port::{Next, Status};

fn at_bank(number: u8) -> (Session, PaymentAttempt) {
    let mut session = session();
    let attempt = samples::attempt(session.id, number);
    samples::happen(&mut session, SessionEvent::BankChosen, NOW);
    session.attempt = Some(attempt.clone());
    (session, attempt)
}

fn prepared(bank: &impl Provider, session: &Session, attempt: &PaymentAttempt) -> Submission {
    bank.prepare(session, attempt, NOW).unwrap()
}

#[test]
fn an_attempt_begins_at_a_page_that_is_served_here() {
    let (bank, session) = (connector("mock-bank", MemoryLedger::default()), session());
    let request = bank.begin_request(&session, 2);
    let begun = run(bank.begin(&session, 2, &request)).unwrap();
    let Next::Redirect(link) = begun.next else { panic!("no page") };
    assert_eq!(link.reveal(), format!("http://pay.example/mock-bank/{}/2", session.id));
    assert_eq!((begun.provider_state.as_str(), begun.payment_id), ("2", None));
    assert_eq!(MockBank::<MemoryLedger>::id().as_str(), "mock-bank");
}

#[test]
fn a_submission_is_spelled_as_it_has_been() {
    let (bank, (session, attempt)) = (connector("mock-bank", MemoryLedger::default()), at_bank(3));
    let submission = prepared(&bank, &session, &attempt);
    assert_eq!(submission.idempotency_key, format!("submit-{}", session.end_to_end_id));
    let body =
        format!(r#"{{"amount_minor":400,"attempt":3,"currency":"GBP","end_to_end_id":"{}"}}"#, session.end_to_end_id);
    assert_eq!((submission.body, submission.submitted_at), (body, NOW));
}

/// The key says which attempt it is once one before was submitted: by whatever provider, and only then.
#[test]
fn a_submission_after_a_failed_one_has_a_key_of_its_own() {
    let bank = connector("mock-bank", MemoryLedger::default());
    use SessionEvent::{AttemptEnded, BankChosen, ConsentGiven, PayerIdentified};
    for (events, number) in [
        (&[PayerIdentified, BankChosen][..], None),
        (&[PayerIdentified, BankChosen, BankChosen], None),
        (&[PayerIdentified, BankChosen, AttemptEnded, BankChosen], None),
        (&[PayerIdentified, BankChosen, ConsentGiven], None),
        (&[PayerIdentified, BankChosen, ConsentGiven, AttemptEnded, BankChosen], Some(2)),
        (&[PayerIdentified, BankChosen, ConsentGiven, AttemptEnded, BankChosen, BankChosen], Some(3)),
        (&[PayerIdentified, BankChosen, ConsentGiven, AttemptEnded, BankChosen, ConsentGiven], Some(2)),
    ] {
        let mut session = samples::session_at(NOW);
        session.retry = true;
        events.iter().for_each(|event| samples::happen(&mut session, *event, NOW));
        let key = prepared(&bank, &session, session.attempt.as_ref().unwrap()).idempotency_key;
        let end = number.map_or(String::new(), |number: u8| format!("-{number}"));
        assert_eq!(key, format!("submit-{}{end}", session.end_to_end_id), "{events:?}");
    }
}

#[test]
fn each_decision_is_followed_up_by_its_own_words() {
    use DeclineReason::{ByBank, ByPayer, InsufficientFunds};
    for (decision, before, at_once, at_9_s, at_10_s) in [
        (Decision::Approve, Status::Consented, None, None, None),
        (Decision::ApproveThenSettle, Status::Consented, Some(Status::Accepted), Some(Status::Accepted), None),
        (
            Decision::ApproveThenFail,
            Status::Consented,
            Some(Status::Accepted),
            Some(Status::Accepted),
            Some(Status::Refused(ByBank)),
        ),
        (
            Decision::Decline,
            Status::Refused(ByPayer),
            Some(Status::Refused(ByPayer)),
            Some(Status::Refused(ByPayer)),
            Some(Status::Refused(ByPayer)),
        ),
        (
            Decision::InsufficientFunds,
            Status::Refused(InsufficientFunds),
            Some(Status::Refused(InsufficientFunds)),
            Some(Status::Refused(InsufficientFunds)),
            Some(Status::Refused(InsufficientFunds)),
        ),
    ] {
        for payer_account in [PayerAccount::Shared, PayerAccount::Withheld] {
            let memory = MemoryLedger::default();
            let (bank, (mut session, attempt)) = (connector("mock-bank", memory.clone()), at_bank(1));
            run(bank.decide(&session, 1, Decided { payer_account, ..Decided::from(decision) }, NOW)).unwrap();
            assert_eq!(run(bank.status(&session, &attempt, NOW)).unwrap(), before);
            let submission = prepared(&bank, &session, &attempt);
            session.submission = Some(submission.clone());
            let account = samples::payee(samples::PAYER_NAME, "040004", "87654321");
            let settled = Status::Settled(match payer_account {
                PayerAccount::Shared => PaidFrom::Account(account),
                PayerAccount::Withheld => PaidFrom::Undisclosed,
            });
            assert_eq!(run(memory.order(session.end_to_end_id)).unwrap(), None);
            let submitted = run(bank.submit(&session, &attempt, &submission, NOW));
            let order = run(memory.order(session.end_to_end_id)).unwrap();
            assert_eq!(order.map(|order| order.body), Some(submission.body).filter(|_| submitted.is_ok()));
            if before == Status::Consented {
                assert_eq!(submitted.unwrap(), at_once.clone().unwrap_or_else(|| settled.clone()));
            } else {
                assert_eq!(refusal(submitted), "the payer has not consented to this attempt");
            }
            for (at, expected) in [(NOW, at_once.clone()), (later(9), at_9_s.clone()), (later(10), at_10_s.clone())] {
                let said = run(bank.status(&session, &attempt, at)).unwrap();
                assert_eq!(said, expected.unwrap_or_else(|| settled.clone()), "{decision:?}");
            }
        }
    }
}

#[test]
fn a_named_bank_shares_the_payers_account_or_does_not() {
    for (id, shares) in [("mock-settles", true), ("mock-withholds-account", false)] {
        let (bank, (session, _)) = (connector(id, MemoryLedger::default()), at_bank(1));
        let asked = if shares { PayerAccount::Withheld } else { PayerAccount::Shared };
        let decided = Decided { payer_account: asked, ..Decided::from(Decision::Approve) };
        let payer_account = if shares { PayerAccount::Shared } else { PayerAccount::Withheld };
        let holds = Conclusion::Decided(Decided { payer_account, ..Decided::from(Decision::Approve) });
        assert_eq!(run(bank.conclusion(&session, 1)).unwrap(), None);
        assert_eq!(run(bank.decide(&session, 1, decided, NOW)).unwrap(), holds);
        assert_eq!(run(bank.conclusion(&session, 1)).unwrap(), Some(holds));
        assert_eq!(run(bank.conclusion(&session, 2)).unwrap(), None);
    }
}

#[test]
fn the_first_decision_holds() {
    let (bank, (session, _)) = (connector("mock-bank", MemoryLedger::default()), at_bank(1));
    let decide = |decision: Decision| run(bank.decide(&session, 1, decision.into(), NOW)).unwrap();
    let first = Conclusion::Decided(Decision::Decline.into());
    assert_eq!((decide(Decision::Decline), decide(Decision::Approve)), (first, first));
}

/// What happens to a session, and to what was sent for it.
#[derive(Debug, Clone)]
enum Act {
    Decide(Decision),
    /// Submits the latest attempt.
    Submit,
    /// Sends an earlier submission again: it was on its way for long.
    SubmitAgain(prop::sample::Index),
    /// The payer chooses again: before a submission, or after the bank's final no.
    ChooseAgain,
    Wait(i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        prop::sample::select(&Decision::ALL).prop_map(Act::Decide),
        Just(Act::Submit),
        any::<prop::sample::Index>().prop_map(Act::SubmitAgain),
        Just(Act::ChooseAgain),
        (0..12_i64).prop_map(Act::Wait),
    ];
    prop::collection::vec(act, 0..30)
}

proptest! {
    /// Whatever is decided, submitted again and late, and whatever answers are lost.
    #[test]
    fn no_payment_is_made_twice(acts in acts(), faults in faults(60)) {
        let memory = MemoryLedger::default();
        let bank = connector("mock-bank", Flaky::new(memory.clone(), faults));
        run(async {
            let (mut session, mut attempt) = at_bank(1);
            let (mut now, mut sent) = (NOW, Vec::<(PaymentAttempt, Submission)>::new());
            for act in acts {
                match act {
                    Act::Decide(decision) => {
                        let _ = bank.decide(&session, attempt.number, decision.into(), now).await;
                    }
                    Act::Submit => {
                        if session.submission.is_none() {
                            let submission = prepared(&bank, &session, &attempt);
                            samples::happen(&mut session, SessionEvent::ConsentGiven, now);
                            session.submission = Some(submission.clone());
                            sent.push((attempt.clone(), submission));
                        }
                        let submission = session.submission.clone().unwrap();
                        let _ = bank.submit(&session, &attempt, &submission, now).await;
                    }
                    Act::SubmitAgain(which) if !sent.is_empty() => {
                        let (attempt, submission) = which.get(&sent);
                        let _ = bank.submit(&session, attempt, submission, now).await;
                    }
                    Act::SubmitAgain(_) => {}
                    Act::ChooseAgain => {
                        let status = bank.status(&session, &attempt, now).await;
                        let over = session.submission.is_none() || matches!(status, Ok(Status::Refused(_)));
                        if over && attempt.number < 9 {
                            session.retry = true;
                            if session.submission.take().is_some() {
                                samples::happen(&mut session, SessionEvent::AttemptEnded, now);
                            }
                            samples::happen(&mut session, SessionEvent::BankChosen, now);
                            attempt = samples::attempt(session.id, attempt.number + 1);
                            session.attempt = Some(attempt.clone());
                        }
                    }
                    Act::Wait(seconds) => now += jiff::SignedDuration::from_secs(seconds),
                }
                let moved = money_moved(&memory, session.end_to_end_id, now).await;
                assert!(moved.len() <= 1, "{moved:?}");
            }
        });
    }
}
