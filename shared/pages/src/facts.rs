//! What a text's placeholders stand for: `{shop}`, `{amount}`, `{time}`, …

use std::fmt;

use askama::filters::HtmlSafe;
use jiff::Timestamp;
use models::Money;

use crate::language::Language;
use crate::time::Zone;

/// What is shown in texts, each by the name of its placeholder.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    language: Language,
    facts: Vec<(&'static str, Fact<'a>)>,
}

#[derive(Debug, Clone)]
enum Fact<'a> {
    /// Somebody's or something's own name, which may be written from right to left.
    Name(&'a str),
    /// An amount, which never wraps.
    Amount(String),
    Time(Timestamp, String),
    Text(String),
}

/// A piece of a page: escaped already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Html(String);

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Html {}

impl Html {
    /// What is a piece of a page already.
    pub(crate) const fn trusted(html: String) -> Self {
        Self(html)
    }
}

/// The text, escaped.
pub(crate) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    escape(&mut html, text);
    html
}

impl<'a> Facts<'a> {
    /// None yet, to be shown in this language.
    pub const fn new(language: Language) -> Self {
        Self { language, facts: Vec::new() }
    }

    /// Adds a name that somebody chose.
    #[must_use]
    pub fn name(mut self, placeholder: &'static str, name: &'a str) -> Self {
        self.facts.push((placeholder, Fact::Name(name)));
        self
    }

    /// Adds an amount.
    #[must_use]
    pub fn amount(mut self, placeholder: &'static str, amount: &Money) -> Self {
        self.facts.push((placeholder, Fact::Amount(self.language.amount(amount))));
        self
    }

    /// Adds a time, as the clocks in a zone show it.
    #[must_use]
    pub fn time(mut self, placeholder: &'static str, at: Timestamp, zone: Zone) -> Self {
        self.facts.push((placeholder, Fact::Time(at, self.language.date_and_time(at, zone))));
        self
    }

    /// Adds a text of the language itself, or a number.
    #[must_use]
    pub fn text(mut self, placeholder: &'static str, text: impl fmt::Display) -> Self {
        self.facts.push((placeholder, Fact::Text(text.to_string())));
        self
    }

    /// The text with its placeholders filled, for a page.
    pub fn html(&self, text: &str) -> Html {
        let mut html = String::with_capacity(text.len() + 64);
        self.fill(text, |piece| match piece {
            Piece::Literal(literal) => escape(&mut html, literal),
            Piece::Fact(Fact::Name(name)) => {
                html.push_str("<bdi>");
                escape(&mut html, name);
                html.push_str("</bdi>");
            }
            Piece::Fact(Fact::Amount(amount)) => {
                html.push_str("<span class=\"amount\">");
                escape(&mut html, amount);
                html.push_str("</span>");
            }
            Piece::Fact(Fact::Time(at, shown)) => {
                html.push_str(&format!("<time datetime=\"{at:.0}\">"));
                escape(&mut html, shown);
                html.push_str("</time>");
            }
            Piece::Fact(Fact::Text(text)) => escape(&mut html, text),
        });
        Html(html)
    }

    /// The text with its placeholders filled, where there is no markup: a title, a subject, a mail's plain text.
    pub fn plain(&self, text: &str) -> String {
        let mut plain = String::with_capacity(text.len() + 64);
        self.fill(text, |piece| match piece {
            Piece::Literal(text) => plain.push_str(text),
            Piece::Fact(Fact::Name(name)) => plain.push_str(name),
            Piece::Fact(Fact::Amount(text) | Fact::Time(_, text) | Fact::Text(text)) => plain.push_str(text),
        });
        plain
    }

    fn fill<'s>(&'s self, text: &'s str, mut each: impl FnMut(Piece<'s>)) {
        let mut rest = text;
        while let Some((before, (name, after))) =
            rest.split_once('{').and_then(|(before, after)| Some((before, after.split_once('}')?)))
        {
            each(Piece::Literal(before));
            let fact = self.facts.iter().rev().find(|(placeholder, _)| *placeholder == name);
            debug_assert!(fact.is_some(), "nothing fills {{{name}}} of {text:?}");
            if let Some((_, fact)) = fact {
                each(Piece::Fact(fact));
            }
            rest = after;
        }
        each(Piece::Literal(rest));
    }
}

enum Piece<'s> {
    Literal(&'s str),
    Fact(&'s Fact<'s>),
}

/// As askama escapes.
fn escape(html: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '<' => html.push_str("&#60;"),
            '>' => html.push_str("&#62;"),
            '&' => html.push_str("&#38;"),
            '"' => html.push_str("&#34;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_filled_with_what_is_known_and_nothing_else() {
        let facts = Facts::new(Language::English).name("shop", "<Bright> & {amount}").text("n", 3);
        assert_eq!(
            facts.html("{n} items from {shop}, “&”").to_string(),
            "3 items from <bdi>&#60;Bright&#62; &#38; {amount}</bdi>, “&#38;”"
        );
        assert_eq!(facts.plain("{n} items from {shop}"), "3 items from <Bright> & {amount}");
        assert_eq!(facts.plain("no end {"), "no end {");
    }
}
