//! What else the clients of Fintecture's format ask for: banks, applications, settlements, and tokens for tokens.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Answer, DEMO, World, answer};

use crate::fintecture::{demo, get, world};

/// Asks without credentials, for the application that is named.
async fn ask(world: &World, path: &str, app_id: Option<&str>) -> Answer {
    let request = world.request(Method::GET, path);
    answer(app_id.into_iter().fold(request, |request, id| request.header("app_id", id))).await
}

fn ids(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

/// In the shape that Python's client needs: without one of these it breaks.
fn assert_refused(answer: &Answer, status: u16, code: &str, entry: &str) {
    let body = &answer.body;
    assert_eq!((answer.status.as_u16(), &body["status"]), (status, &json!(status)), "{}", answer.text);
    assert_eq!([&body["code"], &body["errors"][0]["code"]], [code, entry], "{}", answer.text);
    assert!(body["log_id"].is_string(), "{}", answer.text);
}

#[tokio::test]
async fn banks_are_read_with_credentials_and_without() {
    let world = world().await;
    let all = ask(&world, "/res/v1/providers", None).await;
    assert_eq!(all.status, StatusCode::OK, "{}", all.text);
    let first = &all.body["data"][0];
    assert_eq!([&first["id"], &first["type"]], ["mock-bank", "provider"]);
    assert!(ids(&all.body).contains(&"mock-down") && !ids(&all.body).contains(&"mock-transfer"));
    for named in ["pk_test_demo", "pk_test_nobody"] {
        assert_eq!(ask(&world, "/res/v1/providers", Some(named)).await.body, all.body, "{named}");
    }
    assert_eq!(get(&world, "/res/v1/providers").await, all.body);
    assert_eq!(ids(&ask(&world, "/res/v1/providers", Some("pk_live_demo")).await.body), [""; 0], "no live bank");

    // As Node's tests ask.
    let path = "/res/v1/providers?filter%5Bpis%5D=sepa&filter%5Bcountry%5D=FR&filter%5Bpsu_type%5D=retail";
    let french = ask(&world, &format!("{path}&sort%5Bfull_name%5D=asc"), None).await.body;
    let each: Vec<_> = french["data"].as_array().unwrap().iter().map(|one| &one["attributes"]).collect();
    assert!(each.len() > 1 && each.iter().all(|one| one["country"] == "FR"), "{french}");
    assert!(each.is_sorted_by_key(|one| one["name"].as_str().unwrap()), "{french}");
    let wrong = ask(&world, "/res/v1/providers?filter[country]=France", None).await;
    assert_refused(&wrong, 400, "bad_request", "invalid_field");

    let one = ask(&world, "/res/v1/providers/mock-consent", None).await;
    assert_eq!(ids(&one.body), ["mock-consent"]);
    assert_refused(&ask(&world, "/res/v1/providers/nobody", None).await, 404, "not_found", "not_found");
    let head = world.request(Method::HEAD, "/res/v1/providers").send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);

    let accounts = ask(&world, "/res/v1/testaccounts?sort%5Bprovider%5D=asc", None).await;
    assert_eq!(ids(&accounts.body), ids(&all.body));
    assert_eq!(ask(&world, "/res/v1/testaccounts", Some("pk_live_demo")).await.body, json!({ "data": [] }));
}

#[tokio::test]
async fn an_application_reads_what_it_is_and_others_what_its_id_says() {
    let world = world().await;
    for path in ["/res/v1/application", "/res/v1/applications?with_payment_methods=true"] {
        let data = &get(&world, path).await["data"];
        assert_eq!([&data["id"], &data["type"]], [DEMO.0, "application"]);
        let attributes = &data["attributes"];
        assert_eq!([&attributes["environment"], &attributes["name"]], ["sandbox", "Demo Merchant"], "{attributes}");
        assert!(attributes["redirect_urls"].is_array() && attributes["public_keys"].is_array(), "{attributes}");

        for id in [DEMO.0, "pk_test_nobody"] {
            let named = ask(&world, path, Some(id)).await;
            let attributes = json!({ "environment": "sandbox" });
            assert_eq!(named.body, json!({ "data": { "id": id, "type": "application", "attributes": attributes } }));
        }
        assert_refused(&ask(&world, path, None).await, 401, "unauthorized", "invalid_token");
        assert_refused(&ask(&world, path, Some("nobody")).await, 401, "unauthorized", "invalid_app_id");
        // Credentials that are wrong are refused, also where none are needed.
        let wrong = answer(world.request(Method::GET, path).bearer_auth("sk_test_wrong")).await;
        assert_refused(&wrong, 401, "unauthorized", "invalid_token");
        let others = answer(demo(&world, Method::GET, path).header("app_id", "pk_test_nobody")).await;
        assert_refused(&others, 401, "unauthorized", "invalid_app_id");
    }
}

#[tokio::test]
async fn nothing_is_settled_and_no_token_refreshed() {
    let world = world().await;
    let path = "/pis/v2/settlements?page[size]=5";
    let url = format!("{}{path}", world.machine.api_url());
    let none = json!({
        "meta": { "totalItems": 0, "totalPages": 0 }, "data": [], "links": { "self": url, "next": null },
    });
    assert_eq!(get(&world, path).await, none);
    assert_refused(&ask(&world, "/pis/v2/settlements", None).await, 401, "unauthorized", "invalid_token");
    let one = answer(demo(&world, Method::GET, "/pis/v2/settlements/8e1f")).await;
    assert_refused(&one, 404, "not_found", "not_found");

    for path in ["/oauth/refreshtoken", "/oauth/refresh_token"] {
        let form = [("grant_type", "refresh_token"), ("refresh_token", "x")];
        let refused = answer(world.request(Method::POST, path).basic_auth(DEMO.0, Some(DEMO.1)).form(&form)).await;
        assert_refused(&refused, 400, "bad_request", "bad_request");
        assert!(refused.text.contains("/oauth/accesstoken"), "{}", refused.text);
    }
}

#[tokio::test]
async fn each_wrong_path_is_refused_in_the_formats_shape() {
    let world = world().await;
    for (method, path, status) in [
        (Method::POST, "/oauth/accesstoken/", 404),
        (Method::POST, "/oauth/accesstoken/x", 404),
        (Method::GET, "/oauth/accesstoken", 405),
        (Method::GET, "/oauth/refreshtoken", 405),
        (Method::POST, "/oauth/secure/accesstoken", 404),
        (Method::GET, "/pis", 404),
        (Method::GET, "/pis/", 404),
        (Method::GET, "/pis/v3/payments", 404),
        (Method::PUT, "/pis/v1/customer/x/confirm", 404),
        (Method::DELETE, "/pis/v2/payments/x", 405),
        (Method::GET, "/res", 404),
        (Method::GET, "/res/v1/nothing", 404),
        (Method::GET, "/res/v1/providers/", 404),
        (Method::POST, "/res/v1/providers", 405),
    ] {
        let refused = answer(world.request(method.clone(), path).header("accept", "application/json")).await;
        assert_refused(&refused, status, "not_found", "not_found");
    }
    // Those beside them are Banked's.
    for path in ["/pisx", "/resx/v1", "/oauth/accesstokens", "/oauth/other"] {
        let refused = answer(world.request(Method::GET, path).header("accept", "application/json")).await;
        assert!(refused.status == 404 && refused.body["status"].is_null(), "{path}: {}", refused.text);
    }
}
