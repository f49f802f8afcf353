//! The people who work in merchants' consoles.

use models::MerchantId;

use super::waiting::Waits;
use super::{Check, Rule};
use crate::error::StoreError;
use crate::keys;
use crate::link_mails::LinkMailItem;
use crate::people::{PersonItem, SignInItem};
use crate::table::{Item, Key};

impl Check<'_> {
    /// Somebody without the other item, by their address, could never ask for a link.
    pub(super) async fn person(&mut self, key: &Key, merchant: &MerchantId, item: &Item) -> Result<(), StoreError> {
        if let Some(PersonItem { person, .. }) = self.read(item) {
            let its_own = person.merchant_id == *merchant && keys::person(merchant, &person.email) == *key;
            self.broken_unless(its_own, Rule::Readable, "holds another person's address or merchant");
            let is_found = self.get(keys::sign_in(merchant, &person.email)).await?.is_some();
            self.broken_unless(is_found, Rule::Listed, "can't be found by their address, and so not sign in");
        }
        self.of_merchant(merchant).await
    }

    /// Nobody waits for a sign-in link for long; what owners are to know is sent in the end.
    pub(super) fn link_mail(&mut self, key: &Key, item: &Item) {
        let Some(mail) = self.read::<LinkMailItem>(item) else { return };
        self.waits(key, item, if mail.is_due() { Waits::SomeTime } else { Waits::Never });
    }

    pub(super) async fn sign_in(&mut self, key: &Key, item: &Item) -> Result<(), StoreError> {
        let Some(SignInItem { merchant_id, email }) = self.read(item) else { return Ok(()) };
        let its_own = keys::sign_in(&merchant_id, &email) == *key;
        self.broken_unless(its_own, Rule::Readable, "holds another address or merchant");
        let is_there = self.get(keys::person(&merchant_id, &email)).await?.is_some();
        self.broken_unless(is_there, Rule::Orphan, "is of a person who is not there");
        Ok(())
    }
}
