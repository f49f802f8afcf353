//! What every page bears around its own, and what can go wrong on any.

mod english;
mod french;
mod german;
mod spanish;
mod welsh;

use pages::Language;

pages::texts! {
    /// What every page bears around its own, and what can go wrong on any.
    pub(crate) FrameTexts {
        console,
        navigation,
        // The parts.
        overview,
        payments,
        refunds,
        webhooks,
        keys,
        accounts,
        shop,
        people,
        audit,
        // Where else to go.
        go_to_live,
        go_to_test,
        another_merchant,
        sign_out,
        // What pages share.
        same_by_api,
        same_by_operator,
        back_to_payment,
        // What was refused, or is not there.
        to_overview,
        not_there_text,
        not_allowed_heading,
        not_allowed_text,
        not_our_form_heading,
        not_our_form_text,
    }
}

in_each_language!(FrameTexts);

/// What is written as in English.
#[cfg(test)]
pub(super) const AS_IN_ENGLISH: &[(Language, &str)] = &[
    (Language::French, "navigation"),
    (Language::French, "webhooks"),
    (Language::German, "webhooks"),
    (Language::Spanish, "webhooks"),
    (Language::Welsh, "webhooks"),
    (Language::German, "shop"),
];
