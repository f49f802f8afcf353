//! The payment session: what it is, and what may be asked of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::{Payee, Payer};
use crate::attempt::{LateMoney, MAX_ATTEMPTS, PaymentAttempt};
use crate::card::Card;
use crate::history::History;
use crate::ids::{CustomerId, EndToEndId, MerchantId, RefundId, SessionId, WriteId};
use crate::list_shards::ListShard;
use crate::mode::Mode;
use crate::money::{MinorUnits, Money};
use crate::new_session::{LineItem, Metadata, NewSession};
use crate::offer_limits::OfferLimits;
use crate::payment_method::PaymentMethods;
use crate::received::Received;
use crate::taken_back::TakenBack;
use crate::test_clock::OnClock;
use crate::text::{Description, Locale, MerchantUrl, Reference};
use crate::transition::{SessionEvent, SessionState};
use crate::wire_format::{Extra, WireFormat};

/// The most entries that a session's history has: each write compares its time with that many.
pub const MAX_HISTORY_ENTRIES: usize = 32;

/// The entries that an attempt may bring: chosen, consented to, ended; and then the session's end.
const ENTRIES_OF_AN_ATTEMPT: usize = 4;

/// The most entries before a choice of a bank. Without a second attempt after consent, [`MAX_ATTEMPTS`] choices never have so
/// many.
pub const MAX_ENTRIES_BEFORE_A_CHOICE: usize = MAX_HISTORY_ENTRIES - ENTRIES_OF_AN_ATTEMPT;

/// What is sent to the bank to move the money: fixed before it is first sent, so that it can only be repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// Our idempotency key with the bank.
    pub idempotency_key: String,
    /// The exact bytes.
    pub body: String,
    /// When it was recorded, which is before it was sent.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub submitted_at: Timestamp,
}

/// A payment session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id, which opens its checkout.
    pub id: SessionId,
    /// Whose it is.
    pub merchant_id: MerchantId,
    /// Test or live, by the key that created it.
    pub mode: Mode,
    /// In whose format it was created.
    #[serde(default, skip_serializing_if = "WireFormat::is_banked")]
    pub format: WireFormat,
    /// What that format keeps of it for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Extra>,
    /// In which of its merchant's lists' shards it and its events are.
    #[serde(default, skip_serializing_if = "ListShard::is_first")]
    pub list_shard: ListShard,
    /// The id that every party sees.
    pub end_to_end_id: EndToEndId,
    /// The test clock that it follows, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_clock: Option<OnClock>,
    /// When it was created.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub created_at: Timestamp,
    /// Until when it can be submitted.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub expires_at: Timestamp,
    /// What is to be paid.
    pub amount: Money,
    /// What is paid for, if the merchant said so item by item; they add up to the amount then.
    pub line_items: Vec<LineItem>,
    /// What is paid for, in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// Who is paid.
    pub payee: Payee,
    /// Who pays, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<Payer>,
    /// Whether the merchant gave the payer's name at creation, and the checkout asks for the address of the receipt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub payer_named_at_creation: bool,
    /// What stands on the bank statement.
    pub reference: Reference,
    /// Where the payer goes after success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_url: Option<MerchantUrl>,
    /// Where the payer goes after failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_url: Option<MerchantUrl>,
    /// Where a payer goes who cancels, if not to where they go after failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_url: Option<MerchantUrl>,
    /// How it can be paid.
    #[serde(default, skip_serializing_if = "PaymentMethods::is_default")]
    pub payment_methods: PaymentMethods,
    /// Which providers of these the payer is offered. Personal data: it says where the payer is, and what.
    #[serde(default, skip_serializing_if = "OfferLimits::is_none")]
    pub offer_limits: OfferLimits,
    /// Whether transfers for it go to an IBAN of its own, by which they are matched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub virtual_iban: bool,
    /// Which of the merchant's customers pays. Personal data: it leads to what is known of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// The payer's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// Whether the payer is sent the checkout's address by e-mail.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub email_link: bool,
    /// Whether the payer may choose again after a refusal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retry: bool,
    /// Whether the payer gets a receipt.
    pub email_receipt: bool,
    /// The merchant's own notes.
    #[serde(default)]
    pub metadata: Metadata,
    /// The checkout's base URL at creation, without a trailing slash.
    pub base_url: String,
    /// The current state as stored; ask [`Session::state_at`] instead, which knows the time.
    pub state: SessionState,
    /// Everything that happened.
    pub history: History,
    /// The latest choice of a bank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<PaymentAttempt>,
    /// What was submitted, once it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission: Option<Submission>,
    /// What has come of it by the payer's transfers, from the first one on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Received>,
    /// The account it was paid from, if the bank said: the payee of a refund. Personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer_account: Option<Payee>,
    /// The card it was paid with, if it was. Personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// That the money was taken back after it was sent, if it was. It stays when the rest is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_back: Option<TakenBack>,
    /// What of it can still be refunded once it is sent; none until the first refund, when it is all of it. Ask
    /// [`Session::refundable`] instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refundable: Option<MinorUnits>,
    /// How many refunds have been made of it, failed ones included.
    #[serde(default)]
    pub refund_count: u32,
    /// Which refund it pays, if it was made for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pays_refund: Option<PaysRefund>,
    /// The first money that moved for an attempt that was over, if any did. It stays when the rest is erased or deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_money: Option<LateMoney>,
    /// Since when personal data is removed, if it is.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::millisecond::optional"
    )]
    pub erased_at: Option<Timestamp>,
}

/// The refund that a session was made to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaysRefund {
    /// The refund.
    pub refund_id: RefundId,
    /// The session that is refunded.
    pub session_id: SessionId,
}

/// What a session is created with beside what the client asked for.
#[derive(Debug, Clone)]
pub struct Creation {
    /// The session's id.
    pub id: SessionId,
    /// The id every party sees.
    pub end_to_end_id: EndToEndId,
    /// Whose it is.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
    /// In which of its merchant's lists' shards it is; see [`crate::ListSharding::shard_of`].
    pub list_shard: ListShard,
    /// Now.
    pub at: Timestamp,
    /// The test clock that it is to follow, if it is.
    pub test_clock: Option<OnClock>,
    /// The checkout's base URL.
    pub base_url: String,
    /// Marks the write.
    pub write_id: WriteId,
}

impl Session {
    /// A new session. With a payer given it begins at the choice of a bank, unless there is no address for the receipt.
    pub fn create(new: NewSession, creation: Creation) -> Self {
        let Creation { id, end_to_end_id, merchant_id, mode, list_shard, at, test_clock, base_url, write_id } =
            creation;
        let (state, payer_named_at_creation) = match new.known_payer() {
            Some(_) => (SessionState::AwaitingProvider, false),
            None => (SessionState::AwaitingPayer, new.payer.is_some()),
        };
        Self {
            id,
            merchant_id,
            mode,
            format: new.format,
            extra: new.extra,
            list_shard,
            end_to_end_id,
            test_clock,
            created_at: at,
            expires_at: at.checked_add(new.lifetime.as_duration()).unwrap_or(Timestamp::MAX),
            amount: new.amount,
            line_items: new.line_items,
            description: new.description,
            payee: new.payee,
            payer: new.payer,
            payer_named_at_creation,
            reference: new.reference.unwrap_or_else(|| Reference::of_payment(&end_to_end_id)),
            success_url: new.success_url,
            error_url: new.error_url,
            cancel_url: new.cancel_url,
            payment_methods: new.payment_methods,
            offer_limits: new.offer_limits,
            virtual_iban: new.virtual_iban,
            customer_id: new.customer_id,
            locale: new.locale,
            email_link: new.email_link,
            retry: new.retry,
            email_receipt: new.email_receipt,
            metadata: new.metadata,
            base_url,
            state,
            history: History::begin(state, at, SessionEvent::Created, write_id),
            attempt: None,
            submission: None,
            payer_account: None,
            card: None,
            taken_back: None,
            refundable: None,
            refund_count: 0,
            pays_refund: None,
            received: None,
            late_money: None,
            erased_at: None,
        }
    }

    /// The session as its creation answered it, whatever has happened since: what a repeated creation answers.
    ///
    /// Everything that the answer shows is fixed at creation but the state, the history, and what was not known of the
    /// payer then; so nothing needs to be kept apart.
    #[must_use]
    pub fn as_created(self) -> Self {
        self.as_of(1)
    }

    /// The session as it was when history entry `sequence` (from 1) was its last. Only the latest attempt is kept, so of an
    /// earlier one nothing is shown.
    #[must_use]
    pub fn as_of(mut self, sequence: usize) -> Self {
        let choices = self.history.count(SessionEvent::BankChosen);
        let consents = self.history.count(SessionEvent::ConsentGiven);
        self.history.truncate(sequence);
        let state = self.history.state().unwrap_or(self.state);
        let chosen = choices > 0 && self.history.count(SessionEvent::BankChosen) == choices;
        let submitted = consents > 0 && self.history.count(SessionEvent::ConsentGiven) == consents;
        let ended = self.last_of_attempt() == Some(SessionEvent::AttemptEnded);
        let payer = match self.payer {
            Some(payer) if state == SessionState::AwaitingPayer => {
                self.payer_named_at_creation.then_some(Payer { email: None, ..payer })
            }
            payer => payer,
        };
        let happened_at = self.history.last_at().unwrap_or(self.created_at);
        Self {
            state,
            payer,
            test_clock: self.test_clock.map(|clock| clock.at(happened_at)),
            attempt: self
                .attempt
                .filter(|_| chosen)
                .map(|attempt| PaymentAttempt { ended: attempt.ended.filter(|_| ended), ..attempt }),
            submission: self.submission.filter(|_| submitted),
            // Only what has come in all is known.
            received: None,
            payer_account: self.payer_account.filter(|_| state == SessionState::Sent),
            card: self.card.filter(|_| state == SessionState::Sent),
            // The first refund comes after all of the history, and late money may.
            refundable: None,
            refund_count: 0,
            late_money: None,
            taken_back: None,
            ..self
        }
    }

    /// What happened last to the latest attempt: that it was chosen, consented to, or ended without the session. None before
    /// the first.
    pub fn last_of_attempt(&self) -> Option<SessionEvent> {
        let mut back = self.history.iter().rev().map(|entry| entry.cause);
        back.find(|cause| {
            matches!(cause, SessionEvent::BankChosen | SessionEvent::ConsentGiven | SessionEvent::AttemptEnded)
        })
    }

    /// Without what is about the payer, and what the merchant or the bank noted of them. The account that a refund is paid
    /// to is the payer's; any other payee is the merchant. Amounts, states and what stands on bank statements stay.
    #[must_use]
    pub fn erased(self, now: Timestamp) -> Self {
        Self {
            payer: None,
            payer_account: None,
            card: None,
            payee: if self.pays_refund.is_some() { Payee::erased() } else { self.payee },
            attempt: None,
            // That it was submitted, when, and under which key stays.
            submission: self.submission.map(|submission| Submission { body: String::new(), ..submission }),
            success_url: None,
            error_url: None,
            cancel_url: None,
            customer_id: None,
            offer_limits: OfferLimits::default(),
            locale: None,
            extra: None,
            metadata: Metadata::default(),
            erased_at: Some(now),
            ..self
        }
    }

    /// The time that it goes by: its test clock's, if it follows one, else the `real` one.
    pub fn now(&self, real: Timestamp) -> Timestamp {
        OnClock::time(self.test_clock.as_ref(), real)
    }

    /// The state at `now`: what awaits the payer past `expires_at` has expired, even before that is written down. The clock
    /// alone ends nothing while the money of an open attempt may move.
    pub fn state_at(&self, now: Timestamp) -> SessionState {
        let now = self.now(now);
        let expires = self.state.is_awaiting() && self.open_at_consent().is_none();
        if expires && now >= self.expires_at { SessionState::Expired } else { self.state }
    }

    /// The attempt that is open and whose money moves at the payer's consent, if there is one: it may move at any time, and
    /// only the provider knows.
    pub fn open_at_consent(&self) -> Option<&PaymentAttempt> {
        match self.state {
            SessionState::AwaitingPaymentConsent | SessionState::Pending => {
                self.attempt.as_ref().filter(|attempt| attempt.at_consent.is_some())
            }
            SessionState::AwaitingPayer
            | SessionState::AwaitingProvider
            | SessionState::Sent
            | SessionState::Failed
            | SessionState::Cancelled
            | SessionState::Expired => None,
        }
    }

    /// Since when it has been pending, if it ever was: when its submission was recorded; at consent, when the provider's word
    /// was.
    pub fn pending_since(&self) -> Option<Timestamp> {
        let submitted_at = self.submission.as_ref().map(|submission| submission.submitted_at);
        let consented = self.last_of_attempt() == Some(SessionEvent::ConsentGiven);
        submitted_at.or_else(|| self.history.latest_at(SessionEvent::ConsentGiven).filter(|_| consented))
    }

    /// Whether a payer ever consented to paying it.
    pub fn was_submitted(&self) -> bool {
        self.submission.is_some() || self.history.has(SessionEvent::ConsentGiven)
    }

    /// Whether there may be another choice of a bank, by number: at most [`MAX_ATTEMPTS`], and none after
    /// [`MAX_ENTRIES_BEFORE_A_CHOICE`] history entries.
    pub fn may_choose_again(&self) -> bool {
        self.attempt_number() < MAX_ATTEMPTS && self.history.len() <= MAX_ENTRIES_BEFORE_A_CHOICE
    }

    /// Why it ended without the money being sent, if it did.
    pub fn failure_reason_at(&self, now: Timestamp) -> Option<SessionEvent> {
        match self.state_at(now) {
            SessionState::AwaitingPayer
            | SessionState::AwaitingProvider
            | SessionState::AwaitingPaymentConsent
            | SessionState::Pending
            | SessionState::Sent => None,
            SessionState::Expired => Some(SessionEvent::TimePassed),
            SessionState::Failed | SessionState::Cancelled => self.history.last().map(|entry| entry.cause),
        }
    }

    /// When the bank sent the money, if it did.
    pub fn sent_at(&self) -> Option<Timestamp> {
        self.history.first_at(SessionState::Sent)
    }

    /// Whether its merchant's API shows it, and webhooks do. One that pays a refund is shown by the formats that have a field for
    /// that: in the others it would be read as income.
    pub const fn is_shown(&self) -> bool {
        self.pays_refund.is_none() || self.format.shows_refund_link()
    }

    /// The page where the payer pays.
    pub fn checkout_url(&self) -> String {
        format!("{}/checkout/{}", self.base_url, self.id)
    }

    /// The number of the latest choice of a bank; 0 before the first.
    pub fn attempt_number(&self) -> u8 {
        self.attempt.as_ref().map_or(0, |attempt| attempt.number)
    }
}

#[cfg(test)]
mod tests;
