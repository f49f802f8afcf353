//! What functions may do: what their policies say, and nothing else.

use std::collections::BTreeSet;

use crate::support::{config, dynamodb, machine, template};
use local::{Machine, Permission, PermissionRecord, permissions};
use serde_json::json;

#[tokio::test]
async fn what_no_statement_allows_is_refused_and_said() {
    let (machine, _folder) = machine().await;
    let output = machine.invoke("WriterFunction", &json!({ "put": "secret" })).await.unwrap().to_string();
    assert!(output.contains("AccessDenied"), "{output}");
    let said = "WriterFunction is not authorized to perform: dynamodb:PutItem on arn:aws:dynamodb:eu-west-2:000000000000:table/local-Table secret;";
    assert!(machine.logs().iter().any(|line| line.text.contains(said)), "{:?}", machine.logs());
    let items = dynamodb(&machine).scan().table_name("local-Table").send().await.unwrap();
    assert_eq!(items.count(), 0, "nobody else is asked");
    machine.stop().await;
}

#[tokio::test]
async fn what_is_made_use_of_is_written_down_once_and_so_is_what_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let records = folder.path().join("permissions");
    let config = local::Config { permissions_dir: Some(records.clone()), ..config(&folder) };
    let machine = Machine::start(config).await.unwrap();
    for event in [json!({ "put": "SESSION#1" }), json!({ "put": "SESSION#2" }), json!({ "put": "a" })] {
        assert_eq!(machine.invoke("WriterFunction", &event).await.unwrap(), "ok");
    }
    for event in [json!({ "send": "x" }), json!({ "mail": "a@example.com" })] {
        assert_eq!(machine.invoke("WriterFunction", &event).await.unwrap(), "ok");
    }
    machine.invoke("WriterFunction", &json!({ "put": "secret" })).await.unwrap();
    machine.stop().await;

    let file = std::fs::read_dir(&records).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(file).unwrap();
    let written: Vec<PermissionRecord> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let used = |sid: &str, action: &str, resource: &str, key: Option<&str>| {
        PermissionRecord::Used(Permission {
            function: "WriterFunction".to_owned(),
            sid: sid.to_owned(),
            action: action.to_owned(),
            resource: format!("arn:aws:{resource}"),
            key: key.map(str::to_owned),
        })
    };
    let table = "dynamodb:eu-west-2:000000000000:table/local-Table";
    let queue = "sqs:eu-west-2:000000000000:local-Queue";
    let wanted = [
        used("Put", "dynamodb:PutItem", table, Some("*#*")),
        used("Put", "dynamodb:PutItem", table, Some("?")),
        used("Send", "sqs:Send*", queue, None),
        used("Mail", "ses:SendEmail", "ses:eu-west-2:000000000000:identity/*", None),
        PermissionRecord::Refused("WriterFunction".to_owned(), format!("dynamodb:PutItem on arn:aws:{table} secret")),
    ];
    assert_eq!(written, wanted);

    let declared = permissions(&template()).unwrap();
    let used: BTreeSet<Permission> = written
        .into_iter()
        .filter_map(|record| match record {
            PermissionRecord::Used(permission) => Some(permission),
            PermissionRecord::Refused(..) => None,
        })
        .collect();
    let unused: Vec<String> =
        declared.difference(&used).map(|unused| format!("{} {:?}", unused.action, unused.key)).collect();
    assert_eq!(unused, ["dynamodb:GetItem Some(\"*#*\")", "dynamodb:GetItem Some(\"?\")", "sqs:Send* None"]);
}
