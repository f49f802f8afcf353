//! The objects that the document's examples show, made by the code from the document's own requests.

use jiff::Timestamp;
use lambda_http::{Request, RequestExt};
use models::{
    AccountIdentifier, AmountCaps, Creation, Customer, CustomerCreation, CustomerId, Endpoint, EndpointSecret,
    LinkedAccount, Merchant, Mode, NewSession, Object, PayableAccounts, Refund, RefundCreation, RefundState, Session,
    SessionEvent, SessionId, Subscription, TestClock,
};
use serde_json::{Value, json};
use store::{DeliveryAttempt, StoredEvent};

use crate::banked::{Dialect, parse_create, parse_refund};
use crate::error::Refusal;
use crate::format::fill_in_return_urls;
use crate::json::Json;
use crate::session_request::SessionRequest;
use crate::test_clocks::parse_test_clock;
use crate::webhooks::parse_webhook;
use crate::{fintecture, yorlet};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Linked to document 2's two accounts.
pub(crate) fn merchant() -> Merchant {
    let mut merchant = samples::merchant();
    let second = AccountIdentifier::uk("123456", "12345678").unwrap();
    merchant.linked_accounts.push(LinkedAccount { account: second, ..merchant.linked_accounts[0].clone() });
    merchant
}

/// Its accounts, as payments in test find them.
pub(crate) fn accounts(merchant: &Merchant) -> PayableAccounts<'_> {
    merchant.payable_accounts(Mode::Test, samples::now())
}

pub(crate) fn id() -> SessionId {
    "1ae1ce03-dfa9-4593-b487-65c656991cb5".parse().unwrap()
}

/// A million pounds.
pub(crate) fn caps() -> AmountCaps {
    "GBP:100000000".parse().unwrap()
}

/// A request's session, as it is created.
pub(crate) fn create(request: &Value, dialect: Dialect) -> Session {
    let body = serde_json::to_vec(request).unwrap();
    let id = id();
    let merchant = merchant();
    let new = parse_create(&Json::read(&body).unwrap(), dialect, accounts(&merchant), id, &caps()).unwrap();
    let creation = Creation {
        id,
        end_to_end_id: "728d061b-8e47-4052-be4f-5f9bcdee39ff".parse().unwrap(),
        test_clock: None,
        base_url: "http://127.0.0.1:3000".to_owned(),
        ..samples::creation(at("2019-11-01T15:48:26Z"))
    };
    Session::create(new, creation)
}

/// What a request at this path of Fintecture's format asks for, of which the body is to be this.
pub(crate) fn fintecture_request(target: &str) -> Request {
    let request = lambda_http::http::Request::builder().method("POST").uri(format!("https://api.example.com{target}"));
    let path = target.split('?').next().unwrap().to_owned();
    request.body(lambda_http::Body::Empty).unwrap().with_raw_http_path(&path)
}

/// Linked to an account for euros, too.
pub(crate) fn european_merchant() -> Merchant {
    let mut merchant = merchant();
    let iban = AccountIdentifier::Iban { iban: samples::text("DE89370400440532013000") };
    merchant.linked_accounts.push(LinkedAccount { account: iban, ..merchant.linked_accounts[0].clone() });
    merchant
}

/// Reads what is sent to a path of Fintecture's format that creates sessions.
pub(crate) fn read_fintecture(target: &str, body: &Json<'_>) -> Result<NewSession, Refusal> {
    let (request, merchant) = (fintecture_request(target), european_merchant());
    let (mode, at) = (Mode::Test, samples::now());
    let asked = SessionRequest { request: &request, body, merchant: &merchant, application: None, mode, at };
    fintecture::parse_create(&asked, &"GBP:100000000,EUR:100000000".parse().unwrap())
}

/// A request's session in Fintecture's format, as it is created.
pub(crate) fn fintecture_session(target: &str, request: &Value) -> Session {
    let body = serde_json::to_vec(request).unwrap();
    let new = read_fintecture(target, &Json::read(&body).unwrap()).unwrap();
    let creation = Creation {
        id: id(),
        end_to_end_id: "728d061b-8e47-4052-be4f-5f9bcdee39ff".parse().unwrap(),
        base_url: "http://127.0.0.1:3000".to_owned(),
        ..samples::creation(at("2019-11-01T15:48:26Z"))
    };
    Session::create(new, creation)
}

/// A refund of a session in Fintecture's format, as it is made.
pub(crate) fn fintecture_refund(session: &Session, request: &Value) -> Refund {
    let body = serde_json::to_vec(request).unwrap();
    let new = fintecture::parse_refund(&fintecture_request("/pis/v2/refund"), &Json::read(&body).unwrap()).unwrap();
    assert_eq!(new.session_id, session.id);
    let creation = RefundCreation {
        id: "0e61cc47-6b92-4a6a-8951-3ddd8a462ee8".parse().unwrap(),
        base_url: "http://127.0.0.1:3000".to_owned(),
        ..samples::refund_creation(at("2019-11-04T09:12:40Z"))
    };
    Refund::create(session, new, creation).unwrap().0
}

/// A customer whom the document's requests name.
pub(crate) fn customer() -> Customer {
    let id = CustomerId::from_base62("0nOUHbXp3YR1wQ2vK7cZdE").unwrap();
    Customer { id, ..samples::customer(&merchant().id, Mode::Test, at("2019-11-01T15:40:00Z")) }
}

/// A request's customer in Yorlet's format, as they are created.
pub(crate) fn yorlet_customer(request: &Value) -> Customer {
    let body = serde_json::to_vec(request).unwrap();
    let Customer { id, merchant_id, mode, list_shard, created_at: at, .. } = customer();
    let new = yorlet::parse_customer(&Json::read(&body).unwrap()).unwrap();
    Customer::create(new, CustomerCreation { id, merchant_id, mode, list_shard, at })
}

/// A request's session in Yorlet's format, as it is created.
pub(crate) fn yorlet_session(request: &Value) -> Session {
    let body = serde_json::to_vec(request).unwrap();
    let caps = "GBP:100000000,EUR:100000000".parse().unwrap();
    let merchant = merchant();
    let new = yorlet::parse_create(&Json::read(&body).unwrap(), accounts(&merchant), &caps).unwrap();
    assert_eq!(new.customer_id, Some(customer().id));
    let creation = Creation {
        id: id(),
        end_to_end_id: "728d061b-8e47-4052-be4f-5f9bcdee39ff".parse().unwrap(),
        test_clock: None,
        base_url: "http://127.0.0.1:3000".to_owned(),
        ..samples::creation(at("2019-11-01T15:48:26Z"))
    };
    Session::create(yorlet::paid_by(new, &customer()), creation)
}

/// A session whose payer is known, paid.
pub(crate) fn paid(session: Session) -> Session {
    happened(
        session,
        &[
            ("2019-11-01T15:49:20Z", SessionEvent::BankChosen),
            ("2019-11-01T15:50:11Z", SessionEvent::ConsentGiven),
            ("2019-11-01T15:50:12Z", SessionEvent::Settled),
        ],
    )
}

/// A refund of a session in Yorlet's format, as it is made.
pub(crate) fn yorlet_refund(session: &Session, request: &Value) -> Refund {
    let new = yorlet::parse_refund(&Json::read(&serde_json::to_vec(request).unwrap()).unwrap()).unwrap();
    assert_eq!(new.session_id, session.id);
    let creation = RefundCreation {
        id: "0e61cc47-6b92-4a6a-8951-3ddd8a462ee8".parse().unwrap(),
        base_url: "http://127.0.0.1:3000".to_owned(),
        ..samples::refund_creation(at("2019-11-04T09:12:40Z"))
    };
    Refund::create(session, new, creation).unwrap().0
}

/// A refund that was sent.
pub(crate) fn settled(refund: Refund) -> Refund {
    Refund { state: RefundState::Sent, ..refund }
}

fn happened(mut session: Session, events: &[(&str, SessionEvent)]) -> Session {
    for (text, cause) in events {
        session.state = cause.target().unwrap();
        session.history.append(session.state, at(text), *cause, samples::write_id());
    }
    session
}

/// The session, paid.
pub(crate) fn sent(request: &Value) -> Session {
    let mut session = create(request, Dialect::V2);
    session.payer = Some(samples::payer("Paula Payer", "paula@example.com"));
    happened(
        session,
        &[
            ("2019-11-01T15:49:02Z", SessionEvent::PayerIdentified),
            ("2019-11-01T15:49:20Z", SessionEvent::BankChosen),
            ("2019-11-01T15:50:11Z", SessionEvent::ConsentGiven),
            ("2019-11-01T15:50:12Z", SessionEvent::Settled),
        ],
    )
}

/// The same where the payer's bank shared the account.
pub(crate) fn sent_from_known_account(request: &Value) -> Session {
    Session { payer_account: Some(samples::payee("Paula Payer", "040004", "87654321")), ..sent(request) }
}

/// A refund of `session` by a request, and the session that pays it.
pub(crate) fn refund(session: &Session, request: &Value) -> (Refund, Option<Session>) {
    let new = parse_refund(&Json::read(&serde_json::to_vec(request).unwrap()).unwrap()).unwrap();
    assert_eq!(new.session_id, session.id);
    let creation = RefundCreation {
        id: "0e61cc47-6b92-4a6a-8951-3ddd8a462ee8".parse().unwrap(),
        payment_session_id: "8373a8b4-b3af-49de-8699-a7d0f2c468dd".parse().unwrap(),
        end_to_end_id: "5b6f2c1e-0d3a-4c58-9a51-2f1c8e7d4b90".parse().unwrap(),
        base_url: "http://127.0.0.1:3000".to_owned(),
        ..samples::refund_creation(at("2019-11-04T09:12:40Z"))
    };
    let (refund, payment) = Refund::create(session, new, creation).unwrap();
    (refund, payment.map(fill_in_return_urls))
}

/// A request's endpoint, as it is registered.
pub(crate) fn register(request: &Value) -> Endpoint {
    let body = serde_json::to_vec(request).unwrap();
    let check_url = |url: &str| Ok::<_, &str>(url.to_owned());
    let parts = parse_webhook(&Json::read(&body).unwrap(), true, Mode::Test, check_url).unwrap();
    Endpoint {
        id: "5d8a1f52-3c0e-4b7b-9a55-0f6a3f1c2e47".parse().unwrap(),
        format: parts.format.unwrap_or_default(),
        encoding: parts.encoding.unwrap_or_default(),
        url: parts.url.unwrap(),
        description: parts.description.flatten(),
        events: parts.events.unwrap_or(Subscription::All),
        thin: parts.thin.unwrap_or(false),
        faults: parts.faults.flatten(),
        created_at: at("2019-11-01T15:40:00Z"),
        secret: EndpointSecret::new("whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=".to_owned()),
        ..samples::endpoint()
    }
}

/// The endpoint at `now`, when its secret is replaced.
pub(crate) fn rotated(endpoint: &Endpoint, now: Timestamp) -> Endpoint {
    Endpoint {
        secret: EndpointSecret::new("whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=".to_owned()),
        rotations: 1,
        previous_secret: Some(endpoint.secret.clone()),
        previous_secret_until: Some(Endpoint::rotated_until(now)),
        ..endpoint.clone()
    }
}

/// A request's test clock, as it is created.
pub(crate) fn test_clock(request: &Value) -> TestClock {
    let body = serde_json::to_vec(request).unwrap();
    let created_at = at("2026-01-20T10:15:42.375Z");
    let parts = parse_test_clock(&Json::read(&body).unwrap(), created_at).unwrap();
    TestClock {
        id: "c3f0a6de-52b7-4e0c-9a2d-7d1b8e6f4a10".parse().unwrap(),
        merchant_id: merchant().id,
        name: parts.name,
        created_at,
        now: parts.now,
        target: None,
        sessions: Vec::new(),
    }
}

/// The event of an object's history entry, as it is kept.
pub(crate) fn event(object: Object, sequence: usize) -> StoredEvent {
    let mut kept = serde_json::to_value(object.as_of(sequence)).unwrap();
    (kept["sequence"], kept["ttl"]) = (json!(sequence), json!(0));
    serde_json::from_value(kept).unwrap()
}

/// An attempt that was answered, and the one before, which was not.
pub(crate) fn attempts() -> [DeliveryAttempt; 2] {
    let accepted = DeliveryAttempt {
        endpoint_id: "5d8a1f52-3c0e-4b7b-9a55-0f6a3f1c2e47".parse().unwrap(),
        at: at("2019-11-01T15:50:33Z"),
        latency_ms: 84,
        headers: std::collections::BTreeMap::new(),
        status: Some(200),
        answer: Some(r#"{"ok":true}"#.to_owned()),
        error: None,
    };
    let missed = DeliveryAttempt {
        at: at("2019-11-01T15:50:13Z"),
        latency_ms: 15_001,
        headers: std::collections::BTreeMap::new(),
        status: None,
        answer: None,
        error: Some(outbound::Failure::TimedOut.to_string()),
        ..accepted
    };
    [missed, accepted]
}
