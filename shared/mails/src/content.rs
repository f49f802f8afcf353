//! What a mail says, part by part, for its HTML and its text.

use pages::{Facts, Html};

use crate::items::Items;

/// What a mail says.
#[derive(Debug)]
pub(crate) struct Content<'a> {
    /// The shop last, here and in every subject: however its name is written, the amount before it reads as it is.
    pub(crate) subject: &'static str,
    /// What is said of a test.
    pub(crate) test: &'static str,
    pub(crate) heading: &'static str,
    /// What fills the texts: the payment's, and the amount that the mail is about.
    pub(crate) facts: Facts<'a>,
    /// The first below the amount, the others below each other.
    pub(crate) sections: Vec<Vec<Part<'a>>>,
    /// Whom it is for.
    pub(crate) reader: Reader,
}

/// Whom a mail is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reader {
    /// Who pays or paid, and what the mail says of whom to ask.
    Payer { ask: &'static str },
    /// Who answers mails at the shop.
    Shop,
}

/// Something that a mail says.
#[derive(Debug)]
pub(crate) enum Part<'a> {
    Heading(&'static str),
    Paragraph(Said),
    Facts(Vec<(&'static str, Said)>),
    Items(Items<'a>),
    Button { label: &'static str, url: String },
}

/// A text with its placeholders filled.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) html: Html,
    pub(crate) plain: String,
}

impl Said {
    pub(crate) fn new(text: &str, facts: &Facts<'_>) -> Self {
        Self { html: facts.html(text), plain: facts.plain(text) }
    }
}
