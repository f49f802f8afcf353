//! Mails that did not arrive: each is noted once, with ids alone, for a week.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use jiff::SignedDuration;
use models::{MailId, MailTopic, Mode, SessionId};
use store::{Bounce, Bounces, Sessions};
use support::World;

#[test]
fn each_is_noted_once_and_the_newest_of_a_week_are_read() {
    World::get().runtime.block_on(async {
        let table = World::get().table.clone();
        let (owner, other, now) = (support::new_owner(Mode::Test), support::new_owner(Mode::Test), samples::now());
        let bounces = Bounces::new(table.clone());
        let mut sessions: Vec<SessionId> = Vec::new();
        for _ in 0..3 {
            let session = support::new_session(&owner, now, None, 400);
            sessions.push(session.id);
            Sessions::new(table.clone()).create(session, None).await.unwrap();
        }
        let mail = |n: usize| MailId { topic: MailTopic::Receipt(sessions[n]), sequence: 4 };
        let ago = |hours| now - SignedDuration::from_hours(hours);
        for (n, at) in [(0, ago(1)), (1, ago(7 * 24 + 1)), (2, ago(2)), (0, ago(1)), (0, now)] {
            bounces.note(&mail(n), at).await.unwrap();
        }
        let unknown = MailId { topic: MailTopic::Receipt(SessionId::new(samples::uuid())), sequence: 4 };
        bounces.note(&unknown, now).await.unwrap();
        let bounce = |n: usize, at| Bounce { session_id: sessions[n], at };
        let all = [bounce(0, now), bounce(0, ago(1)), bounce(2, ago(2))];
        assert_eq!(bounces.newest(&owner, now, 20).await.unwrap(), all);
        assert_eq!(bounces.newest(&owner, now, 2).await.unwrap(), all[..2]);
        assert_eq!(bounces.newest(&other, now, 20).await.unwrap(), []);
    });
}
