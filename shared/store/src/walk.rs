//! Going through the whole table, or all that waits: by Scans of parts that can be walked side by side.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use models::{EmailAddress, MerchantId, SessionId};

use crate::bank_payments::KnownPayment;
use crate::erasures::Erasable;
use crate::error::StoreError;
use crate::keys;
use crate::object_path::ObjectPath;
use crate::table::{Item, Table, TableItem, s};

/// How many items one call reads, at the most: what it holds in memory is some MB.
const PAGE: i32 = 500;

/// A walk through a part of the table. Eventually consistent: what it finds is read again before anything is done.
#[derive(Debug)]
pub struct Walk<T> {
    table: Table,
    index: Option<&'static str>,
    filter: Option<Filter>,
    part: i32,
    parts: i32,
    /// Where the next page begins; none if there is no next page.
    next_page: Option<Item>,
    done: bool,
    read: fn(Item) -> Option<T>,
}

/// What DynamoDB leaves out by itself; it is paid for, but not sent.
#[derive(Debug, Clone)]
struct Filter {
    expression: &'static str,
    values: Vec<(&'static str, AttributeValue)>,
    /// The attributes that are sent.
    projection: &'static str,
}

/// What one call found.
#[derive(Debug)]
pub struct WalkPage<T> {
    /// The items that were searched.
    pub found: Vec<T>,
    /// How many items were read.
    pub read_count: u64,
    /// How many read units that took.
    pub units: f64,
}

/// What was found of a payer.
#[derive(Debug, Clone)]
pub struct PayersData {
    /// A session of theirs, or them as a merchant's customer.
    pub of: Erasable,
    /// By which address.
    pub email: EmailAddress,
}

/// In how many parts a table is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts(
    /// 1 or more.
    pub u8,
);

impl Table {
    /// How many items there are, more or less: DynamoDB counts some times a day.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn approximate_items(&self) -> Result<u64, StoreError> {
        let output = self.client.describe_table().table_name(&self.name).send().await;
        let described = output.map_err(|error| StoreError::unavailable("DescribeTable", error))?;
        let count = described.table.and_then(|table| table.item_count).unwrap_or_default();
        Ok(count.try_into().unwrap_or_default())
    }

    /// Everything.
    pub fn items(&self, parts: Parts) -> Vec<Walk<TableItem>> {
        self.walk(parts, None, None, |item| Some(TableItem(item)))
    }

    /// Every session and refund.
    pub fn objects(&self, parts: Parts) -> Vec<Walk<(ObjectPath, TableItem)>> {
        let filter = Filter {
            expression: "begins_with(pk, :session) AND attribute_not_exists(deleted_at)",
            values: vec![(":session", s(keys::SESSION_PK_PREFIX))],
            projection: "pk, sk, history",
        };
        self.walk(parts, None, Some(filter), |item| Some((ObjectPath::of(&item)?, TableItem(item))))
    }

    /// Every merchant.
    pub fn merchants(&self, parts: Parts) -> Vec<Walk<MerchantId>> {
        let filter =
            Filter { expression: "sk = :profile", values: vec![(":profile", s(keys::PROFILE))], projection: "pk" };
        self.walk(parts, None, Some(filter), |item| {
            item.get("pk")?.as_s().ok()?.strip_prefix("MERCHANT#")?.parse().ok()
        })
    }

    /// Every session with a payer whose e-mail address is known, and every customer.
    pub fn payers(&self, parts: Parts) -> Vec<Walk<PayersData>> {
        let filter = Filter {
            expression: "sk = :session AND attribute_exists(payer.email) OR sk = :customer AND attribute_exists(email)",
            values: vec![(":session", s(keys::SESSION_SK)), (":customer", s(keys::CUSTOMER_SK))],
            projection: "pk, sk, payer, email",
        };
        self.walk(parts, None, Some(filter), |item| {
            let of = Erasable::of(&item)?;
            let email = match of {
                Erasable::Session(_) => item.get("payer")?.as_m().ok()?.get("email")?,
                Erasable::Customer(_) => item.get("email")?,
            };
            Some(PayersData { of, email: email.as_s().ok()?.to_owned().try_into().ok()? })
        })
    }

    /// Every payment of a provider whose money moves at consent, of all attempts of all sessions, deleted or not.
    pub fn bank_payments(&self, parts: Parts) -> Vec<Walk<KnownPayment>> {
        let filter = Filter {
            expression: "sk = :payment",
            values: vec![(":payment", s(keys::BANK_PAYMENT_SK))],
            projection: "pk, session_id, attempt",
        };
        self.walk(parts, None, Some(filter), KnownPayment::of)
    }

    /// Every session that is neither deleted nor erased.
    pub fn whole_sessions(&self, parts: Parts) -> Vec<Walk<SessionId>> {
        let filter = Filter {
            expression: "sk = :session AND attribute_not_exists(deleted_at) AND attribute_not_exists(erased_at)",
            values: vec![(":session", s(keys::SESSION_SK))],
            projection: "pk, sk",
        };
        self.walk(parts, None, Some(filter), |item| ObjectPath::session_of(&item))
    }

    /// Every session that waits for something: those that are not final.
    pub fn waiting_sessions(&self, parts: Parts) -> Vec<Walk<SessionId>> {
        let filter = Filter {
            expression: "sk = :session",
            values: vec![(":session", s(keys::SESSION_SK))],
            projection: "pk, sk",
        };
        self.walk(parts, Some("due"), Some(filter), |item| ObjectPath::session_of(&item))
    }

    fn walk<T>(
        &self,
        Parts(parts): Parts,
        index: Option<&'static str>,
        filter: Option<Filter>,
        read: fn(Item) -> Option<T>,
    ) -> Vec<Walk<T>> {
        let parts = i32::from(parts.max(1));
        (0..parts)
            .map(|part| Walk {
                table: self.clone(),
                index,
                filter: filter.clone(),
                part,
                parts,
                next_page: None,
                done: false,
                read,
            })
            .collect()
    }
}

impl<T> Walk<T> {
    /// The next page; none at the end.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn next(&mut self) -> Result<Option<WalkPage<T>>, StoreError> {
        if self.done {
            return Ok(None);
        }
        let mut scan =
            self.table.client.scan().table_name(&self.table.name).set_index_name(self.index.map(str::to_owned));
        if let Some(Filter { expression, values, projection }) = self.filter.clone() {
            scan = scan.filter_expression(expression).projection_expression(projection);
            for (name, value) in values {
                scan = scan.expression_attribute_values(name, value);
            }
        }
        let output = scan
            .segment(self.part)
            .total_segments(self.parts)
            .limit(PAGE)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .set_exclusive_start_key(self.next_page.take())
            .send()
            .await
            .map_err(|error| StoreError::unavailable("Scan", error))?;
        self.done = output.last_evaluated_key.is_none();
        self.next_page = output.last_evaluated_key;
        Ok(Some(WalkPage {
            read_count: output.scanned_count.try_into().unwrap_or_default(),
            units: output.consumed_capacity.and_then(|consumed| consumed.capacity_units).unwrap_or_default(),
            found: output.items.unwrap_or_default().into_iter().filter_map(self.read).collect(),
        }))
    }
}
