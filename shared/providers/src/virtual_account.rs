//! Accounts that stand for one session each, so that what is transferred to them needs no reference to be matched.

use models::{BankId, Payee, Session};

/// An account that is one session's own, and who keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualAccount {
    /// The provider that credits the merchant with what comes to it.
    pub provider: BankId,
    /// What payers transfer to.
    pub payee: Payee,
}

/// The session's own account: of test mode's mock provider of transfers; none for live sessions, or if the session has none.
/// It follows from the session alone.
#[expect(clippy::todo, reason = "is written next")]
pub fn virtual_account(_session: &Session) -> Option<VirtualAccount> {
    todo!()
}
