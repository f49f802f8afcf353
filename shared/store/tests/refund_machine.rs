//! A model of a paid session and its refunds, and any sequence of what can be done with them: writes, the same writes
//! again, writes whose answers are lost or that meet other transactions, two writes at once, on views that are stale,
//! before and after their time. The table must hold what the model says.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use models::{
    AttemptEnd, NotRefundable, PaidFrom, Payee, PaysRefund, ProviderRefundId, Refund, RefundAtProvider, RefundId,
    RefundPayee, RefundState, Session, SessionEvent, SessionId, SessionState, WriteId,
};
use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use store::{
    Change, ChangeError, DueItem, Fingerprint, ListRange, Owner, RefundChangeError, RefundChanged, RefundConclusion,
    RefundCreated, RefundEnd, Refunds, Sessions, TableItem, Verify, WithRefunds,
};
use support::{Fault, World};
use uuid::Uuid;

const DAYS_FOR_DETAILS: i64 = 30;
const DAYS_FOR_PAYMENT: i64 = 7;

/// The most refunds of one session here.
const SLOTS: u8 = 5;

/// What a write is made from: refunds and sessions are read before they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    /// As it is when the step begins.
    Fresh,
    /// As it was at first: the session before its refunds, the refund when it was made.
    Stale,
}

/// What is written. A slot stands for one refund's id.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Write {
    /// Of this amount, or of what is left by the view.
    Create {
        slot: u8,
        amount: Option<i64>,
        payee_given: bool,
        view: View,
    },
    GiveDetails(u8),
    /// The provider has cancelled this attempt at paying it.
    End(u8, RefundEnd, View, Option<u8>),
    Expire(u8, View),
    /// To the session that pays the refund.
    Pay(u8, Pay),
    /// The provider that makes the refund has accepted it.
    Accept(u8),
    /// That provider has said how it ended, of the refund as it was seen.
    Conclude(u8, RefundConclusion, View),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pay {
    ChooseBank {
        /// Of the attempt it would be.
        number: u8,
        at_consent: bool,
        cancelled: Option<u8>,
    },
    /// To this attempt, whose money moves at submission.
    GiveConsent(u8),
    /// To this attempt, whose money moves at consent.
    Authorise(u8),
    /// Of this attempt.
    EndAttempt(u8),
    Settle,
    /// Of this attempt.
    Decline(u8),
    /// Declined, cancelled, time passed.
    Record(SessionEvent, Option<u8>),
    Delete(Option<u8>),
}

/// What a write answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    /// Done before, by the very same write.
    Repeated,
    /// The refund was there, made by another write.
    Existing,
    /// There is only so much left.
    Left(i64),
    Refused,
    /// The payment session was deleted.
    Gone,
}

#[derive(Debug, Clone)]
enum Step {
    /// On a way with faults, and then perhaps the same write, with the same write id, on a way without.
    Write {
        write: Write,
        faults: Vec<Fault>,
        twice: bool,
    },
    /// Both at once: one of the two orders must have happened. With a number, the second as a whole before that request
    /// of the first.
    Race(Write, Write, Option<usize>),
    DaysPass(i64),
}

/// What the session and its refunds should be: written from the rules, without the transitions of `models`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Model {
    paid: i64,
    payer_account: bool,
    /// Whether its provider makes its refunds.
    at_provider: bool,
    day: i64,
    refunds: BTreeMap<u8, RefundModel>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct RefundModel {
    amount: i64,
    made_on: i64,
    state: RefundState,
    causes: Vec<&'static str>,
    payment: Option<PaymentModel>,
    /// Whether the provider that makes it has accepted it; none if no provider does.
    accepted: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct PaymentModel {
    made_on: i64,
    state: SessionState,
    entries: usize,
    attempt: u8,
    at_consent: bool,
    ended: bool,
    consented: bool,
    submitted: bool,
    deleted: bool,
}

impl Model {
    fn left(&self) -> i64 {
        let refunded = self.refunds.values().filter(|refund| refund.state != RefundState::Failed);
        self.paid - refunded.map(|refund| refund.amount).sum::<i64>()
    }

    /// Does a write that is made from how things were at `seen`.
    fn write(&mut self, write: &Write, seen: &Self) -> Outcome {
        let day = self.day;
        match write {
            Write::Create { slot, amount, payee_given, view } => {
                let left = if *view == View::Fresh { seen.left() } else { self.paid };
                let amount = amount.unwrap_or(left);
                if amount < 1 || amount > left {
                    return Outcome::Left(left);
                }
                if self.refunds.contains_key(slot) {
                    return Outcome::Existing;
                }
                if amount > self.left() {
                    return Outcome::Left(self.left());
                }
                let known = self.payer_account || *payee_given;
                let payment = (known && !self.at_provider).then(|| PaymentModel::new(day));
                let accepted = self.at_provider.then_some(false);
                let goes_on = payment.is_some() || accepted.is_some();
                let state = if goes_on { RefundState::AwaitingPayment } else { RefundState::AwaitingDetails };
                let refund = RefundModel { amount, made_on: day, state, causes: vec!["created"], payment, accepted };
                self.refunds.insert(*slot, refund);
                Outcome::Done
            }
            Write::GiveDetails(slot) => {
                let Some(refund) = self.refund_seen(*slot, seen) else { return Outcome::Refused };
                if refund.state != RefundState::AwaitingDetails || day >= refund.made_on + DAYS_FOR_DETAILS {
                    return Outcome::Refused;
                }
                refund.payment = Some(PaymentModel::new(day));
                refund.move_on(RefundState::AwaitingPayment, "details_given");
                Outcome::Done
            }
            Write::End(slot, end, view, cancelled) => self.end(*slot, *end, *view, *cancelled, seen),
            Write::Expire(slot, view) => {
                let expired = seen.refunds.get(slot).is_some_and(|refund| refund.has_expired(*view, day));
                if !expired {
                    return Outcome::Refused;
                }
                // If it has ended in another way, that is fine as well.
                self.end(*slot, RefundEnd::TimePassed, *view, None, seen);
                let ended = self.refunds.get(slot).is_some_and(RefundModel::is_final);
                if ended { Outcome::Done } else { Outcome::Refused }
            }
            Write::Pay(slot, pay) => {
                let Some(refund) = self.refund_seen(*slot, seen) else { return Outcome::Refused };
                if seen.refunds[slot].payment.is_none() {
                    return Outcome::Refused;
                }
                refund.pay(pay, day)
            }
            Write::Accept(slot) => {
                let Some(refund) = self.refund_seen(*slot, seen) else { return Outcome::Refused };
                if refund.accepted.is_none() || refund.is_final() {
                    return Outcome::Refused;
                }
                refund.accepted = Some(true);
                Outcome::Done
            }
            Write::Conclude(slot, conclusion, view) => {
                let Some(refund) = self.refund_seen(*slot, seen) else { return Outcome::Refused };
                let asked_about = if *view == View::Fresh { seen.refunds[slot].accepted } else { Some(false) };
                let sent_by_none = *conclusion == RefundConclusion::Settled && asked_about == Some(false);
                if refund.accepted.is_none() || refund.accepted != asked_about || sent_by_none || refund.is_final() {
                    return Outcome::Refused;
                }
                match conclusion {
                    RefundConclusion::Settled => refund.move_on(RefundState::Sent, "settled"),
                    RefundConclusion::Refused => refund.move_on(RefundState::Failed, "declined_by_bank"),
                }
                Outcome::Done
            }
        }
    }

    /// A refund as it is now, if it was there at `seen` already.
    fn refund_seen(&mut self, slot: u8, seen: &Self) -> Option<&mut RefundModel> {
        self.refunds.get_mut(&slot).filter(|_| seen.refunds.contains_key(&slot))
    }

    fn end(&mut self, slot: u8, end: RefundEnd, view: View, cancelled: Option<u8>, seen: &Self) -> Outcome {
        let day = self.day;
        let Some(refund) = self.refund_seen(slot, seen) else { return Outcome::Refused };
        let (cause, event) = match end {
            RefundEnd::CancelledByMerchant => ("cancelled_by_merchant", SessionEvent::CancelledByMerchant),
            RefundEnd::TimePassed => ("time_passed", SessionEvent::TimePassed),
        };
        if seen.refunds[&slot].shows_payment(view) {
            let ended = refund.pay(&Pay::Record(event, cancelled), day);
            // The refund is still there to be shown.
            return if ended == Outcome::Gone { Outcome::Refused } else { ended };
        }
        let late = day >= refund.made_on + DAYS_FOR_DETAILS;
        if refund.state != RefundState::AwaitingDetails || late != (end == RefundEnd::TimePassed) {
            return Outcome::Refused;
        }
        refund.move_on(RefundState::Failed, cause);
        Outcome::Done
    }

    fn after(&self, writes: [&Write; 2]) -> (Self, [Outcome; 2]) {
        let mut model = self.clone();
        let outcomes = writes.map(|write| model.write(write, self));
        (model, outcomes)
    }

    /// What is to be read in the table.
    fn picture(&self) -> Picture {
        let payment = |payment: &PaymentModel, amount| PaymentPicture {
            amount,
            state: payment.state,
            entries: payment.entries,
            attempt: payment.attempt,
            at_consent: payment.at_consent,
            ended: payment.ended,
            submitted: payment.submitted,
        };
        let refund = |refund: &RefundModel| RefundPicture {
            amount: refund.amount,
            state: refund.state,
            causes: refund.causes.clone(),
            until: refund.until(),
            submitted: refund.payment.as_ref().map_or(refund.accepted.is_some(), |payment| payment.consented),
            accepted: refund.accepted,
            open_at_consent: refund.payment.as_ref().is_some_and(PaymentModel::is_open_at_consent),
            has_payment: refund.payment.is_some(),
            payment: refund.payment.as_ref().filter(|found| !found.deleted).map(|found| payment(found, refund.amount)),
        };
        Picture {
            left: self.left(),
            count: self.refunds.len(),
            refunds: self.refunds.iter().map(|(slot, found)| (*slot, refund(found))).collect(),
        }
    }
}

impl RefundModel {
    fn move_on(&mut self, state: RefundState, cause: &'static str) {
        self.state = state;
        self.causes.push(cause);
    }

    fn is_final(&self) -> bool {
        matches!(self.state, RefundState::Sent | RefundState::Failed)
    }

    /// The day on which it fails by time.
    fn until(&self) -> i64 {
        self.payment.as_ref().map_or(self.made_on + DAYS_FOR_DETAILS, |payment| payment.made_on + DAYS_FOR_PAYMENT)
    }

    /// Whether a reader sees that it has a payment session.
    fn shows_payment(&self, view: View) -> bool {
        self.payment.is_some() && (view == View::Fresh || !self.causes.contains(&"details_given"))
    }

    /// Whether a reader says that its time has passed and nobody has written that down.
    fn has_expired(&self, view: View, day: i64) -> bool {
        match view {
            View::Fresh => {
                !self.is_final()
                    && self.accepted.is_none()
                    && !self.payment.as_ref().is_some_and(|payment| payment.consented || payment.is_open_at_consent())
                    && day >= self.until()
            }
            View::Stale if self.shows_payment(view) => day >= self.made_on + DAYS_FOR_PAYMENT,
            View::Stale => self.accepted.is_none() && day >= self.made_on + DAYS_FOR_DETAILS,
        }
    }

    /// Does a write to the payment session, and to the refund what that means for it.
    fn pay(&mut self, pay: &Pay, day: i64) -> Outcome {
        let Some(payment) = self.payment.as_mut() else { return Outcome::Refused };
        let gone = payment.deleted;
        let Some(cause) = payment.write(pay, day) else {
            return if gone { Outcome::Gone } else { Outcome::Refused };
        };
        match payment.state {
            SessionState::Sent => self.move_on(RefundState::Sent, cause),
            SessionState::Failed | SessionState::Cancelled | SessionState::Expired if !cause.is_empty() => {
                self.move_on(RefundState::Failed, cause);
            }
            SessionState::Failed
            | SessionState::Cancelled
            | SessionState::Expired
            | SessionState::AwaitingPayer
            | SessionState::AwaitingProvider
            | SessionState::AwaitingPaymentConsent
            | SessionState::Pending => {}
        }
        Outcome::Done
    }
}

impl PaymentModel {
    /// The merchant is its payer, and known.
    fn new(day: i64) -> Self {
        let state = SessionState::AwaitingProvider;
        Self {
            made_on: day,
            state,
            entries: 1,
            attempt: 0,
            at_consent: false,
            ended: false,
            consented: false,
            submitted: false,
            deleted: false,
        }
    }

    /// Its money may move by its provider's doing, which the clock doesn't stop.
    fn is_open_at_consent(&self) -> bool {
        self.at_consent && matches!(self.state, SessionState::AwaitingPaymentConsent | SessionState::Pending)
    }

    /// Does a write and says its cause, which is empty if no state changed; none if it must be refused.
    fn write(&mut self, pay: &Pay, day: i64) -> Option<&'static str> {
        use SessionState as S;
        let late = day >= self.made_on + DAYS_FOR_PAYMENT;
        let awaiting = matches!(self.state, S::AwaitingProvider | S::AwaitingPaymentConsent);
        let consenting = self.state == S::AwaitingPaymentConsent;
        let at_provider = consenting && self.at_consent;
        let open = awaiting && (!late || at_provider);
        let stopped = |cancelled: &Option<u8>| !at_provider || *cancelled == Some(self.attempt);
        let latest = |number: &u8| *number == self.attempt && *number > 0;
        if self.deleted {
            return matches!(pay, Pay::Delete(_)).then_some("");
        }
        let (next, cause) = match pay {
            Pay::ChooseBank { number, at_consent, cancelled }
                if awaiting && !late && *number == self.attempt + 1 && stopped(cancelled) =>
            {
                (self.attempt, self.at_consent, self.ended) = (*number, *at_consent, false);
                (S::AwaitingPaymentConsent, "bank_chosen")
            }
            Pay::GiveConsent(number) if open && consenting && latest(number) && !self.at_consent => {
                (self.submitted, self.consented) = (true, true);
                (S::Pending, "consent_given")
            }
            Pay::Authorise(number) if at_provider && latest(number) => {
                self.consented = true;
                (S::Pending, "consent_given")
            }
            Pay::EndAttempt(number) if open && consenting && latest(number) => {
                self.ended = true;
                (S::AwaitingProvider, "attempt_ended")
            }
            Pay::Settle if self.state == S::Pending => (S::Sent, "settled"),
            Pay::Decline(number) if latest(number) && !self.ended && (open || self.is_open_at_consent()) => {
                (S::Failed, "declined_by_payer")
            }
            Pay::Record(SessionEvent::DeclinedByBank, _) if open || self.state == S::Pending => {
                (S::Failed, "declined_by_bank")
            }
            Pay::Record(SessionEvent::InsufficientFunds, _) if open || self.state == S::Pending => {
                (S::Failed, "insufficient_funds")
            }
            Pay::Record(SessionEvent::CancelledByMerchant, cancelled) if open && stopped(cancelled) => {
                (S::Cancelled, "cancelled_by_merchant")
            }
            Pay::Record(SessionEvent::CancelledByPayer, cancelled) if open && stopped(cancelled) => {
                (S::Cancelled, "cancelled_by_payer")
            }
            Pay::Record(SessionEvent::TimePassed, cancelled) if awaiting && late && stopped(cancelled) => {
                (S::Expired, "time_passed")
            }
            Pay::Delete(cancelled) if awaiting && stopped(cancelled) => {
                self.deleted = true;
                if open { (S::Cancelled, "deleted_by_merchant") } else { (S::Expired, "time_passed") }
            }
            Pay::Delete(_) if !self.consented && !awaiting => {
                self.deleted = true;
                return Some("");
            }
            Pay::ChooseBank { .. }
            | Pay::GiveConsent(_)
            | Pay::Authorise(_)
            | Pay::EndAttempt(_)
            | Pay::Settle
            | Pay::Decline(_)
            | Pay::Record(..)
            | Pay::Delete(_) => return None,
        };
        self.state = next;
        self.entries += 1;
        Some(cause)
    }
}

struct Rules;

impl ReferenceStateMachine for Rules {
    type State = Model;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Model> {
        let begin = |(paid, payer_account, at_provider)| {
            let refunds = BTreeMap::new();
            Model { paid, payer_account, at_provider, day: 0, refunds }
        };
        (1_i64..=12, prop::bool::weighted(0.3), prop::bool::weighted(0.3)).prop_map(begin).boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Step> {
        let fault = prop_oneof![
            2 => Just(Fault::None),
            2 => Just(Fault::AnswerLost),
            2 => Just(Fault::Conflict),
            1 => Just(Fault::ConflictAndRefusal),
        ];
        // The SDK tries three times.
        let bearable = |faults: &Vec<Fault>| faults.iter().filter(|fault| **fault == Fault::AnswerLost).count() < 3;
        let faults = prop_oneof![
            1 => Just(Vec::new()),
            2 => prop::collection::vec(fault, 1..5).prop_filter("at most two answers lost", bearable),
        ];
        let days = prop_oneof![1 => Just(1), 2 => Just(DAYS_FOR_PAYMENT), 1 => Just(22), 2 => Just(DAYS_FOR_DETAILS)];
        let request = prop_oneof![1 => Just(None), 3 => (0_usize..5).prop_map(Some)];
        prop_oneof![
            12 => (any_write(model), faults, prop::bool::weighted(0.2))
                .prop_map(|(write, faults, twice)| Step::Write { write, faults, twice }),
            6 => (any_race(model), request).prop_map(|((a, b), request)| Step::Race(a, b, request)),
            2 => days.prop_map(Step::DaysPass),
        ]
        .boxed()
    }

    fn apply(mut model: Model, step: &Step) -> Model {
        match step {
            Step::Write { write, .. } => {
                let seen = model.clone();
                model.write(write, &seen);
            }
            // Which order it was is seen in the table; for what comes next it only has to be one of them.
            Step::Race(a, b, _) => model = model.after([a, b]).0,
            Step::DaysPass(days) => model.day += days,
        }
        model
    }
}

/// What leads on is likelier than what must be refused, so that runs get far.
fn any_write(model: &Model) -> BoxedStrategy<Write> {
    let next = u8::try_from(model.refunds.len()).unwrap();
    let paid = model.paid;
    let create = move |slots: std::ops::RangeInclusive<u8>| {
        let amount = prop_oneof![1 => Just(None), 3 => (1..=(paid / 2).max(1)).prop_map(Some), 1 => (1..=paid + 2).prop_map(Some)];
        let view = prop_oneof![Just(View::Fresh), Just(View::Stale)];
        (slots, amount, any::<bool>(), view).prop_map(|(slot, amount, payee_given, view)| Write::Create {
            slot,
            amount,
            payee_given,
            view,
        })
    };
    let mut choices: Vec<(u32, BoxedStrategy<Write>)> = Vec::new();
    if next < SLOTS {
        choices.push((if next == 0 { 20 } else { 5 }, create(next..=next).boxed()));
    }
    if next > 0 {
        choices.push((2, create(0..=next - 1).boxed()));
    }
    for (slot, refund) in &model.refunds {
        let weight = if refund.is_final() { 3 } else { 9 };
        choices.push((weight, write_to(*slot, refund)));
    }
    prop::strategy::Union::new_weighted(choices).boxed()
}

/// Two that may get into each other's way.
fn any_race(model: &Model) -> BoxedStrategy<(Write, Write)> {
    let any = any_write(model);
    let mut choices = vec![(1, (any.clone(), any).boxed())];
    for (slot, refund) in model.refunds.iter().filter(|(_, refund)| !refund.is_final()) {
        let write = write_to(*slot, refund);
        choices.push((2, (write.clone(), write).boxed()));
    }
    prop::strategy::Union::new_weighted(choices).boxed()
}

fn write_to(slot: u8, refund: &RefundModel) -> BoxedStrategy<Write> {
    let view = || prop_oneof![3 => Just(View::Fresh), 1 => Just(View::Stale)];
    let end = prop_oneof![Just(RefundEnd::CancelledByMerchant), Just(RefundEnd::TimePassed)];
    let cancelled = cancelled(refund.payment.as_ref().map_or(0, |payment| payment.attempt));
    let conclusions = vec![RefundConclusion::Refused, RefundConclusion::Settled];
    let conclude = (prop::sample::select(conclusions), view())
        .prop_map(move |(conclusion, view)| Write::Conclude(slot, conclusion, view));
    let at_provider = prop_oneof![2 => Just(Write::Accept(slot)), 1 => conclude];
    let on = match &refund.payment {
        None if refund.accepted.is_some() => at_provider.clone().boxed(),
        None => Just(Write::GiveDetails(slot)).boxed(),
        Some(payment) => any_pay(payment).prop_map(move |pay| Write::Pay(slot, pay)).boxed(),
    };
    prop_oneof![
        1 => (end, view(), cancelled).prop_map(move |(end, view, cancelled)| Write::End(slot, end, view, cancelled)),
        1 => view().prop_map(move |view| Write::Expire(slot, view)),
        1 => Just(Write::GiveDetails(slot)),
        1 => at_provider,
        6 => on,
    ]
    .boxed()
}

/// What the provider has cancelled, if anything.
fn cancelled(attempt: u8) -> impl Strategy<Value = Option<u8>> + Clone {
    prop_oneof![2 => Just(None), 2 => Just(Some(attempt)), 1 => Just(Some(attempt.saturating_sub(1)))]
}

fn any_pay(payment: &PaymentModel) -> BoxedStrategy<Pay> {
    use SessionEvent as E;
    let attempt = payment.attempt;
    let on = match payment.state {
        SessionState::AwaitingPayer | SessionState::AwaitingProvider => any::<bool>()
            .prop_map(move |at_consent| Pay::ChooseBank { number: attempt + 1, at_consent, cancelled: None })
            .boxed(),
        SessionState::AwaitingPaymentConsent if payment.at_consent => Just(Pay::Authorise(attempt)).boxed(),
        SessionState::AwaitingPaymentConsent => Just(Pay::GiveConsent(attempt)).boxed(),
        SessionState::Pending => Just(Pay::Settle).boxed(),
        SessionState::Sent | SessionState::Failed | SessionState::Cancelled | SessionState::Expired => {
            Just(Pay::Delete(None)).boxed()
        }
    };
    let events = [E::DeclinedByBank, E::InsufficientFunds, E::CancelledByMerchant, E::CancelledByPayer, E::TimePassed];
    let number = move || attempt.saturating_sub(1)..=attempt + 1;
    // Another bank, once the provider has cancelled.
    let next = Pay::ChooseBank { number: attempt + 1, at_consent: false, cancelled: Some(attempt) };
    let beside = if payment.is_open_at_consent() { Just(next).boxed() } else { on.clone() };
    prop_oneof![
        6 => on,
        2 => beside,
        2 => (attempt.max(1)..=attempt + 2, any::<bool>(), cancelled(attempt))
            .prop_map(|(number, at_consent, cancelled)| Pay::ChooseBank { number, at_consent, cancelled }),
        1 => number().prop_map(Pay::GiveConsent),
        1 => number().prop_map(Pay::Authorise),
        2 => number().prop_map(Pay::EndAttempt),
        1 => Just(Pay::Settle),
        1 => number().prop_map(Pay::Decline),
        3 => (prop::sample::select(events.to_vec()), cancelled(attempt))
            .prop_map(|(event, cancelled)| Pay::Record(event, cancelled)),
        1 => cancelled(attempt).prop_map(Pay::Delete),
    ]
    .boxed()
}

/// What is read in the table, of what the model speaks of.
#[derive(Debug, PartialEq, Eq)]
struct Picture {
    left: i64,
    count: usize,
    refunds: BTreeMap<u8, RefundPicture>,
}

#[derive(Debug, PartialEq, Eq)]
struct RefundPicture {
    amount: i64,
    state: RefundState,
    causes: Vec<&'static str>,
    /// The day on which it fails by time.
    until: i64,
    submitted: bool,
    accepted: Option<bool>,
    open_at_consent: bool,
    has_payment: bool,
    /// None if there is none, or if it was deleted.
    payment: Option<PaymentPicture>,
}

#[derive(Debug, PartialEq, Eq)]
struct PaymentPicture {
    amount: i64,
    state: SessionState,
    entries: usize,
    attempt: u8,
    at_consent: bool,
    ended: bool,
    submitted: bool,
}

/// The session as it is, and each refund with its payment session.
struct Found {
    session: Session,
    refunds: BTreeMap<u8, (Refund, Option<Session>)>,
}

/// A write with all that it takes, read and made beforehand.
struct Prepared {
    what: What,
    owner: Owner,
    at: Timestamp,
    write_id: WriteId,
}

enum What {
    Create(Box<Refund>, Option<Box<Session>>, Fingerprint),
    GiveDetails(Box<Refund>, Box<Session>),
    End(Box<Refund>, RefundEnd, Option<u8>),
    Expire(Box<Refund>),
    Pay(SessionId, Pay),
    Accept(Box<Refund>),
    Conclude(Box<Refund>, RefundConclusion),
    /// What was read doesn't allow it: a caller answers this.
    Nothing(Outcome),
}

impl Prepared {
    async fn perform(&self, table: store::Table) -> Outcome {
        let refunds = Refunds::new(table.clone());
        let Self { at, write_id, .. } = self;
        match &self.what {
            What::Create(refund, payment, fingerprint) => {
                match refunds.create(refund, payment.as_deref(), Some(*fingerprint), None, None).await.unwrap() {
                    RefundCreated::New => Outcome::Done,
                    RefundCreated::Existing(existing, first) => {
                        assert_eq!((existing.id, first), (refund.id, Some(*fingerprint)));
                        Outcome::Existing
                    }
                    RefundCreated::Refused(session) => Outcome::Left(session.unwrap().refundable(*at).unwrap().minor()),
                }
            }
            What::GiveDetails(refund, payment) => {
                self.changed(refund, refunds.give_details(refund, payment, *at, write_id).await)
            }
            What::End(refund, end, cancelled) => {
                self.changed(refund, refunds.end(refund, *end, *at, write_id, *cancelled, None).await)
            }
            What::Expire(refund) => {
                if refunds.expire(refund, *at).await.unwrap() {
                    Outcome::Done
                } else {
                    Outcome::Refused
                }
            }
            What::Pay(id, pay) => self.pay(Sessions::new(table), *id, pay).await,
            What::Accept(refund) => match refunds.provider_accepted(refund, &provider_refund_id()).await {
                Ok(accepted) => {
                    assert_eq!(accepted.at_provider.unwrap().id, Some(provider_refund_id()));
                    Outcome::Done
                }
                Err(RefundChangeError::Refused(_)) => Outcome::Refused,
                Err(RefundChangeError::Store(error)) => panic!("{error}"),
            },
            What::Conclude(refund, conclusion) => {
                self.changed(refund, refunds.conclude(refund, *conclusion, *at, write_id).await)
            }
            What::Nothing(outcome) => *outcome,
        }
    }

    /// The answer shows the refund as it is then, whatever came of it.
    fn changed(&self, refund: &Refund, changed: Result<RefundChanged, RefundChangeError>) -> Outcome {
        match changed {
            Ok(changed) => {
                assert_eq!(changed.refund.id, refund.id);
                assert!(changed.refund.history.has_write(&self.write_id));
                if changed.repeated { Outcome::Repeated } else { Outcome::Done }
            }
            Err(RefundChangeError::Refused(found)) => {
                assert_eq!(found.id, refund.id);
                assert!(!found.history.has_write(&self.write_id));
                Outcome::Refused
            }
            Err(RefundChangeError::Store(error)) => panic!("{error}"),
        }
    }

    async fn pay(&self, sessions: Sessions, session_id: SessionId, pay: &Pay) -> Outcome {
        let Self { at, write_id, .. } = self;
        let change = |event| Change { session_id, event, at: *at, write_id: write_id.clone() };
        let changed = match pay {
            Pay::ChooseBank { number, at_consent, cancelled } => {
                let attempt =
                    if *at_consent { support::attempt_at_consent(*number, *at) } else { support::attempt(*number) };
                sessions.choose_bank(change(SessionEvent::BankChosen), &attempt, *cancelled).await
            }
            Pay::Authorise(number) => sessions.authorised(change(SessionEvent::ConsentGiven), *number, *at).await,
            Pay::EndAttempt(number) => {
                let Some(session) = sessions.get(&session_id).await.unwrap() else { return Outcome::Gone };
                // As it was read then.
                let session = Session { attempt: Some(support::attempt(*number)), ..session };
                sessions.end_attempt(change(SessionEvent::AttemptEnded), &session, AttemptEnd::NotBegun).await
            }
            Pay::GiveConsent(number) => {
                let submission = samples::submission(*at);
                sessions.give_consent(change(SessionEvent::ConsentGiven), *number, &submission, *at).await
            }
            Pay::Settle => {
                sessions.settle(change(SessionEvent::Settled), &PaidFrom::Account(given_account()), None).await
            }
            Pay::Decline(number) => sessions.decline(change(SessionEvent::DeclinedByPayer), *number).await,
            Pay::Record(event, cancelled) => sessions.record(change(*event), Some(&self.owner), *cancelled, None).await,
            Pay::Delete(cancelled) => {
                let deleted = sessions.delete(session_id, &self.owner, *at, write_id.clone(), *cancelled).await;
                return match deleted {
                    Ok(deleted) if deleted.repeated => Outcome::Repeated,
                    Ok(_) => Outcome::Done,
                    Err(ChangeError::Refused(_)) => Outcome::Refused,
                    Err(ChangeError::NotFound) => Outcome::Gone,
                    Err(ChangeError::Store(error)) => panic!("{error}"),
                };
            }
        };
        match changed {
            Ok(changed) if changed.repeated => Outcome::Repeated,
            Ok(_) => Outcome::Done,
            Err(ChangeError::Refused(_)) => Outcome::Refused,
            Err(ChangeError::NotFound) => Outcome::Gone,
            Err(ChangeError::Store(error)) => panic!("{error}"),
        }
    }
}

struct Table {
    world: &'static World,
    owner: Owner,
    /// The paid session before its refunds.
    session: Session,
    /// The refunds as they were when they were made.
    made: BTreeMap<u8, Refund>,
    /// The first slot's id; the others follow.
    base: u128,
    /// After a race the model may have chosen the other order: this is what was seen.
    model: Model,
    /// How many writes there were.
    writes: Cell<usize>,
}

impl Table {
    fn at(&self) -> Timestamp {
        self.session.created_at + SignedDuration::from_hours(24 * self.model.day)
    }

    /// When a write happens by the clock of the function that does it: clocks differ, and some writes take their time. Those
    /// that others are due by happen at the day's start.
    fn at_of(&self, write: &Write) -> Timestamp {
        match write {
            Write::Create { .. } | Write::GiveDetails(_) => self.at(),
            Write::End(..) | Write::Expire(..) | Write::Pay(..) | Write::Accept(_) | Write::Conclude(..) => {
                let number = self.writes.get();
                self.writes.set(number + 1);
                self.at() + SignedDuration::from_secs(60 - support::behind_s(number))
            }
        }
    }

    fn day(&self, at: Timestamp) -> i64 {
        at.duration_since(self.session.created_at).as_hours() / 24
    }

    fn refund_id(&self, slot: u8) -> RefundId {
        RefundId::new(Uuid::from_u128(self.base + u128::from(slot)))
    }

    /// Reads what the write is made from, and makes it.
    async fn prepare(&self, write: &Write) -> Arc<Prepared> {
        let (at, write_id) = (self.at_of(write), samples::write_id());
        let nothing = What::Nothing(Outcome::Refused);
        let what = match write {
            Write::Create { slot, amount, payee_given, view } => {
                self.prepare_creation(*slot, *amount, *payee_given, *view, &write_id).await
            }
            Write::GiveDetails(slot) => match self.view(*slot, View::Fresh).await {
                Some(mut refund) => {
                    let creation = support::refund_creation(refund.id, at);
                    let (id, end_to_end_id) = (creation.payment_session_id, creation.end_to_end_id);
                    let payee = given_account();
                    let payment =
                        refund.give_details(&self.session, payee, id, end_to_end_id, at, write_id.clone()).unwrap();
                    What::GiveDetails(Box::new(refund), Box::new(payment))
                }
                None => nothing,
            },
            Write::End(slot, end, view, cancelled) => match self.view(*slot, *view).await {
                Some(refund) => What::End(Box::new(refund), *end, *cancelled),
                None => nothing,
            },
            Write::Expire(slot, view) => match self.view(*slot, *view).await {
                Some(refund) => What::Expire(Box::new(refund)),
                None => nothing,
            },
            Write::Pay(slot, pay) => {
                match self.view(*slot, View::Fresh).await.and_then(|refund| refund.payment_session_id) {
                    Some(payment) => What::Pay(payment, pay.clone()),
                    None => nothing,
                }
            }
            Write::Accept(slot) => match self.view(*slot, View::Fresh).await {
                Some(refund) => What::Accept(Box::new(refund)),
                None => nothing,
            },
            Write::Conclude(slot, conclusion, view) => match self.view(*slot, *view).await {
                Some(refund) => What::Conclude(Box::new(refund), *conclusion),
                None => nothing,
            },
        };
        Arc::new(Prepared { what, owner: self.owner.clone(), at, write_id })
    }

    async fn prepare_creation(
        &self,
        slot: u8,
        amount: Option<i64>,
        payee_given: bool,
        view: View,
        write_id: &WriteId,
    ) -> What {
        let session = match view {
            View::Fresh => Sessions::new(self.world.table.clone()).get(&self.session.id).await.unwrap().unwrap(),
            View::Stale => self.session.clone(),
        };
        let payee = payee_given.then(|| RefundPayee { name: None, account: given_account().account });
        let id = self.refund_id(slot);
        let payment_id = support::payment_id(&session.id, 1);
        let at_provider = RefundAtProvider { payment_id, ..samples::refund_at_provider(id) };
        let creation = models::RefundCreation {
            write_id: write_id.clone(),
            at_provider: self.model.at_provider.then_some(at_provider),
            ..support::refund_creation(id, self.at())
        };
        match Refund::create(&session, models::NewRefund { payee, ..samples::new_refund(&session, amount) }, creation) {
            Ok((refund, payment)) => What::Create(Box::new(refund), payment.map(Box::new), Fingerprint([slot; 32])),
            Err(NotRefundable::TooMuch { left } | NotRefundable::NothingLeft { left }) => {
                What::Nothing(Outcome::Left(left.minor()))
            }
            Err(error) => panic!("{error}"),
        }
    }

    async fn view(&self, slot: u8, view: View) -> Option<Refund> {
        match view {
            View::Fresh => Refunds::new(self.world.table.clone()).get(&self.refund_id(slot)).await.unwrap(),
            View::Stale => self.made.get(&slot).cloned(),
        }
    }

    /// Keeps what a creation answered.
    fn keep(&mut self, write: &Write, prepared: &Prepared, outcome: Outcome) {
        if let (Write::Create { slot, .. }, What::Create(refund, ..), Outcome::Done) = (write, &prepared.what, outcome)
        {
            self.made.entry(*slot).or_insert_with(|| (**refund).clone());
        }
    }

    async fn write(&mut self, write: &Write, faults: Vec<Fault>, twice: bool) {
        let before = self.model.clone();
        let expected = self.model.write(write, &before);
        let prepared = self.prepare(write).await;
        let outcome = prepared.perform(self.world.through(faults.clone())).await;
        // A write that was done before a conflict sent it again by a new request finds itself.
        let recognised = !faults.is_empty() && outcome == Outcome::Repeated && expected == Outcome::Done;
        assert!(outcome == expected || recognised, "{write:?} {faults:?}: {outcome:?}, not {expected:?}");
        self.keep(write, &prepared, outcome);
        if twice && expected == Outcome::Done {
            let again = prepared.perform(self.world.table.clone()).await;
            let expected = match write {
                Write::GiveDetails(_) | Write::End(..) | Write::Pay(..) | Write::Conclude(..)
                    if self.model != before =>
                {
                    Outcome::Repeated
                }
                Write::Create { .. }
                | Write::GiveDetails(_)
                | Write::End(..)
                | Write::Pay(..)
                | Write::Expire(..)
                | Write::Accept(_)
                | Write::Conclude(..) => Outcome::Done,
            };
            assert_eq!(again, expected, "{write:?} again, by the same write id");
        }
    }

    async fn race(&mut self, a: &Write, b: &Write, request: Option<usize>) {
        let (one, other) = (self.prepare(a).await, self.prepare(b).await);
        let plain = self.world.table.clone();
        let (done, then) = match request {
            None => tokio::join!(one.perform(self.world.losing(1)), other.perform(plain)),
            Some(number) => {
                let answer = Arc::new(Mutex::new(None));
                let meanwhile = {
                    let (other, plain, answer) = (Arc::clone(&other), plain.clone(), Arc::clone(&answer));
                    async move {
                        let outcome = other.perform(plain).await;
                        *answer.lock().unwrap() = Some(outcome);
                    }
                };
                let done = one.perform(self.world.while_on_the_way(number, meanwhile)).await;
                let then = answer.lock().unwrap().take();
                match then {
                    Some(then) => (done, then),
                    // There were fewer requests.
                    None => (done, other.perform(plain).await),
                }
            }
        };
        let recognised = |outcome| if outcome == Outcome::Repeated { Outcome::Done } else { outcome };
        let (done, then) = (recognised(done), recognised(then));
        self.keep(a, &one, done);
        self.keep(b, &other, then);
        let (first, [a_first, b_second]) = self.model.after([a, b]);
        let (second, [b_first, a_second]) = self.model.after([b, a]);
        let picture = self.picture(&self.found().await);
        // Whose payment session is deleted before the answer is made may get that answer.
        let is = |outcome: Outcome, expected: Outcome, other: &Write| {
            let deleted = matches!(other, Write::Pay(_, Pay::Delete(_)));
            outcome == expected || (deleted && outcome == Outcome::Gone && expected == Outcome::Done)
        };
        if is(done, a_first, b) && is(then, b_second, a) && picture == first.picture() {
            self.model = first;
        } else {
            let fits = is(done, a_second, b) && is(then, b_first, a);
            assert!(fits, "{a:?} and {b:?} at once, {request:?}: {done:?} and {then:?}");
            assert_eq!(picture, second.picture(), "{a:?} and {b:?} at once, {request:?}");
            self.model = second;
        }
    }

    /// Reads the session, and each refund with its payment session.
    async fn found(&self) -> Found {
        let WithRefunds { session, refunds } =
            Refunds::new(self.world.table.clone()).of(&self.session.id).await.unwrap();
        let mut found = Found { session: session.unwrap(), refunds: BTreeMap::new() };
        for refund in refunds {
            let slot = (0..=u8::MAX).find(|slot| self.refund_id(*slot) == refund.id).unwrap();
            let payment = match refund.payment_session_id {
                Some(id) => Sessions::new(self.world.table.clone()).get(&id).await.unwrap(),
                None => None,
            };
            found.refunds.insert(slot, (refund, payment));
        }
        found
    }

    fn picture(&self, found: &Found) -> Picture {
        let payment = |payment: &Session| PaymentPicture {
            amount: payment.amount.minor(),
            state: payment.state,
            entries: payment.history.len(),
            attempt: payment.attempt_number(),
            at_consent: payment.attempt.as_ref().is_some_and(|attempt| attempt.at_consent.is_some()),
            ended: payment.attempt.as_ref().is_some_and(|attempt| attempt.ended.is_some()),
            submitted: payment.submission.is_some(),
        };
        let refund = |(refund, paid_by): &(Refund, Option<Session>)| RefundPicture {
            amount: refund.amount.minor(),
            state: refund.state,
            causes: refund.history.iter().map(|entry| entry.cause.as_str()).collect(),
            until: self.day(refund.expires_at),
            submitted: refund.submitted,
            accepted: refund.at_provider.as_ref().map(|at_provider| at_provider.id.is_some()),
            open_at_consent: refund.open_at_consent,
            has_payment: refund.payment_session_id.is_some(),
            payment: paid_by.as_ref().map(payment),
        };
        Picture {
            left: found.session.refundable(self.at()).unwrap().minor(),
            count: found.session.refund_count.try_into().unwrap(),
            refunds: found.refunds.iter().map(|(slot, found)| (*slot, refund(found))).collect(),
        }
    }

    /// All that must be true of any table is, of what these refunds have left.
    async fn verify(&self) {
        let verify = Verify::new(self.world.table.clone(), self.at(), SignedDuration::from_hours(24 * 10_000));
        for mut part in self.world.table.items(store::Parts(1)) {
            while let Some(page) = part.next().await.unwrap() {
                let own = |item: &TableItem| format!("{item:?}").contains(self.owner.merchant_id.as_str());
                for item in page.found.into_iter().filter(own) {
                    assert_eq!(verify.check(&item).await.unwrap().violations, []);
                }
            }
        }
    }

    async fn check(&self) {
        let found = self.found().await;
        assert_eq!(self.picture(&found), self.model.picture());
        let Found { session, refunds } = found;
        let refunded = refunds.values().filter(|(refund, _)| refund.state != RefundState::Failed);
        let refunded: i64 = refunded.map(|(refund, _)| refund.amount.minor()).sum();
        assert!((0..=self.model.paid).contains(&refunded), "{refunded} of {}", self.model.paid);
        assert_eq!(session.refundable(self.at()).unwrap().minor(), self.model.paid - refunded);
        // Nothing else of the refunded session changes.
        assert_eq!(session.clone().as_of(session.history.len()), self.session);
        let due = support::due_items(&self.world.table).await;
        let mut live = vec![session.id];
        for (slot, (refund, payment)) in refunds {
            let fingerprint = Some(Fingerprint([slot; 32]));
            let created = Refunds::new(self.world.table.clone()).created(&refund.id).await.unwrap();
            assert_eq!(created, Some((refund.clone(), fingerprint)));
            agree(&refund, payment.as_ref());
            assert!(refund.history.is_sorted_by_key(|entry| entry.at), "{:?}", refund.history);
            if let Some(payment) = &payment {
                assert!(payment.history.is_sorted_by_key(|entry| entry.at), "{:?}", payment.history);
            }
            if let Some(payment) = &payment {
                let pays_refund = PaysRefund { refund_id: refund.id, session_id: session.id };
                assert_eq!(payment.pays_refund, Some(pays_refund));
                let account = if self.model.payer_account { payer_account() } else { given_account() };
                assert_eq!(payment.payee.account, account.account);
                live.push(payment.id);
            }
            let waits = refund.state == RefundState::AwaitingDetails || refund.open_at_provider().is_some();
            assert_eq!(due.contains(&DueItem::Refund(session.id, refund.id)), waits);
            if let Some(id) = refund.payment_session_id {
                let goes_on = payment.is_some_and(|payment| !payment.state.is_final());
                assert_eq!(due.contains(&DueItem::Session(id)), goes_on);
            }
            // Whatever has happened, a repeated creation is answered as the first was.
            assert_eq!(as_shown(refund.as_created()), as_shown(self.made[&slot].clone()));
        }
        // No payment session but these: one for each refund at the most.
        let listed = Sessions::new(self.world.table.clone())
            .list(&self.owner, models::ListShards::default(), ListRange { limit: 100, ..Default::default() }, None)
            .await;
        let mut listed: Vec<_> = listed.unwrap().items.into_iter().map(|session| session.id).collect();
        listed.sort();
        live.sort();
        assert_eq!(listed, live);
    }
}

/// The account that the payer's bank said it was paid from.
fn payer_account() -> Payee {
    support::payee("11111111")
}

/// The account that the merchant or the customer gives.
fn given_account() -> Payee {
    support::payee("22222222")
}

/// What the provider calls every refund.
fn provider_refund_id() -> ProviderRefundId {
    samples::text("refund:1")
}

/// What of a refund its creation answers.
fn as_shown(refund: Refund) -> impl PartialEq + std::fmt::Debug {
    (refund.id, refund.amount, refund.reference, refund.state, refund.payment_session_id)
}

/// A refund, which ended or goes on as its history says, and its payment session, if that was not deleted, say the same.
fn agree(refund: &Refund, payment: Option<&Session>) {
    use SessionState as S;
    assert_eq!(refund.history.last().unwrap().state, refund.state);
    if refund.at_provider.is_some() {
        assert!(
            refund.submitted && refund.payment_session_id.is_none() && refund.state != RefundState::AwaitingDetails
        );
        return;
    }
    let payment_state = payment.map(|payment| payment.state);
    let fits = match refund.state {
        RefundState::AwaitingDetails => refund.payment_session_id.is_none(),
        RefundState::AwaitingPayment if refund.submitted => payment_state == Some(S::Pending),
        RefundState::AwaitingPayment => {
            matches!(payment_state, Some(S::AwaitingProvider | S::AwaitingPaymentConsent))
        }
        RefundState::Sent => payment_state == Some(S::Sent),
        RefundState::Failed => matches!(payment_state, None | Some(S::Failed | S::Cancelled | S::Expired)),
    };
    assert!(fits, "{} and {payment_state:?}", refund.state);
}

impl StateMachineTest for Table {
    type SystemUnderTest = Table;
    type Reference = Rules;

    fn init_test(model: &Model) -> Table {
        let world = World::get();
        let owner = support::new_owner(models::Mode::Test);
        let account = model.payer_account.then(payer_account);
        let session = world.runtime.block_on(async {
            if model.at_provider {
                support::session_paid_at_consent(&owner, samples::now(), account.as_ref(), model.paid).await
            } else {
                support::paid_session(&owner, samples::now(), account.as_ref(), model.paid).await
            }
        });
        let base = samples::uuid().as_u128() & !0xff;
        Table { world, owner, session, made: BTreeMap::new(), base, model: model.clone(), writes: Cell::new(0) }
    }

    fn apply(mut table: Table, _: &Model, step: Step) -> Table {
        let world = table.world;
        world.runtime.block_on(async {
            match step {
                Step::DaysPass(days) => table.model.day += days,
                Step::Write { write, faults, twice } => table.write(&write, faults, twice).await,
                Step::Race(a, b, request) => table.race(&a, &b, request).await,
            }
        });
        table
    }

    fn teardown(table: Table, _: Model) {
        table.world.runtime.block_on(table.verify());
    }

    fn check_invariants(table: &Table, _: &Model) {
        table.world.runtime.block_on(table.check());
    }
}

prop_state_machine! {
    #![proptest_config(Config { cases: 32, failure_persistence: None, ..Config::default() })]
    #[test]
    fn refunds_are_what_the_model_says(sequential 1..24 => Table);
}
