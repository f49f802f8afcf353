//! Applications: one item each, in a partition of its own, for who checks signatures may read nothing else by it.

use models::{ApiKeyId, Application};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::merchants::Merchants;
use crate::table::{Item, Key, SCHEMA_VERSION, n, read};
use crate::update::{Update, Updated, Version};
use crate::write::WriteKind;

/// An application is one attribute, so that all of it is put and nothing of the one before is left. The item stays when it is
/// removed, with its version: a first attempt that arrives after that puts it nowhere.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredApplication {
    #[serde(default)]
    pub(crate) application: Option<Application>,
}

fn stored(key: &Key, item: Option<Item>) -> Result<Option<Application>, StoreError> {
    let stored = item.map(|item| read::<StoredApplication>(key, item)).transpose()?;
    Ok(stored.and_then(|StoredApplication { application }| application))
}

impl Merchants {
    /// The application of an API key, if it has one, read consistently.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn application(&self, id: &ApiKeyId) -> Result<Option<Application>, StoreError> {
        let key = keys::application(id);
        stored(&key, self.table.get(key.clone()).await?)
    }

    /// Makes the application of an API key what `change` makes of it, and returns that. Done again upon what others have put
    /// meanwhile.
    ///
    /// # Errors
    /// `change` refuses, so that nothing is put; or the table failed us, and it may have been put.
    pub async fn change_application<E: From<StoreError>>(
        &self,
        id: &ApiKeyId,
        change: impl Fn(Option<Application>) -> Result<Application, E>,
    ) -> Result<Application, E> {
        let key = keys::application(id);
        let mut item = self.table.get(key.clone()).await?;
        let mut written = None;
        loop {
            let version = Version::of(item.as_ref());
            let before = stored(&key, item)?;
            // Our own: the SDK repeated an update whose answer was lost.
            if let Some(ours) = before.as_ref().filter(|before| written.as_ref() == Some(*before)) {
                return Ok(ours.clone());
            }
            let application = change(before.clone())?;
            if before.as_ref() == Some(&application) {
                return Ok(application);
            }
            let update = Update::new(WriteKind::ApplicationPut, key.clone())
                .of_version(version)
                .set("schema_version", n(SCHEMA_VERSION))
                .set("application", serde_dynamo::to_attribute_value(&application).map_err(StoreError::from)?);
            item = match update.send(&self.table).await? {
                Updated::New(_) => return Ok(application),
                Updated::Refused(item) => item,
            };
            written = Some(application);
        }
    }

    /// Removes the application of an API key; false if it has none.
    ///
    /// # Errors
    /// The table failed us; it may have been removed.
    pub async fn drop_application(&self, id: &ApiKeyId) -> Result<bool, StoreError> {
        let key = keys::application(id);
        let mut item = self.table.get(key.clone()).await?;
        let mut was_there = false;
        loop {
            let version = Version::of(item.as_ref());
            if stored(&key, item)?.is_none() {
                return Ok(was_there);
            }
            was_there = true;
            let update =
                Update::new(WriteKind::ApplicationRemove, key.clone()).of_version(version).remove(&["application"]);
            item = match update.send(&self.table).await? {
                Updated::New(_) => return Ok(true),
                Updated::Refused(item) => item,
            };
        }
    }
}
