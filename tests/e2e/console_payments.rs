//! The console's list of payments, its search, and the page of each: over the real binaries and their permissions.

use jiff::SignedDuration;
use models::{Creation, MinorUnits, Mode, Money, Role, Session, SessionId, WireFormat};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Browser, DEMO, World, answer, console_on, text};

use crate::console_refunds;

const LIST: &str = "/console/test/payments";

/// What is known of who pays: of this nothing is on any page until somebody has asked for it.
const PERSONAL: [&str; 4] = ["Ada Payer", "ada@example.com", "Ada", "ada@"];

async fn world() -> World {
    World::start_with(|config| {
        console_on(config);
        tests::loopback_webhooks(config);
    })
    .await
}

/// Puts a session of the demo merchant, made this many seconds ago.
async fn put(world: &World, seconds_ago: i64, change: impl FnOnce(&mut Session)) -> SessionId {
    let at = samples::now() - SignedDuration::from_secs(seconds_ago);
    let base_url = world.machine.api_url().to_owned();
    let new = samples::new_session(vec![samples::item("Candles", 400, 1)]);
    let mut session = Session::create(new, Creation { base_url, ..samples::creation(at) });
    change(&mut session);
    let id = session.id;
    store::Sessions::new(world.table()).create(session, None).await.unwrap();
    id
}

/// Which of these payments a page lists, in its order.
fn listed(html: &str, ids: &[SessionId]) -> Vec<usize> {
    let at = |id: &SessionId| html.find(&format!("{LIST}/{id}\""));
    let mut found: Vec<_> = ids.iter().enumerate().filter_map(|(n, id)| Some((at(id)?, n))).collect();
    found.sort_unstable();
    found.into_iter().map(|(_, n)| n).collect()
}

/// Where a link with this text leads.
fn link(html: &str, text: &str) -> Option<String> {
    let (before, _) = html.split_once(&format!(">{text}</a>"))?;
    let (_, href) = before.rsplit_once("href=\"")?;
    Some(href.split_once('"')?.0.replace("&#38;", "&"))
}

async fn html(browser: &Browser<'_>, path: &str) -> String {
    let page = browser.get(path).await;
    assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.html);
    page.html
}

async fn search(browser: &Browser<'_>, mode: &str, q: &str) -> (StatusCode, Option<String>) {
    let page = browser.get(&format!("/console/{mode}/payments?q={}", q.replace('@', "%40"))).await;
    assert!(page.status == StatusCode::SEE_OTHER || page.html.contains("Nothing of yours was found"), "{}", page.html);
    (page.status, page.location)
}

fn shows_nothing_personal(html: &str) {
    for personal in PERSONAL {
        assert!(!html.contains(personal), "{personal}: {html}");
    }
}

#[tokio::test]
async fn payments_of_all_formats_are_listed_filtered_and_paged() {
    let world = world().await;
    let mut ids = Vec::new();
    for n in 0..60_u8 {
        let change = |session: &mut Session| {
            session.format = WireFormat::ALL[usize::from(n % 3)];
            if n == 50 {
                session.amount = Money::new(MinorUnits::new(5194), session.amount.currency());
            }
        };
        ids.push(put(&world, i64::from(n) + 60, change).await);
    }
    let all: Vec<_> = (0..60).collect();
    let clerk = world.sign_in(Role::Look).await;
    let first = html(&clerk, LIST).await;
    assert_eq!(listed(&first, &ids), all[..25]);
    let older = link(&first, "Older").unwrap();
    put(&world, 0, |_| {}).await;
    let second = html(&clerk, &older).await;
    assert_eq!(listed(&second, &ids), all[25..50]);
    let third = html(&clerk, &link(&second, "Older").unwrap()).await;
    assert_eq!((listed(&third, &ids), link(&third, "Older")), (all[50..].to_vec(), None));
    let back = html(&clerk, &link(&third, "Newer").unwrap()).await;
    assert_eq!(listed(&back, &ids), all[25..50]);

    assert_eq!(listed(&html(&clerk, &format!("{LIST}?amount=51.94")).await, &ids), [50]);
    let format = WireFormat::ALL[1].as_str();
    let of_one = html(&clerk, &format!("{LIST}?format={format}&state=awaiting_payer")).await;
    assert_eq!(listed(&of_one, &ids), all.iter().copied().filter(|n| n % 3 == 1).collect::<Vec<_>>());
    let today = samples::now().strftime("%Y-%m-%d").to_string();
    assert!(html(&clerk, &format!("{LIST}?state=sent&to={today}")).await.contains("No payment matches"));
    for query in ["state=paid", "colour=red", "from=tomorrow", "after=x", "amount=a", "state=sent&state=sent"] {
        assert_eq!(clerk.get(&format!("{LIST}?{query}")).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
    // Each page of one of each format; others' are not there.
    world.merchant("acme", Mode::Test, "all").await;
    let stranger = world.sign_in_as("acme", "eve@acme.example", Role::Own).await;
    assert!(html(&stranger, LIST).await.contains("There are no payments in test mode yet"));
    for id in &ids[..3] {
        for path in [format!("{LIST}/{id}"), format!("{LIST}/{id}/json")] {
            html(&clerk, &path).await;
            assert_eq!(stranger.get(&path).await.status, StatusCode::NOT_FOUND);
            assert_eq!(clerk.get(&path.replace("/test/", "/live/")).await.status, StatusCode::NOT_FOUND);
        }
        assert!(html(&clerk, &format!("{LIST}/{id}")).await.contains("✓ Books agree"), "{id}");
        let asked = stranger.post(&format!("{LIST}/{id}/personal-data"), &[]).await;
        assert_eq!(asked.status, StatusCode::NOT_FOUND);
        let asked = clerk.post(&format!("{LIST}/{id}/personal-data"), &[]).await;
        assert_eq!(asked.status, StatusCode::FORBIDDEN, "whose role may not");
    }
}

#[tokio::test]
async fn a_payment_is_found_shown_and_its_personal_data_asked_for() {
    let world = world().await;
    let receiver = tests::Receiver::start().await;
    world.register(&receiver.url("/a"), json!({})).await;
    let session = world.paid().await;
    let refund = world.refund(&session, 100).await;
    world.settled().await;
    let path = format!("{LIST}/{}", text(&session["id"]));
    let clerk = world.sign_in(Role::Refund).await;
    let page = html(&clerk, &path).await;
    for shown in
        ["✓ Books agree", "A… P…", "a…@example.com", "Webhook accepted (200)", "Receipt", "Authorise it at your bank"]
    {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    shows_nothing_personal(&page);
    shows_nothing_personal(&html(&clerk, &format!("{path}/json")).await);
    shows_nothing_personal(&html(&clerk, LIST).await);

    // The same as cURL is the same.
    let (_, curl) = page.split_once("curl -u &#34;$KEY:$SECRET&#34; ").unwrap();
    let curl = curl.split_once('<').unwrap().0.strip_prefix(world.machine.api_url()).unwrap();
    let read = answer(world.request(Method::GET, curl).basic_auth(DEMO.0, Some(DEMO.1))).await;
    assert_eq!((read.status, &read.body["id"]), (StatusCode::OK, &session["id"]));

    for q in [
        text(&session["id"]),
        text(&session["id"]).to_uppercase(),
        text(&session["end_to_end_id"]),
        "ADA@example.com".to_owned(),
    ] {
        assert_eq!(search(&clerk, "test", &q).await, (StatusCode::SEE_OTHER, Some(path.clone())), "{q}");
        assert_eq!(search(&clerk, "live", &q).await.0, StatusCode::OK, "{q}");
    }
    // What pays the refund has the same reference.
    let found = html(&clerk, &format!("{LIST}?q={}", text(&session["reference"]).to_lowercase())).await;
    assert!(found.contains(&format!("{path}\"")) && found.contains("pays a refund"), "{found}");
    let to_refund = format!("{path}#refund-{}", text(&refund["id"]));
    assert_eq!(search(&clerk, "test", &text(&refund["id"])).await, (StatusCode::SEE_OTHER, Some(to_refund)));

    let asked = clerk.post(&format!("{path}/personal-data"), &[]).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.html);
    let shown = asked.location.unwrap();
    let shown = shown.strip_suffix("#personal").unwrap();
    let page = html(&clerk, shown).await;
    for personal in ["Ada Payer", "ada@example.com", "refund@demo.example saw personal data"] {
        assert!(page.contains(personal), "{personal}: {page}");
    }
    let (_, query) = shown.split_once('?').unwrap();
    assert!(html(&clerk, &format!("{path}/json?{query}")).await.contains("ada@example.com"));
    let owner = world.sign_in(Role::Own).await;
    shows_nothing_personal(&html(&owner, shown).await);
}

#[tokio::test]
async fn the_books_of_a_payment_are_what_verify_says() {
    let world = world().await;
    let clerk = world.sign_in(Role::Refund).await;
    // One whose money moved at consent, and one that follows a test clock.
    let at_consent = world.create().await;
    let payer = world.payer(&at_consent);
    payer.identify().await;
    payer.choose("mock-consent", 1).await;
    let clock =
        answer(world.demo(Method::POST, "/v2/test_clocks").json(&json!({ "now": "2030-01-31T09:30:00Z" }))).await;
    assert_eq!(clock.status, StatusCode::CREATED, "{}", clock.text);
    let mut on_clock = tests::document_1();
    on_clock["test_clock"] = clock.body["id"].clone();
    let on_clock = world.create_from(&on_clock).await;
    let session = world.paid().await;
    let refund = world.refund(&session, 100).await;
    // One whose mail was called for long ago, so that it has to be there.
    let mailed = put(&world, 7200, |session| {
        session.email_link = true;
        session.payer = Some(samples::payer("Ada Payer", "ada@example.com"));
        session.expires_at = samples::now() + SignedDuration::from_hours(1);
    });
    let mailed = json!({ "id": mailed.await });
    world.settled().await;
    let page = async |session: &Value| html(&clerk, &format!("{LIST}/{}", text(&session["id"]))).await;
    for session in [&at_consent, &on_clock, &mailed, &session] {
        let page = page(session).await;
        assert!(page.contains("✓ Books agree"), "{page}");
    }
    world
        .dynamodb(
            "UpdateItem",
            &json!({
                "TableName": world.machine.table_name(),
                "Key": {
                    "pk": { "S": format!("SESSION#{}", text(&session["id"])) },
                    "sk": { "S": format!("REFUND#{}", text(&refund["id"])) },
                },
                "UpdateExpression": "SET amount.minor = :minor",
                "ExpressionAttributeValues": { ":minor": { "N": "150" } },
            }),
        )
        .await;
    let page = page(&session).await;
    assert!(page.contains("✗ Books don’t agree") && !page.contains("✓ Books agree"), "{page}");
    assert!(page.contains("says that 300 is left"), "{page}");
}

#[tokio::test]
async fn movements_are_exported_in_parts_that_name_nobody_each_with_its_act() {
    let world = world().await;
    let session = world.paid().await;
    let refund = world.refund(&session, 150).await;
    let look = world.sign_in(Role::Look).await;
    let form = link(&html(&look, LIST).await, "Export as CSV").unwrap();
    let shown = html(&look, &form).await;
    // The last part is that of today.
    let (_, today) = shown.rsplit_once("<form method=\"post\" action=\"/console/test/payments/export\">").unwrap();
    let field = |name| tests::hidden(today, name).unwrap();
    let (from, to, part_from, part_until) = (field("from"), field("to"), field("part_from"), field("part_until"));
    let fields = [("from", &*from), ("to", &*to), ("part_from", &*part_from), ("part_until", &*part_until)];
    let export = "/console/test/payments/export";
    assert_eq!(look.send(export, &fields).await.status, StatusCode::FORBIDDEN, "without what the visit's forms bear");
    assert_eq!(look.post(export, &fields[..3]).await.status, StatusCode::BAD_REQUEST);
    let exported = console_refunds::acts(&world, "exported").await;
    assert!(exported.is_empty(), "{exported:?}");

    let csv = look.post(export, &fields).await;
    assert_eq!(csv.status, StatusCode::OK, "{}", csv.html);
    assert!(csv.headers["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"payments-"));
    assert_eq!(csv.html.lines().count(), 3, "{}", csv.html);
    for part in [text(&session["id"]).as_str(), &text(&refund["id"]), "\"-1.50\",\"GBP\""] {
        assert!(csv.html.contains(part), "{part}: {}", csv.html);
    }
    for personal in PERSONAL {
        assert!(!csv.html.contains(personal), "{personal}: {}", csv.html);
    }
    let acts = console_refunds::acts(&world, "exported").await;
    assert_eq!(acts.len(), 1, "{acts:?}");
    assert_eq!((&acts[0]["acted_on"]["S"], &acts[0]["outcome"]["S"]), (&json!("payments"), &json!("done")));
    world.merchant("acme", Mode::Test, "all").await;
    let theirs = world.sign_in_as("acme", "look@acme.example", Role::Look).await;
    assert_eq!(theirs.post(export, &fields).await.html.lines().count(), 1);
}
