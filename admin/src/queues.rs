//! SQS: a stack's queues, found by name, and the dead letters in them.

use std::collections::HashSet;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::operation::change_message_visibility::ChangeMessageVisibilityError;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use jiff::Timestamp;

use crate::failure::Failure;
use crate::location::Location;
use crate::target::{Service, is_physical};

/// For how long a message that was received is ours; should we not put it back, it comes back by itself.
const READ_FOR_S: i32 = 60;

/// A stack's queues.
pub(crate) struct Queues<'a> {
    client: Client,
    stack: &'a str,
    location: &'a Location,
}

/// One queue.
pub(crate) struct Queue {
    url: String,
}

/// How many messages a queue holds, more or less.
pub(crate) struct Counts {
    pub(crate) waiting: u64,
    /// Received by us or others, and not put back.
    pub(crate) in_flight: u64,
}

/// A dead letter.
#[derive(Debug, Clone)]
pub(crate) struct DeadLetter {
    pub(crate) id: String,
    pub(crate) body: String,
    /// When it was first sent, wherever to.
    pub(crate) sent_at: Option<Timestamp>,
    receipt: String,
}

impl<'a> Queues<'a> {
    pub(crate) fn of(service: &'a Service) -> Result<Self, Failure> {
        Ok(Self { client: Client::new(&service.config), stack: service.stack()?, location: &service.location })
    }

    /// The queue that template.yaml calls this.
    pub(crate) async fn find(&self, logical_id: &'static str) -> Result<Queue, Failure> {
        let prefix = format!("{}-{logical_id}", self.stack);
        let output = self.client.list_queues().queue_name_prefix(prefix).send().await;
        let urls = output.map_err(|error| failed("ListQueues", error))?.queue_urls.unwrap_or_default();
        let is_it = |url: &String| is_physical(url.rsplit('/').next().unwrap_or_default(), self.stack, logical_id);
        match urls.into_iter().find(is_it) {
            Some(url) => Ok(Queue { url }),
            None => Err(Failure::NoQueue { stack: self.stack.to_owned(), logical_id, location: self.location.clone() }),
        }
    }

    pub(crate) async fn counts(&self, queue: &Queue) -> Result<Counts, Failure> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let request =
            self.client.get_queue_attributes().queue_url(&queue.url).set_attribute_names(Some(names.to_vec()));
        let output = request.send().await.map_err(|error| failed("GetQueueAttributes", error))?;
        let attributes = output.attributes.unwrap_or_default();
        let [waiting, in_flight] =
            names.map(|name| attributes.get(&name).and_then(|count| count.parse().ok()).unwrap_or_default());
        Ok(Counts { waiting, in_flight })
    }

    /// Some messages, which are ours for a minute; none if there are no more.
    pub(crate) async fn receive(&self, queue: &Queue) -> Result<Vec<DeadLetter>, Failure> {
        let request = self
            .client
            .receive_message()
            .queue_url(&queue.url)
            .max_number_of_messages(10)
            .visibility_timeout(READ_FOR_S)
            // Without a wait, SQS asks only some of its servers, and may find none of few messages.
            .wait_time_seconds(1)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        let output = request.send().await.map_err(|error| failed("ReceiveMessage", error))?;
        Ok(output.messages.unwrap_or_default().into_iter().filter_map(dead_letter).collect())
    }

    /// Up to about `most` messages, each put back at once.
    pub(crate) async fn read(&self, queue: &Queue, most: usize) -> Result<Vec<DeadLetter>, Failure> {
        let (mut dead_letters, mut seen) = (Vec::new(), HashSet::new());
        while dead_letters.len() < most {
            let received = self.receive(queue).await?;
            let before = dead_letters.len();
            dead_letters.extend(received.into_iter().filter(|dead_letter| seen.insert(dead_letter.id.clone())));
            if dead_letters.len() == before {
                break;
            }
        }
        for dead_letter in &dead_letters {
            self.put_back(queue, dead_letter).await?;
        }
        dead_letters.sort_by_key(|dead_letter| dead_letter.sent_at);
        dead_letters.truncate(most);
        Ok(dead_letters)
    }

    /// Makes a message that was received visible again, unless it has become so by itself.
    pub(crate) async fn put_back(&self, queue: &Queue, dead_letter: &DeadLetter) -> Result<(), Failure> {
        let request =
            self.client.change_message_visibility().queue_url(&queue.url).receipt_handle(&dead_letter.receipt);
        match request.visibility_timeout(0).send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(ChangeMessageVisibilityError::MessageNotInflight(_)) => Ok(()),
                Some(_) | None => Err(failed("ChangeMessageVisibility", error)),
            },
        }
    }

    pub(crate) async fn send(&self, queue: &Queue, body: &str) -> Result<(), Failure> {
        let output = self.client.send_message().queue_url(&queue.url).message_body(body).send().await;
        output.map(|_| ()).map_err(|error| failed("SendMessage", error))
    }

    pub(crate) async fn delete(&self, queue: &Queue, dead_letter: &DeadLetter) -> Result<(), Failure> {
        let request = self.client.delete_message().queue_url(&queue.url).receipt_handle(&dead_letter.receipt);
        request.send().await.map(|_| ()).map_err(|error| failed("DeleteMessage", error))
    }
}

fn dead_letter(message: Message) -> Option<DeadLetter> {
    let sent_ms = message.attributes.as_ref().and_then(|all| all.get(&MessageSystemAttributeName::SentTimestamp));
    Some(DeadLetter {
        sent_at: sent_ms.and_then(|ms| Timestamp::from_millisecond(ms.parse().ok()?).ok()),
        id: message.message_id?,
        body: message.body.unwrap_or_default(),
        receipt: message.receipt_handle?,
    })
}

fn failed(operation: &'static str, error: impl std::error::Error + ProvideErrorMetadata) -> Failure {
    Failure::Queue { operation, cause: runtime::sdk_cause(&error) }
}
