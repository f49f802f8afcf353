//! How many deliveries to an endpoint are under way, and what they showed of it.

use jiff::{SignedDuration, Timestamp};
use models::{DisabledBy, Endpoint, EndpointId, MerchantId, Pace};
use serde::Deserialize;

use crate::cursors::LEASE;
use crate::endpoints::{Endpoints, disabled, present};
use crate::error::StoreError;
use crate::keys;
use crate::table::{ms, n, read, s};
use crate::update::{Update, Updated, Version};
use crate::write::WriteKind;

/// The right to deliver to an endpoint, for a while.
#[derive(Debug)]
pub struct Slot {
    index: usize,
    until: Timestamp,
    /// The endpoint's when it was claimed: what a delivery showed is about the endpoint of this version alone.
    version: Version,
    /// Whether the last delivery in it was accepted; giving it back notes that of the endpoint.
    pub accepted: bool,
    /// How soon the endpoint answers, as the deliveries in it showed; giving it back notes that of the endpoint.
    pub pace: Pace,
}

impl Slot {
    /// What the slot holds after another write in it.
    fn next(&self) -> Timestamp {
        self.until.checked_add(SignedDuration::from_millis(1)).unwrap_or(Timestamp::MAX)
    }

    /// What it holds once it is free: later than when it was claimed, so that a first attempt to claim it that arrives now is
    /// refused; and so much later that no next claim holds what this one did.
    fn freed_at(&self) -> Timestamp {
        self.next().checked_sub(LEASE).unwrap_or(Timestamp::MIN)
    }
}

/// Until when each of an endpoint's slots is claimed, in milliseconds since 1970.
#[derive(Debug, Clone, Deserialize)]
pub struct Slots {
    slots: Vec<i64>,
}

impl Slots {
    fn until_ms(&self, slot: &Slot) -> Option<i64> {
        self.slots.get(slot.index).copied()
    }

    fn free(&self, most: usize, now: Timestamp) -> impl Iterator<Item = usize> {
        let now_ms = now.as_millisecond();
        self.slots
            .iter()
            .take(most)
            .enumerate()
            .filter(move |(_, until_ms)| **until_ms <= now_ms)
            .map(|(index, _)| index)
    }
}

impl Endpoints {
    /// The endpoint with this id, and how many deliveries to it are under way.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn look_up(
        &self,
        merchant: &MerchantId,
        id: &EndpointId,
    ) -> Result<Option<(Endpoint, Slots)>, StoreError> {
        let key = keys::endpoint(merchant, id);
        let Some(item) = self.table.get(key.clone()).await? else { return Ok(None) };
        Ok(Some((read(&key, item.clone())?, read(&key, item)?)))
    }

    /// The endpoint, as it was called in this slot, said that it is gone for good; false if it was changed since, and so stays
    /// as it is.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn gone(&self, endpoint: &Endpoint, slot: &Slot) -> Result<bool, StoreError> {
        let ours = s(self.table.random.write_id().as_str());
        let update = present(WriteKind::EndpointGone, &endpoint.merchant_id, &endpoint.id);
        let update = update.of_version(slot.version).set("changed_by", ours.clone());
        Ok(match disabled(update, DisabledBy::Gone).send(&self.table).await? {
            Updated::New(_) => true,
            // By our first try, if its answer was lost. It is not made again: what we saw is not of what is there now.
            Updated::Refused(item) => item.is_some_and(|item| item.get("changed_by") == Some(&ours)),
        })
    }

    /// A delivery that `began` then failed; after some in a row the endpoint is parked, and before that if it asked `not_before`
    /// when to be called. Those that were under way when it was parked are not counted, so that a short trouble is not
    /// counted ten times, but may ask for longer. Nothing is noted of an endpoint that was changed since it was called. `jitter`
    /// is random, from 0 to 1. It is counted while the slot is ours, once.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn failed(
        &self,
        endpoint: &Endpoint,
        slot: &mut Slot,
        began: Timestamp,
        now: Timestamp,
        jitter: f64,
        not_before: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let (mut known, mut parked_until) = (endpoint.failures, None);
        loop {
            let counted = slot.next();
            let update = self.in_slot(WriteKind::SlotFail, endpoint, slot).at_version(slot.version).set_element(
                "slots",
                slot.index,
                ms(counted),
            );
            let update = if let Some(parked_until) = parked_until.filter(|until| *until > began) {
                let Some(longer) = not_before.filter(|until| *until > parked_until) else { return Ok(()) };
                update.when("#parked_until < :longer", [(":longer", ms(longer))]).set("parked_until", ms(longer))
            } else {
                let failures = known.saturating_add(1);
                let update = update
                    .when("#failures = :known", [(":known", n(known))])
                    .when("attribute_not_exists(#parked_until) OR #parked_until <= :began", [(":began", ms(began))])
                    .set("failures", n(failures));
                match Endpoint::park_until(failures, now, jitter).max(not_before) {
                    Some(until) => update.set("parked_until", ms(until)),
                    None => update,
                }
            };
            match update.send(&self.table).await? {
                Updated::New(_) => {
                    slot.until = counted;
                    return Ok(());
                }
                Updated::Refused(None) => return Ok(()),
                Updated::Refused(Some(item)) => {
                    let found: Slots = read("of an endpoint", item.clone())?;
                    if found.until_ms(slot) == Some(counted.as_millisecond()) {
                        // Counted by our first try, whose answer was lost.
                        slot.until = counted;
                        return Ok(());
                    }
                    let is_ours = found.until_ms(slot) == Some(slot.until.as_millisecond());
                    if !is_ours || Version::of(Some(&item)) != slot.version {
                        return Ok(());
                    }
                    // Others have failed, or one has succeeded, since.
                    Endpoint { failures: known, parked_until, .. } = read("of an endpoint", item)?;
                }
            }
        }
    }

    /// Claims one of the endpoint's slots, if one is free; `slots` is what [`Endpoints::look_up`] saw of them. With it comes the
    /// endpoint as it is then, which may have been changed since: this one is to be called.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn claim_slot(
        &self,
        endpoint: &Endpoint,
        mut slots: Slots,
        now: Timestamp,
    ) -> Result<Option<(Endpoint, Slot)>, StoreError> {
        let most = endpoint.max_concurrent_deliveries();
        let until = now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
        for _ in 0..most {
            let free: Vec<usize> = slots.free(most, now).collect();
            // Any of them, for those who come together not to ask for the same.
            let Some(&index) = self.table.random.choice(&free) else { return Ok(None) };
            let update = present(WriteKind::SlotClaim, &endpoint.merchant_id, &endpoint.id)
                .when(&format!("#slots[{index}] <= :now"), [(":now", ms(now))])
                .set_element("slots", index, ms(until));
            match update.send(&self.table).await? {
                Updated::New(item) => {
                    let version = Version::of(Some(&item));
                    let endpoint: Endpoint = read("of an endpoint", item)?;
                    let slot = Slot { index, until, version, accepted: false, pace: endpoint.pace };
                    return Ok(Some((endpoint, slot)));
                }
                Updated::Refused(None) => return Ok(None),
                Updated::Refused(Some(item)) => slots = read("of an endpoint", item)?,
            }
        }
        Ok(None)
    }

    /// Gives a slot back. If what was delivered in it was accepted, the endpoint's failures are over, also those that others
    /// have counted since it was read; but if the endpoint itself was changed since, nothing is noted of it.
    ///
    /// # Errors
    /// The table failed us; it is free again when its time is over.
    pub async fn free_slot(&self, endpoint: &Endpoint, slot: Slot) -> Result<(), StoreError> {
        let freed =
            self.in_slot(WriteKind::SlotFree, endpoint, &slot).set_element("slots", slot.index, ms(slot.freed_at()));
        if slot.accepted || slot.pace != endpoint.pace {
            let mut update = freed.clone().at_version(slot.version);
            if slot.accepted {
                update = update.set("failures", n(0)).remove(&["parked_until"]);
            }
            if slot.pace != endpoint.pace {
                update = update.set("pace", serde_dynamo::to_attribute_value(slot.pace)?);
            }
            if matches!(update.send(&self.table).await?, Updated::New(_)) {
                return Ok(());
            }
        }
        freed.send(&self.table).await.map(|_| ())
    }

    fn in_slot(&self, kind: WriteKind, endpoint: &Endpoint, slot: &Slot) -> Update {
        let ours = format!("#slots[{}] = :until", slot.index);
        present(kind, &endpoint.merchant_id, &endpoint.id).when(&ours, [(":until", ms(slot.until))])
    }
}
