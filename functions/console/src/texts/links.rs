//! Payment links.

mod english;
mod french;
mod german;
mod spanish;
mod welsh;

use pages::Language;

pages::texts! {
    /// Payment links.
    pub(crate) LinkTexts {
        heading,
        back_to_payments,
        // The form.
        /// `{payment}` is a link.
        made_before,
        made_before_payment,
        made_before_deleted,
        made_nothing_more,
        amount,
        /// A point stands before decimals in every language.
        amount_hint,
        to_label,
        what_label,
        what_hint,
        reference_label,
        reference_hint,
        name_label,
        name_hint,
        email_label,
        email_hint,
        by_mail,
        go_on,
        nothing_yet,
        // What is wrong.
        amount_missing,
        amount_wrong,
        amount_zero,
        amount_over,
        to_missing,
        what_missing,
        what_wrong,
        reference_wrong,
        name_missing,
        name_wrong,
        email_missing,
        email_wrong,
        // What is checked.
        check_heading,
        asks_payer,
        asks_anybody,
        paid_to,
        reference,
        own_reference,
        mailed_to,
        mailed_to_nobody,
        make,
        change,
        // Where there can be none.
        live_off,
        format_off,
        /// `{code}` first.
        format_on,
        no_account,
        /// `{link}` is one.
        link_one,
        in_console,
        command,
        // The link.
        link_heading,
        link_text,
        the_link,
        qr_code,
        mailed,
        until,
        the_payment,
        closed_heading,
        closed_text,
    }
}

in_each_language!(LinkTexts);

/// What is written as in English.
#[cfg(test)]
pub(super) const AS_IN_ENGLISH: &[(Language, &str)] = &[];
