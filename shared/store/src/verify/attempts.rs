//! Attempts to pay: whether they agree with the history, and with what providers call them.

use models::{BankId, Session, SessionEvent, SessionState};

use super::{Check, Rule};
use crate::bank_payments::BankPayment;
use crate::error::StoreError;
use crate::keys;
use crate::table::Item;
use crate::tombstone::is_tombstone;

impl Check<'_> {
    /// What a session was submitted with, its latest attempt, and the money of others.
    pub(super) async fn attempts(&mut self, session: &Session) -> Result<(), StoreError> {
        let attempt = session.attempt.as_ref();
        let (consented, ended) = match session.last_of_attempt() {
            Some(SessionEvent::ConsentGiven) => (true, false),
            Some(SessionEvent::AttemptEnded) => (false, true),
            Some(_) | None => (false, false),
        };
        let at_consent = attempt.is_some_and(|attempt| attempt.at_consent.is_some());
        // Erasing leaves a submission, without its bytes, and no attempt.
        let erased = attempt.is_none() && session.erased_at.is_some();
        let rests = session.submission.is_some() || at_consent || erased;
        self.broken_unless(!consented || rests, Rule::Payment, "was submitted, and does not say what was");
        let submitted = session.submission.is_some();
        self.broken_unless(consented || !submitted, Rule::Payment, "holds a submission nobody consented to");
        let both = submitted && at_consent;
        self.broken_unless(!both, Rule::Payment, "holds a submission, and its attempt's money moves at consent");
        if let Some(money) = &session.late_money {
            let over = money.attempt < session.attempt_number() || (money.attempt == session.attempt_number() && ended);
            let late = session.state.is_final() || over;
            self.broken_unless(late, Rule::Attempt, "holds late money of an attempt that goes on");
        }
        let was_sent = session.state == SessionState::Sent;
        let taken_back = session.taken_back.is_some();
        self.broken_unless(was_sent || !taken_back, Rule::Payment, "holds money taken back, and was never sent");
        self.broken_unless(
            was_sent || session.card.is_none(),
            Rule::Payment,
            "holds a card, and nothing was paid with it",
        );
        self.received(session, at_consent || erased);
        let Some(attempt) = attempt else {
            let chosen = session.history.has(SessionEvent::BankChosen) && !erased;
            self.broken_unless(!chosen, Rule::Attempt, "has chosen a bank, and does not say which");
            return Ok(());
        };
        let fits = attempt.ended.is_some() == ended;
        self.broken_unless(fits, Rule::Attempt, "has an attempt that has ended by itself or by its history alone");
        if let Some(id) = attempt.at_consent.as_ref().and_then(|at_consent| at_consent.payment_id.as_ref()) {
            let item = self.get(keys::bank_payment(&attempt.bank, id)).await?;
            let found = item.and_then(|item| serde_dynamo::from_item(item).ok());
            let payment = BankPayment { session_id: session.id, attempt: attempt.number };
            let leads_here = found == Some(payment);
            self.broken_unless(leads_here, Rule::Attempt, "has an attempt that is not found by its provider's id");
        }
        Ok(())
    }

    /// What has come by transfers, and what was made of it.
    fn received(&mut self, session: &Session, may_have: bool) {
        let (received, amount) = (session.received.map(|received| received.total), session.amount.minor_units());
        let fits = received.is_none() || may_have;
        self.broken_unless(fits, Rule::Attempt, "has received transfers, and its attempt's money moves otherwise");
        let too_little = session.state == SessionState::Sent && received.is_some_and(|total| total < amount);
        self.broken_unless(!too_little, Rule::Payment, "is sent, and has received less than its amount");
        let underpaid = session.history.last().is_some_and(|entry| entry.cause == SessionEvent::Underpaid);
        let a_part = received.is_some_and(|total| total < amount);
        self.broken_unless(!underpaid || a_part, Rule::Payment, "ended underpaid, and did not receive a part");
    }

    /// What leads from a provider's id to a session. It stays when the session is erased or deleted.
    pub(super) async fn bank_payment(&mut self, provider: &BankId, item: &Item) -> Result<(), StoreError> {
        let Some(payment) = self.read::<BankPayment>(item) else { return Ok(()) };
        let Some(session) = self.get(keys::session(&payment.session_id)).await? else {
            self.broken(Rule::Orphan, "is of a session that is not there");
            return Ok(());
        };
        if is_tombstone(&session) {
            return Ok(());
        }
        // One that can't be read is reported by itself.
        let Ok(session) = serde_dynamo::from_item::<_, Session>(session) else { return Ok(()) };
        if session.attempt.is_none() && session.erased_at.is_some() {
            return Ok(());
        }
        let made = payment.attempt <= session.attempt_number();
        self.broken_unless(made, Rule::Attempt, "is of an attempt that its session has not made");
        if let Some(attempt) = session.attempt.filter(|attempt| attempt.number == payment.attempt) {
            let knows_one = attempt.at_consent.is_some_and(|at_consent| at_consent.payment_id.is_some());
            let known = knows_one && attempt.bank == *provider;
            self.broken_unless(known, Rule::Attempt, "is of an attempt that does not know it");
        }
        Ok(())
    }
}
