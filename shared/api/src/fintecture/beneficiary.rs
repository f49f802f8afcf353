//! Showing an account: who is paid, or the session's own.

use models::{AccountIdentifier, Iban, Payee, Session};
use providers::virtual_account;
use serde::Serialize;

use super::extra::Beneficiary;
#[cfg(test)]
use crate::openapi::types as doc;

/// An account. What was sent of it, or what is known.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FintectureBeneficiary"))]
#[derive(Debug, Serialize)]
pub(super) struct BeneficiaryView {
    #[serde(flatten)]
    parts: Beneficiary,
    /// Of an account in the United Kingdom, whose IBAN is not known.
    #[cfg_attr(test, schemars(with = "doc::Digits<6>"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    sort_code: Option<String>,
    #[cfg_attr(test, schemars(with = "doc::Digits<8>"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    account_number: Option<String>,
}

impl BeneficiaryView {
    /// Who is paid: as it was sent, and by the account what was not.
    pub(super) fn new(session: &Session, sent: Option<Beneficiary>) -> Self {
        let known = Self::of(&session.payee);
        let Some(sent) = sent else { return known };
        let is_uk = sent.iban.is_none();
        let parts = Beneficiary {
            name: sent.name.or(known.parts.name),
            iban: sent.iban.or(known.parts.iban),
            country: sent.country.or(known.parts.country),
            ..sent
        };
        let [sort_code, account_number] = [known.sort_code, known.account_number].map(|part| part.filter(|_| is_uk));
        Self { parts, sort_code, account_number }
    }

    /// The session's own account, if it has one.
    pub(super) fn of_virtual_account(session: &Session) -> Option<Self> {
        // What takes no transfers has none.
        let account = session.virtual_iban.then(|| virtual_account(session))??;
        Some(Self::of(&account.payee))
    }

    fn of(Payee { name, account }: &Payee) -> Self {
        let (iban, uk) = match account {
            AccountIdentifier::Iban { iban } => (Some(iban), None),
            AccountIdentifier::UkAccount { sort_code, account_number } => (None, Some((sort_code, account_number))),
        };
        Self {
            parts: Beneficiary {
                name: Some(name.as_str().to_owned()),
                iban: iban.map(|iban| iban.as_str().to_owned()),
                country: iban.map(Iban::country).map(ToOwned::to_owned),
                ..Beneficiary::default()
            },
            sort_code: uk.map(|(sort_code, _)| sort_code.as_str().to_owned()),
            account_number: uk.map(|(_, account_number)| account_number.as_str().to_owned()),
        }
    }
}
