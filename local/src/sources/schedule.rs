//! A schedule as an event source. Every schedule here runs at one interval, so that nobody waits for a minute to pass.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::functions::Functions;
use crate::names;
use crate::tasks::Tasks;
use crate::template::ScheduleEvent;

/// Invokes a function again and again, never twice at once; a failure is logged where it happens and waits for the
/// next turn.
pub(crate) fn run(
    function: String,
    event: ScheduleEvent,
    interval: Duration,
    functions: Arc<Functions>,
    tasks: &Tasks,
) {
    tasks.spawn(async move {
        loop {
            tokio::time::sleep(interval).await;
            let event = scheduled_event(&function, &event);
            let _ = functions.invoke(&function, event.to_string().into()).await;
        }
    });
}

/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html>
fn scheduled_event(function: &str, event: &ScheduleEvent) -> Value {
    json!({
        "version": "0",
        "id": Uuid::new_v4(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": names::ACCOUNT,
        "time": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": names::REGION,
        "resources": [format!("arn:aws:events:{}:{}:rule/{function}{}", names::REGION, names::ACCOUNT, event.name)],
        "detail": {},
    })
}
