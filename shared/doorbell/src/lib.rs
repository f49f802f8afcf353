//! SQS, as a doorbell: the table is the truth, a message only says where to look.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::QueueAttributeName;
use aws_types::SdkConfig;
use thiserror::Error;

/// The longest delay of a message (Amazon SQS, message quotas).
pub const MAX_DELAY: Duration = Duration::from_secs(900);

/// One queue to ring.
#[derive(Debug, Clone)]
pub struct Doorbell {
    client: Client,
    queue_url: String,
}

/// The queue did not take the message, or did not answer. What a message was about stays due and is rung for again.
#[derive(Debug, Error)]
#[error("SQS, {operation}: {cause}")]
pub struct RingError {
    operation: &'static str,
    cause: String,
}

impl RingError {
    fn new(operation: &'static str, error: impl std::error::Error) -> Self {
        Self { operation, cause: DisplayErrorContext(error).to_string() }
    }
}

impl Doorbell {
    /// The queue with this URL.
    pub fn new(config: &SdkConfig, queue_url: String) -> Self {
        Self { client: Client::new(config), queue_url }
    }

    /// Says that something is due. `id` is the whole message: nothing personal travels through a queue.
    ///
    /// # Errors
    /// The queue did not take it.
    pub async fn ring(&self, id: &str) -> Result<(), RingError> {
        self.ring_in(id, Duration::ZERO).await
    }

    /// Says that something will be due after a while, of [`MAX_DELAY`] at the most.
    ///
    /// # Errors
    /// The queue did not take it.
    pub async fn ring_in(&self, id: &str, delay: Duration) -> Result<(), RingError> {
        let delay_s = i32::try_from(delay.min(MAX_DELAY).as_millis().div_ceil(1000)).unwrap_or(0);
        let message = self.client.send_message().queue_url(&self.queue_url).message_body(id);
        let sent = message.set_delay_seconds((delay_s > 0).then_some(delay_s)).send().await;
        sent.map(|_| ()).map_err(|error| RingError::new("SendMessage", error))
    }

    /// How many messages wait, those with a delay included: approximately, as SQS counts them.
    ///
    /// # Errors
    /// The queue did not answer.
    pub async fn waiting(&self) -> Result<u64, RingError> {
        let names =
            [QueueAttributeName::ApproximateNumberOfMessages, QueueAttributeName::ApproximateNumberOfMessagesDelayed];
        let request = self.client.get_queue_attributes().queue_url(&self.queue_url);
        let output = request.set_attribute_names(Some(names.to_vec())).send().await;
        let output = output.map_err(|error| RingError::new("GetQueueAttributes", error))?;
        let count = |name| output.attributes.as_ref()?.get(&name)?.parse::<u64>().ok();
        Ok(names.into_iter().filter_map(count).sum())
    }
}
