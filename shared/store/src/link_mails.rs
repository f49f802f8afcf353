//! Mails with sign-in links, which somebody asked for who typed an address. No token is here: each is made when its mail is.

use jiff::{SignedDuration, Timestamp};
use models::{EmailAddress, LinkMailId, MerchantId, WriteId};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::table::{Table, ms, read, s};
use crate::update::{Update, Updated};
use crate::visits::{KEPT, later};
use crate::write::WriteKind;

/// How long what was claimed is nobody else's. Longer than the function that sends the mails may run.
const LEASE: SignedDuration = SignedDuration::from_secs(120);

/// How much later than now what is put back is free: a claim of this time that arrives late is refused.
const FREE_AFTER: SignedDuration = SignedDuration::from_millis(1);

/// The table's mails with sign-in links.
#[derive(Debug, Clone)]
pub struct LinkMails {
    table: Table,
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
    /// When they asked.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub at: Timestamp,
}

/// As it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LinkMailItem {
    /// Until it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<SignInRequest>,
    /// From when on it can be claimed.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    free_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease_id: Option<WriteId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<MerchantId>,
    /// When DynamoDB removes it, in seconds.
    ttl: i64,
}

/// Mails that are ours to send, for two minutes.
#[derive(Debug)]
pub struct LinkMailClaim {
    /// Which.
    pub id: LinkMailId,
    /// What was asked for.
    pub request: SignInRequest,
    /// The first merchant whose mail is still to be sent, where some were; its link has been counted.
    pub next: Option<MerchantId>,
    lease_id: WriteId,
}

impl LinkMails {
    /// The mails with sign-in links in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Puts what somebody asks for: the same for every address.
    ///
    /// # Errors
    /// The table failed us; it may be there.
    pub async fn put(&self, id: LinkMailId, request: &SignInRequest) -> Result<(), StoreError> {
        let item = LinkMailItem {
            request: Some(request.clone()),
            free_at: request.at,
            lease_id: None,
            next: None,
            ttl: later(request.at, KEPT).as_second(),
        };
        let item = serde_dynamo::to_item(item)?;
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
        let item: LinkMailItem = read("of mails with sign-in links", item)?;
        // A refused claim that bears our lease had succeeded; its answer was lost.
        let is_ours = item.lease_id.as_ref() == Some(&lease_id);
        let request = item.request.filter(|_| is_ours);
        Ok(request.map(|request| LinkMailClaim { id, request, next: item.next, lease_id }))
    }

    /// The mail of this merchant could not be sent, and those after it were not tried: they can be claimed again.
    ///
    /// # Errors
    /// The table failed us; all can be claimed again when the claim ends.
    pub async fn put_back(&self, claim: &LinkMailClaim, next: &MerchantId, now: Timestamp) -> Result<(), StoreError> {
        let update = leased(WriteKind::LinkMailPutBack, claim).set("next", s(next.as_str()));
        update.set("free_at", ms(later(now, FREE_AFTER))).send(&self.table).await.map(|_| ())
    }

    /// There is nothing to send any more. What was typed is forgotten.
    ///
    /// # Errors
    /// The table failed us; all can be claimed again when the claim ends.
    pub async fn end(&self, claim: &LinkMailClaim) -> Result<(), StoreError> {
        leased(WriteKind::LinkMailEnd, claim).remove(&["request", "next"]).send(&self.table).await.map(|_| ())
    }
}

fn leased(kind: WriteKind, claim: &LinkMailClaim) -> Update {
    Update::new(kind, keys::link_mail(claim.id)).when("#lease_id = :lease", [(":lease", s(claim.lease_id.as_str()))])
}
