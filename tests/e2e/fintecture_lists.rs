//! Lists in Fintecture's format, by number and by cursor.

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::{ListShardsRaised, Merchants};
use tests::{World, answer, text};

use crate::fintecture::{CONNECT, PAYMENTS, create, demo, get, least, world};

/// With this many payments of the demo merchant's, oldest last, in lists of three shards; sessions of other formats and other
/// merchants are between them.
async fn with_payments(count: usize) -> (World, Vec<String>) {
    let world = world().await;
    let long_ago = samples::now() - SignedDuration::from_mins(20);
    let (merchants, demo) = (Merchants::new(world.table()), "demo".parse().unwrap());
    let raised = merchants.raise_list_shards(&demo, 3.try_into().unwrap(), long_ago).await.unwrap();
    assert_eq!(raised, ListShardsRaised::Done);
    let others = world.merchant("acme", models::Mode::Test, "all").await;
    let mut pounds = least();
    pounds["data"]["attributes"]["currency"] = json!("GBP");
    let mut made = Vec::new();
    for n in 0..count {
        made.insert(0, create(&world, CONNECT, &least()).await);
        if n % 5 == 0 {
            world.create().await;
            let theirs = world.request(Method::POST, CONNECT).basic_auth(&others.0, Some(&others.1)).json(&pounds);
            assert_eq!(answer(theirs).await.status, StatusCode::OK);
        }
    }
    // The count follows by the stream.
    world.settled().await;
    (world, made)
}

fn ids(list: &Value) -> Vec<String> {
    list["data"].as_array().unwrap().iter().map(|item| text(&item["id"])).collect()
}

#[tokio::test]
async fn payments_are_listed_by_number_and_by_following_links() {
    let (world, made) = with_payments(13).await;
    let first = get(&world, PAYMENTS).await;
    assert_eq!(ids(&first), made, "a hundred, if nothing is said");
    assert_eq!(first["meta"], json!({ "totalItems": 13, "totalPages": 1 }));
    let url = format!("{}{PAYMENTS}", world.machine.api_url());
    assert_eq!(first["links"], json!({ "self": url, "next": null }));
    let one = &first["data"][0];
    let read = get(&world, &format!("{PAYMENTS}/{}", made[0])).await;
    let meta = json!({ "session_id": made[0], "status": "provider_required" });
    assert_eq!([&one["meta"], &one["type"]], [&meta, &json!("PayByBank")]);
    assert_eq!(one["attributes"], read["data"]["attributes"]);

    for size in [1, 4, 5, 13] {
        let pages = made.len().div_ceil(size);
        // By number, as Ruby's and Node's clients ask: with a slash, percent-encoded, at the older path.
        let mut all = Vec::new();
        for number in 1..=pages {
            let path = match number % 3 {
                0 => format!("{PAYMENTS}/?page[number]={number}&page[size]={size}"),
                1 => format!("{PAYMENTS}?page%5Bnumber%5D={number}&page%5Bsize%5D={size}"),
                _ => format!("/pis/v1/payments?page[size]={size}&page[number]={number}&filter[status]=x"),
            };
            let page = get(&world, &path).await;
            assert_eq!(page["meta"], json!({ "totalItems": 13, "totalPages": pages }));
            assert_eq!(page["links"]["next"].is_null(), number == pages, "{page}");
            let self_url = text(&page["links"]["self"]);
            assert_eq!(self_url, format!("{}{path}", world.machine.api_url()));
            all.extend(ids(&page));
        }
        assert_eq!(all, made, "{size}");
        let beyond = get(&world, &format!("{PAYMENTS}?page[number]={}&page[size]={size}", pages + 1)).await;
        assert_eq!((ids(&beyond).len(), &beyond["links"]["next"]), (0, &json!(null)));

        // By the links, which lead on also while others are made: each payment once.
        let mut next = Some(format!("{url}?page[size]={size}"));
        let mut followed = Vec::new();
        while let Some(link) = next {
            let page = get(&world, link.strip_prefix(world.machine.api_url()).unwrap()).await;
            assert!(ids(&page).len() <= size);
            followed.extend(ids(&page));
            next = page["links"]["next"].as_str().map(str::to_owned);
        }
        assert_eq!(followed, made, "{size}");
    }
    let first = get(&world, &format!("{PAYMENTS}?page[size]=4")).await;
    let later = create(&world, CONNECT, &least()).await;
    let next = text(&first["links"]["next"]);
    let second = get(&world, next.strip_prefix(world.machine.api_url()).unwrap()).await;
    assert_eq!(ids(&second), made[4..8], "as if nothing had come before them");
    let by_number = get(&world, &format!("{PAYMENTS}?page[size]=4&page[number]=2")).await;
    assert_eq!(ids(&by_number), made[3..7], "one more is before them");
    assert_eq!(ids(&get(&world, &format!("{PAYMENTS}?page[size]=1")).await), [later]);
}

#[tokio::test]
async fn a_page_that_is_none_is_refused_and_says_how_to_go_on() {
    let world = world().await;
    let none = get(&world, PAYMENTS).await;
    assert_eq!((&none["meta"], ids(&none).len()), (&json!({ "totalItems": 0, "totalPages": 0 }), 0));
    for (query, parameter) in [
        ("page[size]=0", "query.page[size]"),
        ("page[size]=101", "query.page[size]"),
        ("page[number]=0", "query.page[number]"),
        ("page[number]=11", "query.page[number]"),
        ("page[after]=x", "query.page[after]"),
    ] {
        let refused = answer(demo(&world, Method::GET, &format!("{PAYMENTS}?{query}"))).await;
        let said = (refused.status, &refused.body["code"], &refused.body["errors"][0]["title"]);
        assert_eq!(said, (StatusCode::BAD_REQUEST, &json!("bad_request"), &json!(parameter)), "{}", refused.text);
    }
    let beyond = answer(demo(&world, Method::GET, &format!("{PAYMENTS}?page[number]=11"))).await;
    assert!(text(&beyond.body["errors"][0]["message"]).contains("follow links.next"), "{}", beyond.text);
}

/// More than a page of the table has are passed over.
#[tokio::test]
async fn a_page_is_found_behind_more_than_one_of_the_tables() {
    let world = world().await;
    let sessions = store::Sessions::new(world.table());
    let mut made = Vec::new();
    for n in 0..230 {
        let at = samples::now() - SignedDuration::from_mins(500 - n);
        let new = models::NewSession {
            format: models::WireFormat::Fintecture,
            ..samples::new_session(vec![samples::item("Candle", 100, 1)])
        };
        let session = models::Session::create(new, samples::creation(at));
        made.insert(0, session.id.to_hex());
        sessions.create(session, None).await.unwrap();
    }
    let page = get(&world, &format!("{PAYMENTS}?page[number]=12&page[size]=19")).await;
    assert_eq!(ids(&page), made[209..228]);
    let last = get(&world, &format!("{PAYMENTS}?page[number]=3")).await;
    assert_eq!((ids(&last), &last["links"]["next"]), (made[200..].to_vec(), &json!(null)));
}
