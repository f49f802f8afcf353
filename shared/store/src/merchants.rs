//! Merchants, their keys and linked accounts: one partition each, read by one Query. When the keys were last used stands apart.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use models::{
    AccountIdentifier, ApiKey, ApiKeyId, LinkMailId, LinkedAccount, ListSharding, ListShards, Merchant, MerchantId,
    Name,
};
use serde::{Deserialize, Serialize};

use crate::acts::ActWrite;
use crate::error::StoreError;
use crate::keys;
use crate::link_mails::{AccountNotice, notice_item};
use crate::table::{Item, Key, Put, Table, ms, read, s, sk};
use crate::transaction::{Transacted, Transaction, Verdict};
use crate::update::{Update, Updated, Version};
use crate::write::WriteKind;

/// The table's merchants.
#[derive(Debug, Clone)]
pub struct Merchants {
    pub(crate) table: Table,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Profile {
    name: Name,
    #[serde(with = "serde_bytes")]
    idempotency_salt: [u8; 32],
    #[serde(default, rename = "list_spread")]
    list_sharding: ListSharding,
}

/// When an API key was last used.
#[derive(Debug, Deserialize)]
pub(crate) struct KeyUse {
    last_used_on: Date,
}

/// What became of raising a merchant's count of list shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListShardsRaised {
    /// It has the wanted count now.
    Done,
    /// It has this many, which are as many or more: the count only rises.
    NotMore(ListShards),
    /// There is no such merchant.
    NoMerchant,
}

/// What is written together with an account that a person links or unlinks.
#[derive(Debug, Clone, Copy)]
pub struct ByPerson<'a> {
    /// The act that it is.
    pub act: &'a ActWrite,
    /// A new mail's id, which nothing else has.
    pub mail_id: LinkMailId,
    /// What the merchant's owners are mailed.
    pub notice: &'a AccountNotice,
}

impl Merchants {
    /// The merchants in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Reads where no merchant is, by the same call that reads one.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn warm_up(&self) -> Result<(), StoreError> {
        self.table.query(keys::NO_MERCHANT_PK, None, 1).await.map(|_| ())
    }

    /// The merchant with its keys and accounts, read consistently.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn get(&self, id: &MerchantId) -> Result<Option<Merchant>, StoreError> {
        let mut profile = None;
        let (mut linked_accounts, mut api_keys) = (Vec::new(), Vec::new());
        for item in self.table.query(&keys::merchant_pk(id), None, usize::MAX).await? {
            let sk = sk(&item).to_owned();
            if sk == keys::PROFILE {
                profile = Some(read::<Profile>(&sk, item)?);
            } else if sk.starts_with(keys::KEY_PREFIX) {
                api_keys.push(read::<ApiKey>(&sk, item)?);
            } else if keys::is_linked_account(&sk) {
                linked_accounts.push(read::<LinkedAccount>(&sk, item)?);
            }
        }
        Ok(profile.map(|Profile { name, idempotency_salt, list_sharding }| Merchant {
            id: id.clone(),
            name,
            idempotency_salt,
            list_sharding,
            linked_accounts,
            keys: api_keys,
        }))
    }

    /// The merchant's own secret alone, by which the addresses in pointers are hashed; none if there is no such merchant. One
    /// consistent read.
    pub(crate) async fn idempotency_salt(&self, id: &MerchantId) -> Result<Option<[u8; 32]>, StoreError> {
        let key = keys::profile(id);
        let profile = self.table.get(key.clone()).await?.map(|item| read::<Profile>(&key, item)).transpose()?;
        Ok(profile.map(|profile| profile.idempotency_salt))
    }

    /// Creates a merchant without keys or accounts; false if there is one with this id already.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn create(&self, id: &MerchantId, name: Name, idempotency_salt: [u8; 32]) -> Result<bool, StoreError> {
        let item = serde_dynamo::to_item(Profile { name, idempotency_salt, list_sharding: ListSharding::default() })?;
        Ok(matches!(self.table.put_new(WriteKind::MerchantCreate, keys::profile(id), item).await?, Put::Done))
    }

    /// Raises the count of shards that the merchant's lists have: at once for lists, 20 minutes later for new sessions.
    ///
    /// # Errors
    /// The table failed us; the count may have been raised.
    pub async fn raise_list_shards(
        &self,
        id: &MerchantId,
        shards: ListShards,
        now: Timestamp,
    ) -> Result<ListShardsRaised, StoreError> {
        let key = keys::profile(id);
        let mut written = None;
        let mut item = self.table.get(key.clone()).await?;
        while let Some(profile) = item {
            let Profile { list_sharding, .. } = read(&key, profile)?;
            // The SDK repeated an update whose answer was lost: what it met is our own.
            if written == Some(list_sharding) {
                return Ok(ListShardsRaised::Done);
            }
            let Some(raised) = list_sharding.raised_to(shards, now) else {
                return Ok(ListShardsRaised::NotMore(list_sharding.shards()));
            };
            let before = serde_dynamo::to_attribute_value(list_sharding)?;
            let update = Update::new(WriteKind::ListShards, key.clone())
                .when("#list_spread = :before OR attribute_not_exists(#list_spread)", [(":before", before)])
                .when("attribute_exists(#pk)", [])
                .set("list_spread", serde_dynamo::to_attribute_value(raised)?);
            item = match update.send(&self.table).await? {
                Updated::New(_) => return Ok(ListShardsRaised::Done),
                // Raised by somebody else meanwhile.
                Updated::Refused(item) => item,
            };
            written = Some(raised);
        }
        Ok(ListShardsRaised::NoMerchant)
    }

    /// Adds an API key; false if there is another with this id already. If a person does it, together with the `act` that it is.
    ///
    /// # Errors
    /// The table failed us; it may have been added.
    pub async fn add_key(&self, key: &ApiKey, act: Option<&ActWrite>) -> Result<bool, StoreError> {
        let (at, item) = (keys::api_key(&key.id), serde_dynamo::to_item(key)?);
        let there = match act {
            None => match self.table.put_new(WriteKind::KeyAdd, at.clone(), item).await? {
                Put::Done => None,
                Put::Exists(there) => Some(there),
            },
            Some(_) => {
                let put = Transaction::default().put_new(WriteKind::KeyAdd, at.clone(), item).act(act);
                match put.send(&self.table).await? {
                    Transacted::Done => None,
                    Transacted::Refused(verdicts) => match verdicts.of(0) {
                        Verdict::Refused(there) => Some(there.unwrap_or_default()),
                        // The act alone was there, whose id is random: it came with what was put.
                        Verdict::Held => None,
                    },
                }
            }
        };
        // Ours if the SDK repeated what was done, its answer lost.
        there.map_or(Ok(true), |there| Ok(read::<ApiKey>(&at, there)?.secret_sha256 == key.secret_sha256))
    }

    /// Puts a new API key in the place of one, which ends at `until`; false if that is not there, or was rolled or revoked before.
    /// Together with the `act` that it is.
    ///
    /// # Errors
    /// The table failed us; it may have been rolled.
    pub async fn roll_key(
        &self,
        id: &ApiKeyId,
        successor: &ApiKey,
        until: Timestamp,
        act: &ActWrite,
    ) -> Result<bool, StoreError> {
        let roll = Update::new(WriteKind::KeyRoll, keys::api_key(id))
            .when("attribute_exists(#pk)", [])
            .when("attribute_not_exists(#revoked_at) AND attribute_not_exists(#valid_until)", [])
            .set("valid_until", ms(until));
        let transaction = Transaction::default()
            .put_new(WriteKind::KeyAdd, keys::api_key(&successor.id), serde_dynamo::to_item(successor)?)
            .update(roll)
            .act(Some(act));
        Ok(match transaction.send(&self.table).await? {
            Transacted::Done => true,
            // The new id is random: if it is there, the SDK repeated what was done, its answer lost.
            Transacted::Refused(verdicts) => matches!(verdicts.of(0), Verdict::Refused(_)),
        })
    }

    /// Revokes an API key; false if there is no such key. One that was revoked before stays as it is. If a person does it, together
    /// with the `act` that it is.
    ///
    /// # Errors
    /// The table failed us; it may have been revoked.
    pub async fn revoke_key(&self, id: &ApiKeyId, now: Timestamp, act: Option<&ActWrite>) -> Result<bool, StoreError> {
        let update = Update::new(WriteKind::KeyRevoke, keys::api_key(id))
            .when("attribute_exists(#pk) AND attribute_not_exists(#revoked_at)", [])
            .set("revoked_at", ms(now));
        if act.is_none() {
            return Ok(!matches!(update.send(&self.table).await?, Updated::Refused(None)));
        }
        match Transaction::default().update(update).act(act).send(&self.table).await? {
            Transacted::Done => Ok(true),
            Transacted::Refused(verdicts) => Ok(!matches!(verdicts.of(0), Verdict::Refused(None))),
        }
    }

    /// Notes that an API key was used on this day, by UTC, to make or change something, unless that or a later day is noted. Half
    /// a read unit, and a write where the day is new.
    ///
    /// # Errors
    /// The table failed us; it may be noted.
    pub async fn note_key_used(&self, id: &ApiKeyId, on: Date) -> Result<(), StoreError> {
        let key = keys::key_use(id);
        let noted = self.table.get_eventually(key.clone()).await?.map(|item| read::<KeyUse>(&key, item)).transpose()?;
        if noted.is_some_and(|noted| noted.last_used_on >= on) {
            return Ok(());
        }
        // Dates are compared as they are written: a year has four digits.
        let update = Update::new(WriteKind::KeyUsed, key)
            .when("attribute_not_exists(#last_used_on) OR #last_used_on < :set_last_used_on", [])
            .set("last_used_on", s(on.to_string()));
        update.send(&self.table).await.map(|_| ())
    }

    /// The last day, by UTC, on which each of a merchant's API keys is known to have made or changed a payment, refund or customer:
    /// noted only where the console is on. Consistent.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn keys_used(&self, id: &MerchantId) -> Result<HashMap<ApiKeyId, Date>, StoreError> {
        let mut used = HashMap::new();
        for item in self.table.query(&keys::key_uses_pk(id), None, usize::MAX).await? {
            let sk = sk(&item).to_owned();
            // Nothing else stands there.
            let Ok(key_id) = sk.parse::<ApiKeyId>() else { continue };
            used.insert(key_id, read::<KeyUse>(&sk, item)?.last_used_on);
        }
        Ok(used)
    }

    /// Links an account; false if it was linked before. If a person does it, together with the act and the mail that it calls for.
    ///
    /// # Errors
    /// The table failed us, or holds no such merchant.
    pub async fn link_account(
        &self,
        merchant: &MerchantId,
        account: &LinkedAccount,
        by: Option<ByPerson<'_>>,
    ) -> Result<bool, StoreError> {
        let key = keys::linked_account(merchant, account);
        let linked_by = s(self.table.random.write_id().as_str());
        loop {
            let (version, found) = self.account(merchant, &key).await?;
            if let Some(found) = found {
                // Ours if the SDK repeated what was done, its answer lost.
                return Ok(found.get("linked_by") == Some(&linked_by));
            }
            let mut item: Item = serde_dynamo::to_item(account)?;
            item.insert("linked_by".to_owned(), linked_by.clone());
            let link = Transaction::default().put_new(WriteKind::AccountLink, key.clone(), item);
            if self.change_accounts(link, merchant, version, by).await? {
                return Ok(true);
            }
        }
    }

    /// Unlinks an account; false if it was not linked. If a person does it, together with the act and the mail that it calls for:
    /// then it is false, too, if somebody else unlinked it meanwhile.
    ///
    /// # Errors
    /// The table failed us; it may have been unlinked.
    pub async fn unlink_account(
        &self,
        merchant: &MerchantId,
        account: &AccountIdentifier,
        by: Option<ByPerson<'_>>,
    ) -> Result<bool, StoreError> {
        let key = keys::linked_account_of(merchant, account);
        let mut was_linked = false;
        loop {
            let (version, found) = self.account(merchant, &key).await?;
            if found.is_none() {
                return Ok(was_linked && by.is_none());
            }
            was_linked = true;
            let unlink = Transaction::default().delete(WriteKind::AccountUnlink, key.clone());
            if self.change_accounts(unlink, merchant, version, by).await? {
                return Ok(true);
            }
        }
    }

    /// The version of a merchant's accounts, which its profile has, and the account with this key.
    async fn account(&self, merchant: &MerchantId, key: &Key) -> Result<(Version, Option<Item>), StoreError> {
        // First the version, so that what is read after it is no older.
        let profile = self.table.get(keys::profile(merchant)).await?;
        let profile = profile.ok_or_else(|| StoreError::Disagreement { key: keys::profile(merchant).to_string() })?;
        Ok((Version::of(Some(&profile)), self.table.get(key.clone()).await?))
    }

    /// Links or unlinks, if no account was since the version was read: a first attempt that arrives after an account was
    /// unlinked does not link it again, nor the other way around.
    async fn change_accounts(
        &self,
        change: Transaction,
        merchant: &MerchantId,
        version: Version,
        by: Option<ByPerson<'_>>,
    ) -> Result<bool, StoreError> {
        let profile = Update::new(WriteKind::AccountsChange, keys::profile(merchant));
        let profile = profile.when("attribute_exists(#pk)", []).of_version(version);
        let mut change = change.update(profile);
        if let Some(ByPerson { act, mail_id, notice }) = by {
            let (key, item) = notice_item(mail_id, notice)?;
            change = change.put_new(WriteKind::LinkMailPut, key, item).act(Some(act));
        }
        Ok(match change.send(&self.table).await? {
            Transacted::Done => true,
            // A mail whose id is random is there: the SDK repeated what was done, its answer lost.
            Transacted::Refused(verdicts) => by.is_some() && matches!(verdicts.of(2), Verdict::Refused(_)),
        })
    }
}
