//! The due index when it is too large for one answer.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use models::{CursorId, EndpointId, Mode, SessionId};
use store::{BackingOff, Cursors, Due, DueItem, Finished, FoundBackingOff, Paused, Search, Sessions};
use support::{TABLE_NAME, World};
use uuid::Uuid;

/// Fills the index with 2 MB that nobody knows and that is never due.
async fn crowd() {
    let s = |text: String| AttributeValue::S(text);
    for batch in 0..40 {
        let put = |n: usize| {
            let put = PutRequest::builder()
                .item("pk", s(format!("{batch}-{n}-{}", "x".repeat(2000))))
                .item("sk", s("FILLER".to_owned()))
                .item("due_pk", s(format!("DUE#{n}")))
                .item("due_at", s("9999".to_owned()));
            WriteRequest::builder().put_request(put.build().unwrap()).build()
        };
        let requests: Vec<_> = (0..25).map(put).collect();
        World::get().client().batch_write_item().request_items(TABLE_NAME, requests).send().await.unwrap();
    }
}

#[test]
fn all_is_found_at_once_while_there_is_little_and_shard_by_shard_after() {
    World::get().runtime.block_on(async {
        let table = World::get().table.clone();
        let owner = support::new_owner(Mode::Test);
        let (now, endpoint_id) = (samples::now(), EndpointId::new(samples::uuid()));
        let (due, cursors) = (Due::new(table.clone()), Cursors::new(table.clone()));
        let (mut expired, mut dead) = (Vec::<SessionId>::new(), Vec::<CursorId>::new());
        for _ in 0..30 {
            let session = support::new_session(&owner, now, None, 100);
            let (id, merchant_id) = (session.id, owner.merchant_id.clone());
            Sessions::new(table.clone()).create(session, None).await.unwrap();
            expired.push(id);
            let cursor = CursorId { object_id: id.into(), merchant_id, endpoint_id, replay_of: None };
            cursors.advance(&cursor, 1, now, None).await.unwrap();
            let claim = cursors.claim(&cursor, now).await.unwrap().unwrap();
            cursors.pause(&claim, Paused::Dead).await.unwrap();
            dead.push(cursor);
        }
        let sorted = |mut ids: Vec<String>| {
            ids.sort();
            ids
        };
        let dead_ids = || sorted(dead.iter().map(ToString::to_string).collect());
        let paused_of = async |endpoint_id| {
            sorted(
                cursors
                    .paused_of(&endpoint_id, Cursors::ENOUGH_TO_RESUME)
                    .await
                    .unwrap()
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            )
        };
        let ids = |items: Vec<DueItem>| {
            let session = |item| match item {
                DueItem::Session(id) => id.to_string(),
                other @ (DueItem::Refund(..)
                | DueItem::Mail(_)
                | DueItem::LinkMail(_)
                | DueItem::Cursor(_)
                | DueItem::Endpoint(..)) => panic!("{other:?} is not due"),
            };
            sorted(items.into_iter().map(session).collect())
        };
        let expected = sorted(expired.iter().map(ToString::to_string).collect());
        let later = now + std::time::Duration::from_secs(3600);
        assert_eq!(due.all(now).await.unwrap(), Some(vec![]));
        assert_eq!(ids(due.all(later).await.unwrap().unwrap()), expected);
        assert_eq!((paused_of(endpoint_id).await, paused_of(EndpointId::new(Uuid::nil())).await), (dead_ids(), vec![]));

        // What waits for its next try is found as well, and hastened; what is claimed is left alone.
        let failing = EndpointId::new(samples::uuid());
        let at = |seconds| now + std::time::Duration::from_secs(seconds);
        let mut waiting = Vec::new();
        for (session_id, seconds) in expired.iter().zip(7200..) {
            let merchant_id = owner.merchant_id.clone();
            let id = CursorId { object_id: (*session_id).into(), merchant_id, endpoint_id: failing, replay_of: None };
            cursors.advance(&id, 1, now, None).await.unwrap();
            let claim = cursors.claim(&id, now).await.unwrap().unwrap();
            cursors.retry_at(&claim, at(seconds), 3, now).await.unwrap();
            waiting.push(BackingOff { id, due_at: at(seconds) });
        }
        let found = async |now, search| {
            let FoundBackingOff { mut cursors, is_all } = cursors.backing_off(&failing, now, search).await.unwrap();
            cursors.sort_by_key(|one| one.due_at);
            (cursors, is_all)
        };
        for search in [Search::Glance, Search::Thorough] {
            assert_eq!(found(now, search).await, (waiting.clone(), true));
        }

        crowd().await;
        assert_eq!(due.all(later).await.unwrap(), None);
        let mut all = support::due_items(&table).await;
        all.retain(|item| !matches!(item, DueItem::Cursor(cursor) if cursor.endpoint_id == failing));
        assert_eq!(ids(all), expected);
        assert_eq!((paused_of(endpoint_id).await, paused_of(EndpointId::new(Uuid::nil())).await), (dead_ids(), vec![]));

        let (some, is_all) = found(now, Search::Glance).await;
        assert!(!is_all && some.len() < waiting.len(), "a tenth of the shards: {some:?}");
        assert!(some.iter().all(|one| waiting.contains(one)), "{some:?}");
        assert_eq!(found(now, Search::Thorough).await.0, waiting);

        let first = waiting.remove(0);
        assert!(cursors.claim(&first.id, at(1)).await.unwrap().is_none());
        cursors.hasten(&first, at(2)).await.unwrap();
        assert_eq!(found(at(2), Search::Thorough).await.0, waiting);
        let mut claim = cursors.claim(&first.id, at(3)).await.unwrap().unwrap();
        assert_eq!((claim.delivered, claim.attempts, claim.waiting_since), (0, 3, Some(now)));
        cursors.hasten(&first, at(4)).await.unwrap();
        assert!(cursors.claim(&first.id, at(5)).await.unwrap().is_none(), "it is somebody's");
        assert_eq!(cursors.finish(&mut claim, 1).await.unwrap(), Finished::Done);
    });
}
