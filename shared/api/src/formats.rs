//! Which wire formats an operator has switched on.

use std::str::FromStr;

use models::WireFormat;
use runtime::SettingError;
use thiserror::Error;

use crate::error::Refusal;
use crate::format::Format;

/// The formats in which something may be created. What was created once can be read, paid, cancelled and refunded whatever is
/// switched on since.
///
/// `FromStr` reads `banked,yorlet`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formats(Vec<WireFormat>);

/// The text is no list of formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a list of formats that are served")]
pub struct UnknownFormat;

impl Formats {
    /// Those that the variable `FORMATS` names.
    ///
    /// # Errors
    /// It is missing, or names one that is not served.
    pub fn from_env() -> Result<Self, SettingError> {
        let formats = runtime::required("FORMATS")?.parse();
        formats.map_err(|UnknownFormat| {
            SettingError::new("FORMATS", "is not a list of formats that are served, like banked,yorlet")
        })
    }

    /// Refuses what would create something in a format that is not switched on, as if there were no such path.
    ///
    /// # Errors
    /// 404.
    pub fn check(&self, format: Format) -> Result<(), Refusal> {
        if self.0.contains(&format.stored()) { Ok(()) } else { Err(Refusal::NotFound) }
    }
}

impl FromStr for Formats {
    type Err = UnknownFormat;
    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let served = |name| Format::served().find(|format| format.as_str() == name);
        text.split(',').map(served).collect::<Option<_>>().map(Self).ok_or(UnknownFormat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_on_if_it_is_named() {
        let [banked, yorlet] =
            [WireFormat::Banked, WireFormat::Yorlet].map(|format| Format::of_stored(format).unwrap());
        for (text, on) in [("banked", [true, false]), ("yorlet", [false, true]), ("banked,yorlet", [true, true])] {
            let formats: Formats = text.parse().unwrap();
            assert_eq!([banked, yorlet].map(|format| formats.check(format).is_ok()), on, "{text}");
        }
        let all: Formats = "banked,fintecture".parse().unwrap();
        assert!(all.check(Format::Fintecture).is_ok() && all.check(yorlet).is_err());
        for text in ["", "banked,", "Banked", "banked, yorlet", "fintecture,", "banked;yorlet"] {
            assert_eq!(text.parse::<Formats>(), Err(UnknownFormat), "{text}");
        }
    }
}
