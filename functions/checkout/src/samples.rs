//! Sessions and refunds for tests.

use banks::BankError;
use banks::mock::{Decided, Ledger, Order};
use jiff::{SignedDuration, Timestamp};
use models::{
    AccountIdentifier, Creation, Currency, EmailAddress, EndToEndId, LineItem, MerchantUrl, MinorUnits, Mode, Money,
    Name, NewRefund, NewSession, Payee, Payer, PaymentAttempt, Reference, Refund, RefundCreation, RefundEvent,
    RefundId, Session, SessionEvent, SessionId, SessionState, Submission, WireFormat, WriteId, refund_transition,
    transition,
};
use uuid::Uuid;

/// When every sample was created, and the moment of every test.
pub(crate) const NOW: Timestamp = Timestamp::constant(1_772_000_000, 0);

/// Who pays in every sample once they are known; no page may show it.
pub(crate) const PAYER_NAME: &str = "Gerald Wiley";
/// Their address; no page may show it.
pub(crate) const PAYER_EMAIL: &str = "gerald.wiley@example.com";

pub(crate) fn later(seconds: i64) -> Timestamp {
    NOW.checked_add(SignedDuration::from_secs(seconds)).unwrap()
}

pub(crate) fn name(text: &str) -> Name {
    Name::try_from(text.to_owned()).unwrap()
}

pub(crate) fn item(text: &str, minor: i64, quantity: u32) -> LineItem {
    let unit_price = Money::new(MinorUnits::new(minor), Currency::GBP);
    LineItem { name: name(text), description: None, unit_price, quantity }
}

/// A session of these items that awaits the payer.
pub(crate) fn session_of(items: Vec<LineItem>) -> Session {
    let url = |text: &str| Some(MerchantUrl::try_from(text.to_owned()).unwrap());
    let payee =
        Payee { name: name("Bright Candles Ltd"), account: AccountIdentifier::uk("010203", "12345678").unwrap() };
    let (amount, reference) = (LineItem::sum(&items, Currency::GBP).unwrap(), "Illuminate".to_owned());
    let new = NewSession {
        line_items: items,
        success_url: url("https://shop.example/thanks?order=7"),
        error_url: url("https://shop.example/sorry?order=7"),
        email_receipt: true,
        ..NewSession::new(WireFormat::default(), amount, payee, reference.try_into().unwrap())
    };
    let creation = Creation {
        id: SessionId::new(Uuid::from_u128(7)),
        end_to_end_id: EndToEndId::new(Uuid::from_u128(8)),
        merchant_id: "demo".parse().unwrap(),
        mode: Mode::Test,
        list_shard: models::ListShard::default(),
        at: NOW,
        base_url: "http://pay.example".to_owned(),
        write_id: write_id(),
    };
    Session::create(new, creation)
}

/// One with an id of its own, created now: for a table, where time is the clock's.
pub(crate) fn fresh_session() -> Session {
    let at = samples::now();
    let mut session = session();
    session.id = SessionId::new(samples::uuid());
    session.end_to_end_id = EndToEndId::new(samples::uuid());
    session.created_at = at;
    session.expires_at = at.checked_add(SignedDuration::from_hours(1)).unwrap();
    session
}

/// The common one.
pub(crate) fn session() -> Session {
    session_of(vec![item("Pillar candle", 150, 2), item("Box of matches", 100, 1)])
}

fn write_id() -> WriteId {
    samples::write_id()
}

/// What `event` does to a session, with all that it brings.
pub(crate) fn happen(session: &mut Session, event: SessionEvent) {
    session.state = transition(session.state, event).unwrap();
    session.history.append(session.state, NOW, event, write_id());
    if event == SessionEvent::PayerIdentified {
        let email = EmailAddress::try_from(PAYER_EMAIL.to_owned()).ok();
        session.payer = Some(Payer { name: name(PAYER_NAME), email, phone: None });
    }
    if event == SessionEvent::BankChosen {
        let number = session.attempt_number() + 1;
        let redirect_url = format!("{}/mock-bank/{}/{number}", session.base_url, session.id);
        let bank = "mock-bank".parse().unwrap();
        session.attempt = Some(PaymentAttempt { number, bank, redirect_url, provider_state: number.to_string() });
    }
    if event == SessionEvent::ConsentGiven {
        let (idempotency_key, body) = ("submit".to_owned(), "{}".to_owned());
        session.submission = Some(Submission { idempotency_key, body, submitted_at: NOW });
    }
}

/// A session that came to this state in the shortest way through a bank.
pub(crate) fn in_state(state: SessionState) -> Session {
    use SessionEvent as E;
    let events: &[E] = match state {
        SessionState::AwaitingPayer => &[],
        SessionState::AwaitingProvider => &[E::PayerIdentified],
        SessionState::AwaitingPaymentConsent => &[E::PayerIdentified, E::BankChosen],
        SessionState::Pending => &[E::PayerIdentified, E::BankChosen, E::ConsentGiven],
        SessionState::Sent => &[E::PayerIdentified, E::BankChosen, E::ConsentGiven, E::Settled],
        SessionState::Failed => &[E::PayerIdentified, E::BankChosen, E::DeclinedByPayer],
        SessionState::Cancelled => &[E::PayerIdentified, E::BankChosen, E::CancelledByPayer],
        SessionState::Expired => &[E::PayerIdentified, E::BankChosen, E::TimePassed],
    };
    let mut session = session();
    events.iter().for_each(|event| happen(&mut session, *event));
    session
}

/// Where the money of every sample refund goes; no page may show it once it is given.
pub(crate) fn details() -> Payee {
    Payee { name: name("Ada Customer"), account: AccountIdentifier::uk("112233", "87654321").unwrap() }
}

/// A refund of this much of a session that was paid without telling from which account.
pub(crate) fn refund_of(session: &Session, minor: i64, at: Timestamp) -> Refund {
    let new = NewRefund {
        session_id: session.id,
        amount: Some(MinorUnits::new(minor)),
        reference: Some(Reference::try_from("Candles refund".to_owned()).unwrap()),
        success_url: None,
        error_url: None,
        payee: None,
    };
    let creation = RefundCreation {
        id: RefundId::new(samples::uuid()),
        payment_session_id: SessionId::new(samples::uuid()),
        end_to_end_id: EndToEndId::new(samples::uuid()),
        at,
        base_url: session.base_url.clone(),
        write_id: write_id(),
    };
    let (refund, payment) = Refund::create(session, new, creation).unwrap();
    assert_eq!(payment, None);
    refund
}

/// A refund that awaits details, of the common session.
pub(crate) fn refund() -> Refund {
    refund_of(&in_state(SessionState::Sent), 250, NOW)
}

/// One whose details were given, and the session that pays it.
pub(crate) fn refund_with_payment() -> (Refund, Session) {
    let mut refund = refund();
    let (id, end_to_end_id) = (SessionId::new(samples::uuid()), EndToEndId::new(samples::uuid()));
    let session = in_state(SessionState::Sent);
    let payment = refund.give_details(&session, details(), id, end_to_end_id, NOW, write_id());
    (refund, payment)
}

/// What `event` does to a refund.
pub(crate) fn happen_to_refund(refund: &mut Refund, event: RefundEvent) {
    refund.state = refund_transition(refund.state, event).unwrap();
    refund.history.append(refund.state, NOW, event, write_id());
}

/// A memory for a mock bank that is not asked to remember anything.
#[derive(Debug)]
pub(crate) struct NoLedger;

impl Ledger for NoLedger {
    async fn decided(&self, _: EndToEndId, _: u8) -> Result<Option<Decided>, BankError> {
        Ok(None)
    }

    async fn decide(&self, _: EndToEndId, _: u8, decided: Decided) -> Result<Decided, BankError> {
        Ok(decided)
    }

    async fn order(&self, _: EndToEndId) -> Result<Option<Order>, BankError> {
        Ok(None)
    }

    async fn put_order(&self, _: EndToEndId, order: Order) -> Result<Order, BankError> {
        Ok(order)
    }
}
