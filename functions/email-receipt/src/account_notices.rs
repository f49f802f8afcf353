//! Notifies a merchant's owners that an account was linked or unlinked: each of them, who did it included.

use std::time::{Duration, SystemTime};

use jiff::SignedDuration;
use lambda_runtime::Error;
use mails::account_notice;
use models::Role;
use runtime::Metric;
use store::{AccountNotice, LinkMailClaim};

use crate::handler::EmailReceipt;
use crate::link_mails::Wait;

/// For how long a notice is tried that SES does not take.
const TRIED_FOR: SignedDuration = SignedDuration::from_hours(48);

/// How soon it is tried again at first, and how late at the most: as long as a message can wait.
const SOONEST: Duration = Duration::from_secs(20);
const LATEST: Duration = Duration::from_secs(900);

impl EmailReceipt {
    /// Sends it to all owners; whose mail is still to be sent, and what it waits for, if that is not all.
    pub(crate) async fn send_notices(
        &self,
        claim: &LinkMailClaim,
        notice: &AccountNotice,
        post_until: SystemTime,
    ) -> Result<Option<(String, Wait)>, Error> {
        let AccountNotice { merchant_id, at, .. } = notice;
        let age = self.clock.now().duration_since(*at);
        if age >= TRIED_FOR {
            tracing::error!(mail = %claim.id, %merchant_id, "given up");
            Metric::MailsFailed.count();
            return Ok(None);
        }
        // Twice as long each time, as the age is by then.
        let try_again = Duration::try_from(age).unwrap_or(SOONEST).clamp(SOONEST, LATEST);
        let shop = self.shop(merchant_id).await?;
        for listed in self.people.list(merchant_id).await? {
            let person = listed.person;
            // In small letters they are in the order of the list.
            let position = person.email.as_str().to_ascii_lowercase();
            let was_sent = claim.next.as_ref().is_some_and(|next| position < *next);
            if person.role != Role::Own || was_sent {
                continue;
            }
            let mail = account_notice::render(&person.email, notice, shop.as_ref());
            let wait = match self.out_of_time(post_until) {
                Some(wait) => Some(wait),
                None => self.post_to_person(claim.id, merchant_id, mail, try_again).await,
            };
            if let Some(wait) = wait {
                return Ok(Some((position, wait)));
            }
        }
        Ok(None)
    }
}
