//! Whether everything that happened is there to be read: no event lost, repeated or out of order, and one receipt each.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use local::Machine;
use reqwest::Client;
use serde_json::Value;

use super::flow::{self, Paid};
use crate::error::Error;
use crate::progress;

/// How many payments are read at a time.
const AT_ONCE: usize = 4;
/// The events of a payment that a payer went through without a detour, in order.
const EVENTS: [&str; 5] = [
    "payment_session.awaiting_payer",
    "payment_session.awaiting_provider",
    "payment_session.awaiting_payment_consent",
    "payment_session.pending",
    "payment_session.sent",
];

/// Reads every payment's events and receipts, on a machine that has nothing left to do; what is not as it should be.
///
/// # Errors
/// There is no HTTP client.
pub(super) async fn find(machine: &Machine, paid: &[Paid]) -> Result<Vec<String>, Error> {
    let http = flow::client(Duration::from_secs(30))?;
    let bar = progress::bar(paid.len(), "reading events");
    let wrong = stream::iter(paid)
        .map(|paid| async {
            let wrong = wrong_events(&http, machine.api_url(), &paid.id).await;
            bar.inc(1);
            wrong
        })
        .buffer_unordered(AT_ONCE);
    let mut wrong: Vec<String> = wrong.filter_map(|wrong| async { wrong }).collect().await;
    bar.finish_and_clear();
    wrong.extend(wrong_receipts(paid, machine.mails().into_iter().flat_map(|mail| mail.to)));
    Ok(wrong)
}

async fn wrong_events(http: &Client, base_url: &str, id: &str) -> Option<String> {
    match flow::events(http, base_url, id).await {
        Ok(events) => wrong_order(&events).map(|wrong| format!("{id}: {wrong}")),
        Err(error) => Some(format!("{id}: {error}")),
    }
}

/// What is wrong with the events of a payment, as the API lists them.
fn wrong_order(events: &Value) -> Option<String> {
    let events = events.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let found: Vec<_> = events.iter().map(|event| (event.get("sequence"), event.get("type"))).collect();
    let right = found.len() == EVENTS.len()
        && (1_u64..).zip(EVENTS).zip(&found).all(|((sequence, kind), found)| {
            found.0.and_then(Value::as_u64) == Some(sequence) && found.1.and_then(Value::as_str) == Some(kind)
        });
    (!right).then(|| format!("its events are {found:?}"))
}

/// Payments whose payer did not get exactly one receipt.
fn wrong_receipts(paid: &[Paid], receivers: impl Iterator<Item = String>) -> Vec<String> {
    let mut receipts = BTreeMap::<String, usize>::new();
    for receiver in receivers {
        *receipts.entry(receiver).or_default() += 1;
    }
    let count = |paid: &Paid| receipts.get(&paid.email).copied().unwrap_or(0);
    let wrong = paid.iter().filter(|paid| count(paid) != 1);
    wrong.map(|paid| format!("{}: {} receipts", paid.id, count(paid))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_whole_and_in_order() {
        let events = |order: &[usize]| {
            let event = |n: &usize| json!({ "sequence": n + 1, "type": EVENTS[*n] });
            json!({ "data": order.iter().map(event).collect::<Vec<_>>() })
        };
        assert_eq!(wrong_order(&events(&[0, 1, 2, 3, 4])), None);
        for wrong in [&[0, 1, 2, 3][..], &[0, 1, 3, 4], &[0, 1, 2, 3, 4, 4], &[0, 2, 1, 3, 4], &[]] {
            assert!(wrong_order(&events(wrong)).is_some(), "{wrong:?}");
        }
        assert!(wrong_order(&json!({ "errors": [] })).is_some());
    }

    #[test]
    fn everybody_gets_one_receipt() {
        let paid = |n: u8| Paid { id: format!("id {n}"), email: format!("{n}@example.com") };
        let receivers = ["1@example.com", "3@example.com", "3@example.com", "9@example.com"].map(str::to_owned);
        let wrong = wrong_receipts(&[paid(1), paid(2), paid(3)], receivers.into_iter());
        assert_eq!(wrong, ["id 2: 0 receipts", "id 3: 2 receipts"]);
    }
}
