//! What people do in the merchant's console, as they see it: each act is done once, and by who may, however many tabs and
//! people press.

use fantoccini::Locator;
use models::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::issuer::Issuer;
use tests::{PATIENCE, Receiver, Reply, World, answer, document_1, text};

use crate::browser::{Browser, Screen};
use crate::console::{ASK, CHECK, at, choose, sign_in, signed_in};
use crate::{CHOOSE, EMAIL, NAME};

/// The heading and the button of the form that cancels a payment, and what leads to it.
const CANCEL: &str = "Cancel the payment";
const COMPANY: &str = "Sign in with your company account";
const RESEND: &str = "Send it again";
/// The parts of the console, as the navigation lists them.
const PARTS: [&str; 9] =
    ["Overview", "Payments", "Refunds", "Webhooks", "API keys", "Accounts", "Shop", "People", "Audit"];

/// The path of a payment's page.
fn payment_path(session: &Value) -> String {
    format!("/console/test/payments/{}", text(&session["id"]))
}

/// The heading of a payment's page.
fn payment_heading(session: &Value) -> String {
    format!("Payment {}", text(&session["reference"]))
}

/// The path of the page of a session's first event.
fn event_path(session: &Value) -> String {
    format!("/console/test/events/evt_{}_1", text(&session["id"]))
}

/// Waits for a payment's page that says that it stands so.
async fn see_state(browser: &Browser, state: &str) {
    browser.wait_for(&format!("//main/p/span[normalize-space()='{state}']")).await;
}

/// Waits for an attempt to deliver the event that is shown, with this outcome.
async fn see_attempt(browser: &Browser, outcome: &str) {
    browser.wait_for(&format!("//section[@aria-labelledby='attempts']//span[normalize-space()='{outcome}']")).await;
}

/// Asks for a refund of this amount in the form that is open, up to its last button.
async fn ask(browser: &Browser, amount: &str) {
    browser.see(ASK).await;
    browser.fill("Amount, in GBP", amount).await;
    choose(browser, "The goods came back").await;
    browser.press("Continue").await;
    browser.see(CHECK).await;
}

/// The amounts of a payment's refunds, as the merchant's systems read them.
async fn refunded(world: &World, session: &Value) -> Vec<i64> {
    let session = world.get(&text(&session["id"])).await;
    session["refunds"].as_array().unwrap().iter().map(|refund| refund["amount"].as_i64().unwrap()).collect()
}

/// What is typed in the field with this label.
async fn typed(browser: &Browser, label: &str) -> String {
    browser.field(label).await.prop("value").await.unwrap().unwrap()
}

/// What the elements here read, in order.
async fn labels(browser: &Browser, css: &str) -> Vec<String> {
    let mut labels = Vec::new();
    for element in browser.client.find_all(Locator::Css(css)).await.unwrap() {
        labels.push(element.text().await.unwrap());
    }
    labels
}

/// Sends a form of the visit's own there, where its page has none for.
async fn forge(browser: &Browser, to: &str) {
    let script = "document.querySelector('.nav form').action = arguments[0]";
    browser.client.execute(script, vec![json!(to)]).await.unwrap();
    browser.press("Sign out").await;
}

#[tokio::test]
async fn a_company_account_leads_to_the_page_that_was_asked_for_until_one_signs_out() {
    let Some(browser) = Browser::start(Screen::PHONE).await else { return };
    let issuer = Issuer::start().await;
    let world = issuer.world().await;
    let session = world.paid().await;
    let (path, heading) = (payment_path(&session), payment_heading(&session));
    let led_there = || issuer.receiver.received().iter().filter(|one| one.line.starts_with("GET /authorize?")).count();
    browser.open(&at(&world, &path)).await;
    browser.see("Sign in").await;
    assert_eq!(led_there(), 0);
    browser.press(COMPANY).await;
    browser.see(&heading).await;
    assert_eq!((browser.url().await.path(), led_there()), (path.as_str(), 1));
    // As the groups of the account say.
    browser.button("Refund").await;

    let cookie = browser.client.get_named_cookie("__Host-counterfoil").await.unwrap();
    let mut visit = world.stranger();
    visit.cookie = Some(format!("{}={}", cookie.name(), cookie.value()));
    assert_eq!(visit.get(&path).await.status, StatusCode::OK);
    browser.press("Sign out").await;
    browser.see("Sign in").await;
    assert_eq!(visit.get(&path).await.status, StatusCode::SEE_OTHER, "also for who has kept its cookie");
    browser.open(&at(&world, &path)).await;
    browser.press(COMPANY).await;
    browser.see(&heading).await;
    assert_eq!(led_there(), 2);
}

#[tokio::test]
async fn of_two_people_with_the_same_form_one_refunds_and_the_other_sees_it() {
    let Some((first, world)) = signed_in(Role::Own).await else { return };
    let Some(second) = Browser::start(Screen::PHONE).await else { return };
    sign_in(&second, &world, Role::Refund).await;
    let session = world.paid().await;
    let form = at(&world, &format!("{}/refund", payment_path(&session)));
    first.open(&form).await;
    ask(&first, "1.50").await;
    second.open(&form).await;
    ask(&second, "1").await;
    let here = second.open_tab(&form).await;
    ask(&second, "1").await;
    let there = second.client.window().await.unwrap();
    assert_eq!(refunded(&world, &session).await, [0; 0], "nothing is done yet");

    first.press("Refund £1.50").await;
    first.see(&payment_heading(&session)).await;
    let news = "Meanwhile somebody refunded £1.50. Nothing was done with this form. £2.50 is left";
    for tab in [there, here] {
        second.client.switch_to_window(tab).await.unwrap();
        second.press("Refund £1.00").await;
        second.see(ASK).await;
        let page = second.text().await;
        assert!(page.contains(news), "{page}");
        assert_eq!(typed(&second, "Amount, in GBP").await, "1");
        assert!(second.has("#reason:checked").await);
        assert_eq!(refunded(&world, &session).await, [150]);
    }
    // Back is the answer to a form, which a browser won't show without sending the form again: that says so, too.
    for browser in [&first, &second] {
        browser.client.back().await.unwrap();
        browser.client.refresh().await.unwrap();
        browser.see(ASK).await;
        let page = browser.text().await;
        assert!(page.contains(news), "{page}");
        // From there it is checked once more.
        browser.press("Continue").await;
        browser.see(CHECK).await;
        assert_eq!(refunded(&world, &session).await, [150]);
    }
}

#[tokio::test]
async fn all_that_is_left_is_refunded_and_no_more() {
    let Some((browser, world)) = signed_in(Role::Refund).await else { return };
    let session = world.paid().await;
    world.settled().await;
    let before = world.get(&text(&session["id"])).await;
    let form = at(&world, &format!("{}/refund", payment_path(&session)));
    browser.open(&form).await;
    browser.see(ASK).await;
    assert_eq!(typed(&browser, "Amount, in GBP").await, "4.00", "all of it, unless something else is typed");
    browser.fill("Amount, in GBP", "4.01").await;
    choose(&browser, "Another reason").await;
    browser.fill("Note, for another reason", "Came broken").await;
    browser.press("Continue").await;
    browser.assert_faulty("Amount, in GBP", "Only £4.00 is left to refund").await;
    assert_eq!(browser.status().await, 422);
    assert_eq!(typed(&browser, "Amount, in GBP").await, "4.01");
    assert_eq!(typed(&browser, "Note, for another reason").await, "Came broken");
    assert!(browser.has("#reason-other:checked").await);
    assert_eq!(world.get(&text(&session["id"])).await, before);

    browser.fill("Amount, in GBP", "4").await;
    browser.press("Continue").await;
    browser.see(CHECK).await;
    let page = browser.text().await;
    assert!(page.contains("£4.00 of £4.00") && page.contains("Nothing stays."), "{page}");
    browser.press("Refund £4.00").await;
    browser.see(&payment_heading(&session)).await;
    browser.wait_for("//dt[.='Left']/following-sibling::dd[.='£0.00']").await;
    assert!(!browser.has("a[href$='/refund']").await);
    browser.open(&form).await;
    browser.see("This payment can’t be refunded").await;
    assert!(browser.text().await.contains("All of it has been refunded, or is being refunded."));
    assert_eq!(refunded(&world, &session).await, [400]);
}

#[tokio::test]
async fn a_payment_is_cancelled_once_and_a_second_tab_shows_that_it_is() {
    let Some((browser, world)) = signed_in(Role::Refund).await else { return };
    let session = world.create().await;
    let form = at(&world, &format!("{}/cancel", payment_path(&session)));
    browser.open(&at(&world, &payment_path(&session))).await;
    see_state(&browser, "Awaits the payer").await;
    browser.press(CANCEL).await;
    browser.see(CANCEL).await;
    browser.press(CANCEL).await;
    browser.button("Choose a reason").await;
    assert_eq!(world.get(&text(&session["id"])).await["state"], "awaiting_payer");
    choose(&browser, "It’s a duplicate").await;
    let left = browser.open_tab(&form).await;
    browser.see(CANCEL).await;
    choose(&browser, "It’s a duplicate").await;
    browser.press(CANCEL).await;
    see_state(&browser, "Cancelled").await;
    // The tab that was left, and the form, opened once more.
    browser.client.switch_to_window(left).await.unwrap();
    browser.press(CANCEL).await;
    see_state(&browser, "Cancelled").await;
    browser.open(&form).await;
    see_state(&browser, "Cancelled").await;
    let page = browser.text().await;
    assert_eq!(page.matches("refund@demo.example cancelled the payment").count(), 1, "{page}");
    assert!(page.contains("Reason: It’s a duplicate"), "{page}");
    assert_eq!(world.get(&text(&session["id"])).await["failure_reason"], "cancelled_by_merchant");
}

#[tokio::test]
async fn a_payment_link_is_made_and_paid_in_another_browser() {
    let Some((browser, world)) = signed_in(Role::Refund).await else { return };
    let Some(payer) = Browser::start(Screen::PHONE).await else { return };
    browser.open(&at(&world, "/console/test/payments")).await;
    browser.press("New payment link").await;
    browser.see("New payment link").await;
    for (label, text) in [("Amount", "25"), ("What it is for", "Invoice 12"), ("Reference (optional)", "INV 12")] {
        browser.fill(label, text).await;
    }
    browser.press("Continue").await;
    browser.see("Check the payment link").await;
    let page = browser.text().await;
    assert!(page.contains("£25.00 from the person who opens the link, for Invoice 12"), "{page}");
    browser.press("Make the link").await;
    browser.see("Payment link").await;
    let link = browser.wait_for("//pre[@aria-label='The link']").await.text().await.unwrap();

    payer.open(&link).await;
    payer.see("Your details").await;
    payer.fill("Full name", NAME).await;
    payer.fill("E-mail address (optional)", EMAIL).await;
    payer.press("Continue to choose your bank").await;
    payer.see("Choose your bank").await;
    payer.press(CHOOSE).await;
    payer.see("Approve a payment of £25.00?").await;
    payer.press("Approve").await;
    payer.see("Payment sent").await;
    world.settled().await;

    browser.press("The payment").await;
    browser.see("Payment INV 12").await;
    see_state(&browser, "Paid").await;
    let page = browser.text().await;
    for part in ["£25.00", "Invoice 12", "Books agree", "refund@demo.example made a payment link"] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn an_event_that_was_refused_is_sent_again_and_accepted() {
    let Some((browser, world)) = signed_in(Role::Develop).await else { return };
    let receiver = Receiver::planned(|_| Reply::Status(500)).await;
    world.register(&receiver.url("/"), json!({})).await;
    // What follows a test clock is tried again by itself only once that is advanced.
    let clock = json!({ "now": "2030-01-31T09:30:00Z" });
    let clock = answer(world.demo(Method::POST, "/v2/test_clocks").json(&clock)).await;
    assert_eq!(clock.status, StatusCode::CREATED, "{}", clock.text);
    let mut order = document_1();
    order["test_clock"] = clock.body["id"].clone();
    let session = world.create_from(&order).await;
    assert!(receiver.until(PATIENCE, |all| !all.is_empty()).await);
    world.settled().await;
    let event = at(&world, &event_path(&session));
    browser.open(&event).await;
    see_attempt(&browser, "Answered 500").await;
    assert!(!browser.text().await.contains("Answered 200"));

    receiver.answer_all(Reply::Status(200));
    browser.press(RESEND).await;
    receiver.accepted(1, PATIENCE).await;
    world.settled().await;
    browser.open(&event).await;
    see_attempt(&browser, "Answered 200").await;
    see_attempt(&browser, "Answered 500").await;
    let id = format!("evt_{}_1", text(&session["id"]));
    assert!(receiver.received().iter().all(|one| one.event_id() == id), "{:#?}", receiver.summary());
    browser.open(&at(&world, &payment_path(&session))).await;
    browser.see(&payment_heading(&session)).await;
    let page = browser.text().await;
    for part in ["Webhook refused (500)", "Webhook accepted (200)"] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn every_role_sees_what_it_may_do_and_nothing_else_can_be_sent() {
    let Some((browser, world)) = signed_in(Role::Look).await else { return };
    let (paid, open) = (world.paid().await, world.create().await);
    world.settled().await;
    let before = (world.get(&text(&paid["id"])).await, world.get(&text(&open["id"])).await);
    let (refund, cancel) = (format!("{}/refund", payment_path(&paid)), format!("{}/cancel", payment_path(&open)));
    for role in Role::ALL {
        sign_in(&browser, &world, role).await;
        let (moves, develops) = match role {
            Role::Look => (false, false),
            Role::Refund => (true, false),
            Role::Develop => (false, true),
            Role::Own => (true, true),
        };
        let of_role = |may: bool, labels: &[&'static str]| if may { labels.to_vec() } else { Vec::new() };
        for (path, buttons) in [
            (payment_path(&paid), of_role(moves, &["Show personal data", "Refund"])),
            (payment_path(&open), of_role(moves, &["Payment link", CANCEL])),
            (event_path(&paid), of_role(develops, &[RESEND])),
        ] {
            browser.open(&at(&world, &path)).await;
            assert_eq!(labels(&browser, "main button, main a.button").await, buttons, "{role:?} at {path}");
        }
        let parts = match role {
            Role::Look | Role::Refund => 4,
            Role::Develop => 5,
            Role::Own => PARTS.len(),
        };
        assert_eq!(labels(&browser, ".nav a").await, [&PARTS[..parts], &["Go to live"]].concat(), "{role:?}");
        for (may, to) in [(moves, &refund), (moves, &cancel), (develops, &event_path(&paid))] {
            if !may {
                browser.open(&at(&world, &payment_path(&paid))).await;
                forge(&browser, to).await;
                browser.see("Your role doesn’t allow this").await;
                assert_eq!(browser.status().await, 403, "{role:?} at {to}");
            }
        }
    }
    assert_eq!((world.get(&text(&paid["id"])).await, world.get(&text(&open["id"])).await), before);
}
