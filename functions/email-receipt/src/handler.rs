//! Claims a mail, sends it, marks it: exactly once under repeated delivery.
//!
//! A mail that waits, for SES's limits or for the next invocation, goes back as a new message. The old one counts as done:
//! SQS moves a message to the dead letters once it has been received five times, for whatever reason.

use std::time::{Duration, SystemTime};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Error, LambdaEvent};
use mails::{Mail, payment_link, receipt, refund_details, refund_sent, refund_to_authorise};
use models::{CorrelationId, LinkMailId, MailId, MailTopic, MerchantId, Object, Refund, RefundId, Session, Shop};
use queue::Queue;
use runtime::{Clock, Metric, Random, SettingError};
use store::{Claim, LinkMails, Mails, People, Refunds, Sessions, Shops, StoreError, Table, Visits};

use crate::postbox::{Limit, POST_TIMEOUT, PostError, Postbox};

/// How often a mail is tried: with the waits of [`next_try`], over about two days.
const MAX_ATTEMPTS: u32 = 50;

/// The time that sending a mail and marking it may take: none is sent that could be interrupted between the two.
const POST_AND_MARK: Duration = POST_TIMEOUT.saturating_add(Duration::from_secs(10));

/// When a mail comes back for which no time was left.
pub(crate) const NEXT_INVOCATION: Duration = Duration::from_secs(1);

/// What a message names.
enum Named {
    /// A mail about a payment or refund.
    Mail(MailId),
    /// Mails to a merchant's people.
    Links(LinkMailId),
}

impl Named {
    fn read(body: &str) -> Option<Self> {
        let mail = body.parse().map(Self::Mail);
        mail.or_else(|_| body.parse().map(Self::Links)).ok()
    }
}

/// Sends receipts, links to pay by, mails about refunds, links to sign in by, and notices to owners.
#[derive(Debug)]
pub struct EmailReceipt {
    mails: Mails,
    sessions: Sessions,
    refunds: Refunds,
    shops: Shops,
    pub(crate) link_mails: LinkMails,
    pub(crate) people: People,
    pub(crate) visits: Visits,
    pub(crate) postbox: Postbox,
    pub(crate) receipts: Queue,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

impl EmailReceipt {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub fn from_env() -> Result<Self, SettingError> {
        let config = runtime::aws_config()?;
        let table = Table::new(&config, runtime::required("TABLE_NAME")?, Random::System);
        let postbox =
            Postbox::new(&config, runtime::required("SENDER_ADDRESS")?, runtime::required("CONFIGURATION_SET")?);
        let receipts = Queue::new(&config, runtime::required("RECEIPTS_QUEUE_URL")?);
        Ok(Self::new(table, postbox, receipts, Clock::System, Random::System))
    }

    /// Over this table and queue, with this postbox, by this clock and randomness.
    pub fn new(table: Table, postbox: Postbox, receipts: Queue, clock: Clock, random: Random) -> Self {
        Self {
            mails: Mails::new(table.clone()),
            sessions: Sessions::new(table.clone()),
            refunds: Refunds::new(table.clone()),
            shops: Shops::new(table.clone()),
            link_mails: LinkMails::new(table.clone()),
            people: People::new(table.clone()),
            visits: Visits::new(table),
            postbox,
            receipts,
            clock,
            random,
        }
    }

    /// Sends the mail that each message names. A message fails only if the table does: whatever else goes wrong, the mail
    /// itself knows when it is due again.
    pub async fn handle(&self, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
        let mut failures = SqsBatchResponse::default();
        let post_until = event.context.deadline().checked_sub(POST_AND_MARK).unwrap_or(SystemTime::UNIX_EPOCH);
        // Once SES has turned one mail away for a limit, it would turn away the others too.
        let mut limit: Option<Limit> = None;
        for message in event.payload.records {
            let Some(named) = message.body.as_deref().and_then(Named::read) else {
                tracing::error!(message_id = message.message_id, "a message names no mail");
                continue;
            };
            let sent = match (&named, limit) {
                (Named::Mail(mail), None) => self.send(mail, post_until).await,
                (Named::Mail(mail), Some(limit)) => {
                    self.hand_back(mail, limit.wait(&self.random)).await;
                    Ok(Some(limit))
                }
                (Named::Links(id), None) => self.send_to_people(*id, post_until).await,
                (Named::Links(id), Some(limit)) => {
                    self.queue_links(*id, limit.wait(&self.random)).await.map(|()| Some(limit))
                }
            };
            match sent {
                Ok(met) => limit = met,
                Err(error) => {
                    tracing::error!(mail = message.body, %error, "a mail could not be processed");
                    failures.add_failure(message.message_id.unwrap_or_default());
                }
            }
        }
        Ok(failures)
    }

    /// Sends a mail, if that is still to be done; the limit that it met, if any.
    async fn send(&self, id: &MailId, post_until: SystemTime) -> Result<Option<Limit>, Error> {
        if self.clock.is_past(post_until) {
            self.hand_back(id, NEXT_INVOCATION).await;
            return Ok(None);
        }
        let Some(claim) = self.mails.claim(id, self.clock.now()).await? else { return Ok(None) };
        let Some((mail, correlation_id)) = self.write(id).await? else {
            tracing::info!(mail = %id, attempts = claim.attempts, "not sent: no recipient, or nothing to report");
            self.mails.not_needed(&claim, self.clock.now()).await?;
            return Ok(None);
        };
        if self.clock.is_past(post_until) {
            self.put_off(&claim, NEXT_INVOCATION).await?;
            return Ok(None);
        }
        match self.postbox.post(&mail, id.tags(), correlation_id.as_ref()).await {
            Ok(message_id) => {
                let correlation_id = correlation_id.as_ref().map(CorrelationId::as_str);
                tracing::info!(mail = %id, message_id, correlation_id, "sent");
                Metric::MailsSent.count();
                self.mails.sent(&claim, &message_id, self.clock.now()).await?;
                Ok(None)
            }
            Err(error) => self.not_sent(&claim, &error).await,
        }
    }

    /// It was not tried, so this does not count as an attempt; it is due again after `wait`.
    async fn put_off(&self, claim: &Claim, wait: Duration) -> Result<(), Error> {
        self.mails.put_off(claim, self.clock.now().checked_add(wait)?).await?;
        self.hand_back(&claim.id, wait).await;
        Ok(())
    }

    /// Has the mail come again after `wait`, by a new message.
    async fn hand_back(&self, id: &MailId, wait: Duration) {
        if let Err(error) = self.receipts.enqueue_after(&id.to_string(), wait).await {
            tracing::warn!(mail = %id, %error, "a mail could not be queued again; `expire` will queue it once it is due");
        }
    }

    /// What there is to say on the mail's topic now, if anything, and what it came of.
    async fn write(&self, id: &MailId) -> Result<Option<(Mail, Option<CorrelationId>)>, StoreError> {
        let (mail, object) = match id.topic {
            MailTopic::Receipt(session_id) => {
                let Some(session) = self.sessions.get(&session_id).await? else { return Ok(None) };
                let shop = self.shop(&session.merchant_id).await?;
                (receipt::render(&session, shop.as_ref()), Object::Session(Box::new(session)))
            }
            MailTopic::PaymentLink(session_id) => {
                let Some(session) = self.sessions.get(&session_id).await? else { return Ok(None) };
                let shop = self.shop(&session.merchant_id).await?;
                let mail = payment_link::render(&session, shop.as_ref(), self.clock.now());
                (mail, Object::Session(Box::new(session)))
            }
            MailTopic::RefundDetails(refund_id) => {
                let Some((refund, session)) = self.refund(&refund_id).await? else { return Ok(None) };
                let shop = self.shop(&session.merchant_id).await?;
                let mail = refund_details::render(&refund, &session, shop.as_ref(), self.clock.now());
                (mail, Object::Refund(Box::new(refund)))
            }
            MailTopic::RefundSent(refund_id) => {
                let Some((refund, session)) = self.refund(&refund_id).await? else { return Ok(None) };
                let paid_by = match &refund.payment_session_id {
                    Some(id) => self.sessions.get(id).await?,
                    None => None,
                };
                let shop = self.shop(&session.merchant_id).await?;
                let mail = refund_sent::render(&refund, &session, shop.as_ref(), paid_by.as_ref());
                (mail, Object::Refund(Box::new(refund)))
            }
            MailTopic::RefundToAuthorise(refund_id) => {
                let Some((refund, session)) = self.refund(&refund_id).await? else { return Ok(None) };
                let shop = self.shop(&session.merchant_id).await?;
                let now = self.clock.now();
                let is_awaited = refund.authorisation_url_at(now).is_some();
                if is_awaited && shop.as_ref().is_none_or(|shop| shop.support_email.is_none()) {
                    tracing::warn!(%refund_id, "no address to mail where the refund is authorised: its shop has none for support");
                }
                let mail = refund_to_authorise::render(&refund, &session, shop.as_ref(), now);
                (mail, Object::Refund(Box::new(refund)))
            }
        };
        Ok(mail.map(|mail| (mail, object.correlation_id(id.sequence).cloned())))
    }

    /// A merchant's shop, if they said anything of it. One that can't be read keeps no mail from its reader.
    pub(crate) async fn shop(&self, merchant_id: &MerchantId) -> Result<Option<Shop>, StoreError> {
        match self.shops.get(merchant_id).await {
            Err(error @ StoreError::Unreadable { .. }) => {
                tracing::error!(%merchant_id, %error, "a shop can't be read");
                Ok(None)
            }
            read => read,
        }
    }

    /// A refund, and the session that is refunded.
    async fn refund(&self, id: &RefundId) -> Result<Option<(Refund, Session)>, StoreError> {
        let Some(refund) = self.refunds.get(id).await? else { return Ok(None) };
        let session = self.sessions.get(&refund.session_id).await?;
        Ok(session.map(|session| (refund, session)))
    }

    async fn not_sent(&self, claim: &Claim, error: &PostError) -> Result<Option<Limit>, Error> {
        let now = self.clock.now();
        match error {
            PostError::Throttled(_, limit) => {
                tracing::warn!(mail = %claim.id, %error, "deferred");
                Metric::MailsThrottled.count();
                self.put_off(claim, limit.wait(&self.random)).await?;
                return Ok(Some(*limit));
            }
            PostError::NotNow(_) if claim.attempts < MAX_ATTEMPTS => {
                tracing::warn!(mail = %claim.id, attempts = claim.attempts, %error, "not sent yet");
                self.mails.retry_at(claim, next_try(claim.attempts, now)).await?;
            }
            PostError::NotNow(_) | PostError::Refused(_) => {
                tracing::error!(mail = %claim.id, attempts = claim.attempts, %error, "given up");
                Metric::MailsFailed.count();
                self.mails.failed(claim, now).await?;
            }
        }
        Ok(None)
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
