//! Whether a provider has to be able to reach the payer.

use models::{Payer, PaymentMethod, Session};

use crate::{Payments, wanted};

impl Payments {
    /// Whether the payer has to give an e-mail address before they can choose their bank: TrueLayer begins no payment of
    /// anybody with neither that nor a phone number (`user` in <https://docs.truelayer.com/reference/create-payment>).
    pub fn needs_contact(&self, session: &Session) -> bool {
        self.providers.truelayer_for(session).is_some() && leads_to_a_bank_unreached(session)
    }
}

/// Whether TrueLayer may lead this payer to a bank, and could not reach them.
fn leads_to_a_bank_unreached(session: &Session) -> bool {
    let is_reached = session.payer.as_ref().is_some_and(Payer::can_be_reached);
    let mut wanted = wanted(session).filter(|wanted| wanted.method == PaymentMethod::PayByBank);
    !is_reached && wanted.any(|wanted| wanted.provider.is_none_or(|named| named.provider() == providers::TRUELAYER))
}

#[cfg(test)]
mod tests {
    use models::{Currency, Money, OfferLimits, PaymentMethods};
    use samples::{PAYER_EMAIL, PAYER_NAME, name, payer, session, text};

    use super::*;

    #[test]
    fn whom_nobody_can_reach_gives_an_address_where_a_bank_may_be_chosen() {
        let by = |methods: &[PaymentMethod]| PaymentMethods::new(methods.to_vec()).unwrap();
        let at = |provider: &str| OfferLimits { provider: provider.parse().ok(), ..OfferLimits::default() };
        let known = |phone: Option<&str>| Payer { name: name(PAYER_NAME), email: None, phone: phone.map(text) };
        let by_bank = Session { payment_methods: by(&[PaymentMethod::PayByBank]), ..session() };
        let or_by_card = by(&[PaymentMethod::Card, PaymentMethod::PayByBank]);
        for (session, expected) in [
            (by_bank.clone(), true),
            (Session { payer: Some(known(None)), ..by_bank.clone() }, true),
            // In which country it is dialled is not said.
            (Session { payer: Some(known(Some("07911 123456"))), ..by_bank.clone() }, true),
            (Session { payer: Some(known(Some("+447911123456"))), ..by_bank.clone() }, false),
            (Session { payer: Some(payer(PAYER_NAME, PAYER_EMAIL)), ..by_bank.clone() }, false),
            (Session { payment_methods: or_by_card, ..by_bank.clone() }, true),
            (Session { payment_methods: by(&[PaymentMethod::Card]), ..by_bank.clone() }, false),
            (Session { amount: Money::new(by_bank.amount.minor_units(), Currency::SEK), ..by_bank.clone() }, false),
            (Session { offer_limits: at("truelayer"), ..by_bank.clone() }, true),
            (Session { offer_limits: at("truelayer.ob-monzo"), ..by_bank.clone() }, true),
            (Session { offer_limits: at("mock-bank"), ..by_bank.clone() }, false),
        ] {
            assert_eq!(leads_to_a_bank_unreached(&session), expected, "{session:?}");
        }
    }
}
