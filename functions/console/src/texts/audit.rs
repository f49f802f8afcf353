//! The audit.

mod english;
mod french;
mod german;
mod spanish;
mod welsh;

use pages::Language;

pages::texts! {
    /// The audit.
    pub(crate) AuditTexts {
        heading,
        // The list, and its filters.
        intro,
        who,
        what,
        anything,
        from,
        to,
        filter_button,
        none_of_these,
        none,
        list,
        when,
        to_what,
        why,
        refused,
        further_back,
        older,
        export_hint,
        export_button,
        // What is wrong with the filters.
        address_wrong,
        /// `{field}` is a name in the address.
        given_twice,
        not_a_filter,
        older_wrong,
        what_wrong,
        who_too_long,
        export_wrong_heading,
        export_wrong_text,
        // What it was done to.
        payment,
        refund,
        customer,
        webhook,
        event,
        key,
        /// `{end}` is the end of the account’s number.
        account,
        shop,
        payments,
        /// Instead of a reason that was noted.
        noted,
        // What was done.
        signed_out_everywhere,
        refund_made,
        refund_cancelled,
        refund_concluded,
        payment_cancelled,
        personal_data_shown,
        personal_data_erased,
        signed_in,
        signed_out,
        person_added,
        sign_in_link_made,
        role_changed,
        person_removed,
        webhook_registered,
        webhook_changed,
        webhook_removed,
        webhook_resumed,
        secret_rolled,
        event_resent,
        test_event_sent,
        key_issued,
        key_rolled,
        key_revoked,
        account_linked,
        account_unlinked,
        shop_changed,
        payment_link_made,
        exported,
    }
}

in_each_language!(AuditTexts);

/// What is written as in English.
#[cfg(test)]
pub(super) const AS_IN_ENGLISH: &[(Language, &str)] = &[
    (Language::French, "webhook"),
    (Language::German, "webhook"),
    (Language::Spanish, "webhook"),
    (Language::Welsh, "webhook"),
];
