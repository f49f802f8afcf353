//! Reads what is due, and follows up payments that are open at a provider while it does.

use std::collections::VecDeque;
use std::time::SystemTime;

use futures_util::StreamExt;
use futures_util::future::{join_all, ready};
use jiff::Timestamp;
use lambda_runtime::Error;
use models::{RefundId, SessionId};
use runtime::Metric;
use store::{DUE_SHARDS, DueItem, QueryPage};
use tracing::field::display;

use crate::handler::{CONCURRENCY, Expire, within};
use crate::waiting::{Waiting, WithoutDetails};

/// How many shards of the due index are read at a time.
const SHARDS_AT_ONCE: usize = 16;

/// How many due items are kept until pending payments are done: more than a run can do. What is beyond stays due.
const MOST_KEPT: usize = 100_000;

impl Expire {
    /// Follows up the pending payments that are due, and refunds at their providers; what else is due is given back.
    pub(crate) async fn pending_first(&self, now: Timestamp, until: SystemTime) -> Vec<Waiting> {
        match self.due.all(now).await {
            Ok(Some(mut items)) => {
                self.random.shuffle(&mut items);
                self.follow_up_pending(items, now, until).await
            }
            Ok(None) => self.walk(now, until).await,
            Err(error) => {
                tracing::error!(%error, "the due index could not be read at once; its shards are read one by one");
                self.walk(now, until).await
            }
        }
    }

    /// Goes through the shards, some at a time, a page of each: [`Self::follow_up_pending`] of all that is due.
    async fn walk(&self, now: Timestamp, until: SystemTime) -> Vec<Waiting> {
        // Each run begins somewhere else, so that no shard is always left over.
        let first = self.random.u32(0..DUE_SHARDS);
        let mut positions: VecDeque<_> = (0..DUE_SHARDS).map(|n| ((first + n) % DUE_SHARDS, None)).collect();
        let mut waiting = Vec::new();
        while !positions.is_empty() && !self.clock.is_past(until) {
            let some = positions.drain(..positions.len().min(SHARDS_AT_ONCE));
            let pages = some.map(async |(shard, position)| (shard, self.due.page(shard, now, position).await));
            let mut due = Vec::new();
            for (shard, page) in join_all(pages).await {
                match page {
                    Ok(QueryPage { items, next }) => {
                        due.extend(items);
                        positions.extend(next.map(|position| (shard, Some(position))));
                    }
                    Err(error) => {
                        tracing::error!(shard, %error, "a shard of the due index could not be read");
                        Metric::DueFailed.count();
                    }
                }
            }
            waiting.extend(self.follow_up_pending(due, now, until).await);
            waiting.truncate(MOST_KEPT);
        }
        waiting
    }

    /// Reads each session and refund and finds out what became of those that are at a provider. The state is not in the index,
    /// so it has to be read; what else is due is given back, and expiries need no second read.
    async fn follow_up_pending(&self, items: Vec<DueItem>, now: Timestamp, until: SystemTime) -> Vec<Waiting> {
        let (mut to_read, mut waiting) = (Vec::new(), Vec::new());
        for item in items {
            match item {
                DueItem::Session(_) | DueItem::Refund(..) => to_read.push(item),
                DueItem::Mail(id) => waiting.push(Waiting::Mail(id)),
                DueItem::LinkMail(id) => waiting.push(Waiting::LinkMail(id)),
                DueItem::Cursor(id) => waiting.push(Waiting::Cursor(id)),
                DueItem::Endpoint(merchant_id, id) => waiting.push(Waiting::Endpoint(merchant_id, id)),
            }
        }
        let in_time = futures_util::stream::iter(to_read).take_while(|_| ready(!self.clock.is_past(until)));
        let read = in_time.map(async |item| {
            within(self.at_provider(&item, now)).await.unwrap_or_else(|error| {
                let (session_id, refund_id) = ids(&item);
                let (session_id, refund_id) = (session_id.map(display), refund_id.map(display));
                tracing::error!(session_id, refund_id, %error, "a due item could not be processed");
                Metric::DueFailed.count();
                None
            })
        });
        waiting.extend(read.buffer_unordered(CONCURRENCY).filter_map(ready).collect::<Vec<_>>().await);
        waiting
    }

    /// Follows up what is at a provider; what has expired is given back.
    async fn at_provider(&self, item: &DueItem, now: Timestamp) -> Result<Option<Waiting>, Error> {
        match item {
            DueItem::Session(id) => self.session(*id, now).await,
            DueItem::Refund(session_id, id) => self.refund(session_id, id, now).await,
            DueItem::Mail(_) | DueItem::LinkMail(_) | DueItem::Cursor(_) | DueItem::Endpoint(..) => Ok(None),
        }
    }

    /// Follows up a refund that its provider makes; one whose time has passed is given back.
    async fn refund(&self, session_id: &SessionId, id: &RefundId, now: Timestamp) -> Result<Option<Waiting>, Error> {
        let Some(refund) = self.refunds.find(session_id, id).await? else { return Ok(None) };
        match payments::Due::of_refund(&refund, now) {
            payments::Due::Nothing => Ok(None),
            payments::Due::FollowUp => Ok(self.payments.follow_up_refund(&refund).await.map(|()| None)?),
            payments::Due::Expire => Ok(Some(Waiting::Refund(WithoutDetails(Box::new(refund))))),
        }
    }

    /// Follows up a session whose money may move; one whose time has passed is given back.
    async fn session(&self, id: SessionId, now: Timestamp) -> Result<Option<Waiting>, Error> {
        let Some(session) = self.sessions.get(&id).await? else { return Ok(None) };
        match payments::Due::of_session(&session, now) {
            payments::Due::Nothing => Ok(None),
            payments::Due::FollowUp => Ok(self.payments.follow_up(&session).await.map(|()| None)?),
            payments::Due::Expire => Ok(Some(Waiting::Expiry(id))),
        }
    }
}

/// The session and the refund that an item is about.
const fn ids(item: &DueItem) -> (Option<&SessionId>, Option<&RefundId>) {
    match item {
        DueItem::Session(id) => (Some(id), None),
        DueItem::Refund(session_id, id) => (Some(session_id), Some(id)),
        DueItem::Mail(_) | DueItem::LinkMail(_) | DueItem::Cursor(_) | DueItem::Endpoint(..) => (None, None),
    }
}
