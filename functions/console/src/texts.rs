//! All texts of the console, in a file for each area and language: one that lacks a text does not build. What stands in braces is
//! filled by [`pages::Facts`].

/// An area's texts by language, of the files beside it.
macro_rules! in_each_language {
    ($area:ident) => {
        /// In this language.
        pub(super) const fn of(language: Language) -> &'static $area {
            match language {
                Language::English => &english::TEXTS,
                Language::French => &french::TEXTS,
                Language::German => &german::TEXTS,
                Language::Spanish => &spanish::TEXTS,
                Language::Welsh => &welsh::TEXTS,
            }
        }
    };
}

mod accounts;
mod audit;
mod frame;
mod keys;
mod links;
mod overview;
mod payments;
mod people;
mod refunds;
mod shop;
mod sign_in;
#[cfg(test)]
mod tests;
mod webhooks;
mod words;

use pages::Language;

pub(crate) use self::accounts::AccountTexts;
pub(crate) use self::audit::AuditTexts;
pub(crate) use self::frame::FrameTexts;
pub(crate) use self::keys::KeyTexts;
pub(crate) use self::links::LinkTexts;
pub(crate) use self::overview::OverviewTexts;
pub(crate) use self::payments::PaymentTexts;
pub(crate) use self::people::PeopleTexts;
pub(crate) use self::refunds::RefundTexts;
pub(crate) use self::shop::ShopTexts;
pub(crate) use self::sign_in::SignInTexts;
pub(crate) use self::webhooks::WebhookTexts;
pub(crate) use self::words::WordTexts;

/// All texts in one language, each area by its name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Texts {
    pub(crate) frame: &'static FrameTexts,
    pub(crate) words: &'static WordTexts,
    pub(crate) sign_in: &'static SignInTexts,
    pub(crate) overview: &'static OverviewTexts,
    pub(crate) payments: &'static PaymentTexts,
    pub(crate) refunds: &'static RefundTexts,
    pub(crate) links: &'static LinkTexts,
    pub(crate) webhooks: &'static WebhookTexts,
    pub(crate) keys: &'static KeyTexts,
    pub(crate) accounts: &'static AccountTexts,
    pub(crate) shop: &'static ShopTexts,
    pub(crate) people: &'static PeopleTexts,
    pub(crate) audit: &'static AuditTexts,
}

/// All texts in this language.
pub(crate) const fn texts(language: Language) -> Texts {
    Texts {
        frame: frame::of(language),
        words: words::of(language),
        sign_in: sign_in::of(language),
        overview: overview::of(language),
        payments: payments::of(language),
        refunds: refunds::of(language),
        links: links::of(language),
        webhooks: webhooks::of(language),
        keys: keys::of(language),
        accounts: accounts::of(language),
        shop: shop::of(language),
        people: people::of(language),
        audit: audit::of(language),
    }
}

/// What of a text stands before a placeholder, and what after it: a page writes markup in its place.
pub(crate) fn around(text: &'static str, placeholder: &str) -> (&'static str, &'static str) {
    text.split_once(placeholder).unwrap_or((text, ""))
}
