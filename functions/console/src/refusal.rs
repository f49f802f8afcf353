//! The page that says in words why something was not done.

use askama::Template;
use models::SessionState;
use pages::{Back, Language, Shell};

use crate::frame::Frame;
use crate::texts::texts;

/// What was not done, and why.
#[derive(Template)]
#[template(path = "refusal.html")]
pub(crate) struct RefusalPage<'a> {
    shell: Shell<'a>,
    frame: &'a Frame<'a>,
    heading: &'static str,
    text: String,
    /// What has happened meanwhile.
    news: Option<String>,
    /// Where it stands.
    back: Back,
}

impl<'a> RefusalPage<'a> {
    pub(crate) fn new(
        frame: &'a Frame<'a>,
        heading: &'static str,
        text: String,
        news: Option<String>,
        payment_path: String,
    ) -> Self {
        let back = Back { path: payment_path, label: frame.texts().frame.back_to_payment };
        Self { shell: frame.shell(), frame, heading, text, news, back }
    }

    /// One that is about no payment: it leads to the overview.
    pub(crate) fn of_no_payment(frame: &'a Frame<'a>, heading: &'static str, text: String) -> Self {
        let back = Back { path: format!("{}/overview", frame.root()), label: frame.texts().frame.to_overview };
        Self { shell: frame.shell(), frame, heading, text, news: None, back }
    }
}

/// A payment's state, for the `{state}` of a sentence about it: after “this payment”; in Welsh a clause of its own.
pub(crate) const fn state_in_words(state: SessionState, language: Language) -> &'static str {
    let t = texts(language).words;
    match state {
        SessionState::AwaitingPayer | SessionState::AwaitingProvider | SessionState::AwaitingPaymentConsent => {
            t.is_waiting
        }
        SessionState::Pending => t.is_on_its_way,
        SessionState::Sent => t.is_paid,
        SessionState::Failed => t.has_failed,
        SessionState::Cancelled => t.was_cancelled,
        SessionState::Expired => t.has_expired,
    }
}
