//! All texts that a payer, a customer or a merchant's person reads, in a file for each language: one that lacks a text does not
//! build. What stands in braces is filled by [`Facts`](crate::Facts).

mod english;
mod french;
mod german;
mod spanish;
#[cfg(test)]
mod tests;
mod welsh;

use crate::money::Numbers;
use crate::time::Calendar;

pub(crate) use english::TEXTS as ENGLISH;
pub(crate) use french::TEXTS as FRENCH;
pub(crate) use german::TEXTS as GERMAN;
pub(crate) use spanish::TEXTS as SPANISH;
pub(crate) use welsh::TEXTS as WELSH;

/// Declares texts of one area, and what lists them for the tests of the crate that declares them.
#[macro_export]
macro_rules! texts {
    ($(#[$doc:meta])* $vis:vis $area:ident { $($(#[$text_doc:meta])* $text:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        $vis struct $area {
            $($(#[$text_doc])* $vis $text: &'static str,)+
        }

        #[cfg(test)]
        impl $area {
            /// Each text by its name.
            pub(crate) fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($text), self.$text),)+]
            }
        }
    };
}

/// All texts in one language, and how it writes amounts and times.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "each is the area of its name")]
pub struct Texts {
    pub(crate) numbers: Numbers,
    pub(crate) calendar: Calendar,
    pub common: CommonTexts,
    pub checkout: CheckoutTexts,
    pub methods: MethodTexts,
    pub transfers: TransferTexts,
    pub refunds: RefundTexts,
    pub problems: ProblemsTexts,
    pub mails: MailTexts,
}

texts! {
    /// What pages and mails share.
    #[expect(missing_docs, reason = "a text's name says where it stands, and the text what it says")]
    pub CommonTexts {
        test_mode,
        payments_by,
        help,
        errors_heading,
        error_prefix,
        /// `{what}` of a session that pays for something, with its article.
        the_payment,
        /// `{what}` of a session that pays a refund.
        the_refund,
        london_time,
        paris_time,
        stockholm_time,
        utc,
    }
}

texts! {
    /// The checkout.
    #[expect(missing_docs, reason = "a text's name says where it stands, and the text what it says")]
    pub CheckoutTexts {
        // What is paid.
        summary,
        pay_shop,
        refund_to,
        to,
        account_ending,
        total,
        reference,
        /// How many line items there are, if it is one.
        one_item,
        /// How many line items there are, if it is another number.
        items,
        more_items,
        what_for,
        // The way through.
        steps,
        step_details,
        step_bank,
        step_approve,
        step_done,
        // Who pays.
        details_heading,
        details_intro,
        details_intro_name_known,
        details_privacy,
        name_label,
        email_label,
        email_label_optional,
        email_hint,
        email_hint_receipt,
        email_hint_bank,
        name_missing,
        name_wrong,
        email_missing,
        email_wrong,
        details_continue,
        // Which bank.
        bank_heading,
        bank_again_heading,
        bank_intro,
        bank_privacy,
        bank_list,
        bank_search,
        bank_search_button,
        bank_not_found,
        bank_all,
        bank_down_for_maintenance,
        no_bank,
        no_other_bank,
        ask_shop_how_else,
        ended_declined_by_payer,
        ended_declined_by_bank,
        ended_insufficient_funds,
        ended_cancelled,
        ended_not_begun,
        // The way to the bank.
        your_bank,
        approve_heading,
        approve_intro,
        approve_continue,
        choose_another,
        choose_another_intro,
        choose_another_intro_at_consent,
        back_to_bank,
        // Ways out.
        cancel,
        cancel_intro,
        cancel_intro_at_consent,
        cancel_button,
        pay_until,
        phone_heading,
        phone_intro,
        // What becomes of it.
        pending_heading,
        pending_text,
        pending_close,
        check_again,
        check_every,
        checks_every,
        stop_checking,
        return_to_shop,
        time_up_heading,
        time_up_text,
        paid,
        not_paid,
        refunded,
        not_refunded,
        sent_heading,
        refund_sent_heading,
        sent_text,
        receipt_coming,
        sent_at,
        payment_id,
        no_money_left,
        bank_can_say_why,
        start_again,
        declined_by_payer,
        declined_by_bank,
        insufficient_funds,
        cancelled_by_payer,
        cancelled_by_shop,
        expired_heading,
        expired_again,
        expired_again_refund,
        payment_not_made,
        refund_not_made,
        late_money,
        can_close,
    }
}

texts! {
    /// The checkout of a session that can be paid in other ways than by bank.
    #[expect(missing_docs, reason = "a text's name says where it stands, and the text what it says")]
    pub MethodTexts {
        // Who pays, before the choice.
        details_intro,
        details_intro_name_known,
        details_continue,
        // Which way.
        step,
        heading,
        again_heading,
        intro,
        list,
        none,
        no_other,
        choose_another,
        all_ways,
        card,
        card_about,
        card_present,
        card_present_about,
        bacs_debit,
        bacs_debit_about,
        sepa_debit,
        sepa_debit_about,
        autogiro,
        autogiro_about,
        bank_transfer,
        bank_transfer_about,
        direct_transfer,
        direct_transfer_about,
        gbp_credit_transfer,
        gbp_credit_transfer_about,
        pay_by_bank,
        pay_by_bank_about,
        buy_now_pay_later,
        buy_now_pay_later_about,
        // Cards.
        card_approve_heading,
        card_approve_intro,
        card_ended_declined,
        card_ended_insufficient_funds,
        card_declined,
        card_insufficient_funds,
        debit_approve_heading,
        debit_approve_intro,
        debit_ended_declined,
        debit_ended_insufficient_funds,
        debit_pending_heading,
        debit_pending_text,
        debit_paid_text,
        plan_approve_heading,
        plan_approve_intro,
        plan_ended_declined,
        plan_declined,
        plan_pending_heading,
        plan_pending_text,
        plan_paid_text,
        no_money_taken,
        // What came of it.
        paid_text,
        paid_with,
        /// `{brand}` is a name, `{number}` the last digits.
        card_ending,
        taken_back,
    }
}

texts! {
    /// The page of a payer who makes a transfer of their own.
    #[expect(missing_docs, reason = "a text's name says where it stands, and the text what it says")]
    pub TransferTexts {
        heading,
        heading_missing,
        intro,
        /// Where the account is this payment's own.
        intro_own_account,
        missing,
        account_name,
        amount,
        reference,
        copy_hint,
        code_heading,
        code_intro,
        wait,
        late,
        choose_another_intro,
        cancel_intro,
        underpaid_heading,
        underpaid_returned,
        excess,
        time_up_text,
    }
}

texts! {
    /// The page of a refund, where the customer says which account it goes to.
    #[expect(missing_docs, reason = "a text's name says where it stands, and the text what it says")]
    pub RefundTexts {
        summary,
        refund_from,
        your_payment,
        payment_reference,
        paid_at,
        refund_reference,
        steps,
        step_account,
        step_check,
        details_heading,
        details_intro,
        details_intro_iban,
        name_label,
        sort_code_label,
        sort_code_hint,
        account_number_label,
        account_number_hint,
        iban_hint,
        name_missing,
        name_wrong,
        sort_code_missing,
        sort_code_wrong,
        account_number_missing,
        account_number_wrong,
        iban_missing,
        iban_wrong,
        iban_elsewhere,
        details_continue,
        details_next,
        details_until,
        check_heading,
        check_intro,
        check_name,
        check_warning,
        check_confirm,
        check_change,
        approval_heading,
        approval_text,
        sending_heading,
        sending_text,
        sent_heading,
        sent_text,
        sent_at,
        too_late_heading,
        too_late_text,
        not_made_heading,
        not_made_text,
        can_close,
    }
}

texts! {
    /// What could not be done.
    #[expect(missing_docs, reason = "a text's name says where it stands, and the text what it says")]
    pub ProblemsTexts {
        not_found_heading,
        not_found_text,
        method_heading,
        method_text,
        malformed_heading,
        malformed_text,
        not_our_form_heading,
        not_our_form_text,
        too_long_heading,
        too_long_text,
        unavailable_heading,
        unavailable_text,
        internal_heading,
        internal_text,
        unknown_bank_heading,
        unknown_bank_text,
        bank_down_heading,
        bank_down_text,
        too_many_attempts_heading,
        too_many_attempts_text,
        back_to_payment,
        back_to_refund,
        ask_shop,
    }
}

texts! {
    /// Mails.
    #[expect(missing_docs, reason = "a text's name says where it stands, and the text what it says")]
    pub MailTexts {
        /// Whom a mail is from.
        sender,
        test_subject,
        test_payment,
        test_refund,
        test_refund_to_come,
        test_payment_to_come,
        // Receipts.
        receipt_subject,
        receipt_heading,
        paid_on,
        item,
        item_amount,
        ask_about_payment,
        // What leads to the checkout.
        link_subject,
        link_asks,
        link_button,
        link_until,
        link_check,
        ask_about_payment_to_come,
        // What asks where a refund should go.
        refund_question_subject,
        refund_heading,
        all_refunded,
        part_refunded,
        refund_question,
        refund_question_button,
        refund_question_until,
        refund_question_until_iban,
        order_heading,
        order_check,
        // Refunds that were sent.
        refund_sent_subject,
        refund_sent,
        refund_soon,
        refund_id,
        sent_at,
        your_payment,
        ask_about_refund,
        // What asks the merchant to authorise a refund.
        refund_approval_subject,
        refund_approval_heading,
        all_to_refund,
        part_to_refund,
        refund_approval,
        refund_approval_button,
        refund_approval_until,
        refunded_payment,
        // What leads to the console.
        sign_in_subject,
        sign_in_heading,
        sign_in_merchant,
        sign_in_button,
        sign_in_valid,
        sign_in_ignore,
        sign_in_why,
        // Every mail.
        why_you,
        why_shop,
        replies,
    }
}
