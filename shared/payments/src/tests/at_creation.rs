//! A transfer that begins with its session: what the table has then is what it would have had the payer chosen it, and it takes money at
//! once.

use std::collections::BTreeMap;

use models::{
    AccountIdentifier, History, MinorUnits, Money, NewSession, PaymentMethod, PaymentMethods, Session, SessionEvent,
    SessionId, SessionState, TransferId, WriteId,
};
use providers::mock::{Arrived, Sender, Transfer};
use providers::virtual_account;
use samples::NOW;
use store::Created;

use super::transfers::TRANSFER;
use super::world::{World, bank_id, causes};
use crate::begin_at_creation;

/// One that has an account of its own.
fn session(at: jiff::Timestamp) -> Session {
    let new = NewSession {
        payer: Some(samples::payer(samples::PAYER_NAME, samples::PAYER_EMAIL)),
        payment_methods: PaymentMethods::new(vec![PaymentMethod::BankTransfer]).unwrap(),
        virtual_iban: true,
        ..samples::new_session(vec![samples::item("Candles", 400, 1)])
    };
    Session::create(new, samples::creation(at))
}

fn write_id(text: &str) -> WriteId {
    text.parse().unwrap()
}

async fn create(world: &World, session: &Session) -> Result<Created, store::StoreError> {
    let account = virtual_account(session).unwrap();
    let (begun, ledger) = begin_at_creation(session.clone(), account, write_id("second")).await.unwrap();
    world.payments.sessions.create_begun(begun, None, ledger).await
}

/// Every item of the table by its key, without what differs from one write to the next.
fn items(world: &World) -> BTreeMap<String, String> {
    let shown = |mut item: serde_json::Value| {
        for entry in item["history"]["L"].as_array_mut().into_iter().flatten() {
            entry["M"]["write_id"].take();
        }
        (format!("{} {}", item["pk"]["S"], item["sk"]["S"]), item.to_string())
    };
    world.aws.items().into_iter().map(shown).collect()
}

#[tokio::test]
async fn what_begins_with_its_session_is_what_begins_after_it() {
    let (with, after) = (World::new(), World::new());
    let session = session(with.now());
    assert!(matches!(create(&with, &session).await, Ok(Created::New(_))));
    after.payments.sessions.create(session.clone(), None).await.unwrap();
    after.payments.begin(&session, bank_id(TRANSFER), 1).await.unwrap();
    let (with_items, after_items) = (items(&with), items(&after));
    assert_eq!(with_items.keys().collect::<Vec<_>>(), after_items.keys().collect::<Vec<_>>());
    assert_eq!(with_items.len(), 6, "the session, whose payment it is, and four entries of the ledger");
    for (key, item) in &with_items {
        assert_eq!(item, &after_items[key], "{key}");
    }
    let begun = with.read(&session).await.unwrap();
    assert_eq!((begun.state, causes(&begun)), (SessionState::AwaitingPaymentConsent, vec!["created", "bank_chosen"]));
    with.verify("begun").await;
    // To begin it again changes nothing.
    with.payments.way_to_provider(&begun, 1).await.unwrap();
    assert_eq!(items(&with), with_items);
}

#[tokio::test]
async fn it_takes_money_at_once_and_is_created_once() {
    let world = World::new();
    let session = session(world.now());
    create(&world, &session).await.unwrap();
    let account = match virtual_account(&session).unwrap().payee.account {
        AccountIdentifier::Iban { iban } => iban.as_str().to_owned(),
        AccountIdentifier::UkAccount { .. } => panic!("no IBAN"),
    };
    let transfer = Transfer {
        id: TransferId::new(samples::uuid()),
        account: Some(account),
        reference: String::new(),
        amount: Money::new(MinorUnits::new(400), session.amount.currency()),
        sender: Sender::Payer,
    };
    assert!(matches!(world.arrives(&transfer).await, Some(Arrived::AtPayment { .. })));
    // Our own put, met again by the SDK; and another request's.
    assert!(matches!(create(&world, &session).await, Ok(Created::New(_))));
    let mut again = session.clone();
    again.history = History::begin(session.state, session.created_at, SessionEvent::Created, write_id("other"));
    assert!(matches!(create(&world, &again).await, Ok(Created::Existing(..))));
    world.payments.follow_up(&world.read(&session).await.unwrap()).await.unwrap();
    let sent = world.read(&session).await.unwrap();
    assert_eq!((sent.state, sent.received.map(|received| received.total.get())), (SessionState::Sent, Some(400)));
    world.verify("paid").await;
}

#[tokio::test]
async fn an_account_that_was_given_before_creates_nothing() {
    let world = World::new();
    let session = session(world.now());
    create(&world, &session).await.unwrap();
    let before = items(&world);
    // Of another session, and the same account.
    let other = Session { id: SessionId::new(samples::uuid()), ..session };
    assert!(create(&world, &other).await.is_err());
    assert_eq!(items(&world), before);
}

#[tokio::test]
async fn what_does_not_await_a_choice_does_not_begin() {
    let awaiting = session(NOW);
    let account = virtual_account(&awaiting).unwrap();
    let without_payer = Session { state: SessionState::AwaitingPayer, ..awaiting.clone() };
    assert!(begin_at_creation(without_payer, account.clone(), write_id("w")).await.is_err());
    let (begun, _) = begin_at_creation(awaiting, account.clone(), write_id("w")).await.unwrap();
    assert!(begin_at_creation(begun, account, write_id("w")).await.is_err());
}
