//! Refunds: their list, the form, and cancellations with their reasons.

mod english;
mod french;
mod german;
mod spanish;
mod welsh;

use pages::Language;

pages::texts! {
    /// Refunds: their list, the form, and cancellations with their reasons.
    pub(crate) RefundTexts {
        heading,
        // The list.
        made,
        amount,
        reference,
        state,
        others,
        /// `{state}` of a refund; `authorise` follows.
        state_before_link,
        authorise,
        none,
        none_so_far,
        none_more,
        none_more_so_far,
        how_made,
        more,
        searched_to,
        these_are_all,
        these_are_all_further,
        search_further,
        // The form.
        form_heading,
        paid,
        refunded,
        left,
        /// `{currency}` is a code.
        amount_label,
        to_payer,
        by_provider,
        to_legend,
        to_hint,
        ask_by_email,
        ask_by_link,
        to_account,
        continue_button,
        nothing_yet,
        amount_missing,
        amount_whole,
        /// `{decimals}` is more than one.
        amount_wrong,
        amount_zero,
        amount_more,
        // What others did before the form came.
        meanwhile_failed,
        meanwhile_refunded,
        meanwhile_other,
        nothing_done,
        check_left,
        // What is checked.
        check_heading,
        check_account,
        check_by_email,
        check_by_link,
        check_by_provider,
        check_amount,
        stays,
        nothing_stays,
        refund,
        of_payment,
        reason,
        notified,
        notified_now_and_sent,
        notified_now,
        notified_sent,
        notified_webhooks,
        provider_warning,
        bank_warning,
        refund_button,
        change,
        // Why a payment is not refunded.
        not_refundable_heading,
        pays_refund,
        not_sent,
        nothing_left,
        taken_back,
        wrong_account,
        not_by_bank,
        too_many,
        // What is cancelled: `cancel_…` is a heading and the button.
        cancel_payment,
        cancel_payment_text,
        cancel_refund,
        cancel_refund_text,
        no_undo,
        payment_not_cancellable_heading,
        payment_stands,
        refund_instead,
        refund_once_paid,
        payment_may_move,
        refund_not_cancellable_heading,
        refund_submitted,
        refund_sent,
        refund_failed,
        refund_may_move,
        // Why somebody refunds or cancels.
        why,
        reason_missing,
        note_label,
        note_hint,
        note_missing,
        note_wrong,
        note_lost,
    }
}

in_each_language!(RefundTexts);

/// What is written as in English.
#[cfg(test)]
pub(super) const AS_IN_ENGLISH: &[(Language, &str)] = &[
    (Language::German, "state_before_link"),
    (Language::Spanish, "state_before_link"),
    (Language::Welsh, "state_before_link"),
];
