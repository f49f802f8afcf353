//! Mails to a merchant's people: links to sign in by, which somebody asked for who typed an address, and what was done that owners
//! are to know. No token is here: each is made when its mail is.

use jiff::{SignedDuration, Timestamp};
use models::{AccountEnd, EmailAddress, LinkMailId, Locale, MerchantId, SortableTimestamp, WriteId};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::table::{Item, Key, Table, ms, read, s};
use crate::update::{Update, Updated};
use crate::visits::{KEPT, later};
use crate::write::WriteKind;

/// How long what was claimed is nobody else's. Longer than the function that sends the mails may run.
const LEASE: SignedDuration = SignedDuration::from_secs(120);

/// How much later than now what is put back is free: a claim of this time that arrives late is refused.
const FREE_AFTER: SignedDuration = SignedDuration::from_millis(1);

/// For how long a notice is kept, whatever becomes of it. Longer than it is tried to be sent.
const NOTICE_KEPT: SignedDuration = SignedDuration::from_hours(3 * 24);

/// The table's mails to people.
#[derive(Debug, Clone)]
pub struct LinkMails {
    table: Table,
}

/// What people are mailed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkMail {
    /// Links to sign in by: to those who work somewhere with the address that was typed.
    SignIn(SignInRequest),
    /// That an account was linked or unlinked: to all who own.
    Account(AccountNotice),
}

/// That somebody linked or unlinked an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountNotice {
    /// Whose account.
    pub merchant_id: MerchantId,
    /// Which.
    pub account: AccountEnd,
    /// What was done.
    pub change: AccountChange,
    /// Who did it.
    pub by: EmailAddress,
    /// When.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub at: Timestamp,
}

/// What was done to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountChange {
    /// It was linked.
    Linked {
        /// From when on live payments can be paid into it.
        #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
        live_from: Timestamp,
    },
    /// It was unlinked.
    Unlinked,
}

/// What somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInRequest {
    /// The address that they typed. Perhaps nobody works anywhere with it.
    pub email: EmailAddress,
    /// Where they see the console.
    pub base_url: String,
    /// Where they were about to go in it.
    pub back: String,
    /// The language that they saw the console in; none of what an earlier release put.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// When they asked.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub at: Timestamp,
}

/// As it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LinkMailItem {
    /// Until it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<LinkMail>,
    /// From when on it can be claimed.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    free_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease_id: Option<WriteId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// When DynamoDB removes it, in seconds.
    ttl: i64,
}

/// Mails that are ours to send, for two minutes.
#[derive(Debug)]
pub struct LinkMailClaim {
    /// Which.
    pub id: LinkMailId,
    /// What was asked for.
    pub request: LinkMail,
    /// Whose mail is the first still to be sent, where some were: of sign-in links the merchant, whose link has been counted; of a
    /// notice the address, in small letters.
    pub next: Option<String>,
    lease_id: WriteId,
}

impl LinkMailItem {
    /// Whether `expire` has it sent, should nothing else do.
    pub(crate) const fn is_due(&self) -> bool {
        match self.request {
            Some(LinkMail::Account(_)) => true,
            Some(LinkMail::SignIn(_)) | None => false,
        }
    }
}

impl LinkMails {
    /// The mails to people in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Puts what somebody asks for: the same for every address.
    ///
    /// # Errors
    /// The table failed us; it may be there.
    pub async fn put(&self, id: LinkMailId, request: &SignInRequest) -> Result<(), StoreError> {
        let item = new_item(LinkMail::SignIn(request.clone()), request.at, KEPT)?;
        self.table.put_new(WriteKind::LinkMailPut, keys::link_mail(id), item).await.map(|_| ())
    }

    /// Claims what is to be sent, for two minutes; none if that is done, or somebody else's.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn claim(&self, id: LinkMailId, now: Timestamp) -> Result<Option<LinkMailClaim>, StoreError> {
        let lease_id = self.table.random.write_id();
        let update = Update::new(WriteKind::LinkMailClaim, keys::link_mail(id))
            .when("attribute_exists(#request) AND #free_at <= :now", [(":now", ms(now))])
            .set("lease_id", s(lease_id.as_str()))
            .set("free_at", ms(later(now, LEASE)));
        let item = match update.send(&self.table).await? {
            Updated::New(item) | Updated::Refused(Some(item)) => item,
            Updated::Refused(None) => return Ok(None),
        };
        let item: LinkMailItem = read("of mails to people", item)?;
        // A refused claim that bears our lease had succeeded; its answer was lost.
        let is_ours = item.lease_id.as_ref() == Some(&lease_id);
        let request = item.request.filter(|_| is_ours);
        Ok(request.map(|request| LinkMailClaim { id, request, next: item.next, lease_id }))
    }

    /// The mail of `next` could not be sent, and those after it were not tried: they can be claimed again, as a message has them at
    /// `again_at`. A notice is due then.
    ///
    /// # Errors
    /// The table failed us; all can be claimed again when the claim ends.
    pub async fn put_back(
        &self,
        claim: &LinkMailClaim,
        next: &str,
        now: Timestamp,
        again_at: Timestamp,
    ) -> Result<(), StoreError> {
        let update = leased(WriteKind::LinkMailPutBack, claim).set("next", s(next));
        let update = match claim.request {
            LinkMail::SignIn(_) => update.set("free_at", ms(later(now, FREE_AFTER))),
            // Not earlier: messages that come meanwhile find nothing to claim, and have no successors.
            LinkMail::Account(_) => {
                update.set("free_at", ms(again_at)).set("due_at", s(SortableTimestamp::from(again_at).as_str()))
            }
        };
        update.send(&self.table).await.map(|_| ())
    }

    /// There is nothing to send any more. What was to be sent is forgotten.
    ///
    /// # Errors
    /// The table failed us; all can be claimed again when the claim ends.
    pub async fn end(&self, claim: &LinkMailClaim) -> Result<(), StoreError> {
        let update = leased(WriteKind::LinkMailEnd, claim).remove(&["request", "next", "due_pk", "due_at"]);
        update.send(&self.table).await.map(|_| ())
    }
}

/// A notice as it is put, together with what it is about. Until it is sent it is due: should no message name it, `expire` does.
pub(crate) fn notice_item(id: LinkMailId, notice: &AccountNotice) -> Result<(Key, Item), StoreError> {
    let key = keys::link_mail(id);
    let mut item = new_item(LinkMail::Account(notice.clone()), notice.at, NOTICE_KEPT)?;
    item.insert("due_pk".to_owned(), s(keys::due_pk(&key)));
    item.insert("due_at".to_owned(), s(SortableTimestamp::from(notice.at).as_str()));
    Ok((key, item))
}

fn new_item(request: LinkMail, at: Timestamp, kept: SignedDuration) -> Result<Item, StoreError> {
    let ttl = later(at, kept).as_second();
    let item = LinkMailItem { request: Some(request), free_at: at, lease_id: None, next: None, ttl };
    Ok(serde_dynamo::to_item(item)?)
}

fn leased(kind: WriteKind, claim: &LinkMailClaim) -> Update {
    Update::new(kind, keys::link_mail(claim.id)).when("#lease_id = :lease", [(":lease", s(claim.lease_id.as_str()))])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_asked_for_without_a_language_is_read_and_written_as_before() {
        let put = json!({
            "email": "ada@shop.example",
            "base_url": "https://pay.example.com",
            "back": "/console/test/payments",
            "at": 1_772_000_000_000_i64,
        });
        let read: SignInRequest = serde_json::from_value(put.clone()).unwrap();
        assert_eq!(read.locale, None);
        assert_eq!(serde_json::to_value(&read).unwrap(), put);
        let asked = SignInRequest { locale: Some(samples::text("cy")), ..read };
        let written = serde_json::to_value(&asked).unwrap();
        assert_eq!(written["locale"], "cy");
        assert_eq!(serde_json::from_value::<SignInRequest>(written).unwrap(), asked);
    }
}
