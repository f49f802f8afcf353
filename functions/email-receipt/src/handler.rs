//! Claims a mail, sends it, marks it: exactly once under repeated delivery.

use std::time::{Duration, SystemTime};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Error, LambdaEvent};
use models::MailId;
use runtime::SettingError;
use store::{Claim, Mails, Sessions, Table};

use crate::postbox::{POST_TIMEOUT, PostError, Postbox};
use crate::receipt;

/// How often a mail is tried: with the waits of [`next_try`], over about two days.
const MAX_ATTEMPTS: u32 = 50;

/// The time that one mail may take, its reads and writes included: none is begun that could be cut off between being
/// sent and being marked.
const ONE_MAIL: Duration = POST_TIMEOUT.saturating_add(Duration::from_secs(15));

/// Sends receipts.
#[derive(Debug)]
pub(crate) struct EmailReceipt {
    mails: Mails,
    sessions: Sessions,
    postbox: Postbox,
}

impl EmailReceipt {
    /// From the variables that template.yaml sets.
    pub(crate) fn from_env() -> Result<Self, SettingError> {
        let config = runtime::aws_config()?;
        let table = Table::new(&config, runtime::required("TABLE_NAME")?);
        let postbox = Postbox::new(&config, runtime::required("SENDER_ADDRESS")?);
        Ok(Self { mails: Mails::new(table.clone()), sessions: Sessions::new(table), postbox })
    }

    /// Sends what each message rings for. A message fails only if the table does: whatever else goes wrong, the mail
    /// itself knows when it is due again.
    pub(crate) async fn handle(&self, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
        let mut failures = SqsBatchResponse::default();
        let begin_until = event.context.deadline().checked_sub(ONE_MAIL).unwrap_or(SystemTime::UNIX_EPOCH);
        for message in event.payload.records {
            let Some(mail) = message.body.as_deref().and_then(|body| body.parse::<MailId>().ok()) else {
                tracing::error!(message_id = message.message_id, "a message that names no mail");
                continue;
            };
            if SystemTime::now() >= begin_until {
                failures.add_failure(message.message_id.unwrap_or_default());
                continue;
            }
            if let Err(error) = self.send(&mail).await {
                tracing::error!(%mail, %error, "a mail could not be looked at");
                failures.add_failure(message.message_id.unwrap_or_default());
            }
        }
        Ok(failures)
    }

    async fn send(&self, mail: &MailId) -> Result<(), Error> {
        let Some(claim) = self.mails.claim(mail, runtime::now()).await? else { return Ok(()) };
        let session = self.sessions.get(&mail.session_id).await?;
        let Some(receipt) = session.as_ref().and_then(receipt::render) else {
            tracing::error!(%mail, "there is nobody to send it to any more");
            return Ok(self.mails.failed(&claim, runtime::now()).await?);
        };
        match self.postbox.post(&receipt).await {
            Ok(message_id) => {
                tracing::info!(%mail, message_id, "sent");
                Ok(self.mails.sent(&claim, &message_id, runtime::now()).await?)
            }
            Err(error) => self.not_sent(&claim, &error).await,
        }
    }

    async fn not_sent(&self, claim: &Claim, error: &PostError) -> Result<(), Error> {
        let now = runtime::now();
        match error {
            PostError::NotNow(_) if claim.attempts < MAX_ATTEMPTS => {
                tracing::warn!(mail = %claim.id, attempts = claim.attempts, %error, "not sent yet");
                Ok(self.mails.retry_at(claim, next_try(claim.attempts, now)).await?)
            }
            PostError::NotNow(_) | PostError::Refused(_) => {
                tracing::error!(mail = %claim.id, attempts = claim.attempts, %error, "given up");
                Ok(self.mails.failed(claim, now).await?)
            }
        }
    }
}

/// After 10 s, then twice as long each time, up to an hour.
fn next_try(attempts: u32, now: Timestamp) -> Timestamp {
    let wait_s = (10_i64 << attempts.saturating_sub(1).min(9)).min(3600);
    now.checked_add(SignedDuration::from_secs(wait_s)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_less_and_less_often() {
        let wait_s = |attempts| next_try(attempts, Timestamp::UNIX_EPOCH).as_second();
        assert_eq!([1, 2, 3, 9, 10, 64, 65, u32::MAX].map(wait_s), [10, 20, 40, 2560, 3600, 3600, 3600, 3600]);
    }
}
