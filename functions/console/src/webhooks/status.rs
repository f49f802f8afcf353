//! How an endpoint does, in words.

use jiff::Timestamp;
use models::{DisabledBy, Endpoint};
use pages::{Facts, Language, Zone};

use crate::texts::texts;

/// How an endpoint does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    /// In words.
    pub(crate) text: String,
    /// How it is shown: `good`, `wait` or `bad`.
    pub(crate) class: &'static str,
}

impl Status {
    pub(crate) fn of(endpoint: &Endpoint, language: Language, now: Timestamp) -> Self {
        let t = texts(language).webhooks;
        let parked_until = endpoint.parked_until.filter(|until| *until > now);
        let status = |text: String, class| Self { text, class };
        match (endpoint.disabled_by, parked_until, endpoint.failures) {
            (Some(DisabledBy::Merchant), ..) => status(t.disabled.to_owned(), "wait"),
            (Some(DisabledBy::Gone), ..) => status(t.disabled_gone.to_owned(), "bad"),
            (None, Some(until), _) => {
                status(Facts::new(language).time("time", until, Zone::London).plain(t.failing), "bad")
            }
            (None, None, 0) => status(t.delivering.to_owned(), "good"),
            (None, None, 1) => status(t.last_failed.to_owned(), "wait"),
            (None, None, failures) => status(Facts::new(language).text("n", failures).plain(t.last_n_failed), "bad"),
        }
    }
}
