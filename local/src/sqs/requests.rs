//! What SQS is asked for, as its JSON protocol writes it, and what a batch must keep to.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::Error;
use super::message::MessageRequest;

pub(super) const MAX_BATCH_ENTRIES: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendRequest {
    pub(super) queue_url: String,
    #[serde(flatten)]
    pub(super) message: MessageRequest,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BatchRequest<T> {
    pub(super) queue_url: String,
    #[serde(default = "Vec::new")]
    pub(super) entries: Vec<Entry<T>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entry<T> {
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) request: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReceiveRequest {
    pub(super) queue_url: String,
    pub(super) max_number_of_messages: Option<usize>,
    pub(super) wait_time_seconds: Option<u64>,
    pub(super) visibility_timeout: Option<i64>,
    #[serde(default)]
    pub(super) attribute_names: Vec<String>,
    #[serde(default)]
    pub(super) message_system_attribute_names: Vec<String>,
    #[serde(default)]
    pub(super) message_attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReceiptRequest {
    pub(super) receipt_handle: String,
    pub(super) visibility_timeout: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OneReceiptRequest {
    pub(super) queue_url: String,
    #[serde(flatten)]
    pub(super) receipt: ReceiptRequest,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct QueueRequest {
    pub(super) queue_url: String,
    #[serde(default)]
    pub(super) attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct QueueUrlRequest {
    pub(super) queue_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListRequest {
    #[serde(default)]
    pub(super) queue_name_prefix: String,
}

pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body)
        .map_err(|error| Error::new("SerializationException", "MalformedInput", error.to_string()))
}

/// What the batch as a whole must keep to.
pub(super) fn check_entries<T>(entries: &[Entry<T>]) -> Result<(), Error> {
    let kind = |kind, code, message: String| Err(Error::new(kind, code, message));
    if entries.is_empty() {
        return kind(
            "EmptyBatchRequest",
            "AWS.SimpleQueueService.EmptyBatchRequest",
            "There should be at least one entry in the request.".to_owned(),
        );
    }
    if entries.len() > MAX_BATCH_ENTRIES {
        return kind(
            "TooManyEntriesInBatchRequest",
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            format!("Maximum number of entries per request are 10. You have sent {}.", entries.len()),
        );
    }
    let mut seen = BTreeSet::new();
    for entry in entries {
        let valid = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if entry.id.is_empty() || entry.id.len() > 80 || !entry.id.chars().all(valid) {
            return kind(
                "InvalidBatchEntryId",
                "AWS.SimpleQueueService.InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
                 It can be at most 80 letters long."
                    .to_owned(),
            );
        }
        if !seen.insert(&entry.id) {
            return kind(
                "BatchEntryIdsNotDistinct",
                "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
                format!("Id {} repeated.", entry.id),
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_keeps_to_its_limits() {
        let entry = |id: &str| Entry { id: id.to_owned(), request: () };
        let kind = |entries: &[Entry<()>]| check_entries(entries).map_err(|error| error.kind);
        assert_eq!(kind(&[]), Err("EmptyBatchRequest"));
        assert_eq!(kind(&[entry("a"), entry("a")]), Err("BatchEntryIdsNotDistinct"));
        assert_eq!(kind(&[entry("a b")]), Err("InvalidBatchEntryId"));
        let many = |count: usize| (0..count).map(|id| entry(&id.to_string())).collect::<Vec<_>>();
        assert_eq!(kind(&many(11)), Err("TooManyEntriesInBatchRequest"));
        assert_eq!(kind(&many(10)), Ok(()));
    }
}
