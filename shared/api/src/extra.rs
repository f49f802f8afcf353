//! What a format keeps of a session or a refund for itself: JSON of its own.

use models::Extra;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What was kept; what is read where nothing was, or it was erased, is the default.
pub(crate) fn read<T: DeserializeOwned + Default>(extra: Option<&Extra>) -> T {
    extra.and_then(|extra| serde_json::from_str(extra.as_str()).ok()).unwrap_or_default()
}

/// What is to be kept; none of what is all default.
///
/// # Errors
/// It is too long; reads on after a field's name.
pub(crate) fn write(extra: &impl Serialize) -> Result<Option<Extra>, String> {
    let json = serde_json::to_string(extra).map_err(|error| error.to_string())?;
    if json == "{}" { Ok(None) } else { Extra::new(json).map(Some).map_err(|error| error.to_string()) }
}
