//! What becomes of mails that are not well received.

use models::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{PATIENCE, World, document_1, text};

/// Pays a session whose receipt goes to `address`.
async fn pay(world: &World, address: &str) -> String {
    let mut request = document_1();
    request["payer"] = json!({ "name": "Ada Payer", "email": address });
    let session = world.create_from(&request).await;
    let payer = world.payer(&session);
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    text(&session["id"])
}

async fn receipt(world: &World, session: &str) -> Value {
    world.item(&format!("MAIL#{session}"), "receipt#4").await
}

/// Waits until the function has noted this on as many mails as `count`.
async fn noted(world: &World, feedback: &str, count: usize) {
    // docs/operating.md has operators search for this message.
    let parts = [
        "\"message\":\"SES reported a problem with a mail\"".to_owned(),
        format!("\"feedback\":\"{feedback}\",\"noted\":true"),
    ];
    let noted = world.machine.until(PATIENCE, |machine| {
        let logs = machine.logs();
        let lines = logs.iter().filter(|line| parts.iter().all(|part| line.text.contains(part)));
        (lines.count() >= count).then_some(())
    });
    assert!(noted.await.is_some(), "{:#?}", world.machine.logs());
}

#[tokio::test]
async fn an_address_that_bounced_gets_no_further_mail_and_the_mail_says_so() {
    let world = World::start().await;
    let first = pay(&world, "bounce+ada@simulator.amazonses.com").await;
    noted(&world, "bounced", 1).await;
    let mail = receipt(&world, &first).await;
    assert_eq!(mail["state"]["S"], "sent");
    assert!(mail["bounced_at"]["N"].is_string() && mail["suppressed_at"].is_null(), "{mail}");

    let second = pay(&world, "bounce+ada@simulator.amazonses.com").await;
    noted(&world, "suppressed", 1).await;
    let mail = receipt(&world, &second).await;
    assert!(mail["suppressed_at"]["N"].is_string() && mail["bounced_at"].is_null(), "{mail}");
    assert!(world.mails().await.is_empty());
}

#[tokio::test]
async fn who_complains_gets_no_further_mail_though_the_first_arrived() {
    let world = World::start().await;
    let address = "complaint+ada@simulator.amazonses.com";
    let first = pay(&world, address).await;
    noted(&world, "complained", 1).await;
    assert!(receipt(&world, &first).await["complained_at"]["N"].is_string());
    pay(&world, address).await;
    noted(&world, "suppressed", 1).await;
    let to: Vec<_> = world.mails().await.into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(to, [address]);
}

#[tokio::test]
async fn reported_twice_the_first_timestamp_stays_and_no_mail_is_made_up() {
    let world = World::start().await;
    let session = pay(&world, "bounce@simulator.amazonses.com").await;
    noted(&world, "bounced", 1).await;
    let first = receipt(&world, &session).await["bounced_at"].clone();
    let event = |object: &str| {
        json!({
            "version": "0", "id": "1", "detail-type": "Email Bounced", "source": "aws.ses", "account": "0",
            "time": "2026-01-01T00:00:00Z", "region": "eu-west-2", "resources": [],
            "detail": {
                "eventType": "Bounce",
                "mail": { "messageId": "1", "tags": { "object": [object], "kind": ["receipt"], "sequence": ["4"] } },
                "bounce": { "bounceType": "Permanent", "bounceSubType": "General", "timestamp": "2031-01-01T00:00:00Z" },
            },
        })
    };
    world.machine.invoke("FeedbackFunction", &event(&session)).await.unwrap();
    assert_eq!(receipt(&world, &session).await["bounced_at"], first);
    let unknown = "00000000-0000-4000-8000-000000000000";
    world.machine.invoke("FeedbackFunction", &event(unknown)).await.unwrap();
    assert!(receipt(&world, unknown).await.is_null());
}

#[tokio::test]
async fn where_the_console_is_on_its_overview_names_each_payment_of_which_a_mail_did_not_arrive() {
    let world = World::with_console().await;
    let browser = world.sign_in(Role::Look).await;
    let named = async |session: &str| {
        let page = browser.get("/console/test/overview").await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        page.html.matches(&format!(">Payment {session}</bdi></a>: a mail about it did not arrive, ")).count()
    };
    let bounced = pay(&world, "bounce+ada@simulator.amazonses.com").await;
    let complained = pay(&world, "complaint+ada@simulator.amazonses.com").await;
    noted(&world, "bounced", 1).await;
    noted(&world, "complained", 1).await;
    world.settled().await;
    assert_eq!((named(&bounced).await, named(&complained).await), (1, 0), "that one arrived");

    // A mail about a refund of it is suppressed, and names the same payment.
    let refund = world.refund(&json!({ "id": bounced }), 150).await;
    let refunder = world.refunder(&refund);
    refunder.choose_bank(1).await;
    refunder.decide(1, "approve").await;
    noted(&world, "suppressed", 1).await;
    world.settled().await;
    assert_eq!(named(&bounced).await, 1);
    let query = json!({
        "TableName": world.machine.table_name(),
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": { ":pk": { "S": "NEEDS#demo#test" } },
    });
    let notes = world.dynamodb("Query", &query).await["Items"].as_array().unwrap().clone();
    assert_eq!(notes.len(), 2, "{notes:?}");
    for note in &notes {
        assert_eq!(note["session_id"]["S"], json!(bounced));
        assert!(!note.to_string().contains('@'), "{note}");
    }
}
