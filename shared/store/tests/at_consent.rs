//! Attempts whose money moves at consent: what is due, what finds them, what stays of them, and what `verify` finds wrong.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use models::{
    AttemptEnd, BankId, Card, CardBrand, LateMoney, MAX_ENTRIES_BEFORE_A_CHOICE, MAX_HISTORY_ENTRIES, Mode, PaidFrom,
    ProviderPaymentId, Session, SessionEvent, SessionId, SessionState, SortableTimestamp, TakenBack, TakenBackReason,
    TransferInstructions,
};
use store::{
    BankPayment, BankPayments, Change, ChangeError, Erased, Erasures, FIRST_CHECK_AT_CONSENT, Item, Rule, Sessions,
    StoreError, Verify,
};
use support::{Fault, World};

fn sessions() -> Sessions {
    Sessions::new(World::get().table.clone())
}

fn provider() -> BankId {
    support::attempt_at_consent(1, samples::now()).bank
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

fn change(session: &Session, event: SessionEvent, after_s: i64) -> Change {
    let at = session.created_at + seconds(after_s);
    Change { session_id: session.id, event, at, write_id: samples::write_id() }
}

/// A session whose refused attempts lead back to the choice.
async fn created() -> Session {
    let owner = support::new_owner(Mode::Test);
    let session = support::new_session(&owner, samples::now(), Some(support::payer()), 400);
    let session = Session { retry: true, ..session };
    sessions().create(session.clone(), None).await.unwrap();
    session
}

/// One whose payer is where money moves at consent.
async fn open() -> Session {
    let session = created().await;
    let attempt = support::attempt_at_consent(1, session.created_at);
    sessions().choose_bank(change(&session, SessionEvent::BankChosen, 1), &attempt, None).await.unwrap().session
}

async fn answered(id: &SessionId, payment_id: &ProviderPaymentId) -> Result<Session, ChangeError> {
    sessions().provider_answered(id, 1, &provider(), payment_id, None).await
}

async fn item(pk: String, sk: &str) -> Item {
    let key = |text: &str| AttributeValue::S(text.to_owned());
    let read = World::get().client().get_item().table_name(support::TABLE_NAME).consistent_read(true);
    read.key("pk", key(&pk)).key("sk", key(sk)).send().await.unwrap().item.unwrap()
}

async fn session_item(id: &SessionId) -> Item {
    item(format!("SESSION#{id}"), "SESSION").await
}

async fn due_at(id: &SessionId) -> String {
    session_item(id).await["due_at"].as_s().unwrap().clone()
}

fn sortable(at: Timestamp) -> String {
    SortableTimestamp::from(at).as_str().to_owned()
}

#[test]
fn an_open_attempt_is_followed_up_and_what_comes_after_it_ends_by_the_clock() {
    World::get().runtime.block_on(async {
        let session = open().await;
        let begun_at = session.created_at;
        assert_eq!(due_at(&session.id).await, sortable(begun_at + FIRST_CHECK_AT_CONSENT));
        for (after_s, due_s) in [(90, 90), (80, 90), (100, 100)] {
            sessions().check_again_at(&session, begun_at + seconds(after_s)).await.unwrap();
            assert_eq!(due_at(&session.id).await, sortable(begun_at + seconds(due_s)), "it only rises");
        }
        let chosen = change(&session, SessionEvent::BankChosen, 110);
        let next = sessions().choose_bank(chosen, &support::attempt(2), Some(1)).await.unwrap().session;
        assert_eq!(due_at(&session.id).await, sortable(session.expires_at));
        for session in [&session, &next] {
            sessions().check_again_at(session, session.expires_at + seconds(60)).await.unwrap();
            assert_eq!(due_at(&session.id).await, sortable(session.expires_at), "nobody is to be asked");
        }
        // At consent once more: authorised, then refused, so that the payer may choose again.
        let chosen = change(&session, SessionEvent::BankChosen, 120);
        let third = support::attempt_at_consent(3, begun_at + seconds(120));
        let open = sessions().choose_bank(chosen, &third, None).await.unwrap().session;
        let soon = begun_at + seconds(130);
        let consented = change(&session, SessionEvent::ConsentGiven, 125);
        let pending = sessions().authorised(consented, 3, soon).await.unwrap().session;
        assert_eq!(pending.pending_since(), Some(begun_at + seconds(125)));
        // What was read before says nothing about when a pending one is due.
        sessions().check_again_at(&open, soon + seconds(1000)).await.unwrap();
        assert_eq!(due_at(&session.id).await, sortable(soon));
        sessions().check_again_at(&pending, soon + seconds(10)).await.unwrap();
        assert_eq!(due_at(&session.id).await, sortable(soon + seconds(10)));
        let ended = change(&session, SessionEvent::AttemptEnded, 140);
        let ended = sessions().end_attempt(ended, &pending, AttemptEnd::InsufficientFunds).await.unwrap().session;
        assert_eq!(due_at(&session.id).await, sortable(session.expires_at));
        assert_eq!(ended.state, SessionState::AwaitingProvider);
        assert_eq!(ended.attempt.unwrap().ended, Some(AttemptEnd::InsufficientFunds));
    });
}

#[test]
fn a_refusal_that_comes_after_an_attempts_end_says_nothing_of_the_session() {
    World::get().runtime.block_on(async {
        let session = open().await;
        let ended = change(&session, SessionEvent::AttemptEnded, 5);
        sessions().end_attempt(ended, &session, AttemptEnd::NotBegun).await.unwrap();
        let refused = sessions().decline(change(&session, SessionEvent::DeclinedByBank, 6), 1).await;
        assert!(matches!(refused, Err(ChangeError::Refused(_))), "{refused:?}");
    });
}

#[test]
fn an_item_made_at_once_is_the_one_that_the_writes_leave() {
    World::get().runtime.block_on(async {
        let open = open().await;
        let check = async |session: &Session| {
            let made = store::session_item(session).unwrap();
            assert_eq!(made, session_item(&session.id).await);
        };
        check(&open).await;
        let at = open.created_at + seconds(5);
        let authorised = sessions().authorised(change(&open, SessionEvent::ConsentGiven, 5), 1, at + seconds(2)).await;
        let pending = authorised.unwrap().session;
        check(&pending).await;
        let ended = change(&open, SessionEvent::AttemptEnded, 6);
        check(&sessions().end_attempt(ended, &pending, AttemptEnd::DeclinedByBank).await.unwrap().session).await;
    });
}

#[test]
fn a_history_never_has_more_entries_than_a_write_compares_with() {
    World::get().runtime.block_on(async {
        let mut session = created().await;
        let mut after_s = 0;
        let mut next = |session: &Session, event| {
            after_s += 1;
            change(session, event, after_s)
        };
        let mut stale = session.clone();
        while session.may_choose_again() {
            let number = session.attempt_number() + 1;
            let attempt = support::attempt_at_consent(number, session.created_at);
            let chosen = next(&session, SessionEvent::BankChosen);
            session = sessions().choose_bank(chosen, &attempt, None).await.unwrap().session;
            let consented = next(&session, SessionEvent::ConsentGiven);
            session = sessions().authorised(consented, number, session.created_at).await.unwrap().session;
            stale = session.clone();
            let ended = next(&session, SessionEvent::AttemptEnded);
            session = sessions().end_attempt(ended, &session, AttemptEnd::DeclinedByPayer).await.unwrap().session;
        }
        assert!(session.history.len() > MAX_ENTRIES_BEFORE_A_CHOICE && session.history.len() < MAX_HISTORY_ENTRIES);
        // A function may have read it before, when there was one entry less: the write knows.
        assert_eq!(stale.attempt_number(), session.attempt_number());
        let attempt = support::attempt(session.attempt_number() + 1);
        let refused = sessions().choose_bank(next(&session, SessionEvent::BankChosen), &attempt, None).await;
        assert!(matches!(refused, Err(ChangeError::Refused(_))), "{refused:?}");
        sessions().record(next(&session, SessionEvent::CancelledByPayer), None, None, None).await.unwrap();
    });
}

#[test]
fn what_a_provider_calls_a_payment_is_recorded_whatever_is_lost() {
    World::get().runtime.block_on(async {
        let transfer = TransferInstructions { payee: support::payee("33333333"), reference: samples::text("A1") };
        let ways = [vec![], vec![Fault::AnswerLost], vec![Fault::Conflict], vec![Fault::ConflictAndRefusal]];
        for faults in ways {
            let session = open().await;
            let payment_id = support::payment_id(&session.id, 1);
            let lossy = Sessions::new(World::get().through(faults));
            for sessions in [&lossy, &sessions()] {
                let bank = provider();
                let answered = sessions.provider_answered(&session.id, 1, &bank, &payment_id, Some(&transfer));
                let at_consent = answered.await.unwrap().attempt.unwrap().at_consent.unwrap();
                assert_eq!(at_consent.payment_id.as_ref(), Some(&payment_id));
                assert_eq!(at_consent.transfer.as_ref(), Some(&transfer));
            }
            assert_eq!(found(&payment_id).await, Some(session.id));
        }
    });
}

async fn found(payment_id: &ProviderPaymentId) -> Option<SessionId> {
    let payment = BankPayments::new(World::get().table.clone()).get(&provider(), payment_id).await.unwrap();
    payment.map(|BankPayment { session_id, attempt }| {
        assert_eq!(attempt, 1);
        session_id
    })
}

#[test]
fn money_under_any_id_that_a_provider_gave_is_found() {
    World::get().runtime.block_on(async {
        let session = open().await;
        let [first, second] = ["first", "second"].map(|name| format!("{name}-{}", session.id).parse().unwrap());
        assert_eq!(found(&first).await, None);
        answered(&session.id, &first).await.unwrap();
        // It says another id, which it should not: its money is found by both.
        let refused = answered(&session.id, &second).await;
        assert!(matches!(refused, Err(ChangeError::Refused(_))), "{refused:?}");
        for payment_id in [&first, &second] {
            assert_eq!(found(payment_id).await, Some(session.id));
        }
        // It calls the payment of another session so, which leads nowhere else.
        let other = open().await;
        let disagreed = answered(&other.id, &first).await;
        assert!(matches!(disagreed, Err(ChangeError::Store(StoreError::Disagreement { .. }))), "{disagreed:?}");
        assert_eq!(found(&first).await, Some(session.id));
        let attempt = sessions().get(&other.id).await.unwrap().unwrap().attempt.unwrap();
        assert_eq!(attempt.at_consent.unwrap().payment_id, None, "all of it or nothing");
        // And there is no such session.
        let nobody = answered(&SessionId::new(samples::uuid()), &second).await;
        assert!(matches!(nobody, Err(ChangeError::NotFound)), "{nobody:?}");
    });
}

fn late_money(session: &Session) -> LateMoney {
    let payment_id = support::payment_id(&session.id, 1);
    LateMoney {
        at: session.created_at + seconds(100),
        provider: provider(),
        payment_id,
        attempt: 1,
        amount_minor: None,
    }
}

fn card() -> Card {
    Card { brand: CardBrand::Visa, last_four: "4242".parse().unwrap() }
}

#[test]
fn a_card_is_erased_and_that_the_money_was_taken_back_stays() {
    World::get().runtime.block_on(async {
        let session = open().await;
        answered(&session.id, &support::payment_id(&session.id, 1)).await.unwrap();
        let taken_back = TakenBack { reason: TakenBackReason::Chargeback, at: session.created_at + seconds(9) };
        let consented = change(&session, SessionEvent::ConsentGiven, 3);
        sessions().authorised(consented, 1, session.created_at + seconds(9)).await.unwrap();
        assert!(!sessions().note_taken_back(&session.id, &taken_back).await.unwrap(), "it is not sent yet");
        let settled = change(&session, SessionEvent::Settled, 4);
        let paid = sessions().settle(settled, &PaidFrom::Card(card()), None).await.unwrap().session;
        assert_eq!((paid.card, &paid.payer_account, paid.taken_back), (Some(card()), &None, None));
        let losing = Sessions::new(World::get().losing(1));
        assert!(losing.note_taken_back(&session.id, &taken_back).await.unwrap(), "its own write is recognised");
        let later = TakenBack { reason: TakenBackReason::Returned, at: session.created_at + seconds(10) };
        assert!(!sessions().note_taken_back(&session.id, &later).await.unwrap(), "the first stays");
        assert_eq!(problems(&session.id).await, []);
        let later = session.created_at + SignedDuration::from_hours(100);
        let erasures = Erasures::new(World::get().table.clone());
        assert_eq!(erasures.erase_alone(&session.id, later).await.unwrap(), Erased::Done);
        let erased = sessions().get(&session.id).await.unwrap().unwrap();
        assert_eq!((erased.card, erased.taken_back), (None, Some(taken_back)));
        assert_eq!(problems(&session.id).await, []);
    });
}

#[test]
fn money_that_comes_late_stays_noted_when_all_else_is_erased() {
    World::get().runtime.block_on(async {
        let session = open().await;
        let money = late_money(&session);
        answered(&session.id, &money.payment_id).await.unwrap();
        let too_soon = sessions().note_late_money(&session.id, &money).await;
        assert!(matches!(too_soon, Err(StoreError::Disagreement { .. })), "it goes on: {too_soon:?}");
        let cancelled = change(&session, SessionEvent::CancelledByMerchant, 50);
        sessions().record(cancelled, None, Some(1), None).await.unwrap();
        let losing = Sessions::new(World::get().losing(1));
        assert!(losing.note_late_money(&session.id, &money).await.unwrap(), "its own write is recognised");
        let more = LateMoney { at: money.at + seconds(1), ..money.clone() };
        assert!(!sessions().note_late_money(&session.id, &more).await.unwrap(), "the first stays");

        let later = session.created_at + SignedDuration::from_hours(100);
        let erasures = Erasures::new(World::get().table.clone());
        assert_eq!(erasures.erase_alone(&session.id, later).await.unwrap(), Erased::Done);
        let erased = sessions().get(&session.id).await.unwrap().unwrap();
        assert_eq!((erased.late_money.as_ref(), &erased.attempt), (Some(&money), &None));
        assert_eq!(erased, erased.clone().erased(later), "something personal is left");
        assert_eq!(found(&money.payment_id).await, Some(session.id));
        assert_eq!(problems(&session.id).await, []);

        let gone = SessionId::new(samples::uuid());
        assert!(!sessions().note_late_money(&gone, &money).await.unwrap(), "there is no such session");
        assert_eq!(sessions().late_money(&gone).await.unwrap(), None);
    });
}

/// What `verify` says of all that is about this session, but for the events that nobody has published here.
async fn problems(id: &SessionId) -> Vec<(Rule, String)> {
    let (table, now) = (World::get().table.clone(), samples::now());
    let verify = Verify::new(table.clone(), now, SignedDuration::from_hours(1000));
    let mut found = Vec::new();
    for mut part in table.items(store::Parts(1)) {
        while let Some(page) = part.next().await.unwrap() {
            for item in page.found.iter().filter(|item| format!("{item:?}").contains(&id.to_string())) {
                let violations = verify.check(item).await.unwrap().violations;
                found.extend(violations.into_iter().map(|violation| (violation.rule, violation.problem)));
            }
        }
    }
    found
}

/// Something that is wrong, planted by hand.
async fn plant(key: (String, &str), expression: &str, values: &[(&str, AttributeValue)]) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let update = World::get().client().update_item().table_name(support::TABLE_NAME);
    let update = update.key("pk", text(&key.0)).key("sk", text(key.1)).update_expression(expression);
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let values = Some(values).filter(|values: &std::collections::HashMap<_, _>| !values.is_empty());
    update.set_expression_attribute_values(values).send().await.unwrap();
}

#[test]
fn each_thing_that_is_wrong_about_an_attempt_is_found() {
    World::get().runtime.block_on(async {
        let s = |text: &str| AttributeValue::S(text.to_owned());
        let n = |number: u8| AttributeValue::N(number.to_string());
        let submission = || serde_dynamo::to_attribute_value(samples::submission(samples::now())).unwrap();
        let of_payment = |session: &Session| {
            (format!("BANKPAYMENT#{}#{}", provider(), late_money(session).payment_id), "BANKPAYMENT")
        };
        let of_session = |session: &Session| (format!("SESSION#{}", session.id), "SESSION");
        // An open attempt with an id, and what is planted.
        let found =
            async |key: (String, &str), session: &Session, expression: &str, values: &[(&str, AttributeValue)]| {
                plant(key, expression, values).await;
                let mut problems = problems(&session.id).await;
                assert_eq!(problems.len(), 1, "{expression}: {problems:?}");
                let (rule, problem) = problems.remove(0);
                (rule, problem)
            };
        let sound = async || {
            let session = open().await;
            answered(&session.id, &late_money(&session).payment_id).await.unwrap();
            assert_eq!(problems(&session.id).await, []);
            session
        };
        type Values = Vec<(&'static str, AttributeValue)>;
        let taken_back = TakenBack { reason: TakenBackReason::Chargeback, at: samples::now() };
        let planted: [(&str, Values, Rule, &str); 8] = [
            (
                "SET taken_back = :it",
                vec![(":it", serde_dynamo::to_attribute_value(taken_back).unwrap())],
                Rule::Payment,
                "was never sent",
            ),
            (
                "SET card = :it",
                vec![(":it", serde_dynamo::to_attribute_value(card()).unwrap())],
                Rule::Payment,
                "nothing was paid with it",
            ),
            ("SET late_money = :it", vec![], Rule::Attempt, "late money of an attempt that goes on"),
            (
                "SET attempt.ended = :end",
                vec![(":end", s("cancelled"))],
                Rule::Attempt,
                "ended by itself or by its history",
            ),
            ("SET submission = :it", vec![(":it", submission())], Rule::Payment, "nobody consented to"),
            ("SET due_at = :far", vec![(":far", s("2126-02-25T07:13:20.000Z"))], Rule::Due, "is not processed before"),
            ("REMOVE due_pk, due_at", vec![], Rule::Due, "is not in the due index"),
            ("REMOVE attempt.at_consent.payment_id", vec![], Rule::Attempt, "is of an attempt that does not know it"),
        ];
        for (expression, mut values, rule, expected) in planted {
            let session = sound().await;
            if expression.contains("late_money") {
                values.push((":it", serde_dynamo::to_attribute_value(late_money(&session)).unwrap()));
            }
            if expression.contains("submission") {
                // Of both at once there would be two things to say.
                plant(of_session(&session), "REMOVE attempt.at_consent", &[]).await;
                plant(of_payment(&session), "SET attempt = :other", &[(":other", n(0))]).await;
                plant(of_session(&session), "SET due_at = :end", &[(":end", s(&sortable(session.expires_at)))]).await;
            }
            let (found_rule, problem) = found(of_session(&session), &session, expression, &values).await;
            assert_eq!(found_rule, rule, "{expression}: {problem}");
            assert!(problem.contains(expected), "{expression}: {problem}");
        }
        // Paid at consent without an attempt that says so; with a submission beside it.
        let paid = async || {
            let session = sound().await;
            let consented = change(&session, SessionEvent::ConsentGiven, 3);
            sessions().authorised(consented, 1, samples::now()).await.unwrap();
            sessions()
                .settle(change(&session, SessionEvent::Settled, 4), &PaidFrom::Undisclosed, None)
                .await
                .unwrap()
                .session
        };
        let session = paid().await;
        let both = found(of_session(&session), &session, "SET submission = :it", &[(":it", submission())]).await;
        assert!(both.0 == Rule::Payment && both.1.contains("holds a submission, and"), "{both:?}");
        let session = paid().await;
        plant(of_session(&session), "REMOVE attempt", &[]).await;
        let lost = problems(&session.id).await;
        assert!(lost.contains(&(Rule::Payment, "was submitted, and does not say what was".to_owned())), "{lost:?}");
        assert!(lost.contains(&(Rule::Attempt, "has chosen a bank, and does not say which".to_owned())), "{lost:?}");
        // What finds it leads elsewhere, or nowhere.
        let session = sound().await;
        plant(of_payment(&session), "SET attempt = :other", &[(":other", n(2))]).await;
        let elsewhere = problems(&session.id).await;
        assert!(
            elsewhere.iter().any(|(_, problem)| problem.contains("is of an attempt that its session has not made"))
        );
        assert!(elsewhere.iter().any(|(_, problem)| problem.contains("is not found by its provider's id")));
        let session = sound().await;
        let nowhere = SessionId::new(samples::uuid()).to_string();
        plant(of_payment(&session), "SET session_id = :gone", &[(":gone", s(&nowhere))]).await;
        let orphan = problems(&session.id).await;
        assert!(orphan.contains(&(Rule::Orphan, "is of a session that is not there".to_owned())), "{orphan:?}");
    });
}
