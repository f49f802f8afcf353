//! What a receipt says. Pure: a session and its shop in, a mail out.

use models::{Session, Shop};

use crate::content::{Content, Part, Reader, Said};
use crate::items::Items;
use crate::mail::Mail;
use crate::payment::Payment;

/// The receipt of a payment; none if it was not sent, or there is no address to send the receipt to.
pub fn render(session: &Session, shop: Option<&Shop>) -> Option<Mail> {
    let payment = Payment::sent(session, shop)?;
    let texts = &payment.shell.texts().mails;
    let paid_on = Part::Paragraph(Said::new(texts.paid_on, &payment.facts));
    let items = Items::of(session, payment.shell.language).map(|items| vec![Part::Items(items)]);
    let content = Content {
        subject: texts.receipt_subject,
        test: texts.test_payment,
        heading: texts.receipt_heading,
        facts: payment.facts.clone(),
        sections: [vec![paid_on, Part::Facts([payment.reference()].into_iter().chain(payment.paid_with()).collect())]]
            .into_iter()
            .chain(items)
            .chain([vec![payment.proof()]])
            .collect(),
        reader: Reader::Payer { ask: texts.ask_about_payment },
    };
    Mail::of(&payment, &content)
}

#[cfg(test)]
mod tests {
    use models::Name;

    use super::*;
    use crate::samples::*;

    fn render_candles() -> Mail {
        render(&sent(candles(), "Gerald Wiley"), Some(&samples::shop())).unwrap()
    }

    #[test]
    fn reads_well_as_plain_text() {
        let receipt = render_candles();
        assert_eq!(receipt.to.as_str(), "paula@example.com");
        assert_eq!(receipt.shop, "Bright Candles");
        assert_eq!(receipt.reply_to.unwrap().as_str(), "help@brightcandles.example");
        assert_eq!(receipt.subject, "[Test] Receipt for £16.50 · Illuminate · Bright Candles");
        let expected = "\
Receipt from Bright Candles
£16.50

Test payment: no real money moved.

Paid on {sent_at}

Reference: Illuminate

Candles
4 × £1.00 = £4.00

Diffuser
Lavender, 200 ml
£12.50

Total: £16.50

To: Gerald Wiley, account ending 5678
Payment ID: 728d061b-8e47-4052-be4f-5f9bcdee39ff

You get this e-mail because your address was given for this payment. If you have a question about what you bought, ask \
Bright Candles. Replies to this e-mail go to Bright Candles.

Payments by Counterfoil
Help: help@brightcandles.example · https://brightcandles.example
";
        assert_eq!(receipt.text, expected.replace("{sent_at}", &shown("2019-11-01T15:50:59.999Z")));
    }

    #[test]
    fn html_and_text_say_the_same() {
        let receipt = render_candles();
        let sent_at = shown("2019-11-01T15:50:59.999Z");
        let facts = [
            "Bright Candles",
            "Candles",
            "4 × £1.00",
            "£4.00",
            "Diffuser",
            "Lavender, 200 ml",
            "£12.50",
            "£16.50",
            "Gerald Wiley",
            "ending 5678",
            "Illuminate",
            &sent_at,
            "728d061b-8e47-4052-be4f-5f9bcdee39ff",
            "Test payment: no real money moved",
            "help@brightcandles.example",
            "Payments by Counterfoil",
        ];
        assert_both_say(&receipt, &facts);
        assert_keeps_secrets(&receipt);
    }

    #[test]
    fn the_card_is_named_by_its_last_digits_where_one_paid() {
        let card = models::Card { brand: models::CardBrand::Amex, last_four: "0005".parse().unwrap() };
        let session = Session { card: Some(card), ..sent(candles(), "Gerald Wiley") };
        let receipt = render(&session, None).unwrap();
        assert!(
            receipt.text.contains("\nReference: Illuminate\nPaid with: American Express ending 0005\n"),
            "{}",
            receipt.text
        );
        assert_both_say(&receipt, &["Paid with", "American Express ending 0005"]);
        assert!(!render_candles().text.contains("Paid with"));
    }

    #[test]
    fn the_reference_stands_above_the_items() {
        let receipt = render_candles();
        for part in [&receipt.text, &receipt.html] {
            assert!(part.find("Illuminate").unwrap() < part.find("Lavender").unwrap(), "{part}");
        }
    }

    #[test]
    fn a_merchant_without_a_shop_is_called_as_who_is_paid() {
        let receipt = render(&sent(candles(), "Gerald Wiley"), None).unwrap();
        assert_eq!(receipt.subject, "[Test] Receipt for £16.50 · Illuminate · Gerald Wiley");
        assert_eq!((receipt.shop.as_str(), &receipt.reply_to), ("Gerald Wiley", &None));
        assert_both_say(&receipt, &["Receipt from", "ask", "Payments by Counterfoil"]);
        assert!(!receipt.text.contains("Replies") && !receipt.html.contains("Replies"), "{}", receipt.text);
        assert!(!receipt.text.contains("Help") && !receipt.html.contains("Help"), "{}", receipt.text);
    }

    #[test]
    fn what_is_paid_for_may_be_said_in_a_line_or_not_at_all() {
        let items = sent(candles(), "Gerald Wiley");
        let described =
            Session { line_items: vec![], description: Some(samples::text("A year of candles")), ..items.clone() };
        assert_both_say(&render(&described, None).unwrap(), &["A year of candles", "£16.50"]);
        let bare = render(&Session { line_items: vec![], ..items }, None).unwrap();
        assert_both_say(&bare, &["£16.50"]);
        assert!(!bare.text.contains("Total") && !bare.html.contains("Total"), "{}", bare.text);
    }

    #[test]
    fn only_a_test_says_so() {
        let session = sent(candles(), "Gerald Wiley");
        assert_says_test(&render(&session, None).unwrap(), true);
        let receipt = render(&live(session), None).unwrap();
        assert_eq!(receipt.subject, "Receipt for £16.50 · Illuminate · Gerald Wiley");
        assert_says_test(&receipt, false);
    }

    #[test]
    fn it_is_written_in_the_payers_language() {
        assert_speaks_every_language("receipt", &sent(candles(), "Gerald Wiley"), |session| {
            render(session, None).unwrap()
        });
    }

    #[test]
    fn only_a_payment_that_was_sent_to_somebody_with_an_address_has_one() {
        assert_eq!(render(&created(candles(), "Gerald Wiley"), None), None);
        for session in without_address(&sent(candles(), "Gerald Wiley")) {
            assert_eq!(render(&session, None), None);
        }
    }

    #[test]
    fn names_are_text_and_never_markup() {
        let session = sent(vec![item(HOSTILE, Some(HOSTILE), 1, 1)], HOSTILE);
        // Heading, item, its description, payee, whom to ask.
        assert_shows_hostile(&render(&session, None).unwrap(), 5);
        assert_shows_hostile(&render(&session, Some(&shop(HOSTILE))).unwrap(), 5);
    }

    #[test]
    fn the_subject_is_one_line_whatever_the_shop_is_called() {
        for text in ["Gerald\r\nBcc: x@example.com", "Gerald\nWiley", "Gerald\u{85}Wiley", "Gerald\0", "\u{7f}"] {
            assert!(Name::try_from(text.to_owned()).is_err(), "{text:?}");
        }
        let session = sent(candles(), "Gerald Wiley");
        let subject_of = |shop: &Shop| render(&session, Some(shop)).unwrap().subject;
        assert_subject_ends_in_any_shop("[Test] Receipt for £16.50 · Illuminate · ", subject_of);
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        assert_fetches_nothing(&render(&sent(candles(), "Gerald Wiley"), None).unwrap().html);
    }

    #[test]
    fn its_style_sheet_is_all_that_is_not_inline() {
        let receipt = render_candles();
        assert!(receipt.style().contains(".amount { white-space: nowrap; }"), "{}", receipt.style());
        assert_eq!(receipt.html.matches(&format!("<style>{}</style>", receipt.style())).count(), 1);
        assert_eq!(receipt.html.matches("<style").count(), 1);
    }

    #[test]
    fn a_hundred_ordinary_items_are_not_cut_off() {
        // Gmail cuts a mail's HTML off after 102 KB.
        let items = (0..100).map(|n| item(&format!("Scented candle no. {n}"), Some("Lavender, 200 g"), 1250, 2));
        let html = render(&sent(items.collect(), "Gerald Wiley"), None).unwrap().html;
        assert!(html.len() < 102_000 && html.contains("Scented candle no. 99"), "{}", html.len());
    }

    #[test]
    fn its_only_links_are_where_the_shop_helps() {
        let html = render_candles().html;
        let links = [
            "<a href=\"mailto:help@brightcandles.example\">",
            "<a href=\"https://brightcandles.example\" rel=\"noreferrer\">",
        ];
        let rest = links.iter().fold(html, |html, link| {
            assert_eq!(html.matches(link).count(), 1, "{link} in {html}");
            html.replace(link, "")
        });
        assert_fetches_nothing(&rest);
    }
}
