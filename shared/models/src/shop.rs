//! What payers see of a merchant: its shop's name, colour and logo, and where it answers questions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::text::{EmailAddress, MerchantUrl, Name};

/// A merchant's shop, as its payers know it. Public, even where it names a person: it is shown on every page and in every mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shop {
    /// Its name.
    pub display_name: Name,
    /// Where a payer's mail about an order goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support_email: Option<EmailAddress>,
    /// The page that helps with an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support_url: Option<MerchantUrl>,
    /// Its home page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<MerchantUrl>,
    /// Its colour. Pages use it only where its [contrast](Colour::contrast) passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<Colour>,
    /// Its logo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<Logo>,
}

impl Shop {
    /// A shop with a name and nothing else.
    pub const fn new(display_name: Name) -> Self {
        Self { display_name, support_email: None, support_url: None, website: None, colour: None, logo: None }
    }
}

/// It is no colour; reads on after the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a colour as # and six hexadecimal digits, such as #8a4b08")]
pub struct InvalidColour;

/// A colour of sRGB without transparency; `FromStr` and `Display` are `#rrggbb`, displayed in small letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

impl Colour {
    /// White.
    pub const WHITE: Self = Self::rgb(255, 255, 255);

    /// Black.
    pub const BLACK: Self = Self::rgb(0, 0, 0);

    /// What a shop's colour meets on a light page: the card, the stub and the paper that text of that colour stands on, and the text
    /// that stands on it.
    pub const LIGHT_PAGES: [Self; 4] =
        [Self::rgb(0xff, 0xfe, 0xfb), Self::rgb(0xf8, 0xf5, 0xec), Self::rgb(0xef, 0xec, 0xe3), Self::WHITE];

    /// The same on a dark page.
    pub const DARK_PAGES: [Self; 4] =
        [Self::rgb(0x19, 0x21, 0x1e), Self::rgb(0x1f, 0x29, 0x25), Self::rgb(0x0e, 0x13, 0x11), Self::BLACK];

    /// What text and what it stands on need at the least (WCAG 2.2, 1.4.3).
    pub const TEXT_CONTRAST: f64 = 4.5;

    /// Made of these parts.
    pub const fn rgb(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// The contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio"). The order makes no difference.
    pub fn contrast(self, other: Self) -> f64 {
        let (one, another) = (self.luminance(), other.luminance());
        (one.max(another) + 0.05) / (one.min(another) + 0.05)
    }

    /// The least contrast with any of those.
    pub fn least_contrast(self, others: [Self; 4]) -> f64 {
        others.into_iter().map(|other| self.contrast(other)).fold(21.0, f64::min)
    }

    /// From 0, black, to 1, white (WCAG 2.2, "relative luminance").
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }
}

impl FromStr for Colour {
    type Err = InvalidColour;
    fn from_str(text: &str) -> Result<Self, InvalidColour> {
        let digits = text.strip_prefix('#').ok_or(InvalidColour)?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidColour);
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).map_err(|_| InvalidColour)?.to_be_bytes();
        Ok(Self { red, green, blue })
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

impl TryFrom<String> for Colour {
    type Error = InvalidColour;
    fn try_from(text: String) -> Result<Self, InvalidColour> {
        text.parse()
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> String {
        colour.to_string()
    }
}

/// What a logo is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogoKind {
    /// Scalable Vector Graphics, as UTF-8.
    Svg,
    /// Portable Network Graphics.
    Png,
}

impl LogoKind {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Svg => "SVG",
            Self::Png => "PNG",
        }
    }

    /// Its media type (RFC 2083; "Scalable Vector Graphics 2", appendix M).
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml",
            Self::Png => "image/png",
        }
    }
}

/// Why bytes are no logo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidLogo {
    /// They begin as neither kind does.
    #[error("is neither an SVG nor a PNG")]
    UnknownKind,
    /// They are more than a page may bear.
    #[error("has {0} bytes, and at most {max} are allowed", max = Logo::MAX_BYTES)]
    TooLarge(usize),
}

/// A small picture that stands on every page, embedded in it.
///
/// Made by `try_from` alone, which checks the size and how it begins. Whether a picture is sound, runs nothing and fetches
/// nothing is checked where it comes in from outside; a page shows it as an image, in which scripts don't run anyway.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Logo(#[serde(with = "serde_bytes")] Vec<u8>);

impl Logo {
    /// The most that a logo may have.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// What it is written in.
    pub fn kind(&self) -> LogoKind {
        // What was stored was checked: it is of either kind.
        kind_of(&self.0).unwrap_or(LogoKind::Svg)
    }

    /// The picture itself.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// How every PNG begins (PNG, third edition, 5.2).
const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

fn kind_of(bytes: &[u8]) -> Option<LogoKind> {
    if bytes.starts_with(PNG_SIGNATURE) {
        return Some(LogoKind::Png);
    }
    let after_name = std::str::from_utf8(bytes).ok()?.strip_prefix("<svg")?.chars().next()?;
    (after_name.is_ascii_whitespace() || after_name == '>').then_some(LogoKind::Svg)
}

impl TryFrom<Vec<u8>> for Logo {
    type Error = InvalidLogo;

    /// An SVG begins with its root element, without any prolog.
    fn try_from(bytes: Vec<u8>) -> Result<Self, InvalidLogo> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(InvalidLogo::TooLarge(bytes.len()));
        }
        kind_of(&bytes).ok_or(InvalidLogo::UnknownKind)?;
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logo({}, {} bytes)", self.kind().as_str(), self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn colour(text: &str) -> Colour {
        text.parse().unwrap()
    }

    #[test]
    fn colours() {
        for (given, shown) in [("#8a4b08", "#8a4b08"), ("#FFfefB", "#fffefb"), ("#000000", "#000000")] {
            assert_eq!(colour(given).to_string(), shown);
        }
        for bad in ["", "#", "8a4b08", "#8a4b0", "#8a4b088", "#fff", "#+a4b08", "# a4b08", "#éé00", "red", "#8a4b0g"]
        {
            assert_eq!(bad.parse::<Colour>(), Err(InvalidColour), "{bad}");
        }
        assert_eq!(serde_json::to_string(&colour("#8A4B08")).unwrap(), r##""#8a4b08""##);
        assert!(serde_json::from_str::<Colour>(r#""red""#).is_err());
    }

    /// Known by W3C's own texts and by every checker: #767676 is the lightest grey that passes on white, #777777 fails.
    #[test]
    fn contrast_is_wcags() {
        for (one, another, ratio) in [
            ("#000000", "#ffffff", 21.0),
            ("#767676", "#ffffff", 4.54),
            ("#777777", "#ffffff", 4.48),
            ("#959595", "#ffffff", 2.99),
            ("#ff0000", "#ffffff", 4.00),
            ("#00ff00", "#ffffff", 1.37),
            ("#0000ff", "#ffffff", 8.59),
            ("#0000ff", "#000000", 2.44),
            ("#8a4b08", "#8a4b08", 1.00),
        ] {
            let is = colour(one).contrast(colour(another));
            assert!((is - ratio).abs() < 0.006, "{one} on {another}: {is}");
        }
    }

    #[test]
    fn a_colour_is_as_good_as_where_it_is_read_worst() {
        let grounds = [colour("#ffffff"), colour("#777777"), colour("#ffffff"), colour("#959595")];
        assert!((colour("#000000").least_contrast(grounds) - 4.69).abs() < 0.006);
        assert!((Colour::WHITE.least_contrast([Colour::BLACK; 4]) - 21.0).abs() < 0.006);
    }

    #[test]
    fn logos() {
        let logo = |bytes: &[u8]| Logo::try_from(bytes.to_vec());
        for (bytes, kind) in [
            (&b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..], LogoKind::Svg),
            (b"<svg>", LogoKind::Svg),
            (b"<svg\nwidth='1'>", LogoKind::Svg),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", LogoKind::Png),
        ] {
            let logo = logo(bytes).unwrap();
            assert_eq!((logo.kind(), logo.bytes()), (kind, bytes));
        }
        for bad in [
            &b""[..],
            b"<svg",
            b"<svga>",
            b" <svg>",
            b"<?xml version='1.0'?><svg>",
            b"<html>",
            b"GIF89a",
            b"\xff\xd8\xff\xe0",
            b"\x89PNG\n\x1a\n",
            b"<svg>\xff</svg>",
        ] {
            assert_eq!(logo(bad), Err(InvalidLogo::UnknownKind), "{bad:?}");
        }
        let long = |length: usize| logo(format!("<svg>{}", " ".repeat(length - 5)).as_bytes());
        assert!(long(Logo::MAX_BYTES).is_ok());
        let refused = long(Logo::MAX_BYTES + 1).unwrap_err();
        assert_eq!(refused.to_string(), "has 16385 bytes, and at most 16384 are allowed");
        assert_eq!(format!("{:?}", long(100).unwrap()), "Logo(SVG, 100 bytes)");
    }

    proptest! {
        #[test]
        fn a_colour_is_read_as_it_is_written(red in any::<u8>(), green in any::<u8>(), blue in any::<u8>()) {
            let made = Colour::rgb(red, green, blue);
            prop_assert_eq!(made.to_string().parse(), Ok(made));
        }

        #[test]
        fn contrast_is_symmetric_and_black_or_white_can_be_read_on_every_colour(
            one in any::<[u8; 3]>(), another in any::<[u8; 3]>(),
        ) {
            let ([r, g, b], [red, green, blue]) = (one, another);
            let (one, another) = (Colour::rgb(r, g, b), Colour::rgb(red, green, blue));
            let ratio = one.contrast(another);
            prop_assert!((1.0..=21.0).contains(&ratio));
            prop_assert_eq!(ratio.to_bits(), another.contrast(one).to_bits());
            prop_assert!(one.contrast(Colour::BLACK).max(one.contrast(Colour::WHITE)) >= Colour::TEXT_CONTRAST);
        }

        #[test]
        fn no_text_and_no_bytes_panic(text in any::<String>(), bytes in any::<Vec<u8>>()) {
            if let Ok(colour) = text.parse::<Colour>() {
                prop_assert_eq!(colour.to_string(), text.to_ascii_lowercase());
            }
            if let Ok(logo) = Logo::try_from(bytes.clone()) {
                prop_assert_eq!(logo.bytes(), &bytes[..]);
            }
        }
    }
}
