//! What becomes of mails that are not well received.

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
