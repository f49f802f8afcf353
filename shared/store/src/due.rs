//! What has fallen due: sessions to expire or to ask the bank about, refunds without details or to ask the provider about,
//! mails to send, events to deliver.

use jiff::Timestamp;
use models::{CursorId, EndpointId, LinkMailId, MailId, MerchantId, RefundId, SessionId, SortableTimestamp};

use crate::error::StoreError;
use crate::keys;
use crate::object_path::ObjectPath;
use crate::query::{Position, Query, QueryPage, Source};
use crate::table::{Item, Table, s};

/// The table's due index. Eventually consistent: what it shows is read again before anything is done.
#[derive(Debug, Clone)]
pub struct Due {
    table: Table,
}

/// How many due items one page holds at the most.
const PAGE: usize = 250;

/// One thing that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DueItem {
    /// A session expires, or its bank is to be asked.
    Session(SessionId),
    /// A refund's details were not given in time, or its provider is to be asked.
    Refund(SessionId, RefundId),
    /// A mail is to be sent.
    Mail(MailId),
    /// A mail to people is to be sent.
    LinkMail(LinkMailId),
    /// Something is to be delivered to an endpoint.
    Cursor(CursorId),
    /// What was to be delivered to an endpoint, and was paused, is to be resumed.
    Endpoint(MerchantId, EndpointId),
}

impl Due {
    /// The due index of this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// All that is due at `now`, if the whole index fits an answer; if not, none: then it is to be read page by page. While
    /// little waits, one call costs less than one for each shard.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn all(&self, now: Timestamp) -> Result<Option<Vec<DueItem>>, StoreError> {
        let found = scan(&self.table, "due_at <= :due_at", SortableTimestamp::from(now).as_str()).await?;
        Ok(found.map(|items| items.iter().filter_map(due_item).collect()))
    }

    /// What is due at `now` in one shard (below [`DUE_SHARDS`]), oldest first, from `start` on: one page.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn page(
        &self,
        shard: u32,
        now: Timestamp,
        start: Option<Position>,
    ) -> Result<QueryPage<DueItem>, StoreError> {
        let (pk, now) = (keys::due_shard_pk(shard), SortableTimestamp::from(now));
        let between = Some((keys::FIRST_TIMESTAMP, now.as_str()));
        let query = Query { source: Source::Due, pk: &pk, between, descending: false, limit: PAGE };
        Ok(self.table.page(&query, start).await?.filter_map(due_item))
    }
}

/// What of the due index has a `due_at` like this, if the whole index fits an answer (1 MB, some 8,000 items).
pub(crate) async fn scan(table: &Table, condition: &str, due_at: &str) -> Result<Option<Vec<Item>>, StoreError> {
    let output = table
        .client
        .scan()
        .table_name(&table.name)
        .index_name("due")
        .filter_expression(condition)
        .expression_attribute_values(":due_at", s(due_at))
        .send()
        .await
        .map_err(|error| StoreError::unavailable("Scan", error))?;
    Ok(output.last_evaluated_key.is_none().then(|| output.items.unwrap_or_default()))
}

fn due_item(item: &Item) -> Option<DueItem> {
    let part = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
    let (pk, sk) = (part("pk")?, part("sk")?);
    let (kind, id) = pk.split_once('#')?;
    match kind {
        "SESSION" => match ObjectPath::from_key(pk, sk)? {
            ObjectPath::Session(id) => Some(DueItem::Session(id)),
            ObjectPath::Refund(session_id, id) => Some(DueItem::Refund(session_id, id)),
        },
        "EVENTS" => keys::cursor_of(item).map(DueItem::Cursor),
        "ENDPOINTS" => Some(DueItem::Endpoint(id.parse().ok()?, sk.parse().ok()?)),
        "LINKMAIL" => Some(DueItem::LinkMail(id.parse().ok()?)),
        "MAIL" => Some(DueItem::Mail(format!("{id}/{}", sk.replace('#', "/")).parse().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use models::MailTopic;

    use super::*;

    #[test]
    fn keys_read_back_as_what_is_due() {
        let session_id: SessionId = "1ae1ce03-dfa9-4593-b487-65c656991cb5".parse().unwrap();
        let refund_id: RefundId = "728d061b-8e47-4052-be4f-5f9bcdee39ff".parse().unwrap();
        let merchant_id: MerchantId = "demo".parse().unwrap();
        let endpoint_id: EndpointId = "728d061b-8e47-4052-be4f-5f9bcdee39ff".parse().unwrap();
        let link_mail_id: LinkMailId = "728d061b-8e47-4052-be4f-5f9bcdee39ff".parse().unwrap();
        let mail = |topic| MailId { topic, sequence: 5 };
        let mails = [
            mail(MailTopic::Receipt(session_id)),
            mail(MailTopic::RefundDetails(refund_id)),
            mail(MailTopic::RefundSent(refund_id)),
            mail(MailTopic::PaymentLink(session_id)),
            mail(MailTopic::RefundToAuthorise(refund_id)),
        ];
        let cursors = [None, Some(3)].map(|replay_of| {
            let merchant_id = merchant_id.clone();
            CursorId { object_id: session_id.into(), merchant_id, endpoint_id, replay_of }
        });
        let mut items = vec![
            (DueItem::Session(session_id), keys::session(&session_id)),
            (DueItem::Refund(session_id, refund_id), keys::refund(&session_id, &refund_id)),
            (DueItem::Endpoint(merchant_id.clone(), endpoint_id), keys::endpoint(&merchant_id, &endpoint_id)),
            (DueItem::LinkMail(link_mail_id), keys::link_mail(link_mail_id)),
        ];
        items.extend(mails.map(|id| (DueItem::Mail(id), keys::mail(&id))));
        items.extend(cursors.map(|id| (DueItem::Cursor(id.clone()), keys::cursor(&id))));
        for (item, key) in items {
            assert_eq!(due_item(&key.into_item()), Some(item));
        }
        let order = keys::mock_order("1ae1ce03-dfa9-4593-b487-65c656991cb5".parse().unwrap());
        assert_eq!(due_item(&order.into_item()), None);
    }
}
