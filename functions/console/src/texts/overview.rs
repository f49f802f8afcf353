//! The overview.

mod english;
mod french;
mod german;
mod spanish;
mod welsh;

use pages::Language;

pages::texts! {
    /// The overview.
    pub(crate) OverviewTexts {
        heading,
        // What needs a person.
        needs_heading,
        nothing_needed,
        /// A payment's or endpoint's name, as a link, and what it needs.
        needed,
        pending_since,
        /// Stands after “Refunds:”.
        one_awaits,
        /// `{n}` refunds.
        others_await,
        payment_name,
        /// Stands after the payment’s name and a colon.
        mail_not_arrived,
        searched_to,
        /// Of links: `{payments}` first.
        older,
        older_payments,
        older_refunds,
        // Which time is shown.
        periods,
        period_day,
        period_week,
        period_month,
        period_quarter,
        some_being_counted,
        load_again,
        some_uncountable,
        // Where there is nothing.
        none_in_test,
        none_in_live,
        make_first,
        none_ended,
        // Payments by the hour or day.
        about_hours,
        about_days,
        about_waits,
        about_clocks,
        ended,
        /// Of payments.
        paid,
        success_rate,
        /// Within what time it is; of those that were paid.
        half_paid,
        most_paid,
        percent,
        within,
        beyond,
        /// `{n}` seconds, of which a `{span}` is one; in German in the dative, as all of these.
        seconds,
        minutes,
        hours,
        one_day,
        days,
        payments_by_hour,
        payments_by_day,
        payments_chart_by_hour,
        payments_chart_by_day,
        payments_table_by_hour,
        payments_table_by_day,
        hour,
        day,
        not_paid,
        being_counted,
        uncountable,
        // What was paid in one currency, which has this `{code}`.
        volume,
        failed,
        cancelled,
        expired,
        /// Of money.
        refunded,
        refunds_sent,
        refunds_failed,
        volume_by_hour,
        volume_by_day,
        volume_chart_by_hour,
        volume_chart_by_day,
        volume_table_by_hour,
        volume_table_by_day,
        /// Of money.
        sum_paid,
        taken_back_later,
        // Why payments were not paid, and how they were.
        reasons_heading,
        reason,
        methods_heading,
        method,
        /// Of payments.
        method_ended,
        rate,
        not_chosen,
        // An hour and a day, in short.
        date_and_hour,
        /// The number of a month’s first day.
        first_day,
        january,
        february,
        march,
        april,
        may,
        june,
        july,
        august,
        september,
        october,
        november,
        december,
    }
}

in_each_language!(OverviewTexts);

/// What is written as in English.
#[cfg(test)]
pub(super) const AS_IN_ENGLISH: &[(Language, &str)] = &[
    (Language::French, "volume"),
    (Language::German, "needed"),
    (Language::German, "first_day"),
    (Language::Spanish, "needed"),
    (Language::Spanish, "date_and_hour"),
    (Language::Spanish, "first_day"),
    (Language::Welsh, "needed"),
    (Language::Welsh, "percent"),
    (Language::Welsh, "date_and_hour"),
    (Language::Welsh, "first_day"),
];
