//! The banks to choose from: those used most, all, or those that are searched for.

use models::{PaymentMethod, Session};
use pages::CheckoutTexts;
use providers::{Availability, Offer, Outage};

use crate::view::{Banks, View};

/// A list that is no longer is shown whole, without a search.
const SHORT: usize = 10;

/// How many of a longer one are shown until somebody searches or asks for all of them: the first, as their providers list them.
const POPULAR: usize = 8;

/// The longest search, in characters; more of it is not read.
const MAX_SEARCH_CHARS: usize = 64;

/// The offers of one way to pay.
pub(super) fn of_method(offers: &[Offer], method: PaymentMethod) -> Vec<&Offer> {
    offers.iter().filter(|offer| offer.method == method).collect()
}

/// The banks to choose from, and which attempt the choice would be.
pub(super) struct BankList<'a> {
    pub(super) banks: Vec<Bank<'a>>,
    pub(super) attempt: u8,
    /// How many there are in all.
    pub(super) all: usize,
    /// Whether some are left out that a link leads to.
    pub(super) more: bool,
    /// Whether there are too many to read, so that one searches.
    pub(super) long: bool,
    /// What was searched for.
    pub(super) search: String,
}

/// A bank, as it is shown at the choice.
pub(super) struct Bank<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    /// Stand for a logo: one would be loaded from a third party, which would learn who pays where.
    pub(super) initials: String,
    /// What happens there, if it is a mock.
    pub(super) note: Option<&'a str>,
    /// Why it can't be chosen, if it can't.
    pub(super) down: Option<&'static str>,
}

impl<'a> Bank<'a> {
    fn new(offer: &'a Offer, t: &'static CheckoutTexts) -> Self {
        let down = down(offer, t);
        let initials = initials(&offer.name);
        Self { id: offer.id.as_str(), name: &offer.name, initials, note: offer.note.as_deref(), down }
    }
}

/// Of a name's first two words that have a letter or digit.
fn initials(name: &str) -> String {
    let first = |word: &str| word.chars().find(|letter| letter.is_alphanumeric());
    name.split_whitespace().filter_map(first).take(2).flat_map(char::to_uppercase).collect()
}

impl<'a> BankList<'a> {
    /// None after the last choice that there may be.
    pub(super) fn new(
        session: &Session,
        offers: Vec<&'a Offer>,
        view: &View,
        t: &'static CheckoutTexts,
    ) -> Option<Self> {
        let attempt = session.attempt_number().checked_add(1)?;
        if !session.may_choose_again() {
            return None;
        }
        let search: String = view.q.trim().chars().take(MAX_SEARCH_CHARS).collect();
        let wanted = folded(&search);
        let (all, long) = (offers.len(), offers.len() > SHORT);
        let found = offers.into_iter().filter(|offer| folded(&offer.name).contains(&wanted));
        let mut banks: Vec<_> = found.map(|offer| Bank::new(offer, t)).collect();
        let more = long && (view.banks == Banks::Popular || !search.is_empty());
        if long && search.is_empty() && view.banks == Banks::Popular {
            banks.truncate(POPULAR);
        }
        Some(Self { banks, attempt, all, more, long, search })
    }
}

/// Why a provider can't be chosen, if it can't.
pub(super) const fn down(offer: &Offer, t: &'static CheckoutTexts) -> Option<&'static str> {
    match offer.availability {
        Availability::Available => None,
        Availability::Down(Outage::Maintenance) => Some(t.bank_down_for_maintenance),
    }
}

/// The name of the bank that the session's latest attempt is at, if it is offered still.
pub(super) fn bank_of<'a>(session: &Session, offers: &'a [Offer]) -> Option<&'a str> {
    let attempt = session.attempt.as_ref()?;
    offers.iter().find(|offer| offer.id == attempt.chosen()).map(|offer| offer.name.as_str())
}

/// A text as it is searched: in small letters without marks, as many keyboards have no others.
fn folded(text: &str) -> String {
    text.to_lowercase().chars().filter_map(unmarked).collect()
}

/// A small letter without its mark. None of a mark that stands for itself, after its letter.
const fn unmarked(letter: char) -> Option<char> {
    Some(match letter {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' | 'đ' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' => 'i',
        'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' | 'ł' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => 'o',
        'ŕ' | 'ř' => 'r',
        'ś' | 'ş' | 'š' | 'ș' => 's',
        'ţ' | 'ť' | 'ț' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => 'u',
        'ŵ' => 'w',
        'ý' | 'ÿ' | 'ŷ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        '\u{300}'..='\u{36f}' => return None,
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_searched_without_its_marks_and_case() {
        for (text, expected) in [
            ("Société Générale", "societe generale"),
            ("ING-DiBa, Köln", "ing-diba, koln"),
            ("Ålandsbanken Łódź", "alandsbanken lodz"),
            // As some keyboards and file names have it: each mark after its letter.
            ("Socie\u{301}te\u{301}", "societe"),
            ("ČSOB", "csob"),
            ("Τράπεζα 銀行", "τράπεζα 銀行"),
        ] {
            assert_eq!(folded(text), expected);
            assert_eq!(folded(&folded(text)), expected);
        }
    }
    #[test]
    fn initials_are_letters_of_two_words() {
        for (name, expected) in [
            ("Mock Bank", "MB"),
            ("Bank (simulated)", "BS"),
            ("Fenwick & Sons", "FS"),
            ("élan", "É"),
            ("3i", "3"),
            ("&", ""),
        ] {
            assert_eq!(initials(name), expected, "{name}");
        }
    }
}
