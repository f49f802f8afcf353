//! Mails that did not arrive, which the console's overview names. Each is an item of its own with ids alone; it goes after a
//! week, whatever became of the mail since.

use jiff::{SignedDuration, Timestamp};
use models::{MailId, MailTopic, Object, SessionId};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::owner::Owner;
use crate::query::{Query, Source};
use crate::refunds::Refunds;
use crate::sessions::Sessions;
use crate::table::{Item, Table, n, read};
use crate::write::WriteKind;

/// For how long a person is reminded of one.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The table's notes of mails that did not arrive.
#[derive(Debug, Clone)]
pub struct Bounces {
    table: Table,
}

/// A mail that did not arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounce {
    /// The payment that it is about, or about a refund of.
    pub session_id: SessionId,
    /// When that was reported.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub at: Timestamp,
}

impl Bounces {
    /// The notes in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Notes that a mail did not arrive, as was reported then, unless that is noted, or what it was about is deleted.
    ///
    /// # Errors
    /// The table failed us; it may be noted.
    pub async fn note(&self, id: &MailId, at: Timestamp) -> Result<(), StoreError> {
        let table = self.table.clone();
        let object = match id.topic {
            MailTopic::Receipt(id) | MailTopic::PaymentLink(id) => {
                Sessions::new(table).get(&id).await?.map(|session| Object::Session(Box::new(session)))
            }
            MailTopic::RefundDetails(id) | MailTopic::RefundSent(id) | MailTopic::RefundToAuthorise(id) => {
                Refunds::new(table).get(&id).await?.map(|refund| Object::Refund(Box::new(refund)))
            }
        };
        let Some(object) = object else { return Ok(()) };
        let mut item: Item = serde_dynamo::to_item(Bounce { session_id: object.session_id(), at })?;
        item.insert("ttl".to_owned(), n(at.checked_add(KEPT).unwrap_or(Timestamp::MAX).as_second()));
        let key = keys::bounce(object.merchant_id(), object.mode(), at, id);
        self.table.put_new(WriteKind::BouncePut, key, item).await.map(|_| ())
    }

    /// The last `limit` (1 or more) that were reported within a week before `now`, newest first. One consistent read.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn newest(&self, owner: &Owner, now: Timestamp, limit: usize) -> Result<Vec<Bounce>, StoreError> {
        let pk = keys::needs_pk(&owner.merchant_id, owner.mode);
        // DynamoDB removes them some days after.
        let first = keys::bounce_prefix(now.checked_sub(KEPT).unwrap_or(Timestamp::MIN));
        let last = format!("{}~", keys::BOUNCE_PREFIX);
        let between = Some((first.as_str(), last.as_str()));
        let query = Query { source: Source::Table, pk: &pk, between, descending: true, limit };
        let page = self.table.page(&query, None).await?;
        page.items.into_iter().map(|item| read(&pk, item)).collect()
    }
}
