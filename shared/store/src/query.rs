//! Reading one partition, of the table or of an index, in the order of its sort keys and page by page.

use std::collections::HashMap;

use crate::error::StoreError;
use crate::table::{Item, Key, Table, s};

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The table itself, consistently.
    Table,
    /// The index of merchants' lists: keys, and little more. Like the others, eventually consistent.
    Lists,
    /// The index of what is due.
    Due,
    /// The index of what is final.
    Final,
    /// Of the table of acts: the index of what was acted on.
    Objects,
}

impl Source {
    /// The name of the sort key.
    pub(crate) const fn sort_key(self) -> &'static str {
        let (_, _, sort_key) = self.names();
        sort_key
    }

    /// The index, if it is one, and its keys as an expression has them.
    const fn names(self) -> (Option<&'static str>, &'static str, &'static str) {
        match self {
            Self::Table => (None, "pk", "sk"),
            Self::Lists => (Some("lists"), "list_pk", "list_sk"),
            Self::Due => (Some("due"), "due_pk", "due_at"),
            Self::Final => (Some("final"), "final_pk", "final_at"),
            Self::Objects => (Some("objects"), "#object", "sk"),
        }
    }
}

/// A part of one partition.
#[derive(Debug)]
pub(crate) struct Query<'a> {
    pub(crate) source: Source,
    pub(crate) pk: &'a str,
    /// The first and the last sort key; all of them if not given.
    pub(crate) between: Option<(&'a str, &'a str)>,
    /// From the last sort key to the first.
    pub(crate) descending: bool,
    /// How many items one page has at the most.
    pub(crate) limit: usize,
}

/// Where the next page begins.
#[derive(Debug)]
pub struct Position(Item);

impl Position {
    /// Right after an item of the table, whether it is there or not.
    pub(crate) fn after(key: Key) -> Self {
        Self(key.into_item())
    }
}

/// One page.
#[derive(Debug)]
pub struct QueryPage<T> {
    /// What it holds. May be nothing though there is a next page.
    pub items: Vec<T>,
    /// Where the next page begins, unless this was the last.
    pub next: Option<Position>,
}

impl<T> QueryPage<T> {
    /// The items that can be read so.
    pub(crate) fn filter_map<U>(self, read: impl Fn(&T) -> Option<U>) -> QueryPage<U> {
        QueryPage { items: self.items.iter().filter_map(read).collect(), next: self.next }
    }
}

impl Table {
    /// One page.
    pub(crate) async fn page(&self, query: &Query<'_>, start: Option<Position>) -> Result<QueryPage<Item>, StoreError> {
        let (index, pk, sk) = query.source.names();
        let request = self
            .client
            .query()
            .table_name(&self.name)
            .set_index_name(index.map(str::to_owned))
            .set_consistent_read(index.is_none().then_some(true))
            // A word that expressions may not have.
            .set_expression_attribute_names(
                pk.strip_prefix('#').map(|name| HashMap::from([(pk.to_owned(), name.to_owned())])),
            )
            .expression_attribute_values(":pk", s(query.pk))
            .set_scan_index_forward(query.descending.then_some(false))
            .set_limit(i32::try_from(query.limit).ok())
            .set_exclusive_start_key(start.map(|Position(key)| key));
        let request = match query.between {
            Some((first, last)) => request
                .key_condition_expression(format!("{pk} = :pk AND {sk} BETWEEN :first AND :last"))
                .expression_attribute_values(":first", s(first))
                .expression_attribute_values(":last", s(last)),
            None => request.key_condition_expression(format!("{pk} = :pk")),
        };
        let output = request.send().await.map_err(|error| StoreError::unavailable("Query", error))?;
        Ok(QueryPage { items: output.items.unwrap_or_default(), next: output.last_evaluated_key.map(Position) })
    }

    /// At most `limit` (1 or more) items of one of the table's partitions; if `between` is given, those whose sort keys are
    /// not outside of it.
    pub(crate) async fn query(
        &self,
        pk: &str,
        between: Option<(&str, &str)>,
        limit: usize,
    ) -> Result<Vec<Item>, StoreError> {
        let mut query = Query { source: Source::Table, pk, between, descending: false, limit };
        let (mut items, mut start) = (Vec::new(), None);
        loop {
            let page = self.page(&query, start).await?;
            items.extend(page.items);
            start = page.next;
            query.limit = limit.saturating_sub(items.len());
            if start.is_none() || query.limit == 0 {
                return Ok(items);
            }
        }
    }
}
