//! The shop changed by people, over tables in memory.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::SignedDuration;
use models::{ActKind, ActObject, ActOutcome, Colour, Mode, Shop};
use pages::Language;

use super::{show, submit};
use crate::desk::{Desk, form, seen, words};

const FIELDS: [(&str, &str); 5] = [
    ("display_name", "Dim Candles"),
    ("support_email", "help@shop.example"),
    ("support_url", ""),
    ("website", "https://shop.example"),
    ("colour", "#8a4b08"),
];

impl Desk {
    /// The mark that the form bears.
    async fn shop_mark(&self) -> String {
        let (_, html) = seen(show(&self.services, &self.frame(Mode::Test)).await);
        mark_in(&html)
    }

    async fn send_shop(&self, step: &str, changes: &[(&str, &str)]) -> (u16, String) {
        self.send_shop_of(&self.shop_mark().await, step, changes).await
    }

    /// A form that was shown with this mark.
    async fn send_shop_of(&self, mark: &str, step: &str, changes: &[(&str, &str)]) -> (u16, String) {
        let mut fields = vec![("step", step), ("seen", mark)];
        for (field, value) in FIELDS {
            let changed = changes.iter().find(|(of, _)| *of == field);
            fields.push((field, changed.map_or(value, |(_, to)| *to)));
        }
        seen(submit(&self.services, &self.frame(Mode::Test), &form(&fields)).await)
    }

    async fn shop(&self) -> Option<Shop> {
        self.services.shops.get_as_it_is(&self.visitor.person.merchant_id).await.unwrap()
    }
}

fn mark_in(html: &str) -> String {
    let (_, rest) = html.split_once("name=\"seen\" value=\"").unwrap_or_else(|| panic!("no mark in {html}"));
    rest.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn what_somebody_else_put_meanwhile_is_not_replaced_unseen() {
    let desk = Desk::new().await;
    let merchant = desk.visitor.person.merchant_id.clone();
    let first = desk.shop_mark().await;
    let theirs = Shop::new(samples::name("Bright Lamps"));
    desk.services.shops.put(&merchant, &theirs).await.unwrap();
    for step in ["check", "confirm"] {
        let (status, html) = desk.send_shop_of(&first, step, &[]).await;
        assert_eq!(status, 409, "{html}");
        assert!(words(&html).contains("It is Bright Lamps. Save again"), "{html}");
        assert!(html.contains("value=\"Dim Candles\""), "as it was typed: {html}");
        assert_eq!(desk.shop().await, Some(theirs.clone()));
    }
    // Acts of one millisecond are in any order.
    desk.advance(SignedDuration::from_millis(1));
    let (_, html) = desk.send_shop_of(&first, "confirm", &[]).await;
    desk.advance(SignedDuration::from_millis(1));
    assert_eq!(desk.send_shop_of(&mark_in(&html), "confirm", &[]).await.0, 303);
    // The first form again asks for what is there.
    assert_eq!(desk.send_shop_of(&first, "confirm", &[]).await.0, 303);
    let acts = desk.acts().await;
    let outcomes: Vec<_> = acts.iter().map(|act| act.outcome.clone()).collect();
    let refused = ActOutcome::Refused("changed_meanwhile".to_owned());
    assert_eq!(outcomes, [refused.clone(), refused, ActOutcome::Done]);
    assert_eq!(acts[2].change.as_ref().unwrap().from, "Bright Lamps");
}

#[tokio::test]
async fn a_shop_is_seen_first_and_changed_with_an_act() {
    let desk = Desk::new().await;
    let before = samples::shop();
    desk.services.shops.put(&desk.visitor.person.merchant_id, &before).await.unwrap();
    let (status, html) = desk.send_shop("check", &[]).await;
    assert_eq!(status, 200, "{html}");
    for part in ["Pay <bdi>Dim Candles</bdi>", "--accent:#8a4b08", "mailto:help@shop.example", "value=\"confirm\""] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert_eq!((desk.shop().await, desk.acts().await), (Some(before.clone()), vec![]));
    let (status, html) = desk.send_shop("edit", &[]).await;
    assert!(status == 200 && html.contains("value=\"Dim Candles\""), "{html}");
    for _ in 0..2 {
        assert_eq!(desk.send_shop("confirm", &[]).await, (303, "/console/test/shop".to_owned()));
    }
    let shop = desk.shop().await.unwrap();
    assert_eq!((shop.display_name.as_str(), &shop.logo), ("Dim Candles", &before.logo));
    assert_eq!((shop.support_url, shop.colour), (None, Some(Colour::rgb(0x8a, 0x4b, 0x08))));
    let acts = desk.acts().await;
    let [act] = &acts[..] else { panic!("{acts:?}") };
    assert_eq!((act.what, &act.object, act.mode), (ActKind::ShopChanged, &ActObject::Shop, None));
    let change = act.change.as_ref().unwrap();
    assert!(change.from.starts_with(before.display_name.as_str()));
    assert_eq!(change.to, "Dim Candles · help@shop.example · https://shop.example · #8a4b08");
    let (_, html) = seen(show(&desk.services, &desk.frame(Mode::Test)).await);
    assert!(html.contains("value=\"Dim Candles\"") && html.contains("value=\"#8a4b08\""), "{html}");
}

#[tokio::test]
async fn what_is_wrong_is_said_and_nothing_changes() {
    let desk = Desk::new().await;
    for (field, value) in [
        ("display_name", " "),
        ("support_email", "help"),
        ("support_url", "javascript:alert(1)"),
        ("website", "shop.example"),
        ("colour", "red"),
        ("colour", "#ffd24d"),
        ("colour", "#7a7a7a"),
    ] {
        for step in ["check", "confirm"] {
            let (status, html) = desk.send_shop(step, &[(field, value)]).await;
            assert_eq!(status, 422, "{field}: {value}");
            assert!(html.contains(&format!("<a href=\"#{field}\">")), "{html}");
        }
    }
    let (_, html) = desk.send_shop("confirm", &[("colour", "#ffffff")]).await;
    assert!(words(&html).contains("#ffffff has a contrast of 1.0:1"), "{html}");
    assert_eq!((desk.shop().await, desk.acts().await), (None, vec![]));
}

#[tokio::test]
async fn a_colour_that_operators_chose_for_dark_pages_stays() {
    let desk = Desk::new().await;
    let shop = Shop { colour: "#ffd24d".parse().ok(), ..samples::shop() };
    desk.services.shops.put(&desk.visitor.person.merchant_id, &shop).await.unwrap();
    assert_eq!(desk.send_shop("confirm", &[("colour", "#ffd24d")]).await.0, 303);
    assert_eq!(desk.shop().await.unwrap().colour, shop.colour);
    assert_eq!(desk.send_shop("confirm", &[("colour", "#ffd24e")]).await.0, 422);
}

#[tokio::test]
async fn the_preview_shows_the_receipt_as_it_is_mailed() {
    let desk = Desk::new().await;
    let mark = desk.shop_mark().await;
    let request = form(&[&[("step", "check"), ("seen", mark.as_str())], &FIELDS[..]].concat());
    let response = submit(&desk.services, &desk.frame(Mode::Live), &request).await.unwrap();
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.ends_with("; style-src-attr 'unsafe-inline'"), "{policy}");
    let html = String::from_utf8(response.body().to_vec()).unwrap();
    for said in ["Dim Candles via Counterfoil", "Receipt for £24.00 · Example · Dim Candles", "help@shop.example"] {
        assert!(words(&html).contains(said), "{said}: {html}");
    }
    let (_, frame) = html.split_once("<iframe class=\"mail\" title=\"The receipt\" sandbox srcdoc=\"").unwrap();
    let (mail, _) = frame.split_once('"').unwrap();
    let unescaped = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")]
        .into_iter()
        .fold(mail.to_owned(), |mail, (escaped, plain)| mail.replace(escaped, plain));
    for said in ["<!doctype html>", "Receipt from <bdi>Dim Candles</bdi>", "£24.00", "mailto:help@shop.example"] {
        assert!(unescaped.contains(said), "{said}: {unescaped}");
    }
    // Of the frame's styles none is forbidden.
    let (_, style) = unescaped.split_once("<style>").unwrap();
    let (style, _) = style.split_once("</style>").unwrap();
    let hash = BASE64_STANDARD.encode(api::sha256(style.as_bytes()));
    assert!(policy.contains(&format!("'sha256-{hash}'")), "{policy}");
    assert_eq!((desk.shop().await, desk.acts().await), (None, vec![]));
}

#[tokio::test]
async fn the_form_and_the_preview_are_in_the_visitors_language() {
    let desk = Desk::new().await;
    let mut frame = desk.frame(Mode::Test);
    frame.language = Language::French;
    let (_, html) = seen(show(&desk.services, &frame).await);
    assert!(html.contains("Ce que voient les payeurs") && !html.contains("What payers see"), "{html}");
    let mark = mark_in(&html);
    let step = [("step", "check"), ("seen", mark.as_str())];
    let (status, html) = seen(submit(&desk.services, &frame, &form(&[&step[..], &FIELDS[..]].concat())).await);
    assert_eq!(status, 200, "{html}");
    for (said, english) in [("Aperçu de la boutique", "Preview of the shop"), ("Six bougies", "Six candles")] {
        assert!(html.contains(said) && !html.contains(english), "{said}: {html}");
    }
    let white = [("step", "check"), ("display_name", "Dim Candles"), ("colour", "#ffffff")];
    let (_, html) = seen(submit(&desk.services, &frame, &form(&white)).await);
    assert!(words(&html).contains("#ffffff a un contraste de 1,0:1"), "{html}");
}

#[tokio::test]
async fn a_name_is_text_in_the_preview_of_the_mail() {
    let desk = Desk::new().await;
    let (status, html) = desk.send_shop("check", &[("display_name", "\"><script>alert(1)</script>")]).await;
    assert_eq!(status, 200, "{html}");
    // Escaped for the mail, and the mail for the page.
    assert!(!html.contains("<script") && html.contains("&#38;#60;script"), "{html}");
}
