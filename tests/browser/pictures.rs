//! Pictures of the pages for docs/pages, and the page there that lists them: `make pictures`.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt::Write;
use std::io::Cursor;
use std::path::PathBuf;

use serde_json::{Value, json};
use tests::{World, text, workspace};

use crate::browser::{Browser, Colours, Screen};
use crate::pages::expired;
use crate::rendered;
use crate::{ANOTHER, CHOOSE, EMAIL, NAME, checkout, with_payer};

const HEAD: &str = "# The pages\n\nWhat a payer sees, on a phone and at a desk, as `make pictures` takes it from the running service with its demo \
                    merchant. Every page also has a dark form, for those who prefer that.\n";

/// Takes pictures of the page that is open.
struct Photographer {
    browser: Browser,
    folder: PathBuf,
    list: String,
}

impl Photographer {
    async fn take(&mut self, name: &str, heading: &str, caption: &str) {
        self.browser.see(heading).await;
        write!(self.list, "\n## {heading}\n\n{caption}\n\n").unwrap();
        self.one(name, Screen::PHONE, Colours::Light).await;
        self.one(name, Screen::DESKTOP, Colours::Light).await;
        self.list.push('\n');
    }

    async fn take_dark(&mut self, name: &str) {
        for screen in [Screen::PHONE, Screen::DESKTOP] {
            self.one(name, screen, Colours::Dark).await;
        }
        self.list.push('\n');
    }

    async fn one(&mut self, name: &str, screen: Screen, colours: Colours) {
        let device = if screen.touch { "phone" } else { "desk" };
        let dark = if colours == Colours::Dark { "-dark" } else { "" };
        let file = format!("{name}-{device}{dark}.png");
        self.browser.set_colours(colours).await;
        std::fs::write(self.folder.join(&file), small(&self.browser.picture(screen).await)).unwrap();
        self.browser.set_colours(Colours::Light).await;
        self.browser.set_screen(Screen::PHONE).await;
        writeln!(self.list, "![{name}, {device}{}]({file})", dark.replace('-', ", ")).unwrap();
    }
}

/// The same picture in its 256 commonest colours, each other in the next of them: a third of the bytes.
pub(crate) fn small(picture: &[u8]) -> Vec<u8> {
    let mut reader = png::Decoder::new(Cursor::new(picture)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let of: Vec<[u8; 3]> = pixels.chunks_exact(info.color_type.samples()).map(|p| [p[0], p[1], p[2]]).collect();
    let mut counts = HashMap::new();
    of.iter().for_each(|colour| *counts.entry(*colour).or_insert(0) += 1);
    let mut colours: Vec<_> = counts.iter().map(|(colour, count)| (Reverse(*count), *colour)).collect();
    colours.sort();
    let palette: Vec<[u8; 3]> = colours.iter().map(|(_, colour)| *colour).take(256).collect();
    let distance = |a: [u8; 3], b: [u8; 3]| a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum::<u32>();
    let nearest = |colour: [u8; 3]| (0..palette.len()).min_by_key(|at| distance(palette[*at], colour)).unwrap();
    let index: HashMap<_, _> = counts.keys().map(|colour| (*colour, u8::try_from(nearest(*colour)).unwrap())).collect();
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, info.width, info.height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette(palette.concat());
    encoder.set_compression(png::Compression::High);
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&of.iter().map(|colour| index[colour]).collect::<Vec<_>>()).unwrap();
    writer.finish().unwrap();
    out
}

/// States of pages that a payer seldom meets.
const RARE: [(&str, &str); 33] = [
    ("awaiting_payer_email", "The shop gave the name, and no address for the receipt."),
    ("many_banks", "Eighty banks: those used most, and a search."),
    ("found_banks", "Banks found."),
    ("found_no_bank", "No bank found."),
    ("no_banks", "No bank serves this currency here."),
    ("at_consent", "A bank where approving moves the money."),
    ("choose_another_at_consent", "Another bank, while the first may have moved the money."),
    ("at_consent_time_up", "The time has run out, and the bank has not said what became of it."),
    ("pending_checks", "The payer has switched on that the page checks by itself."),
    ("not_sent_declined_by_bank", "The bank said no."),
    ("not_sent_cancelled_by_merchant", "The shop cancelled it."),
    ("late_money", "Money that moved after the end."),
    ("debit_consent", "A mandate to sign, at its provider."),
    ("debit_pending", "A debit that is being collected."),
    ("ways", "Every way to pay in pounds."),
    ("ways_another", "Another way, while a card may have paid."),
    ("card", "The way to the card provider."),
    ("card_again_declined", "The card was declined, and another way can be chosen."),
    ("card_sent", "Paid by card."),
    ("card_taken_back", "Paid by card, and taken back afterwards."),
    ("transfer", "Where to transfer the money, in pounds."),
    ("transfer_eur", "In euros, with a code for banking apps."),
    ("transfer_missing", "A part of it has come."),
    ("transfer_underpaid", "Only a part came in time, and was returned."),
    ("transfer_excess", "More came than was asked for."),
    ("bank_down", "A bank that was chosen while it is down."),
    ("too_many", "A bank chosen too often."),
    ("refund_consent", "The shop approves a refund."),
    ("refund_time_passed", "The shop did not approve a refund in time."),
    ("refund_page_details_errors", "Something is wrong with where a refund goes."),
    ("refund_page_sending", "A refund on its way."),
    ("refund_page_too_late", "Nobody said in time where a refund goes."),
    ("refund_page_not_made", "A refund that was not made."),
];

/// Mails.
const MAILS: [(&str, &str); 6] = [
    ("mail_payment_link", "Where to pay."),
    ("mail_receipt", "The receipt."),
    ("mail_refund_details", "Where a refund should go."),
    ("mail_refund_to_authorise", "To the shop: a refund to approve."),
    ("mail_refund_sent", "A refund was sent."),
    ("mail_sign_in_link", "To a merchant's person: a link into the console."),
];

/// Three items from the shop.
fn order() -> Value {
    json!({
        "reference": "Order 10423",
        "line_items": [
            { "name": "Beeswax pillar candle", "description": "Burns for 40 hours", "amount": 1450, "currency": "GBP", "quantity": 2 },
            { "name": "Brass holder", "amount": 1999, "currency": "GBP", "quantity": 1 },
            { "name": "Long matches", "amount": 295, "currency": "GBP", "quantity": 1 },
        ],
        "payee": { "name": "Gerald Wiley", "account_number": "12345678", "sort_code": "010203" },
        "email_receipt": true,
    })
}

#[tokio::test]
#[ignore = "`make pictures` runs it"]
async fn pictures() {
    let browser = Browser::start(Screen::PHONE).await.unwrap();
    let world = World::start().await;
    let folder = workspace().join("docs/pages");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let mut to = Photographer { browser, folder, list: HEAD.to_owned() };

    let session = world.create_from(&order()).await;
    let payer = world.payer(&session);
    to.browser.open(&checkout(&session)).await;
    to.take("details", "Your details", "Who pays is asked only if the shop does not say.").await;
    to.take_dark("details").await;
    to.browser.press("Continue to choose your bank").await;
    to.browser.wait_for("//*[@role='alert']").await;
    to.take("details-errors", "Your details", "Something is missing.").await;
    to.browser.fill("Full name", NAME).await;
    to.browser.fill("E-mail address", EMAIL).await;
    to.browser.press("Continue to choose your bank").await;
    to.take("bank", "Choose your bank", "The banks, those used most first. These are mocks, each with what it does.")
        .await;
    to.take_dark("bank").await;
    to.browser.press("3 items · Order 10423").await;
    to.browser.see("Choose your bank").await;
    to.one("bank-unfolded", Screen::PHONE, Colours::Light).await;
    to.browser.press(CHOOSE).await;
    to.take("mock-bank", "Approve a payment of £51.94?", "The mock bank: a stranger's house.").await;
    to.browser.open(&checkout(&session)).await;
    to.take("approve", "Approve the payment at Mock Bank", "Back from the bank, nothing decided.").await;
    to.browser.press(ANOTHER).await;
    to.take("bank-another", "Choose your bank", "Another bank instead.").await;
    payer.decide(1, "approve_then_settle").await;
    to.browser.open(&checkout(&session)).await;
    to.take("pending", "Your bank is sending the payment", "The bank has accepted, and has not sent it yet.").await;

    let shop = "https://shop.example.com/orders/10423";
    let with_urls = |mut order: Value| {
        order["success_url"] = shop.into();
        order["error_url"] = shop.into();
        with_payer(order)
    };
    let paid = world.create_from(&with_urls(order())).await;
    let payer = world.payer(&paid);
    payer.choose_bank(1).await;
    payer.decide_with(1, &[("decision", "approve"), ("payer_account", "withheld")]).await;
    to.browser.open(&checkout(&paid)).await;
    to.take(
        "sent",
        "Payment sent",
        "The end; a shop with a return URL is led to at once, and this is what its link shows later.",
    )
    .await;
    to.take_dark("sent").await;

    for (name, decision, heading, caption) in [
        ("declined", "decline", "You declined the payment", "The payer said no."),
        ("no-funds", "insufficient_funds", "There was not enough money in the account", "The bank said no."),
    ] {
        let session = world.create_from(&with_urls(order())).await;
        world.payer(&session).choose_bank(1).await;
        world.payer(&session).decide(1, decision).await;
        to.browser.open(&checkout(&session)).await;
        to.take(name, heading, caption).await;
    }
    let mut retry = with_payer(order());
    retry["retry"] = true.into();
    let again = world.create_from(&retry).await;
    world.payer(&again).choose("mock-refuses", 1).await;
    world.payer(&again).decide(1, "refuse").await;
    to.browser.open(&checkout(&again)).await;
    to.take("bank-again", "Choose your bank again", "The bank said no, and the shop lets the payer try another.").await;
    let cancelled = world.create_from(&with_urls(order())).await;
    world.payer(&cancelled).cancel().await;
    to.browser.open(&checkout(&cancelled)).await;
    to.take("cancelled", "You cancelled the payment", "The payer gave it up.").await;
    to.browser.open(&checkout(&expired(&world).await)).await;
    to.take("expired", "The time to pay has run out", "Nobody paid in time.").await;

    let mut welsh = with_payer(order());
    welsh["locale"] = "cy".into();
    to.browser.open(&checkout(&world.create_from(&welsh).await)).await;
    to.list.push_str("\n## In Welsh\n\nEvery page is in English, French, German, Spanish and Welsh.\n\n");
    to.one("bank-welsh", Screen::PHONE, Colours::Light).await;

    let refund = world.refund(&paid, 2_000).await;
    let page = text(&refund["url"]);
    to.browser.open(&page).await;
    to.take("refund", "Where should your refund go?", "The bank did not share the account, so the customer is asked.")
        .await;
    for (label, text) in [("Name on the account", NAME), ("Sort code", "040004"), ("Account number", "11112222")] {
        to.browser.fill(label, text).await;
    }
    to.browser.press("Continue").await;
    to.take("refund-check", "Check your details", "Before it is final.").await;
    to.browser.press("Yes, send my refund there").await;
    to.take("refund-approval", "Thank you, we have what we need", "The shop has to approve it at its bank.").await;
    let id = text(&world.get_refund(&refund).await["refund_payment_session_id"]);
    to.browser.open(&format!("{}/checkout/{id}", world.machine.api_url())).await;
    to.take("refund-pay", "Choose your bank", "The shop pays the refund, as any payment.").await;
    let merchant = world.refunder(&world.get_refund(&refund).await);
    merchant.choose_bank(1).await;
    merchant.decide(1, "approve").await;
    to.browser.open(&page).await;
    to.take("refund-sent", "Refund sent", "The customer's page of the refund, at its end.").await;
    to.browser.open(&format!("{}/checkout/{}", world.machine.api_url(), uuid::Uuid::new_v4())).await;
    to.take("not-found", "There is nothing here", "A link that is none.").await;

    for (title, states) in [("What is seen less often", &RARE[..]), ("Mails", &MAILS)] {
        write!(to.list, "\n## {title}\n\nAs tests render them.\n\n").unwrap();
        for (name, caption) in states {
            to.browser.open(rendered::address(&rendered::folder().join(format!("{name}_en-GB.html"))).as_str()).await;
            to.one(&name.replace('_', "-"), Screen::PHONE, Colours::Light).await;
            write!(to.list, "{caption}\n\n").unwrap();
        }
    }
    std::fs::write(to.folder.join("README.md"), &to.list).unwrap();
}
