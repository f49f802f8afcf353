//! People and their roles.

mod english;
mod french;
mod german;
mod spanish;
mod welsh;

use pages::Language;

pages::texts! {
    /// People and their roles.
    pub(crate) PeopleTexts {
        heading,
        // The list.
        who,
        role,
        last_signed_in,
        is_you,
        never,
        // What each role may do.
        role_look,
        role_refund,
        role_develop,
        role_own,
        // Adding somebody.
        add_heading,
        add_stale,
        sign_in_again,
        email_label,
        email_wrong,
        role_label,
        role_missing,
        add_button,
        there_already,
        too_many,
        // A sign-in link, once it is made.
        added_heading,
        added_text,
        link_heading,
        link_for,
        link_text,
        all_people,
        their_page,
        // One person.
        /// Before a time.
        added,
        /// Before `you`.
        this_is,
        you,
        change_stale_heading,
        change_stale,
        role_button,
        role_hint,
        /// `{command}` makes a sign-in link.
        own_link,
        own_link_refused,
        make_link_text,
        make_link_button,
        browsers_heading,
        sign_out_text,
        sign_out_button,
        remove_heading,
        remove_text,
        remove_button,
        // What was not done.
        last_owner,
        too_many_links,
        not_ended,
        meanwhile,
    }
}

in_each_language!(PeopleTexts);

/// What is written as in English.
#[cfg(test)]
pub(super) const AS_IN_ENGLISH: &[(Language, &str)] = &[];
