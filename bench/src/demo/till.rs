//! One payment from its creation to its end, and what is refunded of it: by a clock of its own, through all that the service
//! itself puts a payment through.

use std::ops::Range;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use models::{
    AccountIdentifier, Act, ActChange, ActId, ActKind, ActObject, ActOutcome, ActReason, Actor, Card, CardBrand,
    Creation, Currency, EndToEndId, Lifetime, LineItem, Merchant, MinorUnits, Mode, Money, NewRefund, NewSession,
    Payee, Payer, PaymentMethod, PaymentMethods, Reference, Refund, RefundId, RefundState, Session, SessionEvent,
    SessionId, SessionState, TakenBackReason, TransferId, WireFormat,
};
use payments::{Connections, Made, Payments, RefundRequest};
use providers::mock::{Decided, Decision, Sender, Transfer, arrive};
use providers::{MockConnector, Providers};
use runtime::{Clock, Random, VirtualClock};
use store::{Acts, Change, MockLedger, Owner, Refunds, Sessions, Table};

use super::wares::{CUSTOMERS, Choice, GOODS, WAYS, Way};
use crate::error::Error;

/// Who serves customers in the console, and refunds and cancels.
pub(super) const CLERK: &str = "tom.okafor@harbour-bicycles.example";

/// The shop's name, also that of its accounts.
pub(super) const SHOP: &str = "Harbour Bicycles";

const MINUTE_S: u64 = 60;
const HOUR_S: u64 = 60 * MINUTE_S;
const DAY_S: u64 = 24 * HOUR_S;

/// How soon after the creation whatever needs no waiting has happened.
pub(super) const CHECKOUT: SignedDuration = SignedDuration::from_mins(15);

/// Payments that are younger may still be open.
const RECENT: SignedDuration = SignedDuration::from_hours(20);

/// How a payment goes on after its creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    Paid,
    Refused,
    CancelledByPayer,
    CancelledByShop,
    /// Until time ends it.
    LeftAtProvider,
    /// The same, before anything was chosen.
    NotOpened,
}

impl Course {
    fn drawn(rng: &mut Rng, is_recent: bool) -> Self {
        match (rng.u32(0..100), is_recent) {
            (0..80, false) | (0..62, true) => Self::Paid,
            (80..87, false) | (62..69, true) => Self::Refused,
            (87..90, false) | (69..72, true) => Self::CancelledByPayer,
            (90..93, false) | (72..75, true) => Self::CancelledByShop,
            (93..96, false) | (75..88, true) => Self::LeftAtProvider,
            (_, _) => Self::NotOpened,
        }
    }
}

/// Where payments are made.
pub(super) struct Shop {
    pub(super) table: Table,
    pub(super) acts: Acts,
    pub(super) merchant: Merchant,
    pub(super) base_url: String,
    /// The real time: nothing happens after it.
    pub(super) now: Timestamp,
}

impl Shop {
    /// What a person did then.
    pub(super) fn act(&self, random: &Random, at: Timestamp, who: &str, what: ActKind, object: ActObject) -> Act {
        Act {
            id: ActId::new(random.uuid_v7(at)),
            at,
            merchant_id: self.merchant.id.clone(),
            mode: Some(Mode::Test),
            who: Actor::Person(samples::text(who)),
            what,
            object,
            reason: None,
            change: None,
            outcome: ActOutcome::Done,
            correlation_id: None,
        }
    }

    /// Makes payment `number`, created then, with all that follows until now.
    ///
    /// # Errors
    /// The table failed us, or a payment does not go as it should.
    pub(super) async fn payment(&self, number: usize, created_at: Timestamp) -> Result<(), Error> {
        let seed = u64::try_from(number)?;
        let (hands, random) = (VirtualClock::at(created_at), Random::seeded(seed));
        let clock = Clock::Virtual(hands.clone());
        let till = Till {
            shop: self,
            rng: Rng::with_seed(seed),
            payments: Payments::new(self.table.clone(), Connections::mocks(false), clock.clone(), random.clone()),
            sessions: Sessions::new(self.table.clone()),
            refunds: Refunds::new(self.table.clone()),
            owner: Owner { merchant_id: self.merchant.id.clone(), mode: Mode::Test, format: None },
            clock,
            hands,
            random,
        };
        // In a box: it is deep, and a thread's stack has 2 MB where tests run.
        Box::pin(till.payment(number)).await
    }
}

struct Till<'a> {
    shop: &'a Shop,
    rng: Rng,
    payments: Payments,
    sessions: Sessions,
    refunds: Refunds,
    owner: Owner,
    clock: Clock,
    hands: VirtualClock,
    random: Random,
}

impl Till<'_> {
    async fn payment(mut self, number: usize) -> Result<(), Error> {
        let way = self.way()?;
        let is_recent = self.shop.now.duration_since(self.clock.now()) < RECENT;
        let course = Course::drawn(&mut self.rng, is_recent);
        let session = self.create(number, way).await?;
        if course != Course::NotOpened {
            self.identify(&session).await?;
        }
        match course {
            Course::Paid => match way.transfer {
                Some(provider) => self.transfer(&session, provider).await?,
                None => self.decide(session.id, way.paid).await?,
            },
            Course::Refused if way.transfer.is_none() => self.decide(session.id, way.refused).await?,
            // Nobody refuses a transfer: it does not come.
            Course::Refused | Course::LeftAtProvider => {
                let provider = match way.transfer {
                    Some(provider) => provider,
                    None => self.chosen(way.paid)?.0,
                };
                self.begin(session.id, provider).await?;
            }
            Course::CancelledByPayer => {
                self.wait_s(20..90);
                self.payments.end_by(session.id, SessionEvent::CancelledByPayer).await?;
            }
            Course::CancelledByShop => self.cancel(session.id).await?,
            Course::NotOpened => {}
        }
        let session = self.read(session.id).await?;
        if session.state == SessionState::Sent {
            self.after_payment(&session).await
        } else {
            self.until_now(&session).await
        }
    }

    fn way(&mut self) -> Result<&'static Way, Error> {
        let mut left = self.rng.u32(0..100);
        for way in &WAYS {
            match left.checked_sub(way.of_100) {
                Some(more) => left = more,
                None => return Ok(way),
            }
        }
        Err("ways to pay are less than a hundred in a hundred".into())
    }

    fn chosen(&mut self, choices: &[Choice]) -> Result<Choice, Error> {
        self.rng.choice(choices).copied().ok_or_else(|| "there is nothing to choose from".into())
    }

    /// Lets this number of seconds pass.
    fn wait_s(&mut self, seconds: Range<u64>) {
        self.hands.advance_ms(self.rng.u64(seconds).saturating_mul(1000));
    }

    /// Lets time pass until then, if that is to come.
    fn wait_until(&self, at: Timestamp) {
        let ms = at.min(self.shop.now).duration_since(self.clock.now()).as_millis();
        self.hands.advance_ms(u64::try_from(ms).unwrap_or_default());
    }

    /// Whether this number of seconds from here have passed by now.
    fn has_time_s(&self, seconds: u64) -> bool {
        let left = self.shop.now.duration_since(self.clock.now()).as_secs();
        u64::try_from(left).is_ok_and(|left| left > seconds)
    }

    async fn read(&self, id: SessionId) -> Result<Session, Error> {
        self.sessions.get(&id).await?.ok_or_else(|| "a session is gone".into())
    }

    async fn follow_up(&self, id: SessionId) -> Result<Session, Error> {
        self.payments.follow_up(&self.read(id).await?).await?;
        self.read(id).await
    }

    async fn create(&mut self, number: usize, way: &Way) -> Result<Session, Error> {
        let at = self.clock.now();
        let id = SessionId::new(self.random.uuid_v7(at));
        let (name, price) = self.rng.choice(GOODS).ok_or("there are no goods")?;
        let quantity = if price < 4_000 { self.rng.u32(1..=3) } else { 1 };
        let unit_price = Money::new(MinorUnits::new(price), way.currency);
        let item = LineItem { name: name.to_owned().try_into()?, description: None, unit_price, quantity };
        let amount = LineItem::sum(std::slice::from_ref(&item), way.currency)?;
        let format = self.rng.choice(WireFormat::ALL).ok_or("there are no wire formats")?;
        let payer = if self.rng.bool() { Some(self.customer()?) } else { None };
        let reference: Reference = format!("Order {}", 10_000_usize.saturating_add(number)).try_into()?;
        let new = NewSession {
            description: Some(format!("{name}, from the shop by the harbour").try_into()?),
            line_items: vec![item],
            payer,
            payment_methods: PaymentMethods::new(vec![way.method])?,
            success_url: Some("https://harbour-bicycles.example/thanks".to_owned().try_into()?),
            error_url: Some("https://harbour-bicycles.example/basket".to_owned().try_into()?),
            lifetime: if way.transfer.is_some() { Lifetime::MAX } else { Lifetime::default() },
            ..NewSession::new(format, amount, payee(way.currency)?, Some(reference))
        };
        let creation = Creation {
            id,
            end_to_end_id: EndToEndId::new(self.random.uuid_v4()),
            merchant_id: self.shop.merchant.id.clone(),
            mode: Mode::Test,
            list_shard: self.shop.merchant.list_sharding.shard_of(&id, at),
            at,
            test_clock: None,
            base_url: self.shop.base_url.clone(),
            write_id: self.random.write_id(),
        };
        let session = Session::create(new, creation);
        self.sessions.create(session.clone(), None).await?;
        Ok(session)
    }

    fn customer(&mut self) -> Result<Payer, Error> {
        let (name, mailbox) = self.rng.choice(CUSTOMERS).ok_or("there are no customers")?;
        let email = Some(format!("{mailbox}@mail.example").try_into()?);
        Ok(Payer { name: name.to_owned().try_into()?, email, phone: None })
    }

    async fn identify(&mut self, session: &Session) -> Result<(), Error> {
        if session.state == SessionState::AwaitingPayer {
            self.wait_s(10..60);
            let payer = self.customer()?;
            self.sessions.identify_payer(self.change(session.id, SessionEvent::PayerIdentified), &payer).await?;
        }
        Ok(())
    }

    fn change(&self, session_id: SessionId, event: SessionEvent) -> Change {
        Change { session_id, event, at: self.clock.now(), write_id: self.random.write_id() }
    }

    async fn begin(&mut self, id: SessionId, provider: &str) -> Result<Session, Error> {
        self.wait_s(5..60);
        Ok(self.payments.begin(&self.read(id).await?, provider.parse()?, 1).await?)
    }

    /// The payer chooses a provider, and decides there.
    async fn decide(&mut self, id: SessionId, choices: &[Choice]) -> Result<(), Error> {
        let (provider, decision) = self.chosen(choices)?;
        let session = self.begin(id, provider).await?;
        self.wait_s(15..90);
        let mut decided = Decided::from(decision);
        let method = providers::method_of_session(&session);
        if method == Some(PaymentMethod::Card) {
            let brand = self.rng.choice(CardBrand::ALL).ok_or("there are no cards")?;
            let last_four = format!("{:04}", self.rng.u32(0..10_000)).parse()?;
            decided.card = Some(Card { brand, last_four });
        }
        self.connector(&session)?.decide(&session, 1, decided, self.clock.now()).await?;
        self.follow_up(id).await?;
        if decision.delay() > SignedDuration::ZERO {
            // A debit takes some days, in which banks are asked for it.
            let takes_days = matches!(method, Some(PaymentMethod::BacsDebit | PaymentMethod::SepaDebit));
            self.wait_s(if takes_days && self.has_time_s(4 * DAY_S) { 2 * DAY_S..4 * DAY_S } else { 12..60 });
            self.follow_up(id).await?;
        }
        Ok(())
    }

    fn connector(&self, session: &Session) -> Result<MockConnector<MockLedger>, Error> {
        let attempt = session.attempt.as_ref().ok_or("nothing was chosen")?;
        let providers = Providers::new(MockLedger::new(self.shop.table.clone()), false);
        providers.find(&attempt.bank, session.mode).ok_or_else(|| "there is no such provider".into())
    }

    /// The payer transfers the money some hours later, if that is not to come; of every fifth payment only a part.
    async fn transfer(&mut self, session: &Session, provider: &str) -> Result<(), Error> {
        let session = self.begin(session.id, provider).await?;
        if !self.has_time_s(30 * HOUR_S) {
            return Ok(());
        }
        self.wait_s(HOUR_S..30 * HOUR_S);
        let reference = session.transfer().ok_or("there is nowhere to transfer to")?.reference.as_str().to_owned();
        let minor = session.amount.minor();
        let minor = if self.rng.u32(0..5) == 0 { minor / 2 } else { minor };
        let transfer = Transfer {
            id: TransferId::new(self.random.uuid_v4()),
            account: None,
            reference,
            amount: Money::new(MinorUnits::new(minor), session.amount.currency()),
            sender: Sender::Payer,
        };
        let (ledger, now) = (MockLedger::new(self.shop.table.clone()), self.clock.now());
        arrive(&ledger, &transfer, now, now).await?;
        self.follow_up(session.id).await.map(drop)
    }

    /// Somebody of the shop cancels it.
    async fn cancel(&mut self, id: SessionId) -> Result<(), Error> {
        self.wait_s(MINUTE_S..10 * MINUTE_S);
        let act = self.by_clerk(ActKind::PaymentCancelled, ActObject::Session(id));
        let act = self.shop.acts.write(&act)?;
        let change = self.change(id, SessionEvent::CancelledByMerchant);
        self.payments.end(change, Some(&self.owner), Some(&act)).await?;
        Ok(())
    }

    fn by_clerk(&self, what: ActKind, object: ActObject) -> Act {
        self.shop.act(&self.random, self.clock.now(), CLERK, what, object)
    }

    /// What has not ended by now, or has by its time.
    async fn until_now(&self, session: &Session) -> Result<(), Error> {
        if session.state.is_final() {
            return Ok(());
        }
        self.wait_until(session.expires_at.checked_add(SignedDuration::from_secs(20))?);
        if session.open_at_consent().is_some() {
            self.follow_up(session.id).await?;
        } else if session.state_at(self.clock.now()) == SessionState::Expired {
            self.payments.end_by(session.id, SessionEvent::TimePassed).await?;
        }
        Ok(())
    }

    /// Some payments are refunded, and a few taken back.
    async fn after_payment(&mut self, session: &Session) -> Result<(), Error> {
        if !self.has_time_s(7 * DAY_S) {
            // Whatever comes after would not have come yet.
            return if self.rng.u32(0..12) == 0 && self.has_time_s(2 * HOUR_S) {
                self.wait_s(MINUTE_S..HOUR_S);
                self.refund(session).await
            } else {
                Ok(())
            };
        }
        match self.rng.u32(0..100) {
            0..11 => {
                self.wait_s(DAY_S..6 * DAY_S);
                self.refund(session).await
            }
            11..15 => {
                self.wait_s(4 * DAY_S..7 * DAY_S);
                let bank = match self.connector(session)? {
                    MockConnector::MockConsent(bank) if bank.mock().can_be_taken_back() => bank,
                    MockConnector::MockBank(_) | MockConnector::MockConsent(_) | MockConnector::MockTransfer(_) => {
                        return Ok(());
                    }
                };
                let reason = match providers::method_of_session(session) {
                    Some(PaymentMethod::Card) => TakenBackReason::Chargeback,
                    Some(PaymentMethod::BacsDebit) => TakenBackReason::IndemnityClaim,
                    Some(_) | None => TakenBackReason::Returned,
                };
                bank.take_back(session, session.attempt_number(), reason, self.clock.now()).await?;
                self.follow_up(session.id).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    /// A person refunds all of it, or a part. The mock providers refuse a part that ends with 91.
    async fn refund(&mut self, session: &Session) -> Result<(), Error> {
        let minor = session.amount.minor();
        let part = match self.rng.u32(0..10) {
            0..5 => minor,
            5..8 => minor / 2,
            _ => (minor / 200).saturating_mul(100).saturating_sub(9),
        };
        let id = RefundId::new(self.random.uuid_v4());
        let left = Money::new(MinorUnits::new(minor.saturating_sub(part)), session.amount.currency());
        let reasons = [ActReason::Returned, ActReason::NotDelivered, ActReason::Duplicate, ActReason::Goodwill];
        let act = Act {
            reason: self.rng.choice(reasons),
            change: Some(ActChange { from: session.amount.to_string(), to: left.to_string() }),
            ..self.by_clerk(ActKind::RefundMade, ActObject::Refund { session_id: session.id, refund_id: id })
        };
        let request = RefundRequest {
            id,
            fingerprint: None,
            new: NewRefund { amount: Some(MinorUnits::new(part)), ..NewRefund::of(session.id) },
            base_url: self.shop.base_url.clone(),
            seen: Some(session.refund_count),
        };
        let act = self.shop.acts.write(&act)?;
        let made = self.payments.refund(request, &self.owner, api::fill_in_return_urls, Some(&act)).await?;
        let (Made::New(refund) | Made::Existing(refund, _)) = made;
        self.wait_s(MINUTE_S..30 * MINUTE_S);
        self.authorise(&refund).await?;
        let refund = self.refunds.find(&session.id, &id).await?.ok_or("a refund is gone")?;
        if refund.state == RefundState::AwaitingDetails || refund.state == RefundState::AwaitingPayment {
            self.wait_until(refund.expires_at.checked_add(SignedDuration::from_secs(20))?);
            self.payments.follow_up_refund(&refund).await?;
            self.payments.expire_refund(&refund).await?;
        }
        Ok(())
    }

    /// What pays it is authorised most often, sometimes cancelled, and sometimes left. Where a provider makes the refund, it
    /// says what became of it.
    async fn authorise(&mut self, refund: &Refund) -> Result<(), Error> {
        let refund = self.refunds.find(&refund.session_id, &refund.id).await?.ok_or("a refund is gone")?;
        let Some(payment_id) = refund.payment_session_id else {
            return Ok(self.payments.follow_up_refund(&refund).await?);
        };
        match self.rng.u32(0..10) {
            0..6 => self.decide(payment_id, &[("mock-settles", Decision::Approve)]).await,
            6 => {
                let object = ActObject::Refund { session_id: refund.session_id, refund_id: refund.id };
                let act = self.shop.acts.write(&self.by_clerk(ActKind::RefundCancelled, object))?;
                self.payments.cancel_refund(&refund, &self.random.write_id(), Some(&act)).await?;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// The shop's account in this currency.
fn payee(currency: Currency) -> Result<Payee, Error> {
    let ibans = [(Currency::EUR, "DE89370400440532013000"), (Currency::SEK, "SE4550000000058398257466")];
    let account = match ibans.into_iter().find(|(of, _)| *of == currency) {
        Some((_, iban)) => AccountIdentifier::Iban { iban: iban.to_owned().try_into()? },
        None => AccountIdentifier::uk("010203", "12345678")?,
    };
    Ok(Payee { name: SHOP.to_owned().try_into()?, account })
}
