//! Which providers a payer may choose.

use models::{
    AccountIdentifier, BankId, Country, Currency, Mode, MovesMoney, OfferLimits, Payer, PayerKind, PaymentMethod,
    Session,
};
use thiserror::Error;

use crate::availability::Availability;
use crate::connector::MockConnector;
use crate::market::Market;
use crate::mock::{Ledger, MockBank, MockConsent, MockPage, MockTransfer, NamedMock, mocks};

/// Whether there is any provider for sessions of this mode; `live` is whether there is one for live sessions: a live connector, or
/// the mock banks, which only `local` gives them so that the live paths can be tested.
pub const fn can_pay(mode: Mode, live: bool) -> bool {
    match mode {
        Mode::Test => true,
        Mode::Live => live,
    }
}

/// Why a session could never be paid with a live connector; reads on after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotPayableLive {
    /// No way to pay is one that live payments have.
    #[error("must include paying by bank, the one way to pay with a live key")]
    Methods,
    /// The currency.
    #[error("must be pounds or euros with a live key")]
    Currency,
    /// The account that is paid.
    #[error("needs a linked account that can receive the payment")]
    Account,
    /// The one country whose banks a payer would be offered.
    #[error("must be GB for pounds, and DE or IE for euros, with a live key")]
    Country,
    /// The one provider that a payer would be offered is no live one.
    #[error("must not be given with a live key: the payer chooses the bank")]
    Provider,
    /// The payer, whom nobody could reach and the checkout would not ask.
    #[error("must be given with a live key; where no payer is given, the checkout asks for it")]
    Payer,
}

/// Checks that a session with these ways to pay, in this currency, into this account, within these limits of what a payer is offered,
/// and by this payer, if the checkout does not ask who that is, can be paid with a live connector: by bank, in pounds or euros. Where
/// the mock banks stand in for one, more can.
///
/// # Errors
/// The first thing that is in the way.
pub fn can_be_paid_live(
    methods: &[PaymentMethod],
    currency: Currency,
    account: &AccountIdentifier,
    limits: &OfferLimits,
    payer: Option<&Payer>,
) -> Result<(), NotPayableLive> {
    if !methods.contains(&PaymentMethod::PayByBank) {
        return Err(NotPayableLive::Methods);
    }
    if !PaymentMethod::PayByBank.can_have(currency) {
        return Err(NotPayableLive::Currency);
    }
    if !account.receives(currency) {
        return Err(NotPayableLive::Account);
    }
    if limits.provider.as_ref().is_some_and(|bank| bank.provider() != TRUELAYER) {
        return Err(NotPayableLive::Provider);
    }
    let is_served =
        |country: Country| truelayer_countries(currency).iter().any(|served| served.as_bytes() == country.letters());
    if limits.country.is_some_and(|country| !is_served(country)) {
        return Err(NotPayableLive::Country);
    }
    if payer.is_some_and(|payer| !payer.can_be_reached()) {
        return Err(NotPayableLive::Payer);
    }
    Ok(())
}

/// TrueLayer, through which many banks are reached: the first of [`BankId::parts`].
pub const TRUELAYER: &str = "truelayer";

/// Where payers pay in a currency from, through TrueLayer: the countries' two letters. It leads to accounts in euros in more
/// countries, but once a payer has opened a payment at a bank in another of them it neither expires nor can be cancelled
/// (<https://docs.truelayer.com/docs/cancel-a-payment>): it could be paid for ever, and its session neither ended nor paid in another
/// way.
pub fn truelayer_countries(currency: Currency) -> &'static [&'static str] {
    const BY_CURRENCY: [(Currency, &[&str]); 2] = [(Currency::GBP, &["GB"]), (Currency::EUR, &["DE", "IE"])];
    BY_CURRENCY.into_iter().find(|(paid, _)| *paid == currency).map_or(&[][..], |(_, countries)| countries)
}

/// By which way to pay a provider is paid; none if there is no such provider.
pub fn method_of(provider: &BankId) -> Option<PaymentMethod> {
    if provider.provider() == TRUELAYER {
        return Some(PaymentMethod::PayByBank);
    }
    mocks().find(|mock| mock.id == provider.as_str()).map(|mock| mock.method)
}

/// By which way a session is paid: the payer's choice, or the only one that is offered. None if that is open.
pub fn method_of_session(session: &Session) -> Option<PaymentMethod> {
    let chosen = session.attempt.as_ref().and_then(|attempt| method_of(&attempt.bank));
    chosen.or(match session.payment_methods.as_slice() {
        [only] => Some(*only),
        [] | [_, ..] => None,
    })
}

/// What a payer wants to pay by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Test or live.
    pub mode: Mode,
    /// How.
    pub method: PaymentMethod,
    /// In which currency.
    pub currency: Currency,
    /// Where the payer's account is, if that is known.
    pub country: Option<Country>,
    /// What the payer is to a bank, if that is known.
    pub payers: Option<PayerKind>,
    /// At which provider, if at one alone.
    pub provider: Option<&'a BankId>,
}

/// A provider as a payer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its id.
    pub id: BankId,
    /// Its name.
    pub name: String,
    /// Where its logo is, if it has one.
    pub logo: Option<String>,
    /// What happens there, if no money moves there.
    pub note: Option<String>,
    /// How it is paid.
    pub method: PaymentMethod,
    /// Whether it can be chosen now.
    pub availability: Availability,
}

/// All mock providers there are.
#[derive(Debug, Clone)]
pub struct Providers<L> {
    ledger: L,
    local_live: bool,
}

impl<L: Ledger + Clone> Providers<L> {
    /// The providers of [`can_pay`], the mock banks' ledger kept by `ledger`.
    pub const fn new(ledger: L, local_live: bool) -> Self {
        Self { ledger, local_live }
    }

    /// What a payer may choose from, in the order in which it is shown.
    pub fn offers(&self, wanted: &Wanted<'_>) -> Vec<Offer> {
        self.mocks(wanted.mode).filter(|mock| serves(mock, wanted)).filter_map(offer).collect()
    }

    /// The connector of a mock provider that payers in this mode may choose; also of one that is down, whose payments go on.
    pub fn find(&self, id: &BankId, mode: Mode) -> Option<MockConnector<L>> {
        let mock = self.mocks(mode).find(|mock| mock.id == id.as_str())?;
        let ledger = self.ledger.clone();
        Some(match (mock.moves_money, mock.page) {
            (MovesMoney::AtSubmission, _) => MockConnector::MockBank(MockBank::named(mock, ledger)),
            (MovesMoney::AtConsent, MockPage::Transfer) => {
                MockConnector::MockTransfer(MockTransfer::named(mock, ledger))
            }
            (MovesMoney::AtConsent, MockPage::Decide | MockPage::Card | MockPage::Plan | MockPage::Mandate(_)) => {
                MockConnector::MockConsent(MockConsent::named(mock, ledger))
            }
        })
    }

    fn mocks(&self, mode: Mode) -> impl Iterator<Item = &'static NamedMock> {
        let can_pay = can_pay(mode, self.local_live);
        mocks_of(mode).filter(move |_| can_pay)
    }
}

/// Whether there is any provider of what is wanted, also one that is down. That the mode has providers at all is for
/// [`can_pay`] to say.
pub fn has_offers(wanted: &Wanted<'_>) -> bool {
    mocks_of(wanted.mode).any(|mock| serves(mock, wanted))
}

/// The providers of a mode that has any.
fn mocks_of(mode: Mode) -> impl Iterator<Item = &'static NamedMock> {
    // Nobody's account stands behind a mock's instructions: real money would be sent there.
    mocks().filter(move |mock| mode == Mode::Test || mock.page != MockPage::Transfer)
}

fn serves(mock: &NamedMock, wanted: &Wanted<'_>) -> bool {
    let there = |markets: &[Market]| markets.iter().any(|market| market.serves(wanted.currency, wanted.country));
    let them = |payers: PayerKind| mock.payers.is_none_or(|served| served == payers);
    mock.method == wanted.method
        && wanted.provider.is_none_or(|provider| provider.as_str() == mock.id)
        && wanted.payers.is_none_or(them)
        && mock.markets.is_none_or(there)
}

fn offer(mock: &'static NamedMock) -> Option<Offer> {
    Some(Offer {
        id: mock.id.parse().ok()?,
        name: mock.name.to_owned(),
        logo: None,
        note: Some(mock.note.to_owned()),
        method: mock.method,
        availability: mock.down.map_or(Availability::Available, Availability::Down),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::MemoryLedger;
    use crate::port::Provider;

    fn providers(local_live: bool) -> Providers<MemoryLedger> {
        Providers::new(MemoryLedger::default(), local_live)
    }

    fn wanted(mode: Mode, method: PaymentMethod, currency: Currency, country: Option<&str>) -> Vec<Offer> {
        let country = country.map(|country| country.parse().unwrap());
        providers(false).offers(&Wanted { mode, method, currency, country, payers: None, provider: None })
    }

    fn ids(offers: &[Offer]) -> Vec<&str> {
        offers.iter().map(|offer| offer.id.as_str()).collect()
    }

    #[test]
    fn a_test_session_is_offered_the_mock_bank_and_eight_named_ones() {
        let offers = wanted(Mode::Test, PaymentMethod::PayByBank, Currency::GBP, None);
        let expected = [
            "mock-bank",
            "mock-settles",
            "mock-settles-later",
            "mock-fails-later",
            "mock-refuses",
            "mock-insufficient-funds",
            "mock-withholds-account",
            "mock-down",
            "mock-consent",
        ];
        assert_eq!(ids(&offers), expected);
        for offer in &offers {
            let down = offer.id.as_str() == "mock-down";
            let expected = if down { Availability::Down(crate::Outage::Maintenance) } else { Availability::Available };
            assert_eq!(offer.availability, expected);
            assert!(offer.note.as_ref().is_some_and(|note| note.ends_with('.')) && offer.logo.is_none());
        }
    }

    #[test]
    fn offers_are_by_method_currency_and_country() {
        let by_bank = |currency, country| wanted(Mode::Test, PaymentMethod::PayByBank, currency, country);
        let all = by_bank(Currency::GBP, None);
        assert_eq!(by_bank(Currency::GBP, Some("GB")), all);
        assert_eq!(by_bank(Currency::EUR, Some("FR")), all);
        for (currency, country) in [
            (Currency::SEK, None),
            (Currency::SEK, Some("SE")),
            (Currency::GBP, Some("FR")),
            (Currency::EUR, Some("GB")),
        ] {
            assert_eq!(ids(&by_bank(currency, country)), ["mock-bank"], "{currency:?} {country:?}");
        }
        for (method, currency, expected) in [
            (PaymentMethod::BankTransfer, Currency::GBP, &["mock-transfer"][..]),
            (PaymentMethod::BankTransfer, Currency::EUR, &["mock-transfer"]),
            (PaymentMethod::BankTransfer, Currency::SEK, &[]),
            (PaymentMethod::DirectTransfer, Currency::GBP, &["mock-direct-transfer"]),
            (PaymentMethod::DirectTransfer, Currency::SEK, &["mock-direct-transfer"]),
            (PaymentMethod::DirectTransfer, Currency::EUR, &[]),
            (PaymentMethod::GbpCreditTransfer, Currency::GBP, &["mock-credit-transfer"]),
            (PaymentMethod::GbpCreditTransfer, Currency::EUR, &[]),
        ] {
            assert_eq!(ids(&wanted(Mode::Test, method, currency, None)), expected, "{method:?} {currency:?}");
        }
        for currency in [Currency::GBP, Currency::USD] {
            assert_eq!(ids(&wanted(Mode::Test, PaymentMethod::Card, currency, None)), ["mock-card"]);
        }
        assert_eq!(wanted(Mode::Test, PaymentMethod::CardPresent, Currency::GBP, None), []);
        for (method, currency, id) in [
            (PaymentMethod::BacsDebit, Currency::GBP, "mock-bacs"),
            (PaymentMethod::SepaDebit, Currency::EUR, "mock-sepa-debit"),
            (PaymentMethod::Autogiro, Currency::SEK, "mock-autogiro"),
            (PaymentMethod::BuyNowPayLater, Currency::EUR, "mock-pay-later"),
            (PaymentMethod::BuyNowPayLater, Currency::GBP, "mock-pay-later"),
        ] {
            assert_eq!(ids(&wanted(Mode::Test, method, currency, None)), [id]);
            assert_eq!(wanted(Mode::Test, method, Currency::USD, None), []);
            assert_eq!(wanted(Mode::Live, method, currency, None), []);
        }
    }

    #[test]
    fn offers_are_by_provider_and_by_kind_of_payer() {
        let (mode, method, currency) = (Mode::Test, PaymentMethod::PayByBank, Currency::EUR);
        let all = Wanted { mode, method, currency, country: None, payers: None, provider: None };
        let of = |wanted: &Wanted<'_>| {
            let offers = providers(false).offers(wanted);
            assert_eq!(has_offers(wanted), !offers.is_empty(), "{wanted:?}");
            ids(&offers).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        for (payers, others) in
            [(PayerKind::Retail, "mock-withholds-account"), (PayerKind::Corporate, "mock-settles-later")]
        {
            let expected: Vec<_> = of(&all).into_iter().filter(|id| id != others).collect();
            assert_eq!(of(&Wanted { payers: Some(payers), ..all }), expected);
            assert_eq!(expected.len(), 8);
            let id = others.parse().unwrap();
            assert_eq!(of(&Wanted { payers: Some(payers), provider: Some(&id), ..all }), [""; 0]);
            assert_eq!(of(&Wanted { provider: Some(&id), ..all }), [others]);
        }
        // One of another way to pay, of another country, and none at all.
        for (id, country, expected) in [
            ("mock-settles", Some("FR"), &["mock-settles"][..]),
            ("mock-settles", Some("GB"), &[]),
            ("mock-bank", Some("GB"), &["mock-bank"]),
            ("mock-down", None, &["mock-down"]),
            ("mock-transfer", None, &[]),
            ("mock", None, &[]),
        ] {
            let (id, country) = (id.parse().unwrap(), country.map(|country| country.parse().unwrap()));
            assert_eq!(of(&Wanted { provider: Some(&id), country, ..all }), expected, "{id}");
        }
        // Transfers are no live session's.
        let by_transfer = Wanted { method: PaymentMethod::BankTransfer, ..all };
        assert!(has_offers(&by_transfer) && !has_offers(&Wanted { mode: Mode::Live, ..by_transfer }));
        assert!(has_offers(&Wanted { mode: Mode::Live, ..all }));
    }

    #[test]
    fn live_sessions_have_no_provider_but_locally() {
        for local_live in [false, true] {
            let providers = providers(local_live);
            assert_eq!(can_pay(Mode::Live, local_live), local_live);
            assert!(can_pay(Mode::Test, local_live));
            for mock in mocks() {
                let id = mock.id.parse().unwrap();
                let is_live = local_live && mock.page != MockPage::Transfer;
                assert_eq!(providers.find(&id, Mode::Live).is_some(), is_live, "{id}");
                assert!(providers.find(&id, Mode::Test).is_some(), "{id}");
            }
            let (method, currency) = (PaymentMethod::PayByBank, Currency::GBP);
            let live = providers.offers(&Wanted {
                mode: Mode::Live,
                method,
                currency,
                country: None,
                payers: None,
                provider: None,
            });
            assert_eq!(live.len(), if local_live { 9 } else { 0 });
        }
    }

    #[test]
    fn a_live_session_is_paid_by_bank_in_pounds_or_euros_or_not_created() {
        let british = AccountIdentifier::uk("010203", "12345678").unwrap();
        let german = AccountIdentifier::Iban { iban: "DE89370400440532013000".to_owned().try_into().unwrap() };
        let (by_bank, card) = (PaymentMethod::PayByBank, PaymentMethod::Card);
        let any = OfferLimits::default();
        for (methods, currency, account, expected) in [
            (&[by_bank][..], Currency::GBP, &british, Ok(())),
            (&[by_bank], Currency::EUR, &german, Ok(())),
            (&[card, by_bank], Currency::GBP, &british, Ok(())),
            (&[card], Currency::GBP, &british, Err(NotPayableLive::Methods)),
            (&[PaymentMethod::BankTransfer], Currency::GBP, &british, Err(NotPayableLive::Methods)),
            (&[by_bank, card], Currency::USD, &british, Err(NotPayableLive::Currency)),
            (&[by_bank, PaymentMethod::Autogiro], Currency::SEK, &german, Err(NotPayableLive::Currency)),
            (&[by_bank, card], Currency::EUR, &british, Err(NotPayableLive::Account)),
            (&[by_bank, card], Currency::GBP, &german, Err(NotPayableLive::Account)),
        ] {
            let checked = can_be_paid_live(methods, currency, account, &any, None);
            assert_eq!(checked, expected, "{methods:?} {currency:?}");
        }
        for (provider, expected) in [
            ("mock-bank", Err(NotPayableLive::Provider)),
            ("mock-settles", Err(NotPayableLive::Provider)),
            ("truelayer", Ok(())),
            ("truelayer.ob-monzo", Ok(())),
        ] {
            let limits = OfferLimits { provider: provider.parse().ok(), ..any.clone() };
            let checked = can_be_paid_live(&[by_bank], Currency::GBP, &british, &limits, None);
            assert_eq!(checked, expected, "{provider}");
        }
        for (currency, account, served) in
            [(Currency::GBP, &british, &["GB"][..]), (Currency::EUR, &german, &["DE", "IE"])]
        {
            for country in ["GB", "DE", "IE", "FR", "SE"] {
                let limits = OfferLimits { country: country.parse().ok(), ..any.clone() };
                let expected = if served.contains(&country) { Ok(()) } else { Err(NotPayableLive::Country) };
                let checked = can_be_paid_live(&[by_bank], currency, account, &limits, None);
                assert_eq!(checked, expected, "{currency:?} {country}");
            }
        }
        for (email, phone, expected) in [
            (Some("ada@shop.example"), None, Ok(())),
            (None, Some("+44 20 7946 0999"), Ok(())),
            // In which country it is dialled is not said.
            (None, Some("020 7946 0999"), Err(NotPayableLive::Payer)),
            (None, None, Err(NotPayableLive::Payer)),
        ] {
            let payer =
                Payer { name: samples::name("Ada"), email: email.map(samples::text), phone: phone.map(samples::text) };
            let checked = can_be_paid_live(&[by_bank], Currency::GBP, &british, &any, Some(&payer));
            assert_eq!(checked, expected, "{email:?} {phone:?}");
        }
    }

    #[test]
    fn each_provider_is_found_with_its_own_connector() {
        let providers = providers(false);
        for mock in mocks() {
            let connector = providers.find(&mock.id.parse().unwrap(), Mode::Test).unwrap();
            assert_eq!(connector.moves_money(), mock.moves_money, "{}", mock.id);
            assert_eq!(connector.mock(), mock);
            assert_eq!(method_of(&mock.id.parse().unwrap()), Some(mock.method));
        }
        assert!(providers.find(&"mock".parse().unwrap(), Mode::Test).is_none());
        assert_eq!(method_of(&"mock".parse().unwrap()), None);
    }
}
