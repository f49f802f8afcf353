//! How an endpoint does, in words.

use jiff::Timestamp;
use models::{DisabledBy, Endpoint};
use pages::{Language, Zone};

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
        let parked_until = endpoint.parked_until.filter(|until| *until > now);
        let status = |text: String, class| Self { text, class };
        match (endpoint.disabled_by, parked_until, endpoint.failures) {
            (Some(DisabledBy::Merchant), ..) => status("Disabled".to_owned(), "wait"),
            (Some(DisabledBy::Gone), ..) => status("Disabled: it answered 410 Gone".to_owned(), "bad"),
            (None, Some(until), _) => {
                let until = language.date_and_time(until, Zone::London);
                status(format!("Failing. Next try after {until}"), "bad")
            }
            (None, None, 0) => status("Delivering".to_owned(), "good"),
            (None, None, 1) => status("The last delivery failed".to_owned(), "wait"),
            (None, None, failures) => status(format!("The last {failures} deliveries failed"), "bad"),
        }
    }
}
