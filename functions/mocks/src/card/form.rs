//! What the card provider's forms post.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use models::{Card, Name};
use pages::Problem;
use providers::mock::Decision;
use serde::Deserialize;

use super::number::{CardNumber, Outcome};
use crate::problem::unknown_decision;

/// Any of the forms, without the link's token. It may hold what must be shown nowhere, so it has no `Debug`.
#[derive(Deserialize)]
pub(crate) struct CardForm {
    /// Which button was pressed.
    #[serde(default)]
    act: String,
    #[serde(default)]
    number: Option<CardNumber>,
    #[serde(default)]
    expiry: String,
    #[serde(default)]
    cvc: String,
    #[serde(default)]
    name: String,
}

/// What the holder wants.
pub(super) enum Act {
    Pay,
    /// Answers the challenge.
    Challenge(Decision),
    /// Goes back without paying.
    Cancel,
    Dispute,
}

/// What is wrong with each field. Nothing of what was typed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct CardErrors {
    pub(super) number: Option<&'static str>,
    pub(super) expiry: Option<&'static str>,
    pub(super) cvc: Option<&'static str>,
    pub(super) name: Option<&'static str>,
}

impl CardErrors {
    /// Each by the id of its field.
    pub(super) fn list(self) -> Vec<(&'static str, &'static str)> {
        let fields = [("number", self.number), ("expiry", self.expiry), ("cvc", self.cvc), ("name", self.name)];
        fields.into_iter().filter_map(|(field, error)| Some((field, error?))).collect()
    }
}

const UNKNOWN: &str =
    "Enter one of the test numbers listed on this page. No other is accepted, and a real card must not be used";
const EXPIRY: &str = "Enter when the card expires, like 12/34; it must not have passed";
const CVC: &str = "Enter a security code of 3 digits, for American Express 4";
const NAME: &str = "Enter a name, of up to 140 ordinary characters";

impl CardForm {
    pub(super) fn act(&self) -> Result<Act, Problem> {
        match self.act.as_str() {
            "pay" => Ok(Act::Pay),
            "approve" => Ok(Act::Challenge(Decision::Approve)),
            "refuse" => Ok(Act::Challenge(Decision::Refuse)),
            "cancel" => Ok(Act::Cancel),
            "dispute" => Ok(Act::Dispute),
            _ => Err(unknown_decision()),
        }
    }

    /// The test card that pays and what comes of it, or all that is wrong at once. What was typed is dropped here.
    pub(super) fn check(self, now: Timestamp) -> Result<(Card, Outcome), CardErrors> {
        let test = self.number.and_then(|number| number.test_card());
        let cvc = self.cvc.trim();
        let right_length = test.map_or(3..=4, |test| test.cvc_digits()..=test.cvc_digits()).contains(&cvc.len());
        let errors = CardErrors {
            number: test.is_none().then_some(UNKNOWN),
            expiry: (!is_valid(&self.expiry, now)).then_some(EXPIRY),
            cvc: (!right_length || !cvc.bytes().all(|byte| byte.is_ascii_digit())).then_some(CVC),
            name: Name::try_from(self.name.trim().to_owned()).is_err().then_some(NAME),
        };
        match test.and_then(|test| Some((test.card()?, test.outcome))) {
            Some(paid) if errors == CardErrors::default() => Ok(paid),
            Some(_) | None => Err(errors),
        }
    }
}

/// Whether a card that expires then, at the end of a month, is valid now: `MM/YY` or `MM/YYYY`, with spaces or without.
fn is_valid(expiry: &str, now: Timestamp) -> bool {
    let Some((month, year)) = expiry.split_once('/') else { return false };
    let digits = |text: &str, lengths: &[usize]| {
        let text = text.trim();
        let fits = lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if fits { text.parse::<i16>().ok() } else { None }
    };
    let (Some(month), Some(year)) = (digits(month, &[1, 2]), digits(year, &[2, 4])) else { return false };
    let year = if year < 100 { year.saturating_add(2000) } else { year };
    let Some(last) = i8::try_from(month).ok().and_then(|month| Date::new(year, month, 1).ok()) else { return false };
    let today = now.to_zoned(TimeZone::UTC).date();
    last.last_of_month() >= today && last.year() <= today.year().saturating_add(50)
}

#[cfg(test)]
mod tests {
    use models::CardBrand;
    use samples::NOW;

    use super::*;

    fn check(form: &str) -> Result<(Card, Outcome), CardErrors> {
        serde_urlencoded::from_str::<CardForm>(form).unwrap().check(NOW)
    }

    #[test]
    fn a_card_is_known_by_its_number_and_the_rest_of_it_is_checked_and_dropped() {
        let paid = check("act=pay&number=4242+4242-42424242&expiry=12%2F34&cvc=123&name=Ada+Payer").unwrap();
        assert_eq!((paid.0.brand, paid.0.last_four.as_str(), paid.1), (CardBrand::Visa, "4242", Outcome::Paid));
        let all = CardErrors { number: Some(UNKNOWN), expiry: Some(EXPIRY), cvc: Some(CVC), name: Some(NAME) };
        for form in ["", "number=&expiry=&cvc=&name=", "number=1&expiry=12&cvc=12&name=+"] {
            assert_eq!(check(form), Err(all), "{form}");
        }
        let amex = |cvc: &str| check(&format!("number=378282246310005&expiry=1/2035&cvc={cvc}&name=A"));
        assert!(amex("1234").is_ok() && amex("123").is_err_and(|errors| errors.list() == [("cvc", CVC)]));
    }

    #[test]
    fn a_card_is_valid_until_its_month_is_over() {
        // It is February 2026.
        for (expiry, valid) in [
            ("02/26", true),
            ("2/26", true),
            (" 02 / 2026 ", true),
            ("01/26", false),
            ("12/25", false),
            ("13/30", false),
            ("00/30", false),
            ("02/2077", false),
            ("0226", false),
            ("+2/26", false),
            ("02/-26", false),
            ("02/226", false),
            ("", false),
        ] {
            assert_eq!(is_valid(expiry, NOW), valid, "{expiry}");
        }
    }
}
