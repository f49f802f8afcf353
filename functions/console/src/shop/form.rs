//! What the form of the shop brings.

use models::{Colour, EmailAddress, MerchantUrl, Name, Shop};
use pages::{Facts, Language};
use serde::Deserialize;

use crate::digest::mark;
use crate::step::Step;
use crate::texts::texts;

/// What is wrong, each with the id of its field.
pub(super) type Errors = Vec<(&'static str, String)>;

/// A shop as typed.
#[derive(Clone, Default, Deserialize)]
pub(super) struct ShopForm {
    /// The button.
    #[serde(default)]
    pub(super) step: Step,
    /// The mark of the shop that its author saw.
    #[serde(default)]
    pub(super) seen: String,
    #[serde(default)]
    pub(super) display_name: String,
    #[serde(default)]
    pub(super) support_email: String,
    #[serde(default)]
    pub(super) support_url: String,
    #[serde(default)]
    pub(super) website: String,
    #[serde(default)]
    pub(super) colour: String,
}

impl ShopForm {
    /// That of the shop as it is, if there is one, of the merchant with this `salt`.
    pub(super) fn of(shop: Option<Shop>, salt: &[u8; 32]) -> Self {
        let form = shop.map_or_else(Self::default, |shop| Self {
            step: Step::default(),
            seen: String::new(),
            display_name: shop.display_name.into(),
            support_email: shop.support_email.map(String::from).unwrap_or_default(),
            support_url: shop.support_url.map(String::from).unwrap_or_default(),
            website: shop.website.map(String::from).unwrap_or_default(),
            colour: shop.colour.map(String::from).unwrap_or_default(),
        });
        let Self { step: _, seen: _, display_name, support_email, support_url, website, colour } = &form;
        let texts = [display_name, support_email, support_url, website, colour].map(String::as_str);
        Self { seen: mark(salt, &texts), ..form }
    }

    /// The shop that it asks for, with the logo that it has. A colour that operators chose may stay, even where only dark pages
    /// use it.
    pub(super) fn check(&self, before: Option<&Shop>, language: Language) -> Result<Shop, Errors> {
        let t = texts(language).shop;
        let url_wrong = Facts::new(language).text("example", "https://example.com/help").plain(t.url_wrong);
        let mut errors = Errors::new();
        let display_name = Name::try_from(self.display_name.trim().to_owned()).ok();
        if display_name.is_none() {
            errors.push(("display_name", t.name_wrong.to_owned()));
        }
        let support_email = optional::<EmailAddress>("support_email", &self.support_email, t.email_wrong, &mut errors);
        let support_url = optional::<MerchantUrl>("support_url", &self.support_url, &url_wrong, &mut errors);
        let website = optional::<MerchantUrl>("website", &self.website, &url_wrong, &mut errors);
        let colour = optional::<Colour>("colour", &self.colour, t.colour_wrong, &mut errors);
        let is_new = colour != before.and_then(|before| before.colour);
        let unreadable = colour.filter(|_| is_new).and_then(|colour| unreadable(colour, language));
        errors.extend(unreadable.map(|text| ("colour", text)));
        match display_name {
            Some(display_name) if errors.is_empty() => {
                let logo = before.and_then(|before| before.logo.clone());
                Ok(Shop { display_name, support_email, support_url, website, colour, logo })
            }
            Some(_) | None => Err(errors),
        }
    }
}

/// A field that may be empty. What is wrong is put to the errors.
fn optional<T: TryFrom<String>>(field: &'static str, typed: &str, error: &str, errors: &mut Errors) -> Option<T> {
    let typed = typed.trim();
    if typed.is_empty() {
        return None;
    }
    let read = T::try_from(typed.to_owned()).ok();
    if read.is_none() {
        errors.push((field, error.to_owned()));
    }
    read
}

/// Why a colour is refused: on light pages, and with the white text of a button, it could not be read (WCAG 2.2, 1.4.3).
fn unreadable(colour: Colour, language: Language) -> Option<String> {
    let contrast = colour.least_contrast(Colour::LIGHT_PAGES);
    // Never rounded up to what it has not.
    let shown = (contrast * 10.0).floor() / 10.0;
    (contrast < Colour::TEXT_CONTRAST).then(|| {
        let facts = Facts::new(language).text("colour", colour).text("contrast", ratio(shown, language));
        let facts = facts.text("needed", ratio(Colour::TEXT_CONTRAST, language));
        facts.plain(texts(language).shop.colour_unreadable)
    })
}

/// `4.5:1`, with the language's decimal sign.
fn ratio(contrast: f64, language: Language) -> String {
    format!("{contrast:.1}:1").replace('.', &language.decimal_mark().to_string())
}
