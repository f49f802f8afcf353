//! The number that was typed, and the numbers that there are.

use models::{Card, CardBrand};
use serde::{Deserialize, Deserializer};

/// A card's number as it was typed: read, compared with the test numbers, and dropped. It may be a real one, so it can be shown,
/// logged and stored in no way: it has neither `Debug` nor `Display`, is not serialized, and nothing gives it out.
pub(crate) struct CardNumber(String);

impl<'de> Deserialize<'de> for CardNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(String::deserialize(deserializer)?))
    }
}

impl CardNumber {
    /// The test card that has this number, however it is grouped; none if no test card has.
    pub(super) fn test_card(&self) -> Option<TestCard> {
        let digits = || self.0.bytes().filter(|byte| !matches!(byte, b' ' | b'-'));
        TestCard::ALL.into_iter().find(|card| digits().eq(card.digits()))
    }
}

/// What a test card's number brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Paid,
    PaidAndDisputable,
    Declined,
    InsufficientFunds,
    /// 3-D Secure: the holder is asked whether it is them.
    Challenged,
}

impl Outcome {
    pub(super) const fn meaning(self) -> &'static str {
        match self {
            Self::Paid => "Pays at once.",
            Self::PaidAndDisputable => "Pays at once, and you stay here, where the payment can be disputed.",
            Self::Declined => "Is declined.",
            Self::InsufficientFunds => "Is declined: there is not enough money.",
            Self::Challenged => "Asks first whether it is you (3-D Secure).",
        }
    }
}

/// A card that there is for tests. The numbers are those that developers know from other providers' test modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TestCard {
    /// As it is printed.
    pub(super) number: &'static str,
    pub(super) brand: CardBrand,
    pub(super) outcome: Outcome,
}

const fn test_card(number: &'static str, brand: CardBrand, outcome: Outcome) -> TestCard {
    TestCard { number, brand, outcome }
}

impl TestCard {
    /// Every test card, in the order in which the page lists them.
    pub(super) const ALL: [Self; 7] = [
        test_card("4242 4242 4242 4242", CardBrand::Visa, Outcome::Paid),
        test_card("5555 5555 5555 4444", CardBrand::Mastercard, Outcome::Paid),
        test_card("3782 822463 10005", CardBrand::Amex, Outcome::Paid),
        test_card("4000 0000 0000 0002", CardBrand::Visa, Outcome::Declined),
        test_card("4000 0000 0000 9995", CardBrand::Visa, Outcome::InsufficientFunds),
        test_card("4000 0025 0000 3155", CardBrand::Visa, Outcome::Challenged),
        test_card("4000 0000 0000 0259", CardBrand::Visa, Outcome::PaidAndDisputable),
    ];

    fn digits(self) -> impl Iterator<Item = u8> {
        self.number.bytes().filter(|byte| *byte != b' ')
    }

    /// What is kept of it.
    pub(super) fn card(self) -> Option<Card> {
        let last_four = self.number.get(self.number.len().checked_sub(4)?..)?.parse().ok()?;
        // The last group of an American Express number has five digits.
        Some(Card { brand: self.brand, last_four })
    }

    /// How many digits its security code has.
    pub(super) const fn cvc_digits(self) -> usize {
        match self.brand {
            CardBrand::Visa | CardBrand::Mastercard => 3,
            CardBrand::Amex => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(typed: &str) -> Option<TestCard> {
        CardNumber(typed.to_owned()).test_card()
    }

    #[test]
    fn each_test_card_is_known_however_it_is_grouped_and_keeps_its_last_four_digits() {
        for card in TestCard::ALL {
            let plain = card.number.replace(' ', "");
            for typed in [card.number.to_owned(), plain.clone(), format!(" {} ", card.number.replace(' ', "-"))] {
                assert_eq!(found(&typed), Some(card), "{typed}");
            }
            assert_eq!(card.card().unwrap().last_four.as_str(), &plain[plain.len() - 4..]);
            assert_eq!(card.cvc_digits(), if card.brand == CardBrand::Amex { 4 } else { 3 });
        }
    }

    #[test]
    fn any_other_number_is_nobodys() {
        let all = TestCard::ALL.map(|card| card.number.replace(' ', ""));
        for number in &all {
            for other in [&number[1..], &format!("{number}0"), &number.replacen('0', "O", 1), "", "4242"] {
                assert!(found(other).is_none() || all.iter().any(|card| card == other), "{other}");
            }
        }
        // One digit further than a test number.
        assert_eq!(found("4242 4242 4242 4243"), None);
    }
}
