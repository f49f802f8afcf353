//! Test events: an endpoint is sent what it would be sent of a payment, alone, at once and once. Nothing of it is stored.

use std::error::Error;

use api::ApiError;
use jiff::Timestamp;
use models::{
    AccountIdentifier, Creation, Currency, Endpoint, LineItem, ListShard, MinorUnits, Mode, Money, NewSession, Object,
    Payee, Payer, PaymentAttempt, Session, SessionEvent, transition,
};
use outbound::{Delivery, Lookup, Policy, Sender, TimeOuts};
use runtime::{Clock, Random};
use store::{DeliveryAttempt, Merchants, StoredEvent};

use crate::delivery::{delivery, note};

/// How long an endpoint may take, the connection included: somebody waits for what it answers.
const PATIENCE_MS: u64 = 5_000;

/// What test events are sent by.
#[derive(Debug)]
pub struct TestEvents<'a> {
    /// For the endpoint's application.
    pub merchants: &'a Merchants,
    /// Which addresses may be called.
    pub policy: Policy,
    /// By which the endpoint's host is looked up.
    pub lookup: &'a Lookup,
    /// For when it happened, and how long the endpoint takes.
    pub clock: &'a Clock,
    /// Makes its id.
    pub random: &'a Random,
}

impl TestEvents<'_> {
    /// Sends the endpoint the event that a payment of £1.00 was sent, signed as every event is, in the endpoint's format and
    /// encoding, and waits 5 s for the answer. It is sent whether the endpoint is enabled or not, and whatever it subscribes to;
    /// faults that the endpoint asked for are left aside. It is of test mode, and `counterfoil-test` marks it.
    ///
    /// # Errors
    /// It could not be made, or the table failed us; nothing was sent. That the endpoint does not answer is no error.
    pub async fn send(&self, endpoint: &Endpoint) -> Result<DeliveryAttempt, ApiError> {
        let application = match &endpoint.application {
            Some(id) => self.merchants.application(id).await?,
            None => None,
        };
        let time_outs = TimeOuts { connect_ms: PATIENCE_MS, answer_ms: PATIENCE_MS };
        // Made when one is needed, which is seldom: it reads the system's root certificates.
        let sender = Sender::with(self.policy, self.lookup.clone(), time_outs, self.clock.clone());
        let sender = sender.map_err(|error| ApiError::Internal(Box::new(error)))?;
        let at = models::truncate_to_ms(self.clock.now());
        let event = event(endpoint, at, self.random).map_err(ApiError::Internal)?;
        let delivery = delivery(&event, endpoint, application.as_ref(), at).map_err(ApiError::Internal)?;
        let result = sender.send(&Delivery { is_test: true, ..delivery }).await;
        Ok(note(endpoint, at, result))
    }
}

/// That a payment was sent which was never made. Its id begins with zeros, as that of no payment does; it is another each time,
/// since receivers remember ids.
fn event(endpoint: &Endpoint, at: Timestamp, random: &Random) -> Result<StoredEvent, Box<dyn Error + Send + Sync>> {
    let id = format!("00000000-0000-4000-8000-0000{:08x}", random.u32(..));
    let amount = Money::new(MinorUnits::new(100), Currency::GBP);
    let account = AccountIdentifier::uk("000000", "00000000")?;
    let payee = Payee { name: "Example Shop".to_owned().try_into()?, account };
    let payer = Payer {
        name: "Example Payer".to_owned().try_into()?,
        email: Some("payer@example.com".to_owned().try_into()?),
        phone: None,
    };
    let item = LineItem {
        name: "A test of this endpoint".to_owned().try_into()?,
        description: None,
        unit_price: amount,
        quantity: 1,
    };
    let new = NewSession {
        line_items: vec![item],
        payer: Some(payer),
        ..NewSession::new(endpoint.format, amount, payee, Some("TEST EVENT".to_owned().try_into()?))
    };
    let creation = Creation {
        id: id.parse()?,
        end_to_end_id: id.parse()?,
        merchant_id: endpoint.merchant_id.clone(),
        mode: Mode::Test,
        list_shard: ListShard::default(),
        at,
        test_clock: None,
        base_url: "https://example.com".to_owned(),
        write_id: random.write_id(),
    };
    let mut session = Session::create(new, creation);
    for happened in [SessionEvent::BankChosen, SessionEvent::ConsentGiven, SessionEvent::Settled] {
        session.state = transition(session.state, happened)?;
        session.history.append(session.state, at, happened, random.write_id());
    }
    session.attempt = Some(PaymentAttempt {
        number: 1,
        bank: "mock-bank".parse()?,
        redirect_url: session.checkout_url(),
        provider_state: String::new(),
        at_consent: None,
        ended: None,
    });
    let sequence = session.history.len();
    Ok(StoredEvent::new(Object::Session(Box::new(session)), sequence))
}

#[cfg(test)]
mod tests {
    use models::{EventType, SessionState, WireFormat};
    use samples::NOW;

    use super::*;

    #[test]
    fn each_format_shows_that_a_payment_was_sent_which_was_never_made() {
        let random = Random::seeded(1);
        for format in WireFormat::ALL {
            for encoding in format.encodings() {
                let endpoint = Endpoint { format, encoding: *encoding, mode: Mode::Live, ..samples::endpoint() };
                let event = event(&endpoint, NOW, &random).unwrap();
                assert_eq!(event.event_type(), EventType::PaymentSession(SessionState::Sent));
                assert_eq!((event.object.mode(), event.created_at(), event.sequence), (Mode::Test, NOW, 4));
                let body = String::from_utf8(api::event_body(&event, &endpoint).unwrap()).unwrap();
                assert!(!body.is_empty() && !body.contains("\"live\":true"), "{body}");
            }
        }
    }

    #[test]
    fn no_two_have_one_id_and_all_begin_as_no_payments_does() {
        let random = Random::seeded(1);
        let [first, second] = [(); 2].map(|()| event(&samples::endpoint(), NOW, &random).unwrap().id());
        assert_ne!(first, second);
        for id in [first, second] {
            assert!(id.to_string().starts_with("evt_00000000-0000-4000-8000-0000"), "{id}");
        }
    }
}
