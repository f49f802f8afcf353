//! The visitor's own accounts.

use models::{AccountIdentifier, LinkedAccount, Merchant};
use pages::Facts;

use crate::digest::account_mark;
use crate::frame::Frame;
use crate::fresh::sign_in_again_in_both;
use crate::services::Services;

/// How many accounts a merchant may have and be linked another here. All are read with the first request of a merchant. The command
/// line knows no limit.
pub(super) const MAX_ACCOUNTS: usize = 100;

/// Where the accounts are.
pub(super) fn accounts_path(frame: &Frame<'_>) -> String {
    format!("{}/accounts", frame.root())
}

/// Where an account is unlinked.
pub(super) fn account_path(frame: &Frame<'_>, merchant: &Merchant, account: &AccountIdentifier) -> String {
    format!("{}/{}", accounts_path(frame), account_mark(&merchant.idempotency_salt, account))
}

/// What the button says that unlinks an account, and the page that it leads to.
pub(super) fn unlink_text(frame: &Frame<'_>, account: &AccountIdentifier) -> String {
    Facts::new(frame.language).text("end", account.last_four()).plain(frame.texts().accounts.unlink_account)
}

/// The account with this mark, if it is linked.
pub(super) fn find<'a>(merchant: &'a Merchant, mark: &str) -> Option<&'a LinkedAccount> {
    let mut linked = merchant.linked_accounts.iter();
    linked.find(|linked| account_mark(&merchant.idempotency_salt, &linked.account) == mark)
}

/// Where they show once more who they are, if they have to before they link or unlink anything.
pub(super) fn sign_in_again(services: &Services, frame: &Frame<'_>) -> Option<String> {
    sign_in_again_in_both(services, frame, &accounts_path(frame))
}
