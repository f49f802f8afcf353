//! Why nobody is signed in with a company account, in words.

use askama::Template;
use lambda_http::http::StatusCode;
use pages::{Answer, Shell};

use crate::back::Back;
use crate::frame::nobodys;

#[derive(Template)]
#[template(path = "sign_in/refused.html")]
struct RefusedPage<'a> {
    shell: &'a Shell<'a>,
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

    const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::Expired => {
                ("This sign-in has expired", "It works once, for ten minutes, in the browser in which you began it.")
            }
            Self::Declined => {
                ("You aren’t signed in", "You turned back, or your company account didn’t let you through.")
            }
            Self::Unconfirmed => (
                "You can’t be signed in",
                "What your company account says of you can’t be confirmed. If this happens again, ask the people \
                 who run this console.",
            ),
            Self::NoAddress => (
                "Your e-mail address isn’t confirmed",
                "Your company account has no confirmed e-mail address. Ask the people who look after it to confirm \
                 yours.",
            ),
            Self::NoGroup => (
                "You have no access yet",
                "Your company account is in none of the groups that may use this console. Ask the people who look \
                 after it to add you to one.",
            ),
            Self::NotFresh => (
                "This needs a link by mail",
                "What you were about to do asks who you are, and your company account doesn’t say that you signed in \
                 just now. Start again, and have a link sent to you.",
            ),
            Self::LastOwner => (
                "Your role can’t be changed yet",
                "Your groups give you another role, and nobody else here has the role “own”. Sign in by a link, and \
                 give somebody else that role first.",
            ),
            Self::TooMany => (
                "There is no room yet",
                "There are 100 people, which is the most. Ask somebody whose role is “own” to remove somebody.",
            ),
            Self::Meanwhile => {
                ("Somebody changed this in the meantime", "What you may do here was changed while you signed in.")
            }
        }
    }

    /// A page that says so, and from which they start again.
    pub(super) fn page(self, back: &Back) -> Answer {
        tracing::info!(refusal = ?self, "not signed in with a company account");
        let (heading, text) = self.texts();
        let path = if self == Self::NotFresh { back.sign_in_again() } else { back.sign_in() };
        let shell = &nobodys();
        shell.page(self.status(), &RefusedPage { shell, heading, text, path })
    }
}
