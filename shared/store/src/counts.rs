//! How many sessions and customers there are in an owner's lists.

use crate::error::StoreError;
use crate::keys;
use crate::owner::Owner;
use crate::table::Table;

/// What is counted, by owner and format. Banked's sessions are not: no answer of that format has their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counted {
    /// Payment sessions.
    Sessions,
    /// Customers that have not been deleted.
    Customers,
}

impl Counted {
    /// As it is stored.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Sessions => "SESSIONS",
            Self::Customers => "CUSTOMERS",
        }
    }
}

/// The table's counts.
#[derive(Debug, Clone)]
pub struct Counts {
    table: Table,
}

impl Counts {
    /// The counts in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// How many `owner` has, of the format through which they come. Eventually right: what has come or gone in the last seconds
    /// may not be counted yet.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn of(&self, owner: &Owner, counted: Counted) -> Result<u64, StoreError> {
        let format = owner.format.unwrap_or_default();
        let key = keys::count(&owner.merchant_id, owner.mode, counted.as_str(), format);
        let count = self.table.get_eventually(key).await?;
        Ok(count.and_then(|item| item.get("count")?.as_n().ok()?.parse().ok()).unwrap_or_default())
    }
}
