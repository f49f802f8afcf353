//! The course of an attempt to pay: chosen, consented to, refused, or ended without its session.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use models::{
    AttemptEnd, MAX_ENTRIES_BEFORE_A_CHOICE, PaymentAttempt, Session, SessionState, SortableTimestamp, Submission,
};

use crate::change::{Change, ChangeError, Changed};
use crate::error::StoreError;
use crate::keys;
use crate::session_writes::{ForRefund, of_attempt, transition};
use crate::sessions::Sessions;
use crate::table::{n, s};
use crate::update::Update;
use crate::write::WriteKind;

/// How long after an attempt whose money moves at consent was recorded, or a refund that a provider makes, the provider is first
/// asked about it, if nobody came back from there before.
pub const FIRST_CHECK_AT_CONSENT: SignedDuration = SignedDuration::from_secs(60);

impl Sessions {
    /// The payer chose a bank. `attempt` follows the one before it by one. If that one's money moves at consent and it is open,
    /// only after the provider has `cancelled` it.
    ///
    /// An attempt whose money moves at consent is recorded before the provider hears of it, and is due to be followed up
    /// [`FIRST_CHECK_AT_CONSENT`] later, whatever becomes of the function that begins it.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn choose_bank(
        &self,
        change: Change,
        attempt: &PaymentAttempt,
        cancelled: Option<u8>,
    ) -> Result<Changed, ChangeError> {
        let for_refund = match (&attempt.at_consent, cancelled) {
            (Some(_), _) => ForRefund::OpenAtConsent(true),
            (None, Some(_)) => ForRefund::OpenAtConsent(false),
            (None, None) => ForRefund::Nothing,
        };
        let due_at = match (&attempt.at_consent, cancelled) {
            (Some(at_consent), _) => Some(first_check_at(at_consent.begun_at)),
            // The attempt before was to be followed up; from now on the session only expires.
            (None, Some(_)) => Some(self.get(&change.session_id).await?.ok_or(ChangeError::NotFound)?.expires_at),
            (None, None) => None,
        };
        let (number, attempt): (_, AttributeValue) =
            (attempt.number, serde_dynamo::to_attribute_value(attempt).map_err(StoreError::from)?);
        let chosen = |change: &Change| {
            let update = transition(change, cancelled)
                .when("size(#history) <= :most", [(":most", n(MAX_ENTRIES_BEFORE_A_CHOICE))])
                .set("attempt", attempt.clone());
            let update = match due_at {
                Some(at) => update.set("due_at", s(SortableTimestamp::from(at).as_str())),
                None => update,
            };
            match number.checked_sub(1) {
                None | Some(0) => update.when("attribute_not_exists(#attempt)", []),
                Some(previous) => update.when("#attempt.#number = :previous", [(":previous", n(previous))]),
            }
        };
        self.apply(change, None, for_refund, chosen).await
    }

    /// The payer consented to attempt `number`, which must be the latest and move its money at submission: the submission is
    /// recorded, before the bank is asked to move money. `next_check_at` is when the bank is next asked what became of it.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn give_consent(
        &self,
        change: Change,
        number: u8,
        submission: &Submission,
        next_check_at: Timestamp,
    ) -> Result<Changed, ChangeError> {
        let submission: AttributeValue = serde_dynamo::to_attribute_value(submission).map_err(StoreError::from)?;
        let consented = |change: &Change| {
            of_attempt(transition(change, None), number)
                .when("attribute_not_exists(#attempt.#at_consent)", [])
                .set("submission", submission.clone())
                .set("due_at", s(SortableTimestamp::from(next_check_at).as_str()))
        };
        self.apply(change, None, ForRefund::Submitted, consented).await
    }

    /// The payer or the bank refused attempt `number`, which must be the latest, not over and not submitted: a refusal that
    /// comes late says nothing about the attempt that followed it.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn decline(&self, change: Change, number: u8) -> Result<Changed, ChangeError> {
        let for_refund = ForRefund::of(change.event);
        let declined = |change: &Change| {
            of_attempt(transition(change, None), number)
                .when("attribute_not_exists(#submission)", [])
                .when("attribute_not_exists(#attempt.#ended)", [])
        };
        self.apply(change, None, for_refund, declined).await
    }

    /// The bank refused the submitted attempt `number`, which must be the latest.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn decline_submitted(&self, change: Change, number: u8) -> Result<Changed, ChangeError> {
        let for_refund = ForRefund::of(change.event);
        self.apply(change, None, for_refund, |change| of_attempt(transition(change, None), number)).await
    }

    /// The provider says that the payer consented to attempt `number`, which must be the latest and move its money at consent:
    /// the money moves without us, also after `expires_at`. `next_check_at` is when the provider is next asked.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn authorised(
        &self,
        change: Change,
        number: u8,
        next_check_at: Timestamp,
    ) -> Result<Changed, ChangeError> {
        let authorised = |change: &Change| {
            of_attempt(transition(change, None), number)
                .when("attribute_exists(#attempt.#at_consent)", [])
                .set("due_at", s(SortableTimestamp::from(next_check_at).as_str()))
        };
        self.apply(change, None, ForRefund::Submitted, authorised).await
    }

    /// The latest attempt of `session`, as it was read, is over by the provider's final word, and its money never moves: the
    /// payer may choose again. An attempt that was consented to ends so only where the session allows another (`retry`),
    /// and never of a session that pays a refund.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn end_attempt(
        &self,
        change: Change,
        session: &Session,
        end: AttemptEnd,
    ) -> Result<Changed, ChangeError> {
        let consenting = (":consenting", s(SessionState::AwaitingPaymentConsent.as_str()));
        let ended = |change: &Change| {
            let update = of_attempt(transition(change, None), session.attempt_number());
            // Once its id is recorded a payer may have the link: another's begin was accepted meanwhile.
            let update = match end {
                AttemptEnd::NotBegun => update.when("attribute_not_exists(#attempt.#at_consent.#payment_id)", []),
                AttemptEnd::DeclinedByPayer
                | AttemptEnd::DeclinedByBank
                | AttemptEnd::InsufficientFunds
                | AttemptEnd::Cancelled => update,
            };
            update
                .when(
                    "#state = :consenting OR (#retry = :yes AND attribute_not_exists(#pays_refund))",
                    [consenting.clone(), (":yes", AttributeValue::Bool(true))],
                )
                .set_inside("#attempt.#ended", s(end.as_str()))
                .remove(&["submission"])
                .set("due_at", s(SortableTimestamp::from(session.expires_at).as_str()))
        };
        self.apply(change, None, ForRefund::OpenAtConsent(false), ended).await
    }

    /// When the bank is next asked about a session, as it was read, whose money may move: one that is pending, or that has an
    /// attempt open whose money moves at consent. Of any other, nothing is written.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn check_again_at(&self, session: &Session, at: Timestamp) -> Result<(), StoreError> {
        let update = Update::new(WriteKind::SessionCheckAgain, keys::session(&session.id))
            .when_one_of("state", [session.state.as_str()])
            .when("#state = :pending OR attribute_exists(#attempt.#at_consent)", [pending()])
            // Later than it was: a first attempt that arrives late brings an earlier one.
            .when("attribute_not_exists(#due_at) OR #due_at < :set_due_at", [])
            .set("due_at", s(SortableTimestamp::from(at).as_str()));
        // Refused means that it has moved on, and so that this is no longer due, or that it is due later than that.
        of_attempt(update, session.attempt_number()).send(&self.table).await.map(|_| ())
    }
}

/// When the provider is first asked about what was recorded then.
pub(crate) fn first_check_at(begun_at: Timestamp) -> Timestamp {
    begun_at.checked_add(FIRST_CHECK_AT_CONSENT).unwrap_or(Timestamp::MAX)
}

fn pending() -> (&'static str, AttributeValue) {
    (":pending", s(SessionState::Pending.as_str()))
}
