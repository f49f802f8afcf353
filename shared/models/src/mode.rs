//! Test or live.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Whether a credential and what it creates are for trying out or for real money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing moves.
    Test,
    /// Real money.
    Live,
}

impl Mode {
    /// `test` or `live`, as keys spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }
}

/// Not `test` or `live`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be test or live")]
pub struct InvalidMode;

impl FromStr for Mode {
    type Err = InvalidMode;
    fn from_str(text: &str) -> Result<Self, InvalidMode> {
        match text {
            "test" => Ok(Self::Test),
            "live" => Ok(Self::Live),
            _ => Err(InvalidMode),
        }
    }
}
