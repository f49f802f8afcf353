//! What tests are made of: sessions, refunds, merchants and webhook endpoints, as they come to be.

#![allow(clippy::unwrap_used, reason = "only for tests")]

mod qr;
mod scripts;
mod texts;

use std::fmt::Debug;

use jiff::{SignedDuration, Timestamp};
use models::{
    AccountIdentifier, Act, ActId, ActKind, ActObject, ActOutcome, Actor, ApiKeyId, Application, AtConsent, AttemptEnd,
    Creation, Currency, Customer, CustomerId, EndToEndId, Endpoint, EndpointId, EndpointSecret, Extra, LineItem,
    LinkedAccount, ListShard, ListSharding, Merchant, MerchantId, Metadata, MinorUnits, Mode, Money, Name, NewRefund,
    NewSession, Pace, Payee, Payer, PaymentAttempt, ProviderRequest, RefundAtProvider, RefundCreation, RefundId,
    Session, SessionEvent, SessionId, Shop, Submission, Subscription, WireFormat, WriteId, transition,
};
use uuid::Uuid;

pub use qr::read_qr;
pub use scripts::prose_in;
pub use texts::{ends_alike, has_french_spaces, has_quotes_of_print, placeholders};

/// The time of every test that has no clock; what is made here is created then.
pub const NOW: Timestamp = Timestamp::constant(1_772_000_000, 0);

/// Who pays once they are known.
pub const PAYER_NAME: &str = "Gerald Wiley";
/// Their address.
pub const PAYER_EMAIL: &str = "gerald.wiley@example.com";

/// Where the checkout is.
pub const BASE_URL: &str = "http://pay.example";

/// This many seconds after [`NOW`].
pub fn later(seconds: i64) -> Timestamp {
    NOW + SignedDuration::from_secs(seconds)
}

/// The system's time, to the millisecond: for what lives in a table.
pub fn now() -> Timestamp {
    models::truncate_to_ms(Timestamp::now())
}

/// An id that nothing else has.
pub fn uuid() -> Uuid {
    Uuid::new_v4()
}

/// A write id that no other write has.
pub fn write_id() -> WriteId {
    Uuid::new_v4().into()
}

/// A text that has rules, like a name or a URL.
pub fn text<T: TryFrom<String, Error: Debug>>(text: &str) -> T {
    text.to_owned().try_into().unwrap()
}

/// A name.
pub fn name(name: &str) -> Name {
    text(name)
}

/// Someone with an account in the United Kingdom.
pub fn payee(name: &str, sort_code: &str, account_number: &str) -> Payee {
    Payee { name: text(name), account: AccountIdentifier::uk(sort_code, account_number).unwrap() }
}

/// Someone with an address for mails.
pub fn payer(name: &str, email: &str) -> Payer {
    Payer { name: text(name), email: Some(text(email)), phone: None }
}

/// An act's id that no other act has.
pub fn act_id(at: Timestamp) -> ActId {
    let ms = at.as_millisecond().try_into().unwrap();
    let [_, _, _, _, _, _, random @ ..] = uuid().into_bytes();
    ActId::new(uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid())
}

/// What Ada of the merchant's staff did just now.
pub fn act(merchant: &MerchantId, mode: Mode, what: ActKind, object: ActObject) -> Act {
    let at = now();
    Act {
        id: act_id(at),
        at,
        merchant_id: merchant.clone(),
        mode: Some(mode),
        who: Actor::Person(text("ada@shop.example")),
        what,
        object,
        reason: None,
        change: None,
        outcome: ActOutcome::Done,
        correlation_id: None,
    }
}

/// The merchant `demo`, with one linked account and no keys.
pub fn merchant() -> Merchant {
    let Payee { name, account } = payee("Gerald Wiley", "010203", "12345678");
    Merchant {
        id: "demo".parse().unwrap(),
        name: text("Demo"),
        idempotency_salt: [0; 32],
        list_sharding: ListSharding::default(),
        linked_accounts: vec![LinkedAccount { name, account, default: false, linked_at: None }],
        keys: vec![],
    }
}

/// What payers see of a shop: the name, and where it helps; a colour for light pages; a logo.
pub fn shop() -> Shop {
    let logo = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="#8a4b08" d="M9 10h6v12H9zM12 2c3 4 3 6 0 7-3-1-3-3 0-7z"/></svg>"##;
    Shop {
        support_email: Some(text("help@brightcandles.example")),
        website: Some(text("https://brightcandles.example")),
        colour: Some("#8a4b08".parse().unwrap()),
        logo: Some(logo.as_bytes().to_vec().try_into().unwrap()),
        ..Shop::new(name("Bright Candles"))
    }
}

/// An item in pounds without a description.
pub fn item(name: &str, minor: i64, quantity: u32) -> LineItem {
    let unit_price = Money::new(MinorUnits::new(minor), Currency::GBP);
    LineItem { name: text(name), description: None, unit_price, quantity }
}

/// What a merchant asks for: these items paid, with a receipt, by someone who isn't known.
pub fn new_session(line_items: Vec<LineItem>) -> NewSession {
    let amount = LineItem::sum(&line_items, Currency::GBP).unwrap();
    let payee = payee("Bright Candles Ltd", "010203", "12345678");
    NewSession {
        line_items,
        success_url: Some(text("https://shop.example/thanks?order=7")),
        error_url: Some(text("https://shop.example/sorry?order=7")),
        email_receipt: true,
        ..NewSession::new(WireFormat::Banked, amount, payee, Some(text("Illuminate")))
    }
}

/// What creation adds for `demo` in test mode, with ids of its own.
pub fn creation(at: Timestamp) -> Creation {
    Creation {
        id: SessionId::new(uuid()),
        end_to_end_id: EndToEndId::new(uuid()),
        merchant_id: "demo".parse().unwrap(),
        mode: Mode::Test,
        list_shard: ListShard::default(),
        at,
        test_clock: None,
        base_url: BASE_URL.to_owned(),
        write_id: write_id(),
    }
}

/// A session of these items that awaits its payer. It has the id of every session here that is in no table.
pub fn session_of(line_items: Vec<LineItem>) -> Session {
    Session::create(new_session(line_items), Creation { id: SessionId::new(Uuid::from_u128(7)), ..creation(NOW) })
}

fn two_items() -> Vec<LineItem> {
    vec![item("Pillar candle", 150, 2), item("Box of matches", 100, 1)]
}

/// A session of two items, £4.00, that awaits its payer.
pub fn session() -> Session {
    session_of(two_items())
}

/// The same with an id of its own, created then: for a table.
pub fn session_at(at: Timestamp) -> Session {
    Session::create(new_session(two_items()), creation(at))
}

/// The same in another currency.
pub fn in_currency(mut session: Session, currency: Currency) -> Session {
    let of = |money: Money| Money::new(money.minor_units(), currency);
    session.amount = of(session.amount);
    session.line_items.iter_mut().for_each(|item| item.unit_price = of(item.unit_price));
    session
}

/// [`session`] after these events.
pub fn session_after(events: &[SessionEvent]) -> Session {
    let mut session = session();
    events.iter().for_each(|event| happen(&mut session, *event, NOW));
    session
}

/// What `event` does to a session, with all that it brings.
pub fn happen(session: &mut Session, event: SessionEvent, at: Timestamp) {
    session.state = transition(session.state, event).unwrap();
    session.history.append(session.state, at, event, write_id());
    if event == SessionEvent::PayerIdentified {
        session.payer = Some(payer(PAYER_NAME, PAYER_EMAIL));
    }
    if event == SessionEvent::BankChosen {
        session.attempt = Some(attempt(session.id, session.attempt_number() + 1));
    }
    let at_consent = session.attempt.as_ref().is_some_and(|attempt| attempt.at_consent.is_some());
    if event == SessionEvent::ConsentGiven && !at_consent {
        session.submission = Some(submission(at));
    }
    if event == SessionEvent::AttemptEnded {
        session.submission = None;
        session.attempt.iter_mut().for_each(|attempt| attempt.ended = Some(AttemptEnd::DeclinedByBank));
    }
}

/// The payer's attempt of this number, at the mock bank.
pub fn attempt(session_id: SessionId, number: u8) -> PaymentAttempt {
    PaymentAttempt {
        number,
        bank: "mock-bank".parse().unwrap(),
        redirect_url: format!("{BASE_URL}/mock-bank/{session_id}/{number}"),
        provider_state: number.to_string(),
        at_consent: None,
        ended: None,
    }
}

/// The payer's attempt of this number at a provider that moves the money when they consent, begun then; the provider has not
/// answered.
pub fn attempt_at_consent(session_id: SessionId, number: u8, begun_at: Timestamp) -> PaymentAttempt {
    let request = ProviderRequest { idempotency_key: format!("begin-{number}"), body: "{}".to_owned() };
    PaymentAttempt {
        bank: "consent-bank".parse().unwrap(),
        redirect_url: format!("{BASE_URL}/checkout/{session_id}/bank/{number}"),
        provider_state: String::new(),
        at_consent: Some(AtConsent { begun_at, request, payment_id: None, transfer: None }),
        ..attempt(session_id, number)
    }
}

/// What the payer's bank is asked for once they have consented.
pub fn submission(submitted_at: Timestamp) -> Submission {
    Submission { idempotency_key: "submit".to_owned(), body: "{}".to_owned(), submitted_at }
}

/// A customer that says all that one may, as it is created at `at`.
pub fn customer(merchant_id: &MerchantId, mode: Mode, at: Timestamp) -> Customer {
    Customer {
        id: CustomerId::new(uuid()),
        merchant_id: merchant_id.clone(),
        mode,
        format: WireFormat::Yorlet,
        list_shard: ListShard::default(),
        created_at: at,
        changed_at: at,
        email: text(PAYER_EMAIL),
        name: Some(name(PAYER_NAME)),
        phone: Some(text("+44 20 7946 0999")),
        metadata: Metadata::default(),
        extra: Some(Extra::new(r#"{"description":"A tenant"}"#.to_owned()).unwrap()),
    }
}

/// What a caller asks for of a refund: this amount, or what is left.
pub fn new_refund(session: &Session, minor: Option<i64>) -> NewRefund {
    NewRefund { amount: minor.map(MinorUnits::new), ..NewRefund::of(session.id) }
}

/// What creation adds to a refund, with ids of its own.
pub fn refund_creation(at: Timestamp) -> RefundCreation {
    RefundCreation {
        id: RefundId::new(uuid()),
        payment_session_id: SessionId::new(uuid()),
        end_to_end_id: EndToEndId::new(uuid()),
        at,
        base_url: BASE_URL.to_owned(),
        at_provider: None,
        write_id: write_id(),
    }
}

/// What asks the provider of [`attempt_at_consent`] for a refund.
pub fn refund_at_provider(refund_id: RefundId) -> RefundAtProvider {
    let idempotency_key = format!("refund-{refund_id}");
    RefundAtProvider {
        provider: "consent-bank".parse().unwrap(),
        payment_id: "payment:1".parse().unwrap(),
        request: ProviderRequest { idempotency_key, body: "{}".to_owned() },
        id: None,
    }
}

/// An application of this key that has registered no key and no URL.
pub fn application(key_id: &ApiKeyId) -> Application {
    Application {
        key_id: key_id.clone(),
        public_keys: Vec::new(),
        redirect_urls: Vec::new(),
        signed: false,
        created_at: NOW,
    }
}

/// A test endpoint of `demo` for every event, with an id and a secret of its own, that has never failed.
pub fn endpoint() -> Endpoint {
    Endpoint {
        id: EndpointId::new(uuid()),
        merchant_id: "demo".parse().unwrap(),
        mode: Mode::Test,
        format: WireFormat::Banked,
        encoding: models::EventEncoding::Json,
        application: None,
        url: text("https://example.com/a"),
        description: None,
        events: Subscription::All,
        thin: false,
        disabled_by: None,
        created_at: NOW,
        secret: EndpointSecret::new(uuid().to_string()),
        rotations: 0,
        previous_secret: None,
        previous_secret_until: None,
        failures: 0,
        parked_until: None,
        pace: Pace::default(),
        faults: None,
    }
}
