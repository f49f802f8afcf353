//! The visitor's own keys.

use jiff::civil::Date;
use lambda_http::http::StatusCode;
use models::{ApiKey, ApiKeyId, Merchant, Name};
use pages::{Language, Problem, ProblemTexts};

use crate::frame::Frame;
use crate::texts::texts;

/// How many keys a merchant may have had in one mode and be given another here. All are read to check the first request of a
/// merchant, those that are over too. The command line knows no limit.
pub(super) const MAX_KEYS: usize = 100;

/// Where the keys of this mode are.
pub(super) fn keys_path(frame: &Frame<'_>) -> String {
    format!("{}/keys", frame.root())
}

/// Where a key's page is.
pub(super) fn key_path(frame: &Frame<'_>, id: &ApiKeyId) -> String {
    format!("{}/{id}", keys_path(frame))
}

/// A merchant's keys of this mode, newest first.
pub(super) fn of_mode(merchant: Merchant, frame: &Frame<'_>) -> Vec<ApiKey> {
    let mut keys: Vec<ApiKey> = merchant.keys.into_iter().filter(|key| key.id.mode() == frame.mode).collect();
    keys.sort_by(|one, another| (another.created_at, another.id.as_str()).cmp(&(one.created_at, one.id.as_str())));
    keys
}

/// What a key is called: its name, or without one its id.
pub(super) fn name_of(key: &ApiKey) -> &str {
    key.name.as_ref().map_or(key.id.as_str(), Name::as_str)
}

/// The day on which a key last made or changed something, in words.
pub(super) fn last_used_on(day: Option<Date>, language: Language) -> String {
    match day {
        Some(day) => language.date(day),
        None => texts(language).keys.never_used.to_owned(),
    }
}

/// 409: there have been too many keys.
pub(super) fn too_many() -> Problem {
    Problem::Refused(StatusCode::CONFLICT, |language| {
        let t = texts(language).keys;
        ProblemTexts { heading: t.too_many_heading, text: t.too_many_text }
    })
}
