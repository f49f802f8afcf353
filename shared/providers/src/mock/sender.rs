//! Who sends a test transfer.

use serde::{Deserialize, Serialize};

/// Whose account a transfer comes from. All of them are made up: the ledger names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sender {
    /// The payer's.
    Payer,
    /// Somebody else's.
    SomebodyElse,
    /// The bank does not say.
    Undisclosed,
}

impl Sender {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Payer, Self::SomebodyElse, Self::Undisclosed];

    /// As a page's form and the ledger spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payer => "payer",
            Self::SomebodyElse => "somebody_else",
            Self::Undisclosed => "undisclosed",
        }
    }
}
