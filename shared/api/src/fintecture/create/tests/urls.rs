//! Where payers may be sent back to, and in which language they are spoken to.

use serde_json::{Value, json};

use super::{Asked, connect};
use crate::error::Refusal;

#[test]
fn payers_are_sent_back_where_the_application_lets_them() {
    let registered = ["https://shop.example/back", "http://localhost:8000/"];
    let sent_to = |asked: Asked| asked.read().map(|new| new.success_url.map(String::from));
    let to = |url: &str| connect(json!({})).with(&serde_urlencoded::to_string([("redirect_uri", url)]).unwrap());
    let of = |mut asked: Asked, urls: &[&'static str]| {
        asked.registered = Some(urls.to_vec());
        sent_to(asked)
    };
    let url = |url: &str| Ok(Some(url.to_owned()));
    for allowed in ["https://shop.example/back", "https://shop.example/back?order=7", "http://localhost:8000/?a#b"] {
        assert_eq!(of(to(allowed), &registered), url(allowed));
        assert_eq!(sent_to(to(allowed).live(&registered)), url(allowed));
    }
    for refused in
        ["https://evil.example/back", "http://shop.example/back", "https://shop.example/back/", "https://shop.example/"]
    {
        assert_eq!(of(to(refused), &registered), Err(Refusal::InvalidAppUrl("query.redirect_uri")), "{refused}");
        assert_eq!(
            sent_to(to(refused).live(&registered)),
            Err(Refusal::InvalidAppUrl("query.redirect_uri")),
            "{refused}"
        );
        // A test application that has registered none, and a test key that is none.
        assert_eq!((of(to(refused), &[]), sent_to(to(refused))), (url(refused), url(refused)));
        assert_eq!(sent_to(to(refused).live(&[])), Err(Refusal::InvalidAppUrl("query.redirect_uri")), "{refused}");
    }
    // None given: the first.
    assert_eq!(of(connect(json!({})), &registered), url("https://shop.example/back"));
    assert_eq!((of(connect(json!({})), &[]), sent_to(connect(json!({})).live(&[]))), (Ok(None), Ok(None)));
    // As Python's client writes it; the query comes first.
    let mut python = connect(json!({}));
    python.body["redirect_uri"] = json!("http://localhost:8000/?python");
    python.body["language"] = json!("FR");
    assert_eq!(of(python.clone(), &registered), url("http://localhost:8000/?python"));
    assert_eq!(
        of(python.clone().with("redirect_uri=https://shop.example/back"), &registered),
        url("https://shop.example/back")
    );
    let language = |asked: &Asked| asked.read().unwrap().locale.map(String::from);
    assert_eq!(language(&python).as_deref(), Some("fr"));
    python.headers = vec![("x-language", "de".to_owned())];
    assert_eq!(language(&python).as_deref(), Some("de"));
    python.body["redirect_uri"] = json!("/back");
    python.invalid("redirect_uri");
    python.body["redirect_uri"] = Value::Null;
    python.body["language"] = json!("french");
    python.invalid("language");
}

#[test]
fn a_payer_who_cancels_goes_to_a_site_of_the_application() {
    let registered = ["https://shop.example/back"];
    let from = |origin: &str| connect(json!({})).with(&format!("origin_uri={origin}"));
    let cancel_url = |asked: &Asked| asked.read().map(|new| new.cancel_url.map(String::from));
    let url = |url: &str| Ok(Some(url.to_owned()));
    let (cart, elsewhere) = ("https://shop.example/cart", "https://evil.example/cart");
    assert_eq!(cancel_url(&from(cart).live(&registered)), url(cart));
    for refused in
        [elsewhere, "http://shop.example/cart", "https://shop.example:8443/cart", "https://shop.example.evil.example/"]
    {
        assert_eq!(
            cancel_url(&from(refused).live(&registered)),
            Err(Refusal::InvalidAppUrl("query.origin_uri")),
            "{refused}"
        );
        assert_eq!(cancel_url(&from(refused)), url(refused));
    }
    assert_eq!(cancel_url(&from(cart).live(&[])), Err(Refusal::InvalidAppUrl("query.origin_uri")));
    assert_eq!(cancel_url(&connect(json!({})).live(&registered)), url("https://shop.example/back"));
    // What is wrong comes first, so that all of it is said.
    let mut asked = from(elsewhere).live(&registered);
    asked.body["data"]["attributes"]["amount"] = Value::Null;
    asked.missing("data.attributes.amount");
}
