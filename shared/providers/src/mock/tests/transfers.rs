//! The mock whose payers make transfers: its instructions, how it matches, and what races with what.

use jiff::Timestamp;
use models::{AtConsent, PaymentAttempt};
use samples::later;

use super::*;
use crate::mock::transfer_log::MAX_TRANSFERS;
use crate::port::{Arrivals, Cancellation, Next, Status};

const MOCK: &str = "mock-transfer";

/// A session, and its attempt of this number as it is recorded before the provider hears of it.
fn attempt_of(provider: &impl Provider, session: &Session, number: u8) -> PaymentAttempt {
    let request = provider.begin_request(session, number);
    let at_consent = AtConsent { begun_at: NOW, request, payment_id: None, transfer: None };
    PaymentAttempt { at_consent: Some(at_consent), ..samples::attempt(session.id, number) }
}

async fn begun<L: Ledger + Clone>(ledger: &L, number: u8) -> (MockConnector<L>, Session, PaymentAttempt) {
    let (provider, session) = (connector(MOCK, ledger.clone()), session());
    let attempt = attempt_of(&provider, &session, number);
    provider.begin(&session, number, &attempt.at_consent.as_ref().unwrap().request).await.unwrap();
    (provider, session, attempt)
}

fn transfer(reference: &str, minor: i64, currency: Currency) -> Transfer {
    let amount = Money::new(MinorUnits::new(minor), currency);
    let id = TransferId::new(samples::uuid());
    Transfer { id, account: None, reference: reference.to_owned(), amount, sender: Sender::Payer }
}

fn to(session: &Session, minor: i64) -> Transfer {
    transfer(Reference::of_payment(&session.end_to_end_id).as_str(), minor, Currency::GBP)
}

fn arrived(status: Status) -> Arrivals {
    let Status::Arrived(arrivals) = status else { panic!("{status:?}") };
    arrivals
}

#[test]
fn a_transfer_is_begun_with_what_the_payer_needs_for_it() {
    let memory = MemoryLedger::default();
    let (provider, session) = (connector(MOCK, memory.clone()), session());
    let attempt = attempt_of(&provider, &session, 1);
    let begun = run(provider.begin(&session, 1, &attempt.at_consent.unwrap().request)).unwrap();
    let Next::Transfer(instructions) = begun.next else { panic!("a page") };
    // Who is paid may be a customer, where a refund is paid: what is kept for good names nobody.
    assert!(!memory.texts().contains("Candles") && !memory.texts().contains("12345678"), "{}", memory.texts());
    // Not what the merchant wants on a statement: by this it is found.
    assert_eq!(session.reference.as_str(), "Illuminate");
    assert_eq!(instructions.payee, session.payee);
    assert_eq!(instructions.reference, Reference::of_payment(&session.end_to_end_id));
}

#[test]
fn a_reference_is_matched_as_people_and_banks_write_it() {
    let memory = MemoryLedger::default();
    let (provider, session, attempt) = run(begun(&memory, 1));
    let reference = Reference::of_payment(&session.end_to_end_id);
    let typed = reference.as_str();
    let mut expected = 0;
    for (index, as_typed) in
        [typed.to_owned(), typed.to_lowercase(), format!(" {}-{} ", &typed[..4], &typed[4..])].iter().enumerate()
    {
        let answer = run(arrive(&memory, &transfer(as_typed, 10, Currency::GBP), NOW, NOW)).unwrap();
        let Arrived::AtPayment { event, base_url } = answer else { panic!("{index}: {as_typed} is not matched") };
        assert_eq!(
            (base_url.as_str(), event.path.as_str()),
            ("http://pay.example", "/providers/mock-transfer/webhook")
        );
        expected += 10;
        let status = run(provider.status(&session, &attempt, NOW)).unwrap();
        assert_eq!(arrived(status).received, MinorUnits::new(expected));
    }
    for unknown in [&typed[1..], "", "Illuminate", &format!("{typed}0"), "unmatched", "rent, May"] {
        let sent = transfer(unknown, 10, Currency::GBP);
        assert_eq!(run(arrive(&memory, &sent, NOW, NOW)).unwrap(), Arrived::Unmatched, "{unknown}");
        assert_eq!(run(arrive(&memory, &sent, NOW, NOW)).unwrap(), Arrived::Unmatched, "and again");
    }
    assert_eq!(run(arrive(&memory, &transfer(typed, 10, Currency::EUR), NOW, NOW)).unwrap(), Arrived::Unmatched);
    assert_eq!(arrived(run(provider.status(&session, &attempt, NOW)).unwrap()).received, MinorUnits::new(expected));
    let unmatched = memory.entries().into_iter().filter(|(_, entry)| matches!(entry, Entry::Unmatched(_)));
    assert_eq!(unmatched.count(), 7, "each once");
}

/// A session that has an account of its own, in euro, and its first attempt, which is begun.
async fn begun_with_account<L: Ledger + Clone>(
    ledger: &L,
    provider: &str,
) -> (MockConnector<L>, Session, PaymentAttempt) {
    let provider = connector(provider, ledger.clone());
    let session = with_account();
    let attempt = attempt_of(&provider, &session, 1);
    provider.begin(&session, 1, &attempt.at_consent.as_ref().unwrap().request).await.unwrap();
    (provider, session, attempt)
}

#[test]
fn a_sessions_own_account_is_what_is_transferred_to_at_the_provider_that_keeps_it() {
    for (mock, is_own) in [(MOCK, true), ("mock-direct-transfer", false)] {
        let memory = MemoryLedger::default();
        let (provider, session, attempt) = run(begun_with_account(&memory, mock));
        let begun = run(provider.begin(&session, 1, &attempt.at_consent.unwrap().request)).unwrap();
        let Next::Transfer(instructions) = begun.next else { panic!("a page") };
        let own = virtual_account(&session).unwrap().payee;
        assert_eq!(instructions.payee, if is_own { own } else { session.payee.clone() });
        let typed = Transfer { account: Some(own_iban(&session)), ..transfer("", 10, Currency::EUR) };
        let is_matched = run(arrive(&memory, &typed, NOW, NOW)).unwrap() != Arrived::Unmatched;
        assert_eq!(is_matched, is_own);
    }
}

#[test]
fn what_goes_to_a_payments_own_account_pays_it_whatever_its_reference_is() {
    let memory = MemoryLedger::default();
    let (provider, session, attempt) = run(begun_with_account(&memory, MOCK));
    let (_, other, other_attempt) = run(begun_with_account(&memory, MOCK));
    let [own, others] = [&session, &other].map(own_iban);
    assert_ne!(own, others);
    let [reference, others_reference] = [&session, &other].map(|of| Reference::of_payment(&of.end_to_end_id));
    let send = |account: Option<&str>, reference: &str, minor: i64, currency: Currency| {
        let account = account.map(str::to_owned);
        run(arrive(&memory, &Transfer { account, ..transfer(reference, minor, currency) }, NOW, NOW)).unwrap()
    };
    let in_groups: Vec<String> =
        own.as_bytes().chunks(4).map(|part| String::from_utf8_lossy(part).to_lowercase()).collect();
    for (account, reference) in [
        (Some(own.as_str()), ""),
        (Some(&in_groups.join(" ")), "rent, May"),
        (Some(&own), others_reference.as_str()),
        // What is nobody's own account is found by its reference.
        (Some("DE89370400440532013000"), reference.as_str()),
        (Some(""), reference.as_str()),
        (None, reference.as_str()),
        // The account, where its reference should stand.
        (None, &own),
    ] {
        let arrived = send(account, reference, 10, Currency::EUR);
        assert!(matches!(arrived, Arrived::AtPayment { .. }), "{account:?} {reference}");
    }
    assert_eq!(arrived(run(provider.status(&session, &attempt, NOW)).unwrap()).received, MinorUnits::new(70));
    // In another currency it pays nobody, not even the payment whose reference it has.
    assert_eq!(send(Some(&own), others_reference.as_str(), 10, Currency::GBP), Arrived::Unmatched);
    let nobodys = "FR7699999000010000000000018";
    assert_eq!(send(Some(nobodys), "", 10, Currency::EUR), Arrived::Unmatched);
    assert_eq!(run(provider.status(&other, &other_attempt, NOW)).unwrap(), Status::AwaitingConsent);
}

#[test]
fn the_account_is_known_if_all_of_it_came_from_one_that_is_disclosed() {
    for (senders, name) in [
        (&[Sender::Payer, Sender::Payer][..], Some(samples::PAYER_NAME)),
        (&[Sender::SomebodyElse], Some("Rowan Tallis")),
        (&[Sender::Payer, Sender::SomebodyElse], None),
        (&[Sender::Undisclosed], None),
    ] {
        let memory = MemoryLedger::default();
        let (provider, session, attempt) = run(begun(&memory, 1));
        for sender in senders {
            run(arrive(&memory, &Transfer { sender: *sender, ..to(&session, 200) }, NOW, NOW)).unwrap();
        }
        let known = arrived(run(provider.status(&session, &attempt, NOW)).unwrap()).payer_account;
        assert_eq!(known.as_ref().map(|account| account.name.as_str()), name, "{senders:?}");
    }
}

#[test]
fn each_sender_has_an_account_in_the_payments_currency() {
    for currency in [Currency::GBP, Currency::EUR, Currency::SEK] {
        let mut session = session();
        session.amount = Money::new(session.amount.minor_units(), currency);
        for sender in [Sender::Payer, Sender::SomebodyElse] {
            let account = sender.account(Some(&session)).unwrap().account;
            assert!(account.receives(currency), "{currency} {sender:?}: {account:?}");
        }
    }
}

#[test]
fn a_payment_has_room_for_so_many_transfers_and_no_more() {
    let memory = MemoryLedger::default();
    let (provider, session, attempt) = run(begun(&memory, 1));
    for _ in 1..MAX_TRANSFERS {
        run(arrive(&memory, &to(&session, 1), NOW, NOW)).unwrap();
    }
    let more = run(arrive(&memory, &to(&session, 1), NOW, NOW));
    assert_eq!(refusal(more), "there have been too many transfers to this payment");
    let all = i64::from(MAX_TRANSFERS) - 1;
    assert_eq!(arrived(run(provider.status(&session, &attempt, NOW)).unwrap()).received, MinorUnits::new(all));
    // It can be closed all the same.
    let returned = run(provider.give_up(&session, &attempt, NOW)).unwrap();
    assert!(arrived(returned).closed);
}

/// What this release writes, in these very letters.
#[test]
fn a_log_is_stored_as_it_has_been() {
    let id: TransferId = "00000000-0000-4000-8000-000000000001".parse().unwrap();
    for (entry, stored) in [
        (LogEntry::Opened { attempt: 1 }, r#"{"what":"opened","attempt":1}"#),
        (
            LogEntry::Arrived { id, amount_minor: 400, sender: Sender::SomebodyElse, at: NOW },
            r#"{"what":"arrived","id":"00000000-0000-4000-8000-000000000001","amount_minor":400,"sender":"somebody_else","at":1772000000000}"#,
        ),
        (LogEntry::Closed { attempt: 1, at: NOW }, r#"{"what":"closed","attempt":1,"at":1772000000000}"#),
    ] {
        assert_eq!(serde_json::to_string(&entry).unwrap(), stored);
        assert_eq!(serde_json::from_str::<LogEntry>(stored).unwrap(), entry);
    }
    for sender in Sender::ALL {
        assert_eq!(serde_json::to_value(sender).unwrap(), sender.as_str());
    }
}

/// Each read and write of all three is slow or not, in every way there is.
#[test]
fn two_transfers_and_a_closing_at_once_are_all_there_and_one_is_first() {
    for gives_up in [false, true] {
        for slow in 0..1024_u32 {
            let memory = MemoryLedger::default();
            let (_, session, attempt) = run(begun(&memory, 1));
            let faults = (0..10).map(|bit| if slow >> bit & 1 == 1 { Fault::Slow } else { Fault::None });
            let flaky = Flaky::new(memory.clone(), faults);
            let provider = connector(MOCK, flaky.clone());
            let (one, other) = (to(&session, 100), to(&session, 250));
            let closed = async {
                if gives_up {
                    arrived_or_not(provider.give_up(&session, &attempt, NOW).await.unwrap())
                } else {
                    match provider.cancel(&session, &attempt, NOW).await.unwrap() {
                        Cancellation::Yes => (0, true),
                        Cancellation::TooLate(status) => arrived_or_not(status),
                        Cancellation::Unsupported => panic!("it can cancel"),
                    }
                }
            };
            let (first, second, (received, is_closed)) =
                run(async { tokio::join!(arrive(&flaky, &one, NOW, NOW), arrive(&flaky, &other, NOW, NOW), closed) });
            assert!(first.is_ok() && second.is_ok());
            let (all_received, all_late) = match run(provider.status(&session, &attempt, NOW)).unwrap() {
                Status::Arrived(arrivals) => {
                    assert_eq!(arrivals.closed, is_closed, "{slow:b}: the answer to closing is the truth");
                    (arrivals.received.get(), arrivals.late.get())
                }
                status @ (Status::AwaitingConsent
                | Status::Consented
                | Status::Accepted
                | Status::Settled(_)
                | Status::TakenBack(_)
                | Status::Refused(_)
                | Status::Cancelled
                | Status::Unknown) => panic!("{status:?}"),
            };
            assert_eq!(all_received + all_late, 350, "{slow:b}: both are there");
            if is_closed {
                assert_eq!(all_received, received, "{slow:b}: what was returned is what had come");
                assert!(gives_up || received == 0, "{slow:b}: cancelled, and something had come");
            } else {
                assert_eq!(all_late, 0, "{slow:b}");
            }
        }
    }
}

/// What has been received by then, and whether it is closed.
fn arrived_or_not(status: Status) -> (i64, bool) {
    match status {
        Status::Arrived(Arrivals { received, closed, .. }) => (received.get(), closed),
        Status::Cancelled => (0, true),
        other @ (Status::AwaitingConsent
        | Status::Consented
        | Status::Accepted
        | Status::Settled(_)
        | Status::TakenBack(_)
        | Status::Refused(_)
        | Status::Unknown) => panic!("{other:?}"),
    }
}

/// What somebody does.
#[derive(Debug, Clone)]
enum Act {
    Begin(u8),
    /// Of these; sent again, it is the same.
    Send(usize),
    Cancel(u8),
    GiveUp(u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => (1..3_u8).prop_map(Act::Begin),
        4 => (0..4_usize).prop_map(Act::Send),
        2 => (1..3_u8).prop_map(Act::Cancel),
        1 => (1..3_u8).prop_map(Act::GiveUp),
    ]
}

proptest! {
    /// Payers and our functions, two at a time, with answers lost and late: whatever is known to have arrived is in the totals
    /// once, and what a closing answered is never contradicted.
    #[test]
    fn totals_are_what_arrived_and_a_closing_stays(
        acts in prop::collection::vec((act(), act()), 1..12), faults in faults(60),
    ) {
        let memory = MemoryLedger::default();
        let flaky = Flaky::new(memory.clone(), faults);
        let (provider, session) = (connector(MOCK, flaky.clone()), session());
        let attempts = [1, 2].map(|number| attempt_of(&provider, &session, number));
        let of = |number: u8| &attempts[usize::from(number) - 1];
        let transfers = [1, 2, 4, 8].map(|minor| to(&session, minor));
        let do_it = async |act: &Act, now: Timestamp| match act {
            Act::Begin(number) => {
                let request = &of(*number).at_consent.as_ref().unwrap().request;
                drop(provider.begin(&session, *number, request).await);
                None
            }
            Act::Send(index) => match arrive(&flaky, &transfers[*index], now, now).await {
                Ok(Arrived::AtPayment { .. }) => Some((0, *index, 0)),
                Ok(Arrived::Unmatched) | Err(_) => None,
            },
            Act::Cancel(number) => match provider.cancel(&session, of(*number), now).await {
                Ok(Cancellation::Yes) => Some((*number, 0, 0)),
                Ok(Cancellation::TooLate(_) | Cancellation::Unsupported) | Err(_) => None,
            },
            Act::GiveUp(number) => match provider.give_up(&session, of(*number), now).await {
                Ok(Status::Arrived(Arrivals { received, closed: true, .. })) => Some((*number, 0, received.get())),
                Ok(Status::Cancelled) => Some((*number, 0, 0)),
                Ok(_) | Err(_) => None,
            },
        };
        run(async {
            let (mut sent, mut closed) = (Vec::new(), Vec::new());
            for (second, (one, other)) in acts.iter().enumerate() {
                let now = later(i64::try_from(second).unwrap());
                let (first, second) = tokio::join!(do_it(one, now), do_it(other, now));
                for heard in [first, second].into_iter().flatten() {
                    match heard {
                        (0, index, _) => sent.push(index),
                        (number, _, received) => closed.push((number, received)),
                    }
                }
            }
            sent.sort_unstable();
            sent.dedup();
            let mut total = 0;
            for number in [1, 2] {
                let id = format!("mock.{}.{number}", session.end_to_end_id).parse().unwrap();
                let status = connector(MOCK, memory.clone()).status_by_id(&id, NOW).await.unwrap();
                let (received, late, is_closed) = match status {
                    Status::Arrived(arrivals) => (arrivals.received.get(), arrivals.late.get(), arrivals.closed),
                    Status::Cancelled => (0, 0, true),
                    Status::AwaitingConsent | Status::Unknown => (0, 0, false),
                    status @ (Status::Consented | Status::Accepted | Status::Settled(_) | Status::TakenBack(_) | Status::Refused(_)) => panic!("{status:?}"),
                };
                total += received + late;
                for (_, answered) in closed.iter().filter(|(of, _)| *of == number) {
                    assert!(is_closed && received == *answered, "{number}: closed with {answered}, and {received} now");
                }
            }
            let known: i64 = sent.iter().map(|index| transfers[*index].amount.minor()).sum();
            // What was sent and not answered may have arrived.
            assert!((known..=15).contains(&total), "{total}, of {known} known to have arrived");
            assert!(sent.iter().all(|index| total & transfers[*index].amount.minor() != 0), "each of them is there, once");
        });
    }
}
