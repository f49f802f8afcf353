//! What the forms of a refund's page bring.

use models::{AccountIdentifier, AccountNumber, Name, Payee, SortCode};
use pages::RefundTexts;
use serde::Deserialize;

/// Which button was pressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Step {
    /// Show what was typed, to be checked.
    #[default]
    Check,
    /// Let it be changed.
    Edit,
    /// Send the refund there.
    Confirm,
}

/// Where the refund goes, as typed. Personal data, so nothing debugs it.
#[derive(Default, Deserialize)]
pub(crate) struct DetailsForm {
    /// The button.
    pub(crate) step: Step,
    /// The account holder's name.
    #[serde(default)]
    pub(crate) name: String,
    /// The sort code.
    #[serde(default)]
    pub(crate) sort_code: String,
    /// The account number.
    #[serde(default)]
    pub(crate) account_number: String,
}

/// What is wrong with each field, for the customer to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DetailsErrors {
    /// The name.
    pub(crate) name: Option<&'static str>,
    /// The sort code.
    pub(crate) sort_code: Option<&'static str>,
    /// The account number.
    pub(crate) account_number: Option<&'static str>,
}

impl DetailsErrors {
    /// Whether there are any.
    pub(crate) const fn any(&self) -> bool {
        self.name.is_some() || self.sort_code.is_some() || self.account_number.is_some()
    }

    /// Each by the id of its field.
    pub(crate) fn list(&self) -> Vec<(&'static str, &'static str)> {
        let fields = [("name", self.name), ("sort_code", self.sort_code), ("account_number", self.account_number)];
        fields.into_iter().filter_map(|(field, error)| Some((field, error?))).collect()
    }
}

impl DetailsForm {
    /// The account, or all that is wrong at once.
    pub(crate) fn check(&self, t: &'static RefundTexts) -> Result<Payee, DetailsErrors> {
        let name = read(&self.name, |typed| Name::try_from(typed.to_owned()), t.name_missing, t.name_wrong);
        let sort_code = read(&self.sort_code, SortCode::from_typed, t.sort_code_missing, t.sort_code_wrong);
        let account_number =
            read(&self.account_number, AccountNumber::from_typed, t.account_number_missing, t.account_number_wrong);
        match (name, sort_code, account_number) {
            (Ok(name), Ok(sort_code), Ok(account_number)) => {
                Ok(Payee { name, account: AccountIdentifier::UkAccount { sort_code, account_number } })
            }
            (name, sort_code, account_number) => Err(DetailsErrors {
                name: name.err(),
                sort_code: sort_code.err(),
                account_number: account_number.err(),
            }),
        }
    }
}

/// What a field says without the spaces around it, or the error if that is nothing or wrong.
fn read<T, E>(
    typed: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
    missing: &'static str,
    wrong: &'static str,
) -> Result<T, &'static str> {
    match typed.trim() {
        "" => Err(missing),
        text => parse(text).map_err(|_| wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, sort_code: &str, account_number: &str) -> Result<Payee, DetailsErrors> {
        let [name, sort_code, account_number] = [name, sort_code, account_number].map(str::to_owned);
        DetailsForm { step: Step::Check, name, sort_code, account_number }
            .check(&pages::Language::English.texts().refunds)
    }

    #[test]
    fn details_are_taken_as_people_write_them() {
        let payee = check(" Ada Payer ", "01-02-03 ", " 1234 5678").unwrap();
        assert_eq!(payee.name.as_str(), "Ada Payer");
        assert_eq!(Ok(payee.account), AccountIdentifier::uk("010203", "12345678"));
        let payee = check("Ada", "０１\u{2011}０２\u{a0}03", "123 4567").unwrap();
        assert_eq!(Ok(payee.account), AccountIdentifier::uk("010203", "01234567"));
    }

    #[test]
    fn all_that_is_wrong_is_named_at_once() {
        let wrong = |name: &str, sort_code: &str, account_number: &str| {
            let errors = check(name, sort_code, account_number).unwrap_err();
            assert!(errors.any());
            [errors.name.is_some(), errors.sort_code.is_some(), errors.account_number.is_some()]
        };
        assert_eq!(wrong("", "", ""), [true, true, true]);
        assert_eq!(wrong("Ada", "01020", "12345678"), [false, true, false]);
        assert_eq!(wrong("Ada", "010203", "12345"), [false, false, true]);
        assert_eq!(wrong("a\nb", "01.02.03", "123456789"), [true, true, true]);
        assert_eq!(wrong(" ", "010203", "١٢٣٤٥٦٧٨"), [true, false, true]);
        assert_eq!(wrong("\u{2800}", "---", "\u{a0}"), [true, true, true]);
    }
}
