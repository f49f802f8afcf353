//! The routes over a table in memory: what each does, done twice, too late or all at once.

use std::ops::Deref;

use lambda_http::http::{Method, header};
use mocks::Mocks;
use models::{MAX_ATTEMPTS, Payer, SessionState};
use payments::Connections;
use providers::mock::{Decided, Decision, Ledger, MockBank};
use samples::{PAYER_EMAIL, PAYER_NAME};
use serde_json::json;
use store::MockLedger;

mod at_consent;
mod cards;
mod refunds;

use super::*;

/// Where a payer is led on to who has paid.
fn thanks(session: &Session) -> String {
    let sent = Session { state: SessionState::Sent, ..session.clone() };
    let url = api::return_url(&sent, samples::now()).unwrap();
    assert!(url.starts_with("https://shop.example/thanks?order=7&"), "{url}");
    url
}

const FORM: &str = "application/x-www-form-urlencoded";

/// The checkout, and the mock banks that payers are sent to and come back from.
struct Site {
    checkout: Checkout,
    mocks: Mocks,
}

impl Deref for Site {
    type Target = Checkout;
    fn deref(&self) -> &Checkout {
        &self.checkout
    }
}

/// A checkout on a table of its own.
async fn checkout() -> (Site, MockLedger) {
    let table = serve(database()).await;
    (over(table.clone()), MockLedger::new(table))
}

fn over(table: Table) -> Site {
    Site {
        mocks: Mocks::new(table.clone(), false, Clock::System, Random::System),
        checkout: Checkout::new(table, Connections::mocks(false), Clock::System, Random::System),
    }
}

/// A database with an empty table.
fn database() -> dynoxide::Database {
    let database = dynoxide::Database::memory().unwrap();
    let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
    let attribute = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
    let request = json!({
        "TableName": "Table",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [attribute("pk"), attribute("sk")],
        "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
    });
    database.create_table(serde_json::from_value(request).unwrap()).unwrap();
    database
}

/// Its table, served for as long as the test runs.
async fn serve(database: dynoxide::Database) -> Table {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    table(endpoint)
}

fn table(endpoint: String) -> Table {
    let credentials = aws_credential_types::Credentials::new("test", "test", None, None, "test");
    Table::new(
        &runtime::aws_config_for(credentials, "eu-west-2".to_owned(), Some(endpoint)).unwrap(),
        "Table".to_owned(),
        runtime::Random::System,
    )
}

impl Site {
    /// Futures of unoptimised builds are large.
    async fn handle(&self, request: Request) -> Response<Body> {
        if request.uri().path().starts_with("/mock-bank/") {
            Box::pin(self.mocks.handle(request)).await.response
        } else {
            Box::pin(self.checkout.handle(request)).await
        }
    }

    async fn create(&self, change: impl FnOnce(&mut Session)) -> Session {
        let mut session = samples::session_at(samples::now());
        change(&mut session);
        self.sessions.create(session.clone(), None).await.unwrap();
        session
    }

    async fn now(&self, session: &Session) -> Session {
        self.sessions.get(&session.id).await.unwrap().unwrap()
    }

    /// What a page does by itself.
    async fn refresh(&self, path: &str) -> Option<String> {
        let request = lambda_http::http::Request::get(path).body(Body::Empty).unwrap();
        let refresh = self.handle(request).await.headers().get(header::REFRESH).cloned();
        refresh.map(|refresh| refresh.to_str().unwrap().to_owned())
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let request = lambda_http::http::Request::builder().method(Method::GET).uri(path).body(Body::Empty).unwrap();
        let response = self.handle(request).await;
        (response.status().as_u16(), String::from_utf8(response.body().to_vec()).unwrap())
    }

    /// Status, and where to or, without a redirect, what it says. Whom a bank sends back comes back.
    async fn post(&self, path: &str, form: &str) -> (u16, String) {
        let answer = self.press(path, form).await;
        if !answer.1.ends_with("/return") {
            return answer;
        }
        let request = lambda_http::http::Request::get(answer.1).body(Body::Empty).unwrap();
        let response = self.handle(request).await;
        (response.status().as_u16(), response.headers()[header::LOCATION].to_str().unwrap().to_owned())
    }

    /// The same, and nobody comes back.
    async fn press(&self, path: &str, form: &str) -> (u16, String) {
        let request = lambda_http::http::Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::CONTENT_TYPE, FORM)
            .body(Body::Text(form.to_owned()))
            .unwrap();
        let response = self.handle(request).await;
        let location = response.headers().get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned());
        let body = || String::from_utf8(response.body().to_vec()).unwrap();
        (response.status().as_u16(), location.unwrap_or_else(body))
    }

    /// A session whose payer has chosen the mock bank `attempts` times.
    async fn at_the_bank(&self, attempts: u8) -> Session {
        let session = self.create(|_| {}).await;
        let path = format!("/checkout/{}", session.id);
        self.post(&format!("{path}/payer"), "name=Gerald+Wiley&email=gerald.wiley%40example.com").await;
        for attempt in 1..=attempts {
            self.post(&format!("{path}/bank"), &format!("bank=mock-bank&attempt={attempt}")).await;
        }
        self.now(&session).await
    }
}

fn causes(session: &Session) -> Vec<&'static str> {
    session.history.iter().map(|entry| entry.cause.as_str()).collect()
}

#[tokio::test]
async fn a_payment_with_every_button_pressed_twice() {
    let (checkout, ledger) = checkout().await;
    let session = checkout.create(|_| {}).await;
    let path = format!("/checkout/{}", session.id);
    let bank_path = format!("/mock-bank/{}/1", session.id);
    let thanks = thanks(&session);
    let payer = "name=Gerald+Wiley&email=gerald.wiley%40example.com";
    for (to, form, leads_to, state) in [
        (format!("{path}/payer"), payer, &path, SessionState::AwaitingProvider),
        (format!("{path}/bank"), "bank=mock-bank&attempt=1", &bank_path, SessionState::AwaitingPaymentConsent),
        (bank_path.clone(), "decision=approve", &thanks, SessionState::Sent),
    ] {
        for _ in 0..2 {
            assert_eq!(checkout.post(&to, form).await, (303, leads_to.clone()), "{to}");
            assert_eq!(checkout.now(&session).await.state, state, "{to}");
            let (status, html) = checkout.get(&path).await;
            assert_eq!(status, 200);
            assert!(!html.contains(PAYER_NAME) && !html.contains(PAYER_EMAIL), "{state}");
        }
    }
    let session = checkout.now(&session).await;
    assert_eq!(causes(&session), ["created", "payer_identified", "bank_chosen", "consent_given", "settled"]);
    let order = ledger.order(session.end_to_end_id).await.unwrap().unwrap();
    assert_eq!(order.body, session.submission.as_ref().unwrap().body);
    // Every older tab leads to where the payment stands, and changes nothing.
    for (to, form, leads_to) in [
        (format!("{path}/payer"), payer, path.clone()),
        (format!("{path}/bank"), "bank=mock-bank&attempt=1", path.clone()),
        (format!("{path}/bank"), "bank=mock-bank&attempt=2", path.clone()),
        (format!("{path}/cancel"), "", format!("{path}?check=auto")),
        (bank_path.clone(), "decision=decline", thanks),
    ] {
        assert_eq!(checkout.post(&to, form).await, (303, leads_to), "{to}");
    }
    assert_eq!(causes(&checkout.now(&session).await).len(), 5);
    assert!(checkout.get(&bank_path).await.1.contains("out of date"));
}

#[tokio::test]
async fn each_decision_has_its_outcome() {
    let (checkout, _) = checkout().await;
    let expected = |decision: Decision| match decision {
        Decision::Approve => (SessionState::Sent, "settled"),
        Decision::ApproveThenSettle | Decision::ApproveThenFail | Decision::ApproveThenLackFunds => {
            (SessionState::Pending, "consent_given")
        }
        Decision::Decline => (SessionState::Failed, "declined_by_payer"),
        Decision::InsufficientFunds => (SessionState::Failed, "insufficient_funds"),
        Decision::Refuse => (SessionState::Failed, "declined_by_bank"),
    };
    for decision in Decision::ALL {
        let session = checkout.at_the_bank(1).await;
        let path = format!("/mock-bank/{}/1", session.id);
        let location = checkout.post(&path, &format!("decision={}", decision.as_str())).await;
        let session = checkout.now(&session).await;
        let page = format!("/checkout/{}", session.id);
        assert_eq!(location, (303, flow::way_on(&session, samples::now()).unwrap_or(page)));
        assert_eq!((session.state, *causes(&session).last().unwrap()), expected(decision));
    }
}

#[tokio::test]
async fn a_decision_on_an_older_attempt_is_not_even_recorded() {
    let (checkout, ledger) = checkout().await;
    let session = checkout.at_the_bank(2).await;
    for decision in Decision::ALL {
        for number in [0, 1, 3] {
            let path = format!("/mock-bank/{}/{number}", session.id);
            assert!(checkout.get(&path).await.1.contains("out of date"));
            let answer = checkout.post(&path, &format!("decision={}", decision.as_str())).await;
            assert_eq!(answer, (303, format!("/checkout/{}", session.id)));
            assert_eq!(ledger.decided(session.end_to_end_id, number).await.unwrap(), None);
        }
    }
    assert_eq!(checkout.now(&session).await, session);
    // The latest is open still.
    let (_, html) = checkout.get(&format!("/mock-bank/{}/2", session.id)).await;
    assert!(html.contains("value=\"approve\""));
}

#[tokio::test]
async fn requests_all_at_once_do_one_thing() {
    let (checkout, _) = checkout().await;
    let session = checkout.at_the_bank(0).await;
    let (bank, decide) = (format!("/checkout/{}/bank", session.id), format!("/mock-bank/{}/1", session.id));
    let choose = || checkout.post(&bank, "bank=mock-bank&attempt=1");
    let answers = tokio::join!(choose(), choose(), choose(), choose(), choose());
    for answer in [answers.0, answers.1, answers.2, answers.3, answers.4] {
        assert_eq!(answer, (303, decide.clone()));
    }
    let press = |decision: &'static str| checkout.post(&decide, decision);
    let (a, b, c, d, e) = tokio::join!(
        press("decision=approve"),
        press("decision=approve"),
        press("decision=decline"),
        press("decision=approve_then_settle"),
        press("decision=approve"),
    );
    for (status, leads_to) in [a, b, c, d, e] {
        // To where the payment stands, or to what was decided first.
        let known = [decide.clone(), format!("/checkout/{}", session.id), thanks(&session)];
        let declined = leads_to.starts_with("https://shop.example/sorry?");
        assert!(status == 303 && (known.contains(&leads_to) || declined), "{leads_to}");
    }
    let causes = causes(&checkout.now(&session).await);
    let count = |cause: &str| causes.iter().filter(|c| **c == cause).count();
    assert_eq!(count("bank_chosen"), 1, "{causes:?}");
    assert!(count("consent_given") <= 1 && causes.len() <= 5, "{causes:?}");
}

#[tokio::test]
async fn a_bank_can_be_chosen_twenty_times() {
    let (checkout, _) = checkout().await;
    let session = checkout.at_the_bank(MAX_ATTEMPTS).await;
    assert_eq!(session.attempt_number(), MAX_ATTEMPTS);
    let (status, html) = checkout.post(&format!("/checkout/{}/bank", session.id), "bank=mock-bank&attempt=21").await;
    assert_eq!(status, 409);
    assert!(html.contains("No other bank can be chosen"));
    assert_eq!(checkout.now(&session).await, session);
}

#[tokio::test]
async fn a_page_changes_nothing() {
    let (checkout, _) = checkout().await;
    for attempts in 0..3 {
        let session = checkout.at_the_bank(attempts).await;
        for number in 0..3 {
            assert_eq!(checkout.get(&format!("/mock-bank/{}/{number}", session.id)).await.0, 200);
        }
        assert_eq!(checkout.get(&format!("/checkout/{}", session.id)).await.0, 200);
        assert_eq!(checkout.now(&session).await, session);
    }
}

#[tokio::test]
async fn what_is_typed_wrong_is_named_and_nothing_is_written() {
    let (checkout, _) = checkout().await;
    let session = checkout.create(|_| {}).await;
    let path = format!("/checkout/{}/payer", session.id);
    let (status, html) = checkout.post(&path, "name=Gerald+Wiley&email=gerald%40").await;
    assert_eq!(status, 422);
    assert!(html.contains("value=\"Gerald Wiley\"") && html.contains("value=\"gerald@\""));
    assert_eq!(checkout.now(&session).await, session);
    // Kept in that answer alone.
    assert!(!checkout.get(&format!("/checkout/{}", session.id)).await.1.contains("Gerald"));
    let without_receipt = checkout.create(|session| session.email_receipt = false).await;
    let path = format!("/checkout/{}/payer", without_receipt.id);
    assert_eq!(checkout.post(&path, "name=Gerald+Wiley&email=").await.0, 303);
    assert_eq!(checkout.now(&without_receipt).await.state, SessionState::AwaitingProvider);
}

#[tokio::test]
async fn a_form_that_is_not_utf_8_is_refused_and_nothing_is_written() {
    let (checkout, _) = checkout().await;
    let (new, at_the_bank) = (checkout.create(|_| {}).await, checkout.at_the_bank(1).await);
    for (path, form) in [
        (format!("/checkout/{}/payer", new.id), "name=Zo%EB&email=a%40example.com"),
        (format!("/checkout/{}/payer", new.id), "name=Ada&email=a%40example.com&more=%FF"),
        (format!("/checkout/{}/bank", at_the_bank.id), "bank=mock-bank&attempt=2&%FF=a"),
        (format!("/mock-bank/{}/1", at_the_bank.id), "decision=approve&more=%C3"),
    ] {
        assert_eq!(checkout.post(&path, form).await.0, 400, "{path} {form}");
    }
    let raw = |content_type: &'static str, body: &[u8]| {
        let request = lambda_http::http::Request::post(format!("/checkout/{}/payer", new.id));
        request.header(header::CONTENT_TYPE, content_type).body(Body::Binary(body.to_vec())).unwrap()
    };
    let latin_1 = "application/x-www-form-urlencoded; charset=ISO-8859-1";
    for request in [raw(FORM, b"name=Zo\xeb&email=a@example.com"), raw(latin_1, b"name=Zo%C3%AB&email=a@example.com")] {
        assert_eq!(checkout.handle(request).await.status(), 400);
    }
    assert_eq!(checkout.now(&new).await, new);
    assert_eq!(checkout.now(&at_the_bank).await, at_the_bank);
}

#[tokio::test]
async fn a_payer_whose_name_is_known_gives_the_address_alone() {
    let (checkout, _) = checkout().await;
    let name = samples::name(PAYER_NAME);
    let session =
        checkout.create(|session| session.payer = Some(Payer { name: name.clone(), email: None, phone: None })).await;
    let path = format!("/checkout/{}", session.id);
    let (_, html) = checkout.get(&path).await;
    assert!(html.contains("name=\"email\"") && !html.contains("name=\"name\"") && !html.contains(PAYER_NAME));
    let (status, html) = checkout.post(&format!("{path}/payer"), "name=Somebody&email=").await;
    assert_eq!(status, 422);
    assert!(!html.contains(PAYER_NAME) && !html.contains("name=\"name\""));
    assert_eq!(checkout.now(&session).await, session);
    let form = "name=Somebody&email=gerald%40b%C3%BCcher.example";
    assert_eq!(checkout.post(&format!("{path}/payer"), form).await, (303, path));
    let identified = checkout.now(&session).await;
    assert_eq!(identified.state, SessionState::AwaitingProvider);
    let payer = identified.payer.unwrap();
    assert_eq!((&payer.name, payer.email.unwrap().as_str()), (&name, "gerald@xn--bcher-kva.example"));
}

#[tokio::test]
async fn bad_requests_have_pages_of_their_own_and_change_nothing() {
    let (checkout, _) = checkout().await;
    let session = checkout.at_the_bank(1).await;
    let id = session.id;
    for (path, form, status) in [
        (format!("/checkout/{id}/bank"), "bank=other-bank&attempt=2", 422),
        (format!("/checkout/{id}/bank"), "bank=%00&attempt=2", 422),
        (format!("/checkout/{id}/bank"), "bank=mock-bank", 400),
        (format!("/mock-bank/{id}/1"), "decision=maybe", 422),
        (format!("/mock-bank/{id}/1"), "decision=approve&payer_account=maybe", 422),
        (format!("/mock-bank/{id}/1"), "decision=approve&payer_account=", 422),
        (format!("/mock-bank/{id}/1"), "", 400),
        (format!("/checkout/{id}/refund"), "", 404),
        ("/checkout/00000000-0000-4000-8000-000000000000/cancel".to_owned(), "", 404),
        ("/checkout/00000000-0000-4000-8000-000000000000/payer".to_owned(), "name=A", 404),
    ] {
        assert_eq!(checkout.post(&path, form).await.0, status, "{path} {form}");
    }
    for path in ["/checkout/00000000-0000-4000-8000-000000000000", "/checkout/x", "/mock-bank/x/1"] {
        assert_eq!(checkout.get(path).await.0, 404, "{path}");
    }
    let json = lambda_http::http::Request::post(format!("/mock-bank/{id}/1"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::Text("{\"decision\":\"approve\"}".to_owned()))
        .unwrap();
    assert_eq!(checkout.handle(json).await.status(), 415);
    assert_eq!(checkout.now(&session).await, session);
}

#[tokio::test]
async fn a_payer_can_cancel_until_the_payment_is_submitted() {
    let (checkout, _) = checkout().await;
    for attempts in 0..2 {
        let session = checkout.at_the_bank(attempts).await;
        for _ in 0..2 {
            let answer = checkout.post(&format!("/checkout/{}/cancel", session.id), "").await;
            // By way of our own page: a form's redirects are held to those.
            let next = format!("/checkout/{}?check=auto", session.id);
            assert_eq!(answer, (303, next.clone()));
            let refresh = checkout.refresh(&next).await.unwrap();
            assert!(refresh.starts_with("0; url=https://shop.example/sorry?order=7&"));
            assert_eq!(checkout.refresh(&format!("/checkout/{}", session.id)).await, None);
        }
        let session = checkout.now(&session).await;
        assert_eq!(session.state, SessionState::Cancelled);
        assert_eq!(causes(&session).last(), Some(&"cancelled_by_payer"));
    }
    let session = checkout.at_the_bank(1).await;
    checkout.post(&format!("/mock-bank/{}/1", session.id), "decision=approve_then_settle").await;
    checkout.post(&format!("/checkout/{}/cancel", session.id), "").await;
    assert_eq!(checkout.now(&session).await.state, SessionState::Pending);
}

#[tokio::test]
async fn past_its_time_a_session_takes_nothing() {
    let (checkout, _) = checkout().await;
    let session = checkout.create(|session| session.expires_at = session.created_at).await;
    let path = format!("/checkout/{}", session.id);
    for (to, form) in [("payer", "name=A&email=a%40example.com"), ("bank", "bank=mock-bank&attempt=1"), ("cancel", "")]
    {
        let page = if to == "cancel" { format!("{path}?check=auto") } else { path.clone() };
        assert_eq!(checkout.post(&format!("{path}/{to}"), form).await, (303, page));
    }
    assert_eq!(checkout.now(&session).await, session);
    assert!(checkout.get(&path).await.1.contains("The time to pay has run out"));
}

#[tokio::test]
async fn a_live_session_never_meets_the_mock_bank() {
    let (checkout, _) = checkout().await;
    let session = checkout.create(|session| session.mode = models::Mode::Live).await;
    let path = format!("/checkout/{}", session.id);
    checkout.post(&format!("{path}/payer"), "name=A&email=a%40example.com").await;
    assert!(checkout.get(&path).await.1.contains("There is no bank to pay with"));
    assert_eq!(checkout.post(&format!("{path}/bank"), "bank=mock-bank&attempt=1").await.0, 422);
    assert_eq!(checkout.now(&session).await.attempt, None);
    // Nor does the mock bank know it.
    let bank = format!("/mock-bank/{}/1", session.id);
    assert_eq!(checkout.get(&bank).await.0, 404);
    assert_eq!(checkout.post(&bank, "decision=approve").await.0, 404);
}

#[tokio::test]
async fn without_the_table_the_payer_is_asked_to_try_again() {
    // Nothing listens there.
    let checkout = over(table("http://127.0.0.1:1".to_owned()));
    let (status, html) = checkout.get("/checkout/00000000-0000-4000-8000-000000000000").await;
    assert_eq!(status, 503);
    assert!(html.contains("nothing was paid twice") && !html.contains("DynamoDB"));
}

#[tokio::test]
async fn a_decision_that_was_not_followed_up_is_never_followed_up_by_its_opposite() {
    let (checkout, ledger) = checkout().await;
    for (first, then, last) in [
        (Decision::Approve, "decline", "bank_chosen"),
        (Decision::Decline, "approve", "bank_chosen"),
        (Decision::Approve, "approve", "settled"),
        (Decision::Decline, "decline", "declined_by_payer"),
    ] {
        let session = checkout.at_the_bank(1).await;
        // The bank heard the payer, and then the function died.
        let bank = MockBank::new(ledger.clone());
        bank.decide(&session, 1, Decided::from(first)).await.unwrap();
        let path = format!("/mock-bank/{}/1", session.id);
        let html = checkout.get(&path).await.1;
        assert!(!html.contains("<form") && html.contains(&format!("/checkout/{}/return", session.id)), "{html}");
        let (_, leads_to) = checkout.post(&path, &format!("decision={then}")).await;
        assert_eq!(leads_to == path, first.as_str() != then, "{leads_to}");
        assert_eq!(causes(&checkout.now(&session).await).last(), Some(&last), "{first:?}, then {then}");
    }
}

#[tokio::test]
async fn a_payer_comes_back_in_whichever_browser_and_the_banks_word_alone_counts() {
    let (checkout, _) = checkout().await;
    for (decision, state) in [
        ("approve", SessionState::Sent),
        ("approve_then_settle", SessionState::Pending),
        ("decline", SessionState::Failed),
    ] {
        let session = checkout.at_the_bank(1).await;
        let path = format!("/checkout/{}", session.id);
        let come_back = async || {
            let request = lambda_http::http::Request::get(format!("{path}/return")).body(Body::Empty).unwrap();
            let response = checkout.handle(request).await;
            let leads_to = flow::way_on(&checkout.now(&session).await, samples::now()).unwrap_or_else(|| path.clone());
            assert_eq!(
                (response.status().as_u16(), &response.headers()["location"]),
                (303, &leads_to.parse().unwrap())
            );
        };
        come_back().await;
        assert_eq!(checkout.now(&session).await, session, "nothing was decided");
        let bank = format!("/mock-bank/{}/1", session.id);
        assert_eq!(checkout.press(&bank, &format!("decision={decision}")).await, (303, format!("{path}/return")));
        assert_eq!(checkout.now(&session).await, session, "the bank changes no session");
        for _ in 0..2 {
            come_back().await;
            assert_eq!(checkout.now(&session).await.state, state);
        }
    }
    for attempts in 0..2 {
        let session = checkout.at_the_bank(attempts).await;
        checkout.post(&format!("/checkout/{}/cancel", session.id), "").await;
        let cancelled = checkout.now(&session).await;
        assert_eq!(checkout.get(&format!("/checkout/{}/return", session.id)).await.0, 303);
        assert_eq!(checkout.now(&session).await, cancelled);
    }
    assert_eq!(checkout.get("/checkout/00000000-0000-4000-8000-000000000000/return").await.0, 404);
}

#[tokio::test]
async fn a_shop_that_can_not_be_read_keeps_nobody_from_paying() {
    let (database, merchant) = (database(), samples::session().merchant_id);
    let item = json!({ "pk": { "S": format!("SHOP#{merchant}") }, "sk": { "S": "SHOP" }, "shop": { "S": "Candles" } });
    database.put_item(serde_json::from_value(json!({ "TableName": "Table", "Item": item })).unwrap()).unwrap();
    let checkout = over(serve(database).await);
    let session = checkout.create(|_| {}).await;
    assert!(matches!(checkout.shops.get(&merchant).await, Err(StoreError::Unreadable { .. })));
    let (status, html) = checkout.get(&format!("/checkout/{}", session.id)).await;
    assert!(status == 200 && html.contains("Your details"), "{status}: {html}");
}
