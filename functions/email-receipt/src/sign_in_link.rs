//! What leads a person to the console of a merchant that they work for. Pure: a link in, a mail out.
//!
//! It shows nothing that was typed but the address that it goes to: anybody can ask for it.

use askama::Template;
use models::{EmailAddress, MerchantId, Shop};
use pages::{Face, Facts, Language};

use crate::mail::Mail;
use crate::payment::OUR_COLOUR;
use crate::sender::without_encoded_words;

/// As all of the console.
const LANGUAGE: Language = Language::English;

const SUBJECT: &str = "Your sign-in link for {shop}";
const HEADING: &str = "Sign in to the console of {shop}";
const MERCHANT: &str = "Merchant: {merchant}";
const BUTTON: &str = "Sign in";
const VALID: &str = "The link is valid for 15 minutes, and works once.";
const IGNORE: &str = "If you didn’t ask for it, ignore this e-mail: nobody gets in without it.";
const WHY: &str = "You get this e-mail because somebody asked for a sign-in link for your address.";

#[derive(Template)]
#[template(path = "sign_in_link.html")]
struct LinkHtml<'a> {
    language: Language,
    facts: &'a Facts<'a>,
    url: &'a str,
}

/// The mail with the link `url`, which is a secret; none if it can't be shown.
pub(crate) fn render(to: &EmailAddress, merchant: &MerchantId, shop: Option<&Shop>, url: &str) -> Option<Mail> {
    let name = Face::new(shop, merchant.as_str()).name;
    let facts = &Facts::new(LANGUAGE).name("shop", name).name("merchant", merchant.as_str());
    let blocks = [
        facts.plain(HEADING),
        facts.plain(MERCHANT),
        format!("{BUTTON}:\n{url}"),
        VALID.to_owned(),
        IGNORE.to_owned(),
        WHY.to_owned(),
        LANGUAGE.texts().common.payments_by.to_owned(),
    ];
    Some(Mail {
        to: to.clone(),
        shop: name.to_owned(),
        language: LANGUAGE,
        reply_to: None,
        subject: without_encoded_words(&facts.plain(SUBJECT)),
        text: blocks.join("\n\n") + "\n",
        html: LinkHtml { language: LANGUAGE, facts, url }.render().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{HOSTILE, assert_both_say, assert_fetches_nothing, assert_shows_hostile, shop};

    const URL: &str = "https://pay.example.com/console/sign-in/T0k3n";

    fn render_for(shop: Option<&Shop>) -> Mail {
        let (to, merchant) = (samples::text("ada@shop.example"), "acme".parse().unwrap());
        render(&to, &merchant, shop, URL).unwrap()
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
        assert_both_say(&mail, &["Sign in to the console of", "Bright Candles", "acme", URL, VALID, WHY]);
        assert!(mail.html.contains("lang=\"en-GB\"") && mail.html.contains("nobody gets in without it"));
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
