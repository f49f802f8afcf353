//! What a payment writes, in units of DynamoDB: found by writing one, with the code that does it, to a table in memory.

use std::collections::BTreeMap;
use std::future::Future;
use std::ops::AddAssign;

use api::Json;
use api::banked::{Dialect, parse_create};
use aws_credential_types::Credentials;
use jiff::{SignedDuration, Timestamp};
use models::{
    Attempt, Creation, CursorId, EndToEndId, Endpoint, EndpointId, EndpointSecret, EventId, LinkedAccount, ListShards,
    Merchant, MerchantId, MinorUnits, Mode, Object, Payee, Payer, Scopes, Session, SessionEvent, SessionId, Submission,
    Subscription,
};
use serde_json::json;
use store::{
    Change, Changed, Cursors, DeliveryAttempt, Endpoints, Events, Item, Mails, Merchants, Sessions, StoredEvent, Table,
};

use crate::orders::document_1;

type Error = Box<dyn std::error::Error>;

const TABLE: &str = "Table";

/// Write units: of the table, and of what of the item is in its indexes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Units {
    pub(crate) table: u32,
    pub(crate) list: u32,
    pub(crate) due: u32,
}

impl AddAssign for Units {
    fn add_assign(&mut self, Self { table, list, due }: Self) {
        self.table += table;
        self.list += list;
        self.due += due;
    }
}

/// What is written when something happens to a session, all that follows included.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Writes {
    /// How many history entries it is, and so events.
    pub(crate) events: u32,
    /// The session itself.
    pub(crate) session: Units,
    /// Its events, by `publish`.
    pub(crate) event: Units,
    /// Its mails, by `publish` and `email-receipt`.
    pub(crate) mail: Units,
    /// The cursor of one webhook endpoint, when `publish` moves it on.
    pub(crate) told: Units,
    /// The same, when `webhook` delivers; and its note of that.
    pub(crate) delivered: Units,
}

/// What a session of document 1 costs.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weights {
    /// To create.
    pub(crate) begun: Writes,
    /// To let expire.
    pub(crate) expired: Writes,
    /// To pay: payer, bank, consent, settlement.
    pub(crate) paid: Writes,
    /// Write units to its endpoint's item for each delivery.
    pub(crate) slot: u32,
    /// Read units to read all endpoints of a merchant that has one.
    pub(crate) endpoints_read: u32,
    /// Read units to read a merchant with a key and an account.
    pub(crate) merchant_read: u32,
}

/// Writes one session of each kind.
pub(crate) async fn weigh() -> Result<Weights, Error> {
    let scale = Scale::start().await?;
    let mut weights = Weights::default();
    let at = runtime::now();
    let merchant = scale.merchant().await?;
    weights.merchant_read = scale.read_units().await?;
    let endpoint = endpoint(&merchant.id, at)?;
    let endpoints = Endpoints::new(scale.table.clone());
    endpoints.create(&endpoint, None).await?;
    weights.endpoints_read = scale.read_units().await?.saturating_sub(weights.merchant_read).max(1);
    let (found, slots) = endpoints.look_up(&merchant.id, &endpoint.id).await?.ok_or("the endpoint is not there")?;
    let (taken, slot) = scale.weigh(endpoints.take_slot(&found, slots, at)).await?;
    let (found, slot) = slot.ok_or("no slot is free")?;
    let (freed, ()) = scale.weigh(endpoints.free_slot(&found, slot)).await?;
    weights.slot = taken.table + freed.table;

    let sessions = Sessions::new(scale.table.clone());
    let session = scale.begun(&mut weights.begun, &merchant, &endpoint, at).await?;
    let later = session.expires_at;
    let change = Change { at: later, ..Change::now(session.id, SessionEvent::TimePassed) };
    let expired = scale.weigh(sessions.record(change, None)).await?;
    scale.follow(&mut weights.expired, expired, &endpoint, later).await?;

    // With as much as a live bank gives and takes.
    let session = scale.begun(&mut Writes::default(), &merchant, &endpoint, at).await?;
    let change = |event| Change::now(session.id, event);
    let account = json!({ "name": "Ada Payer", "sort_code": "040506", "account_number": "87654321" });
    let account: Payee = serde_json::from_value(account)?;
    let payer = Payer { name: account.name.clone(), email: Some("ada@example.com".to_owned().try_into()?) };
    let attempt = Attempt {
        number: 1,
        bank: "mock-bank".parse()?,
        redirect_url: format!("https://bank.example.com/authorise?request={}", "x".repeat(80)),
        provider_state: "x".repeat(120),
    };
    let submission = Submission { idempotency_key: "x".repeat(40), body: "x".repeat(600), submitted_at: at };
    let identified = scale.weigh(sessions.identify_payer(change(SessionEvent::PayerIdentified), &payer)).await?;
    scale.follow(&mut weights.paid, identified, &endpoint, at).await?;
    let chosen = scale.weigh(sessions.choose_bank(change(SessionEvent::BankChosen), &attempt)).await?;
    scale.follow(&mut weights.paid, chosen, &endpoint, at).await?;
    let consent = change(SessionEvent::ConsentGiven);
    let ask_again_at = at.checked_add(SignedDuration::from_secs(30))?;
    let consented = scale.weigh(sessions.give_consent(consent, 1, &submission, ask_again_at)).await?;
    scale.follow(&mut weights.paid, consented, &endpoint, at).await?;
    let settled = scale.weigh(sessions.settle(change(SessionEvent::Settled), Some(&account))).await?;
    scale.follow(&mut weights.paid, settled, &endpoint, at).await?;
    Ok(weights)
}

/// A table in memory, by which writes are weighed.
struct Scale {
    table: Table,
    client: aws_sdk_dynamodb::Client,
}

type Snapshot = BTreeMap<(String, String), Item>;

impl Scale {
    async fn start() -> Result<Self, Error> {
        let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
        let attribute = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
        // Without its indexes: what they hold follows from the items.
        let table = json!({
            "TableName": TABLE,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [attribute("pk"), attribute("sk")],
            "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
        });
        let database = dynoxide::Database::memory()?;
        database.create_table(serde_json::from_value(table)?)?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        tokio::spawn(dynoxide::server::serve_on(listener, database));
        let credentials = Credentials::new("local", "local", None, None, "local");
        let config = runtime::aws_config_for(credentials, "local".to_owned(), Some(address))?;
        let client = aws_sdk_dynamodb::Client::new(&config);
        Ok(Self { table: Table::new(&config, TABLE.to_owned()), client })
    }

    async fn snapshot(&self) -> Result<Snapshot, Error> {
        let text = |item: &Item, name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        let items = self.client.scan().table_name(TABLE).send().await?.items.unwrap_or_default();
        Ok(items.into_iter().filter_map(|item| Some(((text(&item, "pk")?, text(&item, "sk")?), item))).collect())
    }

    /// What a write costs, and what it answers.
    async fn weigh<T, E: Into<Error>>(&self, write: impl Future<Output = Result<T, E>>) -> Result<(Units, T), Error> {
        let before = self.snapshot().await?;
        let answer = write.await.map_err(Into::into)?;
        let mut units = Units::default();
        for (key, item) in &self.snapshot().await? {
            units += written(before.get(key), item);
        }
        Ok((units, answer))
    }

    /// How many units a consistent read of all that is there costs.
    async fn read_units(&self) -> Result<u32, Error> {
        let bytes: usize = self.snapshot().await?.values().map(store::size_bytes).sum();
        Ok(u32::try_from(bytes.div_ceil(4096))?)
    }

    async fn merchant(&self) -> Result<Merchant, Error> {
        let merchants = Merchants::new(self.table.clone());
        let id: MerchantId = "candlesandsons".parse()?;
        merchants.create(&id, "Candles & Sons".to_owned().try_into()?, api::random_bytes()).await?;
        merchants.add_key(&api::issue_key(&id, Mode::Live, Scopes::ALL).key).await?;
        let account = serde_json::from_value(json!({ "sort_code": "010203", "account_number": "12345678" }))?;
        merchants.link_account(&id, &LinkedAccount { name: "Gerald Wiley".to_owned().try_into()?, account }).await?;
        Ok(merchants.get(&id).await?.ok_or("the merchant is not there")?)
    }

    /// A new session, and all that follows from it.
    async fn begun(
        &self,
        writes: &mut Writes,
        merchant: &Merchant,
        endpoint: &Endpoint,
        at: Timestamp,
    ) -> Result<Session, Error> {
        let session = session(merchant, at)?;
        let (units, _) = self.weigh(Sessions::new(self.table.clone()).create(session.clone(), None)).await?;
        let changed = Changed { session: session.clone(), repeated: false };
        self.follow(writes, (units, changed), endpoint, at).await?;
        Ok(session)
    }

    /// All that follows from a change of a session, and what that cost itself.
    async fn follow(
        &self,
        writes: &mut Writes,
        (units, Changed { session, .. }): (Units, Changed),
        endpoint: &Endpoint,
        at: Timestamp,
    ) -> Result<(), Error> {
        let (events, mails) = (Events::new(self.table.clone()), Mails::new(self.table.clone()));
        let cursors = Cursors::new(self.table.clone());
        let sequence = session.history.len();
        let object = Object::Session(Box::new(session));
        writes.events += 1;
        writes.session += units;
        writes.event += self.weigh(events.put(&StoredEvent::new(object.clone(), sequence))).await?.0;
        if let Some(mail) = object.mail_for(sequence) {
            writes.mail += self.weigh(mails.put(&mail, at)).await?.0;
            let (units, claim) = self.weigh(mails.claim(&mail, at)).await?;
            writes.mail += units;
            let claim = claim.ok_or("the mail can't be claimed")?;
            writes.mail += self.weigh(mails.sent(&claim, "0100018f00000000-message-id", at)).await?.0;
        }
        let (object_id, merchant_id) = (object.id(), endpoint.merchant_id.clone());
        let cursor = CursorId { object_id, merchant_id, endpoint_id: endpoint.id, replay_of: None };
        writes.told += self.weigh(cursors.advance(&cursor, sequence, at)).await?.0;
        let (units, claim) = self.weigh(cursors.claim(&cursor, at)).await?;
        writes.delivered += units;
        let attempt = DeliveryAttempt {
            endpoint_id: endpoint.id,
            at,
            latency_ms: 50,
            status: Some(200),
            answer: Some("{\"received\":true}".to_owned()),
            error: None,
        };
        writes.delivered += self.weigh(events.note(&EventId { object_id, sequence }, &attempt)).await?.0;
        let mut claim = claim.ok_or("the cursor can't be claimed")?;
        writes.delivered += self.weigh(cursors.finish(&mut claim, sequence)).await?.0;
        Ok(())
    }
}

/// What writing an item costs: of the larger of what was and what is, 1 KB a unit ("DynamoDB read and write operations").
fn written(before: Option<&Item>, after: &Item) -> Units {
    if before == Some(after) {
        return Units::default();
    }
    Units {
        table: kilobytes(before).max(kilobytes(Some(after))),
        list: moved(before, Some(after), |item| entry(item, ["list_pk", "list_sk"], true)),
        due: moved(before, Some(after), |item| entry(item, ["due_pk", "due_at"], false)),
    }
}

/// What an index costs by that: nothing if its entry stays as it is, one write if it comes, goes or changes, and two if its
/// key changes ("Using global secondary indexes", write capacity units).
fn moved(before: Option<&Item>, after: Option<&Item>, entry: impl Fn(&Item) -> Option<([String; 2], Item)>) -> u32 {
    match (before.and_then(&entry), after.and_then(&entry)) {
        (None, None) => 0,
        (Some((_, only)), None) | (None, Some((_, only))) => kilobytes(Some(&only)),
        (Some(before), Some(after)) if before == after => 0,
        (Some((key_before, before)), Some((key_after, after))) if key_before == key_after => {
            kilobytes(Some(&before)).max(kilobytes(Some(&after)))
        }
        (Some((_, before)), Some((_, after))) => kilobytes(Some(&before)) + kilobytes(Some(&after)),
    }
}

/// What of an item is in an index with this key, and its key there; nothing unless the item has both parts of it.
fn entry(item: &Item, key: [&str; 2], is_whole: bool) -> Option<([String; 2], Item)> {
    let [hash, range] = key.map(|name| item.get(name).and_then(|value| value.as_s().ok()).cloned());
    let projected = |name: &str| is_whole || ["pk", "sk"].contains(&name) || key.contains(&name);
    let projection = item.iter().filter(|(name, _)| projected(name)).map(|(name, value)| (name.clone(), value.clone()));
    Some(([hash?, range?], projection.collect()))
}

fn kilobytes(item: Option<&Item>) -> u32 {
    item.map_or(0, |item| u32::try_from(store::size_bytes(item).div_ceil(1024)).unwrap_or(u32::MAX))
}

fn endpoint(merchant: &MerchantId, at: Timestamp) -> Result<Endpoint, Error> {
    Ok(Endpoint {
        id: EndpointId::new(uuid::Uuid::new_v4()),
        merchant_id: merchant.clone(),
        mode: Mode::Live,
        url: "https://shop.example.com/hooks/payments".to_owned().try_into()?,
        description: None,
        events: Subscription::All,
        thin: false,
        disabled_by: None,
        created_at: at,
        secret: EndpointSecret::new(format!("whsec_{}", "x".repeat(44))),
        rotations: 0,
        previous_secret: None,
        previous_secret_until: None,
        failures: 0,
        parked_until: None,
        pace: models::Pace::default(),
    })
}

/// Document 1's ("Creating a payment session", section 2).
fn session(merchant: &Merchant, at: Timestamp) -> Result<Session, Error> {
    let request = document_1().to_string();
    let new = parse_create(
        &Json::read(request.as_bytes()).map_err(|error| format!("document 1's request is no JSON: {error:?}"))?,
        Dialect::of_path("/v2/payment_sessions"),
        merchant,
        MinorUnits::new(1000),
    )
    .map_err(|error| format!("document 1's request is refused: {error:?}"))?;
    let id = SessionId::new(uuid::Uuid::now_v7());
    let creation = Creation {
        id,
        end_to_end_id: EndToEndId::new(uuid::Uuid::new_v4()),
        merchant_id: merchant.id.clone(),
        mode: Mode::Live,
        list_shard: ListShards::MAX.shard_of(&id),
        at,
        base_url: "https://pay.example.com".to_owned(),
        write_id: store::new_write_id(),
    };
    Ok(Session::create(new, creation))
}
