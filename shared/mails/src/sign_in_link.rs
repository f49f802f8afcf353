//! What leads a person to the console of a merchant that they work for. Pure: a link in, a mail out.
//!
//! It shows nothing that was typed but the address that it goes to: anybody can ask for it.

use askama::Template;
use models::{EmailAddress, Locale, MerchantId, Shop};
use pages::{Face, Facts, Language, Texts};

use crate::mail::Mail;
use crate::payment::OUR_COLOUR;
use crate::sender::without_encoded_words;

#[derive(Template)]
#[template(path = "sign_in_link.html")]
struct LinkHtml<'a> {
    language: Language,
    texts: &'static Texts,
    facts: &'a Facts<'a>,
    url: &'a str,
}

/// The mail with the link `url`, which is a secret, in the language that it was asked for in, else in English; none if it can't be
/// shown.
pub fn render(
    to: &EmailAddress,
    merchant: &MerchantId,
    shop: Option<&Shop>,
    locale: Option<&Locale>,
    url: &str,
) -> Option<Mail> {
    let language = Language::choose(locale, None);
    let texts = language.texts();
    let name = Face::new(shop, merchant.as_str()).name;
    let facts = &Facts::new(language).name("shop", name).name("merchant", merchant.as_str());
    let blocks = [
        facts.plain(texts.mails.sign_in_heading),
        facts.plain(texts.mails.sign_in_merchant),
        format!("{}:\n{url}", texts.mails.sign_in_button),
        texts.mails.sign_in_valid.to_owned(),
        texts.mails.sign_in_ignore.to_owned(),
        texts.mails.sign_in_why.to_owned(),
        texts.common.payments_by.to_owned(),
    ];
    Some(Mail {
        to: to.clone(),
        shop: name.to_owned(),
        language,
        reply_to: None,
        subject: without_encoded_words(&facts.plain(texts.mails.sign_in_subject)),
        text: blocks.join("\n\n") + "\n",
        html: LinkHtml { language, texts, facts, url }.render().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{HOSTILE, assert_both_say, assert_fetches_nothing, assert_shows_hostile, assert_speaks, shop};

    const URL: &str = "https://pay.example.com/console/sign-in/T0k3n";

    fn render_in(locale: Option<&str>, shop: Option<&Shop>) -> Mail {
        let (to, merchant) = (samples::text("ada@shop.example"), "acme".parse().unwrap());
        render(&to, &merchant, shop, locale.map(samples::text).as_ref(), URL).unwrap()
    }

    fn render_for(shop: Option<&Shop>) -> Mail {
        render_in(None, shop)
    }

    #[test]
    fn reads_well_as_plain_text() {
        let mail = render_for(Some(&samples::shop()));
        assert_eq!((mail.to.as_str(), mail.reply_to.as_ref()), ("ada@shop.example", None));
        assert_eq!(mail.subject, "Your sign-in link for Bright Candles");
        let expected = "\
Sign in to the console of Bright Candles

Merchant: acme

Sign in:
https://pay.example.com/console/sign-in/T0k3n

The link is valid for 15 minutes, and works once.

If you didn’t ask for it, ignore this e-mail: nobody gets in without it.

You get this e-mail because somebody asked for a sign-in link for your address.

Payments by Counterfoil
";
        assert_eq!(mail.text, expected);
    }

    #[test]
    fn html_and_text_say_the_same() {
        let mail = render_for(Some(&samples::shop()));
        let said = ["Sign in to the console of", "Bright Candles", "acme", URL, "15 minutes", "somebody asked for a"];
        assert_both_say(&mail, &said);
        assert!(mail.html.contains("lang=\"en-GB\"") && mail.html.contains("nobody gets in without it"));
    }

    #[test]
    fn speaks_every_language() {
        for language in Language::ALL {
            let mail = render_in(Some(language.tag()), Some(&samples::shop()));
            assert_speaks("sign_in_link", language, &mail);
            let texts = &language.texts().mails;
            let said = [texts.sign_in_button, texts.sign_in_valid, texts.sign_in_ignore, texts.sign_in_why];
            assert_both_say(&mail, &said);
        }
        assert_eq!(render_in(Some("ja-JP"), None).language, Language::English);
    }

    #[test]
    fn without_a_shop_it_names_the_merchant() {
        let mail = render_for(None);
        assert_eq!((mail.subject.as_str(), mail.shop.as_str()), ("Your sign-in link for acme", "acme"));
    }

    #[test]
    fn names_are_text_and_never_markup() {
        assert_shows_hostile(&render_for(Some(&shop(HOSTILE))), 1);
    }

    #[test]
    fn its_own_link_is_the_only_one() {
        let mail = render_for(Some(&samples::shop()));
        let link = format!("<a class=\"button\" href=\"{URL}\"");
        assert_eq!(mail.html.matches(&link).count(), 1);
        assert_fetches_nothing(&mail.html.replace(&link, "").replace(URL, ""));
        assert!(mail.text.lines().any(|line| line == URL), "{}", mail.text);
    }
}
