//! The card provider's pages: they show a payment, never a payer, and nothing of what was typed.

use askama::Template;
use models::{Card, Session};
use pages::Language;

use super::form::CardErrors;
use super::number::TestCard;
use crate::house::House;
use crate::route::{bank_path, checkout_path};

/// What each of the pages shows of the payment.
pub(super) struct Shown<'a> {
    checkout: String,
    action: String,
    token: &'a str,
    payee: &'a str,
    amount: String,
    reference: &'a str,
}

impl<'a> Shown<'a> {
    pub(super) fn new(session: &'a Session, number: u8, token: &'a str) -> Self {
        Self {
            checkout: checkout_path(&session.id),
            action: bank_path(&session.id, number, ""),
            token,
            payee: session.payee.name.as_str(),
            amount: Language::English.amount(&session.amount),
            reference: session.reference.as_str(),
        }
    }
}

/// Asks for a card.
#[derive(Template)]
#[template(path = "card.html")]
pub(super) struct CardPage<'a> {
    house: House,
    shown: Shown<'a>,
    errors: CardErrors,
    tests: [TestCard; 7],
}

impl<'a> CardPage<'a> {
    pub(super) fn new(house: House, shown: Shown<'a>, errors: CardErrors) -> Self {
        Self { house, shown, errors, tests: TestCard::ALL }
    }
}

/// Asks whether it is the card's holder: 3-D Secure.
#[derive(Template)]
#[template(path = "challenge.html")]
pub(super) struct ChallengePage<'a> {
    house: House,
    shown: Shown<'a>,
    card: Card,
}

impl<'a> ChallengePage<'a> {
    pub(super) const fn new(house: House, shown: Shown<'a>, card: Card) -> Self {
        Self { house, shown, card }
    }
}

#[cfg(test)]
mod tests {
    use models::CardBrand;
    use providers::mock::mocks;
    use samples::{PAYER_EMAIL, PAYER_NAME};

    use super::*;

    fn house() -> House {
        House::of(mocks().find(|mock| mock.id == "mock-card").unwrap())
    }

    fn card(errors: CardErrors) -> String {
        CardPage::new(house(), Shown::new(&samples::session(), 3, "a1b2"), errors).render().unwrap()
    }

    #[test]
    fn every_page_is_whole_and_shows_no_payer() {
        let visa = Card { brand: CardBrand::Visa, last_four: "3155".parse().unwrap() };
        let challenge = ChallengePage::new(house(), Shown::new(&samples::session(), 3, "a1b2"), visa).render().unwrap();
        assert!(challenge.contains("Visa ending 3155") && challenge.contains("name=\"act\" value=\"refuse\""));
        let wrong = CardErrors { number: Some("Wrong"), ..CardErrors::default() };
        let folder = std::env::var_os("PAGES_DIR").map(std::path::PathBuf::from);
        for (name, html) in
            [("card", card(CardErrors::default())), ("card_errors", card(wrong)), ("challenge", challenge)]
        {
            if let Some(folder) = &folder {
                std::fs::write(folder.join(format!("bank_{name}.html")), &html).unwrap();
            }
            assert_eq!((html.matches("<h1").count(), html.matches("<main").count()), (1, 1), "{name}");
            assert!(html.contains("name=\"token\" value=\"a1b2\"") && html.contains("/mock-bank/"), "{name}");
            assert!(!html.contains(PAYER_NAME) && !html.contains(PAYER_EMAIL), "{name}");
            assert!(!html.contains("<script") && !html.contains(" style="), "{name}");
            assert!(html.contains("£4.00") && html.contains("<bdi>Bright Candles Ltd</bdi>"), "{name}");
        }
    }

    #[test]
    fn the_page_lists_every_test_number_and_has_no_field_that_is_filled() {
        let html = card(CardErrors::default());
        for test in TestCard::ALL {
            assert!(html.contains(test.number) && html.contains(test.outcome.meaning()), "{test:?}");
        }
        assert!(!html.contains("aria-invalid=\"true\"") && !html.contains("role=\"alert\""));
        assert_eq!(html.matches(" value=").count(), 3, "the token and two buttons: {html}");
    }

    #[test]
    fn what_is_wrong_stands_at_its_field() {
        let errors = CardErrors { number: Some("No number"), expiry: None, cvc: Some("No code"), name: None };
        let html = card(errors);
        for (field, error) in errors.list() {
            assert!(html.contains(&format!("<li><a href=\"#{field}\">{error}</a></li>")), "{html}");
            assert!(html.contains(&format!("<p class=\"error\" id=\"{field}-error\">{error}</p>")), "{html}");
        }
        assert_eq!(html.matches("aria-invalid=\"true\"").count(), 2);
        assert!(html.contains("aria-describedby=\"cvc-hint cvc-error\"") && html.contains("<title>Error: Pay by card"));
    }
}
