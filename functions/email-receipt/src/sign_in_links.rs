//! Sends the links that somebody asked for who typed an address: one for each merchant whose console its reader works in.
//!
//! A link's token is made here and nowhere kept but in its mail: the table has its digest, the log nothing of it. A mail that
//! was not sent is tried with another token; the link before it expires.

use std::time::{Duration, SystemTime};

use lambda_runtime::Error;
use mails::sign_in_link;
use models::{LinkMailId, Person};
use store::{LINK_LASTS, LinkAsked, LinkMailClaim, LinkToken, SignInRequest};

use crate::handler::EmailReceipt;
use crate::link_mails::Wait;

/// When a mail is tried again that SES did not take. Somebody waits for it.
const TRY_AGAIN: Duration = Duration::from_secs(20);

impl EmailReceipt {
    /// Sends what was asked for; the merchant whose link is still to be sent, and what it waits for, if that is not all.
    pub(crate) async fn send_links(
        &self,
        claim: &LinkMailClaim,
        request: &SignInRequest,
        post_until: SystemTime,
    ) -> Result<Option<(String, Wait)>, Error> {
        let (id, next) = (claim.id, claim.next.as_deref());
        let merchants = self.people.merchants_of(&request.email).await?;
        for merchant_id in merchants.iter().filter(|merchant_id| next.is_none_or(|next| merchant_id.as_str() >= next)) {
            let now = self.clock.now();
            if now.duration_since(request.at) >= LINK_LASTS {
                tracing::warn!(mail = %id, "not sent: nobody waits for it any more");
                break;
            }
            // It goes to the address that was given when they were added, in whatever case another was typed.
            let Some(person) = self.people.get(merchant_id, &request.email).await? else { continue };
            let is_counted = next == Some(merchant_id.as_str());
            if !is_counted && self.people.ask_link(merchant_id, &person.email, now).await? != LinkAsked::Granted {
                tracing::warn!(mail = %id, %merchant_id, "not sent: too many were asked for, or they are gone");
                continue;
            }
            let wait = match self.out_of_time(post_until) {
                Some(wait) => Some(wait),
                None => self.post_link(id, request, &person).await?,
            };
            if let Some(wait) = wait {
                return Ok(Some((merchant_id.to_string(), wait)));
            }
        }
        Ok(None)
    }

    /// Makes a link, and sends it.
    async fn post_link(&self, id: LinkMailId, request: &SignInRequest, person: &Person) -> Result<Option<Wait>, Error> {
        let SignInRequest { base_url, back, locale, .. } = request;
        let Person { merchant_id, email, .. } = person;
        let shop = self.shop(merchant_id).await?;
        let token = LinkToken::new(&self.random);
        self.visits.make_link_back(&token, merchant_id, email, Some(back.clone()), self.clock.now()).await?;
        let url = format!("{base_url}/console/sign-in/{}", token.as_str());
        let mail = sign_in_link::render(email, merchant_id, shop.as_ref(), locale.as_ref(), &url);
        Ok(self.post_to_person(id, merchant_id, mail, TRY_AGAIN).await)
    }
}
