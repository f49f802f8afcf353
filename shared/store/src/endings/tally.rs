//! What endings add up to: of an hour, a day, or more of them.

use std::collections::BTreeMap;
use std::time::Duration;

use models::{Currency, PaymentMethod, SessionEvent};
use serde::{Deserialize, Serialize};

use super::ending::{End, Ending};

/// The waits that are distinguished, in seconds, each with what is below; one bucket more is for the longer ones.
const BOUNDS_S: [u64; 16] = [10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400, 259_200];

/// Where those are counted whose payer had not chosen how to pay.
const NO_METHOD: &str = "none";

/// What endings add up to. Sums are whole numbers; one beyond 64 bits stays at the greatest there is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    currencies: BTreeMap<String, InCurrency>,
    reasons: BTreeMap<String, u64>,
    methods: BTreeMap<String, ByMethod>,
    /// How many waited up to each of [`BOUNDS_S`], and longer; empty if none was sent.
    waits: Vec<u64>,
}

/// Payments and refunds of one currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InCurrency {
    /// Payments that were sent.
    pub sent: u64,
    /// Payments that failed.
    pub failed: u64,
    /// Payments that were cancelled.
    pub cancelled: u64,
    /// Payments that expired.
    pub expired: u64,
    /// What the sent payments add up to, in minor units.
    pub volume_minor: i64,
    /// Refunds that were sent.
    pub refunds_sent: u64,
    /// Refunds that failed.
    pub refunds_failed: u64,
    /// What the sent refunds add up to, in minor units.
    pub refunded_minor: i64,
}

impl InCurrency {
    /// Payments that ended.
    pub const fn ended(&self) -> u64 {
        self.sent.saturating_add(self.not_sent())
    }

    /// Payments that ended without being sent.
    pub const fn not_sent(&self) -> u64 {
        self.failed.saturating_add(self.cancelled).saturating_add(self.expired)
    }
}

/// Payments by one way to pay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByMethod {
    /// Those that ended.
    pub ended: u64,
    /// Those of them that were sent.
    pub sent: u64,
}

/// How long something took, of many things, within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// This long, or less.
    Within(Duration),
    /// Longer than this.
    Beyond(Duration),
}

impl Tally {
    /// Adds what ended.
    pub(crate) fn add(&mut self, ending: &Ending) {
        let Ending { end, at: _, amount, method, reason, waited_ms } = ending;
        let sums = self.currencies.entry(amount.currency().code().to_owned()).or_default();
        let is_sent = *end == End::PaymentSent;
        let count = match end {
            End::PaymentSent => &mut sums.sent,
            End::PaymentFailed => &mut sums.failed,
            End::PaymentCancelled => &mut sums.cancelled,
            End::PaymentExpired => &mut sums.expired,
            End::RefundSent => &mut sums.refunds_sent,
            End::RefundFailed => &mut sums.refunds_failed,
        };
        *count = count.saturating_add(1);
        match end {
            End::PaymentSent => sums.volume_minor = sums.volume_minor.saturating_add(amount.minor()),
            End::RefundSent => {
                sums.refunded_minor = sums.refunded_minor.saturating_add(amount.minor());
                return;
            }
            End::RefundFailed => return,
            End::PaymentFailed | End::PaymentCancelled | End::PaymentExpired => {}
        }
        let by_method = self.methods.entry(method.map_or(NO_METHOD, PaymentMethod::as_str).to_owned()).or_default();
        by_method.ended = by_method.ended.saturating_add(1);
        by_method.sent = by_method.sent.saturating_add(u64::from(is_sent));
        if let Some(reason) = reason {
            let count = self.reasons.entry(reason.as_str().to_owned()).or_default();
            *count = count.saturating_add(1);
        }
        if let Some(waited_ms) = waited_ms {
            self.waits.resize(BOUNDS_S.len() + 1, 0);
            let bucket = BOUNDS_S.iter().position(|bound_s| *waited_ms <= bound_s.saturating_mul(1_000));
            if let Some(count) = self.waits.get_mut(bucket.unwrap_or(BOUNDS_S.len())) {
                *count = count.saturating_add(1);
            }
        }
    }

    /// Adds what others add up to.
    pub fn merge(&mut self, other: &Self) {
        for (code, more) in &other.currencies {
            let sums = self.currencies.entry(code.clone()).or_default();
            *sums = InCurrency {
                sent: sums.sent.saturating_add(more.sent),
                failed: sums.failed.saturating_add(more.failed),
                cancelled: sums.cancelled.saturating_add(more.cancelled),
                expired: sums.expired.saturating_add(more.expired),
                volume_minor: sums.volume_minor.saturating_add(more.volume_minor),
                refunds_sent: sums.refunds_sent.saturating_add(more.refunds_sent),
                refunds_failed: sums.refunds_failed.saturating_add(more.refunds_failed),
                refunded_minor: sums.refunded_minor.saturating_add(more.refunded_minor),
            };
        }
        for (reason, more) in &other.reasons {
            let count = self.reasons.entry(reason.clone()).or_default();
            *count = count.saturating_add(*more);
        }
        for (method, more) in &other.methods {
            let sums = self.methods.entry(method.clone()).or_default();
            sums.ended = sums.ended.saturating_add(more.ended);
            sums.sent = sums.sent.saturating_add(more.sent);
        }
        self.waits.resize(self.waits.len().max(other.waits.len()), 0);
        for (count, more) in self.waits.iter_mut().zip(&other.waits) {
            *count = count.saturating_add(*more);
        }
    }

    /// Whether nothing has ended.
    pub fn is_empty(&self) -> bool {
        self.currencies.is_empty()
    }

    /// By currency, in the order of their codes.
    pub fn in_currencies(&self) -> Vec<(Currency, InCurrency)> {
        self.currencies.iter().filter_map(|(code, sums)| Some((Currency::from_code(code)?, *sums))).collect()
    }

    /// Of one currency.
    pub fn in_currency(&self, currency: Currency) -> InCurrency {
        self.currencies.get(currency.code()).copied().unwrap_or_default()
    }

    /// Payments of all currencies: how many ended, and how many of them were sent.
    pub fn payments(&self) -> ByMethod {
        self.currencies.values().fold(ByMethod::default(), |all, sums| ByMethod {
            ended: all.ended.saturating_add(sums.ended()),
            sent: all.sent.saturating_add(sums.sent),
        })
    }

    /// Why payments were not sent, and how many; the most frequent first.
    pub fn by_reason(&self) -> Vec<(SessionEvent, u64)> {
        let of = |reason: SessionEvent| Some((reason, *self.reasons.get(reason.as_str())?));
        let mut reasons: Vec<_> = SessionEvent::ALL.into_iter().filter_map(of).collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        reasons
    }

    /// By way to pay, or none where that was not chosen; the most frequent first.
    pub fn by_method(&self) -> Vec<(Option<PaymentMethod>, ByMethod)> {
        let methods = PaymentMethod::ALL.into_iter().map(Some).chain([None]);
        let of = |method: Option<PaymentMethod>| {
            Some((method, *self.methods.get(method.map_or(NO_METHOD, PaymentMethod::as_str))?))
        };
        let mut methods: Vec<_> = methods.filter_map(of).collect();
        methods.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.ended));
        methods
    }

    /// How long it took at the most, from the payer's consent until it was sent, for this share of the payments that were sent;
    /// none if none was.
    pub fn wait(&self, percent: u32) -> Option<Wait> {
        let total: u64 = self.waits.iter().fold(0, |total, count| total.saturating_add(*count));
        let wanted = (u128::from(total) * u128::from(percent)).div_ceil(100).max(1);
        let mut reached = 0_u128;
        let bucket = self.waits.iter().position(|count| {
            reached += u128::from(*count);
            reached >= wanted
        })?;
        let [.., longest_s] = BOUNDS_S;
        let within = |bound_s: &u64| Wait::Within(Duration::from_secs(*bound_s));
        Some(BOUNDS_S.get(bucket).map_or(Wait::Beyond(Duration::from_secs(longest_s)), within))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use models::{MinorUnits, Money};
    use proptest::prelude::*;

    use super::*;

    const ENDS: [End; 6] = [
        End::PaymentSent,
        End::PaymentFailed,
        End::PaymentCancelled,
        End::PaymentExpired,
        End::RefundSent,
        End::RefundFailed,
    ];

    fn sent(waited_ms: u64) -> Ending {
        Ending {
            end: End::PaymentSent,
            at: Timestamp::UNIX_EPOCH,
            amount: Money::new(MinorUnits::new(400), Currency::GBP),
            method: Some(PaymentMethod::Card),
            reason: None,
            waited_ms: Some(waited_ms),
        }
    }

    fn ending() -> impl Strategy<Value = Ending> {
        let currency = prop_oneof![Just(Currency::GBP), Just(Currency::EUR)];
        let method = prop_oneof![Just(None), Just(Some(PaymentMethod::Card)), Just(Some(PaymentMethod::PayByBank))];
        (0..ENDS.len(), 1..1_000_000_000_000_i64, currency, method, 0..400_000_000_u64).prop_map(
            |(end, minor, currency, method, waited_ms)| {
                let end = ENDS[end];
                let is_unsent = [End::PaymentFailed, End::PaymentCancelled, End::PaymentExpired].contains(&end);
                Ending {
                    end,
                    at: Timestamp::UNIX_EPOCH,
                    amount: Money::new(MinorUnits::new(minor), currency),
                    method,
                    reason: is_unsent.then_some(SessionEvent::TimePassed),
                    waited_ms: (end == End::PaymentSent).then_some(waited_ms),
                }
            },
        )
    }

    fn tally(endings: &[Ending]) -> Tally {
        let mut tally = Tally::default();
        endings.iter().for_each(|ending| tally.add(ending));
        tally
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_whole(endings in proptest::collection::vec(ending(), 0..60), at in 0..60_usize) {
            let (first, second) = endings.split_at(at.min(endings.len()));
            let mut sum = tally(second);
            sum.merge(&tally(first));
            let whole = tally(&endings);
            prop_assert_eq!(&sum, &whole);
            let kept: Tally = serde_dynamo::from_attribute_value(
                serde_dynamo::to_attribute_value::<_, aws_sdk_dynamodb::types::AttributeValue>(&whole).unwrap(),
            ).unwrap();
            prop_assert_eq!(&kept, &whole);

            let payments = endings.iter().filter(|ending| ![End::RefundSent, End::RefundFailed].contains(&ending.end));
            prop_assert_eq!(whole.payments().ended, payments.count() as u64);
            let by_method: u64 = whole.by_method().iter().map(|(_, sums)| sums.ended).sum();
            prop_assert_eq!(by_method, whole.payments().ended);
            let by_reason: u64 = whole.by_reason().iter().map(|(_, count)| count).sum();
            prop_assert_eq!(by_reason, whole.payments().ended - whole.payments().sent);
            let volume = |currency| -> i64 {
                let sent = endings.iter().filter(|ending| ending.end == End::PaymentSent);
                sent.filter(|ending| ending.amount.currency() == currency).map(|ending| ending.amount.minor()).sum()
            };
            for currency in [Currency::GBP, Currency::EUR] {
                prop_assert_eq!(whole.in_currency(currency).volume_minor, volume(currency));
            }
        }

        #[test]
        fn a_share_of_payments_waited_no_longer(
            mut waits in proptest::collection::vec(0..400_000_000_u64, 1..60),
            percent in 1..=100_u32,
        ) {
            let whole = tally(&waits.iter().map(|waited_ms| sent(*waited_ms)).collect::<Vec<_>>());
            waits.sort_unstable();
            let position = (waits.len() * percent as usize).div_ceil(100) - 1;
            let exact = Duration::from_millis(waits[position]);
            match whole.wait(percent).unwrap() {
                Wait::Within(bound) => {
                    prop_assert!(exact <= bound);
                    let below = BOUNDS_S.into_iter().rev().find(|below| *below < bound.as_secs()).unwrap_or(0);
                    prop_assert!(below == 0 || exact > Duration::from_secs(below), "{exact:?} is not in its own bucket");
                }
                Wait::Beyond(bound) => prop_assert!(exact > bound),
            }
        }
    }

    #[test]
    fn nothing_overflows_and_nothing_waited_is_no_wait() {
        let mut great = sent(10_000);
        great.amount = Money::new(MinorUnits::new(i64::MAX), Currency::GBP);
        let mut both = tally(&[great.clone(), great.clone()]);
        assert_eq!(both.in_currency(Currency::GBP).volume_minor, i64::MAX);
        both.merge(&tally(&[great]));
        let sums = both.in_currency(Currency::GBP);
        assert_eq!((sums.volume_minor, sums.sent), (i64::MAX, 3));
        assert_eq!(both.wait(50), Some(Wait::Within(Duration::from_secs(10))));
        assert_eq!(tally(&[]).wait(50), None);
        assert_eq!(tally(&[sent(259_200_001)]).wait(95), Some(Wait::Beyond(Duration::from_secs(259_200))));
    }
}
