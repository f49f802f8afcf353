//! How times are written, and where the clock hangs that shows them.

use jiff::Timestamp;
use models::Currency;

use crate::language::Language;

/// Whose clock shows a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// London's, where pounds are paid.
    London,
    /// Paris', where euros are paid.
    Paris,
    /// Stockholm's, where kronor are paid.
    Stockholm,
    /// Nobody's.
    Utc,
}

impl Zone {
    /// The zone of those who pay in a currency.
    pub fn of(currency: Currency) -> Self {
        let zones = [(Currency::GBP, Self::London), (Currency::EUR, Self::Paris), (Currency::SEK, Self::Stockholm)];
        zones.iter().find(|(known, _)| *known == currency).map_or(Self::Utc, |(_, zone)| *zone)
    }
}

impl Language {
    /// `1 November 2019, 15:48 UTC`.
    pub fn date_and_time(self, at: Timestamp, _: Zone) -> String {
        at.strftime("%-d %B %Y, %H:%M UTC").to_string()
    }
}
