//! What is written together with an account that is linked or unlinked, and the mail that it calls for.

use models::{AccountEnd, AccountIdentifier, Act, ActKind, ActObject, LinkMailId};
use pages::Problem;
use store::{AccountChange, AccountNotice, ActWrite, ByPerson};

use crate::acts;
use crate::frame::Frame;
use crate::services::Services;

/// What the visitor does to an account.
pub(super) struct Change {
    pub(super) act: Act,
    write: ActWrite,
    mail_id: LinkMailId,
    notice: AccountNotice,
}

impl Change {
    pub(super) fn new(
        services: &Services,
        frame: &Frame<'_>,
        account: &AccountIdentifier,
        change: AccountChange,
    ) -> Result<Self, Problem> {
        let (merchant_id, email) = (&frame.visitor.person.merchant_id, &frame.visitor.person.email);
        let account = AccountEnd::try_from(account.last_four().to_owned());
        let account = account.map_err(|error| Problem::Internal(Box::new(error)))?;
        let what = match change {
            AccountChange::Linked { .. } => ActKind::AccountLinked,
            AccountChange::Unlinked => ActKind::AccountUnlinked,
        };
        let act = acts::by(services, merchant_id, email, what, ActObject::Account(account.clone()));
        let (merchant_id, by) = (merchant_id.clone(), email.clone());
        let notice = AccountNotice { merchant_id, account, change, by, at: act.at };
        let mail_id = LinkMailId::new(services.random.uuid_v4());
        Ok(Self { write: services.acts.write(&act)?, act, mail_id, notice })
    }

    /// For the transaction that does it.
    pub(super) const fn by(&self) -> ByPerson<'_> {
        ByPerson { act: &self.write, mail_id: self.mail_id, notice: &self.notice }
    }

    /// Has the owners mailed, once it is done. Should the queue not take that, the mail is due all the same.
    pub(super) async fn notify(&self, services: &Services) {
        tracing::info!(mail = %self.mail_id, act_id = %self.act.id, what = self.act.what.as_str(), "account changed");
        if let Err(error) = services.receipts.enqueue(&self.mail_id.to_string()).await {
            tracing::warn!(mail = %self.mail_id, %error, "a mail could not be queued; `expire` will queue it within a minute");
        }
    }
}
