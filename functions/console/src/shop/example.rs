//! The payment that previews of the shop show.

use std::error::Error;

use models::{
    AccountIdentifier, Creation, Currency, EndToEndId, ListShard, MinorUnits, Money, NewSession, Payee, Payer, Session,
    SessionEvent, SessionId, SessionState, Shop, WireFormat,
};

use crate::frame::Frame;
use crate::services::Services;

/// One of the visitor's merchant that was sent just now. It is in no table, and nobody is mailed.
///
/// # Errors
/// A text of it breaks a rule of its own.
pub(super) fn example(
    services: &Services,
    frame: &Frame<'_>,
    shop: &Shop,
) -> Result<Session, Box<dyn Error + Send + Sync>> {
    let t = frame.texts().shop;
    let amount = Money::new(MinorUnits::new(2400), Currency::GBP);
    let account = AccountIdentifier::uk("000000", "12345678")?;
    let payee = Payee { name: shop.display_name.clone(), account };
    let payer = Payer {
        name: t.example.to_owned().try_into()?,
        email: Some("payer@example.com".to_owned().try_into()?),
        phone: None,
    };
    let new = NewSession {
        description: Some(t.example_item.to_owned().try_into()?),
        payer: Some(payer),
        locale: Some(frame.language.tag().to_owned().try_into()?),
        email_receipt: true,
        ..NewSession::new(WireFormat::default(), amount, payee, Some(t.example.to_owned().try_into()?))
    };
    let (random, at) = (&services.random, services.clock.now());
    let creation = Creation {
        id: SessionId::new(random.uuid_v4()),
        end_to_end_id: EndToEndId::new(random.uuid_v4()),
        merchant_id: frame.visitor.person.merchant_id.clone(),
        mode: frame.mode,
        list_shard: ListShard::default(),
        at,
        test_clock: None,
        base_url: String::new(),
        write_id: random.write_id(),
    };
    let mut session = Session::create(new, creation);
    session.state = SessionState::Sent;
    session.history.append(session.state, at, SessionEvent::Settled, random.write_id());
    Ok(session)
}
