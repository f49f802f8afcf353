//! The languages that pages and mails are written in.

use std::cmp::Reverse;

use jiff::Timestamp;
use jiff::civil::Date;
use models::{Locale, Money};

use crate::texts::{self, Texts};
use crate::time::Zone;
use crate::weights::weighted;

/// A language that pages and mails are written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English, as in Britain.
    #[default]
    English,
    /// French.
    French,
    /// German.
    German,
    /// Spanish.
    Spanish,
    /// Welsh.
    Welsh,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 5] = [Self::English, Self::French, Self::German, Self::Spanish, Self::Welsh];

    /// Its tag (RFC 5646), for `lang` and `Content-Language`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en-GB",
            Self::French => "fr",
            Self::German => "de",
            Self::Spanish => "es",
            Self::Welsh => "cy",
        }
    }

    /// All texts in it.
    pub const fn texts(self) -> &'static Texts {
        match self {
            Self::English => &texts::ENGLISH,
            Self::French => &texts::FRENCH,
            Self::German => &texts::GERMAN,
            Self::Spanish => &texts::SPANISH,
            Self::Welsh => &texts::WELSH,
        }
    }

    /// What stands before an amount's decimals: a point or a comma.
    pub const fn decimal_mark(self) -> char {
        self.texts().numbers.decimal
    }

    /// The amount with its currency, as it is written in this language: `£1,234.56`, `1.234,56 €`. Exact.
    pub fn amount(self, amount: &Money) -> String {
        self.texts().numbers.amount(amount)
    }

    /// The date: `1 November 2019`.
    pub fn date(self, date: Date) -> String {
        self.texts().calendar.date(date)
    }

    /// The time as the clocks in a zone show it, to the minute, with the zone's name: `1 November 2019, 15:48 (London time)`.
    pub fn date_and_time(self, at: Timestamp, zone: Zone) -> String {
        let Texts { calendar, common, .. } = self.texts();
        let name = match zone {
            Zone::London => common.london_time,
            Zone::Paris => common.paris_time,
            Zone::Stockholm => common.stockholm_time,
            Zone::Utc => common.utc,
        };
        calendar.date_and_time(at, zone, name)
    }

    /// The session's language if there is one and it is one of ours; else what the client accepts best (RFC 9110, 12.5.4);
    /// else English.
    pub fn choose(session: Option<&Locale>, accept_language: Option<&str>) -> Self {
        let of_session = session.and_then(|locale| Self::ALL.into_iter().find(|own| own.is_of(locale.as_str())));
        of_session.or_else(|| accepted(accept_language?)).unwrap_or_default()
    }

    /// Whether a tag is of this language, whatever its region.
    fn is_of(self, tag: &str) -> bool {
        let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        primary(self.tag()) == primary(tag)
    }
}

/// Whether a range is one of languages: subtags of letters and digits (RFC 4647, 2.1).
fn is_range(range: &str) -> bool {
    let is_subtag = |subtag: &str| (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric());
    range == "*" || range.split('-').all(is_subtag)
}

/// The one of our languages that weighs most; of those that weigh the same the one that is named first. `*` is each that is not
/// named, English before others.
fn accepted(header: &str) -> Option<Language> {
    let accepted: Vec<_> = weighted(header).filter(|(range, _)| is_range(range)).collect();
    let weigh = |language: Language| {
        let is_named = accepted.iter().any(|(range, _)| language.is_of(range));
        let is = |range: &str| if is_named { language.is_of(range) } else { range == "*" };
        let ranges = accepted.iter().enumerate().filter(|(_, (range, _))| is(range));
        ranges.map(|(at, (_, weight))| (*weight, Reverse(at))).max()
    };
    let weighed = Language::ALL.into_iter().rev().filter_map(|language| Some((weigh(language)?, language)));
    let best = weighed.filter(|((weight, _), _)| *weight > 0).max_by_key(|(weight, _)| *weight);
    best.map(|(_, language)| language)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accepts(header: &str) -> Language {
        Language::choose(None, Some(header))
    }

    #[test]
    fn what_a_client_accepts_best_is_chosen() {
        use Language::{English, French, German, Spanish, Welsh};
        for (header, expected) in [
            ("fr", French),
            ("DE-at", German),
            ("es-419,es;q=0.9,en;q=0.8", Spanish),
            ("cy-GB, en;q=0.9", Welsh),
            ("pl,de;q=0.7,fr;q=0.8", French),
            ("en;q=0.5, fr;q=0.501", French),
            ("fr;q=0.5,de;q=0.5", French),
            ("de;q=0.5,fr;q=0.5", German),
            ("fr;q=0.1,fr-CH", French),
            // Not at all.
            ("fr;q=0,de;q=0.1", German),
            ("fr;q=0.000", English),
            ("en;q=0", English),
            // Anything.
            ("*", English),
            ("fr;q=0.1,*", English),
            ("fr,*;q=0.5", French),
            ("pl,*;q=0.5,cy;q=0.6", Welsh),
            ("en;q=0,*", French),
            ("de,*;q=0", German),
            // Malformed, and left out.
            ("", English),
            (",;,", English),
            ("fr;q=2,de;q=0.3", German),
            ("fr;q=1.001,de;q=0.3", German),
            ("fr;q=0.1234,de;q=0.3", German),
            ("fr;q=-1,de;q=0.3", German),
            ("fr;q=.5,de;q=0.3", German),
            ("fr;q,de;q=0.3", French),
            ("fr;v=1,de;q=0.3", French),
            ("f r,de-,de--x,de-123456789,fr\u{e9}", English),
            ("french,deu", English),
            // As a client may write it.
            (" fr ; q=0.3 , de ; Q=0. ", French),
            ("fr;q=1.000,de", French),
        ] {
            assert_eq!(accepts(header), expected, "{header:?}");
        }
        let many = format!("{}fr", "pl,".repeat(31));
        assert_eq!((accepts(&many), accepts(&format!("pl,{many}"))), (French, English));
    }

    #[test]
    fn the_sessions_language_comes_first() {
        let session = |tag: &str| tag.to_owned().try_into().unwrap();
        assert_eq!(Language::choose(Some(&session("de-CH")), Some("fr")), Language::German);
        assert_eq!(Language::choose(Some(&session("pl")), Some("fr")), Language::French);
        assert_eq!(Language::choose(Some(&session("pl")), None), Language::English);
        assert_eq!(Language::choose(None, None), Language::English);
        for language in Language::ALL {
            assert_eq!(Language::choose(Some(&session(language.tag())), None), language);
        }
    }

    proptest! {
        #[test]
        fn any_header_leads_to_a_language(any in any::<String>(), like in "([a-zA-Z*-]{0,4}[;, ]{0,2}(q=[0-9.]{0,5})?,){0,40}") {
            for header in [any, like] {
                prop_assert!(Language::ALL.contains(&accepts(&header)));
            }
        }

        #[test]
        fn more_weight_wins(weights in proptest::array::uniform5(0..=1000_u16), order in Just(Language::ALL).prop_shuffle()) {
            let weight = |language: Language| weights[Language::ALL.iter().position(|of| *of == language).unwrap()];
            let range = |language: &Language| {
                let weight = weight(*language);
                format!("{};q={}.{:03}", language.tag(), weight / 1000, weight % 1000)
            };
            let chosen = accepts(&order.iter().map(range).collect::<Vec<_>>().join(", "));
            let most = weights.into_iter().max().unwrap();
            let first = order.into_iter().find(|language| weight(*language) == most);
            prop_assert_eq!(chosen, if most == 0 { Language::English } else { first.unwrap() });
        }
    }
}
