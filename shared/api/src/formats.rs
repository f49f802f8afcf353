//! Which wire formats an operator has switched on.

use std::str::FromStr;

use models::WireFormat;
use thiserror::Error;

use crate::error::Refusal;
use crate::format::Format;

/// The formats in which something may be created. What was created once can be read, paid, cancelled and refunded whatever is
/// switched on since.
///
/// `FromStr` reads `banked,yorlet`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formats(Vec<WireFormat>);

/// The text is no list of formats; reads on after a setting's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a list of formats that are served, each once, like banked,yorlet")]
pub struct UnknownFormat;

impl Formats {
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
        let mut formats = Vec::new();
        for name in text.split(',') {
            let format = Format::served().find(|format| format.as_str() == name).ok_or(UnknownFormat)?;
            if formats.contains(&format) {
                return Err(UnknownFormat);
            }
            formats.push(format);
        }
        Ok(Self(formats))
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
        for text in ["", "banked,", "Banked", "banked, yorlet", "banked,banked", "fintecture", "banked;yorlet"] {
            assert_eq!(text.parse::<Formats>(), Err(UnknownFormat), "{text}");
        }
    }
}
