//! What TrueLayer can't be asked about now, or need not be.

use local::truelayer::Fault;
use serde_json::json;
use tests::{PATIENCE, World, text};

use crate::at_consent_ends::{self, fall_due};
use crate::operations::counted;
use crate::truelayer::{at_the_bank, state, truelayer, visit};

/// Every request about payments, which none reaches while this waits.
const PAYMENTS: &str = "/v3/payments";

#[tokio::test]
async fn a_webhook_comes_again_where_its_payment_could_not_be_asked_about() {
    let world = World::with_truelayer().await;
    truelayer(&world).pause_webhooks(true);
    let session = at_the_bank(&world).await;
    visit(&world.payer(&session).link(1).await, Some("approve")).await;
    // That it was authorized, and executed.
    for _ in 0..2 {
        truelayer(&world).fail_next(PAYMENTS, Fault::Status(503));
    }
    assert_eq!(truelayer(&world).deliver_webhooks().await, 0);
    assert_eq!(state(&world, &session).await, "awaiting_payment_consent");
    assert_eq!(truelayer(&world).deliver_webhooks().await, 2);
    assert_eq!(state(&world, &session).await, "sent", "{:#?}", world.machine.logs());
    // That was the last word about it, and nobody asks for another.
    truelayer(&world).fail_next(PAYMENTS, Fault::Status(503));
    assert_eq!(truelayer(&world).repeat_webhooks().await, 2);
}

#[tokio::test]
async fn somebody_is_called_while_a_payment_is_at_a_provider_that_is_not_connected() {
    let world = World::start().await;
    let (session, _) = at_consent_ends::at_the_bank(&world).await;
    // As if it had been begun at TrueLayer, which was switched off since.
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": { "S": format!("SESSION#{}", text(&session["id"])) }, "sk": { "S": "SESSION" } },
        "UpdateExpression": "SET attempt.bank = :bank",
        "ExpressionAttributeValues": { ":bank": { "S": "truelayer" } },
    });
    world.dynamodb("UpdateItem", &body).await;
    fall_due(&world, &session, false).await;
    world.run_schedule().await;
    let failed = world.machine.until(PATIENCE, |_| counted(&world).get("DueFailed").copied()).await;
    assert_eq!(failed, Some(1));
    assert!(world.machine.logs().iter().any(|line| line.text.contains("the provider is not connected")));
    assert_eq!(state(&world, &session).await, "awaiting_payment_consent");
}
