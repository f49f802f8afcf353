//! Keeps the queue of mails short.

use crate::handler::Expire;
use crate::waiting::Waiting;

/// No more are added to the queue of mails while it holds this number of messages. Mails leave it at SES's rate, and a message for each mail
/// that is due, every minute, would be more than that: the senders would do nothing but find out which ones come twice.
const MAILS_QUEUED: u64 = 1000;

impl Expire {
    /// Leaves mails out if enough of them are queued.
    pub(crate) async fn leave_queued_mails(&self, waiting: &mut Vec<Waiting>) {
        if waiting.iter().any(is_mail) && self.mails_are_queued().await {
            waiting.retain(|item| !is_mail(item));
        }
    }

    /// Whether enough mails wait in their queue; those that are due and not among them are queued once they have left it.
    async fn mails_are_queued(&self) -> bool {
        self.receipts.waiting().await.map_or_else(
            |error| {
                tracing::warn!(%error, "the length of the queue of mails could not be read");
                false
            },
            |waiting| waiting >= MAILS_QUEUED,
        )
    }
}

fn is_mail(item: &Waiting) -> bool {
    match item {
        Waiting::Mail(_) | Waiting::LinkMail(_) => true,
        Waiting::Expiry(_) | Waiting::Refund(..) | Waiting::Cursor(_) | Waiting::Endpoint(..) => false,
    }
}
