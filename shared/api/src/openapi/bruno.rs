//! docs/bruno: a collection for Bruno (<https://docs.usebruno.com/bru-lang/overview>), a file for each operation of
//! docs/openapi.yaml. `make openapi` writes it; a test fails where it differs from what stands there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_yaml_ng::{Mapping, Value};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/bruno");
const COLLECTION: &str = "auth {
  mode: bearer
}

auth:bearer {
  token: {{token}}
}

docs {
  Choose the environment `local`, which is `make run`'s, and send *Tokens/createToken* first: its token is kept for all
  other requests, and the id of what a request makes for those after it. Lines that are switched off may be left out.
}
";

/// What is kept of an operation's answer: under which name, where it stands, and which field it is in later requests.
const KEPT: [(&str, &str, &str, &str); 11] = [
    ("createToken", "token", "access_token", ""),
    ("createPaymentSession", "SessionId", "id", "payment_session_id"),
    ("createRefund", "RefundId", "id", ""),
    ("registerWebhook", "WebhookId", "id", ""),
    ("createTestClock", "TestClockId", "id", ""),
    ("listEvents", "EventId", "data[0].id", ""),
    ("yorletCreateCustomer", "CustomerId", "id", "customer"),
    ("yorletCreatePaymentSession", "PaymentSessionId", "id", ""),
    ("yorletListTransactions", "TransactionId", "data[0].id", "transaction"),
    ("yorletCreateRefund", "YorletRefundId", "id", ""),
    ("fintectureConnect", "FintectureId", "meta.session_id", "session_id"),
];

#[test]
fn the_collection_is_what_the_document_says() {
    let collection = collection();
    if std::env::var_os("UPDATE_BRUNO").is_some() {
        // What is no longer in it goes; at first there is none.
        let _ = std::fs::remove_dir_all(FOLDER);
        for (file, text) in &collection {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
    }
    let inside = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let files =
        inside(Path::new(FOLDER)).flat_map(|path| if path.is_dir() { inside(&path).collect() } else { vec![path] });
    let stands: BTreeMap<_, _> = files.map(|file| (file.clone(), std::fs::read_to_string(file).unwrap())).collect();
    let both = collection.keys().chain(stands.keys());
    let differing: Vec<_> = both.filter(|file| collection.get(*file) != stands.get(*file)).collect();
    assert!(differing.is_empty(), "docs/bruno is out of date: run `make openapi`: {differing:?}");
}

/// All files of the collection.
fn collection() -> BTreeMap<PathBuf, String> {
    let whole: Value = serde_yaml_ng::from_str(&std::fs::read_to_string(super::PATH).unwrap()).unwrap();
    let settings = "{ \"version\": \"1\", \"name\": \"Counterfoil\", \"type\": \"collection\" }\n";
    let environment = "vars {\n  base_url: http://127.0.0.1:3000\n  key: pk_test_demo\n  secret: sk_test_demo\n}\n";
    let first = [("bruno.json", settings), ("environments/local.bru", environment), ("collection.bru", COLLECTION)];
    let mut all: BTreeMap<_, _> = first.map(|(name, text)| (Path::new(FOLDER).join(name), text.to_owned())).into();
    for (path, item) in whole["paths"].as_mapping().unwrap() {
        for (method, operation) in item.as_mapping().unwrap().iter().filter(|(key, _)| *key != "parameters") {
            let folder = Path::new(FOLDER).join(scalar(&operation["tags"]));
            let position = all.keys().filter(|file| file.starts_with(&folder)).count() + 1;
            let file = folder.join(scalar(&operation["operationId"]) + ".bru");
            let summary = scalar(&operation["summary"]);
            let begin = format!("meta {{\n  name: {summary}\n  type: http\n  seq: {position}\n}}\n");
            all.insert(file, begin + &request(&whole, &scalar(method), &scalar(path), item));
        }
    }
    all
}

/// What an operation's file says after its name.
fn request(whole: &Value, method: &str, path: &str, item: &Value) -> String {
    let operation = &item[method];
    let given = [item, operation].into_iter().filter_map(|of| of["parameters"].as_sequence()).flatten();
    let given: Vec<_> = given.map(|one| (one, resolved(whole, one))).collect();
    // What may be left out is switched off.
    let line = |on: bool, name: &Value, value: &str| format!("{}{}: {value}", if on { "" } else { "~" }, scalar(name));
    let of = |location: &str| -> Vec<String> {
        let here = given.iter().filter(|(_, one)| one["in"] == location);
        let is_on = |one: &Value| one["required"].as_bool() == Some(true);
        here.map(|(given, one)| line(is_on(one), &one["name"], &parameter(whole, given))).collect()
    };
    let on = of("query").into_iter().filter(|line| !line.starts_with('~')).map(|line| line.replace(": ", "="));
    let query = on.map(|line| format!("?{line}")).collect::<String>();
    let url = format!("url: {{{{base_url}}}}{}{query}", path.replace('{', ":").replace('}', ""));
    let (auth, basic) = match operation["security"].as_sequence().map_or(0, Vec::len) {
        0 => ("none", vec![]),
        1 => ("basic", vec!["username: {{key}}".to_owned(), "password: {{secret}}".to_owned()]),
        _ => ("inherit", vec![]),
    };
    let content = &resolved(whole, &operation["requestBody"])["content"];
    let [form, json] = ["application/x-www-form-urlencoded", "application/json"].map(|kind| &content[kind]);
    let schema = resolved(whole, &form["schema"]);
    let is_on = |name| schema["required"].as_sequence().is_some_and(|required| required.contains(name));
    let fields = form["example"].as_mapping().or(schema["properties"].as_mapping()).into_iter().flatten().enumerate();
    // The first is on, too.
    let fields: Vec<_> =
        fields.map(|(index, (name, value))| line(index == 0 || is_on(name), name, &sample(whole, value))).collect();
    let example = json["examples"].as_mapping().and_then(|all| all.values().next()).map(|example| &example["value"]);
    let example = serde_json::to_string_pretty(example.unwrap_or(&Mapping::new().into())).unwrap();
    let json: Vec<_> = example.lines().filter(|_| form.is_null() && !json.is_null()).map(chained).collect();
    let body = match (fields.is_empty(), json.is_empty()) {
        (false, _) => "formUrlEncoded",
        (true, false) => "json",
        (true, true) => "none",
    };
    let kept = KEPT.iter().filter(|(id, ..)| operation["operationId"] == *id);
    let blocks = [
        (method, vec![url, format!("body: {body}"), format!("auth: {auth}")]),
        ("params:query", of("query")),
        ("params:path", of("path")),
        ("headers", of("header")),
        ("auth:basic", basic),
        ("body:json", json),
        ("body:form-urlencoded", fields),
        ("vars:post-response", kept.map(|(_, name, part, _)| format!("{name}: res.body.{part}")).collect()),
        ("docs", scalar(&operation["description"]).lines().map(str::to_owned).collect()),
    ];
    let indented = |line: &String| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") };
    let block = |(name, lines): &(&str, Vec<String>)| {
        format!("\n{name} {{\n{}}}\n", lines.iter().map(indented).collect::<String>())
    };
    blocks.iter().filter(|(_, lines)| !lines.is_empty()).map(block).collect()
}

/// What a reference leads to; the part itself where it is none.
fn resolved<'a>(whole: &'a Value, part: &'a Value) -> &'a Value {
    let reference = part["$ref"].as_str().map(|reference| reference.trim_start_matches("#/").split('/'));
    reference.map_or(part, |keys| keys.fold(whole, |part, key| &part[key]))
}

/// What stands for a parameter: what was kept under its name or its reference's, else an example.
fn parameter(whole: &Value, given: &Value) -> String {
    let (parameter, reference) = (resolved(whole, given), scalar(&given["$ref"]));
    let is = |name: &str, field: &str| parameter["name"] == field || reference.ends_with(&format!("/{name}"));
    let kept = KEPT.iter().find(|(_, name, _, field)| is(name, field));
    kept.map_or_else(|| sample(whole, parameter), |(_, name, ..)| format!("{{{{{name}}}}}"))
}

/// A value of a parameter or field, or the value itself; empty if none is shown.
fn sample(whole: &Value, of: &Value) -> String {
    let schema = if of["schema"].is_null() { of } else { resolved(whole, &of["schema"]) };
    let shown = [&of["example"], &schema["default"], &schema["examples"], &schema["enum"], &schema["minimum"]];
    let shown = shown.into_iter().find(|value| !value.is_null());
    if of.is_mapping() { shown.map(scalar).unwrap_or_default() } else { scalar(of) }
}

/// As it stands in a line, of several the first; nothing for null.
fn scalar(value: &Value) -> String {
    let one = value.as_sequence().and_then(|all| all.first()).unwrap_or(value);
    let other = || if one.is_null() { String::new() } else { serde_json::to_string(one).unwrap() };
    one.as_str().map_or_else(other, str::to_owned)
}

/// A line of a body with what was kept in place of the id that the example shows.
fn chained(line: &str) -> String {
    let is = |field: &str| !field.is_empty() && line.trim_start().starts_with(&format!("\"{field}\": \""));
    let kept = KEPT.iter().find(|(.., field)| is(field)).zip(line.split_once(": "));
    let comma = if line.ends_with(',') { "," } else { "" };
    match kept {
        Some(((_, name, ..), (before, _))) => format!("{before}: \"{{{{{name}}}}}\"{comma}"),
        None => line.to_owned(),
    }
}
