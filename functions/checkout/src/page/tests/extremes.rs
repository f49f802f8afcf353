//! Pages that are hard to lay out: long names, many items, great amounts, shops with a face, names written from right to left.

use lambda_http::{Body, Response};
use models::Shop;
use pages::Compression;
use samples::shop;

use super::*;

/// As long as a name may be.
fn longest(text: &str) -> models::Name {
    name(&text.chars().cycle().take(140).collect::<String>())
}

/// A hundred items, each with the longest name and description, to 999,999.99 in all.
fn hundred() -> Session {
    let words = longest("Hand-poured beeswax pillar candle that smells of heather and honey, ");
    let number = |n: i64| LineItem {
        description: Some(longest("Burns for about forty hours; ")),
        ..item(words.as_str(), if n == 0 { 99_989_100 } else { 55 }, if n == 0 { 1 } else { 2 + u32::from(n == 1) })
    };
    let mut session = session_of((0..100).map(number).collect());
    session.amount = LineItem::sum(&session.line_items, Currency::GBP).unwrap();
    session.payee.name = longest("Fellowship of the Candlemakers of the Northern Counties ");
    session.reference = samples::text("ORDER 10423 2026 X");
    session
}

fn in_every_state(session: &Session) -> Vec<(String, Session)> {
    let put = |state: SessionState| {
        let reached = in_state(state);
        let Session { state, history, attempt, payer, .. } = reached;
        (state.to_string(), Session { state, history, attempt, payer, ..session.clone() })
    };
    SessionState::ALL.into_iter().map(put).collect()
}

/// Each of them, with a name.
pub(super) fn gallery(language: Language) -> Vec<(String, String)> {
    let short = shop();
    let long = Shop { display_name: longest("The Bright Candles and Lanterns Company of Upper Slaughter "), ..shop() };
    let unbroken = Shop {
        support_email: Some(EmailAddress::try_from(format!("help@{}.example", "brightcandles".repeat(4))).unwrap()),
        colour: Some("#ffd24d".parse().unwrap()),
        ..Shop::new(longest("Donaudampfschifffahrtsgesellschaftskapitänsmützen"))
    };
    let leftward = Shop::new(name("نور الشموع"));
    let mut arabic = session_of(vec![item("شمعة من شمع العسل (2 × 40 سم)", 1_732, 3), item("Candle שלום", 99, 1)]);
    arabic.payee.name = name("شركة الشموع المضيئة (2019)");
    let mut worded = hundred();
    worded.payee.name = longest("Donaudampfschifffahrtsgesellschaftskapitänsmützen");
    worded.line_items.truncate(5);
    worded.line_items.iter_mut().for_each(|item| item.name = longest("Donaudampfschifffahrtsgesellschafts"));
    let three =
        session_of(vec![item("Pillar candle", 1_400, 2), item("Box of matches", 294, 1), item("Holder", 2_100, 1)]);
    let mut pages = Vec::new();
    for (kind, shop, session) in [
        ("shop", &short, &three),
        ("hundred", &long, &hundred()),
        ("unbroken", &unbroken, &worded),
        ("leftward", &leftward, &arabic),
    ] {
        let shell = Shell::of(face(session, Some(shop)), session.mode, language);
        for (state, session) in in_every_state(session) {
            pages.push((format!("{kind}_{state}"), View::default().render(&shell, &session, &offers(), NOW)));
        }
        let bank = Session { state: SessionState::AwaitingProvider, ..session.clone() };
        pages.push((format!("{kind}_many_banks"), View::default().render(&shell, &bank, &many_offers(), NOW)));
        let refused = Session { line_items: session.line_items.clone(), ..after(AttemptEnd::InsufficientFunds) };
        pages.push((format!("{kind}_again"), View::default().render(&shell, &refused, &many_offers(), NOW)));
        let another = View { choose: Choose::Another, ..View::default() };
        pages.push((format!("{kind}_another"), another.render(&shell, &at_consent(), &many_offers(), NOW)));
    }
    pages.extend(crate::refund::extremes(language, &long));
    pages
}

#[test]
fn a_page_with_eight_banks_is_small_on_the_wire() {
    let shop = Shop { logo: None, ..shop() };
    let session = in_state(SessionState::AwaitingProvider);
    for language in Language::ALL {
        let shell = Shell::of(face(&session, Some(&shop)), session.mode, language);
        for offers in [offers(), many_offers()] {
            let html = View::default().render(&shell, &session, &offers, NOW);
            let packed = Compression::Gzip.of(Response::new(Body::Text(html)));
            let Body::Binary(bytes) = packed.body() else { panic!("not packed") };
            assert!(bytes.len() <= 6_000, "{language:?}: {} bytes", bytes.len());
        }
    }
}
