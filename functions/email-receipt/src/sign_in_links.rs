//! Sends the links that somebody asked for who typed an address: one for each merchant whose console its reader works in.
//!
//! A link's token is made here and nowhere kept but in its mail: the table has its digest, the log nothing of it. A mail that
//! was not sent is tried with another token; the link before it expires.

use std::time::{Duration, SystemTime};

use lambda_runtime::Error;
use models::{LinkMailId, Person};
use runtime::Metric;
use store::{LINK_LASTS, LinkAsked, LinkToken, SignInRequest};

use crate::handler::{EmailReceipt, NEXT_INVOCATION};
use crate::postbox::{Limit, PostError};
use crate::sign_in_link;

/// When a mail is tried again that SES did not take. Somebody waits for it.
const TRY_AGAIN: Duration = Duration::from_secs(20);

impl EmailReceipt {
    /// Sends what was asked for, if that is still to be done; the limit that it met, if any.
    ///
    /// A message fails, and SQS delivers it again, if the table or the queue does.
    pub(crate) async fn send_links(&self, id: LinkMailId, post_until: SystemTime) -> Result<Option<Limit>, Error> {
        if self.clock.is_past(post_until) {
            self.queue_links(id, NEXT_INVOCATION).await?;
            return Ok(None);
        }
        let Some(claim) = self.link_mails.claim(id, self.clock.now()).await? else { return Ok(None) };
        let (request, next) = (&claim.request, claim.next.as_ref());
        let merchants = self.people.merchants_of(&request.email).await?;
        for merchant_id in merchants.iter().filter(|merchant_id| next.is_none_or(|next| *merchant_id >= next)) {
            let now = self.clock.now();
            if now.duration_since(request.at) >= LINK_LASTS {
                tracing::warn!(mail = %id, "not sent: nobody waits for it any more");
                break;
            }
            // It goes to the address that was given when they were added, in whatever case another was typed.
            let Some(person) = self.people.get(merchant_id, &request.email).await? else { continue };
            let is_counted = Some(merchant_id) == next;
            if !is_counted && self.people.ask_link(merchant_id, &person.email, now).await? != LinkAsked::Granted {
                tracing::warn!(mail = %id, %merchant_id, "not sent: too many were asked for, or they are gone");
                continue;
            }
            let (wait, limit) = if self.clock.is_past(post_until) {
                (NEXT_INVOCATION, None)
            } else {
                match self.post_link(id, request, &person).await? {
                    Ok(()) => continue,
                    Err(PostError::Refused(error)) => {
                        tracing::error!(mail = %id, %merchant_id, error, "given up");
                        Metric::MailsFailed.count();
                        continue;
                    }
                    Err(PostError::NotNow(error)) => {
                        tracing::warn!(mail = %id, %merchant_id, error, "not sent yet");
                        (TRY_AGAIN, None)
                    }
                    Err(PostError::Throttled(error, limit)) => {
                        tracing::warn!(mail = %id, %merchant_id, error, "deferred");
                        Metric::MailsThrottled.count();
                        (limit.wait(&self.random), Some(limit))
                    }
                }
            };
            self.link_mails.put_back(&claim, merchant_id, self.clock.now()).await?;
            self.queue_links(id, wait).await?;
            return Ok(limit);
        }
        self.link_mails.end(&claim).await?;
        Ok(None)
    }

    /// Has them come again after `wait`, by a new message.
    pub(crate) async fn queue_links(&self, id: LinkMailId, wait: Duration) -> Result<(), Error> {
        self.receipts.enqueue_after(&id.to_string(), wait).await?;
        Ok(())
    }

    /// Makes a link, and sends it.
    async fn post_link(
        &self,
        id: LinkMailId,
        request: &SignInRequest,
        person: &Person,
    ) -> Result<Result<(), PostError>, Error> {
        let (SignInRequest { base_url, back, .. }, Person { merchant_id, email, .. }) = (request, person);
        let shop = self.shop(merchant_id).await?;
        let token = LinkToken::new(&self.random);
        self.visits.make_link_back(&token, merchant_id, email, Some(back.clone()), self.clock.now()).await?;
        let url = format!("{base_url}/console/sign-in/{}", token.as_str());
        let Some(mail) = sign_in_link::render(email, merchant_id, shop.as_ref(), &url) else {
            return Ok(Err(PostError::Refused("it can’t be shown")));
        };
        let posted = self.postbox.post(&mail, id.tags(), None).await;
        Ok(posted.map(|message_id| {
            tracing::info!(mail = %id, %merchant_id, message_id, "sent");
            Metric::MailsSent.count();
        }))
    }
}
