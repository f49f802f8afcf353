//! Payment links that people make in the console: once each, with an act each, and paid like any other payment.

use local::{Effect, Fault};
use models::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{Browser, Page, World, hidden, text};

use crate::console_refunds::acts;

const LINKS: &str = "/console/test/links";

/// How the form spells that the money goes to the account that is chosen at first.
fn chosen(html: &str) -> String {
    let (before, _) = html.split_once("\" selected>").unwrap_or_else(|| panic!("nothing is chosen in {html}"));
    before.rsplit_once('"').unwrap().1.to_owned()
}

/// What a person types for Ada.
fn typed<'a>(step: &'a str, token: &'a str, to: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("step", step),
        ("token", token),
        ("amount", "£25.00"),
        ("to", to),
        ("what", "Invoice 12"),
        ("reference", "INV 12"),
        ("name", "Ada Payer"),
        ("email", "ada@example.com"),
        ("by_mail", "true"),
    ]
}

/// A new form's token, and where its money goes.
async fn new_form(browser: &Browser<'_>) -> (String, String) {
    let form = browser.get(LINKS).await;
    assert_eq!(form.status, StatusCode::OK, "{}", form.html);
    (hidden(&form.html, "token").unwrap(), chosen(&form.html))
}

/// The payment whose link an answer leads to.
fn made(page: &Page) -> Value {
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.html);
    let location = page.location.as_deref().unwrap();
    let id = location.strip_prefix("/console/test/payments/").unwrap().strip_suffix("/link").unwrap();
    json!({ "id": id })
}

#[tokio::test]
async fn a_mailed_link_is_opened_and_paid() {
    let world = World::with_console().await;
    let browser = world.sign_in(Role::Refund).await;
    assert!(browser.get("/console/test/payments").await.html.contains(&format!("href=\"{LINKS}\"")));
    let (token, to) = new_form(&browser).await;
    let check = browser.post(LINKS, &typed("check", &token, &to)).await;
    assert_eq!(check.status, StatusCode::OK, "{}", check.html);
    assert!(check.html.contains("; the link is valid until "), "{}", check.html);
    assert_eq!((acts(&world, "payment_link_made").await.len(), world.mails().await.len()), (0, 0), "not made yet");
    let session = made(&browser.post(LINKS, &typed("confirm", &token, &to)).await);
    assert_eq!(made(&browser.post(LINKS, &typed("confirm", &token, &to)).await), session, "the same");
    let other = [("step", "confirm"), ("token", &*token), ("amount", "1"), ("to", &*to), ("what", "Another")];
    let other = browser.post(LINKS, &other).await;
    assert_eq!(other.status, StatusCode::CONFLICT, "{}", other.html);
    assert!(other.html.contains("Another link was made from this form before"), "{}", other.html);

    let payment = format!("/console/test/payments/{}", text(&session["id"]));
    let url = format!("{}/checkout/{}", world.machine.api_url(), text(&session["id"]));
    let page = browser.get(&format!("{payment}/link")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    assert!(page.html.contains(&url) && page.html.contains("We mail it to a…@example.com."), "{}", page.html);
    assert_eq!(samples::read_qr(&page.html), url);
    let mails = world.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["ada@example.com"]);
    assert!(mails[0].text.as_deref().unwrap().contains(&url), "{:?}", mails[0].text);

    let payer = world.payer(&session);
    let checkout = payer.page().await;
    assert!(checkout.html.contains("£25.00") && checkout.html.contains("Invoice 12"), "{}", checkout.html);
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    world.settled().await;
    let shown = browser.get(&payment).await;
    assert!(shown.html.contains("<span class=\"state good\">Paid</span>"), "{}", shown.html);
    assert!(shown.html.contains("refund@demo.example made a payment link"), "{}", shown.html);
    assert!(shown.html.contains("✓ Books agree") && shown.html.contains("Invoice 12"), "{}", shown.html);
    assert!(browser.get(&format!("{payment}/link")).await.html.contains("can’t be paid any more"));
    // As the merchant's systems read it.
    let read = world.get(&text(&session["id"])).await;
    assert_eq!((&read["amount"], &read["state"], &read["reference"]), (&json!(2500), &json!("sent"), &json!("INV 12")));
    assert_eq!(read["line_items"][0]["name"], "Invoice 12");
    assert_eq!(world.mails().await.len(), 2, "a receipt, too");
    let outcomes: Vec<Value> =
        acts(&world, "payment_link_made").await.into_iter().map(|act| act["outcome"].clone()).collect();
    assert_eq!(outcomes, [json!({ "S": "done" }), json!({ "M": { "refused": { "S": "made_before" } } })]);
}

#[tokio::test]
async fn a_link_without_a_payer_asks_who_pays() {
    let world = World::with_console().await;
    let browser = world.sign_in(Role::Own).await;
    let (token, to) = new_form(&browser).await;
    let form = [("step", "confirm"), ("token", &*token), ("amount", "4"), ("to", &*to), ("what", "Candles")];
    let session = made(&browser.post(LINKS, &form).await);
    let payer = world.payer(&session);
    payer.identify().await;
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    assert_eq!(world.get(&text(&session["id"])).await["state"], "sent");
}

#[tokio::test]
async fn one_form_sent_many_times_at_once_makes_one_link() {
    let world = World::with_console().await;
    let browser = world.sign_in(Role::Refund).await;
    let (token, to) = new_form(&browser).await;
    let form = typed("confirm", &token, &to);
    let pages = futures_util::future::join_all((0..6).map(|_| browser.post(LINKS, &form))).await;
    let ids: std::collections::BTreeSet<String> = pages.iter().map(|page| text(&made(page)["id"])).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(acts(&world, "payment_link_made").await.len(), 1);
    assert_eq!(world.mails().await.len(), 1);
}

#[tokio::test]
async fn answers_are_lost_and_functions_die_and_there_is_one_link_with_its_act() {
    let world = World::with_console().await;
    let browser = world.sign_in(Role::Refund).await;
    let mut there = 0;
    for effect in [Effect::DropAnswer, Effect::TransactionConflict, Effect::KillBefore, Effect::KillAfter] {
        let (token, to) = new_form(&browser).await;
        let form = typed("confirm", &token, &to);
        world.machine.faults().add(Fault::new("TransactWriteItems", effect).function("ConsoleFunction"));
        let first = browser.post(LINKS, &form).await;
        assert!(world.machine.faults().waiting().is_empty());
        if matches!(effect, Effect::KillBefore | Effect::KillAfter) {
            assert!(first.status.is_server_error(), "{effect:?}: {}", first.html);
        } else {
            made(&first);
        }
        made(&browser.post(LINKS, &form).await);
        there += 1;
        assert_eq!(acts(&world, "payment_link_made").await.len(), there, "{effect:?}");
    }
    assert_eq!(world.mails().await.len(), there);
}

#[tokio::test]
async fn a_wrong_form_is_shown_again_and_others_make_no_link() {
    let world = World::with_console().await;
    let browser = world.sign_in(Role::Refund).await;
    let (token, to) = new_form(&browser).await;
    let wrong = [("amount", "1.005"), ("amount", "0"), ("reference", "INV-12"), ("email", "ada"), ("to", "")];
    for (field, value) in wrong {
        let form = typed("confirm", &token, &to).into_iter().filter(|(name, _)| *name != field);
        let form: Vec<_> = form.chain([(field, value)]).collect();
        let page = browser.post(LINKS, &form).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {value}: {}", page.html);
        assert!(page.html.contains(&format!("<a href=\"#{field}\">")), "{}", page.html);
        assert!(page.html.contains("value=\"Invoice 12\""), "what was typed stays: {}", page.html);
    }
    let form = typed("confirm", &token, &to);
    for role in [Role::Look, Role::Develop] {
        let browser = world.sign_in(role).await;
        assert_eq!(browser.get(LINKS).await.status, StatusCode::FORBIDDEN, "{role:?}");
        assert_eq!(browser.post(LINKS, &form).await.status, StatusCode::FORBIDDEN, "{role:?}");
        assert!(!browser.get("/console/test/payments").await.html.contains(LINKS));
    }
    let live = browser.post("/console/live/links", &form).await;
    assert_eq!(live.status, StatusCode::CONFLICT, "{}", live.html);
    let session = world.create().await;
    let theirs = world.sign_in_as("other", "eve@other.example", Role::Own).await;
    let link = format!("/console/test/payments/{}/link", text(&session["id"]));
    for path in [link.as_str(), "/console/test/links/all"] {
        let missing = theirs.get(path).await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND, "{path}");
        assert!(missing.html.contains("part of your console"), "{path}: {}", missing.html);
    }
    let missing = world.stranger().get("/console/test/links/all").await;
    assert!(missing.status == StatusCode::NOT_FOUND && !missing.html.contains("your console"), "{}", missing.html);
    assert_eq!(browser.get(&link).await.status, StatusCode::OK);
    assert_eq!(acts(&world, "payment_link_made").await, [json!(null); 0]);
}
