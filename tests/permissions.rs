//! What functions may do is what they do: `local` refuses, in every end-to-end test, what template.yaml does not allow, and
//! writes down what was made use of. After all of them, this holds one against the other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use local::{Permission, PermissionRecord, permissions};
use reqwest::{Method, StatusCode};
use tests::{World, answer, document_1, permissions_dir, workspace};

#[test]
#[ignore = "`make test` runs it after all others"]
fn functions_may_do_what_they_do_and_nothing_else() {
    let folder = permissions_dir().expect("PERMISSIONS_DIR is set by `make test`");
    let declared = permissions(&workspace().join("template.yaml")).unwrap_or_else(|error| panic!("{error}"));
    let problems = problems(&declared, &records(&folder));
    assert!(problems.is_empty(), "{} permissions are wrong in template.yaml:\n{}", problems.len(), problems.join("\n"));
}

/// What tests wrote down.
fn records(folder: &Path) -> BTreeSet<PermissionRecord> {
    let files = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}; no test has run", folder.display()));
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    texts.flat_map(|text| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>()).collect()
}

/// What was needed and is not allowed, and what is allowed and was not needed.
fn problems(declared: &BTreeSet<Permission>, records: &BTreeSet<PermissionRecord>) -> Vec<String> {
    let (mut problems, mut used) = (Vec::new(), BTreeSet::new());
    for record in records {
        match record {
            PermissionRecord::Used(permission) => {
                used.insert(permission);
            }
            PermissionRecord::Refused(function, what) => {
                problems.push(format!("{function} needs, and no statement allows it: {what}"));
            }
        }
    }
    // Each by statement and action, for there may be many keys.
    let mut unused: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for permission in declared.iter().filter(|permission| !used.contains(permission)) {
        let Permission { function, sid, action, resource, key } = permission;
        unused.entry((function, sid, action, resource)).or_default().extend(key.as_deref());
    }
    for ((function, sid, action, resource), keys) in unused {
        let resource = resource.rsplit(':').next().unwrap_or(resource);
        let of = if keys.is_empty() { String::new() } else { format!(" of {}", keys.join(", ")) };
        problems.push(format!("{function}, {sid}: no test makes use of {action} on {resource}{of}"));
    }
    problems
}

#[test]
fn what_is_missing_and_what_is_never_used_are_both_reported() {
    let permission = |action: &str, key: &str| Permission {
        function: "F".to_owned(),
        sid: "S".to_owned(),
        action: action.to_owned(),
        resource: "arn:aws:dynamodb:r:a:table/t".to_owned(),
        key: Some(key.to_owned()),
    };
    let declared = BTreeSet::from([permission("dynamodb:GetItem", "A#*"), permission("dynamodb:GetItem", "B#*")]);
    let all: BTreeSet<_> = declared.iter().cloned().map(PermissionRecord::Used).collect();
    assert_eq!(problems(&declared, &all), Vec::<String>::new());
    let some = BTreeSet::from([PermissionRecord::Used(permission("dynamodb:GetItem", "A#*"))]);
    assert_eq!(problems(&declared, &some), ["F, S: no test makes use of dynamodb:GetItem on table/t of B#*"]);
    assert_eq!(
        problems(&declared, &BTreeSet::new()),
        ["F, S: no test makes use of dynamodb:GetItem on table/t of A#*, B#*"]
    );
    let mut refused = all;
    refused.insert(PermissionRecord::Refused("F".to_owned(), "dynamodb:PutItem on t A#…".to_owned()));
    assert_eq!(problems(&declared, &refused), ["F needs, and no statement allows it: dynamodb:PutItem on t A#…"]);
}

/// What is allowed of acts beyond putting and reading them. A pattern counts if it may mean their table or its index.
fn beyond_acts(declared: &BTreeSet<Permission>) -> Vec<&Permission> {
    let table = "arn:aws:dynamodb:eu-west-2:000000000000:table/local-AuditTable";
    let arns = [table.to_owned(), format!("{table}/index/objects")];
    let is_of_acts = |resource: &str| match resource.split_once('*') {
        Some((start, _)) => arns.iter().any(|arn| arn.starts_with(start)),
        None => arns.iter().any(|arn| arn == resource),
    };
    let allowed = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"];
    let is_of_tables = |action: &str| action.starts_with("dynamodb:") || action.starts_with('*');
    let is_beyond = |permission: &&Permission| {
        is_of_tables(&permission.action)
            && is_of_acts(&permission.resource)
            && !allowed.contains(&permission.action.as_str())
    };
    declared.iter().filter(is_beyond).collect()
}

/// Neither by `UpdateItem` or `DeleteItem` nor in a batch, which knows no condition (docs/decisions/0048-acts.md).
#[test]
fn no_function_may_change_or_remove_an_act() {
    let declared = permissions(&workspace().join("template.yaml")).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(beyond_acts(&declared), Vec::<&Permission>::new());
    let of = |action: &str, resource: &str| Permission {
        function: "F".to_owned(),
        sid: "S".to_owned(),
        action: format!("dynamodb:{action}"),
        resource: format!("arn:aws:dynamodb:eu-west-2:000000000000:table/{resource}"),
        key: Some("AUDIT#*".to_owned()),
    };
    let fine = [
        of("PutItem", "local-AuditTable"),
        of("GetItem", "local-AuditTable"),
        of("Query", "local-AuditTable/index/objects"),
        of("UpdateItem", "local-Table"),
    ];
    let beyond = [
        of("UpdateItem", "local-AuditTable"),
        of("DeleteItem", "local-AuditTable"),
        of("BatchWriteItem", "local-AuditTable"),
        of("PartiQLDelete", "local-*"),
        of("*", "local-AuditTable"),
        of("Put*", "*"),
    ];
    let all = fine.into_iter().chain(beyond.clone()).collect();
    assert_eq!(beyond_acts(&all).into_iter().cloned().collect::<BTreeSet<_>>(), beyond.into());
}

/// Whose keys there are, what they may do, which are revoked, and which accounts money goes to: what else is noted of a merchant
/// stands apart from it.
#[test]
fn no_function_but_the_console_may_change_a_merchant() {
    let declared = permissions(&workspace().join("template.yaml")).unwrap_or_else(|error| panic!("{error}"));
    let reads = ["dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:Query"];
    // A statement that says nothing of keys allows all of them.
    let is_of_merchants = |pattern: Option<&str>| {
        let start = pattern.unwrap_or_default().split('*').next().unwrap_or_default();
        "MERCHANT#".starts_with(start) || start.starts_with("MERCHANT#")
    };
    let changes = |permission: &&Permission| {
        permission.resource.ends_with(":table/local-Table")
            && is_of_merchants(permission.key.as_deref())
            && !reads.contains(&permission.action.as_str())
    };
    let may: BTreeSet<&str> = declared.iter().filter(changes).map(|permission| permission.function.as_str()).collect();
    assert_eq!(may, BTreeSet::from(["ConsoleFunction"]));
}

#[tokio::test]
async fn a_function_without_what_it_needs_fails_and_that_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let mut template = fs::read_to_string(workspace().join("template.yaml")).unwrap();
    // Each statement by which it puts sessions: alone, on a test clock, and with their transfer begun.
    for (sid, all, less) in [
        ("WriteSessions", "[dynamodb:GetItem, dynamodb:PutItem]", "dynamodb:GetItem"),
        ("JoinClocks", "[dynamodb:PutItem, dynamodb:UpdateItem]", "dynamodb:UpdateItem"),
        ("BeginTransfers", "[dynamodb:PutItem, dynamodb:UpdateItem]", "dynamodb:UpdateItem"),
    ] {
        let statement = |action| format!("{sid}, Effect: Allow, Action: {action}");
        assert_eq!(template.matches(&statement(all)).count(), 1, "another template");
        template = template.replace(&statement(all), &statement(less));
    }
    fs::write(folder.path().join("template.yaml"), template).unwrap();
    let written = folder.path().join("permissions");
    let world = World::start_with(|config| {
        config.template = folder.path().join("template.yaml");
        config.permissions_dir = Some(written.clone());
    })
    .await;
    let refused = answer(world.demo(Method::POST, "/v2/payment_sessions").json(&document_1())).await;
    assert!(refused.status.is_server_error() && refused.status != StatusCode::GATEWAY_TIMEOUT, "{}", refused.text);
    let what = "dynamodb:PutItem on arn:aws:dynamodb:eu-west-2:000000000000:table/local-Table SESSION#…".to_owned();
    let record = PermissionRecord::Refused("CreateFunction".to_owned(), what);
    assert!(records(&written).contains(&record), "{:?}", records(&written));
}
