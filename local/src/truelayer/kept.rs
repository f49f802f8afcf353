//! What was answered under each idempotency key: the same request is answered the same for 30 days, yes or no.
//! <https://docs.truelayer.com/docs/add-idempotency-to-your-payments-requests>

use std::collections::{BTreeMap, BTreeSet};

use hyper::body::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::payment::after;
use super::problem::Problem;
use super::reply::Reply;
use crate::http::Call;

/// How long a key is good, from its first request on.
pub(super) const KEYS_LAST: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The most answers that are kept.
const MAX_KEPT: usize = 30_000;

/// An answer, and what it is to.
struct Kept {
    path: String,
    body: Bytes,
    reply: Reply,
    until: Timestamp,
    /// How often it was asked for.
    times: u32,
    /// How often something else was asked for under the key.
    others: u32,
}

/// The answers, by key.
#[derive(Default)]
pub(super) struct Answers {
    kept: BTreeMap<String, Kept>,
    /// The keys of requests that are not answered yet.
    in_flight: BTreeSet<String>,
}

impl Answers {
    /// What this request was answered before, if it was.
    ///
    /// # Errors
    /// The key is another request's, or of one that is under way; or there is no room for another answer.
    pub(super) fn find(&mut self, key: &str, call: &Call, now: Timestamp) -> Result<Option<Reply>, Problem> {
        if self.in_flight.contains(key) {
            return Err(Problem::in_flight());
        }
        self.kept.retain(|_, kept| now < kept.until);
        let is_full = self.kept.len() >= MAX_KEPT;
        match self.kept.get_mut(key) {
            None if is_full => Err(Problem::full()),
            None => Ok(None),
            Some(kept) if kept.path == call.uri.path() && kept.body == call.body => {
                kept.times = kept.times.saturating_add(1);
                Ok(Some(kept.reply.clone()))
            }
            Some(kept) => {
                kept.others = kept.others.saturating_add(1);
                Err(Problem::key_reuse())
            }
        }
    }

    /// Keeps the first answer to a request.
    pub(super) fn keep(&mut self, key: &str, call: &Call, reply: &Reply, now: Timestamp) {
        let kept = Kept {
            path: call.uri.path().to_owned(),
            body: call.body.clone(),
            reply: reply.clone(),
            until: after(now, KEYS_LAST),
            times: 1,
            others: 0,
        };
        self.kept.insert(key.to_owned(), kept);
    }

    /// How often the request of a key was asked for, and another one under the same key.
    pub(super) fn times(&self, key: &str) -> (u32, u32) {
        self.kept.get(key).map_or((0, 0), |kept| (kept.times, kept.others))
    }

    /// A request with this key is under way, or is not any more.
    pub(super) fn set_in_flight(&mut self, key: &str, is_in_flight: bool) {
        if is_in_flight {
            self.in_flight.insert(key.to_owned());
        } else {
            self.in_flight.remove(key);
        }
    }
}
