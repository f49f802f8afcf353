//! Claims a mail, sends it, marks it: exactly once under repeated delivery.

use std::time::{Duration, SystemTime};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Error, LambdaEvent};
use models::{CorrelationId, MailId, MailTopic, Object, Refund, RefundId, Session};
use runtime::{Metric, SettingError};
use store::{Claim, Mails, Refunds, Sessions, StoreError, Table};

use crate::mail::Mail;
use crate::postbox::{POST_TIMEOUT, PostError, Postbox};
use crate::{receipt, refund_details, refund_sent};

/// How often a mail is tried: with the waits of [`next_try`], over about two days.
const MAX_ATTEMPTS: u32 = 50;

/// The time that sending a mail and marking it may take: none is sent that could be cut off between the two.
const POST_AND_MARK: Duration = POST_TIMEOUT.saturating_add(Duration::from_secs(10));

/// Sends receipts, and mails about refunds.
#[derive(Debug)]
pub(crate) struct EmailReceipt {
    mails: Mails,
    sessions: Sessions,
    refunds: Refunds,
    postbox: Postbox,
}

impl EmailReceipt {
    /// From the variables that template.yaml sets.
    pub(crate) fn from_env() -> Result<Self, SettingError> {
        let config = runtime::aws_config()?;
        let table = Table::new(&config, runtime::required("TABLE_NAME")?);
        let postbox =
            Postbox::new(&config, runtime::required("SENDER_ADDRESS")?, runtime::required("CONFIGURATION_SET")?);
        let (mails, sessions) = (Mails::new(table.clone()), Sessions::new(table.clone()));
        Ok(Self { mails, sessions, refunds: Refunds::new(table), postbox })
    }

    /// Sends what each message rings for. A message fails only if the table does: whatever else goes wrong, the mail
    /// itself knows when it is due again.
    pub(crate) async fn handle(&self, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
        let mut failures = SqsBatchResponse::default();
        let post_until = event.context.deadline().checked_sub(POST_AND_MARK).unwrap_or(SystemTime::UNIX_EPOCH);
        for message in event.payload.records {
            let Some(mail) = message.body.as_deref().and_then(|body| body.parse::<MailId>().ok()) else {
                tracing::error!(message_id = message.message_id, "a message that names no mail");
                continue;
            };
            if SystemTime::now() >= post_until {
                failures.add_failure(message.message_id.unwrap_or_default());
                continue;
            }
            if let Err(error) = self.send(&mail, post_until).await {
                tracing::error!(%mail, %error, "a mail could not be looked at");
                failures.add_failure(message.message_id.unwrap_or_default());
            }
        }
        Ok(failures)
    }

    async fn send(&self, id: &MailId, post_until: SystemTime) -> Result<(), Error> {
        let Some(claim) = self.mails.claim(id, runtime::now()).await? else { return Ok(()) };
        let Some((mail, correlation_id)) = self.write(id).await? else {
            tracing::warn!(mail = %id, "there is nobody to send it to, or nothing to say, any more");
            return Ok(self.mails.failed(&claim, runtime::now()).await?);
        };
        if SystemTime::now() >= post_until {
            return Err("no time is left to send it and to mark it".into());
        }
        match self.postbox.post(&mail, id, correlation_id.as_ref()).await {
            Ok(message_id) => {
                let correlation_id = correlation_id.as_ref().map(CorrelationId::as_str);
                tracing::info!(mail = %id, message_id, correlation_id, "sent");
                Metric::MailsSent.count();
                Ok(self.mails.sent(&claim, &message_id, runtime::now()).await?)
            }
            Err(error) => self.not_sent(&claim, &error).await,
        }
    }

    /// What there is to say on the mail's topic now, if anything, and what it came of.
    async fn write(&self, id: &MailId) -> Result<Option<(Mail, Option<CorrelationId>)>, StoreError> {
        let (mail, object) = match id.topic {
            MailTopic::Receipt(session_id) => {
                let Some(session) = self.sessions.get(&session_id).await? else { return Ok(None) };
                (receipt::render(&session), Object::Session(Box::new(session)))
            }
            MailTopic::RefundDetails(refund_id) => {
                let Some((refund, session)) = self.refund(&refund_id).await? else { return Ok(None) };
                (refund_details::render(&refund, &session, runtime::now()), Object::Refund(Box::new(refund)))
            }
            MailTopic::RefundSent(refund_id) => {
                let Some((refund, session)) = self.refund(&refund_id).await? else { return Ok(None) };
                let paid_by = match &refund.payment_session_id {
                    Some(id) => self.sessions.get(id).await?,
                    None => None,
                };
                (refund_sent::render(&refund, &session, paid_by.as_ref()), Object::Refund(Box::new(refund)))
            }
        };
        Ok(mail.map(|mail| (mail, object.correlation_id(id.sequence).cloned())))
    }

    /// A refund, and the session that is refunded.
    async fn refund(&self, id: &RefundId) -> Result<Option<(Refund, Session)>, StoreError> {
        let Some(refund) = self.refunds.get(id).await? else { return Ok(None) };
        let session = self.sessions.get(&refund.session_id).await?;
        Ok(session.map(|session| (refund, session)))
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
                Metric::MailsFailed.count();
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
