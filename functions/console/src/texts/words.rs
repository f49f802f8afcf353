//! What states, events, ways to pay, acts and their reasons are called.

mod english;
mod french;
mod german;
mod spanish;
mod welsh;

use pages::Language;

pages::texts! {
    /// What states, events, ways to pay, acts and their reasons are called.
    pub(crate) WordTexts {
        // How a payment stands.
        awaits_payer,
        awaits_choice,
        awaits_consent,
        pending,
        paid,
        taken_back,
        failed,
        cancelled,
        expired,
        // How a refund stands.
        refund_awaits_account,
        refund_awaits_authorisation,
        refund_at_provider,
        refund_being_sent,
        refund_sent,
        // The same in a sentence.
        /// `{state}` of a payment, after “this payment”; in Welsh a clause of its own.
        is_waiting,
        is_on_its_way,
        is_paid,
        has_failed,
        was_cancelled,
        has_expired,
        // What happened to a payment.
        created,
        payer_identified,
        way_chosen,
        consent_given,
        settled,
        declined_by_payer,
        declined_by_bank,
        insufficient_funds,
        underpaid,
        cancelled_by_merchant,
        cancelled_by_payer,
        deleted_by_merchant,
        time_passed,
        attempt_ended,
        // What happened to a refund.
        refund_created,
        refund_details_given,
        refund_settled,
        refund_declined,
        refund_declined_by_bank,
        refund_insufficient_funds,
        refund_cancelled,
        refund_cancelled_at_bank,
        refund_payment_deleted,
        refund_time_passed,
        // What somebody did.
        /// `{what}` is what somebody did; in Welsh without a person.
        did,
        was_refused,
        a_person,
        the_command_line,
        unknown_operator,
        act_refund_made,
        act_refund_cancelled,
        act_refund_concluded,
        act_payment_cancelled,
        act_personal_data_shown,
        act_signed_in,
        act_signed_out,
        act_sign_in_link_made,
        act_person_added,
        act_role_changed,
        act_person_removed,
        act_personal_data_erased,
        act_webhook_registered,
        act_webhook_changed,
        act_webhook_removed,
        act_webhook_resumed,
        act_secret_rolled,
        act_event_resent,
        act_test_event_sent,
        act_key_issued,
        act_key_rolled,
        act_key_revoked,
        act_account_linked,
        act_account_unlinked,
        act_shop_changed,
        act_payment_link_made,
        act_exported,
        // Why.
        reason_returned,
        reason_not_delivered,
        reason_duplicate,
        reason_goodwill,
        reason_other,
        /// Why money was taken back; stands after a colon.
        taken_back_chargeback,
        taken_back_indemnity,
        taken_back_returned,
        // Ways to pay.
        method_card,
        method_card_present,
        method_bacs_debit,
        method_sepa_debit,
        method_autogiro,
        method_bank_transfer,
        method_direct_transfer,
        method_gbp_credit_transfer,
        method_pay_by_bank,
        method_buy_now_pay_later,
    }
}

in_each_language!(WordTexts);

/// What is written as in English.
#[cfg(test)]
pub(super) const AS_IN_ENGLISH: &[(Language, &str)] = &[
    (Language::French, "did"),
    (Language::German, "did"),
    (Language::Spanish, "did"),
    (Language::French, "method_autogiro"),
    (Language::German, "method_autogiro"),
    (Language::Spanish, "method_autogiro"),
    (Language::Welsh, "method_autogiro"),
];
