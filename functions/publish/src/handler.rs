//! The stream is the outbox: a status change and its telling can't come apart. Everything here may happen twice.

use aws_lambda_events::event::dynamodb::{Event, EventRecord, StreamRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use doorbell::Doorbell;
use lambda_runtime::{Error, LambdaEvent};
use runtime::SettingError;
use store::{Events, Mails, Table};

/// Tells what happened to sessions and refunds.
#[derive(Debug)]
pub(crate) struct Publish {
    events: Events,
    mails: Mails,
    receipts: Doorbell,
    failures: Doorbell,
}

impl Publish {
    /// From the variables that template.yaml sets.
    pub(crate) fn from_env() -> Result<Self, SettingError> {
        let config = runtime::aws_config()?;
        let table = Table::new(&config, runtime::required("TABLE_NAME")?);
        Ok(Self {
            events: Events::new(table.clone()),
            mails: Mails::new(table),
            receipts: Doorbell::new(&config, runtime::required("RECEIPTS_QUEUE_URL")?),
            failures: Doorbell::new(&config, runtime::required("PUBLISH_FAILURES_URL")?),
        })
    }

    /// Publishes each record; those that fail come again, and hold up no other.
    pub(crate) async fn handle(&self, event: LambdaEvent<Event>) -> Result<DynamoDbEventResponse, Error> {
        let mut failures = DynamoDbEventResponse::default();
        for record in event.payload.records {
            let sequence_number = record.change.sequence_number.clone();
            if let Err(error) = self.publish(record).await {
                tracing::error!(sequence_number, %error, "a stream record could not be published");
                let mut failure = DynamoDbBatchItemFailure::default();
                failure.item_identifier = sequence_number;
                failures.batch_item_failures.push(failure);
            }
        }
        Ok(failures)
    }

    /// First the table, then the bell: what is written down and not rung for is found by `expire`.
    async fn publish(&self, record: EventRecord) -> Result<(), Error> {
        let StreamRecord { old_image, new_image, sequence_number, .. } = record.change;
        let change = match store::history_change(old_image, new_image) {
            Ok(Some(change)) => change,
            Ok(None) => return Ok(()),
            // It will never be readable: it is handed over for a person to look at, and holds up nobody.
            Err(error) => {
                let sequence_number = sequence_number.unwrap_or_default();
                tracing::error!(sequence_number, %error, "a stream record that can't be read");
                return Ok(self.failures.ring(&sequence_number).await?);
            }
        };
        for sequence in change.new_sequences() {
            self.events.put(&change.object, sequence).await?;
            if let Some(mail) = change.object.mail_for(sequence) {
                self.mails.put(&mail, change.object.entered_at(sequence)).await?;
                if let Err(error) = self.receipts.ring(&mail.to_string()).await {
                    tracing::warn!(%mail, %error, "not rung for; `expire` will");
                }
            }
            tracing::info!(object_id = change.object.id(), sequence, "published");
        }
        Ok(())
    }
}
