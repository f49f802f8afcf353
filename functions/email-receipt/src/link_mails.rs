//! Mails to a merchant's people, which belong to no payment: each is claimed, sent to one after the other, and ended.

use std::time::{Duration, SystemTime};

use lambda_runtime::Error;
use mails::Mail;
use models::{LinkMailId, MerchantId};
use runtime::Metric;
use store::LinkMail;

use crate::handler::{EmailReceipt, NEXT_INVOCATION};
use crate::postbox::{Limit, PostError};

/// Why a mail was not sent yet: for how long it waits, and the limit that it met, if any.
pub(crate) struct Wait {
    time: Duration,
    limit: Option<Limit>,
}

impl EmailReceipt {
    /// Sends what is to be sent, if that is still to be done; the limit that it met, if any.
    ///
    /// A message fails, and SQS delivers it again, if the table or the queue does.
    pub(crate) async fn send_to_people(&self, id: LinkMailId, post_until: SystemTime) -> Result<Option<Limit>, Error> {
        if self.clock.is_past(post_until) {
            self.queue_links(id, NEXT_INVOCATION).await?;
            return Ok(None);
        }
        let Some(claim) = self.link_mails.claim(id, self.clock.now()).await? else { return Ok(None) };
        let left = match &claim.request {
            LinkMail::SignIn(request) => self.send_links(&claim, request, post_until).await?,
            LinkMail::Account(notice) => self.send_notices(&claim, notice, post_until).await?,
        };
        let Some((next, Wait { time, limit })) = left else {
            self.link_mails.end(&claim).await?;
            return Ok(None);
        };
        let now = self.clock.now();
        self.link_mails.put_back(&claim, &next, now, now.checked_add(time)?).await?;
        self.queue_links(id, time).await?;
        Ok(limit)
    }

    /// Has them come again after `wait`, by a new message.
    pub(crate) async fn queue_links(&self, id: LinkMailId, wait: Duration) -> Result<(), Error> {
        self.receipts.enqueue_after(&id.to_string(), wait).await?;
        Ok(())
    }

    /// Sends one of them; what it waits for, if it was not sent yet. What can never be sent is given up.
    pub(crate) async fn post_to_person(
        &self,
        id: LinkMailId,
        merchant_id: &MerchantId,
        mail: Option<Mail>,
        try_again: Duration,
    ) -> Option<Wait> {
        let posted = match mail {
            Some(mail) => self.postbox.post(&mail, id.tags(), None).await,
            None => Err(PostError::Refused("it can’t be shown")),
        };
        match posted {
            Ok(message_id) => {
                tracing::info!(mail = %id, %merchant_id, message_id, "sent");
                Metric::MailsSent.count();
                None
            }
            Err(PostError::Refused(error)) => {
                tracing::error!(mail = %id, %merchant_id, error, "given up");
                Metric::MailsFailed.count();
                None
            }
            Err(PostError::NotNow(error)) => {
                tracing::warn!(mail = %id, %merchant_id, error, "not sent yet");
                Some(Wait { time: try_again, limit: None })
            }
            Err(PostError::Throttled(error, limit)) => {
                tracing::warn!(mail = %id, %merchant_id, error, "deferred");
                Metric::MailsThrottled.count();
                Some(Wait { time: limit.wait(&self.random), limit: Some(limit) })
            }
        }
    }

    /// That the time of this invocation is over, if it is: the next one goes on.
    pub(crate) fn out_of_time(&self, post_until: SystemTime) -> Option<Wait> {
        self.clock.is_past(post_until).then_some(Wait { time: NEXT_INVOCATION, limit: None })
    }
}
