//! Ways to pay that a session may offer.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::money::Currency;

/// A way to pay: Yorlet's nine (its document's seven, and two more that its API reference has), to which two of Fintecture's map,
/// and Fintecture's third.
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
    /// A plan that its provider offers the payer.
    BuyNowPayLater,
}

/// What ways to pay have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MethodFamily {
    /// A card: its provider collects the money, and pays the merchant.
    Card,
    /// A debit by a mandate: likewise.
    Debit,
    /// A plan: its provider pays the merchant at once, and collects from the payer over time.
    Plan,
    /// The payer's bank sends the money straight to the payee's account.
    Bank,
}

impl PaymentMethod {
    /// Every way to pay.
    pub const ALL: [Self; 10] = [
        Self::Card,
        Self::CardPresent,
        Self::BacsDebit,
        Self::SepaDebit,
        Self::Autogiro,
        Self::BankTransfer,
        Self::DirectTransfer,
        Self::GbpCreditTransfer,
        Self::PayByBank,
        Self::BuyNowPayLater,
    ];

    /// As it is stored and spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::CardPresent => "card_present",
            Self::BacsDebit => "bacs_debit",
            Self::SepaDebit => "sepa_debit",
            Self::Autogiro => "autogiro",
            Self::BankTransfer => "bank_transfer",
            Self::DirectTransfer => "direct_transfer",
            Self::GbpCreditTransfer => "gbp_credit_transfer",
            Self::PayByBank => "pay_by_bank",
            Self::BuyNowPayLater => "buy_now_pay_later",
        }
    }

    /// Whether a payer at a distance can pay in this currency by it: each scheme has its own currencies, and a card in a reader
    /// is not at a distance.
    pub fn can_have(self, currency: Currency) -> bool {
        let of = |currencies: &[Currency]| currencies.contains(&currency);
        match self {
            Self::Card => true,
            Self::CardPresent => false,
            Self::BacsDebit | Self::GbpCreditTransfer => of(&[Currency::GBP]),
            Self::SepaDebit => of(&[Currency::EUR]),
            Self::Autogiro => of(&[Currency::SEK]),
            Self::BankTransfer | Self::PayByBank | Self::BuyNowPayLater => of(&[Currency::GBP, Currency::EUR]),
            Self::DirectTransfer => of(&[Currency::GBP, Currency::SEK]),
        }
    }

    /// Of which family it is.
    pub const fn family(self) -> MethodFamily {
        match self {
            Self::Card | Self::CardPresent => MethodFamily::Card,
            Self::BacsDebit | Self::SepaDebit | Self::Autogiro => MethodFamily::Debit,
            Self::BuyNowPayLater => MethodFamily::Plan,
            Self::BankTransfer | Self::DirectTransfer | Self::GbpCreditTransfer | Self::PayByBank => MethodFamily::Bank,
        }
    }

    /// Whether the money can be taken back after it was paid: what is collected from a card or an account can be disputed.
    pub const fn can_be_taken_back(self) -> bool {
        matches!(self.family(), MethodFamily::Card | MethodFamily::Debit)
    }

    /// Whether the money goes straight to the payee's account, which has to be one of the currency.
    pub const fn pays_into_account(self) -> bool {
        matches!(self.family(), MethodFamily::Bank)
    }
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
    fn a_method_is_spelled_as_it_is_stored() {
        for method in PaymentMethod::ALL {
            assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
        }
    }

    #[test]
    fn each_currency_has_its_own_methods() {
        use PaymentMethod::{
            Autogiro, BacsDebit, BankTransfer, BuyNowPayLater, Card, DirectTransfer, GbpCreditTransfer, PayByBank,
            SepaDebit,
        };
        let of =
            |currency| PaymentMethod::ALL.into_iter().filter(|method| method.can_have(currency)).collect::<Vec<_>>();
        let pounds = [Card, BacsDebit, BankTransfer, DirectTransfer, GbpCreditTransfer, PayByBank, BuyNowPayLater];
        assert_eq!(of(Currency::GBP), pounds);
        assert_eq!(of(Currency::EUR), [Card, SepaDebit, BankTransfer, PayByBank, BuyNowPayLater]);
        assert_eq!(of(Currency::SEK), [Card, Autogiro, DirectTransfer]);
        assert_eq!(of(Currency::USD), [Card]);
        let into_account: Vec<_> = PaymentMethod::ALL.into_iter().filter(|method| method.pays_into_account()).collect();
        assert_eq!(into_account, [BankTransfer, DirectTransfer, GbpCreditTransfer, PayByBank]);
        assert!(into_account.iter().all(|method| !method.can_be_taken_back()) && Card.can_be_taken_back());
    }

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
