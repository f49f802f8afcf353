//! Whether an item is in the due index if it should be, and is not forgotten there.

use jiff::{SignedDuration, Timestamp};
use models::SortableTimestamp;

use super::{Check, Rule, text};
use crate::history::follows_clock;
use crate::keys::{self, DUE_SHARDS};
use crate::table::{Item, Key};

/// A pending session's bank is asked within the hour.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(2);

/// What of the due index an item should be in.
pub(super) enum Waits {
    /// It is done.
    Never,
    /// It ends at this time.
    Until(Timestamp),
    /// It is processed now and again.
    NowAndAgain,
    /// It is processed some time.
    SomeTime,
    /// It may wait or not; what waits may be paused until a person resumes it.
    Perhaps,
}

impl Check<'_> {
    /// What follows a test clock is due by that, whenever it is advanced.
    fn waits_for_clock(&mut self, item: &Item, waits: Waits) {
        match (text(item, "due_at"), waits) {
            (None, Waits::Never | Waits::Perhaps)
            | (Some(_), Waits::NowAndAgain | Waits::SomeTime | Waits::Perhaps) => {}
            (None, Waits::Until(_) | Waits::NowAndAgain | Waits::SomeTime) => {
                self.broken(Rule::Due, "waits for something, and is never due: nothing would ever happen");
            }
            (Some(_), Waits::Never) => self.broken(Rule::Due, "is done, and is due all the same"),
            (Some(due_at), Waits::Until(end)) => {
                let fits = due_at == SortableTimestamp::from(end).as_str();
                self.broken_unless(fits, Rule::Due, format!("ends at {end}, and is due at {due_at}"));
            }
        }
    }

    pub(super) fn waits(&mut self, key: &Key, item: &Item, waits: Waits) {
        if follows_clock(item) {
            return self.waits_for_clock(item, waits);
        }
        let (due_at, waits) = match (text(item, "due_pk"), text(item, "due_at"), waits) {
            (None, None, Waits::Never | Waits::Perhaps) => return,
            (None, None, Waits::Until(_) | Waits::NowAndAgain | Waits::SomeTime) => {
                return self
                    .broken(Rule::Due, "waits for something, and is not in the due index: nothing would ever happen");
            }
            (Some(_), Some(_), Waits::Never) => {
                return self.broken(Rule::Due, "is done, and is in the due index all the same");
            }
            (Some(due_pk), Some(due_at), waits) => {
                let shard = due_pk.strip_prefix("DUE#").and_then(|shard| shard.parse::<u32>().ok());
                // Where it would be put now, or, if it has waited for long, some shard before that.
                let known = due_pk == keys::due_pk(key) || shard.is_some_and(|shard| shard < DUE_SHARDS);
                self.broken_unless(known, Rule::Due, "is in a shard of the due index that nobody reads");
                (due_at, waits)
            }
            (Some(_), None, _) | (None, Some(_), _) => {
                return self.broken(Rule::Due, "has only one of the due index's two keys, so that it is not in it");
            }
        };
        if due_at.starts_with('~') && matches!(waits, Waits::Perhaps) {
            return;
        }
        let Ok(due) = due_at.parse::<Timestamp>() else {
            return self.broken(Rule::Due, "is due at what is no timestamp");
        };
        match waits {
            Waits::Until(end) => {
                let fits = due_at == SortableTimestamp::from(end).as_str();
                self.broken_unless(fits, Rule::Due, format!("ends at {end}, and is due at {due_at}"));
            }
            Waits::NowAndAgain => {
                let soon = due.duration_since(self.verify.now) <= LONGEST_WAIT;
                self.broken_unless(soon, Rule::Due, format!("is not processed before {due_at}"));
            }
            Waits::Never | Waits::SomeTime | Waits::Perhaps => {}
        }
        let leased = item.get("lease_until").and_then(|until| until.as_n().ok()?.parse().ok());
        let is_leased = leased.is_some_and(|until: i64| until > self.verify.now.as_millisecond());
        if self.verify.is_late(due) && !is_leased {
            self.broken(Rule::Forgotten, format!("has been due since {due_at}"));
        }
    }
}
