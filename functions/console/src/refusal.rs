//! The page that says in words why something was not done.

use askama::Template;
use models::SessionState;
use pages::Shell;

use crate::frame::Frame;

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
    payment_path: String,
}

impl<'a> RefusalPage<'a> {
    pub(crate) fn new(
        frame: &'a Frame<'a>,
        heading: &'static str,
        text: String,
        news: Option<String>,
        payment_path: String,
    ) -> Self {
        Self { shell: frame.shell(), frame, heading, text, news, payment_path }
    }
}

/// A payment's state, after “this payment”.
pub(crate) const fn state_in_words(state: SessionState) -> &'static str {
    match state {
        SessionState::AwaitingPayer | SessionState::AwaitingProvider | SessionState::AwaitingPaymentConsent => {
            "is waiting for its payer"
        }
        SessionState::Pending => "is on its way: the bank has accepted it, and it isn’t paid yet",
        SessionState::Sent => "is paid",
        SessionState::Failed => "has failed",
        SessionState::Cancelled => "was cancelled",
        SessionState::Expired => "has expired",
    }
}
