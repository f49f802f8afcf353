//! Signing in and out.

mod english;
mod french;
mod german;
mod spanish;
mod welsh;

use pages::Language;

pages::texts! {
    /// Signing in and out.
    pub(crate) SignInTexts {
        heading,
        // Who one is.
        company_link,
        by_mail,
        email_label,
        email_wrong,
        ask_button,
        ask_hint,
        /// `{command}` makes a sign-in link.
        by_operator,
        /// `{link}` is `go_on_link`.
        go_on,
        go_on_link,
        // That a link was asked for.
        sent_heading,
        sent_text,
        sent_help,
        /// `{link}` is `ask_again_link`.
        ask_again,
        ask_again_link,
        // A sign-in link.
        link_heading,
        merchant,
        /// Before an e-mail address.
        you_are,
        link_hint,
        spent_heading,
        /// `{link}` is `spent_link`.
        spent_text,
        spent_link,
        // Which merchant.
        choice_heading,
        /// `{n}` merchants, two at the least.
        choice_text,
        choice_list,
        /// Quotes `frame.another_merchant`.
        choice_hint,
        // Why nobody is signed in.
        start_again,
        expired_heading,
        expired_text,
        declined_heading,
        declined_text,
        unconfirmed_heading,
        unconfirmed_text,
        no_address_heading,
        no_address_text,
        no_group_heading,
        no_group_text,
        not_fresh_heading,
        not_fresh_text,
        last_owner_heading,
        last_owner_text,
        too_many_heading,
        too_many_text,
        meanwhile_heading,
        meanwhile_text,
    }
}

in_each_language!(SignInTexts);

/// What is written as in English.
#[cfg(test)]
pub(super) const AS_IN_ENGLISH: &[(Language, &str)] = &[];
