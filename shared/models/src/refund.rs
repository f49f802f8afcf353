//! The refund: what it is, and what it may be made of.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::account::{Payee, Payer};
use crate::history::History;
use crate::ids::{EndToEndId, MerchantId, RefundId, SessionId, WriteId};
use crate::list_shards::ListShard;
use crate::mode::Mode;
use crate::money::{MinorUnits, Money};
use crate::new_session::{Lifetime, LineItem, NewSession};
use crate::refund_at_provider::RefundAtProvider;
use crate::refund_transition::{RefundEvent, RefundState};
use crate::session::{Creation, PaysRefund, Session};
use crate::text::{MerchantUrl, Name, Reference};
use crate::transition::SessionState;
use crate::wire_format::WireFormat;

/// How many refunds one session may have, failed ones included.
pub const MAX_REFUNDS: u32 = 500;

/// How long a customer has to say where the money goes.
const DETAILS_LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A refund of a session that was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Its id, which opens the page that asks where the money goes.
    pub id: RefundId,
    /// The session that is refunded.
    pub session_id: SessionId,
    /// Whose it is.
    pub merchant_id: MerchantId,
    /// Test or live, as the session.
    pub mode: Mode,
    /// The session's format.
    #[serde(default, skip_serializing_if = "WireFormat::is_banked")]
    pub format: WireFormat,
    /// In which of its merchant's lists' shards its events are: the session's, as is what pays it.
    #[serde(default, skip_serializing_if = "ListShard::is_first")]
    pub list_shard: ListShard,
    /// How much.
    pub amount: Money,
    /// What stands on the customer's bank statement.
    pub reference: Reference,
    /// When it was made.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub created_at: Timestamp,
    /// Until when the details can be given, or, from then on, the payment session be submitted. Says nothing of one that a
    /// provider makes: only that ends it.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub expires_at: Timestamp,
    /// The base URL of our pages, without a trailing slash.
    pub base_url: String,
    /// Where the payment session's checkout leads after success; kept here until there is that session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_url: Option<MerchantUrl>,
    /// Where it leads after failure; likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_url: Option<MerchantUrl>,
    /// Whether an e-mail address of the customer is known.
    pub has_email: bool,
    /// Whether the customer gets a mail when the money is sent: as the refunded session had it.
    pub email_receipt: bool,
    /// The current state as stored; ask [`Refund::state_at`] instead, which knows the time.
    pub state: RefundState,
    /// Everything that happened.
    pub history: History<RefundState, RefundEvent>,
    /// The session that pays it, from awaiting_payment on, unless the payment's provider does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_session_id: Option<SessionId>,
    /// Whether that session was submitted, or its provider is asked for it: then only the bank ends it.
    #[serde(default)]
    pub submitted: bool,
    /// Whether that session has an attempt open whose money moves at the payer's consent: the clock does not end it then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open_at_consent: bool,
    /// What is known of it at the payment's provider, if that makes it: from the first on, and then no session pays it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_provider: Option<RefundAtProvider>,
}

/// What a client asks for.
#[derive(Debug, Clone)]
pub struct NewRefund {
    /// The session to refund.
    pub session_id: SessionId,
    /// How much, 1 or more; what is left if not given.
    pub amount: Option<MinorUnits>,
    /// What stands on the customer's bank statement; the session's own if not given.
    pub reference: Option<Reference>,
    /// Where the payment session's checkout leads after success.
    pub success_url: Option<MerchantUrl>,
    /// Where it leads after failure.
    pub error_url: Option<MerchantUrl>,
    /// Where the money goes if the payer's bank didn't say ("Refund a payment session", Adding Payee Information).
    pub payee: Option<RefundPayee>,
}

/// An account that a client gives for a refund. Without a name it is the payer's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundPayee {
    /// The account holder.
    pub name: Option<Name>,
    /// The account.
    pub account: crate::account::AccountIdentifier,
}

/// What a refund is made with beside what the client asked for.
#[derive(Debug, Clone)]
pub struct RefundCreation {
    /// The refund's id.
    pub id: RefundId,
    /// The id of the session that will pay it.
    pub payment_session_id: SessionId,
    /// That session's id for every party.
    pub end_to_end_id: EndToEndId,
    /// Now.
    pub at: Timestamp,
    /// The base URL of our pages.
    pub base_url: String,
    /// What asks the payment's provider for it, if that can make it: for [`Session::amount_to_refund`].
    pub at_provider: Option<RefundAtProvider>,
    /// Marks the write.
    pub write_id: WriteId,
}

/// Why a session can't be refunded, or not by so much; for a client to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotRefundable {
    /// It pays a refund itself.
    #[error("a session that pays a refund can't be refunded")]
    PaysRefund,
    /// It is not completed.
    #[error("a session that is {0} can't be refunded; only one that is sent")]
    NotSent(SessionState),
    /// There is not so much left of it.
    #[error("must be at most {} ({left}), which is what is left of the payment", left.minor())]
    TooMuch {
        /// What is left.
        left: Money,
    },
    /// All of it has been refunded, or is being.
    #[error("can't be refunded: {left} is what is left of the payment")]
    NothingLeft {
        /// What is left: nothing.
        left: Money,
    },
    /// It has been refunded in too many parts.
    #[error("a session can't be refunded more than {MAX_REFUNDS} times, failed refunds included")]
    TooMany,
}

impl Session {
    /// What of it can still be refunded at `now`: nothing unless it is sent, or if it pays a refund itself.
    ///
    /// # Errors
    /// Why nothing ever can, or cannot yet.
    pub fn refundable(&self, now: Timestamp) -> Result<Money, NotRefundable> {
        if self.pays_refund.is_some() {
            return Err(NotRefundable::PaysRefund);
        }
        match self.state_at(now) {
            SessionState::Sent => {
                Ok(self.refundable.map_or(self.amount, |left| Money::new(left, self.amount.currency())))
            }
            state @ (SessionState::AwaitingPayer
            | SessionState::AwaitingProvider
            | SessionState::AwaitingPaymentConsent
            | SessionState::Pending
            | SessionState::Failed
            | SessionState::Cancelled
            | SessionState::Expired) => Err(NotRefundable::NotSent(state)),
        }
    }

    /// How much a new refund of it is for, if this is `asked` for at `now`: all that is left if nothing is.
    ///
    /// # Errors
    /// See [`NotRefundable`].
    pub fn amount_to_refund(&self, asked: Option<MinorUnits>, now: Timestamp) -> Result<Money, NotRefundable> {
        let left = self.refundable(now)?;
        if self.refund_count >= MAX_REFUNDS {
            return Err(NotRefundable::TooMany);
        }
        if left.minor() < 1 {
            return Err(NotRefundable::NothingLeft { left });
        }
        let amount = asked.map_or(left, |minor| Money::new(minor, self.amount.currency()));
        if amount.minor() > left.minor() || amount.minor() < 1 {
            return Err(NotRefundable::TooMuch { left });
        }
        Ok(amount)
    }
}

impl Refund {
    /// A new refund of `session`; and the session that pays it, if no provider does and the customer's account is known.
    ///
    /// # Errors
    /// See [`NotRefundable`].
    pub fn create(
        session: &Session,
        new: NewRefund,
        creation: RefundCreation,
    ) -> Result<(Self, Option<Session>), NotRefundable> {
        let RefundCreation { id, payment_session_id, end_to_end_id, at, base_url, at_provider, write_id } = creation;
        let amount = session.amount_to_refund(new.amount, at)?;
        let has_email = session.payer.as_ref().is_some_and(|payer| payer.email.is_some());
        let given = new.payee.map(|RefundPayee { name, account }| {
            let payer_name = session.payer.as_ref().map(|payer| payer.name.clone());
            // A session that is sent has a payer; its own payee's name only has to be some name.
            let name = name.or(payer_name).unwrap_or_else(|| session.payee.name.clone());
            Payee { name, account }
        });
        let is_at_provider = at_provider.is_some();
        // The provider pays back to where the payment came from, and nobody goes through a checkout.
        let payee = session.payer_account.clone().or(given).filter(|_| !is_at_provider);
        let [success_url, error_url] = [new.success_url, new.error_url].map(|url| url.filter(|_| !is_at_provider));
        let awaits_details = payee.is_none() && !is_at_provider;
        let state = if awaits_details { RefundState::AwaitingDetails } else { RefundState::AwaitingPayment };
        let mut refund = Self {
            id,
            session_id: session.id,
            merchant_id: session.merchant_id.clone(),
            mode: session.mode,
            format: session.format,
            list_shard: session.list_shard,
            amount,
            reference: new.reference.unwrap_or_else(|| session.reference.clone()),
            created_at: at,
            expires_at: at.checked_add(DETAILS_LIFETIME).unwrap_or(Timestamp::MAX),
            base_url,
            success_url,
            error_url,
            has_email,
            email_receipt: session.email_receipt,
            state,
            history: History::begin(state, at, RefundEvent::Created, write_id.clone()),
            payment_session_id: None,
            submitted: is_at_provider,
            open_at_consent: false,
            at_provider,
        };
        let payment =
            payee.map(|payee| refund.begin_payment(session, payee, payment_session_id, end_to_end_id, at, write_id));
        Ok((refund, payment))
    }

    /// The customer of `session` said where the money goes: the refund moves on to awaiting_payment. Returns the
    /// session that pays it.
    pub fn give_details(
        &mut self,
        session: &Session,
        payee: Payee,
        payment_session_id: SessionId,
        end_to_end_id: EndToEndId,
        at: Timestamp,
        write_id: WriteId,
    ) -> Session {
        let payment = self.begin_payment(session, payee, payment_session_id, end_to_end_id, at, write_id.clone());
        self.history.append(self.state, at, RefundEvent::DetailsGiven, write_id);
        payment
    }

    /// Turns to awaiting_payment, with a session of the longest lifetime from the refunded session's payee to `payee`.
    fn begin_payment(
        &mut self,
        session: &Session,
        payee: Payee,
        id: SessionId,
        end_to_end_id: EndToEndId,
        at: Timestamp,
        write_id: WriteId,
    ) -> Session {
        // A reference is always a name, and short enough to stand after another word.
        let item = Name::try_from(format!("Refund of {}", session.reference.as_str()));
        let name = item.unwrap_or_else(|_| session.payee.name.clone());
        let new = NewSession {
            line_items: vec![LineItem { name, description: None, unit_price: self.amount, quantity: 1 }],
            payer: Some(Payer { name: session.payee.name.clone(), email: None, phone: None }),
            success_url: self.success_url.take(),
            error_url: self.error_url.take(),
            lifetime: Lifetime::MAX,
            ..NewSession::new(self.format, self.amount, payee, self.reference.clone())
        };
        let creation = Creation {
            id,
            end_to_end_id,
            merchant_id: self.merchant_id.clone(),
            mode: self.mode,
            list_shard: self.list_shard,
            at,
            base_url: self.base_url.clone(),
            write_id,
        };
        let pays_refund = Some(PaysRefund { refund_id: self.id, session_id: self.session_id });
        let payment = Session { pays_refund, ..Session::create(new, creation) };
        self.state = RefundState::AwaitingPayment;
        self.payment_session_id = Some(id);
        self.expires_at = payment.expires_at;
        payment
    }

    /// The state at `now`: what waits past `expires_at` has failed, even before that is written down.
    pub fn state_at(&self, now: Timestamp) -> RefundState {
        if self.has_expired_at(now) { RefundState::Failed } else { self.state }
    }

    /// Whether it has failed by time and that is not written down yet.
    pub fn has_expired_at(&self, now: Timestamp) -> bool {
        !self.state.is_final() && !self.submitted && !self.open_at_consent && now >= self.expires_at
    }

    /// What is known of it at its provider, while that makes it and has not said how it ended.
    pub fn open_at_provider(&self) -> Option<&RefundAtProvider> {
        self.at_provider.as_ref().filter(|_| !self.state.is_final())
    }

    /// Why it failed, if it did.
    pub fn failure_reason_at(&self, now: Timestamp) -> Option<RefundEvent> {
        if self.has_expired_at(now) {
            return Some(RefundEvent::TimePassed);
        }
        match self.state {
            RefundState::AwaitingDetails | RefundState::AwaitingPayment | RefundState::Sent => None,
            RefundState::Failed => self.history.last().map(|entry| entry.cause),
        }
    }

    /// When the money was sent back, if it was.
    pub fn sent_at(&self) -> Option<Timestamp> {
        self.history.first_at(RefundState::Sent)
    }

    /// The refund as it was when it was made; what its making answered.
    #[must_use]
    pub fn as_created(self) -> Self {
        self.as_of(1)
    }

    /// The refund as it was when history entry `sequence` (from 1) was its last.
    #[must_use]
    pub fn as_of(mut self, sequence: usize) -> Self {
        self.history.truncate(sequence);
        self.state = self.history.state().unwrap_or(self.state);
        match self.state {
            RefundState::AwaitingDetails => {
                self.payment_session_id = None;
                self.submitted = false;
                self.open_at_consent = false;
            }
            RefundState::AwaitingPayment => {
                self.submitted = self.at_provider.is_some();
                self.open_at_consent = false;
                self.at_provider.iter_mut().for_each(|at_provider| at_provider.id = None);
            }
            RefundState::Sent | RefundState::Failed => {}
        }
        self
    }

    /// The customer's page.
    pub fn page_url(&self) -> String {
        format!("{}/refunds/{}", self.base_url, self.id)
    }
}

/// How much of a session's amount is left after these refunds, all of them its own, at `now`.
pub fn left_of(amount: Money, refunds: &[Refund], now: Timestamp) -> Money {
    let taken: i64 = refunds
        .iter()
        .filter(|refund| refund.state_at(now) != RefundState::Failed)
        .map(|refund| refund.amount.minor())
        .fold(0, i64::saturating_add);
    Money::new(MinorUnits::new(amount.minor().saturating_sub(taken)), amount.currency())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::account::AccountIdentifier;
    use crate::attempt::ProviderRequest;
    use crate::list_shards::ListShards;
    use crate::money::Currency;
    use crate::text::EmailAddress;
    use crate::transition::SessionEvent;

    const NOW: Timestamp = Timestamp::constant(1_772_000_000, 0);

    fn later(duration: SignedDuration) -> Timestamp {
        NOW.checked_add(duration).unwrap()
    }

    fn name(text: &str) -> Name {
        text.to_owned().try_into().unwrap()
    }

    fn account(number: &str) -> AccountIdentifier {
        AccountIdentifier::uk("040004", number).unwrap()
    }

    fn write_id(text: &str) -> WriteId {
        text.parse().unwrap()
    }

    /// A session of so much that was sent, from an account that is known or isn't.
    fn paid(minor: i64, shared: bool) -> Session {
        let amount = Money::new(MinorUnits::new(minor), Currency::GBP);
        let payee = Payee { name: name("Gerald Wiley"), account: account("12345678") };
        let email = Some(EmailAddress::try_from("ada@example.com".to_owned()).unwrap());
        let new = NewSession {
            payer: Some(Payer { name: name("Ada Payer"), email, phone: None }),
            email_receipt: true,
            ..NewSession::new(WireFormat::Banked, amount, payee, "Illuminate".to_owned().try_into().unwrap())
        };
        let creation = Creation {
            id: SessionId::new(Uuid::from_u128(1)),
            end_to_end_id: EndToEndId::new(Uuid::from_u128(2)),
            merchant_id: "demo".parse().unwrap(),
            mode: Mode::Test,
            list_shard: ListShards::MAX.shard_of(&SessionId::new(Uuid::from_u128(1))),
            at: NOW,
            base_url: "http://127.0.0.1:3000".to_owned(),
            write_id: write_id("w1"),
        };
        let mut session = Session::create(new, creation);
        session.state = SessionState::Sent;
        session.history.append(SessionState::Sent, NOW, SessionEvent::Settled, write_id("w2"));
        session.payer_account = shared.then(|| Payee { name: name("Ada Payer"), account: account("87654321") });
        session
    }

    fn new_refund(amount: Option<i64>) -> NewRefund {
        let url = |text: &str| MerchantUrl::try_from(text.to_owned()).ok();
        NewRefund {
            session_id: SessionId::new(Uuid::from_u128(1)),
            amount: amount.map(MinorUnits::new),
            reference: None,
            success_url: url("http://example.com/success?id=__PAYMENT_ID__"),
            error_url: url("http://example.com/error"),
            payee: None,
        }
    }

    fn creation() -> RefundCreation {
        RefundCreation {
            id: RefundId::new(Uuid::from_u128(3)),
            payment_session_id: SessionId::new(Uuid::from_u128(4)),
            end_to_end_id: EndToEndId::new(Uuid::from_u128(5)),
            at: NOW,
            base_url: "http://127.0.0.1:3000".to_owned(),
            at_provider: None,
            write_id: write_id("w3"),
        }
    }

    #[test]
    fn a_known_account_is_paid_by_a_session_of_the_same_merchant() {
        let session = paid(400, true);
        let (refund, payment) = Refund::create(&session, new_refund(Some(150)), creation()).unwrap();
        let payment = payment.unwrap();
        assert_eq!((refund.state, refund.payment_session_id), (RefundState::AwaitingPayment, Some(payment.id)));
        assert_eq!((payment.amount.minor(), payment.state), (150, SessionState::AwaitingProvider));
        assert_eq!(Some(payment.payee), session.payer_account);
        assert_eq!(payment.payer.map(|payer| payer.name), Some(session.payee.name));
        assert_eq!((payment.merchant_id, payment.mode), (session.merchant_id, session.mode));
        assert!(!session.list_shard.is_first());
        assert_eq!((refund.list_shard, payment.list_shard), (session.list_shard, session.list_shard));
        assert_eq!(payment.success_url.unwrap().as_str(), "http://example.com/success?id=__PAYMENT_ID__");
        assert_eq!(payment.pays_refund, Some(PaysRefund { refund_id: refund.id, session_id: session.id }));
        assert_eq!((refund.expires_at, refund.success_url), (payment.expires_at, None));
        assert!(!payment.email_receipt);
    }

    #[test]
    fn a_given_account_is_used_where_none_is_known_and_else_ignored() {
        let given = |name| Some(RefundPayee { name, account: account("11112222") });
        for (shared, payee_name, expected) in [
            (false, None, ("Ada Payer", "11112222")),
            (false, Some(name("Ada Lovelace")), ("Ada Lovelace", "11112222")),
            (true, Some(name("Ada Lovelace")), ("Ada Payer", "87654321")),
        ] {
            let new = NewRefund { payee: given(payee_name), ..new_refund(None) };
            let payee = Refund::create(&paid(400, shared), new, creation()).unwrap().1.unwrap().payee;
            assert_eq!((payee.name.as_str(), payee.account), (expected.0, account(expected.1)));
        }
    }

    #[test]
    fn an_unknown_account_is_asked_for_and_then_paid() {
        let session = paid(400, false);
        let (mut refund, payment) = Refund::create(&session, new_refund(None), creation()).unwrap();
        assert!(payment.is_none() && refund.payment_session_id.is_none());
        assert_eq!((refund.state, refund.amount), (RefundState::AwaitingDetails, session.amount));
        let first = refund.clone();
        let payee = Payee { name: name("Ada"), account: account("11112222") };
        let (id, end_to_end_id) = (SessionId::new(Uuid::from_u128(4)), EndToEndId::new(Uuid::from_u128(5)));
        let payment = refund.give_details(&session, payee.clone(), id, end_to_end_id, NOW, write_id("w4"));
        assert_eq!((payment.payee, payment.pays_refund.unwrap().refund_id), (payee, refund.id));
        assert_eq!((refund.state, refund.payment_session_id), (RefundState::AwaitingPayment, Some(id)));
        assert!(payment.success_url.is_some() && refund.success_url.is_none());
        assert!(
            [("w1", false), ("w3", true), ("w4", true)].map(|(id, own)| refund.history.has_write(&write_id(id)) == own)
                == [true; 3]
        );
        // What was answered first is what is answered again.
        let again = refund.as_created();
        assert_eq!((again.state, again.payment_session_id), (first.state, first.payment_session_id));
        assert_eq!(again.history, first.history);
    }

    #[test]
    fn one_that_a_provider_makes_has_no_session_and_only_the_provider_ends_it() {
        let request = ProviderRequest { idempotency_key: "refund-3".to_owned(), body: "{}".to_owned() };
        let at_provider = RefundAtProvider {
            provider: "consent-bank".parse().unwrap(),
            payment_id: "pay_1".parse().unwrap(),
            request,
            id: None,
        };
        for shared in [true, false] {
            let creation = RefundCreation { at_provider: Some(at_provider.clone()), ..creation() };
            let payee = Some(RefundPayee { name: None, account: account("11112222") });
            let new = NewRefund { payee, ..new_refund(Some(150)) };
            let (mut refund, payment) = Refund::create(&paid(400, shared), new, creation).unwrap();
            let first = refund.clone();
            assert_eq!((payment, refund.payment_session_id, &refund.success_url), (None, None, &None));
            assert_eq!((refund.amount.minor(), refund.state), (150, RefundState::AwaitingPayment));
            assert!(refund.submitted && refund.open_at_provider() == Some(&at_provider));
            for days in [30, 3000] {
                assert_eq!(refund.state_at(later(SignedDuration::from_hours(24 * days))), RefundState::AwaitingPayment);
            }
            refund.at_provider.iter_mut().for_each(|at_provider| at_provider.id = Some("ref_1".parse().unwrap()));
            refund.state = RefundState::Sent;
            refund.history.append(refund.state, NOW, RefundEvent::Settled, write_id("w4"));
            assert_eq!(refund.open_at_provider(), None);
            assert_eq!(refund.as_created(), first);
        }
        // What an earlier release has stored has no provider, and nothing new is written of it.
        let (refund, _) = Refund::create(&paid(400, true), new_refund(None), creation()).unwrap();
        let stored = serde_json::to_value(&refund).unwrap();
        assert!(stored.get("at_provider").is_none());
        assert_eq!(serde_json::from_value::<Refund>(stored).unwrap(), refund);
    }

    #[test]
    fn only_what_is_sent_and_pays_no_refund_is_refundable() {
        let mut session = paid(400, true);
        for state in SessionState::ALL {
            session.state = state;
            // Past its time, what awaited the payer has expired.
            let late = later(SignedDuration::from_hours(25));
            for at in [NOW, late] {
                let seen = session.state_at(at);
                let expected =
                    if seen == SessionState::Sent { Ok(session.amount) } else { Err(NotRefundable::NotSent(seen)) };
                assert_eq!(session.refundable(at), expected);
                let creation = RefundCreation { at, ..creation() };
                let made = Refund::create(&session, new_refund(None), creation).map(|(refund, _)| refund.amount);
                assert_eq!(made, expected);
            }
        }
        let (_, payment) = Refund::create(&paid(400, true), new_refund(None), creation()).unwrap();
        let mut payment = payment.unwrap();
        payment.state = SessionState::Sent;
        assert_eq!(payment.refundable(NOW), Err(NotRefundable::PaysRefund));
        let worn = Session { refund_count: MAX_REFUNDS, ..paid(400, true) };
        assert_eq!(Refund::create(&worn, new_refund(None), creation()).unwrap_err(), NotRefundable::TooMany);
    }

    #[test]
    fn time_ends_what_waits_and_never_what_is_submitted() {
        let day = |days: i64| later(SignedDuration::from_hours(24 * days));
        let (asked, _) = Refund::create(&paid(400, false), new_refund(None), creation()).unwrap();
        assert_eq!(asked.state_at(day(29)), RefundState::AwaitingDetails);
        assert_eq!(
            (asked.state_at(day(30)), asked.failure_reason_at(day(30))),
            (RefundState::Failed, Some(RefundEvent::TimePassed))
        );
        let (mut known, _) = Refund::create(&paid(400, true), new_refund(None), creation()).unwrap();
        assert_eq!(known.state_at(day(6)), RefundState::AwaitingPayment);
        assert!(known.has_expired_at(day(7)));
        known.submitted = true;
        assert_eq!((known.state_at(day(100)), known.failure_reason_at(day(100))), (RefundState::AwaitingPayment, None));
        known.submitted = false;
        known.open_at_consent = true;
        assert_eq!((known.state_at(day(100)), known.has_expired_at(day(100))), (RefundState::AwaitingPayment, false));
        known.open_at_consent = false;
        known.state = RefundState::Sent;
        assert_eq!((known.state_at(day(100)), known.has_expired_at(day(100))), (RefundState::Sent, false));
    }

    proptest! {
        #[test]
        fn no_more_is_refunded_than_was_paid(
            minor in 1..=1_000_i64,
            asked in prop::collection::vec((prop::option::of(1..=600_i64), any::<bool>()), 1..30),
        ) {
            let mut session = paid(minor, true);
            let mut refunds: Vec<Refund> = Vec::new();
            for (amount, fails) in asked {
                let left = left_of(session.amount, &refunds, NOW);
                prop_assert_eq!(session.refundable(NOW), Ok(left));
                match Refund::create(&session, new_refund(amount), creation()) {
                    Ok((mut refund, _)) => {
                        prop_assert!(refund.amount.minor() >= 1 && refund.amount.minor() <= left.minor());
                        prop_assert_eq!(refund.amount.minor(), amount.unwrap_or(left.minor()));
                        if fails {
                            refund.state = RefundState::Failed;
                        } else {
                            session.refundable = Some(MinorUnits::new(left.minor() - refund.amount.minor()));
                        }
                        refunds.push(refund);
                    }
                    Err(why) => {
                        let nothing = left.minor() == 0;
                        let expected =
                            if nothing { NotRefundable::NothingLeft { left } } else { NotRefundable::TooMuch { left } };
                        prop_assert_eq!(why, expected);
                        prop_assert!(nothing || amount.is_some_and(|amount| amount > left.minor()));
                    }
                }
                prop_assert!(left_of(session.amount, &refunds, NOW).minor() >= 0);
            }
        }
    }
}
