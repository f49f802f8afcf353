//! Text that clients give, each kind with its own limits.

use std::fmt;

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup};
use icu_properties::{CodePointMapData, CodePointSetData};
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::EndToEndId;

/// The longest URL accepted, in bytes.
const MAX_URL_LENGTH: usize = 2048;

/// Why a text was refused; reads on after the field's name ("must …").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidText(&'static str);

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $read:expr) => {
        $(#[$doc])*
        ///
        /// Made by `try_from` alone. What was stored is read back as it is: a rule that has become stricter since must
        /// not make a payment unreadable.
        #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidText;
            fn try_from(text: String) -> Result<Self, InvalidText> {
                let read: fn(String) -> Result<String, InvalidText> = $read;
                read(text).map(Self)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> String {
                text.0
            }
        }
    };
}

text!(
    /// What the payee reads on the bank statement: 1 to 18 ASCII letters, digits and spaces, not all spaces
    /// ("Creating a payment session", section 2; the limit of Faster Payments).
    Reference,
    |text| {
        let allowed = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ');
        if allowed && text.len() <= 18 && !text.trim().is_empty() {
            Ok(text)
        } else {
            Err(InvalidText("must be 1 to 18 letters, digits or spaces"))
        }
    }
);

text!(
    /// A person's, payee's or product's name: 1 to 140 characters (ISO 20022 Max140Text), one of them to be seen, and
    /// nothing that breaks a line or turns the direction of what stands around it (UAX #9, 2.1 to 2.5).
    Name,
    |text| {
        if text.chars().count() > 140 || text.chars().any(breaks_out) || !text.chars().any(is_seen) {
            Err(InvalidText("must be 1 to 140 characters, at least one of them visible, without control characters"))
        } else {
            Ok(text)
        }
    }
);

text!(
    /// What a payment is for: 1 to 500 characters, one of them to be seen, on one line as a [`Name`]. No document limits it.
    Description,
    |text| {
        if text.chars().count() > 500 || text.chars().any(breaks_out) || !text.chars().any(is_seen) {
            Err(InvalidText("must be 1 to 500 characters, at least one of them visible, without control characters"))
        } else {
            Ok(text)
        }
    }
);

text!(
    /// Why a person did something, in their own words: 1 to 200 characters, one of them to be seen, on one line as a [`Name`].
    Note,
    |text| {
        if text.chars().count() > 200 || text.chars().any(breaks_out) || !text.chars().any(is_seen) {
            Err(InvalidText("must be 1 to 200 characters, at least one of them visible, without control characters"))
        } else {
            Ok(text)
        }
    }
);

text!(
    /// Who runs the command line, as the system names them: an ARN (at most 2048 characters,
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>) or a user's name.
    OperatorName,
    |text| {
        if (1..=2048).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(text)
        } else {
            Err(InvalidText("must be 1 to 2048 visible ASCII characters"))
        }
    }
);

text!(
    /// The end of an account's number, by which people know it again: four letters and digits.
    AccountEnd,
    |text| {
        if text.len() == 4 && text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            Ok(text)
        } else {
            Err(InvalidText("must be four letters or digits"))
        }
    }
);

text!(
    /// A telephone number, as it was given: up to 15 digits (E.164, 6.2.1) and, before them, perhaps a `+`; between them
    /// spaces, and what RFC 3966 (5.1.1) calls visual separators. Whether it is in use, or written for which country, is
    /// not asked.
    PhoneNumber,
    |text| {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let rest = text.strip_prefix('+').unwrap_or(&text);
        let is_written_so = rest.bytes().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'-' | b'.' | b'(' | b')'));
        if (1..=15).contains(&digits) && is_written_so && text.len() <= 40 {
            Ok(text)
        } else {
            Err(InvalidText("must be a telephone number of at most 15 digits"))
        }
    }
);

text!(
    /// A language, and perhaps a region, as BCP 47 tags them: subtags of 1 to 8 letters and digits with hyphens between
    /// them, the first of 2 or more letters (RFC 5646, 2.1), of at most 35 characters (4.4.1). What language a page is in
    /// that has none of its own is the page's to choose.
    Locale,
    |text| {
        let is_subtag = |subtag: &str| (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric());
        let language = text.split('-').next().unwrap_or_default();
        let is_language = language.len() >= 2 && language.bytes().all(|b| b.is_ascii_alphabetic());
        if is_language && text.len() <= 35 && text.split('-').all(is_subtag) {
            Ok(text)
        } else {
            Err(InvalidText("must be a language tag like en or en-GB"))
        }
    }
);

text!(
    /// An e-mail address of at most 254 characters (RFC 5321, 4.5.3.1.3), a bare address with a domain name.
    ///
    /// A domain in Unicode is kept as IDNA writes it for the DNS (UTS #46, ToASCII), as SES takes it; the local part is
    /// ASCII, as SES takes no other (<https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html>).
    EmailAddress,
    |text| read_email_address(&text).ok_or(InvalidText("must be an e-mail address"))
);

text!(
    /// Where a payer is sent when the checkout ends: an absolute http or https URL of at most 2048 bytes.
    MerchantUrl,
    |text| {
        let refused = Err(InvalidText("must be an http or https URL of at most 2048 characters"));
        let is_foreign = |c: char| c.is_control() || c.is_whitespace() || is_noncharacter(c);
        if text.len() > MAX_URL_LENGTH || text.chars().any(is_foreign) {
            return refused;
        }
        match url::Url::parse(&text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() && !has_credentials(&url) => Ok(text),
            Ok(_) | Err(_) => refused,
        }
    }
);

impl Reference {
    /// One of the payment's own, by which a transfer can be matched: the last 60 bits of its end-to-end id, which are random, as
    /// twelve letters and digits (Crockford's base 32, <https://www.crockford.com/base32.html>) that a person can copy by hand.
    /// It says nothing of the session's id, which opens the checkout.
    pub fn of_payment(id: &EndToEndId) -> Self {
        const DIGITS: [char; 32] = [
            '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'M',
            'N', 'P', 'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Y', 'Z',
        ];
        let bits = u128::from_be_bytes(*id.as_bytes());
        let digit = |n: u32| DIGITS.into_iter().nth((bits >> (5 * n) & 31) as usize).unwrap_or_default();
        Self((0..12).rev().map(digit).collect())
    }
}

/// The general categories of what is drawn (Unicode, 4.5). Marks are drawn upon something else; what is for private use
/// or not assigned is drawn as nothing or as a box.
const DRAWN: GeneralCategoryGroup = GeneralCategoryGroup::Letter
    .union(GeneralCategoryGroup::Number)
    .union(GeneralCategoryGroup::Punctuation)
    .union(GeneralCategoryGroup::Symbol);

/// Letters and symbols that are drawn as a blank by their definition, which no property marks: Braille without a dot,
/// the object that is not there, what stood where a text was damaged, hieroglyphs' blanks, the note without a head.
const BLANKS: [char; 6] = ['\u{2800}', '\u{fffc}', '\u{fffd}', '\u{13441}', '\u{13442}', '\u{1d159}'];

/// Whether a reader sees this character, even if it stands alone.
fn is_seen(c: char) -> bool {
    DRAWN.contains(CodePointMapData::<GeneralCategory>::new().get(c))
        && !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        && !BLANKS.contains(&c)
}

fn breaks_out(c: char) -> bool {
    c.is_control()
        || is_noncharacter(c)
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether it is no character in any text and never will be (Unicode, 23.7).
pub fn is_noncharacter(c: char) -> bool {
    matches!(u32::from(c), 0xfdd0..=0xfdef) || u32::from(c) & 0xfffe == 0xfffe
}

/// The address as it is kept.
fn read_email_address(text: &str) -> Option<String> {
    let (local, domain) = text.rsplit_once('@')?;
    let ascii = Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .ok()?;
    // No top-level domain has a digit in it, but as IDNA writes it (RFC 3696, 2): what ends in one is an IP address.
    let is_top_level = |label: &str| label.starts_with("xn--") || label.bytes().all(|b| b.is_ascii_alphabetic());
    if !ascii.rsplit('.').next().is_some_and(is_top_level) {
        return None;
    }
    let address = if domain.is_ascii() { text.to_owned() } else { format!("{local}@{ascii}") };
    let options = email_address::Options::default().without_display_text().without_domain_literal().with_required_tld();
    email_address::EmailAddress::parse_with_options(&address, options).ok()?;
    // A quoted local part may hold spaces and brackets, which mail headers are better off without. What begins an encoded
    // word (RFC 2047, 2) is read by some mail servers as another address.
    let is_plain = address.is_ascii() && !address.contains('"') && !local.contains("=?");
    (is_plain && address.len() <= 254).then_some(address)
}

fn has_credentials(url: &url::Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

impl PhoneNumber {
    /// As it is dialled from any country (E.164, 6.2.1), a `+` and 8 to 15 digits; none if it doesn't say which country it is of. The
    /// zero in `+44 (0)20` is for that country alone.
    pub fn international(&self) -> Option<String> {
        let number = self.0.strip_prefix('+')?.replacen("(0)", "", 1);
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        ((8..=15).contains(&digits.len()) && !digits.starts_with('0')).then(|| format!("+{digits}"))
    }
}

impl Name {
    /// Stands where a person's name was, once it is removed.
    pub(crate) fn erased() -> Self {
        Self("(removed)".to_owned())
    }
}

impl MerchantUrl {
    /// Whether both have the same scheme, host, port and path, whatever their queries and fragments.
    pub(crate) fn has_same_page_as(&self, other: &Self) -> bool {
        let page = |url: &Self| {
            let mut url = url::Url::parse(&url.0).ok()?;
            url.set_query(None);
            url.set_fragment(None);
            Some(url)
        };
        // Both parsed when they were made.
        page(self).is_some_and(|own| page(other) == Some(own))
    }

    /// Whether both have the same scheme, host and port.
    pub fn has_same_origin_as(&self, other: &Self) -> bool {
        let origin = |url: &Self| url::Url::parse(&url.0).map(|url| url.origin()).ok();
        // Both parsed when they were made.
        origin(self).is_some_and(|own| origin(other) == Some(own))
    }

    /// This URL with `pairs` added to its query, after what is there and before a fragment. A parameter that the merchant
    /// has there already is left as it is, so that none is there twice.
    pub fn with_query(&self, pairs: &[(&str, &str)]) -> String {
        match url::Url::parse(&self.0) {
            Ok(mut url) => {
                let own: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
                let others = pairs.iter().filter(|(name, _)| !own.iter().any(|own| own == name));
                url.query_pairs_mut().extend_pairs(others);
                url.into()
            }
            // Can't be: it parsed when it was made.
            Err(_) => self.0.clone(),
        }
    }

    /// This URL with `pairs` in its query, after what is there and before a fragment, in the place of parameters of the same
    /// names, also of those that have no value now. A space is `%20`, which every reader decodes.
    pub fn with_query_replaced(&self, pairs: &[(&str, Option<&str>)]) -> String {
        let Ok(mut url) = url::Url::parse(&self.0) else {
            // Can't be: it parsed when it was made.
            return self.0.clone();
        };
        let is_replaced = |parameter: &&str| {
            let name = url::form_urlencoded::parse(parameter.as_bytes()).next().map(|(name, _)| name);
            name.is_none_or(|name| pairs.iter().any(|(replaced, _)| *replaced == name))
        };
        let own = url.query().unwrap_or_default().split('&').filter(|parameter| !is_replaced(parameter));
        let given = pairs.iter().filter_map(|(name, value)| Some((name, (*value)?)));
        let added =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish().replace('+', "%20");
        let all: Vec<&str> = own.chain([added.as_str()]).collect();
        url.set_query(Some(&all.join("&")));
        url.into()
    }
}

// Names and addresses are personal data: debug output, which may reach a log, doesn't show them.
impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name(…)")
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(…)")
    }
}

impl fmt::Debug for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Description(…)")
    }
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Note(…)")
    }
}

impl OperatorName {
    /// Who it was if the system says nothing of them.
    pub const UNKNOWN: &str = "unknown";
}

impl fmt::Debug for OperatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OperatorName(…)")
    }
}

impl fmt::Debug for AccountEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountEnd(…)")
    }
}

impl fmt::Debug for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Locale({:?})", self.0)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reference({:?})", self.0)
    }
}

impl fmt::Debug for MerchantUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MerchantUrl({:?})", self.0)
    }
}

#[cfg(test)]
mod tests;
