//! Payers who make transfers of their own, by the instructions in the checkout.

use models::{Currency, PaymentMethod};
use rqrr::PreparedImage;
use tests::text;

use crate::browser::{Browser, Screen};
use crate::{checkout, stage};

/// The link to the mock from which a transfer is sent.
const SEND: &str = "Send a test transfer";
/// The way back from it.
const BACK: &str = "Back to the checkout";

/// Chooses the way to pay that has this provider.
async fn choose(browser: &Browser, provider: &str) {
    browser.wait_for(&format!("//button[@value='{provider}']")).await.click().await.unwrap();
}

#[tokio::test]
async fn a_transfer_in_pounds_first_a_part_and_then_the_rest() {
    let Some((browser, world, _shop)) = stage().await else { return };
    let session = world.offering(Currency::GBP, &[PaymentMethod::BankTransfer, PaymentMethod::Card]).await;
    browser.open(&checkout(&session)).await;
    choose(&browser, "mock-transfer").await;
    browser.see("Transfer £4.00").await;
    assert_eq!(browser.field("Sort code").await.prop("value").await.unwrap().unwrap(), "01-02-03");
    browser.press(SEND).await;
    browser.see("Send a transfer").await;
    browser.fill("Amount", "nothing").await;
    browser.press("Send").await;
    browser.see("Send a transfer").await;
    browser.fill("Amount", "1.50").await;
    browser.press("Send").await;
    browser.see("£1.50 sent").await;
    browser.press(BACK).await;
    browser.see("Transfer the missing £2.50").await;
    assert_eq!(world.get(&text(&session["id"])).await["state"], "pending");
    browser.press(SEND).await;
    browser.press("Send").await;
    browser.see("£2.50 sent").await;
    browser.press(BACK).await;
    browser.see("Payment sent").await;
    assert_eq!(world.get(&text(&session["id"])).await["state"], "sent");
}

#[tokio::test]
async fn a_transfer_in_euro_by_its_code() {
    let Some(browser) = Browser::start(Screen::DESKTOP).await else { return };
    let world = tests::World::start().await;
    let session = world.offering(Currency::EUR, &[PaymentMethod::BankTransfer, PaymentMethod::Card]).await;
    browser.open(&checkout(&session)).await;
    choose(&browser, "mock-transfer").await;
    browser.see("Transfer €4.00").await;
    // What a banking app's camera sees of it.
    let code = browser.wait_for("//*[local-name()='svg'][ancestor::*[@aria-labelledby='scan']]").await;
    let picture = png(&code.screenshot().await.unwrap());
    let mut prepared = PreparedImage::prepare_from_greyscale(picture.0, picture.1, |x, y| picture.2[y * picture.0 + x]);
    let grids = prepared.detect_grids();
    let read = grids.first().expect("a code").decode().unwrap().1;
    let reference = browser.field("Reference for your transfer").await.prop("value").await.unwrap().unwrap();
    assert_eq!(
        read,
        format!("BCD\n002\n1\nSCT\n\nBright Candles Ltd\nDE89370400440532013000\nEUR4.00\n\n\n{reference}")
    );
    browser.press(SEND).await;
    browser.press("Send").await;
    browser.press(BACK).await;
    browser.see("Payment sent").await;
}

/// Width, height, and how light each point is.
fn png(bytes: &[u8]) -> (usize, usize, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let light = pixels.chunks_exact(info.color_type.samples()).map(|point| point[0]).collect();
    (usize::try_from(info.width).unwrap(), usize::try_from(info.height).unwrap(), light)
}

#[tokio::test]
async fn a_direct_transfer_after_another_choice() {
    let Some((browser, world, _shop)) = stage().await else { return };
    let session = world.offering(Currency::SEK, &[PaymentMethod::DirectTransfer, PaymentMethod::Card]).await;
    browser.open(&checkout(&session)).await;
    choose(&browser, "mock-direct-transfer").await;
    browser.wait_for("//h1[starts-with(normalize-space(), 'Transfer ')]").await;
    browser.press("Choose another way to pay").await;
    choose(&browser, "mock-direct-transfer").await;
    browser.press(SEND).await;
    browser.press("Send").await;
    browser.press(BACK).await;
    browser.see("Payment sent").await;
    assert_eq!(world.get(&text(&session["id"])).await["state"], "sent");
}
