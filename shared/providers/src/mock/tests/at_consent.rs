//! The bank whose money moves at consent: its pages, and how consent and cancelling race.

use jiff::{SignedDuration, Timestamp};
use models::{AtConsent, DeclineReason, PaidFrom, PaymentAttempt};
use samples::later;
use serde_json::json;

use super::*;
use crate::contract::money_moved;
use crate::port::{Cancellation, Next, Status};

/// A session, and its attempt of this number as it is recorded before the bank hears of it.
fn recorded(bank: &impl Provider, number: u8) -> (Session, PaymentAttempt) {
    let session = session();
    let attempt = attempt_of(bank, &session, number);
    (session, attempt)
}

fn attempt_of(bank: &impl Provider, session: &Session, number: u8) -> PaymentAttempt {
    let request = bank.begin_request(session, number);
    let at_consent = AtConsent { begun_at: NOW, request, payment_id: None, transfer: None };
    PaymentAttempt { at_consent: Some(at_consent), ..samples::attempt(session.id, number) }
}

#[test]
fn the_request_says_what_is_paid_and_where_the_payer_comes_back() {
    let bank = connector("mock-consent", MemoryLedger::default());
    let session = session();
    let request = bank.begin_request(&session, 2);
    assert_eq!(request.idempotency_key, format!("begin-{}-2", session.end_to_end_id));
    let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    let expected = json!({
        "end_to_end_id": session.end_to_end_id,
        "attempt": 2,
        "amount_minor": 400,
        "currency": "GBP",
        "payee": session.payee,
        "reference": "Illuminate",
        "return_url": format!("http://pay.example/checkout/{}/return", session.id),
        "webhook_url": "http://pay.example/providers/mock-consent/webhook",
    });
    assert_eq!(body, expected);
}

#[test]
fn the_link_holds_a_token_that_is_nowhere_else() {
    let memory = MemoryLedger::default();
    let bank = connector("mock-consent", memory.clone());
    let (session, attempt) = recorded(&bank, 1);
    let request = attempt.at_consent.unwrap().request;
    let begun = run(bank.begin(&session, 1, &request)).unwrap();
    let Next::Redirect(link) = &begun.next else { panic!("no page") };
    let (page, token) = link.reveal().split_once("?token=").unwrap();
    assert_eq!(page, format!("http://pay.example/mock-bank/{}/1", session.id));
    assert!(token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert!(!format!("{begun:?}").contains(token) && !memory.texts().contains(token) && !request.body.contains(token));
    let MockConnector::MockConsent(bank) = bank else { panic!("another bank") };
    assert!(bank.is_link_token(&session, 1, token));
    for (attempt, token) in [(2, token), (1, ""), (1, &token[1..])] {
        assert!(!bank.is_link_token(&session, attempt, token));
    }
    assert!(!bank.is_link_token(&self::session(), 1, token));
}

#[test]
fn nothing_is_decided_about_what_was_not_begun() {
    let bank = connector("mock-consent", MemoryLedger::default());
    let (session, attempt) = recorded(&bank, 1);
    let decided = run(bank.decide(&session, 1, Decision::Approve.into(), NOW));
    assert_eq!(refusal(decided), "no such payment");
    // An attempt that moves money at submission is none of this bank's.
    let other = PaymentAttempt { at_consent: None, ..attempt.clone() };
    assert_eq!(refusal(run(bank.status(&session, &other, NOW))), "no such payment");
    // Nor is a payment that it calls otherwise, or that it has not begun.
    let of_id = |id: &str| {
        let at_consent = AtConsent { payment_id: Some(id.parse().unwrap()), ..attempt.at_consent.clone().unwrap() };
        PaymentAttempt { at_consent: Some(at_consent), ..attempt.clone() }
    };
    for id in ["another", &format!("mock.{}.1", session.end_to_end_id), &format!("mock.{}.01", session.end_to_end_id)] {
        assert_eq!(refusal(run(bank.cancel(&session, &of_id(id), NOW))), "no such payment", "{id}");
        assert_eq!(run(bank.status(&session, &of_id(id), NOW)).unwrap(), Status::Unknown, "{id}");
    }
    assert_eq!(run(bank.conclusion(&session, 1)).unwrap(), None);
}

#[test]
fn each_decision_moves_the_money_or_does_not() {
    use DeclineReason::{ByBank, ByPayer, InsufficientFunds};
    let account = PaidFrom::Account(samples::payee(samples::PAYER_NAME, "040004", "87654321"));
    for (decision, at_9_s, at_10_s) in [
        (Decision::Approve, Status::Settled(account.clone()), Status::Settled(account.clone())),
        (Decision::ApproveThenSettle, Status::Accepted, Status::Settled(account)),
        (Decision::ApproveThenFail, Status::Accepted, Status::Refused(ByBank)),
        (Decision::Decline, Status::Refused(ByPayer), Status::Refused(ByPayer)),
        (Decision::InsufficientFunds, Status::Refused(InsufficientFunds), Status::Refused(InsufficientFunds)),
        (Decision::Refuse, Status::Refused(ByBank), Status::Refused(ByBank)),
    ] {
        let bank = connector("mock-consent", MemoryLedger::default());
        let (session, attempt) = recorded(&bank, 1);
        assert_eq!(run(bank.status(&session, &attempt, NOW)).unwrap(), Status::AwaitingConsent);
        assert_eq!(run(bank.conclusion(&session, 1)).unwrap(), None);
        let concluded = run(bank.decide(&session, 1, decision.into(), NOW)).unwrap();
        assert_eq!(concluded, Conclusion::Decided(decision.into()));
        assert_eq!(run(bank.conclusion(&session, 1)).unwrap(), Some(concluded));
        for (at, expected) in [(later(9), at_9_s), (later(10), at_10_s)] {
            assert_eq!(run(bank.status(&session, &attempt, at)).unwrap(), expected);
            let answer = run(bank.cancel(&session, &attempt, at)).unwrap();
            assert_eq!(answer, Cancellation::TooLate(expected));
        }
    }
}

/// Each read and write of both is slow or not, in every way there is.
#[test]
fn of_consent_and_cancelling_at_once_exactly_one_wins() {
    for decision in Decision::ALL {
        for slow in 0..256_u32 {
            let memory = MemoryLedger::default();
            let (session, attempt) = recorded(&connector("mock-consent", memory.clone()), 1);
            let request = &attempt.at_consent.as_ref().unwrap().request;
            run(connector("mock-consent", memory.clone()).begin(&session, 1, request)).unwrap();
            let faults = (0..8).map(|bit| if slow >> bit & 1 == 1 { Fault::Slow } else { Fault::None });
            let bank = connector("mock-consent", Flaky::new(memory.clone(), faults));
            let (decided, cancelled) = run(async {
                tokio::join!(bank.decide(&session, 1, decision.into(), NOW), bank.cancel(&session, &attempt, NOW))
            });
            let won = Conclusion::Decided(decision.into());
            match (decided.unwrap(), cancelled.unwrap()) {
                (Conclusion::Cancelled, Cancellation::Yes) => {
                    assert!(run(money_moved(&memory, session.end_to_end_id, NOW)).is_empty(), "{slow:b}");
                    assert_eq!(run(bank.status(&session, &attempt, NOW)).unwrap(), Status::Cancelled);
                }
                (holds, Cancellation::TooLate(status)) if holds == won => {
                    assert_eq!(run(bank.status(&session, &attempt, NOW)).unwrap(), status, "{slow:b}");
                }
                (holds, answer) => panic!("{slow:b}: the payer heard {holds:?}, and we {answer:?}"),
            }
        }
    }
}

/// What somebody does to one of the attempts.
#[derive(Debug, Clone)]
enum Act {
    Begin(u8),
    Decide(u8, Decision),
    Cancel(u8),
    Status(u8),
}

impl Act {
    const fn attempt(&self) -> u8 {
        match self {
            Self::Begin(number) | Self::Decide(number, _) | Self::Cancel(number) | Self::Status(number) => *number,
        }
    }
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (1..3_u8).prop_map(Act::Begin),
        (1..3_u8, prop::sample::select(&Decision::ALL)).prop_map(|(attempt, decision)| Act::Decide(attempt, decision)),
        (1..3_u8).prop_map(Act::Cancel),
        (1..3_u8).prop_map(Act::Status),
    ]
}

/// What the bank has said of an attempt.
#[derive(Debug, Default)]
struct Said {
    cancelled: bool,
    too_late: bool,
    /// What the payer was answered.
    concluded: Vec<Conclusion>,
    statuses: Vec<Status>,
}

impl Said {
    fn hear(&mut self, status: Status) {
        self.statuses.push(status);
    }

    /// Asserts that the bank gives everybody the same answer.
    fn check(&self, moved: bool, number: u8) {
        assert!(!(self.cancelled && self.too_late), "{number}: cancelled, and too late: {self:?}");
        assert!(!(self.cancelled && moved), "{number}: its money moves though it is cancelled: {self:?}");
        assert!(self.concluded.windows(2).all(|two| two[0] == two[1]), "{number}: two conclusions: {self:?}");
        let payer_heard_cancelled = self.concluded.contains(&Conclusion::Cancelled);
        assert!(!(payer_heard_cancelled && (self.too_late || moved)), "{number}: {self:?}");
        let payer_decided = !self.concluded.is_empty() && !payer_heard_cancelled;
        assert!(!(payer_decided && self.cancelled), "{number}: {self:?}");
        // Once it is decided or cancelled, that is what it stays.
        let mut undecided = self.statuses.iter().skip_while(|status| **status == Status::AwaitingConsent);
        assert!(undecided.all(|status| *status != Status::AwaitingConsent), "{number}: {self:?}");
        let cancelled = self.statuses.contains(&Status::Cancelled);
        assert!(!(cancelled && (self.too_late || moved || payer_decided)), "{number}: {self:?}");
    }
}

proptest! {
    /// The payer, two functions of ours, and the schedule, all at once, with answers lost and late.
    #[test]
    fn consent_and_cancelling_race_for_one_entry(
        acts in prop::collection::vec((act(), act()), 1..10), faults in faults(40),
    ) {
        let memory = MemoryLedger::default();
        let bank = connector("mock-consent", Flaky::new(memory.clone(), faults));
        let session = session();
        let attempts = [1, 2].map(|number| attempt_of(&bank, &session, number));
        let of = |number: u8| &attempts[usize::from(number) - 1];
        let mut said = [Said::default(), Said::default()];
        let do_it = async |act: &Act, now: Timestamp| {
            let attempt = of(act.attempt());
            let mut heard = Said::default();
            match act {
                Act::Begin(number) => {
                    let _ = bank.begin(&session, *number, &attempt.at_consent.as_ref().unwrap().request).await;
                }
                Act::Decide(number, decision) => {
                    heard.concluded.extend(bank.decide(&session, *number, (*decision).into(), now).await);
                }
                Act::Cancel(_) => match bank.cancel(&session, attempt, now).await {
                    Ok(Cancellation::Yes) => heard.cancelled = true,
                    Ok(Cancellation::TooLate(_)) => heard.too_late = true,
                    Ok(Cancellation::Unsupported) => panic!("it can cancel"),
                    Err(error) => assert!(matches!(error, ProviderError::Unreachable(_))),
                },
                Act::Status(_) => {
                    if let Ok(status) = bank.status(&session, attempt, now).await {
                        heard.hear(status);
                    }
                }
            }
            heard
        };
        run(async {
            let mut now = NOW;
            for (one, other) in &acts {
                now += SignedDuration::from_secs(3);
                let (first, second) = tokio::join!(do_it(one, now), do_it(other, now));
                for (act, heard) in [(one, first), (other, second)] {
                    let all = &mut said[usize::from(act.attempt()) - 1];
                    all.cancelled |= heard.cancelled;
                    all.too_late |= heard.too_late;
                    all.concluded.extend(heard.concluded);
                    // Of two at once, either may have been first.
                    if one.attempt() != other.attempt() {
                        heard.statuses.into_iter().for_each(|status| all.hear(status));
                    }
                }
            }
            let moved = money_moved(&memory, session.end_to_end_id, NOW).await;
            for number in [1, 2] {
                said[usize::from(number) - 1].check(moved.contains(&number), number);
            }
        });
    }
}
