//! What every page of the console bears around its own: whose it is, where else to go, and what its forms bear.

use askama::Template;
use lambda_http::Request;
use lambda_http::http::{StatusCode, header};
use models::{Mode, Permission};
use pages::{Answer, CONSOLE_STYLE, Face, Language, Shell};

use crate::back::Back;
use crate::paths::root;
use crate::texts::{FrameTexts, Texts, texts};
use crate::visitor::{Csrf, Visitor};

/// A part of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Overview,
    Payments,
    Refunds,
    Webhooks,
    Keys,
    Accounts,
    Shop,
    People,
    Audit,
}

impl Part {
    /// In the order of the navigation.
    const ALL: [Self; 9] = [
        Self::Overview,
        Self::Payments,
        Self::Refunds,
        Self::Webhooks,
        Self::Keys,
        Self::Accounts,
        Self::Shop,
        Self::People,
        Self::Audit,
    ];

    const fn label(self, t: &FrameTexts) -> &'static str {
        match self {
            Self::Overview => t.overview,
            Self::Payments => t.payments,
            Self::Refunds => t.refunds,
            Self::Webhooks => t.webhooks,
            Self::Keys => t.keys,
            Self::Accounts => t.accounts,
            Self::Shop => t.shop,
            Self::People => t.people,
            Self::Audit => t.audit,
        }
    }

    const fn segment(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Payments => "payments",
            Self::Refunds => "refunds",
            Self::Webhooks => "webhooks",
            Self::Keys => "keys",
            Self::Accounts => "accounts",
            Self::Shop => "shop",
            Self::People => "people",
            Self::Audit => "audit",
        }
    }

    /// What one needs to be allowed to see it in this mode.
    pub(crate) const fn permission(self, mode: Mode) -> Permission {
        match self {
            Self::Overview | Self::Payments | Self::Refunds | Self::Webhooks => Permission::SeePayments,
            Self::Keys => Permission::ManageTestKeys.in_mode(mode),
            Self::Accounts | Self::Shop => Permission::ManageLive,
            Self::People => Permission::ManagePeople,
            Self::Audit => Permission::SeeAudit,
        }
    }
}

/// A link of the navigation.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) label: &'static str,
    pub(crate) path: String,
    pub(crate) is_here: bool,
}

/// What a page bears around its own.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) visitor: &'a Visitor,
    pub(crate) mode: Mode,
    pub(crate) language: Language,
    /// None of a page that is no part's.
    part: Option<Part>,
}

impl<'a> Frame<'a> {
    /// Of a page of this part.
    pub(crate) const fn new(visitor: &'a Visitor, mode: Mode, part: Part, language: Language) -> Self {
        Self { visitor, mode, language, part: Some(part) }
    }

    /// Of a page that says what is not there or may not be seen.
    pub(crate) const fn of_no_part(visitor: &'a Visitor, mode: Mode, language: Language) -> Self {
        Self { visitor, mode, language, part: None }
    }

    /// The console's texts in its language; `shell.texts()` are those of all pages.
    pub(crate) const fn texts(&self) -> Texts {
        texts(self.language)
    }

    /// Where the console's pages of this mode are: `/console/test`.
    pub(crate) fn root(&self) -> String {
        root(self.mode)
    }

    /// What it bears that every page of ours does.
    pub(crate) fn shell(&self) -> Shell<'a> {
        let face = Face::new(None, self.visitor.person.merchant_id.as_str());
        Shell { more_style: CONSOLE_STYLE, ..Shell::of(face, self.mode, self.language) }
    }

    /// Where this person may go.
    pub(crate) fn links(&self) -> Vec<Link> {
        let parts = Part::ALL.into_iter().filter(|part| self.visitor.may(part.permission(self.mode)));
        let link = |part: Part| Link {
            label: part.label(self.texts().frame),
            path: format!("{}/{}", self.root(), part.segment()),
            is_here: Some(part) == self.part,
        };
        parts.map(link).collect()
    }

    /// The same part in the other mode, or the payments if they may not go there.
    pub(crate) fn other_mode(&self) -> Link {
        let (label, mode) = match self.mode {
            Mode::Test => (self.texts().frame.go_to_live, Mode::Live),
            Mode::Live => (self.texts().frame.go_to_test, Mode::Test),
        };
        let part = self.part.filter(|part| self.visitor.may(part.permission(mode))).unwrap_or(Part::Payments);
        Link { label, path: format!("{}/{}", root(mode), part.segment()), is_here: false }
    }

    /// Where this person signs in once more to choose another merchant, if their groups let them into the consoles of several.
    pub(crate) fn another_merchant(&self) -> Option<String> {
        let overview = Back::read(&format!("{}/overview", self.root()));
        self.visitor.has_choice.then(|| overview.company(false))
    }

    /// Whether this person may see personal data.
    pub(crate) const fn may_see_personal_data(&self) -> bool {
        self.visitor.may(Permission::SeePersonalData)
    }

    /// Whether this person may make payment links.
    pub(crate) const fn may_make_links(&self) -> bool {
        self.visitor.may(Permission::MoveMoney)
    }

    /// What forms bear.
    pub(crate) fn csrf(&self) -> &str {
        let Csrf(text) = &self.visitor.csrf;
        text
    }

    /// A page with this status. The template needs `shell`, and `frame` for what is around it.
    pub(crate) fn page(&self, status: StatusCode, template: &impl Template) -> Answer {
        self.shell().page(status, template)
    }
}

/// What a page bears where nobody is known.
pub(crate) const fn nobodys(language: Language) -> Shell<'static> {
    Shell { more_style: CONSOLE_STYLE, ..Shell::nobodys(language) }
}

/// What a request's browser accepts best.
pub(crate) fn language_of(request: &Request) -> Language {
    let accepted = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    Language::choose(None, accepted)
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;

    use super::*;
    use crate::desk::Desk;

    #[tokio::test]
    async fn a_page_is_in_the_language_that_its_browser_prefers() {
        let desk = Desk::new().await;
        for (accepted, label) in [(Some("cy, en;q=0.5"), "Taliadau"), (Some("pl"), "Payments"), (None, "Payments")] {
            let mut request = lambda_http::http::Request::get("/console/test/payments");
            if let Some(accepted) = accepted {
                request = request.header(header::ACCEPT_LANGUAGE, accepted);
            }
            let request = request.body(Body::Empty).unwrap();
            let frame = Frame::new(&desk.visitor, Mode::Test, Part::Payments, language_of(&request));
            assert!(frame.links().iter().any(|link| link.is_here && link.label == label), "{accepted:?}");
            assert_eq!(frame.shell().language, frame.language);
        }
    }
}
