//! API keys.

mod english;
mod french;
mod german;
mod spanish;
mod welsh;

use pages::Language;

pages::texts! {
    /// API keys.
    pub(crate) KeyTexts {
        heading,
        // The list.
        used_for_test,
        used_for_live,
        none_yet,
        name,
        state,
        scopes,
        issued_on,
        last_used,
        never_used,
        // How a key stands.
        valid,
        rolled,
        ended,
        revoked,
        // What a key may do.
        everything,
        reads_payments,
        makes_payments,
        refunds_payments,
        changes_webhooks,
        // The form that issues one.
        issue_heading,
        issue_late,
        issue_fresh,
        sign_in_again,
        name_hint,
        name_wrong,
        scopes_label,
        scopes_missing,
        issue_button,
        issue_hint,
        // A key.
        secret_heading,
        secret_text,
        about_heading,
        key,
        last_used_hint,
        change_heading,
        change_fresh,
        roll_heading,
        roll_text,
        overlap,
        hour,
        day,
        week,
        roll_button,
        roll_hint,
        // The check before it is revoked.
        revoke_heading,
        revoke_text,
        revoke_check,
        revoke_title,
        revoke_this,
        revoke_warning,
        revoke_button,
        keep_button,
        // What was refused.
        too_many_heading,
        too_many_text,
        issued_before_heading,
        issued_before_text,
        changed_heading,
        changed_text,
    }
}

in_each_language!(KeyTexts);

/// What is written as in English.
#[cfg(test)]
pub(super) const AS_IN_ENGLISH: &[(Language, &str)] = &[(Language::German, "name")];
