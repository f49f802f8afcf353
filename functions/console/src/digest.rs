//! Digests that only who knows a merchant's secret can make: what was typed can't be found out by them.

use models::AccountIdentifier;

/// SHA-256 of these texts under the merchant's `salt`.
pub(crate) fn digest(salt: &[u8; 32], texts: &[&str]) -> [u8; 32] {
    let mut bytes = salt.to_vec();
    for text in texts {
        // Each with its length, so that no two lists of them run together.
        bytes.extend((text.len() as u64).to_be_bytes());
        bytes.extend(text.as_bytes());
    }
    api::sha256(&bytes)
}

/// By what forms and paths name these texts of a merchant: nobody who doesn't know its `salt` finds them out by it.
pub(crate) fn mark(salt: &[u8; 32], texts: &[&str]) -> String {
    digest(salt, texts).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The mark of an account. It stays with the account, whatever else is linked and unlinked.
pub(crate) fn account_mark(salt: &[u8; 32], account: &AccountIdentifier) -> String {
    mark(salt, &account_texts(account))
}

/// What names an account.
pub(crate) fn account_texts(account: &AccountIdentifier) -> [&str; 2] {
    match account {
        AccountIdentifier::UkAccount { sort_code, account_number } => [sort_code.as_str(), account_number.as_str()],
        AccountIdentifier::Iban { iban } => [iban.as_str(), ""],
    }
}
