//! What every page bears around its own: whose it is, in which language, and whether it is a test.

use std::borrow::Cow;

use askama::Template;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lambda_http::http::StatusCode;
use models::{Card, Colour, EmailAddress, Logo, MerchantUrl, Mode, Shop};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::facts::{Facts, Html, escaped};
use crate::language::Language;
use crate::response::{Answer, Forms, page, page_with_mail};
use crate::style::STYLE;
use crate::texts::Texts;

/// A ticket with its perforation, on no ground.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 28 28'%3E%3Cpath fill='%230b5d4b' \
                    d='M2 4h24a2 2 0 0 1 2 2v5a3 3 0 0 0 0 6v5a2 2 0 0 1-2 2H2a2 2 0 0 1-2-2v-5a3 3 0 0 0 0-6V6a2 2 0 0 1 \
                    2-2Z'/%3E%3C/svg%3E";

/// What is encoded of an address in a `mailto:` link, in which `?` and `&` begin other headers of the mail (RFC 6068, 2).
const MAILTO: &AsciiSet = &NON_ALPHANUMERIC.remove(b'@').remove(b'.').remove(b'-').remove(b'_').remove(b'+');

/// Whose page it is.
#[derive(Debug, Clone, Copy)]
pub struct Face<'a> {
    /// The shop's name.
    pub name: &'a str,
    /// What else is known of the shop, if its merchant said.
    pub shop: Option<&'a Shop>,
}

impl<'a> Face<'a> {
    /// The shop's, or, where the merchant has said nothing of it, a name alone.
    pub fn new(shop: Option<&'a Shop>, otherwise: &'a str) -> Self {
        Self { name: shop.map_or(otherwise, |shop| shop.display_name.as_str()), shop }
    }
}

/// What every page bears around its own.
#[derive(Debug, Clone)]
pub struct Shell<'a> {
    /// The language it is written in.
    pub language: Language,
    /// Whose it is; nobody's where that is not known.
    pub face: Option<Face<'a>>,
    /// Whether it says that no real money moves.
    pub test: bool,
    /// A style sheet on top of that of every page; empty most often.
    pub more_style: &'static str,
}

impl<'a> Shell<'a> {
    /// Nobody's page, where nothing is known but the client's language.
    pub const fn nobodys(language: Language) -> Self {
        Self { language, face: None, test: false, more_style: "" }
    }

    /// A shop's page about something of this mode.
    pub const fn of(face: Face<'a>, mode: Mode, language: Language) -> Self {
        Self { language, face: Some(face), test: matches!(mode, Mode::Test), more_style: "" }
    }

    /// All texts in its language.
    pub const fn texts(&self) -> &'static Texts {
        self.language.texts()
    }

    /// What its texts show, so far: the shop.
    pub fn facts(&self) -> Facts<'a> {
        let facts = Facts::new(self.language);
        match self.face {
            Some(face) => facts.name("shop", face.name),
            None => facts,
        }
    }

    /// The style sheets that stand in it: ours, and the shop's colour.
    pub fn styles(&self) -> Vec<Cow<'static, str>> {
        let colours = self.face.and_then(|face| face.shop?.colour).map(colours).filter(|css| !css.is_empty());
        let ours = [STYLE, self.more_style].into_iter().filter(|style| !style.is_empty()).map(Cow::Borrowed);
        ours.chain(colours.map(Cow::Owned)).collect()
    }

    /// A page within it.
    ///
    /// # Errors
    /// It can't be rendered.
    pub fn page(&self, status: StatusCode, template: &impl Template) -> Answer {
        page(status, self.language, &self.styles(), Forms::ToUs, template)
    }

    /// A page within it that shows a mail in a frame (`srcdoc`), with the mail's style sheet.
    ///
    /// # Errors
    /// It can't be rendered.
    pub fn page_with_mail(&self, status: StatusCode, mail_style: &str, template: &impl Template) -> Answer {
        let mut styles: Vec<Cow<'_, str>> = self.styles();
        styles.push(Cow::Borrowed(mail_style));
        page_with_mail(status, self.language, &styles, template)
    }

    /// The tab's icon.
    pub const fn icon(&self) -> &'static str {
        ICON
    }

    /// The shop's logo, as the address of a picture that stands in the page.
    pub fn logo(&self) -> Option<String> {
        self.face?.shop?.logo.as_ref().map(data_uri)
    }

    /// Where the shop answers questions.
    pub fn help(&self) -> Option<Html> {
        let (email, url) = self.help_addresses();
        let email = email
            .map(|email| format!("<a href=\"mailto:{}\">{}</a>", utf8_percent_encode(email, MAILTO), escaped(email)));
        let url = url.map(|url| {
            let shown = url.split_once("://").map_or(url, |(_, rest)| rest);
            format!(
                "<a href=\"{}\" rel=\"noreferrer\">{}</a>",
                escaped(url),
                escaped(shown.strip_suffix('/').unwrap_or(shown))
            )
        });
        let ways: Vec<String> = email.into_iter().chain(url).collect();
        (!ways.is_empty()).then(|| Html::trusted(ways.join(" · ")))
    }

    /// A card, as its holder knows it.
    pub fn card(&self, card: &Card) -> String {
        let facts = Facts::new(self.language).text("brand", card.brand.name()).text("number", card.last_four.as_str());
        facts.plain(self.texts().methods.card_ending)
    }

    /// Where the shop gives help, where there is no markup.
    pub fn plain_help(&self) -> Option<String> {
        let (email, url) = self.help_addresses();
        let ways: Vec<&str> = email.into_iter().chain(url).collect();
        (!ways.is_empty()).then(|| ways.join(" · "))
    }

    /// The shop's address for mails, and its page that helps, or its home page.
    fn help_addresses(&self) -> (Option<&'a str>, Option<&'a str>) {
        let Some(shop) = self.face.and_then(|face| face.shop) else { return (None, None) };
        let url = shop.support_url.as_ref().or(shop.website.as_ref());
        (shop.support_email.as_ref().map(EmailAddress::as_str), url.map(MerchantUrl::as_str))
    }
}

/// The picture itself, as its address (RFC 2397).
fn data_uri(logo: &Logo) -> String {
    format!("data:{};base64,{}", logo.kind().media_type(), BASE64_STANDARD.encode(logo.bytes()))
}

/// The shop's colour in place of ours, on those pages where its contrast passes; empty if on neither.
fn colours(colour: Colour) -> String {
    let grounds = [("light", Colour::LIGHT_PAGES, Colour::WHITE), ("dark", Colour::DARK_PAGES, Colour::BLACK)];
    let passing = grounds.into_iter().filter(|(_, pages, _)| colour.least_contrast(*pages) >= Colour::TEXT_CONTRAST);
    let rule = |(scheme, _, text): (&str, _, Colour)| {
        format!(
            "@media(prefers-color-scheme:{scheme}){{:root{{--accent:{colour};--accent-hover:{colour};--on-accent:{text}}}}}"
        )
    };
    passing.map(rule).collect()
}

#[cfg(test)]
mod tests {
    use samples::shop;

    use super::*;

    fn of(shop: &Shop) -> Shell<'_> {
        Shell::of(Face::new(Some(shop), "Gerald Wiley"), Mode::Test, Language::English)
    }

    #[test]
    fn a_colour_is_used_only_where_it_can_be_read() {
        let css = |colour: &str| colours(colour.parse().unwrap());
        assert!(css("#0b5d4b").starts_with("@media(prefers-color-scheme:light){:root{--accent:#0b5d4b"));
        assert!(css("#ffd24d").starts_with("@media(prefers-color-scheme:dark){:root{--accent:#ffd24d"));
        assert_eq!(css("#7a7a7a"), "");
        for grey in 0..=255_u8 {
            let colour = Colour::rgb(grey, grey, grey);
            let light = Colour::LIGHT_PAGES.into_iter().all(|ground| ground.contrast(colour) >= 4.5);
            assert_eq!(colours(colour).contains("--on-accent:#ffffff"), light, "{grey}");
        }
    }

    #[test]
    fn the_grounds_are_those_of_the_style_sheet() {
        let (light, dark) = (Colour::LIGHT_PAGES, Colour::DARK_PAGES);
        for (name, light, dark) in
            [("card", light[0], dark[0]), ("stub", light[1], dark[1]), ("paper", light[2], dark[2])]
        {
            let source = include_str!("../templates/base.css");
            let found: Vec<_> = source.match_indices(&format!("--{name}: ")).collect();
            let value = |at: usize| source[at + name.len() + 4..][..7].to_owned();
            assert_eq!([value(found[0].0), value(found[1].0)], [light.to_string(), dark.to_string()], "{name}");
        }
    }

    #[test]
    fn help_is_where_the_shop_gives_it() {
        let mut shop = shop();
        shop.support_email = Some("help@example.com".to_owned().try_into().unwrap());
        shop.support_url = Some("https://example.com/help?a=1&b=2".to_owned().try_into().unwrap());
        assert_eq!(
            of(&shop).help().unwrap().to_string(),
            "<a href=\"mailto:help@example.com\">help@example.com</a> · <a href=\"https://example.com/help?a=1&#38;b=2\" \
             rel=\"noreferrer\">example.com/help?a=1&#38;b=2</a>"
        );
        assert_eq!(of(&shop).plain_help().unwrap(), "help@example.com · https://example.com/help?a=1&b=2");
        shop.support_email = Some("a%2b?cc=x&y@example.com".to_owned().try_into().unwrap());
        let help = of(&shop).help().unwrap().to_string();
        assert!(
            help.starts_with("<a href=\"mailto:a%252b%3Fcc%3Dx%26y@example.com\">a%2b?cc=x&#38;y@example.com</a>"),
            "{help}"
        );
        (shop.support_email, shop.support_url, shop.website) = (None, None, None);
        assert_eq!((of(&shop).help(), of(&shop).plain_help()), (None, None));
        assert_eq!(Shell::nobodys(Language::English).help(), None);
    }
}
