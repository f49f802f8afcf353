//! The shop, as payers see it.

mod english;
mod french;
mod german;
mod spanish;
mod welsh;

use pages::Language;

pages::texts! {
    /// The shop, as payers see it.
    pub(crate) ShopTexts {
        heading,
        // The form.
        payers_see,
        name_label,
        name_hint,
        name_wrong,
        email_label,
        email_hint,
        email_wrong,
        help_label,
        help_hint,
        website_label,
        website_hint,
        /// Of both addresses; like `{example}`.
        url_wrong,
        colour_label,
        colour_hint,
        colour_wrong,
        /// `{contrast}` is what `{colour}` has, and `{needed}` what it needs: both like `4.5:1`.
        colour_unreadable,
        preview_button,
        save_button,
        /// Before a command.
        logo_hint,
        // What somebody else changed meanwhile.
        /// `{shop}` is a list of all that is known of it.
        changed_meanwhile,
        nameless_meanwhile,
        // The preview.
        preview_heading,
        preview_text,
        edit_button,
        page_heading,
        mail_heading,
        mail_from,
        mail_subject,
        mail_replies,
        receipt,
        // What it shows: who pays for what.
        example,
        example_item,
    }
}

in_each_language!(ShopTexts);

/// What is written as in English.
#[cfg(test)]
pub(super) const AS_IN_ENGLISH: &[(Language, &str)] =
    &[(Language::German, "heading"), (Language::German, "name_label")];
