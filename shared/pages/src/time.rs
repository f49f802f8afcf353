//! How times are written, and where the clock hangs that shows them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use models::Currency;

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

// Each with the rules by which it goes on: these three are all that the binary has of the time zone database.
static LONDON: TimeZone = jiff::tz::get!("Europe/London");
static PARIS: TimeZone = jiff::tz::get!("Europe/Paris");
static STOCKHOLM: TimeZone = jiff::tz::get!("Europe/Stockholm");

impl Zone {
    /// The zone of those who pay in a currency.
    pub fn of(currency: Currency) -> Self {
        let zones = [(Currency::GBP, Self::London), (Currency::EUR, Self::Paris), (Currency::SEK, Self::Stockholm)];
        zones.iter().find(|(known, _)| *known == currency).map_or(Self::Utc, |(_, zone)| *zone)
    }

    /// When a day begins there; none if that is beyond all timestamps.
    pub fn start_of(self, day: Date) -> Option<Timestamp> {
        day.to_zoned(self.time_zone()).ok()?.start_of_day().ok().map(|start| start.timestamp())
    }

    /// The time at which its clocks show this; none if that is beyond all timestamps.
    pub fn time_of(self, shown: DateTime) -> Option<Timestamp> {
        shown.to_zoned(self.time_zone()).ok().map(|zoned| zoned.timestamp())
    }

    /// The day that a time is of there.
    pub fn day_of(self, at: Timestamp) -> Date {
        at.to_zoned(self.time_zone()).date()
    }

    fn time_zone(self) -> TimeZone {
        match self {
            Self::London => LONDON.clone(),
            Self::Paris => PARIS.clone(),
            Self::Stockholm => STOCKHOLM.clone(),
            Self::Utc => TimeZone::UTC,
        }
    }
}

/// How a language writes times (CLDR's `calendar`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calendar {
    /// From January on, as they are written within a date.
    pub(crate) months: [&'static str; 12],
    /// The number of a month's first day.
    pub(crate) first_day: &'static str,
    /// A date, of `{day}`, `{month}` and `{year}`.
    pub(crate) date: &'static str,
    /// The same with a time of day and the name of its zone, of `{date}`, `{time}` (from `00:00` to `23:59`) and `{zone}`.
    pub(crate) date_and_time: &'static str,
}

impl Calendar {
    pub(crate) fn date(&self, date: Date) -> String {
        let month = usize::try_from(date.month() - 1).ok().and_then(|month| self.months.get(month));
        let day = if date.day() == 1 { self.first_day.to_owned() } else { date.day().to_string() };
        self.date
            .replace("{day}", &day)
            .replace("{month}", month.unwrap_or(&""))
            .replace("{year}", &date.year().to_string())
    }

    /// The time as the clocks in a zone show it, which has this name.
    pub(crate) fn date_and_time(&self, at: Timestamp, zone: Zone, name: &str) -> String {
        let local = at.to_zoned(zone.time_zone());
        self.date_and_time
            .replace("{date}", &self.date(local.date()))
            .replace("{time}", &format!("{:02}:{:02}", local.hour(), local.minute()))
            .replace("{zone}", name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clocks_show_is_a_time_of_a_day() {
        for (shown, zone, at, day) in [
            ("2026-01-31T09:30", Zone::London, "2026-01-31T09:30:00Z", "2026-01-31"),
            ("2026-07-01T00:15", Zone::London, "2026-06-30T23:15:00Z", "2026-07-01"),
            ("2026-07-01T00:15", Zone::Stockholm, "2026-06-30T22:15:00Z", "2026-07-01"),
        ] {
            let found = zone.time_of(shown.parse().unwrap()).unwrap();
            assert_eq!((found.to_string().as_str(), zone.day_of(found).to_string().as_str()), (at, day));
        }
    }

    #[test]
    fn a_day_begins_by_the_clocks_of_its_zone() {
        for (day, zone, start) in [
            ("2026-01-31", Zone::London, "2026-01-31T00:00:00Z"),
            ("2026-06-30", Zone::London, "2026-06-29T23:00:00Z"),
            // The clocks go forward on this day, and back on that.
            ("2026-03-29", Zone::London, "2026-03-29T00:00:00Z"),
            ("2026-10-25", Zone::London, "2026-10-24T23:00:00Z"),
            ("2026-06-30", Zone::Utc, "2026-06-30T00:00:00Z"),
        ] {
            assert_eq!(zone.start_of(day.parse().unwrap()), Some(start.parse().unwrap()), "{day}");
        }
        assert_eq!(Zone::Paris.start_of(Date::MIN), None);
    }
}
