//! What a session says of its attempts.

use jiff::SignedDuration;
use uuid::Uuid;

use super::*;
use crate::account::AccountIdentifier;
use crate::attempt::{AtConsent, AttemptEnd, ProviderRequest};
use crate::list_shards::ListShard;
use crate::mail::{MailTopic, mail_for_session};
use crate::money::Currency;
use crate::text::Name;
use crate::transition::transition;

const NOW: Timestamp = Timestamp::constant(1_772_000_000, 0);

fn later(seconds: i64) -> Timestamp {
    NOW + SignedDuration::from_secs(seconds)
}

/// A session that awaits the choice of a bank, for a day.
fn session() -> Session {
    let name = |name: &str| Name::try_from(name.to_owned()).unwrap();
    let payee = Payee { name: name("Acme"), account: AccountIdentifier::uk("010203", "12345678").unwrap() };
    let amount = Money::new(MinorUnits::new(400), Currency::GBP);
    let new = NewSession {
        payer: Some(Payer { name: name("Ada Payer"), email: None, phone: None }),
        ..NewSession::new(WireFormat::Banked, amount, payee, Some("Illuminate".to_owned().try_into().unwrap()))
    };
    let creation = Creation {
        id: SessionId::new(Uuid::from_u128(1)),
        end_to_end_id: EndToEndId::new(Uuid::from_u128(2)),
        merchant_id: "demo".parse().unwrap(),
        mode: Mode::Test,
        list_shard: ListShard::default(),
        at: NOW,
        test_clock: None,
        base_url: "http://pay.example".to_owned(),
        write_id: Uuid::from_u128(3).into(),
    };
    Session::create(new, creation)
}

/// What happens to a session, a second after what happened before.
#[derive(Clone, Copy)]
enum Step {
    Choose { at_consent: bool },
    Consent,
    End,
    Settle,
    EndUnderpaid,
}

fn after(steps: &[Step]) -> Session {
    let mut session = session();
    for step in steps {
        let at = later(i64::try_from(session.history.len()).unwrap());
        let event = match step {
            Step::Choose { at_consent } => {
                let request = ProviderRequest { idempotency_key: "begin".to_owned(), body: "{}".to_owned() };
                let begun = AtConsent { begun_at: at, request, payment_id: None, transfer: None };
                session.attempt = Some(PaymentAttempt {
                    number: session.attempt_number() + 1,
                    bank: "bank".parse().unwrap(),
                    redirect_url: String::new(),
                    provider_state: String::new(),
                    at_consent: at_consent.then_some(begun),
                    ended: None,
                });
                SessionEvent::BankChosen
            }
            Step::Consent => {
                if session.open_at_consent().is_none() {
                    let (idempotency_key, body) = ("submit".to_owned(), "{}".to_owned());
                    session.submission = Some(Submission { idempotency_key, body, submitted_at: at });
                }
                SessionEvent::ConsentGiven
            }
            Step::End => {
                session.submission = None;
                session.attempt.as_mut().unwrap().ended = Some(AttemptEnd::DeclinedByBank);
                SessionEvent::AttemptEnded
            }
            Step::Settle => SessionEvent::Settled,
            Step::EndUnderpaid => SessionEvent::Underpaid,
        };
        session.state = transition(session.state, event).unwrap();
        session.history.append(session.state, at, event, Uuid::from_u128(at.as_second() as u128).into());
    }
    session
}

const SUBMITTED: Step = Step::Choose { at_consent: false };
const CONSENTED: Step = Step::Choose { at_consent: true };

#[test]
fn the_clock_ends_nothing_whose_money_may_move() {
    use SessionState as S;
    let cases: [(&[Step], S, bool); 8] = [
        (&[], S::Expired, false),
        (&[SUBMITTED], S::Expired, false),
        (&[CONSENTED], S::AwaitingPaymentConsent, true),
        (&[CONSENTED, Step::Consent], S::Pending, true),
        (&[SUBMITTED, Step::Consent], S::Pending, false),
        (&[CONSENTED, Step::End], S::Expired, false),
        (&[CONSENTED, Step::End, SUBMITTED], S::Expired, false),
        (&[CONSENTED, Step::Consent, Step::Settle], S::Sent, false),
    ];
    for (number, (steps, expected, open)) in cases.into_iter().enumerate() {
        let session = after(steps);
        let end = session.expires_at;
        assert_eq!(session.state_at(later(30)), session.state, "{number}");
        assert_eq!(session.state_at(end), expected, "{number}");
        assert_eq!(session.open_at_consent().is_some(), open, "{number}");
        let expired = expected == S::Expired;
        assert_eq!(session.failure_reason_at(end), expired.then_some(SessionEvent::TimePassed), "{number}");
    }
}

#[test]
fn it_is_pending_since_it_was_submitted_or_consented_to() {
    assert_eq!(after(&[CONSENTED]).pending_since(), None);
    assert_eq!(after(&[CONSENTED, Step::Consent]).pending_since(), Some(later(2)));
    assert_eq!(after(&[CONSENTED, Step::Consent, Step::End, CONSENTED, Step::Consent]).pending_since(), Some(later(5)));
    let mut submitted = after(&[SUBMITTED, Step::Consent]);
    submitted.submission.as_mut().unwrap().submitted_at = later(-60);
    assert_eq!(submitted.pending_since(), Some(later(-60)), "which is before it was recorded as consented to");
}

#[test]
fn once_consented_to_it_was_submitted_whatever_came_of_it() {
    for (steps, submitted) in [
        (vec![], false),
        (vec![SUBMITTED], false),
        (vec![CONSENTED, Step::End], false),
        (vec![SUBMITTED, Step::Consent], true),
        (vec![CONSENTED, Step::Consent], true),
        (vec![SUBMITTED, Step::Consent, Step::End], true),
    ] {
        assert_eq!(after(&steps).was_submitted(), submitted);
    }
}

#[test]
fn it_is_shown_as_it_was_then() {
    let (choose, consent, end) =
        (Some(SessionEvent::BankChosen), Some(SessionEvent::ConsentGiven), Some(SessionEvent::AttemptEnded));
    let session = after(&[SUBMITTED, Step::Consent, Step::End, SUBMITTED, Step::Consent]);
    // By entry: the number of the attempt, whether it has ended, whether it is submitted, and what happened last to it.
    let expected = [
        (0, false, false, None),
        (0, false, false, choose),
        (0, false, false, consent),
        (0, false, false, end),
        (2, false, false, choose),
        (2, false, true, consent),
    ];
    let seen = |session: Session, sequence| {
        let then = session.as_of(sequence);
        let ended = then.attempt.as_ref().is_some_and(|attempt| attempt.ended.is_some());
        (then.attempt_number(), ended, then.submission.is_some(), then.last_of_attempt())
    };
    for (expected, sequence) in expected.into_iter().zip(1..) {
        assert_eq!(seen(session.clone(), sequence), expected, "{sequence}");
    }
    let session = after(&[CONSENTED, Step::Consent, Step::End]);
    for (expected, sequence) in [(0, false), (1, false), (1, false), (1, true)].into_iter().zip(1..) {
        let (number, ended, ..) = seen(session.clone(), sequence);
        assert_eq!((number, ended), expected, "{sequence}");
    }
    let noted = Session {
        late_money: Some(LateMoney {
            at: NOW,
            provider: "bank".parse().unwrap(),
            payment_id: "p".parse().unwrap(),
            attempt: 1,
            amount_minor: None,
        }),
        ..session
    };
    assert_eq!(noted.clone().as_of(4).late_money, None);
    assert!(noted.erased(NOW).late_money.is_some());
}

#[test]
fn there_are_so_many_choices_and_history_entries_and_no_more() {
    let mut steps = vec![];
    for _ in 0..MAX_ATTEMPTS {
        assert!(after(&steps).may_choose_again());
        steps.push(SUBMITTED);
    }
    assert!(!after(&steps).may_choose_again(), "it is the last attempt");
    let mut steps = vec![];
    while after(&steps).may_choose_again() {
        assert!(after(&steps).history.len() <= MAX_ENTRIES_BEFORE_A_CHOICE);
        steps.extend([CONSENTED, Step::Consent, Step::End]);
    }
    let session = after(&steps);
    assert!(session.attempt_number() < MAX_ATTEMPTS);
    // Its end is one entry more.
    assert!(session.history.len() < MAX_HISTORY_ENTRIES);
}

fn received(steps: &[Step], total: Option<i64>) -> Session {
    Session { received: total.map(|minor| Received { total: MinorUnits::new(minor), at: NOW }), ..after(steps) }
}

#[test]
fn what_is_missing_too_much_or_returned_is_by_the_state() {
    let pending = [CONSENTED, Step::Consent];
    let seen = |end: Option<Step>, total| {
        let session = received(&[&pending[..], end.as_slice()].concat(), total);
        let minor = |money: Option<Money>| money.map(Money::minor);
        (minor(session.missing()), minor(session.excess()), minor(session.returned()))
    };
    assert_eq!(seen(None, None), (None, None, None));
    assert_eq!(seen(None, Some(150)), (Some(250), None, None));
    assert_eq!(seen(None, Some(400)), (None, None, None));
    assert_eq!(seen(Some(Step::Settle), Some(400)), (None, None, None));
    assert_eq!(seen(Some(Step::Settle), Some(401)), (None, Some(1), None));
    assert_eq!(seen(Some(Step::EndUnderpaid), Some(150)), (None, None, Some(150)));
}

#[test]
fn what_was_received_is_stored_where_there_are_transfers_and_stays() {
    let stored = serde_json::to_string(&received(&[CONSENTED], None)).unwrap();
    assert!(!stored.contains("received"), "{stored}");
    let session = received(&[CONSENTED], Some(7));
    let stored = serde_json::to_value(&session).unwrap();
    assert_eq!(stored["received"], serde_json::json!({ "total": 7, "at": NOW.as_millisecond() }));
    assert_eq!(session.clone().erased(NOW).received, session.received, "it is no personal data");
    assert_eq!(session.as_of(1).received, None, "of an earlier time nothing is known");
}

/// The link goes to whom the merchant named, once: not to an address that was typed at the checkout since.
#[test]
fn the_link_is_mailed_to_whom_the_merchant_named() {
    let named = |email: Option<&str>| {
        let email = email.map(|email| email.to_owned().try_into().unwrap());
        let payer = session().payer.map(|payer| Payer { email, ..payer });
        Session { payer, email_link: true, ..session() }
    };
    let link = |session: &Session| mail_for_session(session, 1).map(|mail| mail.topic);
    let wanted = named(Some("ada@example.com"));
    assert_eq!(link(&wanted), Some(MailTopic::PaymentLink(wanted.id)));
    assert_eq!(link(&named(None)), None);
    assert_eq!(link(&Session { email_link: false, ..wanted.clone() }), None);
    assert_eq!(link(&Session { payer: None, ..wanted.clone() }), None);
    let pays_refund = Some(PaysRefund { refund_id: RefundId::new(Uuid::from_u128(9)), session_id: wanted.id });
    assert_eq!(link(&Session { pays_refund, ..wanted.clone() }), None);
    // Whatever comes after, no other entry calls for it.
    let later = Session { history: after(&[CONSENTED, Step::Consent, Step::End]).history, ..wanted.clone() };
    assert_eq!(later.history.len(), 4);
    assert!((2..=4).all(|sequence| mail_for_session(&later, sequence).is_none()));
    assert_eq!(link(&later), Some(MailTopic::PaymentLink(wanted.id)));
    // Somebody who was not named, and said who they are at the checkout.
    let history = History::begin(SessionState::AwaitingPayer, NOW, SessionEvent::Created, Uuid::from_u128(3).into());
    assert_eq!(link(&Session { history, ..wanted }), None);
}
