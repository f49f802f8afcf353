//! Every kind of write, with its first attempt arriving late: after each step, all that was ever sent is sent once more, and
//! the table must stay as it is.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[path = "../../tests/support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::http::HttpRequest;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use jiff::{SignedDuration, Timestamp};
use models::{
    AccountIdentifier, ActKind, ActObject, ApiKey, Application, AttemptEnd, CursorId, Customer, DisabledBy, Endpoint,
    EndpointId, EndpointSecret, EventId, LateMoney, LinkMailId, LinkedAccount, ListShards, MailFeedback, MailId,
    MailTopic, MinorUnits, Mode, Object, PaidFrom, PaymentAttempt, Person, Received, Refund, RefundCreation, RefundId,
    Role, Scopes, Session, SessionEvent, SessionId, Shop, TransferInstructions,
};
use providers::mock::{Concluded, Conclusion, Decided, Decision, Entry, Ledger, Order, Payment, RefundOrder};
use serde_json::Value;
use uuid::Uuid;

use super::{SENDING, WriteKind};
use crate::table::{Item, Key};
use crate::{
    Access, AccountChange, AccountNotice, Acts, BackingOff, Bounces, BrowserToken, ByPerson, Change, ChangeError,
    ChoiceToken, ClockAdvanced, Counted, Counts, Created, Cursors, Customers, DeliveryAttempt, Endings, EndpointChange,
    EndpointCreated, Endpoints, Erased, Erasures, Events, Fingerprint, Finished, LinkAsked, LinkMails, LinkToken,
    ListRange, Mails, Marked, Merchants, MockLedger, ObjectPath, OidcChoice, OidcChoices, OidcRequests, Owner, Paused,
    People, PeopleChanged, Pointers, RefundConclusion, RefundCreated, RefundEnd, Refunds, Registration, Resent,
    Sessions, Shops, SignInRequest, Sought, Span, StateToken, StoreError, StoredEvent, Table, TestClocks, VisitToken,
    Visits,
};
use support::World;

/// A write as it was sent.
struct Sent {
    kinds: Vec<WriteKind>,
    /// The keys of the items that it is about.
    keys: Vec<String>,
    request: HttpRequest,
    connector: SharedHttpConnector,
    /// Those items as they were when it last arrived: while they are so, it is refused again.
    arrived_at: Option<Vec<Option<Item>>>,
}

/// An HTTP client that keeps what it sends, if that writes.
#[derive(Clone)]
struct Recorder {
    inner: SharedHttpClient,
    sent: Arc<Mutex<Vec<Sent>>>,
}

#[derive(Clone)]
struct RecordingConnector {
    inner: SharedHttpConnector,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder")
    }
}

impl fmt::Debug for RecordingConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordingConnector")
    }
}

impl HttpClient for Recorder {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(RecordingConnector { inner, sent: Arc::clone(&self.sent) })
    }
}

impl HttpConnector for RecordingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap().rsplit('.').next().unwrap().to_owned();
        if !["GetItem", "Query", "Scan", "TransactGetItems"].contains(&target.as_str()) {
            let kinds = SENDING.try_with(Clone::clone).unwrap_or_else(|_| panic!("{target} says not what it writes"));
            let body = body(&request);
            let keys = match body["TransactItems"].as_array() {
                Some(parts) => parts.iter().flat_map(|part| part.as_object().unwrap().values()).map(key).collect(),
                None => vec![key(&body)],
            };
            let (request, connector) = (without_token(&request), self.inner.clone());
            self.sent.lock().unwrap().push(Sent { kinds, keys, request, connector, arrived_at: None });
        }
        self.inner.call(request)
    }
}

fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(request.body().bytes().unwrap()).unwrap()
}

/// The key of a write's item.
fn key(write: &Value) -> String {
    let item = write.get("Key").unwrap_or(&write["Item"]);
    Key::new(item["pk"]["S"].as_str().unwrap(), item["sk"]["S"].as_str().unwrap()).to_string()
}

/// The request as it is more than ten minutes later: DynamoDB has forgotten its ClientRequestToken.
fn without_token(request: &HttpRequest) -> HttpRequest {
    let mut copy = request.try_clone().unwrap();
    let mut body = body(request);
    body.as_object_mut().unwrap().remove("ClientRequestToken");
    let body = body.to_string();
    copy.headers_mut().insert("content-length", body.len().to_string());
    *copy.body_mut() = SdkBody::from(body);
    copy
}

/// The table, and all that was written to it.
struct Late {
    world: &'static World,
    table: Table,
    recorder: Recorder,
}

impl Late {
    fn new() -> Self {
        let world = World::get();
        let recorder = Recorder { inner: world.http_client(), sent: Arc::default() };
        Self { world, table: world.table_through(SharedHttpClient::new(recorder.clone())), recorder }
    }

    async fn all(&self) -> BTreeMap<String, Item> {
        let mut all = BTreeMap::new();
        for table in [support::TABLE_NAME, support::AUDIT_TABLE_NAME] {
            let output = self.world.client().scan().table_name(table).send().await.unwrap();
            assert!(output.last_evaluated_key.is_none());
            let items = output.items.unwrap().into_iter();
            all.extend(items.map(|item| (Key::of(&item).unwrap().to_string(), item)));
        }
        all
    }

    /// First attempts of all that was written so far arrive, now that `done` is acknowledged.
    async fn arrive_after(&self, done: &str) {
        let before = self.all().await;
        let mut late = Vec::new();
        for sent in self.recorder.sent.lock().unwrap().iter_mut() {
            let items: Vec<_> = sent.keys.iter().map(|key| before.get(key).cloned()).collect();
            if sent.arrived_at.as_ref() != Some(&items) {
                sent.arrived_at = Some(items);
                late.push((sent.kinds.clone(), sent.request.try_clone().unwrap(), sent.connector.clone()));
            }
        }
        for (kinds, request, connector) in late {
            let response = connector.call(request).await.unwrap();
            if response.status().as_u16() == 200 {
                let after = self.all().await;
                let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
                let changed = keys.into_iter().find(|key| before.get(*key) != after.get(*key));
                let changed = changed.map(|key| (before.get(key), after.get(key)));
                assert!(changed.is_none(), "{kinds:?} arrived after {done}, and undid it: {changed:#?}");
            } else {
                let body = ByteStream::new(response.into_body()).collect().await.unwrap().into_bytes();
                let body = String::from_utf8_lossy(&body);
                let refused = body.contains("ConditionalCheckFailed");
                assert!(refused && !body.contains("ValidationError"), "{kinds:?} after {done}: {body}");
            }
        }
    }

    fn acts(&self) -> Acts {
        self.world.acts_through(SharedHttpClient::new(self.recorder.clone()))
    }

    fn kinds(&self) -> BTreeSet<WriteKind> {
        self.recorder.sent.lock().unwrap().iter().flat_map(|sent| sent.kinds.clone()).collect()
    }
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

#[test]
fn no_kind_of_write_is_done_twice_however_late_its_first_attempt_arrives() {
    // Its steps are more than the stack of a test's thread holds.
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(every_kind_arrives_late);
    thread.unwrap().join().unwrap();
}

const STACK_BYTES: usize = 16 << 20;

fn every_kind_arrives_late() {
    World::get().runtime.block_on(async {
        let late = Late::new();
        let owner = support::new_owner(Mode::Test);
        let now = samples::now();
        Box::pin(merchants(&late, &owner, now)).await;
        let paid = Box::pin(sessions(&late, &owner, now)).await;
        Box::pin(attempts_at_consent(&late, &owner, now)).await;
        Box::pin(transfers(&late, &owner, now)).await;
        Box::pin(refunds(&late, &owner, &paid, now)).await;
        Box::pin(refunds_at_provider(&late, &paid, now)).await;
        Box::pin(acts(&late, &owner, &paid, now)).await;
        Box::pin(events_and_cursors(&late, &owner, &paid, now)).await;
        Box::pin(mails(&late, &paid, now)).await;
        Box::pin(endpoints(&late, &owner, now)).await;
        Box::pin(customers(&late, &owner, now)).await;
        Box::pin(pointers(&late, &owner, now)).await;
        Box::pin(endings(&late, &owner, now)).await;
        Box::pin(test_clocks(&late, &owner, now)).await;
        Box::pin(people(&late, &owner, now)).await;
        Box::pin(ledger(&late)).await;
        Box::pin(the_end(&late, &paid, now)).await;
        let driven = late.kinds();
        let missing: Vec<_> = WriteKind::ALL.iter().filter(|kind| !driven.contains(kind)).collect();
        assert!(missing.is_empty(), "no step here writes {missing:?}");
    });
}

async fn merchants(late: &Late, owner: &Owner, now: Timestamp) {
    let merchants = Merchants::new(late.table.clone());
    let id = &owner.merchant_id;
    assert!(merchants.create(id, samples::name("Acme"), [1; 32]).await.unwrap());
    late.arrive_after("creating a merchant").await;
    for count in [2, 4] {
        let shards = count.to_string().parse::<ListShards>().unwrap();
        merchants.raise_list_shards(id, shards, now + seconds(i64::from(count))).await.unwrap();
        late.arrive_after("raising the count of shards").await;
    }
    let key = ApiKey {
        id: format!("pk_test_{id}_0123456789abcdef").parse().unwrap(),
        secret_sha256: [2; 32],
        token_secret: [3; 32],
        name: None,
        scopes: Scopes::ALL,
        created_at: now,
        revoked_at: None,
        valid_until: None,
    };
    let another = |end: &str| ApiKey { id: format!("pk_test_{id}_{end}").parse().unwrap(), ..key.clone() };
    let act = |what| samples::act(id, Mode::Test, what, ActObject::Key(key.id.clone()));
    assert!(merchants.add_key(&key, None).await.unwrap());
    assert!(merchants.add_key(&key, None).await.unwrap(), "ours");
    assert!(merchants.revoke_key(&key.id, samples::now(), None).await.unwrap());
    late.arrive_after("revoking a key").await;
    let day = |day| jiff::civil::date(2026, 11, day);
    for (used_on, noted) in [(27, 27), (28, 28), (28, 28), (27, 28)] {
        merchants.note_key_used(&key.id, day(used_on)).await.unwrap();
        assert_eq!(merchants.keys_used(id).await.unwrap(), HashMap::from([(key.id.clone(), day(noted))]));
        late.arrive_after("noting when a key was used").await;
    }
    let (second, third) = (another("second"), another("third"));
    let write = late.acts().write(&act(ActKind::KeyIssued)).unwrap();
    for _ in 0..2 {
        assert!(merchants.add_key(&second, Some(&write)).await.unwrap());
    }
    late.arrive_after("issuing a key by a person").await;
    let write = late.acts().write(&act(ActKind::KeyRolled)).unwrap();
    for _ in 0..2 {
        assert!(merchants.roll_key(&second.id, &third, now + seconds(3600), &write).await.unwrap());
    }
    late.arrive_after("rolling a key").await;
    let write = late.acts().write(&act(ActKind::KeyRolled)).unwrap();
    assert!(!merchants.roll_key(&second.id, &another("fourth"), now, &write).await.unwrap(), "it was rolled");
    for _ in 0..2 {
        let write = late.acts().write(&act(ActKind::KeyRevoked)).unwrap();
        assert!(merchants.revoke_key(&third.id, samples::now(), Some(&write)).await.unwrap());
        late.arrive_after("revoking a key by a person").await;
    }
    let write = late.acts().write(&act(ActKind::KeyRolled)).unwrap();
    assert!(!merchants.roll_key(&third.id, &another("fourth"), now, &write).await.unwrap(), "it is revoked");
    let account = samples::merchant().linked_accounts.remove(0);
    for round in ["first", "again"] {
        assert!(merchants.link_account(id, &account, None).await.unwrap());
        late.arrive_after(&format!("linking an account, {round}")).await;
        assert!(merchants.unlink_account(id, &account.account, None).await.unwrap());
        late.arrive_after(&format!("unlinking an account, {round}")).await;
        assert!(!merchants.unlink_account(id, &account.account, None).await.unwrap());
    }
    assert!(merchants.link_account(id, &account, None).await.unwrap());
    assert!(!merchants.link_account(id, &account, None).await.unwrap());
    late.arrive_after("linking an account for good").await;
    let other = LinkedAccount { account: AccountIdentifier::uk("010203", "87654321").unwrap(), ..account };
    let notice = AccountNotice {
        merchant_id: id.clone(),
        account: samples::text("4321"),
        change: AccountChange::Unlinked,
        by: samples::text("ada@shop.example"),
        at: models::truncate_to_ms(now),
    };
    let of_account = |what| samples::act(id, Mode::Test, what, ActObject::Account(samples::text("4321")));
    for round in ["first", "again"] {
        let write = late.acts().write(&of_account(ActKind::AccountLinked)).unwrap();
        let by = ByPerson { act: &write, mail_id: LinkMailId::new(samples::uuid()), notice: &notice };
        assert!(merchants.link_account(id, &other, Some(by)).await.unwrap());
        late.arrive_after(&format!("linking an account by a person, {round}")).await;
        let write = late.acts().write(&of_account(ActKind::AccountUnlinked)).unwrap();
        let by = ByPerson { act: &write, mail_id: LinkMailId::new(samples::uuid()), notice: &notice };
        assert!(merchants.unlink_account(id, &other.account, Some(by)).await.unwrap());
        late.arrive_after(&format!("unlinking an account by a person, {round}")).await;
        assert!(!merchants.unlink_account(id, &other.account, Some(by)).await.unwrap());
    }
    let shops = Shops::new(late.table.clone());
    for shop in [samples::shop(), Shop::new(samples::name("Dim Candles")), samples::shop()] {
        shops.put(id, &shop).await.unwrap();
        assert_eq!(shops.get(id).await.unwrap(), Some(shop));
        late.arrive_after("putting a shop").await;
    }
    let write = late.acts().write(&samples::act(id, Mode::Test, ActKind::ShopChanged, ActObject::Shop)).unwrap();
    for _ in 0..2 {
        let named = |_| Ok::<_, StoreError>(Shop::new(samples::name("Bright Candles")));
        assert_eq!(shops.change(id, named, Some(&write)).await.unwrap().display_name, samples::name("Bright Candles"));
        late.arrive_after("changing a shop by a person").await;
    }
    for round in 1..=2 {
        let made = samples::application(&key.id);
        assert_eq!(
            merchants.change_application(&key.id, |_| Ok::<_, StoreError>(made.clone())).await.unwrap().key_id,
            key.id
        );
        late.arrive_after(&format!("putting an application, {round}")).await;
        let signed = |before: Option<Application>| Ok::<_, StoreError>(Application { signed: true, ..before.unwrap() });
        merchants.change_application(&key.id, signed).await.unwrap();
        late.arrive_after(&format!("changing an application, {round}")).await;
        assert!(merchants.drop_application(&key.id).await.unwrap());
        late.arrive_after(&format!("removing an application, {round}")).await;
        assert!(!merchants.drop_application(&key.id).await.unwrap());
    }
}

/// Does everything to sessions; returns one that was paid.
async fn sessions(late: &Late, owner: &Owner, now: Timestamp) -> Session {
    let sessions = Sessions::new(late.table.clone());
    let created = async || {
        let session = support::new_session(owner, now, None, 400);
        sessions.create(session.clone(), Some(Fingerprint([4; 32]))).await.unwrap();
        session
    };
    let change = |session: &Session, event| Change {
        session_id: session.id,
        event,
        at: now + seconds(1),
        write_id: samples::write_id(),
    };
    let session = created().await;
    sessions.identify_payer(change(&session, SessionEvent::PayerIdentified), &support::payer()).await.unwrap();
    late.arrive_after("identifying the payer").await;
    for number in 1..=3 {
        let attempt = support::attempt(number);
        sessions.choose_bank(change(&session, SessionEvent::BankChosen), &attempt, None).await.unwrap();
        late.arrive_after("choosing a bank").await;
    }
    let consent = change(&session, SessionEvent::ConsentGiven);
    let submitted =
        sessions.give_consent(consent, 3, &samples::submission(now), now + seconds(2)).await.unwrap().session;
    for at in [3, 4] {
        sessions.check_again_at(&submitted, now + seconds(at)).await.unwrap();
        late.arrive_after("asking the bank again").await;
    }
    let settled = change(&session, SessionEvent::Settled);
    let paid = sessions.settle(settled, &PaidFrom::Account(support::payee("11111111")), None).await.unwrap().session;
    late.arrive_after("settling").await;
    let taken_back =
        |second| models::TakenBack { reason: models::TakenBackReason::Chargeback, at: now + seconds(second) };
    let disputed = created().await;
    let note = async |second| sessions.note_taken_back(&disputed.id, &taken_back(second)).await.unwrap();
    let change_it = |event| change(&disputed, event);
    sessions.identify_payer(change_it(SessionEvent::PayerIdentified), &support::payer()).await.unwrap();
    sessions.choose_bank(change_it(SessionEvent::BankChosen), &support::attempt(1), None).await.unwrap();
    let consent = change_it(SessionEvent::ConsentGiven);
    sessions.give_consent(consent, 1, &samples::submission(now), now + seconds(2)).await.unwrap();
    sessions.settle(change_it(SessionEvent::Settled), &PaidFrom::Undisclosed, None).await.unwrap();
    for (second, is_first) in [(50, true), (60, false), (50, true)] {
        assert_eq!(note(second).await, is_first, "the first stays, and is its own");
        late.arrive_after("noting money taken back").await;
    }

    let declined = created().await;
    sessions.record(change(&declined, SessionEvent::CancelledByMerchant), Some(owner), None, None).await.unwrap();
    late.arrive_after("cancelling").await;
    for session in [declined, created().await] {
        sessions.delete(session.id, owner, now + seconds(2), samples::write_id(), None).await.unwrap();
        late.arrive_after("deleting").await;
    }
    paid
}

/// Does everything to attempts whose money moves at consent, and ends attempts without their session.
async fn attempts_at_consent(late: &Late, owner: &Owner, now: Timestamp) {
    let sessions = Sessions::new(late.table.clone());
    let created = async || {
        let session = Session { retry: true, ..support::new_session(owner, now, Some(support::payer()), 400) };
        sessions.create(session.clone(), None).await.unwrap();
        session.id
    };
    let change = |session_id, event| Change { session_id, event, at: now + seconds(1), write_id: samples::write_id() };
    let choose = async |id, attempt: PaymentAttempt, cancelled| {
        sessions.choose_bank(change(id, SessionEvent::BankChosen), &attempt, cancelled).await.unwrap();
        late.arrive_after("choosing a bank").await;
    };
    let at_consent = |number: u8| support::attempt_at_consent(number, now + seconds(i64::from(number)));
    let provider = at_consent(1).bank;
    let answered = async |id: &SessionId, number: u8| {
        let transfer = TransferInstructions { payee: support::payee("33333333"), reference: samples::text("A1") };
        let payment_id = support::payment_id(id, number);
        let answered = sessions.provider_answered(id, number, &provider, &payment_id, Some(&transfer)).await;
        late.arrive_after("a provider's answer").await;
        answered
    };
    let checked = async |id: &SessionId, at| {
        for at in [at, at + 1] {
            let session = sessions.get(id).await.unwrap().unwrap();
            sessions.check_again_at(&session, now + seconds(at)).await.unwrap();
            late.arrive_after("asking the provider again").await;
        }
    };
    let end = async |id: &SessionId, end| {
        let session = sessions.get(id).await.unwrap().unwrap();
        sessions.end_attempt(change(*id, SessionEvent::AttemptEnded), &session, end).await.unwrap();
        late.arrive_after("an attempt's end").await;
    };
    let authorised = async |id: &SessionId, number| {
        let change = change(*id, SessionEvent::ConsentGiven);
        sessions.authorised(change, number, now + seconds(20)).await.unwrap();
        late.arrive_after("consent at the provider").await;
    };
    let note = async |id: &SessionId, attempt: u8| {
        for (second, is_first) in [(50, true), (60, false)] {
            let payment_id = support::payment_id(id, attempt);
            let money = LateMoney {
                at: now + seconds(second),
                provider: provider.clone(),
                payment_id,
                attempt,
                amount_minor: None,
            };
            assert_eq!(sessions.note_late_money(id, &money).await.unwrap(), is_first);
            late.arrive_after("late money").await;
        }
    };
    let id = created().await;
    choose(id, at_consent(1), None).await;
    checked(&id, 70).await;
    for _ in 0..2 {
        answered(&id, 1).await.unwrap();
    }
    end(&id, AttemptEnd::DeclinedByBank).await;
    choose(id, at_consent(2), None).await;
    choose(id, support::attempt(3), Some(2)).await;
    choose(id, at_consent(4), None).await;
    assert!(matches!(answered(&id, 2).await, Err(ChangeError::Refused(_))));
    checked(&id, 90).await;
    authorised(&id, 4).await;
    checked(&id, 30).await;
    end(&id, AttemptEnd::InsufficientFunds).await;
    choose(id, support::attempt(5), None).await;
    let consent = change(id, SessionEvent::ConsentGiven);
    sessions.give_consent(consent, 5, &samples::submission(now), now + seconds(2)).await.unwrap();
    end(&id, AttemptEnd::DeclinedByPayer).await;
    choose(id, at_consent(6), None).await;
    authorised(&id, 6).await;
    sessions.settle(change(id, SessionEvent::Settled), &PaidFrom::Undisclosed, None).await.unwrap();
    late.arrive_after("settling").await;
    note(&id, 2).await;

    let id = created().await;
    choose(id, at_consent(1), None).await;
    sessions.record(change(id, SessionEvent::CancelledByMerchant), None, Some(1), None).await.unwrap();
    late.arrive_after("cancelling").await;
    answered(&id, 1).await.unwrap();
    note(&id, 1).await;

    let id = created().await;
    choose(id, at_consent(1), None).await;
    sessions.delete(id, owner, now + seconds(2), samples::write_id(), Some(1)).await.unwrap();
    late.arrive_after("deleting").await;
    assert!(matches!(answered(&id, 1).await, Err(ChangeError::NotFound)));
    note(&id, 1).await;
}

/// Does everything to payments by transfers, in time and late.
async fn transfers(late: &Late, owner: &Owner, now: Timestamp) {
    let sessions = Sessions::new(late.table.clone());
    let change = |session_id, event| Change { session_id, event, at: now + seconds(1), write_id: samples::write_id() };
    let opened = async || {
        let session = support::new_session(owner, now, Some(support::payer()), 400);
        sessions.create(session.clone(), None).await.unwrap();
        let attempt = support::attempt_at_consent(1, now + seconds(1));
        sessions.choose_bank(change(session.id, SessionEvent::BankChosen), &attempt, None).await.unwrap();
        late.arrive_after("choosing a bank").await;
        (session.id, attempt.bank)
    };
    let received = async |id: &SessionId, total: i64| {
        let received = Received { total: MinorUnits::new(total), at: now + seconds(total) };
        sessions.note_received(id, 1, &received).await.unwrap();
        late.arrive_after("what was received").await;
        sessions.get(id).await.unwrap().unwrap().received.map(|received| received.total.get())
    };
    for (is_paid, more) in [(true, 300), (false, 200)] {
        let (id, _) = opened().await;
        assert_eq!(received(&id, 100).await, Some(100));
        sessions.authorised(change(id, SessionEvent::ConsentGiven), 1, now + seconds(20)).await.unwrap();
        late.arrive_after("the first money").await;
        assert_eq!((received(&id, 200).await, received(&id, 150).await), (Some(200), Some(200)), "it only rises");
        if is_paid {
            let settled = change(id, SessionEvent::Settled);
            sessions.settle(settled, &PaidFrom::Undisclosed, None).await.unwrap();
        } else {
            sessions.decline_submitted(change(id, SessionEvent::Underpaid), 1).await.unwrap();
        }
        late.arrive_after("its end").await;
        assert_eq!(received(&id, 300).await, Some(more), "what was returned is not added to");
    }
    let (id, provider) = opened().await;
    sessions.record(change(id, SessionEvent::CancelledByMerchant), None, Some(1), None).await.unwrap();
    late.arrive_after("cancelling").await;
    assert_eq!(received(&id, 100).await, None, "it is late money now");
    let noted = async |total: i64| {
        let (provider, payment_id) = (provider.clone(), support::payment_id(&id, 1));
        let (at, amount_minor) = (now + seconds(50 + total), Some(MinorUnits::new(total)));
        let money = LateMoney { at, provider, payment_id, attempt: 1, amount_minor };
        let is_it = sessions.note_late_money(&id, &money).await.unwrap();
        late.arrive_after("more late money").await;
        is_it
    };
    assert!(noted(100).await && noted(250).await && noted(250).await, "its own write is recognised");
    assert!(!noted(200).await, "less says nothing");
}

fn refund_of(session: &Session, at: Timestamp) -> (Refund, Option<Session>) {
    let creation = support::refund_creation(RefundId::new(samples::uuid()), at);
    let mut new = samples::new_refund(session, Some(10));
    new.success_url = Some("http://example.com/refunded".to_owned().try_into().unwrap());
    Refund::create(session, new, creation).unwrap()
}

async fn refunds(late: &Late, owner: &Owner, paid: &Session, now: Timestamp) {
    let (refunds, sessions) = (Refunds::new(late.table.clone()), Sessions::new(late.table.clone()));
    let at = now + seconds(5);
    let made = async |session: &Session| {
        let (refund, payment) = refund_of(session, at);
        let created = refunds.create(&refund, payment.as_ref(), Some(Fingerprint([5; 32])), None, None).await.unwrap();
        assert!(matches!(created, RefundCreated::New));
        late.arrive_after("making a refund").await;
        (refund, payment)
    };
    let (cancelled, _) = made(paid).await;
    refunds.end(&cancelled, RefundEnd::CancelledByMerchant, at, &samples::write_id(), None, None).await.unwrap();
    late.arrive_after("cancelling a refund").await;
    let (_, payment) = made(paid).await;
    let pay = async |payment: &Session| {
        let change =
            |event| Change { session_id: payment.id, event, at: at + seconds(1), write_id: samples::write_id() };
        sessions.choose_bank(change(SessionEvent::BankChosen), &support::attempt(1), None).await.unwrap();
        let consent = change(SessionEvent::ConsentGiven);
        sessions.give_consent(consent, 1, &samples::submission(at), at + seconds(2)).await.unwrap();
        late.arrive_after("submitting a refund").await;
        sessions.settle(change(SessionEvent::Settled), &PaidFrom::Undisclosed, None).await.unwrap();
        late.arrive_after("settling a refund").await;
    };
    pay(&payment.unwrap()).await;

    // Paid where money moves at consent.
    let (_, payment) = made(paid).await;
    let payment = payment.unwrap();
    let change = |event| Change { session_id: payment.id, event, at: at + seconds(1), write_id: samples::write_id() };
    let at_consent = |number| support::attempt_at_consent(number, at);
    let choices = [
        (at_consent(1), None, true),
        (at_consent(2), None, false),
        (support::attempt(3), Some(2), false),
        (at_consent(4), None, false),
    ];
    for (attempt, cancelled, ends) in choices {
        sessions.choose_bank(change(SessionEvent::BankChosen), &attempt, cancelled).await.unwrap();
        late.arrive_after("choosing a refund's bank").await;
        if ends {
            let session = sessions.get(&payment.id).await.unwrap().unwrap();
            let ended = change(SessionEvent::AttemptEnded);
            sessions.end_attempt(ended, &session, AttemptEnd::NotBegun).await.unwrap();
            late.arrive_after("the end of an attempt to pay a refund").await;
        }
    }
    sessions.authorised(change(SessionEvent::ConsentGiven), 4, at + seconds(2)).await.unwrap();
    late.arrive_after("consent to a refund at the provider").await;
    sessions.settle(change(SessionEvent::Settled), &PaidFrom::Undisclosed, None).await.unwrap();
    late.arrive_after("settling a refund").await;

    // Of one whose payer's account is not known.
    let withheld = support::new_session(owner, now, Some(support::payer()), 400);
    sessions.create(withheld.clone(), None).await.unwrap();
    let withheld = support::pay(withheld.id, now, None).await;
    let (waiting, _) = made(&withheld).await;
    refunds.end(&waiting, RefundEnd::CancelledByMerchant, at, &samples::write_id(), None, None).await.unwrap();
    late.arrive_after("cancelling a refund that waited").await;
    let (mut given, _) = made(&withheld).await;
    let creation = support::refund_creation(given.id, at);
    let (id, end_to_end_id, write_id) = (creation.payment_session_id, creation.end_to_end_id, creation.write_id);
    let payee = support::payee("22222222");
    let payment = given.give_details(&withheld, payee, id, end_to_end_id, at, write_id.clone()).unwrap();
    refunds.give_details(&given, &payment, at, &write_id).await.unwrap();
    late.arrive_after("giving details").await;
    pay(&payment).await;
    // A refund that was cancelled while it waited for details has its URLs still.
    let erasures = Erasures::new(late.table.clone());
    let events = Events::new(late.table.clone());
    for refund in refunds.of(&withheld.id).await.unwrap().refunds {
        let object = Object::Refund(Box::new(refund));
        events.put(&StoredEvent::new(object.clone(), object.history_len())).await.unwrap();
    }
    let session = sessions.get(&withheld.id).await.unwrap().unwrap();
    let object = Object::Session(Box::new(session));
    events.put(&StoredEvent::new(object.clone(), object.history_len())).await.unwrap();
    let erased = erasures.erase_alone(&withheld.id, now + SignedDuration::from_hours(1)).await.unwrap();
    assert_eq!(erased, Erased::Done);
    late.arrive_after("erasing a session with refunds").await;
}

/// Makes refunds that the payment's provider makes.
async fn refunds_at_provider(late: &Late, paid: &Session, now: Timestamp) {
    let refunds = Refunds::new(late.table.clone());
    let at = now + seconds(5);
    for (knows_id, conclusion) in
        [(true, RefundConclusion::Settled), (true, RefundConclusion::Refused), (false, RefundConclusion::Refused)]
    {
        let creation = support::refund_creation(RefundId::new(samples::uuid()), at);
        let creation = RefundCreation { at_provider: Some(samples::refund_at_provider(creation.id)), ..creation };
        let (mut refund, payment) = Refund::create(paid, samples::new_refund(paid, Some(10)), creation).unwrap();
        let created = refunds.create(&refund, payment.as_ref(), None, None, None).await.unwrap();
        assert!(matches!(created, RefundCreated::New));
        late.arrive_after("making a refund at its provider").await;
        for second in [70, 80] {
            refunds.check_again_at(&refund, at + seconds(second)).await.unwrap();
            late.arrive_after("asking a refund's provider again").await;
        }
        if knows_id {
            for _ in 0..2 {
                refund = refunds.provider_accepted(&refund, &samples::text("refund:1")).await.unwrap();
                late.arrive_after("a provider's answer about a refund").await;
            }
        }
        refunds.check_again_at(&refund, at + seconds(90)).await.unwrap();
        refunds.conclude(&refund, conclusion, at, &samples::write_id()).await.unwrap();
        late.arrive_after("a refund's end at its provider").await;
        refunds.check_again_at(&refund, at + seconds(100)).await.unwrap();
        late.arrive_after("asking about a refund that has ended").await;
    }
}

/// Does what people do: with an act, and alone.
async fn acts(late: &Late, owner: &Owner, paid: &Session, now: Timestamp) {
    let (refunds, sessions, acts) = (Refunds::new(late.table.clone()), Sessions::new(late.table.clone()), late.acts());
    let at = now + seconds(5);
    let act = |what, object| support::act(paid, what, object);
    acts.put(&act(ActKind::PersonalDataShown, ActObject::Session(paid.id))).await.unwrap();
    late.arrive_after("recording an act").await;
    let (refund, payment) = refund_of(paid, at);
    let object = ActObject::Refund { session_id: paid.id, refund_id: refund.id };
    let write = acts.write(&act(ActKind::RefundMade, object.clone())).unwrap();
    let seen = Some(sessions.get(&paid.id).await.unwrap().unwrap().refund_count);
    let created = refunds.create(&refund, payment.as_ref(), None, seen, Some(&write)).await.unwrap();
    assert!(matches!(created, RefundCreated::New));
    late.arrive_after("making a refund by a person").await;
    let write = acts.write(&act(ActKind::RefundCancelled, object)).unwrap();
    let end = RefundEnd::CancelledByMerchant;
    refunds.end(&refund, end, at, &samples::write_id(), None, Some(&write)).await.unwrap();
    late.arrive_after("cancelling a refund by a person").await;
    let session = support::new_session(owner, now, None, 400);
    sessions.create(session.clone(), None).await.unwrap();
    let write = acts.write(&act(ActKind::PaymentCancelled, ActObject::Session(session.id))).unwrap();
    let event = SessionEvent::CancelledByMerchant;
    let change = Change { session_id: session.id, event, at, write_id: samples::write_id() };
    sessions.record(change, Some(owner), None, Some(&write)).await.unwrap();
    late.arrive_after("cancelling by a person").await;
}

async fn events_and_cursors(late: &Late, owner: &Owner, paid: &Session, now: Timestamp) {
    let (events, cursors) = (Events::new(late.table.clone()), Cursors::new(late.table.clone()));
    let object = Object::Session(Box::new(paid.clone()));
    for sequence in 1..=object.history_len() {
        events.put(&StoredEvent::new(object.clone(), sequence)).await.unwrap();
    }
    late.arrive_after("putting events").await;
    let cursor = |replay_of| CursorId {
        object_id: paid.id.into(),
        merchant_id: owner.merchant_id.clone(),
        endpoint_id: EndpointId::new(Uuid::nil()),
        replay_of,
    };
    let (id, mut at) = (cursor(None), now + seconds(10));
    let mut later = || {
        at += seconds(1);
        at
    };
    for sequence in 2..=4 {
        assert_eq!(cursors.advance(&id, sequence, later(), None).await.unwrap(), crate::Advanced::New);
        late.arrive_after("moving a cursor's head").await;
    }
    let mut claim = cursors.claim(&id, later()).await.unwrap().unwrap();
    late.arrive_after("claiming a cursor").await;
    for sequence in 2..=3 {
        assert!(cursors.moved(&mut claim, sequence, later()).await.unwrap());
        late.arrive_after("moving a cursor").await;
    }
    let attempt = DeliveryAttempt {
        endpoint_id: id.endpoint_id,
        at: later(),
        latency_ms: 5,
        headers: BTreeMap::from([("webhook-id".to_owned(), "evt_1".to_owned())]),
        status: Some(200),
        answer: Some("Thank you, Ada".to_owned()),
        error: None,
    };
    events.note(&EventId { object_id: paid.id.into(), sequence: 3 }, &attempt).await.unwrap();
    assert_eq!(cursors.finish(&mut claim, 4).await.unwrap(), Finished::Done);
    late.arrive_after("finishing with a cursor").await;
    assert_eq!(cursors.advance(&id, 5, later(), None).await.unwrap(), crate::Advanced::New);
    late.arrive_after("moving a cursor's head after it had finished").await;
    let claim = cursors.claim(&id, later()).await.unwrap().unwrap();
    let (due, since) = (later(), later());
    cursors.retry_at(&claim, due, 1, since).await.unwrap();
    late.arrive_after("rescheduling a cursor").await;
    for _ in 0..2 {
        let claim = cursors.claim(&id, later()).await.unwrap().unwrap();
        let (since, hastened) = (later(), later());
        // Until the same time again, which a first attempt must not take for the one that it was found with.
        cursors.retry_at(&claim, now + seconds(3600), 2, since).await.unwrap();
        late.arrive_after("rescheduling a cursor for long").await;
        let waiting = BackingOff { id: id.clone(), due_at: now + seconds(3600) };
        cursors.hasten(&waiting, hastened).await.unwrap();
        late.arrive_after("hastening a cursor").await;
    }
    let claim = cursors.claim(&id, later()).await.unwrap().unwrap();
    cursors.postpone(&claim, later()).await.unwrap();
    late.arrive_after("postponing a cursor").await;
    for _ in 0..2 {
        let claim = cursors.claim(&id, later()).await.unwrap().unwrap();
        cursors.pause(&claim, Paused::Disabled).await.unwrap();
        late.arrive_after("pausing a cursor").await;
        cursors.resume(&id, later()).await.unwrap();
        late.arrive_after("resuming a cursor").await;
    }
    let claim = cursors.claim(&id, later()).await.unwrap().unwrap();
    cursors.drop(&claim).await.unwrap();
    late.arrive_after("dropping a cursor").await;

    let (id, event) = (cursor(Some(3)), EventId { object_id: paid.id.into(), sequence: 3 });
    for _ in 0..2 {
        cursors.replay(&id, &event, later()).await.unwrap();
        late.arrive_after("replaying an event").await;
        let mut claim = cursors.claim(&id, later()).await.unwrap().unwrap();
        assert_eq!(cursors.finish(&mut claim, 3).await.unwrap(), Finished::Done);
        late.arrive_after("having replayed an event").await;
    }
    let (id, event) = (cursor(Some(1)), EventId { object_id: paid.id.into(), sequence: 1 });
    assert_eq!(cursors.advance(&cursor(None), 1, later(), None).await.unwrap(), crate::Advanced::Missed);
    assert!(cursors.replay_missed(&id, &event, later()).await.unwrap());
    assert!(!cursors.replay_missed(&id, &event, later()).await.unwrap());
    let mut claim = cursors.claim(&id, later()).await.unwrap().unwrap();
    assert_eq!(cursors.finish(&mut claim, 1).await.unwrap(), Finished::Done);
    late.arrive_after("having replayed a missed event").await;
}

async fn mails(late: &Late, paid: &Session, now: Timestamp) {
    let mails = Mails::new(late.table.clone());
    let id = MailId { topic: MailTopic::Receipt(paid.id), sequence: 5 };
    mails.put(&id, now).await.unwrap();
    let claim = mails.claim(&id, now).await.unwrap().unwrap();
    late.arrive_after("claiming a mail").await;
    mails.put_off(&claim, now + seconds(1)).await.unwrap();
    late.arrive_after("putting a mail off").await;
    let claim = mails.claim(&id, now + seconds(1)).await.unwrap().unwrap();
    late.arrive_after("claiming a mail that was put off").await;
    mails.retry_at(&claim, now + seconds(60)).await.unwrap();
    late.arrive_after("rescheduling a mail").await;
    let mut at = now + seconds(60);
    for message in ["first", "second"] {
        let claim = mails.claim(&id, at).await.unwrap().unwrap();
        mails.sent(&claim, message, at + seconds(1)).await.unwrap();
        late.arrive_after("sending a mail").await;
        mails.note(&id, MailFeedback::Bounced, at + seconds(2)).await.unwrap();
        late.arrive_after("noting a mail's feedback").await;
        Bounces::new(late.table.clone()).note(&id, at + seconds(2)).await.unwrap();
        late.arrive_after("noting that a mail did not arrive").await;
        assert_eq!(mails.resend(&id, at + seconds(3)).await.unwrap(), Resent::Due);
        late.arrive_after("sending a mail again").await;
        at += seconds(10);
    }
    for _ in 0..2 {
        let claim = mails.claim(&id, at).await.unwrap().unwrap();
        mails.failed(&claim, at + seconds(1)).await.unwrap();
        late.arrive_after("giving a mail up").await;
        assert_eq!(mails.resend(&id, at + seconds(3)).await.unwrap(), Resent::Due);
        assert_eq!(mails.resend(&id, at + seconds(4)).await.unwrap(), Resent::WasDue);
        late.arrive_after("sending a mail again that was given up").await;
        at += seconds(10);
        let claim = mails.claim(&id, at).await.unwrap().unwrap();
        mails.not_needed(&claim, at + seconds(1)).await.unwrap();
        late.arrive_after("marking a mail as not needed").await;
        assert_eq!(mails.resend(&id, at + seconds(3)).await.unwrap(), Resent::Due);
        late.arrive_after("sending a mail again that was not needed").await;
        at += seconds(10);
    }
    let claim = mails.claim(&id, at).await.unwrap().unwrap();
    mails.sent(&claim, "third", at).await.unwrap();
    late.arrive_after("sending a mail for good").await;
}

fn endpoint(owner: &Owner, now: Timestamp, secret: &str) -> Endpoint {
    Endpoint {
        merchant_id: owner.merchant_id.clone(),
        mode: owner.mode,
        created_at: now,
        secret: EndpointSecret::new(secret.to_owned()),
        ..samples::endpoint()
    }
}

async fn endpoints(late: &Late, owner: &Owner, now: Timestamp) {
    let endpoints = Endpoints::new(late.table.clone());
    let merchant = &owner.merchant_id;
    let registration = Registration { name: EndpointId::new(samples::uuid()), fingerprint: Fingerprint([6; 32]) };
    let register =
        async |secret: &str| match endpoints.create(&endpoint(owner, now, secret), Some(registration)).await.unwrap() {
            EndpointCreated::New(endpoint) => endpoint.id,
            other @ (EndpointCreated::Existing(..) | EndpointCreated::TooMany) => panic!("{other:?}"),
        };
    let first = register("first").await;
    late.arrive_after("registering an endpoint").await;
    assert!(endpoints.delete(owner, &first).await.unwrap());
    late.arrive_after("removing an endpoint").await;
    assert!(!endpoints.delete(owner, &first).await.unwrap());
    let id = register("second").await;
    assert_ne!(id, first);
    late.arrive_after("registering an endpoint by the same key").await;
    let other = endpoints.create(&endpoint(owner, now, "other"), None).await.unwrap();
    assert!(matches!(other, EndpointCreated::New(_)));

    let mut at = now;
    let mut later = || {
        at += seconds(1);
        at
    };
    let mut change = async |change: EndpointChange, what: &str| {
        endpoints.change(owner, &id, change, later(), None).await.unwrap();
        late.arrive_after(what).await;
    };
    for _ in 0..2 {
        let enabled = |enabled| EndpointChange { enabled: Some(enabled), ..EndpointChange::default() };
        change(enabled(false), "disabling an endpoint").await;
        change(enabled(true), "enabling an endpoint").await;
        for url in ["https://example.com/b", "https://example.com/a"] {
            let url = Some(url.to_owned().try_into().unwrap());
            change(EndpointChange { url, ..EndpointChange::default() }, "moving an endpoint").await;
        }
    }
    for secret in ["third", "fourth"] {
        for again in ["", "again"] {
            let secret = EndpointSecret::new(format!("{secret}{again}"));
            endpoints.rotate(owner, &id, &secret, now).await.unwrap();
            late.arrive_after("replacing a secret").await;
        }
        endpoints.finish_rotation(owner, &id, None).await.unwrap();
        late.arrive_after("ending the replacement of a secret").await;
    }
    let acts = late.acts();
    let act = |what| acts.write(&samples::act(merchant, owner.mode, what, ActObject::Endpoint(id))).unwrap();
    let seen = endpoints.get(merchant, &id).await.unwrap().unwrap().rotations;
    let secret = EndpointSecret::new("fifth".to_owned());
    let rotated = endpoints.rotate_once(owner, &id, &secret, now, seen, &act(ActKind::SecretRolled)).await.unwrap();
    assert!(rotated.is_some());
    late.arrive_after("replacing a secret by a person").await;
    endpoints.finish_rotation(owner, &id, Some(&act(ActKind::WebhookChanged))).await.unwrap();
    late.arrive_after("ending the replacement of a secret by a person").await;
    let find = async || endpoints.look_up(merchant, &id).await.unwrap().unwrap();
    for round in 0_i64..2 {
        let at = |after: i64| now + seconds(1000 * round + after);
        let (found, slots) = find().await;
        let (found, slot) = endpoints.claim_slot(&found, slots, at(0)).await.unwrap().unwrap();
        assert!(endpoints.gone(&found, &slot).await.unwrap());
        endpoints.free_slot(&found, slot).await.unwrap();
        late.arrive_after("disabling an endpoint that is gone").await;
        assert_eq!(find().await.0.disabled_by, Some(DisabledBy::Gone));
        let enabled = EndpointChange { enabled: Some(true), ..EndpointChange::default() };
        endpoints.change(owner, &id, enabled, at(100), None).await.unwrap();
        late.arrive_after("enabling an endpoint that was gone").await;
        endpoints.resumed(merchant, &id, at(300)).await.unwrap();
        late.arrive_after("ending a resumption").await;
        assert!(endpoints.resume(merchant, &id, at(400), None).await.unwrap());
        late.arrive_after("resuming an endpoint").await;
    }
    let at = now + seconds(5000);
    for round in 0..3 {
        let (found, slots) = find().await;
        let (found, mut slot) = endpoints.claim_slot(&found, slots, at + seconds(round)).await.unwrap().unwrap();
        late.arrive_after("claiming a slot").await;
        if round < 2 {
            endpoints.failed(&found, &mut slot, at, at + seconds(round), 0.5, None).await.unwrap();
            late.arrive_after("counting a failure").await;
        } else {
            slot.accepted = true;
        }
        endpoints.free_slot(&found, slot).await.unwrap();
        late.arrive_after("freeing a slot").await;
        assert_eq!(find().await.0.failures, [1, 2, 0][usize::try_from(round).unwrap()]);
    }
}

/// Does everything to a test clock and what follows it.
async fn test_clocks(late: &Late, owner: &Owner, now: Timestamp) {
    let (clocks, sessions) = (TestClocks::new(late.table.clone()), Sessions::new(late.table.clone()));
    let merchant = &owner.merchant_id;
    let clock = support::test_clock(owner, now);
    clocks.create(&clock).await.unwrap();
    late.arrive_after("making a test clock").await;
    let session = support::on_clock(&clock, owner, Some(support::payer()));
    assert!(matches!(sessions.create(session.clone(), None).await.unwrap(), Created::New(_)));
    late.arrive_after("adding a session to a test clock").await;
    let cursor = CursorId {
        object_id: session.id.into(),
        merchant_id: merchant.clone(),
        endpoint_id: EndpointId::new(Uuid::nil()),
        replay_of: None,
    };
    let events = Events::new(late.table.clone());
    let event = StoredEvent::new(Object::Session(Box::new(session.clone())), 1);
    events.put(&event).await.unwrap();
    events.note_published(&event.id()).await.unwrap();
    late.arrive_after("noting that an event is published").await;
    let cursors = Cursors::new(late.table.clone());
    let mut real_now = now;
    for (round, to) in [(1, seconds(60)), (2, seconds(120))] {
        let to = now + to;
        let shown = clocks.get(merchant, clock.id, now).await.unwrap().unwrap().now;
        assert!(matches!(clocks.advance(merchant, clock.id, shown, to).await.unwrap(), ClockAdvanced::Going));
        late.arrive_after("advancing a test clock").await;
        for at in [shown + seconds(30), to] {
            let from = clocks.get(merchant, clock.id, now).await.unwrap().unwrap().now;
            clocks.step(clock.id, from, at).await.unwrap();
            late.arrive_after("moving a test clock").await;
            let moved = clocks.get(merchant, clock.id, now).await.unwrap().unwrap();
            for follower in clocks.followers_of(moved.sessions).await.unwrap() {
                clocks.copy(&follower, at).await.unwrap();
                late.arrive_after("moving what follows a test clock").await;
            }
        }
        clocks.arrive(clock.id, to).await.unwrap();
        late.arrive_after("ending the advance of a test clock").await;
        let on_clock = models::OnClock { id: clock.id, now: to };
        for sequence in [2 * round - 1, 2 * round] {
            let mut at = || {
                real_now += seconds(1);
                real_now
            };
            let advanced = cursors.advance(&cursor, sequence, at(), Some(&on_clock)).await.unwrap();
            assert_eq!(advanced, crate::Advanced::New);
            let claim = cursors.claim(&cursor, at()).await.unwrap().unwrap();
            late.arrive_after("claiming a cursor by a test clock").await;
            // It stands still: what is due again is due at the same time.
            cursors.retry_at(&claim, to, 1, to).await.unwrap();
            late.arrive_after("rescheduling a cursor by a test clock").await;
            let mut claim = cursors.claim(&cursor, at()).await.unwrap().unwrap();
            assert_eq!(cursors.finish(&mut claim, sequence).await.unwrap(), Finished::Done);
            late.arrive_after("finishing with a cursor by a test clock").await;
        }
    }
    let changed = Change {
        session_id: session.id,
        event: SessionEvent::CancelledByMerchant,
        at: now + seconds(1),
        write_id: samples::write_id(),
    };
    sessions.record(changed, Some(owner), None, None).await.unwrap();
    late.arrive_after("cancelling what follows a test clock").await;
    let deleted = clocks.delete(merchant, clock.id, now).await.unwrap();
    assert_eq!(deleted, crate::ClockDeleted::Now(vec![session.id]));
    late.arrive_after("deleting a test clock").await;
}

async fn customers(late: &Late, owner: &Owner, now: Timestamp) {
    let (customers, counts) = (Customers::new(late.table.clone()), Counts::new(late.table.clone()));
    let created = async || {
        let customer = samples::customer(&owner.merchant_id, owner.mode, now);
        customers.create(customer.clone(), Some(Fingerprint([7; 32]))).await.unwrap();
        late.arrive_after("creating a customer").await;
        customer
    };
    let customer = created().await;
    for (second, name) in [(1, "Ada"), (2, "Bea"), (3, "Ada")] {
        let renamed = |customer| Ok::<_, StoreError>(Customer { name: Some(samples::name(name)), ..customer });
        customers.change(&customer.id, owner, now + seconds(second), None, renamed).await.unwrap();
        late.arrive_after("changing a customer").await;
        customers.note_session(&customer.id, now + seconds(10 * second)).await.unwrap();
        late.arrive_after("noting a customer's session").await;
    }
    assert!(customers.delete(&customer.id, owner, now + seconds(50)).await.unwrap());
    late.arrive_after("deleting a customer").await;
    let other = created().await;
    let erasures = Erasures::new(late.table.clone());
    assert_eq!(erasures.erase_customer(&other.id, Some(now), now).await.unwrap(), Erased::Done);
    late.arrive_after("erasing a customer").await;
    for (customer, came) in [(&customer, true), (&other, true), (&customer, false)] {
        counts.note(vec![support::count_change(customer, came)], now).await.unwrap();
        late.arrive_after("counting").await;
    }
    let owner = Owner { format: Some(customer.format), ..owner.clone() };
    assert_eq!(counts.of(&owner, Counted::Customers).await.unwrap(), 1);
}

/// Everything by which the session can be found leads to it, and nothing else does.
async fn is_found(late: &Late, session: &Session, by_email: bool, is: bool) {
    let pointers = Pointers::new(late.table.clone());
    let found = async |sought| {
        let range = ListRange { limit: 100, ..ListRange::default() };
        let page = pointers.find(&session.merchant_id, session.mode, &sought, range).await.unwrap();
        page.items.contains(&session.id)
    };
    assert_eq!(found(Sought::Reference(session.reference.clone())).await, is);
    assert_eq!(found(Sought::EndToEnd(session.end_to_end_id)).await, is);
    assert_eq!(found(Sought::Email(support::payer().email.unwrap())).await, is && by_email);
}

/// Points to sessions, before and after they are deleted; of erased ones, see [`the_end`].
async fn pointers(late: &Late, owner: &Owner, now: Timestamp) {
    let (pointers, sessions) = (Pointers::new(late.table.clone()), Sessions::new(late.table.clone()));
    let session = support::new_session(owner, now, None, 400);
    // What is refused now may be done later, and is not recorded.
    let too_early = Pointers::new(late.world.table.clone());
    assert!(!too_early.put_for(&session).await.unwrap(), "not there yet");
    sessions.create(session.clone(), None).await.unwrap();
    let identified = Change {
        session_id: session.id,
        event: SessionEvent::PayerIdentified,
        at: now + seconds(1),
        write_id: samples::write_id(),
    };
    let known = sessions.identify_payer(identified, &support::payer()).await.unwrap().session;
    assert!(!too_early.put_email_of(&known).await.unwrap(), "before the others");
    is_found(late, &known, false, false).await;
    assert!(pointers.put_for(&session).await.unwrap());
    late.arrive_after("pointing to a session").await;
    is_found(late, &known, false, true).await;
    for _ in 0..2 {
        assert!(pointers.put_email_of(&known).await.unwrap());
        late.arrive_after("pointing to a session by its payer").await;
    }
    assert!(pointers.put_for(&known).await.unwrap());
    late.arrive_after("pointing to a session again").await;
    is_found(late, &known, true, true).await;
    sessions.delete(known.id, owner, now + seconds(2), samples::write_id(), None).await.unwrap();
    late.arrive_after("deleting what is pointed to").await;
    is_found(late, &known, true, false).await;
    assert!(!pointers.put_for(&known).await.unwrap() && !pointers.put_email_of(&known).await.unwrap());
    is_found(late, &known, true, false).await;
}

/// Notes what ended, and has its day added up and counted again.
async fn endings(late: &Late, owner: &Owner, now: Timestamp) {
    let endings = Endings::new(late.table.clone());
    let at = now - SignedDuration::from_hours(72);
    for round in 1..=3 {
        let mut session = support::new_session(owner, at, None, 400);
        samples::happen(&mut session, SessionEvent::CancelledByPayer, at);
        let session = Object::Session(Box::new(session));
        for _ in 0..2 {
            endings.note(&session, now).await.unwrap();
            late.arrive_after("noting how something ended").await;
        }
        let days = endings.last_days(owner, ListShards::default(), 4, now, &|| true).await.unwrap().days;
        assert_eq!(days[0].1.as_ref().unwrap().payments().ended, round);
        late.arrive_after("adding a day up").await;
    }
}

/// Does everything to people, their links and their visits.
async fn people(late: &Late, owner: &Owner, now: Timestamp) {
    let (people, visits) = (People::new(late.table.clone()), Visits::new(late.table.clone()));
    let merchant = &owner.merchant_id;
    let person = |email: &str, role, at| Person {
        merchant_id: merchant.clone(),
        email: email.to_owned().try_into().unwrap(),
        role,
        added_at: at,
        visits_from: at,
    };
    let boss = person("boss@shop.example", Role::Own, now);
    assert_eq!(people.add(&boss, None).await.unwrap(), PeopleChanged::Done(boss.clone()));
    late.arrive_after("adding an owner").await;
    for round in 0_i64..2 {
        let mut at = now + seconds(10_000 * round);
        let ada = person("Ada@shop.example", Role::Look, at);
        assert_eq!(people.add(&ada, None).await.unwrap(), PeopleChanged::Done(ada.clone()));
        late.arrive_after("adding a person").await;
        for (from, to) in [(Role::Look, Role::Own), (Role::Own, Role::Refund)] {
            let changed = people.change_role(merchant, &ada.email, from, to, None).await.unwrap();
            assert!(matches!(changed, PeopleChanged::Done(_)));
            late.arrive_after("changing a role").await;
        }
        for minutes in [1, 2, 20, 21, 40] {
            let asked = people.ask_link(merchant, &ada.email, at + seconds(60 * minutes)).await.unwrap();
            assert_eq!(asked, LinkAsked::Granted);
            late.arrive_after("asking for a link").await;
        }
        let asked = SignInRequest {
            email: ada.email.clone(),
            base_url: "https://pay.example.com".to_owned(),
            back: "/console/test/payments".to_owned(),
            locale: Some(samples::text("cy")),
            at,
        };
        let (mails, id) = (LinkMails::new(late.table.clone()), LinkMailId::new(samples::uuid()));
        mails.put(id, &asked).await.unwrap();
        late.arrive_after("putting a mail with a sign-in link").await;
        for tried in [1, 100, 300] {
            let claim = mails.claim(id, at + seconds(tried)).await.unwrap().unwrap();
            late.arrive_after("claiming it").await;
            assert!(mails.claim(id, at + seconds(tried + 60)).await.unwrap().is_none(), "it is somebody's");
            if tried == 300 {
                mails.end(&claim).await.unwrap();
            } else {
                let again_at = at + seconds(tried + 90);
                mails.put_back(&claim, merchant.as_str(), at + seconds(tried + 70), again_at).await.unwrap();
            }
            late.arrive_after("sending it, or not").await;
        }
        assert!(mails.claim(id, at + seconds(1000)).await.unwrap().is_none(), "it is done");
        let (oidc, state) = (OidcRequests::new(late.table.clone()), StateToken::new(&late.table.random));
        let (browser, vouched) = (BrowserToken::new(&late.table.random), VisitToken::new(&late.table.random));
        oidc.put(&state, &browser, "/console/test/payments", false, at).await.unwrap();
        late.arrive_after("beginning a sign-in at an issuer").await;
        assert!(oidc.use_up(&state, &browser, at + seconds(1)).await.unwrap().is_some());
        late.arrive_after("coming back from it").await;
        assert!(oidc.use_up(&state, &browser, at + seconds(2)).await.unwrap().is_none(), "once");
        let (choices, token) = (OidcChoices::new(late.table.clone()), ChoiceToken::new(&late.table.random));
        let choice = OidcChoice {
            email: ada.email.clone(),
            access: vec![Access { merchant_id: merchant.clone(), role: Role::Refund }],
            authenticated_at: Some(at),
            back: "/console/test/payments".to_owned(),
        };
        choices.put(&token, &browser, &choice, at).await.unwrap();
        late.arrive_after("letting somebody choose a merchant").await;
        assert!(choices.use_up(&token, &browser, merchant, at + seconds(1)).await.unwrap().is_some());
        late.arrive_after("choosing one").await;
        assert!(choices.use_up(&token, &browser, merchant, at + seconds(2)).await.unwrap().is_none(), "once");
        assert!(visits.begin_vouched(&ada, at, true, &vouched, at + seconds(2), None).await.unwrap().is_some());
        late.arrive_after("signing in by it").await;
        for visit in 0..2 {
            let (link, cookie) = (LinkToken::new(&late.table.random), VisitToken::new(&late.table.random));
            at += seconds(100);
            visits.make_link(&link, merchant, &ada.email, at).await.unwrap();
            late.arrive_after("making a link").await;
            let found = visits.find_link(&link, at).await.unwrap().unwrap();
            assert!(visits.begin(&link, &found, &cookie, at + seconds(1), None).await.unwrap().is_some());
            late.arrive_after("using a link").await;
            for after in [2, 70, 140] {
                assert!(visits.find(&cookie, at + seconds(after)).await.unwrap().is_some());
                late.arrive_after("noting that a visit goes on").await;
            }
            at += seconds(200);
            if visit == 0 {
                visits.end(&cookie, at, None).await.unwrap();
                late.arrive_after("ending a visit").await;
            }
            assert!(people.end_visits(merchant, &ada.email, at, None).await.unwrap());
            late.arrive_after("ending all visits").await;
            assert!(visits.find(&cookie, at).await.unwrap().is_none());
        }
        assert!(matches!(people.remove(merchant, &ada.email, None).await.unwrap(), PeopleChanged::Done(_)));
        late.arrive_after("removing a person").await;
    }
    assert_eq!(people.remove(merchant, &boss.email, None).await.unwrap(), PeopleChanged::LastOwner);
}

async fn ledger(late: &Late) {
    let ledger = MockLedger::new(late.table.clone());
    let payment = models::EndToEndId::new(samples::uuid());
    let decided = Decided::from(Decision::Approve);
    ledger.put(payment, Entry::Decision(1), decided).await.unwrap();
    let order = Order {
        idempotency_key: "key".to_owned(),
        body: "body".to_owned(),
        decided,
        submitted_at: Timestamp::UNIX_EPOCH,
    };
    for attempt in [None, Some(2)] {
        assert_eq!(ledger.put(payment, Entry::Order(attempt), order.clone()).await.unwrap(), order);
    }
    let begun = Payment {
        idempotency_key: "key".to_owned(),
        body_sha256: "digits".to_owned(),
        amount_minor: 400,
        currency: "GBP".to_owned(),
    };
    ledger.put(payment, Entry::Begun(1), begun).await.unwrap();
    // Consent and cancelling race for one entry.
    let concluded = |conclusion| Concluded { conclusion, at: Timestamp::UNIX_EPOCH };
    let [consent, cancelling] = [Conclusion::Decided(decided), Conclusion::Cancelled].map(concluded);
    assert_eq!(ledger.put(payment, Entry::Conclusion(1), consent.clone()).await.unwrap(), consent);
    assert_eq!(ledger.put(payment, Entry::Conclusion(1), cancelling.clone()).await.unwrap(), consent);
    assert_eq!(ledger.put(payment, Entry::Conclusion(2), cancelling.clone()).await.unwrap(), cancelling);
    assert_eq!(ledger.concluded(payment, 2).await.unwrap(), Some(cancelling));
    let refund = RefundOrder {
        idempotency_key: "key".to_owned(),
        body: "body".to_owned(),
        amount_minor: 100,
        asked_at: Timestamp::UNIX_EPOCH,
    };
    ledger.put(payment, Entry::Refund { attempt: 1, position: 1 }, refund).await.unwrap();
    late.arrive_after("keeping the mock bank's ledger").await;
}

/// Marks and erases.
async fn the_end(late: &Late, paid: &Session, now: Timestamp) {
    let path = ObjectPath::Session(paid.id);
    let since = |since| Span { since, until: None };
    for first in [paid.created_at, paid.created_at + SignedDuration::from_millis(1), paid.created_at] {
        assert!(matches!(late.table.republish(&path, since(first)).await.unwrap(), Marked::From(_)));
        late.arrive_after("marking to be published again").await;
    }
    let pointers = Pointers::new(late.table.clone());
    let whole: Session = Sessions::new(late.table.clone()).get(&paid.id).await.unwrap().unwrap();
    assert!(pointers.put_for(&whole).await.unwrap());
    late.arrive_after("pointing to what was paid").await;
    is_found(late, &whole, true, true).await;
    let erasures = Erasures::new(late.table.clone());
    let day_later = now + SignedDuration::from_hours(25);
    assert_eq!(erasures.erase_alone(&paid.id, day_later).await.unwrap(), Erased::Done);
    late.arrive_after("erasing").await;
    let session: Session = Sessions::new(late.table.clone()).get(&paid.id).await.unwrap().unwrap();
    assert!(session.payer.is_none() && session.erased_at.is_some());
    assert_eq!(session.payee, paid.payee, "the merchant stays");
    is_found(late, &whole, true, false).await;
    assert!(!pointers.put_for(&whole).await.unwrap() && !pointers.put_email_of(&whole).await.unwrap());
    is_found(late, &whole, true, false).await;
    let gone = SessionId::new(samples::uuid());
    assert_eq!(erasures.erase_alone(&gone, day_later).await.unwrap(), Erased::NotFound);
}

/// Nothing writes but through the three functions that say what they write. That no other crate talks to DynamoDB,
/// tests/imports.rs holds.
#[test]
fn only_what_names_its_kind_can_write() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = |folder: &std::path::Path| -> Vec<std::path::PathBuf> {
        let mut found = vec![folder.to_owned()];
        let mut files = Vec::new();
        while let Some(folder) = found.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    found.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    files.push(path);
                }
            }
        }
        files
    };
    let writes = [".put_item()", ".update_item()", ".delete_item()", ".transact_write_items()", ".batch_write_item()"];
    let statements = [".execute_statement()", ".execute_transaction()", ".batch_execute_statement()"];
    let mut found: Vec<String> = Vec::new();
    for path in sources(&folder.join("src")).iter().filter(|path| !path.ends_with("write/tests.rs")) {
        let text = std::fs::read_to_string(path).unwrap();
        for call in writes.into_iter().chain(statements) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            found.extend(std::iter::repeat_n(format!("{name}{call}"), text.matches(call).count()));
        }
    }
    found.sort();
    assert_eq!(found, ["table.rs.put_item()", "transaction.rs.transact_write_items()", "update.rs.update_item()"]);
}
