//! Applications: one item each, in a partition of its own, for who checks signatures may read nothing else by it.

use models::{ApiKeyId, Application};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::merchants::Merchants;
use crate::table::read;

/// An application is one attribute, so that all of it is put and nothing of the one before is left.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredApplication {
    application: Application,
}

impl Merchants {
    /// The application of an API key, if it has one, read consistently.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn application(&self, id: &ApiKeyId) -> Result<Option<Application>, StoreError> {
        let key = keys::application(id);
        let item = self.table.get(key.clone()).await?;
        let stored = item.map(|item| read::<StoredApplication>(key, item)).transpose()?;
        Ok(stored.map(|StoredApplication { application }| application))
    }

    /// Makes the application of an API key what `change` makes of it, and returns that. Done again upon what others have put
    /// meanwhile.
    ///
    /// # Errors
    /// `change` refuses, so that nothing is put; or the table failed us, and it may have been put.
    #[expect(clippy::todo, clippy::unused_async, reason = "is written next")]
    pub async fn change_application<E: From<StoreError>>(
        &self,
        _id: &ApiKeyId,
        _change: impl Fn(Option<Application>) -> Result<Application, E>,
    ) -> Result<Application, E> {
        todo!()
    }

    /// Removes the application of an API key; false if it has none.
    ///
    /// # Errors
    /// The table failed us; it may have been removed.
    #[expect(clippy::todo, clippy::unused_async, reason = "is written next")]
    pub async fn drop_application(&self, _id: &ApiKeyId) -> Result<bool, StoreError> {
        todo!()
    }
}
