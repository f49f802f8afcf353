//! Events, cursors and mails: whether what history calls for is there, and belongs to something.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use models::{CursorId, EventId, MailState, Object, ObjectId, OnClock};
use serde::Deserialize;

use super::waiting::Waits;
use super::{Check, Rule};
use crate::error::StoreError;
use crate::events::{DeliveryAttempt, StoredEvent};
use crate::keys;
use crate::mails::StoredState;
use crate::table::{Item, Key, sk};
use crate::test_clocks::read_present;

/// Events are kept for 30 days; a day less, for those that are being removed.
const EVENTS_ARE_THERE_FOR: SignedDuration = SignedDuration::from_hours(29 * 24);

#[derive(Debug, Deserialize)]
struct Cursor {
    delivered: usize,
    head: usize,
}

#[derive(Debug, Deserialize)]
struct Mail {
    #[serde(flatten)]
    stored: StoredState,
}

#[derive(Debug, Deserialize)]
struct Pointer {
    session_id: models::SessionId,
}

impl Check<'_> {
    /// The events of history entries that were made at these timestamps, the first of them entry 1; by a test clock, if the
    /// object follows one.
    pub(super) async fn events_called_for(
        &mut self,
        id: ObjectId,
        entered_at: &[Timestamp],
        test_clock: Option<&OnClock>,
    ) -> Result<(), StoreError> {
        if let Some(on_clock) = test_clock {
            // Events are there as long as the clock is.
            let clock = read_present(on_clock.id, self.get(keys::test_clock(&on_clock.id)).await?)?;
            if clock.is_none_or(|clock| clock.ends_at() <= self.verify.now) {
                return Ok(());
            }
        }
        let (now, verify) = (self.verify.now, self.verify);
        let is_there = |at: Timestamp| match test_clock {
            None => now.duration_since(at) < EVENTS_ARE_THERE_FOR && verify.is_late(at),
            Some(_) => verify.is_followed_up(at, test_clock),
        };
        let called_for: Vec<_> =
            (1_usize..).zip(entered_at).filter(|(_, at)| is_there(**at)).map(|(sequence, _)| sequence).collect();
        let (Some(first), Some(last)) = (called_for.first(), called_for.last()) else { return Ok(()) };
        let (first, last) = (keys::event_sk(*first), keys::event_sk(*last));
        let there = self.query(&keys::events_pk(&id), Some((&first, &last))).await?;
        let there: HashSet<_> = there.iter().map(|event| sk(event).to_owned()).collect();
        for sequence in called_for {
            if !there.contains(&keys::event_sk(sequence)) {
                self.broken(Rule::Event, format!("event {} is not there", EventId { object_id: id, sequence }));
            }
        }
        Ok(())
    }

    /// The mails that its history calls for.
    pub(super) async fn mails_called_for(&mut self, object: &Object) -> Result<(), StoreError> {
        for sequence in 1..=object.history_len() {
            let Some(mail) = object.mail_for(sequence) else { continue };
            let is_due = self.verify.is_followed_up(object.entered_at(sequence), object.test_clock());
            if is_due && self.get(keys::mail(&mail)).await?.is_none() {
                self.broken(Rule::Mail, format!("mail {mail} is not there"));
            }
        }
        Ok(())
    }

    pub(super) fn event(&mut self, id: &EventId, item: &Item) {
        let Some(event) = self.read::<StoredEvent>(item) else { return };
        self.broken_unless(event.id() == *id, Rule::Readable, "holds another event's id");
        let object = &event.object;
        let list_pk = keys::events_list_pk(object.merchant_id(), object.mode(), object.list_shard());
        self.listed(item, &list_pk, &keys::list_sk(event.created_at(), id));
    }

    pub(super) fn attempt(&mut self, item: &Item) {
        self.read::<DeliveryAttempt>(item);
    }

    pub(super) fn mail(&mut self, key: &Key, item: &Item) {
        let Some(Mail { stored }) = self.read(item) else { return };
        let waits = match stored.state() {
            MailState::Due => Waits::SomeTime,
            MailState::Sent | MailState::Failed | MailState::NotNeeded => Waits::Never,
        };
        self.waits(key, item, waits);
    }

    pub(super) async fn cursor(&mut self, key: &Key, id: &CursorId, item: &Item) -> Result<(), StoreError> {
        let Some(Cursor { delivered, head }) = self.read(item) else { return Ok(()) };
        self.waits(key, item, Waits::Perhaps);
        let Some(happened) = self.history_len(&id.object_id).await? else {
            self.broken(Rule::Orphan, "is of a payment session or refund that is not there");
            return Ok(());
        };
        if delivered > head || head > happened {
            let problem = format!("delivered {delivered} of {head} events, and {happened} have happened");
            self.broken(Rule::Cursor, problem);
        }
        if delivered < head && !item.contains_key("due_at") {
            let endpoint = self.get(keys::endpoint(&id.merchant_id, &id.endpoint_id)).await?;
            // What is for an endpoint that was removed is dropped.
            self.broken_unless(endpoint.is_none(), Rule::Due, "has something to deliver, and is not in the due index");
        }
        Ok(())
    }

    /// How long the history of a session, deleted or not, or of a refund is, if it is there.
    async fn history_len(&mut self, id: &ObjectId) -> Result<Option<usize>, StoreError> {
        let id = id.to_string();
        let mut object = match id.parse() {
            Ok(session_id) => self.get(keys::session(&session_id)).await?,
            Err(_) => None,
        };
        if object.is_none()
            && let Ok(refund_id) = id.parse()
            && let Some(pointer) = self.get(keys::refund_pointer(&refund_id)).await?
            && let Ok(Pointer { session_id }) = serde_dynamo::from_item(pointer)
        {
            object = self.get(keys::refund(&session_id, &refund_id)).await?;
        }
        Ok(object.map(|object| object.get("history").and_then(|history| history.as_l().ok()).map_or(0, Vec::len)))
    }
}
