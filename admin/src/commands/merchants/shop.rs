//! What payers see of a merchant, as arguments and as fields.

use std::path::Path;

use clap::Args;
use models::{Colour, EmailAddress, Logo, MerchantId, MerchantUrl, Name, Shop};
use serde_json::{Value, json};

use crate::arguments::text;
use crate::failure::Failure;
use crate::logo::{LogoRefused, read_logo};
use crate::report::{Field, field, maybe, maybe_as};

/// What payers are shown. What is not given stays as it is.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "What payers see (\"\" removes it, but for the name)")]
pub(crate) struct ShopArguments {
    /// The shop's name, on every page and in every mail
    #[arg(long, value_name = "NAME", value_parser = text::<Name>)]
    display_name: Option<Name>,
    /// Where a payer's question about an order goes, and the answer to a mail
    #[arg(long, value_name = "ADDRESS", value_parser = given::<EmailAddress>)]
    support_email: Option<Given<EmailAddress>>,
    /// The page that helps with an order
    #[arg(long, value_name = "URL", value_parser = given::<MerchantUrl>)]
    support_url: Option<Given<MerchantUrl>>,
    /// The shop's home page
    #[arg(long, value_name = "URL", value_parser = given::<MerchantUrl>)]
    website: Option<Given<MerchantUrl>>,
    /// The shop's colour, such as #8a4b08; pages use it where it can be read
    #[arg(long, value_name = "#RRGGBB", value_parser = given::<Colour>)]
    colour: Option<Given<Colour>>,
    #[arg(
        long,
        value_name = "FILE",
        value_parser = given_logo,
        help = format!("The shop's logo, an SVG or PNG of at most {} bytes; what runs is taken out of it", Logo::MAX_BYTES)
    )]
    logo: Option<Given<Logo>>,
}

/// A value, or that there is to be none.
#[derive(Debug, Clone)]
enum Given<T> {
    Value(T),
    None,
}

impl<T: Clone> Given<T> {
    fn onto(this: Option<&Self>, before: Option<T>) -> Option<T> {
        match this {
            Some(Self::Value(value)) => Some(value.clone()),
            Some(Self::None) => None,
            None => before,
        }
    }
}

fn given<T: TryFrom<String>>(text: &str) -> Result<Given<T>, T::Error> {
    if text.is_empty() { Ok(Given::None) } else { text.to_owned().try_into().map(Given::Value) }
}

fn given_logo(path: &str) -> Result<Given<Logo>, LogoRefused> {
    if path.is_empty() { Ok(Given::None) } else { read_logo(Path::new(path)).map(Given::Value) }
}

impl ShopArguments {
    pub(super) fn are_none(&self) -> bool {
        let Self { display_name, support_email, support_url, website, colour, logo } = self;
        display_name.is_none()
            && support_email.is_none()
            && support_url.is_none()
            && website.is_none()
            && colour.is_none()
            && logo.is_none()
    }

    /// The shop as it is with them.
    pub(super) fn onto(&self, before: Option<Shop>, merchant: &MerchantId) -> Result<Shop, Failure> {
        let name = || self.display_name.clone().ok_or_else(|| Failure::NoShop(merchant.clone()));
        let before = before.map_or_else(|| name().map(Shop::new), Ok)?;
        Ok(Shop {
            display_name: self.display_name.clone().unwrap_or(before.display_name),
            support_email: Given::onto(self.support_email.as_ref(), before.support_email),
            support_url: Given::onto(self.support_url.as_ref(), before.support_url),
            website: Given::onto(self.website.as_ref(), before.website),
            colour: Given::onto(self.colour.as_ref(), before.colour),
            logo: Given::onto(self.logo.as_ref(), before.logo),
        })
    }

    /// What the operator should know of what was given: where a colour is used.
    pub(super) fn note(&self) -> Option<String> {
        match self.colour {
            Some(Given::Value(colour)) => Some(colour_note(colour)),
            Some(Given::None) | None => None,
        }
    }
}

fn colour_note(colour: Colour) -> String {
    let on = |grounds, pages: &str| {
        let contrast = colour.least_contrast(grounds);
        // Never rounded up to what it has not.
        let shown = (contrast * 10.0).floor() / 10.0;
        (contrast >= Colour::TEXT_CONTRAST, format!("{pages} pages ({shown:.1}:1)"))
    };
    let (light, dark) = (on(Colour::LIGHT_PAGES, "light"), on(Colour::DARK_PAGES, "dark"));
    let needed = Colour::TEXT_CONTRAST;
    match (light, dark) {
        ((true, light), (true, dark)) => format!("{colour} is used on {light} and on {dark}."),
        ((true, used), (false, other)) | ((false, other), (true, used)) => {
            format!("{colour} is used on {used}, not on {other}: to be read it needs a contrast of {needed}:1.")
        }
        ((false, light), (false, dark)) => {
            format!("{colour} is not used, on {light} nor on {dark}: to be read it needs a contrast of {needed}:1.")
        }
    }
}

fn shown_logo(logo: &Logo) -> (String, Value) {
    let (kind, bytes) = (logo.kind().as_str(), logo.bytes().len());
    (format!("{kind}, {bytes} bytes"), json!({ "kind": kind, "bytes": bytes }))
}

/// A shop's fields; none if there is no shop.
pub(super) fn fields(shop: Option<&Shop>) -> Vec<Field> {
    let Some(Shop { display_name, support_email, support_url, website, colour, logo }) = shop else {
        return Vec::new();
    };
    vec![
        field("display_name", display_name.as_str()),
        maybe("support_email", support_email.as_ref().map(EmailAddress::as_str)),
        maybe("support_url", support_url.as_ref().map(MerchantUrl::as_str)),
        maybe("website", website.as_ref().map(MerchantUrl::as_str)),
        maybe("colour", *colour),
        maybe_as("logo", logo.as_ref().map(shown_logo)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(colour: &str) -> String {
        colour_note(colour.parse().unwrap())
    }

    #[test]
    fn where_a_colour_is_used_is_said() {
        let needs = "to be read it needs a contrast of 4.5:1.";
        assert_eq!(
            note("#8a4b08"),
            format!("#8a4b08 is used on light pages (5.7:1), not on dark pages (2.2:1): {needs}")
        );
        assert_eq!(
            note("#ffd08a"),
            format!("#ffd08a is used on dark pages (10.4:1), not on light pages (1.2:1): {needs}")
        );
        let neither = note("#808080");
        assert!(
            neither.starts_with("#808080 is not used, on light pages (3.3:1) nor on dark pages (3.7:1)"),
            "{neither}"
        );
        // Just below is not rounded up to it, just above is used.
        assert!(note("#6c6c6c").starts_with("#6c6c6c is not used, on light pages (4.4:1)"));
        assert!(note("#6b6b6b").starts_with("#6b6b6b is used on light pages (4.5:1)"));
    }
}
