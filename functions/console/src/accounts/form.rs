//! What the form brings by which an account is linked.

use models::{AccountKind, Payee};
use pages::{AccountErrors, AccountFields, Language};
use serde::Deserialize;

use crate::step::Step;
use crate::texts::texts;

/// What kind of account is typed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    #[default]
    UkAccount,
    Iban,
}

/// An account as typed. Nothing debugs it.
#[derive(Default, Deserialize)]
pub(super) struct LinkForm {
    /// The button.
    #[serde(default)]
    pub(super) step: Step,
    #[serde(default)]
    pub(super) kind: Kind,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) sort_code: String,
    #[serde(default)]
    pub(super) account_number: String,
    #[serde(default)]
    pub(super) iban: String,
}

impl LinkForm {
    /// Whose account it is and which, or all that is wrong.
    pub(super) fn check(&self, language: Language) -> Result<Payee, AccountErrors> {
        let Self { kind, name, sort_code, account_number, iban, .. } = self;
        let kind = match kind {
            Kind::UkAccount => AccountKind::UkAccount,
            Kind::Iban => AccountKind::Iban,
        };
        let fields = AccountFields { name, sort_code, account_number, iban };
        // What a payer reads about wrong details is true for a merchant, too.
        fields.check(kind, &language.texts().refunds)
    }

    /// That this account is linked already.
    pub(super) fn linked_already(&self, language: Language) -> AccountErrors {
        let text = Some(texts(language).accounts.linked_already);
        match self.kind {
            Kind::UkAccount => AccountErrors { account_number: text, ..AccountErrors::default() },
            Kind::Iban => AccountErrors { iban: text, ..AccountErrors::default() },
        }
    }
}
