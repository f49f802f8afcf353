//! The line items of a session ("Creating a payment session", section 2).

use models::{AmountCaps, Currency, LineItem, Money, MoneyError};
use thiserror::Error;

/// 1 to 100 line items of one currency and their exact sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineItems {
    items: Vec<LineItem>,
    total: Money,
}

/// Why line items were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum InvalidLineItems {
    /// None, or more than 100.
    #[error("must hold 1 to {} items", LineItems::MAX)]
    Count,
    /// They don't add up: two currencies, or a sum beyond 64 bits.
    #[error("can't be added up: {0}")]
    Sum(#[from] MoneyError),
    /// The sum is above the operator's cap.
    #[error("add up to more than {0}, the most a payment may be")]
    AboveCap(Money),
    /// The operator has named no cap for their currency.
    #[error("are in {}, in which no payment can be made here", .0.code())]
    NoCap(Currency),
}

impl LineItems {
    /// The most items that one session may have.
    pub(crate) const MAX: usize = 100;

    /// Adds up `items`, to at most what is allowed in their currency.
    ///
    /// # Errors
    /// See [`InvalidLineItems`].
    pub(crate) fn new(items: Vec<LineItem>, caps: &AmountCaps) -> Result<Self, InvalidLineItems> {
        let currency = match items.first() {
            Some(first) if items.len() <= Self::MAX => first.unit_price.currency(),
            Some(_) | None => return Err(InvalidLineItems::Count),
        };
        let total = LineItem::sum(&items, currency)?;
        let cap = caps.of(currency).ok_or(InvalidLineItems::NoCap(currency))?;
        if total.minor() > cap.minor() {
            return Err(InvalidLineItems::AboveCap(cap));
        }
        Ok(Self { items, total })
    }

    /// The sum of price × quantity.
    pub(crate) fn total(&self) -> Money {
        self.total
    }

    /// The items.
    pub(crate) fn into_items(self) -> Vec<LineItem> {
        self.items
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use models::{MinorUnits, Name};
    use proptest::prelude::*;

    use super::*;

    fn caps() -> AmountCaps {
        "GBP:100000000".parse().unwrap()
    }

    fn item(minor: i64, quantity: u32, currency: Currency) -> LineItem {
        LineItem {
            name: Name::try_from("Candles".to_owned()).unwrap(),
            description: None,
            unit_price: Money::new(MinorUnits::new(minor), currency),
            quantity: NonZeroU32::new(quantity).unwrap().get(),
        }
    }

    fn gbp(minor: i64, quantity: u32) -> LineItem {
        item(minor, quantity, Currency::GBP)
    }

    #[test]
    fn items_are_counted_summed_and_capped() {
        assert_eq!(LineItems::new(vec![gbp(100, 4)], &caps()).unwrap().total().minor(), 400);
        assert_eq!(LineItems::new(vec![], &caps()), Err(InvalidLineItems::Count));
        assert!(LineItems::new(vec![gbp(1, 1); 100], &caps()).is_ok());
        assert_eq!(LineItems::new(vec![gbp(1, 1); 101], &caps()), Err(InvalidLineItems::Count));
        assert!(LineItems::new(vec![gbp(100_000_000, 1)], &caps()).is_ok());
        assert!(matches!(
            LineItems::new(vec![gbp(100_000_000, 1), gbp(1, 1)], &caps()),
            Err(InvalidLineItems::AboveCap(_))
        ));
        let in_euro = LineItems::new(vec![item(1, 1, Currency::EUR)], &caps());
        assert_eq!(in_euro, Err(InvalidLineItems::NoCap(Currency::EUR)));
        let mixed = vec![gbp(1, 1), item(1, 1, Currency::EUR)];
        assert!(matches!(LineItems::new(mixed, &caps()), Err(InvalidLineItems::Sum(MoneyError::CurrencyMismatch(..)))));
    }

    proptest! {
        #[test]
        fn the_sum_is_exact_or_refused(prices in prop::collection::vec((1..=i64::MAX, 1..=u32::MAX), 1..=100)) {
            let exact: i128 = prices.iter().map(|(price, quantity)| i128::from(*price) * i128::from(*quantity)).sum();
            let items = prices.iter().map(|(price, quantity)| gbp(*price, *quantity)).collect();
            let no_cap = format!("GBP:{}", i64::MAX).parse().unwrap();
            let total = LineItems::new(items, &no_cap).ok().map(|items| i128::from(items.total().minor()));
            prop_assert_eq!(total, (exact <= i128::from(i64::MAX)).then_some(exact));
        }
    }
}
