//! What the forms of a refund's page bring.

use models::{AccountKind, Payee};
use pages::{AccountErrors, AccountFields, RefundTexts};
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

/// Where the refund goes, as typed: of the account what the refund's currency is paid by. Personal data, so nothing debugs it.
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
    /// The IBAN.
    #[serde(default)]
    pub(crate) iban: String,
}

impl DetailsForm {
    /// The account of this kind, or all that is wrong at once.
    pub(crate) fn check(&self, kind: AccountKind, t: &'static RefundTexts) -> Result<Payee, AccountErrors> {
        let Self { step: _, name, sort_code, account_number, iban } = self;
        AccountFields { name, sort_code, account_number, iban }.check(kind, t)
    }
}

#[cfg(test)]
mod tests {
    use models::AccountIdentifier;

    use super::*;

    fn check(name: &str, sort_code: &str, account_number: &str) -> Result<Payee, AccountErrors> {
        let [name, sort_code, account_number] = [name, sort_code, account_number].map(str::to_owned);
        DetailsForm { name, sort_code, account_number, ..DetailsForm::default() }.check(AccountKind::UkAccount, texts())
    }

    fn check_iban(name: &str, iban: &str) -> Result<Payee, AccountErrors> {
        let [name, iban] = [name, iban].map(str::to_owned);
        DetailsForm { name, iban, ..DetailsForm::default() }.check(AccountKind::Iban, texts())
    }

    fn texts() -> &'static RefundTexts {
        &pages::Language::English.texts().refunds
    }

    #[test]
    fn details_are_accepted_as_people_write_them() {
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

    #[test]
    fn an_iban_is_accepted_as_people_write_it() {
        for typed in
            ["FR1420041010050500013M02606", " fr14-2004-1010-0505-0001-3m02-606 ", "IBAN: FR14 20041010050500013M02606"]
        {
            let payee = check_iban(" Ada Payer ", typed).unwrap();
            assert_eq!((payee.name.as_str(), payee.account.last_four()), ("Ada Payer", "2606"), "{typed}");
        }
        // A British one is one, and a country in SEPA need not have the euro.
        for typed in ["GB29 NWBK 6016 1331 9268 19", "SE45 5000 0000 0583 9825 7466"] {
            assert!(check_iban("Ada", typed).is_ok(), "{typed}");
        }
    }

    #[test]
    fn an_iban_that_no_refund_reaches_is_named_by_its_field() {
        let wrong = |name: &str, iban: &str| check_iban(name, iban).unwrap_err().list();
        let t = texts();
        assert_eq!(wrong("", " "), [("name", t.name_missing), ("iban", t.iban_missing)]);
        assert_eq!(wrong("a\nb", "FR15"), [("name", t.name_wrong), ("iban", t.iban_wrong)]);
        // Two digits changed places.
        assert_eq!(wrong("Ada", "FR1420041010050500013M02660"), [("iban", t.iban_wrong)]);
        assert_eq!(wrong("Ada", "BR1800360305000010009795493C1"), [("iban", t.iban_elsewhere)]);
    }

    #[test]
    fn an_account_of_the_other_kind_is_none() {
        let form = DetailsForm {
            name: "Ada".to_owned(),
            sort_code: "010203".to_owned(),
            account_number: "12345678".to_owned(),
            ..DetailsForm::default()
        };
        assert_eq!(form.check(AccountKind::Iban, texts()).unwrap_err().list(), [("iban", texts().iban_missing)]);
        let form = DetailsForm { iban: "GB29NWBK60161331926819".to_owned(), name: form.name, ..DetailsForm::default() };
        let missing = [("sort_code", texts().sort_code_missing), ("account_number", texts().account_number_missing)];
        assert_eq!(form.check(AccountKind::UkAccount, texts()).unwrap_err().list(), missing);
    }
}
