//! Sessions as a shop has them after a while: most long over, some of today still open.

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use models::{EndToEndId, Merchant, PaidFrom, Payer, PaymentAttempt, Session, SessionEvent, SessionId, transition};
use providers::mock::{Decided, Decision, Entry, Ledger, MockBank};
use providers::{Next, Provider, ProviderError, Status};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::error::Error;
use crate::orders;

/// How far back the oldest session goes.
const OLDEST: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How far back today goes: less than a session's lifetime, so that what is open then does not fall due for hours.
const TODAY: SignedDuration = SignedDuration::from_hours(20);
/// Of how many sessions one is of today.
const ONE_OF_TODAY_IN: usize = 8;
/// The longest pause between two steps of a checkout, and so the longest checkout of four.
const PAUSE_MS: i64 = 30_000;
const CHECKOUT: SignedDuration = SignedDuration::from_millis(4 * PAUSE_MS);

/// How a session goes on after its creation.
///
/// None is left pending: that lasts seconds, and would need the bank's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    Paid,
    Declined,
    Cancelled,
    Expired,
    LeftAtBank,
    LeftAtChoice,
    NotOpened,
}

impl Course {
    /// Of a session whose time is over.
    fn of_the_past(rng: &mut Rng) -> Self {
        match rng.u32(0..100) {
            0..72 => Self::Paid,
            72..80 => Self::Declined,
            80..86 => Self::Cancelled,
            _ => Self::Expired,
        }
    }

    fn of_today(rng: &mut Rng) -> Self {
        match rng.u32(0..100) {
            0..60 => Self::Paid,
            60..67 => Self::Declined,
            67..72 => Self::Cancelled,
            72..80 => Self::LeftAtBank,
            80..90 => Self::LeftAtChoice,
            _ => Self::NotOpened,
        }
    }

    fn events(self) -> &'static [SessionEvent] {
        use SessionEvent as E;
        match self {
            Self::Paid => &[E::PayerIdentified, E::BankChosen, E::ConsentGiven, E::Settled],
            Self::Declined => &[E::PayerIdentified, E::BankChosen, E::DeclinedByPayer],
            Self::Cancelled => &[E::PayerIdentified, E::CancelledByPayer],
            Self::Expired => &[E::TimePassed],
            Self::LeftAtBank => &[E::PayerIdentified, E::BankChosen],
            Self::LeftAtChoice => &[E::PayerIdentified],
            Self::NotOpened => &[],
        }
    }
}

/// The memory of a bank whose every customer approves, and that forgets at once.
#[derive(Debug, Clone, Copy)]
struct Approving;

impl Ledger for Approving {
    async fn get<T: DeserializeOwned>(&self, _: EndToEndId, _: Entry) -> Result<Option<T>, ProviderError> {
        Ok(None)
    }

    async fn put<T: Serialize + DeserializeOwned>(
        &self,
        _: EndToEndId,
        _: Entry,
        value: T,
    ) -> Result<T, ProviderError> {
        Ok(value)
    }

    async fn decided(&self, _: EndToEndId, _: u8) -> Result<Option<Decided>, ProviderError> {
        Ok(Some(Decision::Approve.into()))
    }
}

/// Makes the sessions of one merchant, oldest first.
pub(super) struct Maker {
    merchant: Merchant,
    base_url: String,
    now: Timestamp,
    bank: MockBank<Approving>,
    rng: Rng,
}

impl Maker {
    /// For this merchant, whose checkout is at `base_url`, as of now; what sessions are like is as `rng` says.
    pub(super) fn new(merchant: Merchant, base_url: String, rng: Rng) -> Self {
        Self { merchant, base_url, now: Timestamp::now(), bank: MockBank::new(Approving), rng }
    }

    /// Session `number` of `count`. It goes through what the service itself would have put it through.
    pub(super) async fn session(&mut self, number: usize, count: usize) -> Result<Session, Error> {
        let (created_at, is_of_today) = self.created_at(number, count)?;
        let id = SessionId::new(Uuid::new_v7(uuid::Timestamp::from_unix(
            uuid::NoContext,
            u64::try_from(created_at.as_second())?,
            u32::try_from(created_at.subsec_nanosecond())?,
        )));
        let order = orders::order(&mut self.rng, number);
        let mut session = orders::session(&order, &self.merchant, id, created_at, &self.base_url)?;
        let course = if is_of_today { Course::of_today(&mut self.rng) } else { Course::of_the_past(&mut self.rng) };
        let mut at = created_at;
        for &event in course.events() {
            // What is over time is written down by the schedule, at most a minute later.
            let since = if event == SessionEvent::TimePassed { session.expires_at } else { at };
            at = since.checked_add(SignedDuration::from_millis(self.rng.i64(1..=PAUSE_MS)))?;
            self.happen(&mut session, event, at, number).await?;
        }
        Ok(session)
    }

    /// What the functions and the table make of an event.
    async fn happen(
        &mut self,
        session: &mut Session,
        event: SessionEvent,
        at: Timestamp,
        number: usize,
    ) -> Result<(), Error> {
        session.state = transition(session.state, event)?;
        session.history.append(session.state, at, event, samples::write_id());
        match event {
            SessionEvent::PayerIdentified => {
                let (name, email) = orders::payer(&mut self.rng, number);
                session.payer = Some(Payer { name: name.try_into()?, email: Some(email.try_into()?), phone: None });
            }
            SessionEvent::BankChosen => {
                let number = session.attempt_number() + 1;
                let request = self.bank.begin_request(session, number);
                let begun = self.bank.begin(session, number, &request).await?;
                let Next::Redirect(link) = begun.next else { return Err("the mock bank shows no page".into()) };
                session.attempt = Some(PaymentAttempt {
                    number,
                    bank: MockBank::<Approving>::id(),
                    redirect_url: link.reveal().to_owned(),
                    provider_state: begun.provider_state,
                    at_consent: None,
                    ended: None,
                });
            }
            SessionEvent::ConsentGiven => {
                let attempt = session.attempt.as_ref().ok_or("consent without an attempt")?;
                session.submission = self.bank.prepare(session, attempt, at);
            }
            SessionEvent::Settled => {
                let attempt = session.attempt.as_ref().ok_or("settled without an attempt")?;
                let submission = session.submission.as_ref().ok_or("settled without a submission")?;
                if let Status::Settled(PaidFrom::Account(account)) =
                    self.bank.submit(session, attempt, submission, at).await?
                {
                    session.payer_account = Some(account);
                }
            }
            SessionEvent::Created
            | SessionEvent::DeclinedByPayer
            | SessionEvent::DeclinedByBank
            | SessionEvent::InsufficientFunds
            | SessionEvent::Underpaid
            | SessionEvent::CancelledByMerchant
            | SessionEvent::CancelledByPayer
            | SessionEvent::DeletedByMerchant
            | SessionEvent::TimePassed
            | SessionEvent::AttemptEnded => {}
        }
        Ok(())
    }

    /// Evenly over the time there is, so that the oldest comes first; and whether that is today.
    fn created_at(&self, number: usize, count: usize) -> Result<(Timestamp, bool), Error> {
        let of_today = count / ONE_OF_TODAY_IN;
        let of_the_past = count - of_today;
        let part = |number: usize, count: usize, span: SignedDuration| -> Result<SignedDuration, Error> {
            let ms = span.as_millis() * i128::try_from(number)? / i128::try_from(count.max(1))?;
            Ok(SignedDuration::from_millis(i64::try_from(ms)?))
        };
        Ok(if number < of_the_past {
            // Over a day ago, so that all that was open has expired.
            let before = SignedDuration::from_hours(25);
            let begin = self.now.checked_sub(OLDEST)?;
            (begin.checked_add(part(number, of_the_past, OLDEST.saturating_sub(before))?)?, false)
        } else {
            let begin = self.now.checked_sub(TODAY)?;
            (begin.checked_add(part(number - of_the_past, of_today, TODAY.saturating_sub(CHECKOUT))?)?, true)
        })
    }
}
