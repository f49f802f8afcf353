//! Ways to pay that a session may offer.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A way to pay: Yorlet's nine (its document's seven, and two more that its API reference has), which Fintecture's map to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMethod {
    /// Credit or debit card, at a distance.
    Card,
    /// A card in a reader.
    CardPresent,
    /// Bacs Direct Debit (United Kingdom).
    BacsDebit,
    /// SEPA Direct Debit (euro).
    SepaDebit,
    /// Autogiro (Sweden).
    Autogiro,
    /// The payer makes a transfer by the instructions they get.
    BankTransfer,
    /// A transfer that a connector offers directly (United Kingdom, Sweden).
    DirectTransfer,
    /// A transfer in pounds by the instructions they get.
    GbpCreditTransfer,
    /// Open banking.
    PayByBank,
}

/// The ways to pay that a session offers: at least one, each once, in the order in which they were given. By bank, unless
/// said otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PaymentMethods(Vec<PaymentMethod>);

/// None was named; reads on after the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must name at least one way to pay")]
pub struct NoPaymentMethod;

impl PaymentMethods {
    /// Those named, each once.
    ///
    /// # Errors
    /// None is named.
    pub fn new(named: Vec<PaymentMethod>) -> Result<Self, NoPaymentMethod> {
        let mut methods = Vec::new();
        for method in named {
            if !methods.contains(&method) {
                methods.push(method);
            }
        }
        if methods.is_empty() { Err(NoPaymentMethod) } else { Ok(Self(methods)) }
    }

    /// The methods, as they were given.
    pub fn as_slice(&self) -> &[PaymentMethod] {
        &self.0
    }

    /// Whether it is what a session offers that says nothing of it.
    pub(crate) fn is_default(&self) -> bool {
        self.0 == [PaymentMethod::PayByBank]
    }
}

impl Default for PaymentMethods {
    fn default() -> Self {
        Self(vec![PaymentMethod::PayByBank])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_at_least_one_and_each_once() {
        use PaymentMethod::{Card, PayByBank};
        assert_eq!(PaymentMethods::new(vec![]), Err(NoPaymentMethod));
        let given = PaymentMethods::new(vec![PayByBank, Card, PayByBank]).unwrap();
        assert_eq!(given.as_slice(), [PayByBank, Card]);
        assert!(!given.is_default() && PaymentMethods::default().is_default());
        assert_eq!(serde_json::to_string(&given).unwrap(), r#"["pay_by_bank","card"]"#);
    }
}
