//! The suite.

use jiff::{SignedDuration, Timestamp};
use models::{
    AtConsent, DeclineReason, EndToEndId, MinorUnits, Money, MovesMoney, PaidFrom, Payee, PaymentAttempt,
    ProviderPaymentId, ProviderRequest, RefundId, Session, SessionEvent, Submission, TransferInstructions, WriteId,
    transition,
};

use crate::event::RawEvent;
use crate::mock::Decision;
use crate::port::{
    Arrivals, Begun, Cancellation, Next, Provider, ProviderError, RefundAnswer, RefundRefusal, RefundStatus, Status,
};

/// How often a request is repeated whose answer is lost.
const TRIES: usize = 1000;

/// How long after everything a payment has ended.
pub(super) const LONG: SignedDuration = SignedDuration::from_hours(24);

/// Who makes the payments of the suite.
#[allow(async_fn_in_trait, reason = "only for tests")]
pub trait Payer {
    /// What the payer can decide at the provider.
    fn decisions(&self) -> Vec<Decision>;

    /// A session of its own that awaits the choice of a provider, its payer known.
    fn session(&self) -> Session;

    /// An id of its own.
    fn refund_id(&self) -> RefundId;

    /// Decides at the provider about an attempt that the provider knows. Harmless if it is cancelled. Where the payer makes a
    /// transfer, its approval is one of exactly the amount.
    async fn decide(&self, session: &Session, attempt: u8, decision: Decision, now: Timestamp);

    /// Makes another transfer of so much, where the provider gave instructions for one.
    async fn transfer(&self, session: &Session, instructions: &TransferInstructions, minor: i64, now: Timestamp);

    /// Whether the money goes to the session's payee, and not into an account that the merchant has with the provider.
    fn pays_payee(&self) -> bool {
        true
    }

    /// Lets so much time pass at a provider that has a clock of its own. By default it goes by the times that it is given.
    fn wait(&self, _: SignedDuration) {}
}

/// Drives a provider through everything that the port says of it. Answers may be lost: requests are repeated then.
///
/// # Panics
/// The provider does not do as the port says.
pub async fn passes(provider: &impl Provider, payer: &impl Payer, now: Timestamp) {
    Suite { provider, payer, now }.run().await;
}

/// The answer to a request that is repeated until it is answered.
pub(super) async fn answered<T>(request: impl AsyncFn() -> Result<T, ProviderError>) -> T {
    for _ in 0..TRIES {
        match request().await {
            Ok(answer) => return answer,
            Err(ProviderError::Unreachable(_)) => {}
            Err(error @ ProviderError::Refused(_)) => panic!("refused: {error:?}"),
        }
    }
    panic!("never answered")
}

/// Asserts that a request is refused, however often it is repeated.
async fn refused<T: std::fmt::Debug>(request: impl AsyncFn() -> Result<T, ProviderError>) {
    for _ in 0..TRIES {
        match request().await {
            Err(ProviderError::Unreachable(_)) => {}
            Err(ProviderError::Refused(_)) => return,
            Ok(answer) => panic!("not refused: {answer:?}"),
        }
    }
    panic!("never answered")
}

/// How a payment ends that was decided so.
fn end(decision: Decision) -> Result<(), DeclineReason> {
    match decision {
        Decision::Approve | Decision::ApproveThenSettle => Ok(()),
        Decision::ApproveThenFail | Decision::Refuse => Err(DeclineReason::ByBank),
        Decision::Decline => Err(DeclineReason::ByPayer),
        Decision::InsufficientFunds | Decision::ApproveThenLackFunds => Err(DeclineReason::InsufficientFunds),
    }
}

/// Whether the payer consents by it.
fn consents(decision: Decision) -> bool {
    match decision {
        Decision::Approve
        | Decision::ApproveThenSettle
        | Decision::ApproveThenFail
        | Decision::ApproveThenLackFunds => true,
        Decision::Decline | Decision::InsufficientFunds | Decision::Refuse => false,
    }
}

fn happen(session: &mut Session, event: SessionEvent, at: Timestamp) {
    session.state = transition(session.state, event).expect("what the suite does is allowed");
    let write_id: WriteId = format!("contract-{}", session.history.iter().count()).parse().expect("an id");
    session.history.append(session.state, at, event, write_id);
}

/// What a session knows of its payer that nobody else is to know.
fn personal(session: &Session) -> impl Iterator<Item = &str> {
    let payer = session.payer.as_ref().expect("the payer is known");
    [Some(payer.name.as_str()), payer.email.as_ref().map(|email| email.as_str())].into_iter().flatten()
}

/// Asserts that a refund was finally refused: for this reason, if the provider says more than that it won't.
fn assert_refused(answer: &RefundAnswer, why: RefundRefusal) {
    let RefundAnswer::Refused(said) = answer else { panic!("not refused: {answer:?}") };
    assert!([why, RefundRefusal::ByProvider].contains(said), "{said:?}");
}

/// The same session for a penny more.
fn of_more(session: &Session) -> Session {
    let amount = Money::new(MinorUnits::new(session.amount.minor() + 1), session.amount.currency());
    Session { amount, ..session.clone() }
}

/// What a provider is driven by, and by whose payments.
pub(super) struct Suite<'a, P, Y> {
    pub(super) provider: &'a P,
    pub(super) payer: &'a Y,
    pub(super) now: Timestamp,
}

impl<P: Provider, Y: Payer> Suite<'_, P, Y> {
    async fn run(&self) {
        for decision in self.payer.decisions() {
            match self.provider.moves_money() {
                MovesMoney::AtSubmission => self.at_submission(decision).await,
                MovesMoney::AtConsent => self.at_consent(decision).await,
            }
        }
        match self.provider.moves_money() {
            MovesMoney::AtSubmission => self.retried_at_submission().await,
            MovesMoney::AtConsent => {
                self.cancelled().await;
                self.begun_otherwise().await;
                self.transfers().await;
            }
        }
        self.strangers().await;
    }

    fn later(&self, by: SignedDuration) -> Timestamp {
        self.now + by
    }

    /// Begins an attempt twice, and checks what comes of it.
    pub(super) async fn begin(&self, session: &mut Session, number: u8) -> PaymentAttempt {
        let request = self.provider.begin_request(session, number);
        assert_eq!(request, self.provider.begin_request(session, number), "the same request for the same attempt");
        let other = self.provider.begin_request(session, number + 1);
        assert_ne!(request.idempotency_key, other.idempotency_key, "a key of its own for each attempt");
        let begun = answered(async || self.provider.begin(session, number, &request).await).await;
        let again = answered(async || self.provider.begin(session, number, &request).await).await;
        assert_eq!(begun, again, "the same answer to the same request");
        let Begun { payment_id, provider_state, next } = begun.clone();
        if let Next::Redirect(link) = &next {
            assert!(link.reveal().starts_with("http"), "a link");
            assert!(!format!("{begun:?}").contains(link.reveal()), "a link is in no debug output");
        }
        let at_consent = match self.provider.moves_money() {
            MovesMoney::AtSubmission => {
                assert_eq!(payment_id, None, "no payment before the submission");
                None
            }
            MovesMoney::AtConsent => {
                assert!(payment_id.is_some(), "a payment has an id");
                Some(AtConsent { begun_at: self.now, request, payment_id, transfer: None })
            }
        };
        let bank = "under-test".parse().expect("an id");
        let redirect_url = "http://pay.example".to_owned();
        let attempt = PaymentAttempt { number, bank, redirect_url, provider_state, at_consent, ended: None };
        session.attempt = Some(attempt.clone());
        happen(session, SessionEvent::BankChosen, self.now);
        attempt
    }

    pub(super) async fn status(&self, session: &Session, attempt: &PaymentAttempt, at: Timestamp) -> Status {
        let status = answered(async || self.provider.status(session, attempt, at).await).await;
        let again = answered(async || self.provider.status(session, attempt, at).await).await;
        assert_eq!(status, again, "asking changes nothing");
        status
    }

    /// Asserts how a payment stands long after this decision; the payer's account is theirs.
    fn assert_ended(session: &Session, decision: Decision, status: &Status) {
        match (end(decision), status) {
            (Ok(()), Status::Settled(PaidFrom::Account(account))) => {
                let name = session.payer.as_ref().map(|payer| &payer.name);
                assert_eq!(Some(&account.name), name, "the payer's account");
                assert!(account.account.receives(session.amount.currency()), "an account of the payment's currency");
            }
            (Ok(()), Status::Settled(PaidFrom::Undisclosed | PaidFrom::Card(_))) => {}
            (Ok(()), Status::Arrived(arrivals)) => {
                assert!(arrivals.received == session.amount.minor_units() && !arrivals.closed, "{arrivals:?}");
                let name = session.payer.as_ref().map(|payer| &payer.name);
                let is_theirs = |of: &Payee| Some(&of.name) == name && of.account.receives(session.amount.currency());
                assert!(arrivals.payer_account.as_ref().is_none_or(is_theirs), "the payer's account");
            }
            (Err(reason), Status::Refused(said)) => assert_eq!(*said, reason, "{decision:?}"),
            (Ok(()) | Err(_), other) => panic!("{decision:?} ended as {other:?}"),
        }
    }

    async fn at_submission(&self, decision: Decision) {
        let mut session = self.payer.session();
        let attempt = self.begin(&mut session, 1).await;
        assert_eq!(self.status(&session, &attempt, self.now).await, Status::AwaitingConsent);
        let submission = self.provider.prepare(&session, &attempt, self.now).expect("a submission");
        assert_eq!(self.provider.prepare(&session, &attempt, self.now).as_ref(), Some(&submission), "the same bytes");
        assert_eq!(submission.submitted_at, self.now);
        // Nobody pays who has not consented.
        refused(async || self.provider.submit(&session, &attempt, &submission, self.now).await).await;
        self.payer.decide(&session, 1, decision, self.now).await;
        let cancellation = answered(async || self.provider.cancel(&session, &attempt, self.now).await).await;
        assert_eq!(cancellation, Cancellation::Unsupported, "nothing moves before the submission");
        let status = self.status(&session, &attempt, self.now).await;
        if !consents(decision) {
            Self::assert_ended(&session, decision, &status);
            refused(async || self.provider.submit(&session, &attempt, &submission, self.now).await).await;
            assert_eq!(self.status(&session, &attempt, self.now + LONG).await, status, "a refusal is final");
            return;
        }
        assert_eq!(status, Status::Consented);
        assert_eq!(self.status(&session, &attempt, self.now + LONG).await, Status::Consented, "only a submission pays");
        happen(&mut session, SessionEvent::ConsentGiven, self.now);
        session.submission = Some(submission.clone());
        assert_eq!(self.status(&session, &attempt, self.now).await, Status::Consented, "nothing was sent yet");
        let submit =
            async |at| answered(async || self.provider.submit(&session, &attempt, &submission, at).await).await;
        let status = submit(self.now).await;
        assert_eq!(self.status(&session, &attempt, self.now).await, status, "the same word twice");
        if decision != Decision::Approve {
            assert_eq!(status, Status::Accepted);
        }
        let at = self.later(LONG);
        let ended = self.status(&session, &attempt, at).await;
        Self::assert_ended(&session, decision, &ended);
        assert_eq!(submit(at).await, ended, "the same submission is the same payment");
        // The same payment under another key, and another under the same.
        let mut other = submission.clone();
        other.idempotency_key.push('x');
        refused(async || self.provider.submit(&session, &attempt, &other, at).await).await;
        let of_more = self.provider.prepare(&of_more(&session), &attempt, self.now).expect("a submission");
        let mut other = Submission { body: of_more.body, ..submission.clone() };
        assert_ne!(other.body, submission.body, "the amount is in the bytes");
        refused(async || self.provider.submit(&session, &attempt, &other, at).await).await;
        other.body = "?".to_owned();
        refused(async || self.provider.submit(&session, &attempt, &other, at).await).await;
        let id: ProviderPaymentId = "anything".parse().expect("an id");
        let by_id = answered(async || self.provider.status_by_id(&id, at).await).await;
        assert_eq!(by_id, Status::Unknown, "there are no ids");
        assert_eq!(self.provider.refund_request(&session, &attempt, self.payer.refund_id(), session.amount), None);
    }

    /// An attempt that was submitted and failed, and one after it.
    async fn retried_at_submission(&self) {
        if !self.payer.decisions().contains(&Decision::ApproveThenFail) {
            return;
        }
        let mut session = self.payer.session();
        session.retry = true;
        let first = self.begin(&mut session, 1).await;
        self.payer.decide(&session, 1, Decision::ApproveThenFail, self.now).await;
        let submission = self.provider.prepare(&session, &first, self.now).expect("a submission");
        happen(&mut session, SessionEvent::ConsentGiven, self.now);
        session.submission = Some(submission.clone());
        answered(async || self.provider.submit(&session, &first, &submission, self.now).await).await;
        // Out of order: while the first may still be paid, the second is refused.
        happen(&mut session, SessionEvent::AttemptEnded, self.now);
        session.submission = None;
        let second = self.begin(&mut session, 2).await;
        self.payer.decide(&session, 2, Decision::ApproveThenFail, self.now).await;
        let again = self.provider.prepare(&session, &second, self.now).expect("a submission");
        assert_ne!(again.idempotency_key, submission.idempotency_key, "a key of its own");
        assert_eq!(
            self.status(&session, &second, self.now).await,
            Status::Consented,
            "of the attempt that is asked of"
        );
        refused(async || self.provider.submit(&session, &second, &again, self.now).await).await;
        // Afterwards it is a payment of its own.
        let at = self.later(LONG);
        happen(&mut session, SessionEvent::ConsentGiven, at);
        session.submission = Some(again.clone());
        assert_eq!(self.status(&session, &second, at).await, Status::Consented, "nothing was sent yet");
        assert_eq!(self.provider.prepare(&session, &second, self.now).as_ref(), Some(&again), "the key stays");
        let status = answered(async || self.provider.submit(&session, &second, &again, at).await).await;
        assert_eq!(status, Status::Accepted);
        assert_eq!(self.status(&session, &second, at).await, Status::Accepted);
        assert_eq!(self.status(&session, &second, at + LONG).await, Status::Refused(DeclineReason::ByBank));
    }

    /// The same attempt as its recorded request alone knows it: the answer of `begin` was lost.
    fn unanswered(attempt: &PaymentAttempt) -> PaymentAttempt {
        let at_consent = attempt.at_consent.clone().map(|at_consent| AtConsent { payment_id: None, ..at_consent });
        PaymentAttempt { at_consent, ..attempt.clone() }
    }

    pub(super) fn payment_id(attempt: &PaymentAttempt) -> &ProviderPaymentId {
        attempt.at_consent.as_ref().and_then(|at_consent| at_consent.payment_id.as_ref()).expect("an id")
    }

    async fn at_consent(&self, decision: Decision) {
        let mut session = self.payer.session();
        let attempt = self.begin(&mut session, 1).await;
        let unanswered = Self::unanswered(&attempt);
        let id = Self::payment_id(&attempt);
        let by_id = async |at| answered(async || self.provider.status_by_id(id, at).await).await;
        assert_eq!(self.status(&session, &attempt, self.now).await, Status::AwaitingConsent);
        assert_eq!(self.status(&session, &unanswered, self.now + LONG).await, Status::AwaitingConsent);
        assert_eq!(by_id(self.now).await, Status::AwaitingConsent);
        assert_eq!(self.provider.prepare(&session, &attempt, self.now), None, "there is nothing to submit");
        self.payer.decide(&session, 1, decision, self.now).await;
        let status = self.status(&session, &attempt, self.now).await;
        if consents(decision) && decision != Decision::Approve {
            assert_eq!(status, Status::Accepted);
        }
        let cancel = async |at| answered(async || self.provider.cancel(&session, &attempt, at).await).await;
        assert_eq!(cancel(self.now).await, Cancellation::TooLate(status), "cancelling comes too late");
        self.payer.decide(&session, 1, decision, self.later(LONG)).await;
        self.payer.wait(LONG);
        let at = self.later(LONG);
        let ended = self.status(&session, &attempt, at).await;
        Self::assert_ended(&session, decision, &ended);
        assert_eq!(self.status(&session, &unanswered, at).await, ended);
        assert_eq!(cancel(at).await, Cancellation::TooLate(ended.clone()));
        let known_by_id = by_id(at).await;
        // Whose money it was, nobody says.
        let expected = match &ended {
            Status::Settled(_) => Status::Settled(PaidFrom::Undisclosed),
            Status::Arrived(arrivals) => Status::Arrived(Arrivals { payer_account: None, ..arrivals.clone() }),
            Status::AwaitingConsent
            | Status::Consented
            | Status::Accepted
            | Status::TakenBack(_)
            | Status::Refused(_)
            | Status::Cancelled
            | Status::Unknown => ended.clone(),
        };
        assert_eq!(known_by_id, expected);
        let nothing = Submission { idempotency_key: "key".to_owned(), body: "{}".to_owned(), submitted_at: at };
        refused(async || self.provider.submit(&session, &attempt, &nothing, at).await).await;
        self.refunds(&session, &attempt, &unanswered, end(decision).is_ok(), at).await;
    }

    async fn refunds(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        unanswered: &PaymentAttempt,
        settled: bool,
        at: Timestamp,
    ) {
        let part = |minor| Money::new(MinorUnits::new(minor), session.amount.currency());
        let request = |amount| self.provider.refund_request(session, attempt, self.payer.refund_id(), amount);
        assert_eq!(
            self.provider.refund_request(session, unanswered, self.payer.refund_id(), part(1)),
            None,
            "nothing is paid back of what has no id"
        );
        let first_id = self.payer.refund_id();
        let Some(first) = self.provider.refund_request(session, attempt, first_id, part(100)) else { return };
        for personal in personal(session) {
            assert!(!first.body.contains(personal), "it names nobody: it is kept for good");
        }
        let paid = Self::payment_id(attempt);
        let refund = async |request| answered(async || self.provider.refund(paid, request, at).await).await;
        if !settled {
            assert_refused(&refund(&first).await, RefundRefusal::NotSettled);
            return;
        }
        let RefundAnswer::Accepted(id) = refund(&first).await else { panic!("a part can be paid back") };
        assert_eq!(refund(&first).await, RefundAnswer::Accepted(id.clone()), "the same request is the same refund");
        let more = self.provider.refund_request(session, attempt, first_id, part(101)).expect("a request");
        assert_eq!(more.idempotency_key, first.idempotency_key, "a key of its own for each refund");
        let other = ProviderRequest { body: more.body, ..first.clone() };
        refused(async || self.provider.refund(paid, &other, at).await).await;
        let too_much = request(session.amount).expect("a request");
        assert_refused(&refund(&too_much).await, RefundRefusal::TooMuch);
        let rest = request(part(session.amount.minor() - 100)).expect("a request");
        let RefundAnswer::Accepted(rest) = refund(&rest).await else { panic!("the rest can be paid back") };
        assert_ne!(rest, id);
        let nothing_left = request(part(1)).expect("a request");
        assert_refused(&refund(&nothing_left).await, RefundRefusal::TooMuch);
        self.payer.wait(LONG);
        for id in [id, rest] {
            let status = answered(async || self.provider.refund_status(paid, &id, at + LONG).await).await;
            assert_eq!(status, RefundStatus::Settled);
        }
    }

    async fn cancelled(&self) {
        for decision in self.payer.decisions() {
            for knows_id in [true, false] {
                let mut session = self.payer.session();
                let attempt = self.begin(&mut session, 1).await;
                let attempt = if knows_id { attempt } else { Self::unanswered(&attempt) };
                for at in [self.now, self.later(LONG)] {
                    let answer = answered(async || self.provider.cancel(&session, &attempt, at).await).await;
                    assert_eq!(answer, Cancellation::Yes, "and again");
                    self.payer.decide(&session, 1, decision, at).await;
                    match self.status(&session, &attempt, at).await {
                        Status::Cancelled => {}
                        // A transfer can't be held back: it does not pay this any more.
                        Status::Arrived(Arrivals { received, closed: true, .. }) if received.get() == 0 => {}
                        status @ (Status::AwaitingConsent
                        | Status::Consented
                        | Status::Accepted
                        | Status::Settled(_)
                        | Status::TakenBack(_)
                        | Status::Refused(_)
                        | Status::Arrived(_)
                        | Status::Unknown) => panic!("its money never moves: {status:?}"),
                    }
                }
            }
        }
        // Cancelled before the provider has heard of it: what comes late begins nothing that could be paid.
        let mut session = self.payer.session();
        let request = self.provider.begin_request(&session, 1);
        let at_consent = AtConsent { begun_at: self.now, request, payment_id: None, transfer: None };
        let heard_of_late = PaymentAttempt {
            number: 1,
            bank: "under-test".parse().expect("an id"),
            redirect_url: "http://pay.example".to_owned(),
            provider_state: String::new(),
            at_consent: Some(at_consent),
            ended: None,
        };
        session.attempt = Some(heard_of_late.clone());
        let answer = answered(async || self.provider.cancel(&session, &heard_of_late, self.now).await).await;
        assert_eq!(answer, Cancellation::Yes);
        let attempt = self.begin(&mut session, 1).await;
        assert_eq!(self.status(&session, &attempt, self.now).await, Status::Cancelled);
        // Another attempt is a payment of its own.
        let second = self.begin(&mut session, 2).await;
        assert_ne!(Self::payment_id(&second), Self::payment_id(&attempt));
        assert_eq!(self.status(&session, &second, self.now).await, Status::AwaitingConsent);
    }

    /// Nothing else is begun under a key, and nothing that can't be read.
    async fn begun_otherwise(&self) {
        let mut session = self.payer.session();
        let attempt = self.begin(&mut session, 1).await;
        let request = &attempt.at_consent.as_ref().expect("at consent").request;
        let of_more = self.provider.begin_request(&of_more(&session), 1);
        let mut other = ProviderRequest { body: of_more.body, ..request.clone() };
        assert_ne!(other.body, request.body, "the amount is in the bytes");
        refused(async || self.provider.begin(&session, 1, &other).await).await;
        // Of the same amount, and for another payee.
        let mut elsewhere = session.clone();
        elsewhere.payee.name = "Somebody Else".to_owned().try_into().expect("a name");
        other.body = self.provider.begin_request(&elsewhere, 1).body;
        if self.payer.pays_payee() {
            assert_ne!(other.body, request.body, "the payee is in the bytes");
            refused(async || self.provider.begin(&session, 1, &other).await).await;
        } else {
            assert_eq!(other.body, request.body, "the payee is not who is paid");
        }
        other.body = "?".to_owned();
        refused(async || self.provider.begin(&session, 1, &other).await).await;
        assert_eq!(self.status(&session, &attempt, self.now).await, Status::AwaitingConsent);
    }

    /// What the provider has never heard of, and what it did not send.
    async fn strangers(&self) {
        let stranger: EndToEndId = "00000000-0000-4000-8000-000000000000".parse().expect("an id");
        for id in ["1", "mock.1", &format!("mock.{stranger}.1"), &format!("mock.{stranger}.1.1"), "mock..", "a:b_c-d.e"]
        {
            let payment: ProviderPaymentId = id.parse().expect("an id");
            let status = answered(async || self.provider.status_by_id(&payment, self.now).await).await;
            assert_eq!(status, Status::Unknown, "{id}");
            let refund = id.parse().expect("an id");
            let status = answered(async || self.provider.refund_status(&payment, &refund, self.now).await).await;
            assert_eq!(status, RefundStatus::Unknown, "{id}");
        }
        for body in [&b""[..], b"{}", b"{\"payment_id\":\"1\"}", b"\xff"] {
            let event = RawEvent { method: "POST", path: "/providers/a/webhook", headers: &[], body, now: self.now };
            assert!(self.provider.read_event(&event).await.is_err(), "not genuine");
        }
    }
}
