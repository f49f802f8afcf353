//! Acts: who did what. They are put to a table of their own and never changed (docs/decisions/0048-acts.md).

use models::{Act, ActKey, MerchantId, SessionId};
use runtime::{Random, SettingError};

use crate::error::StoreError;
use crate::keys;
use crate::query::{Position, Query, Source};
use crate::table::{Item, Key, Table, read, s};
use crate::write::WriteKind;

/// The table of acts.
#[derive(Debug, Clone)]
pub struct AuditTable(Table);

impl AuditTable {
    /// The table named by `AUDIT_TABLE_NAME`, with Lambda's credentials.
    ///
    /// # Errors
    /// A variable is missing.
    pub fn from_env() -> Result<Self, SettingError> {
        Ok(Self::new(&runtime::aws_config()?, runtime::required("AUDIT_TABLE_NAME")?))
    }

    /// The table with this name.
    pub fn new(config: &aws_types::SdkConfig, name: String) -> Self {
        // No write to it is marked: an act has an id.
        Self(Table::new(config, name, Random::System))
    }
}

/// A part of a merchant's acts, newest first.
#[derive(Debug, Clone, Copy)]
pub struct ActRange {
    /// Only those before this one; from the newest if not given.
    pub before: Option<ActKey>,
    /// How many at the most: 1 or more.
    pub limit: usize,
}

/// One page of a merchant's acts.
#[derive(Debug)]
pub struct ActPage {
    /// Newest first.
    pub acts: Vec<Act>,
    /// The next page is of those before this one; none if this is the last.
    pub next: Option<ActKey>,
}

/// The put of an act, as a part of the write of what was done.
#[derive(Debug, Clone)]
pub struct ActWrite {
    pub(crate) table_name: String,
    pub(crate) key: Key,
    pub(crate) item: Item,
}

/// The acts of all merchants.
#[derive(Debug, Clone)]
pub struct Acts {
    table: Table,
}

impl Acts {
    /// The acts in this table.
    pub fn new(AuditTable(table): AuditTable) -> Self {
        Self { table }
    }

    /// Puts an act by itself: one that was refused, or that changed nothing else. Again, it changes nothing.
    ///
    /// # Errors
    /// The table failed us; the act may have been put.
    pub async fn put(&self, act: &Act) -> Result<(), StoreError> {
        let ActWrite { key, item, .. } = self.write(act)?;
        self.table.put_new(WriteKind::ActPut, key, item).await.map(|_| ())
    }

    /// The put of an act, for the transaction of what was done: both are there then, or neither.
    ///
    /// # Errors
    /// It can't be written as an item.
    pub fn write(&self, act: &Act) -> Result<ActWrite, StoreError> {
        let mut item: Item = serde_dynamo::to_item(act)?;
        item.insert("object".to_owned(), s(keys::acts_object(&act.merchant_id, &act.object)));
        Ok(ActWrite { table_name: self.table.name.clone(), key: keys::act(&act.merchant_id, &act.key()), item })
    }

    /// The act of this merchant with this key. A consistent read.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn get(&self, merchant: &MerchantId, key: &ActKey) -> Result<Option<Act>, StoreError> {
        let key = keys::act(merchant, key);
        self.table.get(key.clone()).await?.map(|item| read(key, item)).transpose()
    }

    /// What was done to a session and its refunds, oldest first; of very much, the last 200. Eventually consistent: an act is
    /// missing for less than a second, as a rule.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn of_session(&self, id: &SessionId) -> Result<Vec<Act>, StoreError> {
        let pk = keys::session_pk(id);
        let query = Query { source: Source::Objects, pk: &pk, between: None, descending: true, limit: MAX_OF_SESSION };
        let (mut acts, mut start) = (Vec::new(), None);
        loop {
            let page = self.table.page(&query, start).await?;
            for item in page.items {
                acts.push(read(&pk, item)?);
            }
            start = page.next;
            if start.is_none() || acts.len() >= MAX_OF_SESSION {
                acts.truncate(MAX_OF_SESSION);
                acts.reverse();
                return Ok(acts);
            }
        }
    }

    /// A page of what was done at a merchant. A consistent read.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn page(&self, merchant: &MerchantId, range: ActRange) -> Result<ActPage, StoreError> {
        let pk = keys::acts_pk(merchant);
        // One more than asked for shows whether there are more.
        let wanted = range.limit.saturating_add(1);
        let mut query = Query { source: Source::Table, pk: &pk, between: None, descending: true, limit: wanted };
        let mut start = range.before.map(|before| Position::after(keys::act(merchant, &before)));
        let mut acts: Vec<Act> = Vec::new();
        // A page of DynamoDB's ends at 1 MB, too.
        while acts.len() < wanted {
            query.limit = wanted.saturating_sub(acts.len());
            let page = self.table.page(&query, start).await?;
            for item in page.items {
                acts.push(read(&pk, item)?);
            }
            start = page.next;
            if start.is_none() {
                break;
            }
        }
        let has_more = acts.len() > range.limit;
        acts.truncate(range.limit);
        let next = acts.last().filter(|_| has_more).map(Act::key);
        Ok(ActPage { acts, next })
    }
}

/// How many acts of a session are read: a person reads them on one page.
const MAX_OF_SESSION: usize = 200;
