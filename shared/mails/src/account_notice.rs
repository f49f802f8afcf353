//! Says to an owner that somebody linked or unlinked an account. Pure: a notice in, a mail out.

use askama::Template;
use models::{EmailAddress, Shop};
use pages::{Face, Facts, Language, Zone};
use store::{AccountChange, AccountNotice};

use crate::mail::Mail;
use crate::sender::without_encoded_words;

/// Which language an owner reads is not known.
const LANGUAGE: Language = Language::English;

const LINKED: &str = "An account was linked to {shop}";
const UNLINKED: &str = "An account was unlinked from {shop}";
const MERCHANT: &str = "Merchant: {merchant}";
const DONE_BY: &str = "The account ending {account}, by {by} on {at}.";
const LIVE_FROM: &str = "Live payments can be paid into it from {from} on.";
const NO_MORE: &str = "No new payment can be paid into it. Those that were created before still are.";
const NOT_YOU: &str =
    "If none of you did this, sign in to the console now, unlink the account, and remove who did it from its people.";
const NOT_YOU_UNLINKED: &str =
    "If none of you did this, sign in to the console now, and remove who did it from its people.";
const WHY: &str = "You get this e-mail because you own {merchant} in the console: whenever an account is linked or unlinked there, all owners do.";

#[derive(Template)]
#[template(path = "account_notice.html")]
struct NoticeHtml<'a> {
    language: Language,
    facts: &'a Facts<'a>,
    heading: &'a str,
    /// What follows from it, and what to do if it was nobody of them.
    then: [&'a str; 2],
}

/// The mail to the owner with this address; none if it can't be shown.
pub fn render(to: &EmailAddress, notice: &AccountNotice, shop: Option<&Shop>) -> Option<Mail> {
    let AccountNotice { merchant_id, account, change, by, at } = notice;
    let name = Face::new(shop, merchant_id.as_str()).name;
    let facts = Facts::new(LANGUAGE)
        .name("shop", name)
        .name("merchant", merchant_id.as_str())
        .name("by", by.as_str())
        .text("account", account.as_str())
        .time("at", *at, Zone::London);
    let (facts, heading, then) = match change {
        AccountChange::Linked { live_from } => {
            (facts.time("from", *live_from, Zone::London), LINKED, [LIVE_FROM, NOT_YOU])
        }
        AccountChange::Unlinked => (facts, UNLINKED, [NO_MORE, NOT_YOU_UNLINKED]),
    };
    let [follows, not_you] = then;
    let facts = &facts;
    let mut blocks: Vec<String> =
        [heading, MERCHANT, DONE_BY, follows, not_you, WHY].iter().map(|text| facts.plain(text)).collect();
    blocks.push(LANGUAGE.texts().common.payments_by.to_owned());
    Some(Mail {
        to: to.clone(),
        shop: name.to_owned(),
        language: LANGUAGE,
        reply_to: None,
        subject: without_encoded_words(&facts.plain(heading)),
        text: blocks.join("\n\n") + "\n",
        html: NoticeHtml { language: LANGUAGE, facts, heading, then }.render().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{HOSTILE, assert_both_say, assert_fetches_nothing, assert_shows_hostile, shop};

    fn notice(change: AccountChange) -> AccountNotice {
        AccountNotice {
            merchant_id: "acme".parse().unwrap(),
            account: samples::text("5678"),
            change,
            by: samples::text("ada@shop.example"),
            at: "2026-01-31T09:30:00Z".parse().unwrap(),
        }
    }

    fn linked() -> AccountNotice {
        notice(AccountChange::Linked { live_from: "2026-02-01T09:30:00Z".parse().unwrap() })
    }

    fn render_for(notice: &AccountNotice, shop: Option<&Shop>) -> Mail {
        render(&samples::text("bea@shop.example"), notice, shop).unwrap()
    }

    #[test]
    fn reads_well_as_plain_text() {
        let mail = render_for(&linked(), Some(&samples::shop()));
        assert_eq!((mail.to.as_str(), mail.reply_to.as_ref()), ("bea@shop.example", None));
        assert_eq!(mail.subject, "An account was linked to Bright Candles");
        let expected = "\
An account was linked to Bright Candles

Merchant: acme

The account ending 5678, by ada@shop.example on 31 January 2026, 09:30 (London time).

Live payments can be paid into it from 1 February 2026, 09:30 (London time) on.

If none of you did this, sign in to the console now, unlink the account, and remove who did it from its people.

You get this e-mail because you own acme in the console: whenever an account is linked or unlinked there, all owners do.

Payments by Counterfoil
";
        assert_eq!(mail.text, expected);
    }

    #[test]
    fn html_and_text_say_the_same() {
        for (notice, heading) in
            [(linked(), "An account was linked to"), (notice(AccountChange::Unlinked), "An account was unlinked from")]
        {
            let mail = render_for(&notice, Some(&samples::shop()));
            let said = [heading, "Bright Candles", "acme", "5678", "ada@shop.example", "31 January 2026, 09:30"];
            assert_both_say(&mail, &said);
            assert_fetches_nothing(&mail.html);
        }
    }

    #[test]
    fn names_are_text_and_never_markup() {
        assert_shows_hostile(&render_for(&linked(), Some(&shop(HOSTILE))), 1);
    }
}
