//! The pages over a table in memory.

use jiff::SignedDuration;
use lambda_http::http::header;
use lambda_http::{Body, Response};
use models::{
    Currency, ListShard, MinorUnits, Mode, Money, NewSession, PaidFrom, Person, Refund, RefundCreation, Role, Session,
    SessionEvent, SessionState, WireFormat,
};
use outbound::Policy;
use pages::{Answer, Facts, Language, Problem};
use payments::Connections;
use queue::Queue;
use runtime::{Clock, Random, VirtualClock};
use samples::{PAYER_EMAIL, PAYER_NAME, later, name, payee};
use serde_json::json;
use store::{AuditTable, Change, Pointers, RefundCreated, Table};

use super::{ask_for_personal_data, json_page, list_page, payment_page};
use crate::frame::{Frame, Part};
use crate::services::{Services, Settings};
use crate::texts::texts;
use crate::visitor::{Csrf, Visitor};

/// All that is personal of who pays in these tests.
const PERSONAL: [&str; 5] = [PAYER_NAME, PAYER_EMAIL, "gerald.wiley", "Gerald", "87654321"];

struct Site {
    services: Services,
    clock: VirtualClock,
}

/// Tables of its own, served for as long as the test runs, at the samples' time.
async fn site() -> Site {
    let database = dynoxide::Database::memory().unwrap();
    let keys = |hash: &str, range: &str| json!([{ "AttributeName": hash, "KeyType": "HASH" }, { "AttributeName": range, "KeyType": "RANGE" }]);
    let index = |name: &str, hash: &str, range: &str| json!({ "IndexName": name, "KeySchema": keys(hash, range), "Projection": { "ProjectionType": "ALL" } });
    for (table, names, index) in [
        ("Table", &["pk", "sk", "list_pk", "list_sk"][..], index("lists", "list_pk", "list_sk")),
        ("AuditTable", &["pk", "sk", "object"], index("objects", "object", "sk")),
    ] {
        let attributes: Vec<_> =
            names.iter().map(|name| json!({ "AttributeName": name, "AttributeType": "S" })).collect();
        let request = json!({
            "TableName": table,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": attributes,
            "KeySchema": keys("pk", "sk"),
            "GlobalSecondaryIndexes": [index],
        });
        database.create_table(serde_json::from_value(request).unwrap()).unwrap();
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    let credentials = aws_credential_types::Credentials::new("test", "test", None, None, "test");
    let config = runtime::aws_config_for(credentials, "eu-west-2".to_owned(), Some(endpoint)).unwrap();
    let table = Table::new(&config, "Table".to_owned(), Random::System);
    let audit_table = AuditTable::new(&config, "AuditTable".to_owned());
    let queue = Queue::new(&config, "http://127.0.0.1:9/webhooks".to_owned());
    let clock = VirtualClock::at(later(600));
    let caps = "GBP:100000000".parse().unwrap();
    let formats = WireFormat::default().as_str().parse().unwrap();
    let policy = Policy::default();
    let settings = Settings { caps, formats, connections: Connections::mocks(false), policy, logs: None, oidc: None };
    let at = Clock::Virtual(clock.clone());
    let services = Services::new(table, audit_table, queue.clone(), queue, settings, at, Random::System);
    services.merchants.create(&"demo".parse().unwrap(), name("Demo"), [7; 32]).await.unwrap();
    Site { services, clock }
}

fn visitor(merchant: &str, role: Role) -> Visitor {
    let person = Person {
        merchant_id: merchant.parse().unwrap(),
        email: samples::text("clerk@shop.example"),
        role,
        added_at: samples::NOW,
        visits_from: samples::NOW,
    };
    Visitor { person, signed_in_at: samples::NOW, has_choice: false, csrf: Csrf("csrf".to_owned()) }
}

fn clerk() -> Visitor {
    visitor("demo", Role::Refund)
}

/// Status, and where to or what it says.
fn said(answer: Answer) -> (u16, String) {
    let response: Response<Body> = match answer {
        Ok(response) => response,
        Err(problem) => return (problem.status().as_u16(), String::new()),
    };
    let location = response.headers().get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned());
    let body = || String::from_utf8(response.body().to_vec()).unwrap();
    (response.status().as_u16(), location.unwrap_or_else(body))
}

impl Site {
    /// A session made this many seconds after the others, that its merchant lists.
    async fn create(&self, seconds: i64, change: impl FnOnce(&mut Session)) -> Session {
        let mut session = samples::session_at(later(seconds));
        session.list_shard = ListShard::default();
        change(&mut session);
        self.services.sessions.create(session.clone(), None).await.unwrap();
        session
    }

    /// One that was paid from an account.
    async fn paid(&self, change: impl FnOnce(&mut Session)) -> Session {
        let items = vec![samples::item("Pillar candle", 150, 2), samples::item("Box of matches", 100, 1)];
        let payer = Some(samples::payer(PAYER_NAME, PAYER_EMAIL));
        let new = NewSession { payer, ..samples::new_session(items) };
        let mut session = Session::create(new, samples::creation(samples::NOW));
        change(&mut session);
        let (session_id, at) = (session.id, session.created_at);
        self.services.sessions.create(session, None).await.unwrap();
        let sessions = &self.services.sessions;
        let change = |event| Change { session_id, event, at, write_id: samples::write_id() };
        let attempt = samples::attempt(session_id, 1);
        sessions.choose_bank(change(SessionEvent::BankChosen), &attempt, None).await.unwrap();
        sessions.give_consent(change(SessionEvent::ConsentGiven), 1, &samples::submission(at), at).await.unwrap();
        let account = PaidFrom::Account(payee(PAYER_NAME, "112233", "87654321"));
        sessions.settle(change(SessionEvent::Settled), &account, None).await.unwrap().session
    }

    async fn refund(&self, session: &Session, minor: i64) -> Refund {
        let creation: RefundCreation = samples::refund_creation(later(60));
        let new = samples::new_refund(session, Some(minor));
        let (refund, payment) = Refund::create(session, new, creation).unwrap();
        match self.services.refunds.create(&refund, payment.as_ref(), None, None, None).await.unwrap() {
            RefundCreated::New => refund,
            other @ (RefundCreated::Existing(..) | RefundCreated::Refused(_)) => panic!("{other:?}"),
        }
    }

    async fn list(&self, visitor: &Visitor, mode: Mode, query: &str) -> (u16, String) {
        let frame = Frame::new(visitor, mode, Part::Payments, Language::English);
        said(Box::pin(list_page(&self.services, &frame, query)).await)
    }

    async fn page(&self, visitor: &Visitor, mode: Mode, session: &Session, query: &str) -> (u16, String) {
        let frame = Frame::new(visitor, mode, Part::Payments, Language::English);
        said(Box::pin(payment_page(&self.services, &frame, session.id, query, "https://pay.example")).await)
    }

    async fn json(&self, visitor: &Visitor, mode: Mode, session: &Session, query: &str) -> (u16, String) {
        let frame = Frame::new(visitor, mode, Part::Payments, Language::English);
        said(Box::pin(json_page(&self.services, &frame, session.id, query)).await)
    }

    /// Asks for personal data; the query string of the pages that show it.
    async fn ask(&self, visitor: &Visitor, session: &Session) -> String {
        let frame = Frame::new(visitor, Mode::Test, Part::Payments, Language::English);
        let (status, to) = said(Box::pin(ask_for_personal_data(&self.services, &frame, session.id)).await);
        assert_eq!(status, 303);
        to.split_once('?').unwrap().1.strip_suffix("#personal").unwrap().to_owned()
    }
}

/// In the order in which the page has them.
fn listed(html: &str, sessions: &[Session]) -> Vec<usize> {
    let mut found: Vec<_> = sessions
        .iter()
        .enumerate()
        .filter_map(|(at, session)| Some((html.find(&format!("/payments/{}\"", session.id))?, at)))
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, at)| at).collect()
}

/// Where a link with this text leads.
fn link(html: &str, text: &str) -> Option<String> {
    let (before, _) = html.split_once(&format!(">{text}</a>"))?;
    let (_, href) = before.rsplit_once("href=\"")?;
    let (href, _) = href.split_once('"')?;
    Some(href.split_once('?')?.1.replace("&#38;", "&"))
}

fn shows_nothing_personal(html: &str) {
    for personal in PERSONAL {
        assert!(!html.contains(personal), "{personal}: {html}");
    }
}

#[tokio::test]
async fn a_list_is_read_to_its_end_and_back() {
    let site = site().await;
    let (status, html) = site.list(&clerk(), Mode::Test, "").await;
    assert!(status == 200 && html.contains("There are no payments in test mode yet"), "{html}");
    let mut sessions = Vec::new();
    for n in 0..60 {
        let format = WireFormat::ALL[n % 3];
        sessions.insert(0, site.create(i64::try_from(n).unwrap(), |session| session.format = format).await);
    }
    let (first, html) = ((0..25).collect::<Vec<_>>(), site.list(&clerk(), Mode::Test, "").await.1);
    assert_eq!(listed(&html, &sessions), first);
    assert_eq!((link(&html, "Newer"), link(&html, "Newest")), (None, None));
    let older = link(&html, "Older").unwrap();
    // What is created meanwhile changes nothing of where one is.
    site.create(100, |_| {}).await;
    let html = site.list(&clerk(), Mode::Test, &older).await.1;
    assert_eq!(listed(&html, &sessions), (25..50).collect::<Vec<_>>());
    let last = site.list(&clerk(), Mode::Test, &link(&html, "Older").unwrap()).await.1;
    assert_eq!((listed(&last, &sessions), link(&last, "Older")), ((50..60).collect::<Vec<_>>(), None));
    let back = site.list(&clerk(), Mode::Test, &link(&last, "Newer").unwrap()).await.1;
    assert_eq!(listed(&back, &sessions), (25..50).collect::<Vec<_>>());
    let back = site.list(&clerk(), Mode::Test, &link(&back, "Newer").unwrap()).await.1;
    assert_eq!(listed(&back, &sessions), first);
    for (visitor, mode) in [(visitor("acme", Role::Own), Mode::Test), (clerk(), Mode::Live)] {
        assert_eq!(listed(&site.list(&visitor, mode, "").await.1, &sessions), [0; 0]);
    }
}

#[tokio::test]
async fn a_list_is_filtered_and_says_how_far_it_searched() {
    let site = site().await;
    let paid = site.paid(|_| {}).await;
    let euro =
        site.create(1, |session| session.amount = models::Money::new(MinorUnits::new(5194), models::Currency::EUR));
    let euro = euro.await;
    let old = site
        .create(2, |session| {
            session.created_at -= SignedDuration::from_hours(48);
            session.format = WireFormat::ALL.into_iter().find(|format| *format != WireFormat::default()).unwrap();
        })
        .await;
    let sessions = [paid, euro, old];
    let found = async |query: &str| listed(&site.list(&clerk(), Mode::Test, query).await.1, &sessions);
    let day = |hours: i64| (samples::NOW - SignedDuration::from_hours(hours)).strftime("%Y-%m-%d").to_string();
    assert_eq!(found("").await, [1, 0, 2]);
    assert_eq!(found("state=sent").await, [0]);
    assert_eq!(found("state=pending").await, [0; 0]);
    assert_eq!(found("amount=51.94").await, [1]);
    assert_eq!(found("amount=4&state=sent").await, [0]);
    assert_eq!(found("method=pay_by_bank").await, [1, 0, 2]);
    assert_eq!(found("method=card").await, [0; 0]);
    let [.., old] = &sessions;
    assert_eq!(found(&format!("format={}", old.format.as_str())).await, [2]);
    assert_eq!(found(&format!("from={}", day(24))).await, [1, 0]);
    assert_eq!(found(&format!("to={}", day(24))).await, [2]);
    let (status, html) = site.list(&clerk(), Mode::Test, "state=paid&colour=red").await;
    assert_eq!(status, 400);
    assert!(html.contains("href=\"#state\"") && html.contains("“colour”") && html.contains("aria-invalid"), "{html}");
    let (_, html) = site.list(&clerk(), Mode::Test, "state=failed").await;
    assert!(html.contains("No payment matches") && html.contains("value=\"failed\" selected"), "{html}");

    for n in 0..520 {
        site.create(10 + n, |_| {}).await;
    }
    let (_, html) = site.list(&clerk(), Mode::Test, "state=sent").await;
    assert!(html.contains("None of those searched so far matches") && html.contains("Searched from"), "{html}");
    let on = link(&html, "Continue").unwrap();
    assert!(on.starts_with("state=sent&after="), "{on}");
    assert_eq!(found(&on).await, [0]);
    // What the index says is not read at all.
    assert_eq!(found("amount=51.94").await, [1]);
}

#[tokio::test]
async fn a_payment_is_found_by_what_is_known_of_it() {
    let site = site().await;
    let session = site.paid(|_| {}).await;
    let refund = site.refund(&session, 100).await;
    let page = format!("/console/test/payments/{}", session.id);
    let search = async |visitor: &Visitor, mode, q: &str| {
        let query = serde_urlencoded::to_string([("q", q)]).unwrap();
        site.list(visitor, mode, &query).await
    };
    let end_to_end = session.end_to_end_id.to_string();
    let by_pointer = ["illuminate", " Illuminate ", end_to_end.as_str(), "Gerald.Wiley@example.com"];
    for q in by_pointer {
        let (status, html) = search(&clerk(), Mode::Test, q).await;
        assert!(status == 200 && html.contains("Nothing of yours was found"), "{q}: {html}");
    }
    Pointers::new(site.services.table.clone()).put_for(&session).await.unwrap();
    let by_id =
        [session.id.to_string(), session.id.to_hex().to_uppercase(), format!("py_sess_{}", session.id.to_base62())];
    let by_id: Vec<_> = by_id.iter().map(String::as_str).collect();
    for q in by_id.iter().chain(&by_pointer) {
        assert_eq!(search(&clerk(), Mode::Test, q).await, (303, page.clone()), "{q}");
        for (visitor, mode) in [(visitor("acme", Role::Own), Mode::Test), (clerk(), Mode::Live)] {
            let (status, html) = search(&visitor, mode, q).await;
            assert!(status == 200 && html.contains("Nothing of yours was found"), "{q}: {html}");
        }
    }
    let (status, html) = search(&visitor("demo", Role::Look), Mode::Test, "Gerald.Wiley@example.com").await;
    assert!(status == 200 && html.contains("Nothing of yours was found"), "who sees no personal data: {html}");
    let to_refund = format!("{page}#refund-{}", refund.id);
    for q in [refund.id.to_string(), refund.id.to_hex()] {
        assert_eq!(search(&clerk(), Mode::Test, &q).await, (303, to_refund.clone()));
        assert_eq!(search(&visitor("acme", Role::Own), Mode::Test, &q).await.0, 200);
    }
    let other = site.paid(|session| session.created_at = later(5)).await;
    Pointers::new(site.services.table.clone()).put_for(&other).await.unwrap();
    let (status, html) = search(&clerk(), Mode::Test, "Illuminate").await;
    assert_eq!((status, listed(&html, &[session, other])), (200, vec![1, 0]));
    shows_nothing_personal(&html);
}

#[tokio::test]
async fn a_payment_is_shown_and_its_payer_only_to_who_asks() {
    let site = site().await;
    let session = site.paid(|session| session.metadata = samples_metadata()).await;
    let refund = site.refund(&session, 100).await;
    let (look, clerk) = (visitor("demo", Role::Look), clerk());
    let (status, html) = site.page(&clerk, Mode::Test, &session, "").await;
    assert_eq!(status, 200);
    for shown in [
        "£4.00",
        "£3.00",
        "Being refunded",
        "G… W…",
        "g…@example.com",
        "account ending 4321",
        "Pillar candle",
        "Books agree",
        "Awaits your authorisation",
        "Authorise it at your bank",
        "Cancel this refund",
        "Show personal data",
        "/refund\"",
        "counterfoil sessions show",
        "-u &#34;$KEY:$SECRET&#34;",
    ] {
        assert!(html.contains(shown), "{shown}: {html}");
    }
    assert!(html.contains(&format!("id=\"refund-{}\"", refund.id)));
    shows_nothing_personal(&html);
    let (status, html) = site.page(&look, Mode::Test, &session, "").await;
    assert_eq!(status, 200);
    for hidden in ["Show personal data", "/refund\"", "Authorise it", "Cancel this refund"] {
        assert!(!html.contains(hidden), "{hidden}: {html}");
    }
    let (status, json) = site.json(&look, Mode::Test, &session, "").await;
    assert!(status == 200 && json.contains("&#34;reference&#34;: &#34;Illuminate&#34;"), "{json}");
    shows_nothing_personal(&json);
    assert!(!json.contains("order-7"));

    let shown = site.ask(&clerk, &session).await;
    let acts = site.services.acts.of_session(&session.id).await.unwrap();
    assert_eq!(acts.len(), 1);
    let (_, html) = site.page(&clerk, Mode::Test, &session, &shown).await;
    for personal in [PAYER_NAME, PAYER_EMAIL, "87654321", "clerk@shop.example saw personal data"] {
        assert!(html.contains(personal), "{personal}: {html}");
    }
    assert!(html.contains(&format!("/json?{shown}\"")) && !html.contains("Show personal data"));
    let (_, html) = site.page(&look, Mode::Test, &session, "").await;
    assert!(html.contains("A person saw personal data") && !html.contains("clerk@shop.example"), "{html}");
    let (_, json) = site.json(&clerk, Mode::Test, &session, &shown).await;
    assert!(json.contains(PAYER_EMAIL) && json.contains("order-7"), "{json}");
    // Of nobody else's, of no other payment, and not for long.
    let other = site.paid(|_| {}).await;
    let mut colleague = visitor("demo", Role::Own);
    colleague.person.email = samples::text("owner@shop.example");
    for (visitor, session, query) in [
        (&look, &session, shown.as_str()),
        (&colleague, &session, &shown),
        (&clerk, &other, &shown),
        (&clerk, &session, "shown=1ae1ce03-dfa9-4593-b487-65c656991cb5"),
        (&clerk, &session, "shown=x"),
    ] {
        let (status, html) = site.page(visitor, Mode::Test, session, query).await;
        assert_eq!(status, 200);
        shows_nothing_personal(&html);
        shows_nothing_personal(&site.json(visitor, Mode::Test, session, query).await.1);
    }
    assert_eq!(site.page(&clerk, Mode::Test, &session, "show=all").await.0, 400);
    site.clock.advance_ms(10 * 60 * 1000);
    assert!(site.page(&clerk, Mode::Test, &session, &shown).await.1.contains(PAYER_NAME));
    site.clock.advance_ms(1);
    shows_nothing_personal(&site.page(&clerk, Mode::Test, &session, &shown).await.1);
}

#[tokio::test]
async fn another_merchants_payment_is_not_there() {
    let site = site().await;
    let session = site.paid(|_| {}).await;
    for (visitor, mode) in [(visitor("acme", Role::Own), Mode::Test), (clerk(), Mode::Live)] {
        assert_eq!(site.page(&visitor, mode, &session, "").await.0, 404);
        assert_eq!(site.json(&visitor, mode, &session, "").await.0, 404);
        let frame = Frame::new(&visitor, mode, Part::Payments, Language::English);
        let asked = ask_for_personal_data(&site.services, &frame, session.id).await;
        assert!(matches!(asked, Err(Problem::NotFound)));
    }
    assert_eq!(site.services.acts.of_session(&session.id).await.unwrap(), []);
}

#[tokio::test]
async fn books_that_do_not_agree_are_red() {
    let site = site().await;
    // As if a refund had been made of it that nobody knows of.
    let session = site.paid(|session| session.refundable = Some(MinorUnits::new(150))).await;
    let (status, html) = site.page(&clerk(), Mode::Test, &session, "").await;
    assert_eq!(status, 200);
    assert!(html.contains("Books don’t agree") && html.contains("150 is left"), "{html}");
    assert!(!html.contains("✓ Books agree"));
}

#[tokio::test]
async fn a_payment_that_awaits_its_payer_can_be_cancelled_and_names_stand_by_themselves() {
    let site = site().await;
    let session = site
        .create(0, |session| {
            session.line_items =
                vec![models::LineItem { name: name("שמע ישראל"), ..samples::item("x", 400, 1) }];
        })
        .await;
    let (_, html) = site.page(&clerk(), Mode::Test, &session, "").await;
    assert!(html.contains("/cancel\"") && !html.contains("/refund\"") && html.contains("Awaits the payer"), "{html}");
    assert!(html.contains("<bdi>שמע ישראל</bdi>") && html.contains("(London time)"), "{html}");
    assert!(!site.page(&visitor("demo", Role::Look), Mode::Test, &session, "").await.1.contains("/cancel\""));
    let change = Change {
        session_id: session.id,
        event: SessionEvent::CancelledByMerchant,
        at: later(30),
        write_id: samples::write_id(),
    };
    site.services.sessions.record(change, None, None, None).await.unwrap();
    let (_, html) = site.page(&clerk(), Mode::Test, &session, "").await;
    assert!(html.contains("Cancelled by you") && !html.contains("/cancel\""), "{html}");
}

#[tokio::test]
async fn what_nobody_sends_back_has_no_button() {
    let site = site().await;
    for (currency, is_refundable) in [(Currency::GBP, true), (Currency::USD, false)] {
        let session = site
            .create(0, |session| {
                session.state = SessionState::Sent;
                session.amount = Money::new(session.amount.minor_units(), currency);
            })
            .await;
        let (status, html) = site.page(&clerk(), Mode::Test, &session, "").await;
        assert_eq!((status, html.contains("/refund\"")), (200, is_refundable), "{html}");
    }
}

#[tokio::test]
async fn masked_json_says_the_same_state() {
    let site = site().await;
    let session = site
        .create(0, |session| {
            session.state = SessionState::AwaitingPaymentConsent;
            session.attempt = Some(samples::attempt_at_consent(session.id, 1, session.created_at));
            session.payer = Some(samples::payer(PAYER_NAME, PAYER_EMAIL));
        })
        .await;
    site.clock.advance_ms(366 * 24 * 60 * 60 * 1000);
    let now = site.services.clock.now();
    assert!(session.expires_at < now && session.state_at(now) == SessionState::AwaitingPaymentConsent);
    let (status, json) = site.json(&clerk(), Mode::Test, &session, "").await;
    assert_eq!(status, 200);
    assert!(json.contains("&#34;awaiting_payment_consent&#34;") && !json.contains("&#34;expired&#34;"), "{json}");
    shows_nothing_personal(&json);
}

#[tokio::test]
async fn pages_are_in_the_language_of_their_frame() {
    let site = site().await;
    let session = site.paid(|_| {}).await;
    let refund = site.refund(&session, 100).await;
    let (clerk, english) = (clerk(), texts(Language::English).payments);
    for language in Language::ALL.into_iter().filter(|language| *language != Language::English) {
        let (frame, t) = (Frame::new(&clerk, Mode::Test, Part::Payments, language), texts(language).payments);
        let (_, list) = said(Box::pin(list_page(&site.services, &frame, "")).await);
        let page = payment_page(&site.services, &frame, session.id, "", "https://pay.example");
        let (_, page) = said(Box::pin(page).await);
        for (html, text, in_english) in [
            (&list, t.heading, english.heading),
            (&list, t.list_caption, english.list_caption),
            (&page, t.happened, english.happened),
            (&page, t.personal_button, english.personal_button),
            (&page, t.books_agree, english.books_agree),
        ] {
            let (text, in_english) = (format!(">{text}</"), format!(">{in_english}</"));
            assert!(html.contains(&text) && !html.contains(&in_english), "{language:?} {text}: {html}");
        }
        let facts = Facts::new(language).name("reference", "Illuminate").amount("amount", &refund.amount);
        for text in [facts.html(t.payment).to_string(), facts.plain(t.of_refund)] {
            assert!(page.contains(&text), "{language:?} {text}: {page}");
        }
    }
}

fn samples_metadata() -> models::Metadata {
    std::collections::BTreeMap::from([("order".to_owned(), "order-7".to_owned())]).try_into().unwrap()
}
