//! What ended, and what days add up to.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use models::{MerchantId, Mode, Object, Refund, RefundId, Session, SessionId};

use super::{Check, Rule};
use crate::endings::{Day, Ending, Endings, counted, kept_until, start_of};
use crate::error::StoreError;
use crate::keys;
use crate::merchants::Merchants;
use crate::owner::Owner;
use crate::pointers;
use crate::table::{Item, Key};
use crate::tombstone::is_tombstone;

/// What is about to be removed by its time to live is left alone for the last day.
const LAST_DAY: SignedDuration = SignedDuration::from_hours(24);

/// How many endings a read unit has, more or less.
const IN_A_UNIT: f64 = 16.0;

impl Check<'_> {
    /// If it has ended: that it is counted so. What is not counted is broken only where the console was on: its session has a
    /// pointer then.
    pub(super) async fn counted(&mut self, object: &Object) -> Result<(), StoreError> {
        let Some((key, ending)) = counted(object) else { return Ok(()) };
        if !self.is_kept(ending.at) {
            return Ok(());
        }
        let found = self.query(&key.pk, Some((&key.sk, &key.sk))).await?;
        let Some(item) = found.first() else {
            if self.verify.is_late(ending.at) && self.is_pointed_to(object).await? {
                self.broken(Rule::Ended, "has ended, and is not counted");
            }
            return Ok(());
        };
        let Some(found) = self.read::<Ending>(item) else { return Ok(()) };
        // How it was paid is not known any more once it is erased.
        let method = if object.is_erased() { found.method } else { ending.method };
        let fits = found == Ending { method, ..ending };
        self.broken_unless(fits, Rule::Ended, "is counted otherwise than it ended");
        Ok(())
    }

    /// An ending is that of something which ended then.
    pub(super) async fn ending(
        &mut self,
        key: &Key,
        session_id: &SessionId,
        refund_id: Option<&RefundId>,
        item: &Item,
    ) -> Result<(), StoreError> {
        if self.read::<Ending>(item).is_none() {
            return Ok(());
        }
        let of = refund_id.map_or_else(|| keys::session(session_id), |refund_id| keys::refund(session_id, refund_id));
        let Some(item) = self.get(of).await? else {
            self.broken(Rule::Orphan, "is of what is not there");
            return Ok(());
        };
        // Of what was deleted it is not known where it was counted.
        if is_tombstone(&item) {
            return Ok(());
        }
        // What can't be read is reported by itself.
        let object = match refund_id {
            None => serde_dynamo::from_item::<_, Session>(item).map(|session| Object::Session(Box::new(session))),
            Some(_) => serde_dynamo::from_item::<_, Refund>(item).map(|refund| Object::Refund(Box::new(refund))),
        };
        let Ok(object) = object else { return Ok(()) };
        let fits = counted(&object).is_some_and(|(expected, _)| expected == *key);
        self.broken_unless(fits, Rule::Ended, "counts what has not ended, or not on that day");
        Ok(())
    }

    /// What is kept of a day is what its endings add up to.
    pub(super) async fn day(
        &mut self,
        merchant_id: &MerchantId,
        mode: Mode,
        day: Date,
        item: &Item,
    ) -> Result<(), StoreError> {
        let Some(Day { tally: Some(tally) }) = self.read(item) else { return Ok(()) };
        if !self.is_kept(start_of(day)) {
            return Ok(());
        }
        let Some(merchant) = Merchants::new(self.verify.table.clone()).get(merchant_id).await? else {
            self.broken(Rule::Orphan, "is of a merchant that is not there");
            return Ok(());
        };
        let owner = Owner { merchant_id: merchant_id.clone(), mode, format: None };
        let endings = Endings::new(self.verify.table.clone());
        let counted = endings.count(&owner, merchant.list_sharding.shards(), day, &|| true).await?.unwrap_or_default();
        self.checked.units += 1.0 + counted.payments().ended as f64 / IN_A_UNIT;
        self.broken_unless(counted == tally, Rule::Ended, "is not what ended on it adds up to");
        Ok(())
    }

    /// Whether the console was on when its session was created.
    async fn is_pointed_to(&mut self, object: &Object) -> Result<bool, StoreError> {
        let pointer = match object {
            Object::Session(session) => pointers::by_reference(session),
            Object::Refund(refund) => {
                let session = self.get(keys::session(&refund.session_id)).await?;
                let session = session.and_then(|item| serde_dynamo::from_item::<_, Session>(item).ok());
                let Some(session) = session else { return Ok(false) };
                pointers::by_reference(&session)
            }
        };
        Ok(!self.query(&pointer.pk, Some((&pointer.sk, &pointer.sk))).await?.is_empty())
    }

    /// Whether what is counted of that time is there still.
    fn is_kept(&self, at: Timestamp) -> bool {
        self.verify.now.checked_add(LAST_DAY).is_ok_and(|now| now < kept_until(at))
    }
}
