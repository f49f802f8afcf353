//! Lists in Yorlet's format, read both ways.

use serde_json::{Value, json};
use tests::{World, text};

use crate::yorlet::{SESSIONS, create, customer, get, least, paid, post, transaction_id};

fn ids(list: &Value) -> Vec<String> {
    list["data"].as_array().unwrap().iter().map(|item| text(&item["id"])).collect()
}

/// Reads a list from one end to the other, page by page.
async fn walk(world: &World, path: &str, limit: usize, newer: Option<&str>) -> Vec<String> {
    let (mut all, mut beside) = (Vec::new(), newer.map(str::to_owned));
    let parameter = if newer.is_some() { "ending_before" } else { "starting_after" };
    loop {
        let join = if path.contains('?') { '&' } else { '?' };
        let beside_which = beside.iter().map(|id| format!("&{parameter}={id}")).collect::<String>();
        let page = get(world, &format!("{path}{join}limit={limit}{beside_which}")).await;
        let found = ids(&page);
        assert!(found.len() <= limit && page["object"] == "list", "{page}");
        // Either way a page is newest first.
        if newer.is_some() {
            all.splice(0..0, found.clone());
        } else {
            all.extend(found.clone());
        }
        beside = if newer.is_some() { found.first().cloned() } else { found.last().cloned() };
        if page["has_more"] == json!(false) {
            return all;
        }
        assert_eq!(found.len(), limit, "a page is full while there are more");
    }
}

#[tokio::test]
async fn sessions_and_transactions_are_listed_both_ways() {
    let world = World::start().await;
    let customer = customer(&world).await;
    let mut made = Vec::new();
    for n in 0..13 {
        let mut request = least(&customer);
        request["amount"] = json!(100 + n);
        made.insert(0, create(&world, &request).await);
        // Sessions of the other format come between, and no page is shorter by them.
        world.create().await;
    }
    world.settled().await;
    let all: Vec<String> = made.iter().map(|session| text(&session["id"])).collect();
    let first = get(&world, SESSIONS).await;
    assert_eq!(ids(&first), all[..10], "ten, if nothing is said");
    assert_eq!((&first["count"], &first["has_more"]), (&json!(13), &json!(true)));
    assert_eq!(first["data"][0], made[0]);
    assert_eq!(first.as_object().unwrap().len(), 4);
    for limit in [1, 3, 6, 13, 100] {
        assert_eq!(walk(&world, SESSIONS, limit, None).await, all, "{limit}");
        assert_eq!(walk(&world, SESSIONS, limit, Some(&all[12])).await, all[..12], "{limit}");
    }
    let middle = get(&world, &format!("{SESSIONS}?limit=2&ending_before={}", all[6])).await;
    assert_eq!((ids(&middle), &middle["has_more"]), (all[4..6].to_vec(), &json!(true)), "the nearest newer ones");
    let newest = get(&world, &format!("{SESSIONS}?ending_before={}", all[0])).await;
    assert_eq!((ids(&newest).len(), &newest["has_more"]), (0, &json!(false)));
    let oldest = get(&world, &format!("{SESSIONS}?starting_after={}", all[12])).await;
    assert_eq!((ids(&oldest).len(), &oldest["has_more"], &oldest["count"]), (0, &json!(false), &json!(13)));
    // Transactions are theirs.
    let transactions: Vec<String> = made.iter().map(transaction_id).collect();
    let path = "/v1/transactions";
    assert_eq!(walk(&world, path, 5, None).await, transactions);
    assert_eq!(walk(&world, path, 5, Some(&transactions[12])).await, transactions[..12]);
    assert_eq!(get(&world, path).await["count"], 13);
}

#[tokio::test]
async fn a_transactions_refunds_are_listed_both_ways() {
    let world = World::start().await;
    let paid = paid(&world, &least(&customer(&world).await)).await;
    let path = format!("/v1/refunds?transaction={}", text(&paid["transaction"]));
    assert_eq!(get(&world, &path).await, json!({ "object": "list", "count": 0, "has_more": false, "data": [] }));
    let mut made = Vec::new();
    for amount in 1..=7 {
        let request = json!({ "transaction": paid["transaction"], "amount": amount });
        made.insert(0, post(&world, "/v1/refunds", &request).await.body);
    }
    let all: Vec<String> = made.iter().map(|refund| text(&refund["id"])).collect();
    let whole = get(&world, &path).await;
    assert_eq!((whole["data"].as_array().unwrap(), &whole["count"]), (&made, &json!(7)));
    for limit in [1, 2, 3, 7, 100] {
        assert_eq!(walk(&world, &path, limit, None).await, all, "{limit}");
        assert_eq!(walk(&world, &path, limit, Some(&all[6])).await, all[..6], "{limit}");
    }
    let middle = get(&world, &format!("{path}&limit=2&ending_before={}", all[4])).await;
    assert_eq!((ids(&middle), &middle["has_more"]), (all[2..4].to_vec(), &json!(true)));
}
