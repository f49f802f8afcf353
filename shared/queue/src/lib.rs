//! SQS: the table is the truth, and a message only names the item that is due.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::QueueAttributeName;
use aws_types::SdkConfig;
use thiserror::Error;

/// The longest delay of a message (Amazon SQS, message quotas).
pub const MAX_DELAY: Duration = Duration::from_secs(900);

/// One queue.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    queue_url: String,
}

/// The queue did not accept the message, or did not answer. What a message is about stays due, and `expire` enqueues it again.
#[derive(Debug, Error)]
#[error("SQS, {operation}: {cause}")]
pub struct EnqueueError {
    operation: &'static str,
    cause: String,
}

impl EnqueueError {
    fn new(operation: &'static str, error: impl std::error::Error) -> Self {
        Self { operation, cause: DisplayErrorContext(error).to_string() }
    }
}

impl Queue {
    /// The queue with this URL.
    pub fn new(config: &SdkConfig, queue_url: String) -> Self {
        Self { client: Client::new(config), queue_url }
    }

    /// Says that something is due. `id` is the whole message: nothing personal travels through a queue.
    ///
    /// # Errors
    /// The queue did not accept it.
    pub async fn enqueue(&self, id: &str) -> Result<(), EnqueueError> {
        self.enqueue_after(id, Duration::ZERO).await
    }

    /// Says that something will be due after a while, of [`MAX_DELAY`] at the most.
    ///
    /// # Errors
    /// The queue did not accept it.
    pub async fn enqueue_after(&self, id: &str, delay: Duration) -> Result<(), EnqueueError> {
        let delay_s = i32::try_from(delay.min(MAX_DELAY).as_millis().div_ceil(1000)).unwrap_or(0);
        let message = self.client.send_message().queue_url(&self.queue_url).message_body(id);
        let sent = message.set_delay_seconds((delay_s > 0).then_some(delay_s)).send().await;
        sent.map(|_| ()).map_err(|error| EnqueueError::new("SendMessage", error))
    }

    /// How many messages wait, those with a delay included: approximately, as SQS counts them.
    ///
    /// # Errors
    /// The queue did not answer.
    pub async fn waiting(&self) -> Result<u64, EnqueueError> {
        let names =
            [QueueAttributeName::ApproximateNumberOfMessages, QueueAttributeName::ApproximateNumberOfMessagesDelayed];
        let request = self.client.get_queue_attributes().queue_url(&self.queue_url);
        let output = request.set_attribute_names(Some(names.to_vec())).send().await;
        let output = output.map_err(|error| EnqueueError::new("GetQueueAttributes", error))?;
        let count = |name| output.attributes.as_ref()?.get(&name)?.parse::<u64>().ok();
        Ok(names.into_iter().filter_map(count).sum())
    }
}
