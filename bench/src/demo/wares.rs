//! What the shop sells, to whom, and how they pay. All of them are made up.

use models::{Currency, PaymentMethod};
use providers::mock::Decision;

/// What is sold, and its price in minor units.
pub(super) const GOODS: [(&str, i64); 16] = [
    ("Inner tube, 28 inch", 800),
    ("Brake pads, a pair", 1_450),
    ("Bell, brass", 1_895),
    ("Chain, eight gears", 2_495),
    ("Touring tyre", 3_650),
    ("Small service", 4_500),
    ("Weekend hire", 5_600),
    ("Helmet", 5_995),
    ("Pannier, waterproof", 6_900),
    ("Lock, gold", 7_490),
    ("Dynamo light", 8_450),
    ("Full service", 9_500),
    ("Rear wheel, built by hand", 21_900),
    ("Bicycle for a child", 27_900),
    ("Used bicycle, three gears", 38_500),
    ("Deposit on a touring bicycle", 48_000),
];

/// Who pays, and the first part of their address for mails.
pub(super) const CUSTOMERS: [(&str, &str); 18] = [
    ("Amara Nwosu", "amara.nwosu"),
    ("Bethan Pryce", "bethan.pryce"),
    ("Callum Fraser", "c.fraser"),
    ("Dafydd Rhys", "dafydd"),
    ("Eilidh Munro", "eilidh.munro"),
    ("Fiona Okafor", "fiona.okafor"),
    ("George Tremayne", "george.tremayne"),
    ("Hannah Ashworth", "hannah.ashworth"),
    ("Imran Sheikh", "imran.sheikh"),
    ("Jürgen Albers", "juergen.albers"),
    ("Katarzyna Lis", "kasia.lis"),
    ("Lucía Ferrer", "lucia.ferrer"),
    ("Margaret Penrose", "mpenrose"),
    ("Niamh Byrne", "niamh.byrne"),
    ("Oliver Whitfield", "oliver.whitfield"),
    ("Priya Raman", "priya.raman"),
    ("Rosie Hargreaves", "rosie.h"),
    ("Théo Marchand", "theo.marchand"),
];

/// A way to pay, and at which mock provider what is decided.
#[derive(Debug)]
pub(super) struct Way {
    /// Of all payments, how many in a hundred go this way.
    pub(super) of_100: u32,
    pub(super) method: PaymentMethod,
    pub(super) currency: Currency,
    /// How it is paid; nothing where a transfer pays it.
    pub(super) paid: &'static [Choice],
    /// How it comes to nothing.
    pub(super) refused: &'static [Choice],
    /// The provider, where a transfer pays it.
    pub(super) transfer: Option<&'static str>,
}

/// At which provider what is decided.
pub(super) type Choice = (&'static str, Decision);

const BANKS: Way = Way {
    of_100: 55,
    method: PaymentMethod::PayByBank,
    currency: Currency::GBP,
    paid: &[
        ("mock-settles", Decision::Approve),
        ("mock-settles", Decision::Approve),
        ("mock-settles-later", Decision::ApproveThenSettle),
        ("mock-consent", Decision::Approve),
        ("mock-withholds-account", Decision::Approve),
    ],
    refused: &[
        ("mock-settles", Decision::Decline),
        ("mock-settles-later", Decision::Decline),
        ("mock-refuses", Decision::Refuse),
        ("mock-insufficient-funds", Decision::InsufficientFunds),
        ("mock-fails-later", Decision::ApproveThenFail),
    ],
    transfer: None,
};

const CARDS: Way = Way {
    of_100: 15,
    method: PaymentMethod::Card,
    paid: &[("mock-card", Decision::Approve)],
    refused: &[
        ("mock-card", Decision::Refuse),
        ("mock-card", Decision::InsufficientFunds),
        ("mock-card", Decision::Decline),
    ],
    ..BANKS
};

const DEBITS: Way = Way {
    of_100: 6,
    method: PaymentMethod::BacsDebit,
    paid: &[("mock-bacs", Decision::ApproveThenSettle)],
    refused: &[("mock-bacs", Decision::ApproveThenLackFunds), ("mock-bacs", Decision::Decline)],
    ..BANKS
};

const PLANS: Way = Way {
    of_100: 4,
    method: PaymentMethod::BuyNowPayLater,
    paid: &[("mock-pay-later", Decision::ApproveThenSettle)],
    refused: &[("mock-pay-later", Decision::Refuse), ("mock-pay-later", Decision::Decline)],
    ..BANKS
};

const TRANSFERS: Way = Way {
    of_100: 3,
    method: PaymentMethod::BankTransfer,
    paid: &[],
    refused: &[],
    transfer: Some("mock-transfer"),
    ..BANKS
};

/// Every way that a payer at a distance can go.
pub(super) static WAYS: [Way; 11] = [
    BANKS,
    CARDS,
    DEBITS,
    PLANS,
    TRANSFERS,
    Way { of_100: 2, method: PaymentMethod::DirectTransfer, transfer: Some("mock-direct-transfer"), ..TRANSFERS },
    Way { of_100: 2, method: PaymentMethod::GbpCreditTransfer, transfer: Some("mock-credit-transfer"), ..TRANSFERS },
    Way { of_100: 7, currency: Currency::EUR, ..BANKS },
    Way { of_100: 2, currency: Currency::EUR, ..CARDS },
    Way {
        of_100: 3,
        method: PaymentMethod::SepaDebit,
        currency: Currency::EUR,
        paid: &[("mock-sepa-debit", Decision::ApproveThenSettle)],
        refused: &[("mock-sepa-debit", Decision::ApproveThenLackFunds)],
        ..BANKS
    },
    Way {
        of_100: 1,
        method: PaymentMethod::Autogiro,
        currency: Currency::SEK,
        paid: &[("mock-autogiro", Decision::ApproveThenSettle)],
        refused: &[("mock-autogiro", Decision::Refuse)],
        ..BANKS
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use providers::mock::mocks;

    use super::*;

    #[test]
    fn every_way_is_there_that_its_currency_can_have_and_that_a_mock_offers() {
        assert_eq!(WAYS.iter().map(|way| way.of_100).sum::<u32>(), 100);
        let there: BTreeSet<_> = WAYS.iter().map(|way| way.method.as_str()).collect();
        let at_a_distance = PaymentMethod::ALL.into_iter().filter(|method| *method != PaymentMethod::CardPresent);
        assert_eq!(there, at_a_distance.map(PaymentMethod::as_str).collect());
        for way in &WAYS {
            assert!(way.method.can_have(way.currency), "{way:?}");
            assert_eq!(way.paid.is_empty(), way.transfer.is_some(), "{way:?}");
            let of = |id: &str| mocks().find(|mock| mock.id == id && mock.method == way.method);
            assert!(way.transfer.is_none_or(|id| of(id).is_some()), "{way:?}");
            for (id, decision) in way.paid.iter().chain(way.refused) {
                assert!(of(id).is_some_and(|mock| mock.decisions.contains(decision)), "{id} {decision:?}");
            }
        }
    }
}
