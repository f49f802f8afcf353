//! How amounts are written.

use models::Money;

use crate::language::Language;

impl Language {
    /// The amount with its currency, as it is written in this language.
    pub fn amount(self, amount: &Money) -> String {
        amount.to_string()
    }
}
