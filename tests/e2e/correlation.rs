//! One id from the request at API Gateway to the mail and the webhook that it causes.

use serde_json::json;
use tests::{PATIENCE, Receiver, World, text};

#[tokio::test]
async fn a_request_s_id_is_in_the_logs_the_webhook_and_the_mail_it_causes() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    world.register(&receiver.url("/hooks"), json!({ "events": ["payment_session.sent"] })).await;
    let session = world.create().await;
    let payer = world.payer(&session);
    payer.identify().await;
    payer.choose_bank(1).await;
    let came_back = payer.decide(1, "approve").await;
    let id = came_back.headers["apigw-requestid"].to_str().unwrap().to_owned();
    assert!(!id.is_empty());

    let mails = world.mails().await;
    let mail = std::fs::read_to_string(&mails[0].path).unwrap();
    assert!(mail.contains(&format!("Counterfoil-Correlation-Id: {id}")), "{mail}");
    let webhook = receiver.received().remove(0);
    assert_eq!(webhook.headers["counterfoil-correlation-id"], id);
    // docs/operating.md has operators search for the message of the webhook.
    for (function, message) in
        [("PublishFunction", "published"), ("EmailReceiptFunction", "sent"), ("WebhookFunction", "delivery attempted")]
    {
        let says = |machine: &local::Machine| {
            let parts = [format!("\"correlation_id\":\"{id}\""), format!("\"message\":\"{message}\"")];
            let says =
                |log: &local::LogLine| log.source == function && parts.iter().all(|part| log.text.contains(part));
            machine.logs().iter().any(says).then_some(())
        };
        assert!(world.machine.until(PATIENCE, says).await.is_some(), "{function}");
    }
}

#[tokio::test]
async fn what_the_schedule_does_bears_the_run_s_id() {
    let world = World::start().await;
    let session = world.create().await;
    let pk = format!("SESSION#{}", text(&session["id"]));
    // As if its time had passed.
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": { "S": pk }, "sk": { "S": "SESSION" } },
        "UpdateExpression": "SET expires_at = :past, due_at = :due",
        "ExpressionAttributeValues": { ":past": { "N": "1" }, ":due": { "S": "2000-01-01T00:00:00.000Z" } },
    });
    world.dynamodb("UpdateItem", &body).await;
    world.run_schedule().await;
    let item = world.item(&pk, "SESSION").await;
    assert_eq!(item["state"]["S"], "expired");
    let entries = item["history"]["L"].as_array().unwrap();
    let ids: Vec<_> = entries.iter().map(|entry| text(&entry["M"]["correlation_id"]["S"])).collect();
    assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");
}
