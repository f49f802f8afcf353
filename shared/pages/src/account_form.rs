//! The fields of the account that a refund goes to, which the checkout asks its payer for, and the console a merchant's people.

use models::{AccountIdentifier, AccountKind, AccountNumber, Currency, Iban, Name, Payee, SortCode};

use crate::texts::RefundTexts;

/// What was typed. Personal data, so it has no `Debug`.
#[derive(Clone, Copy)]
pub struct AccountFields<'a> {
    /// The account holder's name.
    pub name: &'a str,
    /// The sort code.
    pub sort_code: &'a str,
    /// The account number.
    pub account_number: &'a str,
    /// The IBAN.
    pub iban: &'a str,
}

/// What is wrong with each field, to be read by who typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountErrors {
    /// The name.
    pub name: Option<&'static str>,
    /// The sort code.
    pub sort_code: Option<&'static str>,
    /// The account number.
    pub account_number: Option<&'static str>,
    /// The IBAN.
    pub iban: Option<&'static str>,
}

impl AccountErrors {
    /// Whether there are any.
    pub fn any(&self) -> bool {
        !self.list().is_empty()
    }

    /// Each by the id of its field.
    pub fn list(&self) -> Vec<(&'static str, &'static str)> {
        let Self { name, sort_code, account_number, iban } = *self;
        let fields = [("name", name), ("sort_code", sort_code), ("account_number", account_number), ("iban", iban)];
        fields.into_iter().filter_map(|(field, error)| Some((field, error?))).collect()
    }
}

impl AccountFields<'_> {
    /// The account of this kind and its holder. Fields of another kind are not read.
    ///
    /// # Errors
    /// All that is wrong, at once.
    pub fn check(&self, kind: AccountKind, t: &'static RefundTexts) -> Result<Payee, AccountErrors> {
        let name = read(self.name, |typed| Name::try_from(typed.to_owned()), t.name_missing, t.name_wrong);
        let account = match kind {
            AccountKind::UkAccount => self.uk_account(t),
            AccountKind::Iban => self.iban(t).map_err(|iban| AccountErrors { iban: Some(iban), ..Default::default() }),
        };
        match (name, account) {
            (Ok(name), Ok(account)) => Ok(Payee { name, account }),
            (name, account) => Err(AccountErrors { name: name.err(), ..account.err().unwrap_or_default() }),
        }
    }

    fn uk_account(&self, t: &'static RefundTexts) -> Result<AccountIdentifier, AccountErrors> {
        let sort_code = read(self.sort_code, SortCode::from_typed, t.sort_code_missing, t.sort_code_wrong);
        let account_number =
            read(self.account_number, AccountNumber::from_typed, t.account_number_missing, t.account_number_wrong);
        match (sort_code, account_number) {
            (Ok(sort_code), Ok(account_number)) => Ok(AccountIdentifier::UkAccount { sort_code, account_number }),
            (sort_code, account_number) => Err(AccountErrors {
                sort_code: sort_code.err(),
                account_number: account_number.err(),
                ..Default::default()
            }),
        }
    }

    fn iban(&self, t: &'static RefundTexts) -> Result<AccountIdentifier, &'static str> {
        let iban = read(self.iban, Iban::from_typed, t.iban_missing, t.iban_wrong)?;
        let account = AccountIdentifier::Iban { iban };
        if account.receives(Currency::EUR) { Ok(account) } else { Err(t.iban_elsewhere) }
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
