//! A mail to the payer of a session.
//!
//! No mail shows anything that the payer typed: who gives somebody else's address can't make us mail them a text of
//! their own. Nor does one show a session's id, which opens the checkout.

use askama::Template;
use models::{EmailAddress, Mode, Session};

/// A mail, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mail {
    /// Whom it is for.
    pub(crate) to: EmailAddress,
    /// One line, without control characters and encoded words.
    pub(crate) subject: String,
    /// The body as plain text.
    pub(crate) text: String,
    /// The same as HTML.
    pub(crate) html: String,
}

impl Mail {
    /// To the payer of `session`; none if there is no address.
    pub(crate) fn to_payer(
        session: &Session,
        subject: &str,
        text: &impl Template,
        html: &impl Template,
    ) -> Option<Self> {
        let test = match session.mode {
            Mode::Test => "[Test] ",
            Mode::Live => "",
        };
        Some(Self {
            to: session.payer.as_ref()?.email.clone()?,
            subject: format!("{test}{}", without_encoded_words(subject)),
            // Templates fail only if what they show can't be shown, and texts always can.
            text: text.render().ok()?,
            html: html.render().ok()?,
        })
    }
}

/// A header's text in which nothing is an encoded word (`=?utf-8?q?…?=`, RFC 2047, 2), so that a mail program shows a
/// name as it is written, whether or not SES encodes what is around it.
fn without_encoded_words(text: &str) -> String {
    text.replace("=?", "= ?")
}
