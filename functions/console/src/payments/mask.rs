//! Personal data, as it is shown before anybody has asked for it: enough to recognise, too little to use.

use models::{AccountIdentifier, EmailAddress, Name, PhoneNumber};
use pages::{Facts, Language};

use crate::texts::texts;

/// `A… P…`
pub(super) fn name(name: &Name) -> String {
    let initials = name.as_str().split_whitespace().filter_map(|word| word.chars().next());
    initials.map(|initial| format!("{initial}…")).collect::<Vec<_>>().join(" ")
}

/// `a…@example.com`
pub(crate) fn email(email: &EmailAddress) -> String {
    let (local, domain) = email.as_str().rsplit_once('@').unwrap_or((email.as_str(), ""));
    let first: String = local.chars().take(1).collect();
    format!("{first}…@{domain}")
}

/// `…99`
pub(super) fn phone(phone: &PhoneNumber) -> String {
    let digits: Vec<char> = phone.as_str().chars().filter(char::is_ascii_digit).collect();
    let last: String = digits.iter().skip(digits.len().saturating_sub(2)).collect();
    format!("…{last}")
}

/// `account ending 5678`
pub(crate) fn account(account: &AccountIdentifier, language: Language) -> String {
    Facts::new(language).text("end", account.last_four()).plain(texts(language).payments.account_ending)
}

#[cfg(test)]
mod tests {
    use samples::{name as named, text};

    use super::*;

    #[test]
    fn enough_is_left_to_recognise_and_too_little_to_use() {
        for (given, masked) in [("Ada Payer", "A… P…"), ("Ada", "A…"), ("  محمد  بن علي ", "م… ب… ع…")]
        {
            assert_eq!(name(&named(given)), masked);
        }
        assert_eq!(email(&text("ada@example.com")), "a…@example.com");
        assert_eq!(phone(&text("+44 20 7946 0999")), "…99");
        let uk = AccountIdentifier::uk("010203", "12345678").unwrap();
        assert_eq!(account(&uk, Language::English), "account ending 5678");
    }
}
