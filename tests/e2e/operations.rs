//! What an operator goes by: metrics, alarms, the dashboard, the runbook.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use runtime::Metric;
use serde_json::{Value, json};
use tests::{PATIENCE, World, text, workspace};

fn file(path: &str) -> String {
    std::fs::read_to_string(workspace().join(path)).unwrap()
}

/// The text of each resource of the template, by its logical id.
fn resources() -> BTreeMap<String, String> {
    let template = file("template.yaml");
    let resources = template.split_once("\nResources:\n").unwrap().1.split_once("\nOutputs:\n").unwrap().0;
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut id = String::new();
    for line in resources.lines() {
        let name = line.strip_prefix("  ").and_then(|line| line.strip_suffix(':'));
        if let Some(name) = name.filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase())) {
            name.clone_into(&mut id);
        }
        found.entry(id.clone()).or_default().push_str(&format!("{line}\n"));
    }
    found
}

fn alarms() -> BTreeMap<String, String> {
    resources().into_iter().filter(|(_, text)| text.contains("Type: AWS::CloudWatch::Alarm")).collect()
}

/// What a function counted since the machine began, by metric.
pub(crate) fn counted(world: &World) -> BTreeMap<String, u64> {
    let mut counted = BTreeMap::new();
    for line in world.machine.logs() {
        let Ok(line) = serde_json::from_str::<Value>(&line.text) else { continue };
        let metrics = &line["_aws"]["CloudWatchMetrics"][0];
        if metrics["Namespace"] != "Counterfoil/dev" {
            continue;
        }
        for metric in metrics["Metrics"].as_array().unwrap() {
            assert_eq!(metric["Unit"], "Count", "{line}");
            let name = text(&metric["Name"]);
            *counted.entry(name.clone()).or_default() += line[&name].as_u64().unwrap();
        }
    }
    counted
}

#[test]
fn every_alarm_notifies_and_is_explained_in_the_runbook() {
    let runbook = file("docs/operating.md");
    let sections: BTreeSet<_> =
        runbook.lines().filter_map(|line| line.strip_prefix("### ")).map(str::to_owned).collect();
    let alarms: BTreeMap<_, _> = alarms();
    assert!(alarms.len() > 10);
    for (id, text) in &alarms {
        assert!(text.contains("AlarmActions: [!Ref AlarmTopic]"), "{id} notifies nobody");
        assert!(sections.contains(id), "docs/operating.md has no section on {id}");
    }
    for section in sections.iter().filter(|section| section.ends_with("Alarm")) {
        assert!(alarms.contains_key(section), "docs/operating.md explains {section}, which is none");
    }
}

#[test]
fn the_dashboard_shows_whatever_is_counted() {
    let dashboard = &resources()["Dashboard"];
    let body = dashboard.split_once("!Sub |").unwrap().1;
    let body: Value = serde_json::from_str(body).unwrap();
    let mut shown = BTreeSet::new();
    for widget in body["widgets"].as_array().unwrap() {
        for metric in widget["properties"]["metrics"].as_array().unwrap() {
            if metric[0] == "Counterfoil/${Stage}" {
                shown.insert(text(&metric[1]));
            }
        }
    }
    let mut counted: BTreeSet<_> = Metric::ALL.map(|metric| metric.as_str().to_owned()).into();
    // Counted by CloudWatch itself, out of the access log.
    counted.insert("ThrottledRequests".to_owned());
    assert_eq!(shown, counted);
}

#[test]
fn alarms_are_on_metrics_that_there_are() {
    for (id, alarm) in alarms() {
        if !alarm.contains("Namespace: !Sub \"Counterfoil/${Stage}\"") {
            continue;
        }
        let name = alarm.split_once("MetricName: ").unwrap().1.lines().next().unwrap().to_owned();
        let known = Metric::ALL.iter().any(|metric| metric.as_str() == name) || name == "ThrottledRequests";
        assert!(known, "{id}: nobody counts {name}");
    }
}

#[tokio::test]
async fn a_payment_is_counted() {
    let world = World::start().await;
    world.paid().await;
    world.mails().await;
    let cancelled = world.create().await;
    world.cancel(&cancelled).await;
    world.settled().await;
    let counted = counted(&world);
    assert_eq!(counted["PaymentsSent"], 1);
    assert_eq!(counted["PaymentsNotSent"], 1);
    assert_eq!(counted["MailsSent"], 1);
    assert_eq!(counted.get("StuckPending"), None);
}

#[tokio::test]
async fn a_mail_that_ses_turns_away_has_not_failed() {
    let world = World::start().await;
    world.machine.faults().add(local::Fault::new("SendEmail", local::Effect::Throttled));
    world.paid().await;
    assert_eq!(world.mails().await.len(), 1);
    let counted = counted(&world);
    assert_eq!((counted["MailsThrottled"], counted["MailsSent"], counted.get("MailsFailed")), (1, 1, None));
}

#[tokio::test]
async fn a_payment_that_its_bank_forgot_is_counted_as_stuck_and_stays_pending() {
    let world = World::start().await;
    let session = world.create().await;
    let payer = world.payer(&session);
    payer.identify().await;
    payer.choose_bank(1).await;
    payer.decide(1, "approve_then_settle").await;
    // As if the bank had never heard of it, two hours ago.
    let table = world.machine.table_name();
    for sk in ["ATTEMPT#1", "ORDER"] {
        let pk = format!("MOCKBANK#{}", text(&session["end_to_end_id"]));
        let key = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
        world.dynamodb("DeleteItem", &json!({ "TableName": table, "Key": key })).await;
    }
    let earlier = Timestamp::now() - SignedDuration::from_hours(2);
    let body = json!({
        "TableName": table,
        "Key": { "pk": { "S": format!("SESSION#{}", text(&session["id"])) }, "sk": { "S": "SESSION" } },
        "UpdateExpression": "SET submission.submitted_at = :earlier, due_at = :past",
        "ExpressionAttributeValues": {
            ":earlier": { "N": earlier.as_millisecond().to_string() }, ":past": { "S": "2000-01-01T00:00:00.000Z" },
        },
    });
    world.dynamodb("UpdateItem", &body).await;
    world.run_schedule().await;
    assert_eq!(world.get(&text(&session["id"])).await["state"], "pending");
    let stuck = world.machine.until(PATIENCE, |_| counted(&world).get("StuckPending").copied()).await;
    assert_eq!(stuck, Some(1));
}
