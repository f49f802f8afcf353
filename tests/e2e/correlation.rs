//! One id from the request at API Gateway to the mail and the webhook that it causes.

use reqwest::Method;
use serde_json::json;
use tests::{PATIENCE, Receiver, World, page, text};

#[tokio::test]
async fn a_request_s_id_is_in_the_logs_the_webhook_and_the_mail_it_causes() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    world.register(&receiver.url("/hooks"), json!({ "events": ["payment_session.sent"] })).await;
    let session = world.create().await;
    let payer = world.payer(&session);
    payer.identify().await;
    payer.choose_bank(1).await;
    let path = format!("/mock-bank/{}/1", text(&session["id"]));
    let approved = page(world.request(Method::POST, &path).form(&[("decision", "approve")])).await;
    let id = approved.headers["apigw-requestid"].to_str().unwrap().to_owned();
    assert!(!id.is_empty());

    let mails = world.mails().await;
    let mail = std::fs::read_to_string(&mails[0].path).unwrap();
    assert!(mail.contains(&format!("Counterfoil-Correlation-Id: {id}")), "{mail}");
    let webhook = receiver.received().remove(0);
    assert_eq!(webhook.headers["counterfoil-correlation-id"], id);
    for function in ["PublishFunction", "EmailReceiptFunction", "WebhookFunction"] {
        let says = |machine: &local::Machine| {
            let line = format!("\"correlation_id\":\"{id}\"");
            machine.logs().iter().any(|log| log.source == function && log.text.contains(&line)).then_some(())
        };
        assert!(world.machine.until(PATIENCE, says).await.is_some(), "{function}");
    }
}

#[tokio::test]
async fn what_the_schedule_does_bears_the_run_s_id() {
    let world = World::start().await;
    let session = world.create().await;
    let payer = world.payer(&session);
    payer.identify().await;
    payer.choose_bank(1).await;
    payer.decide(1, "approve_then_settle").await;
    let item = async || {
        let key = json!({ "pk": { "S": format!("SESSION#{}", text(&session["id"])) }, "sk": { "S": "SESSION" } });
        let body = json!({ "TableName": world.machine.table_name(), "Key": key, "ConsistentRead": true });
        world.dynamodb("GetItem", &body).await["Item"].clone()
    };
    while item().await["state"]["S"] != "sent" {
        world.run_schedule().await;
    }
    let item = item().await;
    let ids: Vec<_> =
        item["history"]["L"].as_array().unwrap().iter().map(|entry| text(&entry["M"]["correlation_id"]["S"])).collect();
    assert_eq!(ids.len(), 5);
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), 5, "{ids:?}");
}
