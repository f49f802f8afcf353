//! The languages that pages and mails are written in.

use models::Locale;

use crate::texts::{self, Texts};

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

    /// The session's language if there is one and it is one of ours; else what the client accepts best (RFC 9110, 12.5.4);
    /// else English.
    pub fn choose(session: Option<&Locale>, accept_language: Option<&str>) -> Self {
        let of_session = session.and_then(|locale| Self::of_tag(locale.as_str()));
        of_session.or_else(|| accepted(accept_language?)).unwrap_or_default()
    }

    /// The language of a tag, whatever its region.
    fn of_tag(tag: &str) -> Option<Self> {
        let language = tag.split('-').next().unwrap_or_default();
        let of = |known: &Self| known.tag().split('-').next().is_some_and(|own| own.eq_ignore_ascii_case(language));
        Self::ALL.into_iter().find(of)
    }
}

/// The first of our languages in the order of what the client accepts.
fn accepted(header: &str) -> Option<Language> {
    header.split(',').find_map(|range| Language::of_tag(range.split(';').next()?.trim()))
}
