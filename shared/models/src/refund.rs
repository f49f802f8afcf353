//! The refund: what it is, and what it may be made of.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::account::Payee;
use crate::ids::{EndToEndId, MerchantId, RefundId, SessionId, WriteId};
use crate::merchant::Mode;
use crate::money::{MinorUnits, Money};
use crate::new_session::{Lifetime, LineItems, Metadata, NewSession};
use crate::refund_transition::{RefundEvent, RefundState};
use crate::session::{Creation, HistoryEntry, Payer, PaysRefund, Session};
use crate::text::{MerchantUrl, Name, Reference};
use crate::transition::SessionState;

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
    /// How much.
    pub amount: Money,
    /// What stands on the customer's bank statement.
    pub reference: Reference,
    /// When it was made.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub created_at: Timestamp,
    /// Until when the details can be given, or, from then on, the payment session be submitted.
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
    /// Whether the customer is told by e-mail that the money is sent: as the refunded session had it.
    pub email_receipt: bool,
    /// The current state as stored; ask [`Refund::state_at`] instead, which knows the time.
    pub state: RefundState,
    /// Everything that happened, oldest first; never empty.
    pub history: Vec<HistoryEntry<RefundState, RefundEvent>>,
    /// The session that pays it, from awaiting_payment on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_session_id: Option<SessionId>,
    /// Whether that session was submitted: then only the bank ends it.
    #[serde(default)]
    pub submitted: bool,
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
    /// It has been refunded in too many parts.
    #[error("a session can't be refunded more than {MAX_REFUNDS} times, failed refunds included")]
    TooMany,
}

impl Refund {
    /// A new refund of `session`, and, if the customer's account is known, the session that pays it.
    ///
    /// # Errors
    /// See [`NotRefundable`].
    pub fn create(
        session: &Session,
        new: NewRefund,
        creation: RefundCreation,
    ) -> Result<(Self, Option<Session>), NotRefundable> {
        let left = session.refundable(creation.at)?;
        if session.refund_count >= MAX_REFUNDS {
            return Err(NotRefundable::TooMany);
        }
        let amount = new.amount.map_or(left, |minor| Money::new(minor, session.amount.currency()));
        if amount.minor() > left.minor() || amount.minor() < 1 {
            return Err(NotRefundable::TooMuch { left });
        }
        let RefundCreation { id, payment_session_id, end_to_end_id, at, base_url, write_id } = creation;
        let has_email = session.payer.as_ref().is_some_and(|payer| payer.email.is_some());
        let state = RefundState::AwaitingDetails;
        let mut refund = Self {
            id,
            session_id: session.id,
            merchant_id: session.merchant_id.clone(),
            mode: session.mode,
            amount,
            reference: new.reference.unwrap_or_else(|| session.reference.clone()),
            created_at: at,
            expires_at: at.checked_add(DETAILS_LIFETIME).unwrap_or(Timestamp::MAX),
            base_url,
            success_url: new.success_url,
            error_url: new.error_url,
            has_email,
            email_receipt: session.email_receipt,
            state,
            history: Vec::new(),
            payment_session_id: None,
            submitted: false,
        };
        let given = new.payee.map(|RefundPayee { name, account }| {
            let payer_name = session.payer.as_ref().map(|payer| payer.name.clone());
            // A session that is sent has a payer; its own payee's name only has to be some name.
            let name = name.or(payer_name).unwrap_or_else(|| session.payee.name.clone());
            Payee { name, account }
        });
        let payment =
            session.payer_account.clone().or(given).map(|payee| {
                refund.begin_payment(session, payee, payment_session_id, end_to_end_id, at, write_id.clone())
            });
        refund.history.push(HistoryEntry { state: refund.state, at, cause: RefundEvent::Created, write_id });
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
        self.history.push(HistoryEntry { state: self.state, at, cause: RefundEvent::DetailsGiven, write_id });
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
        let new = NewSession {
            line_items: LineItems::one(item.unwrap_or_else(|_| session.payee.name.clone()), self.amount),
            payee,
            payer: Some(Payer { name: session.payee.name.clone(), email: None }),
            reference: self.reference.clone(),
            success_url: self.success_url.take(),
            error_url: self.error_url.take(),
            email_receipt: false,
            metadata: Metadata::default(),
            lifetime: Lifetime::MAX,
        };
        let creation = Creation {
            id,
            end_to_end_id,
            merchant_id: self.merchant_id.clone(),
            mode: self.mode,
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
        if self.has_lapsed_at(now) { RefundState::Failed } else { self.state }
    }

    /// Whether it has failed by time and that is not written down yet.
    pub fn has_lapsed_at(&self, now: Timestamp) -> bool {
        !self.state.is_final() && !self.submitted && now >= self.expires_at
    }

    /// Why it failed, if it did.
    pub fn failure_reason_at(&self, now: Timestamp) -> Option<RefundEvent> {
        if self.has_lapsed_at(now) {
            return Some(RefundEvent::TimePassed);
        }
        match self.state {
            RefundState::AwaitingDetails | RefundState::AwaitingPayment | RefundState::Sent => None,
            RefundState::Failed => self.history.last().map(|entry| entry.cause),
        }
    }

    /// The refund as it was when it was made; what its making answered.
    #[must_use]
    pub fn as_created(self) -> Self {
        self.as_of(1)
    }

    /// The refund as it was when history entry `sequence` (from 1) was its last.
    #[must_use]
    pub fn as_of(mut self, sequence: usize) -> Self {
        self.history.truncate(sequence.max(1));
        if let Some(last) = self.history.last() {
            self.state = last.state;
        }
        if self.state == RefundState::AwaitingDetails {
            self.payment_session_id = None;
        }
        self
    }

    /// Whether `write_id` marks a write that made this refund what it is.
    pub fn bears(&self, write_id: &WriteId) -> bool {
        self.history.iter().any(|entry| entry.write_id == *write_id)
    }

    /// The customer's page.
    pub fn page_url(&self) -> String {
        format!("{}/refunds/{}", self.base_url, self.id)
    }
}

/// What of a session's amount is not taken up by these refunds, all of them its own, at `now`.
pub fn left_of(amount: Money, refunds: &[Refund], now: Timestamp) -> Money {
    let taken: i64 = refunds
        .iter()
        .filter(|refund| refund.state_at(now) != RefundState::Failed)
        .map(|refund| refund.amount.minor())
        .fold(0, i64::saturating_add);
    Money::new(MinorUnits::new(amount.minor().saturating_sub(taken)), amount.currency())
}
