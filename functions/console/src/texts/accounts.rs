//! Linked accounts.

mod english;
mod french;
mod german;
mod spanish;
mod welsh;

use pages::Language;

pages::texts! {
    /// Linked accounts.
    pub(crate) AccountTexts {
        heading,
        // The list.
        intro,
        none_yet,
        account,
        linked,
        live_payments,
        change,
        uk_account,
        /// `{kind}` is what names the account.
        comes_first,
        by_operator,
        live_from,
        live_now,
        unlink_button,
        /// `{end}` is the end of the account’s number.
        unlink_account,
        // The form.
        link_heading,
        sign_in_text,
        sign_in_again,
        kind_legend,
        kind_uk,
        kind_iban,
        continue_button,
        link_hint,
        linked_already,
        // What was typed, to be checked.
        check_heading,
        check_text,
        holder,
        check_warning,
        link_button,
        edit_button,
        // Unlinking.
        unlink_heading,
        unlink_warning,
        last_warning,
        unlink_confirm,
        keep,
        // What was refused.
        too_many_heading,
        too_many_text,
    }
}

in_each_language!(AccountTexts);

/// What is written as in English.
#[cfg(test)]
pub(super) const AS_IN_ENGLISH: &[(Language, &str)] = &[];
