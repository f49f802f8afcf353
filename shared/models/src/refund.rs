//! The refund: what it is, and what it may be made of.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::account::{AccountIdentifier, AccountKind, Payee, Payer};
use crate::history::History;
use crate::ids::{EndToEndId, MerchantId, RefundId, SessionId, WriteId};
use crate::list_shards::ListShard;
use crate::mode::Mode;
use crate::money::{Currency, MinorUnits, Money};
use crate::new_session::{Lifetime, LineItem, NewSession};
use crate::refund_at_provider::RefundAtProvider;
use crate::refund_transition::{RefundEvent, RefundState};
use crate::session::{Creation, PaysRefund, Session};
use crate::test_clock::OnClock;
use crate::text::{MerchantUrl, Name, Reference};
use crate::transition::{SessionEvent, SessionState};
use crate::wire_format::{Extra, WireFormat};

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
    /// What that format keeps of it for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Extra>,
    /// In which of its merchant's lists' shards its events are: the session's, as is what pays it.
    #[serde(default, skip_serializing_if = "ListShard::is_first")]
    pub list_shard: ListShard,
    /// How much.
    pub amount: Money,
    /// What stands on the customer's bank statement.
    pub reference: Reference,
    /// The test clock that it follows, if the session does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_clock: Option<OnClock>,
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
    /// What its format keeps of it for itself.
    pub extra: Option<Extra>,
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

impl NewRefund {
    /// One of all that is left of this session, of which nothing more is said.
    pub const fn of(session_id: SessionId) -> Self {
        Self { session_id, extra: None, amount: None, reference: None, success_url: None, error_url: None, payee: None }
    }
}

/// An account that a client gives for a refund. Without a name it is the payer's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundPayee {
    /// The account holder.
    pub name: Option<Name>,
    /// The account.
    pub account: AccountIdentifier,
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

/// An account can't receive the refund's currency ([`AccountIdentifier::receives`]); reads on after the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("can't be paid in {0}")]
pub struct WrongAccount(Currency);

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
    /// Its money was taken back.
    #[error("a payment whose money was taken back can't be refunded")]
    TakenBack,
    /// The account that the client gave is none of its currency.
    #[error(transparent)]
    WrongAccount(#[from] WrongAccount),
    /// Its provider doesn't make the refund, and no bank could.
    #[error("a payment in {0} can't be refunded unless its provider makes the refund")]
    NotByBank(Currency),
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
            SessionState::Sent if self.taken_back.is_some() => Err(NotRefundable::TakenBack),
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
    /// A new refund of `session`; and the session that pays it, if no provider does and an account of the customer's is known that
    /// can receive its currency.
    ///
    /// # Errors
    /// See [`NotRefundable`].
    pub fn create(
        session: &Session,
        new: NewRefund,
        creation: RefundCreation,
    ) -> Result<(Self, Option<Session>), NotRefundable> {
        let RefundCreation { id, payment_session_id, end_to_end_id, at, base_url, at_provider, write_id } = creation;
        let at = session.now(at);
        let amount = session.amount_to_refund(new.amount, at)?;
        let currency = amount.currency();
        if let Some(given) = &new.payee {
            check_receives(&given.account, currency)?;
        }
        if at_provider.is_none() && AccountKind::of_refund(currency).is_none() {
            return Err(NotRefundable::NotByBank(currency));
        }
        let has_email = session.payer.as_ref().is_some_and(|payer| payer.email.is_some());
        let given = new.payee.map(|RefundPayee { name, account }| {
            let payer_name = session.payer.as_ref().map(|payer| payer.name.clone());
            // A session that is sent has a payer; its own payee's name only has to be some name.
            let name = name.or(payer_name).unwrap_or_else(|| session.payee.name.clone());
            Payee { name, account }
        });
        let is_at_provider = at_provider.is_some();
        // The provider pays back to where the payment came from, and nobody goes through a checkout.
        let paid_from = session.payer_account.clone().filter(|payer| payer.account.receives(currency));
        let payee = paid_from.or(given).filter(|_| !is_at_provider);
        let [success_url, error_url] = [new.success_url, new.error_url].map(|url| url.filter(|_| !is_at_provider));
        let awaits_details = payee.is_none() && !is_at_provider;
        let state = if awaits_details { RefundState::AwaitingDetails } else { RefundState::AwaitingPayment };
        let mut refund = Self {
            id,
            session_id: session.id,
            merchant_id: session.merchant_id.clone(),
            mode: session.mode,
            format: session.format,
            extra: new.extra,
            list_shard: session.list_shard,
            amount,
            reference: new.reference.unwrap_or_else(|| session.reference.clone()),
            test_clock: session.test_clock,
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
        Ok((refund, payment.transpose()?))
    }

    /// The customer of `session` said where the money goes: the refund moves on to awaiting_payment. Returns the
    /// session that pays it.
    ///
    /// # Errors
    /// The account can't receive the refund's currency; nothing has changed.
    pub fn give_details(
        &mut self,
        session: &Session,
        payee: Payee,
        payment_session_id: SessionId,
        end_to_end_id: EndToEndId,
        at: Timestamp,
        write_id: WriteId,
    ) -> Result<Session, WrongAccount> {
        let at = self.now(at);
        let payment = self.begin_payment(session, payee, payment_session_id, end_to_end_id, at, write_id.clone())?;
        self.history.append(self.state, at, RefundEvent::DetailsGiven, write_id);
        Ok(payment)
    }

    /// Turns to awaiting_payment, with a session of the longest lifetime from the refunded session's payee to `payee`. A live one
    /// asks first for an e-mail address of the merchant's, which its provider may need and nobody knows here.
    fn begin_payment(
        &mut self,
        session: &Session,
        payee: Payee,
        id: SessionId,
        end_to_end_id: EndToEndId,
        at: Timestamp,
        write_id: WriteId,
    ) -> Result<Session, WrongAccount> {
        check_receives(&payee.account, self.amount.currency())?;
        // A reference is always a name, and short enough to stand after another word.
        let item = Name::try_from(format!("Refund of {}", session.reference.as_str()));
        let name = item.unwrap_or_else(|_| session.payee.name.clone());
        let new = NewSession {
            line_items: vec![LineItem { name, description: None, unit_price: self.amount, quantity: 1 }],
            payer: Some(Payer { name: session.payee.name.clone(), email: None, phone: None }),
            success_url: self.success_url.take(),
            error_url: self.error_url.take(),
            lifetime: Lifetime::MAX,
            ..NewSession::new(self.format, self.amount, payee, Some(self.reference.clone()))
        };
        let creation = Creation {
            id,
            end_to_end_id,
            merchant_id: self.merchant_id.clone(),
            mode: self.mode,
            list_shard: self.list_shard,
            at,
            test_clock: self.test_clock,
            base_url: self.base_url.clone(),
            write_id: write_id.clone(),
        };
        let pays_refund = Some(PaysRefund { refund_id: self.id, session_id: self.session_id });
        let mut payment = Session { pays_refund, ..Session::create(new, creation) };
        if self.mode == Mode::Live {
            payment.state = SessionState::AwaitingPayer;
            payment.payer_named_at_creation = true;
            payment.history = History::begin(payment.state, at, SessionEvent::Created, write_id);
        }
        self.state = RefundState::AwaitingPayment;
        self.payment_session_id = Some(id);
        self.expires_at = payment.expires_at;
        Ok(payment)
    }

    /// The time that it goes by: its test clock's, if it follows one, else the `real` one.
    pub fn now(&self, real: Timestamp) -> Timestamp {
        OnClock::time(self.test_clock.as_ref(), real)
    }

    /// The state at `now`: what waits past `expires_at` has failed, even before that is written down.
    pub fn state_at(&self, now: Timestamp) -> RefundState {
        if self.has_expired_at(now) { RefundState::Failed } else { self.state }
    }

    /// Whether it has failed by time and that is not written down yet.
    pub fn has_expired_at(&self, now: Timestamp) -> bool {
        !self.state.is_final() && !self.submitted && !self.open_at_consent && self.now(now) >= self.expires_at
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

    /// Without where its customer was to be led, and what its merchant noted of it.
    #[must_use]
    pub fn erased(self) -> Self {
        Self { success_url: None, error_url: None, extra: None, ..self }
    }

    /// Whether [`Refund::erased`] has nothing to remove.
    pub const fn is_erased(&self) -> bool {
        self.success_url.is_none() && self.error_url.is_none() && self.extra.is_none()
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
        let happened_at = self.history.last_at().unwrap_or(self.created_at);
        self.test_clock = self.test_clock.map(|clock| clock.at(happened_at));
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

    /// Where the merchant authorises what pays it, while that is awaited at `now`.
    pub fn authorisation_url_at(&self, now: Timestamp) -> Option<String> {
        let awaits = self.state_at(now) == RefundState::AwaitingPayment && !self.submitted;
        let id = self.payment_session_id.filter(|_| awaits)?;
        Some(format!("{}/checkout/{id}", self.base_url))
    }

    /// The customer's page.
    pub fn page_url(&self) -> String {
        format!("{}/refunds/{}", self.base_url, self.id)
    }
}

/// No refund is paid to an account that can't receive it.
fn check_receives(account: &AccountIdentifier, currency: Currency) -> Result<(), WrongAccount> {
    if account.receives(currency) { Ok(()) } else { Err(WrongAccount(currency)) }
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
mod tests;
