//! Webhook endpoints, their events and deliveries.

mod english;
mod french;
mod german;
mod spanish;
mod welsh;

use pages::Language;

pages::texts! {
    /// Webhook endpoints, their events and deliveries.
    pub(crate) WebhookTexts {
        heading,
        // The list.
        list_text,
        none_yet,
        list,
        state,
        format,
        // How an endpoint does.
        disabled,
        disabled_gone,
        failing,
        delivering,
        last_failed,
        last_n_failed,
        // The form that registers one.
        register_heading,
        note_label,
        format_hint,
        events_label,
        all_to_come,
        register_button,
        // What is wrong with it.
        url_missing,
        url_not_http,
        url_not_https,
        /// `{n}` bytes.
        url_too_long,
        url_credentials,
        url_fragment,
        url_port,
        url_not_public,
        url_unresolved,
        note_wrong,
        format_missing,
        events_missing,
        too_many,
        // An endpoint.
        endpoint_heading,
        resent_heading,
        /// `{n}` events.
        resent_all,
        resent_some,
        go_on,
        tested_heading,
        latency,
        secret_heading,
        secret_text,
        about_heading,
        id,
        note,
        notified_of,
        all_events,
        registered_on,
        secret_before,
        resume,
        disable,
        enable,
        roll,
        finish,
        change_hint,
        test_heading,
        test_button,
        /// `{header}` is a header of HTTP.
        test_hint,
        waiting_heading,
        nothing_waits,
        waiting_text,
        one_more,
        more,
        at_least_more,
        /// At `{time}` they are tried again.
        one_backs_off,
        /// `{n}` payments and refunds, of which the first is tried again at `{time}`.
        back_off,
        /// The same of very many, of which not all are found: the first may be tried again before.
        at_least_back_off,
        again_heading,
        since_label,
        since_hint,
        since_wrong,
        again_button,
        again_hint,
        last_events,
        no_events,
        when,
        what,
        of,
        // An event.
        about_event,
        happened,
        correlation_id,
        resend_button,
        resend_hint,
        deliveries,
        none_sent,
        endpoint,
        outcome,
        took,
        headers,
        headers_hint,
        sent_heading,
        sent_hint,
        sent_to,
        body_for,
        not_shown,
        made_from_body,
        // What came of an attempt.
        answered,
        not_answered,
        /// `{why}` is one of those that follow.
        not_answered_why,
        timed_out,
        not_at_once,
        connection_failed,
        name_not_found,
        address_not_allowed,
        port_not_allowed,
        tls_failed,
        failed_on_purpose,
        // What was refused.
        sent_before_heading,
        sent_before_text,
        disabled_heading,
        disabled_text,
        rolled_heading,
        rolled_text,
        nobody_heading,
        nobody_text,
    }
}

in_each_language!(WebhookTexts);

/// What is written as in English.
#[cfg(test)]
pub(super) const AS_IN_ENGLISH: &[(Language, &str)] = &[
    (Language::French, "heading"),
    (Language::French, "format"),
    (Language::French, "note"),
    (Language::German, "heading"),
    (Language::German, "format"),
    (Language::Spanish, "heading"),
    (Language::Welsh, "heading"),
];
