//! The console's overview: over the real binaries, from what the stream brings.

use jiff::SignedDuration;
use models::{Creation, Role, Session, SessionEvent};
use reqwest::StatusCode;
use serde_json::json;
use store::{Parts, Rule, Verify};
use tests::{Browser, World, text};

async fn overview(browser: &Browser<'_>, query: &str) -> String {
    let page = browser.get(&format!("/console/test/overview{query}")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    page.html
}

fn tile(html: &str, label: &str, value: &str) -> bool {
    html.contains(&format!("<dt>{label}</dt><dd>{value}</dd>"))
}

/// What is broken of how things ended.
async fn broken(world: &World) -> Vec<String> {
    let table = world.table();
    let verify = Verify::new(table.clone(), samples::now(), SignedDuration::ZERO);
    let mut broken = Vec::new();
    for mut part in table.items(Parts(1)) {
        while let Some(page) = part.next().await.unwrap() {
            for item in page.found {
                let found = verify.check(&item).await.unwrap().violations.into_iter();
                broken.extend(found.filter(|violation| violation.rule == Rule::Ended).map(|broken| broken.problem));
            }
        }
    }
    broken
}

#[tokio::test]
async fn what_is_paid_refunded_and_cancelled_is_counted_once() {
    let world = World::with_console().await;
    let browser = world.sign_in(Role::Refund).await;
    let nothing = overview(&browser, "").await;
    assert!(nothing.contains("There are no payments in test mode yet"), "{nothing}");
    let session = world.paid().await;
    world.paid().await;
    world.cancel(&world.create().await).await;
    let refund = world.refund(&session, 150).await;
    world.settled().await;
    for query in ["", "?days=1", "?days=7", "?days=30", "?days=90"] {
        let html = overview(&browser, query).await;
        for (label, value) in
            [("Payments ended", "3"), ("Success rate", "66.6%"), ("Volume", "£8.00"), ("Refunded", "£0.00")]
        {
            assert!(tile(&html, label, value), "{query} {label}: {html}");
        }
        assert!(html.contains("Cancelled by you") && html.contains("one awaits your authorisation"), "{html}");
    }
    let refunder = world.refunder(&refund);
    refunder.choose_bank(1).await;
    refunder.decide(1, "approve").await;
    world.settled().await;
    let html = overview(&browser, "").await;
    assert!(tile(&html, "Refunded", "£1.50") && tile(&html, "Payments ended", "3"), "{html}");
    assert!(html.contains("Nothing needs your attention."), "{html}");
    let payment = browser.get(&format!("/console/test/payments/{}", text(&session["id"]))).await.html;
    assert!(payment.contains("✓ Books agree"), "{payment}");
    assert_eq!(broken(&world).await, [""; 0]);
    for query in ["?days=8", "?x=1"] {
        let page = browser.get(&format!("/console/test/overview{query}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn what_comes_late_is_counted_on_its_day_and_a_wrong_day_is_found() {
    let world = World::with_console().await;
    let browser = world.sign_in(Role::Look).await;
    overview(&browser, "?days=7").await;
    let at = samples::now() - SignedDuration::from_hours(72);
    let day = at.strftime("%Y-%m-%d").to_string();
    let kept = async || world.item("DAYS#demo#test", &day).await["tally"].clone();
    assert!(!kept().await.is_null(), "nothing ended then, and that is kept");
    let base_url = world.machine.api_url().to_owned();
    let new = samples::new_session(vec![samples::item("Candles", 400, 1)]);
    let mut session = Session::create(new, Creation { base_url, ..samples::creation(at) });
    samples::happen(&mut session, SessionEvent::CancelledByPayer, at);
    store::Sessions::new(world.table()).create(session, None).await.unwrap();
    world.settled().await;
    assert!(kept().await.is_null(), "it may lack what came");
    let html = overview(&browser, "?days=7").await;
    assert!(tile(&html, "Cancelled", "1"), "{html}");
    assert!(!kept().await.is_null());
    assert_eq!(broken(&world).await, [""; 0]);

    let update = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": { "S": "DAYS#demo#test" }, "sk": { "S": day } },
        "UpdateExpression": "SET tally.currencies.GBP.cancelled = :two",
        "ExpressionAttributeValues": { ":two": { "N": "2" } },
    });
    world.dynamodb("UpdateItem", &update).await;
    assert_eq!(broken(&world).await, ["is not what ended on it adds up to"]);
}
