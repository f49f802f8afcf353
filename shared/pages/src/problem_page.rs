//! The page that says what could not be done.

use askama::Template;
use lambda_http::{Body, Response};

use crate::facts::Html;
use crate::problem::{Problem, ProblemTexts};
use crate::shell::Shell;

/// The way back from a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// The page that shows where it stands.
    pub path: String,
    /// How the link reads.
    pub label: &'static str,
}

/// What could not be done.
#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    shell: &'a Shell<'a>,
    heading: &'static str,
    text: &'static str,
    back: Option<Back>,
    /// Who can help, if that is known.
    help: Option<Html>,
}

impl Problem {
    /// The page that says so, with a link to `back` if there is anything to go back to.
    pub fn into_page(self, shell: &Shell<'_>, back: Option<Back>) -> Response<Body> {
        let ProblemTexts { heading, text } = self.texts(shell.language);
        let back = if matches!(self, Self::NotFound) { None } else { back };
        let response = shell.page(self.status(), &ProblemPage { shell, heading, text, back, help: shell.help() });
        self.answered(response.unwrap_or_default())
    }
}
