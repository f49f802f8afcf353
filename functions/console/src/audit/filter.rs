//! Which acts an address asks for, and finding them by walks that are bounded: filters are no keys.

use jiff::Timestamp;
use models::{Act, ActId, ActKey, ActKind, Mode, OperatorName};
use pages::{Facts, Language};
use store::{ActPage, ActRange, StoreError};

use crate::days::{Errors, read_days};
use crate::services::Services;
use crate::texts::texts;
use crate::visitor::Visitor;
use crate::words::who;

/// How many acts are read for one page at the most.
const READ: usize = 1_000;

/// The most characters of who did it: as many as an address has (RFC 5321, 4.5.3.1.3).
const WHO_MAX: usize = 254;

/// How many are read at once.
const AT_ONCE: usize = 100;

/// What was typed, as it was: the form shows it again.
#[derive(Default, Clone, PartialEq, Eq)]
pub(super) struct Typed {
    pub(super) who: String,
    pub(super) what: String,
    pub(super) from: String,
    pub(super) to: String,
}

/// What is asked for.
#[derive(Default)]
pub(super) struct Filter {
    who: Option<String>,
    what: Option<ActKind>,
    from: Option<Timestamp>,
    /// The first of those that are too late.
    until: Option<Timestamp>,
    before: Option<ActKey>,
}

/// What was found.
pub(super) struct Found {
    pub(super) acts: Vec<Act>,
    /// There may be older ones: those before this one.
    pub(super) next: Option<ActKey>,
}

impl Typed {
    fn field_mut(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "who" => &mut self.who,
            "what" => &mut self.what,
            "from" => &mut self.from,
            "to" => &mut self.to,
            _ => return None,
        })
    }

    /// The query string of the same filters, and of what is before this act.
    pub(super) fn query(&self, before: Option<&ActKey>) -> String {
        let before = before.map(|key| key.id().to_string()).unwrap_or_default();
        let fields =
            [("who", &self.who), ("what", &self.what), ("from", &self.from), ("to", &self.to), ("before", &before)];
        let given: Vec<_> = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        // Texts are always written.
        serde_urlencoded::to_string(given).unwrap_or_default()
    }
}

/// Reads a query string. A field that is empty is not filtered by: forms send all that they have. What is not known is an error,
/// as leaving it out would answer another question than was asked.
pub(super) fn read(query: &str, language: Language) -> (Typed, Result<Filter, Errors>) {
    match serde_urlencoded::from_str(query) {
        Ok(pairs) => read_fields(pairs, language),
        Err(_) => (Typed::default(), Err(vec![("filters", texts(language).audit.address_wrong.to_owned())])),
    }
}

/// The same of a form's fields, each with its name.
pub(super) fn read_fields(pairs: Vec<(String, String)>, language: Language) -> (Typed, Result<Filter, Errors>) {
    let t = texts(language).audit;
    let (mut typed, mut filter, mut errors, mut given) =
        (Typed::default(), Filter::default(), Errors::new(), Vec::new());
    for (name, value) in pairs {
        let shown: String = name.chars().take(40).collect();
        let facts = Facts::new(language).text("field", shown);
        if given.contains(&name) {
            errors.push(("filters", facts.plain(t.given_twice)));
        } else if name == "before" {
            filter.before = value.parse::<ActId>().ok().and_then(ActKey::of);
            if filter.before.is_none() {
                errors.push(("filters", t.older_wrong.to_owned()));
            }
        } else if let Some(field) = typed.field_mut(&name) {
            value.trim().clone_into(field);
        } else {
            errors.push(("filters", facts.plain(t.not_a_filter)));
        }
        given.push(name);
    }
    (filter.from, filter.until) = read_days(&typed.from, &typed.to, &mut errors, language);
    if !typed.what.is_empty() {
        filter.what = ActKind::ALL.iter().copied().find(|kind| kind.as_str() == typed.what);
        if filter.what.is_none() {
            errors.push(("what", t.what_wrong.to_owned()));
        }
    }
    if typed.who.chars().count() > WHO_MAX {
        errors.push(("who", Facts::new(language).text("n", WHO_MAX).plain(t.who_too_long)));
    }
    let is_unknown = typed.who.to_lowercase() == texts(language).words.unknown_operator.to_lowercase();
    let who = if is_unknown { OperatorName::UNKNOWN.to_owned() } else { typed.who.to_lowercase() };
    filter.who = Some(who).filter(|who| !who.is_empty());
    let filter = if errors.is_empty() { Ok(filter) } else { Err(errors) };
    (typed, filter)
}

impl Filter {
    fn fits(&self, act: &Act, mode: Mode) -> bool {
        act.mode.is_none_or(|of| of == mode)
            && self.what.is_none_or(|what| what == act.what)
            && self.who.as_ref().is_none_or(|name| who(act).to_lowercase() == *name)
            && self.until.is_none_or(|until| act.at < until)
    }

    /// Whether this and all older ones are too old.
    fn is_too_old(&self, act: &Act) -> bool {
        self.from.is_some_and(|from| act.at < from)
    }

    /// Where the walk begins: no act is read that is too late.
    fn start(&self) -> Option<ActKey> {
        let until = self.until.and_then(first_key_at);
        match (self.before, until) {
            (Some(before), Some(until)) if until.to_string() < before.to_string() => Some(until),
            (Some(before), _) => Some(before),
            (None, until) => until,
        }
    }

    /// At most `limit` acts of the visitor's merchant in this mode or in both, newest first.
    pub(super) async fn find(
        &self,
        services: &Services,
        visitor: &Visitor,
        mode: Mode,
        limit: usize,
    ) -> Result<Found, StoreError> {
        let (mut acts, mut before, mut read) = (Vec::new(), self.start(), 0);
        loop {
            let range = ActRange { before, limit: AT_ONCE };
            let ActPage { acts: page, next } = services.acts.page(&visitor.person.merchant_id, range).await?;
            read += page.len();
            for act in page {
                if self.is_too_old(&act) {
                    return Ok(Found { acts, next: None });
                }
                if self.fits(&act, mode) {
                    if acts.len() == limit {
                        let next = acts.last().map(Act::key);
                        return Ok(Found { acts, next });
                    }
                    acts.push(act);
                }
            }
            if next.is_none() || read >= READ {
                return Ok(Found { acts, next });
            }
            before = next;
        }
    }
}

/// Before every act of this time (RFC 9562, 5.7: the time is the id's first 48 bits).
fn first_key_at(at: Timestamp) -> Option<ActKey> {
    let ms = u64::try_from(at.as_millisecond()).ok()?;
    let id = format!("{:08x}-{:04x}-7000-8000-000000000000", ms >> 16, ms & 0xffff);
    ActKey::of(id.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_is_asked_for() {
        let query = "who=Ada%40shop.example&what=refund_made&from=2026-06-01&to=2026-06-30";
        let (typed, filter) = read(query, Language::English);
        let filter = filter.unwrap();
        assert_eq!(filter.who.as_deref(), Some("ada@shop.example"));
        assert_eq!(filter.what, Some(ActKind::RefundMade));
        assert_eq!(filter.from.unwrap().to_string(), "2026-05-31T23:00:00Z");
        assert_eq!(filter.until.unwrap().to_string(), "2026-06-30T23:00:00Z");
        assert_eq!(typed.query(None), query);
        let (typed, filter) = read("who=&what=&from=&to=", Language::English);
        assert!(filter.is_ok() && typed == Typed::default() && typed.query(None).is_empty());
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        for query in [
            "x=1",
            "who=a&who=b",
            "what=refunded",
            "from=yesterday",
            "to=2026-02-30",
            "from=2026-02-02&to=2026-02-01",
            "before=x",
            "before=1ae1ce03-dfa9-4593-b487-65c656991cb5",
            &format!("who={}", "a".repeat(255)),
        ] {
            assert!(!read(query, Language::English).1.err().unwrap().is_empty(), "{query}");
        }
    }

    #[test]
    fn the_first_key_of_a_time_is_before_all_of_it() {
        let at: Timestamp = "2026-01-31T09:30:00.123Z".parse().unwrap();
        assert_eq!(
            first_key_at(at).unwrap().to_string(),
            "2026-01-31T09:30:00.123Z#019c1363-4a3b-7000-8000-000000000000"
        );
    }
}
