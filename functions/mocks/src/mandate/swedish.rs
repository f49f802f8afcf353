//! Swedish bank accounts: a clearing number says which bank, and by which rule the account number's check digit is made.
//!
//! Ranges and rules are Bankgirot's, "Bankernas kontonummer"
//! (<https://www.bankgirot.se/globalassets/dokument/anvandarmanualer/bankernaskontonummeruppbyggnad_anvandarmanual_sv.pdf>). No
//! crate has them.

use std::ops::RangeInclusive;

/// By which rule an account number is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Type 1, comment 1: seven digits; modulus 11 over the clearing number without its first digit, and them.
    SevenWithThree,
    /// Type 1, comment 2: seven digits; modulus 11 over the clearing number and them.
    SevenWithFour,
    /// Type 2, comments 1 and 3: up to ten digits; modulus 10 over them.
    Ten,
    /// Type 2, comment 2: eight or nine digits; modulus 11 over them.
    Nine,
}

/// What begins a range stands before it: of two that overlap the first holds.
const BANKS: [(RangeInclusive<u16>, Rule); 43] = [
    (3300..=3300, Rule::Ten),
    (3782..=3782, Rule::Ten),
    (1100..=2099, Rule::SevenWithThree),
    (2300..=2399, Rule::SevenWithFour),
    (2400..=2499, Rule::SevenWithThree),
    (3000..=3999, Rule::SevenWithThree),
    (4000..=4999, Rule::SevenWithFour),
    (5000..=5999, Rule::SevenWithThree),
    (6000..=6999, Rule::Nine),
    (7000..=7999, Rule::SevenWithThree),
    (8000..=8999, Rule::Ten),
    (9020..=9029, Rule::SevenWithFour),
    (9040..=9049, Rule::SevenWithFour),
    (9060..=9069, Rule::SevenWithThree),
    (9100..=9109, Rule::SevenWithFour),
    (9120..=9124, Rule::SevenWithThree),
    (9130..=9149, Rule::SevenWithThree),
    (9150..=9169, Rule::SevenWithFour),
    (9170..=9179, Rule::SevenWithThree),
    (9180..=9189, Rule::Ten),
    (9190..=9199, Rule::SevenWithFour),
    (9230..=9239, Rule::SevenWithThree),
    (9250..=9259, Rule::SevenWithThree),
    (9260..=9269, Rule::SevenWithFour),
    (9270..=9289, Rule::SevenWithThree),
    (9300..=9349, Rule::Ten),
    (9390..=9399, Rule::SevenWithFour),
    (9400..=9449, Rule::SevenWithThree),
    (9460..=9469, Rule::SevenWithThree),
    (9470..=9479, Rule::SevenWithFour),
    (9500..=9549, Rule::Ten),
    (9550..=9569, Rule::SevenWithFour),
    (9570..=9579, Rule::Ten),
    (9580..=9589, Rule::SevenWithThree),
    (9590..=9599, Rule::SevenWithFour),
    (9630..=9639, Rule::SevenWithThree),
    (9640..=9649, Rule::SevenWithFour),
    (9660..=9679, Rule::SevenWithFour),
    (9680..=9689, Rule::SevenWithThree),
    (9700..=9709, Rule::SevenWithFour),
    (9750..=9759, Rule::SevenWithFour),
    (9780..=9789, Rule::SevenWithFour),
    (9960..=9969, Rule::Ten),
];

/// Whether there may be a bank with this clearing number: of four digits, or five with a check digit from 8000 to 8999.
pub(super) fn is_clearing_number(clearing: &str) -> bool {
    rule_of(clearing).is_some()
}

/// Whether that bank may have an account with this number.
pub(super) fn is_account_number(clearing: &str, number: &str) -> bool {
    let (Some(rule), Some(branch)) = (rule_of(clearing), clearing.get(..4)) else { return false };
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    match (rule, number.len()) {
        (Rule::SevenWithThree, 7) => modulus_11(&format!("{}{number}", branch.get(1..).unwrap_or_default())),
        (Rule::SevenWithFour, 7) => modulus_11(&format!("{branch}{number}")),
        (Rule::Ten, 1..=10) => modulus_10(number),
        (Rule::Nine, 8..=9) => modulus_11(number),
        (Rule::SevenWithThree | Rule::SevenWithFour | Rule::Ten | Rule::Nine, _) => false,
    }
}

fn rule_of(clearing: &str) -> Option<Rule> {
    if !clearing.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let branch: u16 = clearing.get(..4)?.parse().ok()?;
    let has_its_length = match clearing.len() {
        4 => true,
        5 => (8000..=8999).contains(&branch) && modulus_10(clearing),
        _ => false,
    };
    BANKS.iter().find(|(range, _)| has_its_length && range.contains(&branch)).map(|(_, rule)| *rule)
}

/// The digits from the last to the first.
fn backwards(digits: &str) -> impl Iterator<Item = u32> {
    digits.chars().rev().filter_map(|digit| digit.to_digit(10))
}

/// Weights 1 and 2 by turns from the last digit on, their products' digits added.
fn modulus_10(digits: &str) -> bool {
    let products = backwards(digits).zip([1, 2].into_iter().cycle()).map(|(digit, weight)| digit * weight);
    products.map(|product| product / 10 + product % 10).sum::<u32>() % 10 == 0
}

/// Weights 1 to 10, and 1 again, from the last digit on.
fn modulus_11(digits: &str) -> bool {
    backwards(digits).zip((1..=10).chain([1])).map(|(digit, weight)| digit * weight).sum::<u32>() % 11 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_its_banks_length_and_check_digit() {
        for (clearing, number) in [
            // SEB: type 1, comment 1.
            ("5491", "0000003"),
            // Länsförsäkringar Bank: type 1, comment 2.
            ("9029", "5735211"),
            // Forex Bank, as it was.
            ("9420", "4172385"),
            // Nordea's personal accounts: a person's number.
            ("3300", "7505092556"),
        ] {
            assert!(is_account_number(clearing, number), "{clearing} {number}");
            for at in 0..number.len() {
                let digit = number.as_bytes()[at];
                for other in (b'0'..=b'9').filter(|other| *other != digit) {
                    let mut wrong = number.as_bytes().to_vec();
                    wrong[at] = other;
                    let wrong = String::from_utf8(wrong).unwrap();
                    assert!(!is_account_number(clearing, &wrong), "{clearing} {wrong}");
                }
            }
            assert!(!is_account_number(clearing, &format!("{number}1")), "{clearing} {number}");
            assert!(!is_account_number(clearing, &number[1..]), "{clearing} {number}");
        }
        // Swedbank: with the clearing number's check digit, and without; zeros in front don't count.
        for clearing in ["8156", "81562", "8327"] {
            assert_eq!(is_clearing_number(clearing), clearing.len() == 4 || modulus_10(clearing), "{clearing}");
            for number in ["1112223332", "0000000018", "18"] {
                assert_eq!(is_account_number(clearing, number), is_clearing_number(clearing), "{clearing} {number}");
            }
        }
        // Handelsbanken: eight or nine digits of its own.
        assert!(is_account_number("6789", "123456789"));
        assert!(!is_account_number("6789", "123456788") && !is_account_number("6789", "1234567"));
    }

    #[test]
    fn a_clearing_number_is_a_banks() {
        for clearing in ["1100", "3300", "5491", "6000", "8999", "9789"] {
            assert!(is_clearing_number(clearing), "{clearing}");
        }
        for clearing in
            ["", "0000", "1099", "2100", "9000", "9990", "9690", "549", "54910", "5-91", "５４９１", "549é", "+491"]
        {
            assert!(!is_clearing_number(clearing), "{clearing}");
            assert!(!is_account_number(clearing, "0000003"), "{clearing}");
        }
        for number in ["", "000000a", "-000003", "０００００３", "0000 003"] {
            assert!(!is_account_number("5491", number), "{number}");
        }
    }
}
