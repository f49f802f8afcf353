//! SQS, as a doorbell: the table is the truth, a message only says where to look. Only `publish` and `expire` ring.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_types::SdkConfig;
use thiserror::Error;

/// One queue to ring.
#[derive(Debug, Clone)]
pub struct Doorbell {
    client: Client,
    queue_url: String,
}

/// The queue did not take the message. What it was about stays due and is rung for again.
#[derive(Debug, Error)]
#[error("SQS, SendMessage: {0}")]
pub struct RingError(String);

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
        let sent = self.client.send_message().queue_url(&self.queue_url).message_body(id).send().await;
        sent.map(|_| ()).map_err(|error| RingError(DisplayErrorContext(error).to_string()))
    }
}
