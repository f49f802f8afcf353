//! Which payments a list's address asks for.

use jiff::Timestamp;
use models::{AnyAmount, PaymentMethod, SessionState, WireFormat};
use pages::{Facts, Language};
use store::{ListCursor, ListStart};

use crate::amounts::read_any;
use crate::days::{Errors, read_days};
use crate::frame::Frame;
use crate::select::{SelectOption, options};
use crate::texts::{PaymentTexts, texts};
use crate::words::{method_text, state_text};

/// How many payments a page has.
pub(super) const PAGE: usize = 25;

/// The longest search, in characters: an e-mail address has 254.
const MAX_Q: usize = 300;

/// What was typed, as it was: the form shows it again. Personal data may be searched for, so it has no `Debug`.
#[derive(Default, Clone)]
pub(super) struct Typed {
    pub(super) q: String,
    pub(super) state: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) method: String,
    pub(super) format: String,
    pub(super) amount: String,
}

/// What is asked for.
pub(super) struct Asked {
    pub(super) what: What,
    pub(super) start: ListStart,
}

pub(super) enum What {
    /// What was searched for.
    Search(String),
    /// The payments that fit.
    List(Filter),
}

/// Which payments are wanted.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub(super) state: Option<SessionState>,
    pub(super) from: Option<Timestamp>,
    /// The first instant that is too late.
    pub(super) until: Option<Timestamp>,
    pub(super) method: Option<PaymentMethod>,
    pub(super) format: Option<WireFormat>,
    pub(super) amount: Option<AnyAmount>,
}

impl Typed {
    /// Whether anything is filtered by.
    pub(super) fn filters(&self) -> bool {
        !self.given().is_empty()
    }

    pub(super) fn states(&self, frame: &Frame<'_>) -> Vec<SelectOption> {
        options(&self.state, SessionState::ALL.map(|state| (state.as_str(), state_text(state, frame.language))))
    }

    pub(super) fn methods(&self, frame: &Frame<'_>) -> Vec<SelectOption> {
        options(&self.method, PaymentMethod::ALL.map(|method| (method.as_str(), method_text(method, frame.language))))
    }

    pub(super) fn formats(&self) -> Vec<SelectOption> {
        options(&self.format, WireFormat::ALL.map(|format| (format.as_str(), format.name())))
    }

    /// What is filtered by.
    pub(super) fn given(&self) -> Vec<(&'static str, &str)> {
        self.fields().into_iter().filter(|(name, value)| *name != "q" && !value.is_empty()).collect()
    }

    fn fields(&self) -> [(&'static str, &str); 7] {
        [
            ("q", &self.q),
            ("state", &self.state),
            ("from", &self.from),
            ("to", &self.to),
            ("method", &self.method),
            ("format", &self.format),
            ("amount", &self.amount),
        ]
    }

    fn field_mut(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "q" => &mut self.q,
            "state" => &mut self.state,
            "from" => &mut self.from,
            "to" => &mut self.to,
            "method" => &mut self.method,
            "format" => &mut self.format,
            "amount" => &mut self.amount,
            _ => return None,
        })
    }

    /// The query string of the page of the same list that begins there.
    pub(super) fn query(&self, start: &ListStart) -> String {
        let cursor = match start {
            ListStart::Newest => None,
            ListStart::After(cursor) => Some(("after", cursor.encode())),
            ListStart::Before(cursor) => Some(("before", cursor.encode())),
        };
        let fields = self.fields().into_iter().filter(|(_, value)| !value.is_empty());
        let pairs = fields.chain(cursor.as_ref().map(|(name, cursor)| (*name, cursor.as_str())));
        // Texts are always written.
        serde_urlencoded::to_string(pairs.collect::<Vec<_>>()).unwrap_or_default()
    }
}

/// Reads the query string of the list. A field that is empty is not filtered by: forms send all that they have. What is not known
/// is an error, as leaving it out would answer another question than was asked.
pub(super) fn read(query: &str, language: Language) -> (Typed, Result<Asked, Errors>) {
    match serde_urlencoded::from_str(query) {
        Ok(pairs) => read_fields(pairs, language),
        Err(_) => (Typed::default(), Err(vec![("filters", texts(language).payments.address_wrong.to_owned())])),
    }
}

/// The same of a form's fields, each with its name.
pub(super) fn read_fields(pairs: Vec<(String, String)>, language: Language) -> (Typed, Result<Asked, Errors>) {
    let t = texts(language).payments;
    let wrong = |text: &str, name: &str| ("filters", Facts::new(language).name("name", name).plain(text));
    let (mut typed, mut errors, mut given) = (Typed::default(), Errors::new(), Vec::new());
    let (mut after, mut before) = (String::new(), String::new());
    for (name, value) in pairs {
        let field = match name.as_str() {
            "after" => Some(&mut after),
            "before" => Some(&mut before),
            name => typed.field_mut(name),
        };
        match field {
            Some(_) if given.contains(&name) => {
                errors.push(wrong(t.given_twice, &name));
            }
            Some(field) => value.trim().clone_into(field),
            // What was typed may be anything, however long.
            None => {
                let name: String = name.chars().take(40).collect();
                errors.push(wrong(t.no_filter, &name));
            }
        }
        given.push(name);
        if errors.len() >= 10 {
            break;
        }
    }
    let start = start(&after, &before, &mut errors, t);
    let what = what(&typed, &mut errors, language);
    let asked = if errors.is_empty() { Ok(Asked { what, start }) } else { Err(errors) };
    (typed, asked)
}

fn start(after: &str, before: &str, errors: &mut Errors, t: &PaymentTexts) -> ListStart {
    let start = match (after, before) {
        ("", "") => Some(ListStart::Newest),
        (after, "") => ListCursor::of_sessions(after).map(ListStart::After),
        ("", before) => ListCursor::of_sessions(before).map(ListStart::Before),
        (_, _) => None,
    };
    start.unwrap_or_else(|| {
        errors.push(("filters", t.page_wrong.to_owned()));
        ListStart::Newest
    })
}

fn what(typed: &Typed, errors: &mut Errors, language: Language) -> What {
    let t = texts(language).payments;
    let mut wrong = |field: &'static str, text: &str| errors.push((field, text.to_owned()));
    if !typed.q.is_empty() {
        if typed.filters() {
            wrong("q", t.search_or_filter);
        }
        if typed.q.chars().count() > MAX_Q {
            wrong("q", t.search_too_long);
        }
        return What::Search(typed.q.clone());
    }
    let mut filter = Filter::default();
    if !typed.state.is_empty() {
        filter.state = SessionState::ALL.into_iter().find(|state| state.as_str() == typed.state);
        if filter.state.is_none() {
            wrong("state", t.state_wrong);
        }
    }
    if !typed.method.is_empty() {
        filter.method = PaymentMethod::ALL.into_iter().find(|method| method.as_str() == typed.method);
        if filter.method.is_none() {
            wrong("method", t.method_wrong);
        }
    }
    if !typed.format.is_empty() {
        filter.format = WireFormat::ALL.into_iter().find(|format| format.as_str() == typed.format);
        if filter.format.is_none() {
            wrong("format", t.format_wrong);
        }
    }
    if !typed.amount.is_empty() {
        filter.amount = read_any(&typed.amount, language);
        if filter.amount.is_none() {
            wrong("amount", t.amount_wrong);
        }
    }
    (filter.from, filter.until) = read_days(&typed.from, &typed.to, errors, language);
    What::List(filter)
}

#[cfg(test)]
mod tests {
    use models::{Currency, Money};

    use super::*;

    fn errors(query: &str) -> Vec<&'static str> {
        let errors = read(query, Language::English).1.err().unwrap_or_default();
        errors.into_iter().map(|(field, _)| field).collect()
    }

    fn filter(query: &str) -> Filter {
        match read(query, Language::English).1.ok().unwrap().what {
            What::List(filter) => filter,
            What::Search(q) => panic!("searches {q}"),
        }
    }

    #[test]
    fn what_is_filtered_by_is_read_or_named() {
        for (query, fields) in [
            ("", &[][..]),
            ("state=&from=&to=&method=&format=&amount=&q=&after=", &[]),
            ("state=sent&method=card&from=2026-01-31&to=2026-01-31&amount=51.94", &[]),
            ("state=paid", &["state"]),
            ("state=Sent", &["state"]),
            ("method=cash", &["method"]),
            ("format=xml", &["format"]),
            ("from=31.1.2026", &["from"]),
            ("from=2026-02-30&to=2026-1-1", &["from", "to"]),
            ("from=-009999-01-01", &["from"]),
            ("from=2026-02-01&to=2026-01-31", &["to"]),
            ("amount=12,50", &[]),
            ("amount=%E2%82%AC1,000", &[]),
            ("amount=1,0", &["amount"]),
            ("amount=12.345", &["amount"]),
            ("amount=-1", &["amount"]),
            ("amount=1e3", &["amount"]),
            ("after=x", &["filters"]),
            ("before=", &[]),
            ("colour=red", &["filters"]),
            ("state=sent&state=sent", &["filters"]),
            ("q=a&state=sent", &["q"]),
        ] {
            assert_eq!(errors(query), fields, "{query}");
        }
        let endless: String = (0..1000).map(|n| format!("x{n}&")).collect();
        assert_eq!(errors(&endless).len(), 10);
        assert_eq!(errors(&format!("q={}", "a".repeat(301))), ["q"]);
    }

    #[test]
    fn an_amount_is_that_of_any_currency() {
        let amount = filter("amount=51.94").amount.unwrap();
        let money = |minor, currency| Money::new(models::MinorUnits::new(minor), currency);
        assert!(amount.is(money(5194, Currency::GBP)) && amount.is(money(5194, Currency::EUR)));
        assert!(!amount.is(money(5195, Currency::GBP)) && !amount.is(money(5194, Currency::JPY)));
        assert!(filter("amount=50").amount.unwrap().is(money(5000, Currency::GBP)));
        assert!(filter("amount=51,94").amount.unwrap().is(money(5194, Currency::EUR)));
        let euro = filter("amount=%E2%82%AC51.94").amount.unwrap();
        assert!(euro.is(money(5194, Currency::EUR)) && !euro.is(money(5194, Currency::GBP)));
    }

    #[test]
    fn an_amount_that_may_be_two_is_none_where_a_comma_stands_before_decimals() {
        let is_read = |language| read("amount=1,249", language).1.is_ok();
        assert_eq!(Language::ALL.map(is_read), [true, false, false, false, true]);
    }

    #[test]
    fn a_link_asks_for_the_same_list() {
        let read = |query| read(query, Language::English);
        let (typed, asked) = read("state=sent&from=2026-01-31&amount=&colour=");
        assert!(asked.is_err());
        assert_eq!(typed.query(&ListStart::Newest), "state=sent&from=2026-01-31");
        assert!(typed.filters() && !read("q=a+b").0.filters());
        assert_eq!(read("q=+a+%26b+").0.query(&ListStart::Newest), "q=a+%26b");
    }
}
