//! Without a mouse and without a thumb: every way on by Tab, Enter and Space alone.

use fantoccini::key::Key;
use tests::World;

use crate::browser::{Browser, Screen};
use crate::{ANOTHER, ASKED, CANCEL, CHOOSE, EMAIL, NAME, checkout, staying};

/// What has the focus, as a reader calls it, if the focus can be seen: marked, and on the screen.
const FOCUS: &str = "const element = document.activeElement;
    if (element === document.body) return null;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    const { top, bottom } = element.getBoundingClientRect();
    if (!element.matches(':focus-visible') || outlineStyle === 'none' || parseFloat(outlineWidth) < 2)
      return `not marked: ${element.outerHTML}`;
    if (bottom < 0 || top > innerHeight) return `not on the screen: ${element.outerHTML}`;
    return (element.labels?.[0] ?? element.querySelector('.about bdi') ?? element).textContent.trim();";

/// Presses a key.
pub(crate) async fn strike(browser: &Browser, key: Key) {
    browser.client.active_element().await.unwrap().send_keys(&char::from(key).to_string()).await.unwrap();
}

/// Presses a key, and says what has the focus then.
pub(crate) async fn press(browser: &Browser, key: Key) -> Option<String> {
    strike(browser, key).await;
    browser.client.execute(FOCUS, Vec::new()).await.unwrap().as_str().map(str::to_owned)
}

/// Presses Tab until this has the focus.
pub(crate) async fn tab_to(browser: &Browser, name: &str) {
    let mut met = Vec::new();
    while met.len() < 30 {
        let focus = press(browser, Key::Tab).await.unwrap_or_default();
        if focus == name {
            return;
        }
        met.push(focus);
    }
    panic!("no {name} among {met:?}");
}

/// What Tab leads to, in order, from the top of the page to its end.
async fn order(browser: &Browser) -> Vec<String> {
    let mut met = Vec::new();
    while let Some(focus) = press(browser, Key::Tab).await {
        if met.first() == Some(&focus) {
            break;
        }
        met.push(focus);
    }
    met
}

/// Types into the field with this label, to which Tab leads.
pub(crate) async fn type_into(browser: &Browser, label: &str, text: &str) {
    tab_to(browser, label).await;
    browser.client.active_element().await.unwrap().send_keys(text).await.unwrap();
}

#[tokio::test]
async fn from_details_to_the_payment_by_keyboard() {
    let Some(browser) = Browser::start(Screen::SMALL).await else { return };
    let world = World::start().await;
    let session = world.create_from(&staying()).await;
    browser.open(&checkout(&session)).await;
    browser.see("Your details").await;
    type_into(&browser, "Full name", NAME).await;
    type_into(&browser, "E-mail address", EMAIL).await;
    tab_to(&browser, "Continue to choose your bank").await;
    press(&browser, Key::Enter).await;
    browser.see("Choose your bank").await;
    tab_to(&browser, CHOOSE).await;
    press(&browser, Key::Enter).await;
    browser.see(ASKED).await;
    tab_to(&browser, "Approve").await;
    press(&browser, Key::Space).await;
    browser.see("Payment sent").await;
}

#[tokio::test]
async fn the_action_comes_first_and_then_what_is_folded() {
    let Some(browser) = Browser::start(Screen::SMALL).await else { return };
    let world = World::start().await;
    let session = world.create_from(&staying()).await;
    let (fold, help) = ("1 item · Illuminate", "help@brightcandles.example");
    browser.open(&checkout(&session)).await;
    let first = ["Full name", "E-mail address", "Continue to choose your bank", CANCEL, fold, help];
    assert_eq!(order(&browser).await.get(..first.len()).unwrap(), first);

    // The summary, folded on a phone, opens, and what cancels.
    for (summary, key, inside) in
        [(fold, Key::Enter, "4 × £1.00"), (CANCEL, Key::Space, "Yes, cancel the payment of £4.00")]
    {
        browser.open(&checkout(&session)).await;
        tab_to(&browser, summary).await;
        assert!(!browser.text().await.contains(inside));
        press(&browser, key).await;
        assert!(browser.text().await.contains(inside), "{inside}");
        press(&browser, key).await;
        assert!(!browser.text().await.contains(inside));
    }
    // There is nothing to unfold at a desk.
    browser.set_screen(Screen::DESKTOP).await;
    assert!(browser.text().await.contains("4 × £1.00"));
    browser.open(&checkout(&session)).await;
    assert!(!order(&browser).await.iter().any(|name| name == fold));

    world.payer(&session).identify().await;
    world.payer(&session).choose_bank(1).await;
    browser.open(&checkout(&session)).await;
    browser.see("Approve the payment at Mock Bank").await;
    assert_eq!(order(&browser).await.get(..3).unwrap(), ["Continue at Mock Bank", ANOTHER, CANCEL]);
}
