//! Why nobody is signed in with a company account, in words.

use askama::Template;
use lambda_http::http::StatusCode;
use pages::{Answer, Language, Shell};

use crate::back::Back;
use crate::frame::nobodys;
use crate::texts::{SignInTexts, Texts, texts};

#[derive(Template)]
#[template(path = "sign_in/refused.html")]
struct RefusedPage<'a> {
    shell: &'a Shell<'a>,
    t: Texts,
    heading: &'static str,
    text: &'static str,
    path: String,
}

/// Why nobody is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Used, expired, begun in another browser or never: the same for all.
    Expired,
    Declined,
    Unconfirmed,
    NoAddress,
    NoGroup,
    NotFresh,
    LastOwner,
    TooMany,
    Meanwhile,
}

impl Refusal {
    const fn status(self) -> StatusCode {
        match self {
            Self::Expired => StatusCode::GONE,
            Self::Declined | Self::Unconfirmed | Self::NoAddress | Self::NoGroup | Self::NotFresh => {
                StatusCode::FORBIDDEN
            }
            Self::LastOwner | Self::TooMany | Self::Meanwhile => StatusCode::CONFLICT,
        }
    }

    const fn texts(self, t: &SignInTexts) -> (&'static str, &'static str) {
        match self {
            Self::Expired => (t.expired_heading, t.expired_text),
            Self::Declined => (t.declined_heading, t.declined_text),
            Self::Unconfirmed => (t.unconfirmed_heading, t.unconfirmed_text),
            Self::NoAddress => (t.no_address_heading, t.no_address_text),
            Self::NoGroup => (t.no_group_heading, t.no_group_text),
            Self::NotFresh => (t.not_fresh_heading, t.not_fresh_text),
            Self::LastOwner => (t.last_owner_heading, t.last_owner_text),
            Self::TooMany => (t.too_many_heading, t.too_many_text),
            Self::Meanwhile => (t.meanwhile_heading, t.meanwhile_text),
        }
    }

    /// A page that says so, and from which they start again.
    pub(super) fn page(self, back: &Back, language: Language) -> Answer {
        tracing::info!(refusal = ?self, "not signed in with a company account");
        let t = texts(language);
        let (heading, text) = self.texts(t.sign_in);
        let path = if self == Self::NotFresh { back.sign_in_again() } else { back.sign_in() };
        let shell = &nobodys(language);
        shell.page(self.status(), &RefusedPage { shell, t, heading, text, path })
    }
}
