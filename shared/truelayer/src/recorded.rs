//! What TrueLayer answers, read as it came: recorded in its sandbox, and as its documentation shows it (tests/truelayer).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use models::DeclineReason;
use providers::{RefundStatus, Status};
use serde_json::Value;

use crate::payment::{Created, Payment};
use crate::{banks, refund};

fn exchanges() -> Vec<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/truelayer");
    let folders = ["documented", "recorded"].map(|name| folder.join(name));
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let paths = files.map(|file| file.unwrap().path());
    let mut all: Vec<_> =
        paths.map(|path| (path.clone(), serde_json::from_slice(&fs::read(path).unwrap()).unwrap())).collect();
    all.sort_by_key(|(path, _)| path.clone());
    all
}

/// What an answer says to us, in one word; none if we don't read such answers.
fn meaning(exchange: &Value) -> Option<&'static str> {
    let (request, response) = (&exchange["request"], &exchange["response"]);
    let segments: Vec<_> = request["path"].as_str()?.split('/').skip(1).collect();
    let body = response["body"].clone();
    match (request["method"].as_str()?, segments.as_slice(), response["status"].as_u64()?) {
        ("POST", ["v3", "payments"], 201) => {
            let id = serde_json::from_value::<Created>(body).ok().and_then(|created| created.id());
            Some(id.map_or("unknown", |_| "created"))
        }
        ("GET", ["v3", "payments", _], 200) => Some(match Payment::new(body).status() {
            Status::AwaitingConsent => "awaiting_consent",
            Status::Accepted => "accepted",
            Status::Settled(_) => "settled",
            Status::Cancelled => "cancelled",
            Status::Refused(DeclineReason::ByPayer) => "refused_by_payer",
            Status::Refused(DeclineReason::ByBank) => "refused_by_bank",
            Status::Refused(DeclineReason::InsufficientFunds) => "insufficient_funds",
            Status::Consented | Status::TakenBack(_) | Status::Arrived(_) | Status::Unknown => "unknown",
        }),
        ("GET", ["v3", "payments", _, "refunds", _], 200) => Some(match refund::status(&body) {
            RefundStatus::Accepted => "refund_accepted",
            RefundStatus::Settled => "refund_settled",
            RefundStatus::Refused => "refund_refused",
            RefundStatus::Unknown => "unknown",
        }),
        ("POST", ["v3", "payments-providers", "search"], 200) => {
            let is_list = banks::read(&body).is_some_and(|banks| !banks.is_empty());
            Some(if is_list { "banks" } else { "unknown" })
        }
        _ => None,
    }
}

#[test]
fn every_answer_is_understood() {
    let mut understood = BTreeSet::new();
    for (file, exchange) in exchanges() {
        let (meaning, expected) = (meaning(&exchange), exchange["means"].as_str());
        assert_ne!(meaning, Some("unknown"), "{}", file.display());
        assert!(expected.is_none() || meaning == expected, "{}: {meaning:?}", file.display());
        understood.extend(meaning);
    }
    let all = [
        "accepted",
        "awaiting_consent",
        "banks",
        "cancelled",
        "created",
        "insufficient_funds",
        "refund_accepted",
        "refund_refused",
        "refund_settled",
        "refused_by_bank",
        "refused_by_payer",
        "settled",
    ];
    assert_eq!(understood, BTreeSet::from(all), "the documented ones alone have all of these");
}
