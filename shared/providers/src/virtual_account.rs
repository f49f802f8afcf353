//! Accounts that stand for one session each, so that what is transferred to them needs no reference to be matched.

use models::{AccountIdentifier, BankId, Currency, EndToEndId, Iban, Mode, Payee, Session};

/// An account that is one session's own, and who keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualAccount {
    /// The provider that credits the merchant with what comes to it.
    pub provider: BankId,
    /// What payers transfer to.
    pub payee: Payee,
}

/// The session's own account: of test mode's mock provider of transfers; none for live sessions, or if the session has none.
/// It follows from the session alone.
pub fn virtual_account(session: &Session) -> Option<VirtualAccount> {
    // Nobody's account stands behind a mock's number: real money would be sent there.
    if !session.virtual_iban || session.mode != Mode::Test {
        return None;
    }
    let iban = iban(session.end_to_end_id, session.amount.currency())?;
    let payee = Payee { name: session.payee.name.clone(), account: AccountIdentifier::Iban { iban } };
    Some(VirtualAccount { provider: PROVIDER.parse().ok()?, payee })
}

/// Who keeps them.
const PROVIDER: &str = "mock-transfer";

/// The bank and branch of the accounts in euro, which no French bank has.
const FRENCH_BANK: (&str, &str) = ("99999", "00001");

/// The digits of the accounts in euro (Crockford's base 32).
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// An account of the currency, from the last bits of the payment's id, which are random.
fn iban(payment: EndToEndId, currency: Currency) -> Option<Iban> {
    let bits = u128::from_be_bytes(*payment.as_bytes());
    let (country, bban) = if currency == Currency::EUR {
        ("FR", french_bban(bits))
    } else if currency == Currency::GBP {
        // A sort code and an account number.
        ("GB", format!("MOCK{:014}", bits % 10_u128.pow(14)))
    } else {
        return None;
    };
    let check_digits = 98 - remainder(&format!("{bban}{country}00"));
    Iban::try_from(format!("{country}{check_digits:02}{bban}")).ok()
}

/// Bank, branch, eleven letters and digits, and the key of the *relevé d'identité bancaire*.
fn french_bban(bits: u128) -> String {
    let digit = |n: u32| DIGITS.get((bits >> (5 * n) & 31) as usize).copied().map_or('0', char::from);
    let account: String = (0..11).rev().map(digit).collect();
    let (bank, branch) = FRENCH_BANK;
    let key = 97 - as_number(&format!("{bank}{branch}{account}00"), rib_digit);
    format!("{bank}{branch}{account}{key:02}")
}

/// What is left of a text as a number with letters from 10 on, after division by 97 (ISO 13616).
fn remainder(text: &str) -> u32 {
    text.chars().filter_map(|c| c.to_digit(36)).fold(0, |sum, value| {
        let shift = if value < 10 { 10 } else { 100 };
        (sum * shift + value) % 97
    })
}

/// What is left of a text as a number, each letter one digit, after division by 97.
fn as_number(text: &str, digit: fn(char) -> u32) -> u32 {
    text.chars().fold(0, |sum, c| (sum * 10 + digit(c)) % 97)
}

/// What a letter counts in that key: A to I and J to R are 1 to 9, S to Z are 2 to 9.
fn rib_digit(c: char) -> u32 {
    match c.to_digit(36).unwrap_or_default() {
        digit @ 0..=9 => digit,
        letter @ 10..=18 => letter - 9,
        letter @ 19..=27 => letter - 18,
        letter => letter - 26,
    }
}

#[cfg(test)]
mod tests {
    use models::{MinorUnits, Money};
    use proptest::prelude::*;

    use super::*;

    fn session(id: u128, currency: Currency) -> Session {
        let mut session = samples::session();
        session.virtual_iban = true;
        session.end_to_end_id = EndToEndId::from_hex(&format!("{id:032x}")).unwrap();
        session.amount = Money::new(MinorUnits::new(400), currency);
        session
    }

    fn iban_of(session: &Session) -> String {
        match virtual_account(session).unwrap().payee.account {
            AccountIdentifier::Iban { iban } => iban.as_str().to_owned(),
            AccountIdentifier::UkAccount { .. } => panic!("no IBAN"),
        }
    }

    #[test]
    fn a_test_session_that_has_one_has_it_in_its_currency() {
        let account = virtual_account(&session(7, Currency::EUR)).unwrap();
        assert_eq!((account.provider.as_str(), account.payee.name.as_str()), ("mock-transfer", "Bright Candles Ltd"));
        assert_eq!(virtual_account(&session(7, Currency::SEK)), None);
        assert_eq!(virtual_account(&Session { mode: Mode::Live, ..session(7, Currency::EUR) }), None);
        assert_eq!(virtual_account(&Session { virtual_iban: false, ..session(7, Currency::EUR) }), None);
        // What has been given to a payer stays.
        let last = session(u128::MAX, Currency::EUR);
        assert_eq!(iban_of(&session(0, Currency::EUR)), "FR7699999000010000000000018");
        assert_eq!(iban_of(&last), "FR439999900001ZZZZZZZZZZZ06");
        assert_eq!(iban_of(&session(u128::MAX, Currency::GBP)), "GB58MOCK07431768211455");
    }

    #[test]
    fn the_key_is_the_one_that_banks_print() {
        // The example of SWIFT's IBAN registry: 20041 01005 0500013M026 06.
        assert_eq!(97 - as_number("20041010050500013M02600", rib_digit), 6);
        assert_eq!(98 - remainder("20041010050500013M02606FR00"), 14);
        assert_eq!(98 - remainder("NWBK60161331926819GB00"), 29);
        let counted: Vec<u32> = ('A'..='Z').map(rib_digit).collect();
        assert_eq!(counted, [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5, 6, 7, 8, 9]);
    }

    proptest! {
        #[test]
        fn each_session_has_its_own_which_every_bank_takes(one: u128, other: u128) {
            for currency in [Currency::EUR, Currency::GBP] {
                let [iban, second] = [one, other].map(|id| iban_of(&session(id, currency)));
                // Digits alone, as any bank counts them: 1 is left of 97.
                let moved = format!("{}{}", &iban[4..], &iban[..4]);
                let digits: String = moved.chars().map(|c| c.to_digit(36).unwrap().to_string()).collect();
                let left = digits.bytes().fold(0, |sum, digit| (sum * 10 + u32::from(digit - b'0')) % 97);
                prop_assert_eq!(left, 1, "{}", iban);
                if currency == Currency::EUR {
                    let (bban, key) = iban[4..].split_at(21);
                    let digits: String = bban.chars().map(|c| rib_digit(c).to_string()).collect();
                    let (rest, key): (u128, u128) = (digits.parse().unwrap(), key.parse().unwrap());
                    prop_assert_eq!((rest * 100 + key) % 97, 0, "{}", iban);
                }
                let of = |id: u128| if currency == Currency::EUR { id % (1 << 55) } else { id % 10_u128.pow(14) };
                prop_assert_eq!(iban == second, of(one) == of(other));
            }
        }
    }
}
