//! What every page of the console bears around its own: whose it is, where else to go, and what its forms bear.

use askama::Template;
use lambda_http::http::StatusCode;
use models::{Mode, Permission};
use pages::{Answer, CONSOLE_STYLE, Face, Language, Shell};

use crate::back::Back;
use crate::paths::root;
use crate::visitor::{Csrf, Visitor};

/// What the texts are in, and so amounts and times, whatever a browser prefers.
const LANGUAGE: Language = Language::English;

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

    const fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Payments => "Payments",
            Self::Refunds => "Refunds",
            Self::Webhooks => "Webhooks",
            Self::Keys => "API keys",
            Self::Accounts => "Accounts",
            Self::Shop => "Shop",
            Self::People => "People",
            Self::Audit => "Audit",
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
    part: Part,
}

impl<'a> Frame<'a> {
    /// Of a page of this part.
    pub(crate) const fn new(visitor: &'a Visitor, mode: Mode, part: Part) -> Self {
        Self { visitor, mode, language: LANGUAGE, part }
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
            label: part.label(),
            path: format!("{}/{}", self.root(), part.segment()),
            is_here: part == self.part,
        };
        parts.map(link).collect()
    }

    /// The same part in the other mode, or the payments if they may not go there.
    pub(crate) fn other_mode(&self) -> Link {
        let (label, mode) = match self.mode {
            Mode::Test => ("Go to live", Mode::Live),
            Mode::Live => ("Go to test", Mode::Test),
        };
        let part = if self.visitor.may(self.part.permission(mode)) { self.part } else { Part::Payments };
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
pub(crate) const fn nobodys() -> Shell<'static> {
    Shell { more_style: CONSOLE_STYLE, ..Shell::nobodys(LANGUAGE) }
}
