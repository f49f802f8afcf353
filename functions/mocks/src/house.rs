//! Whose site a page is of, and what all of these sites have in common.

use askama::Template;
use lambda_http::http::StatusCode;
use pages::{Answer, BASE_STYLE, Forms, Language};
use providers::mock::NamedMock;

/// The style sheets of every page: what all pages have, and what is the banks' own.
pub(crate) const STYLES: [&str; 2] = [BASE_STYLE, include_str!("../templates/style.css")];

/// Whose site it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct House {
    /// Its id, by which the style sheet knows it.
    pub(crate) id: &'static str,
    /// Its name.
    pub(crate) name: &'static str,
}

impl House {
    /// Where it is not clear which of them it is.
    pub(crate) const ANY: Self = Self { id: "mock-bank", name: "Mock Bank" };

    /// The app from which transfers are sent.
    pub(crate) const TRANSFERS: Self = Self { id: "mock-transfer", name: "Mock Transfer" };

    pub(crate) const fn of(bank: &'static NamedMock) -> Self {
        Self { id: bank.id, name: bank.name }
    }
}

/// A page of one of them, in English. What is decided leads the payer back to the checkout, which is another's site, and from
/// there to the shop's: browsers hold all of that to the policy of the page with the form.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Answer {
    pages::page(status, Language::English, &STYLES, Forms::ToAnyone, template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_sheets_can_stand_in_a_page() {
        for style in STYLES {
            assert!(!style.contains('<') && !style.contains("url(") && !style.contains("@import"));
        }
    }
}
