//! A merchant's desk, for tests: the console's services over tables in memory, somebody who is signed in, and a payment.

use jiff::SignedDuration;
use lambda_http::http::header;
use lambda_http::{Body, Request, Response};
use memory_aws::{AUDIT_TABLE, Aws, TABLE};
use models::{Act, MerchantId, Mode, Person, Refund, Role, Session, SessionState, WireFormat};
use outbound::Policy;
use pages::{Answer, Language, Problem};
use payments::Connections;
use queue::Queue;
use runtime::{Clock, Random, VirtualClock};
use store::{ActRange, AuditTable, Merchants, Table};

use crate::frame::{Frame, Part};
use crate::services::{Services, Settings};
use crate::visitor::{Csrf, Visitor};

pub(crate) const BASE_URL: &str = "https://pay.example.com";

/// A desk of the merchant `demo`.
pub(crate) struct Desk {
    pub(crate) aws: Aws,
    pub(crate) services: Services,
    pub(crate) visitor: Visitor,
    hands: VirtualClock,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        let hands = VirtualClock::at("2026-01-31T09:30:00Z".parse().unwrap());
        let (aws, random, clock) = (Aws::new(&hands), Random::seeded(1), Clock::Virtual(hands.clone()));
        let table = Table::new(&aws.config(), TABLE.to_owned(), random.clone());
        let audit = AuditTable::new(&aws.config(), AUDIT_TABLE.to_owned());
        let [webhooks, receipts] =
            ["webhooks", "receipts"].map(|queue| Queue::new(&aws.config(), format!("http://aws/{queue}")));
        let caps = "GBP:100000000,EUR:50000000".parse().unwrap();
        let formats = WireFormat::default().as_str().parse().unwrap();
        let policy = Policy::default();
        let settings =
            Settings { caps, formats, connections: Connections::mocks(false), policy, logs: None, oidc: None };
        let merchant = samples::merchant();
        Merchants::new(table.clone()).create(&merchant.id, merchant.name, merchant.idempotency_salt).await.unwrap();
        let person = Person {
            merchant_id: merchant.id,
            email: samples::text("ada@shop.example"),
            role: Role::Refund,
            added_at: clock.now(),
            visits_from: clock.now(),
        };
        let visitor = Visitor { person, signed_in_at: clock.now(), has_choice: false, csrf: Csrf("c5rf".to_owned()) };
        Self { services: Services::new(table, audit, webhooks, receipts, settings, clock, random), aws, visitor, hands }
    }

    pub(crate) fn frame(&self, mode: Mode) -> Frame<'_> {
        Frame::new(&self.visitor, mode, Part::Payments, Language::English)
    }

    pub(crate) fn advance(&self, by: SignedDuration) {
        self.hands.advance_ms(by.as_millis().try_into().unwrap());
    }

    /// A session of £4.00, changed so before it is put.
    pub(crate) async fn session(&self, change: impl FnOnce(&mut Session)) -> Session {
        let mut session = samples::session_at(self.services.clock.now());
        change(&mut session);
        self.services.sessions.create(session.clone(), None).await.unwrap();
        session
    }

    /// One that was paid from the account ending 4321.
    pub(crate) async fn paid(&self, change: impl FnOnce(&mut Session)) -> Session {
        self.session(|session| {
            session.state = SessionState::Sent;
            session.payer = Some(samples::payer(samples::PAYER_NAME, samples::PAYER_EMAIL));
            session.payer_account = Some(samples::payee(samples::PAYER_NAME, "040004", "87654321"));
            change(session);
        })
        .await
    }

    pub(crate) async fn refunds(&self, session: &Session) -> Vec<Refund> {
        self.services.refunds.of(&session.id).await.unwrap().refunds
    }

    /// What anybody did, oldest first.
    pub(crate) async fn acts(&self) -> Vec<Act> {
        let merchant: MerchantId = "demo".parse().unwrap();
        let page = self.services.acts.page(&merchant, ActRange { before: None, limit: 100 }).await.unwrap();
        page.acts.into_iter().rev().collect()
    }
}

/// A form as browsers send it.
pub(crate) fn form(fields: &[(&str, &str)]) -> Request {
    let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    lambda_http::http::Request::post("/")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body.join("&")))
        .unwrap()
}

fn encoded(value: &str) -> String {
    value.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Status, and where to or, without a redirect, what it says; of a problem the status alone.
pub(crate) fn seen(answer: Answer) -> (u16, String) {
    let response: Response<Body> = match answer {
        Ok(response) => response,
        Err(problem) => return (Problem::status(&problem).as_u16(), String::new()),
    };
    let location = response.headers().get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned());
    let body = || String::from_utf8(response.body().to_vec()).unwrap();
    (response.status().as_u16(), location.unwrap_or_else(body))
}

/// What a page says, without its markup and its styles.
pub(crate) fn words(html: &str) -> String {
    let (_, main) = html.split_once("<main>").unwrap();
    let mut text = String::new();
    for piece in main.split('<') {
        text.push_str(piece.split_once('>').map_or(piece, |(_, text)| text));
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace("&#39;", "'")
}
