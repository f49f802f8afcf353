//! A payer who makes transfers of their own: whatever they send and when, whatever else happens at the same time, and wherever a
//! function dies, the session says what the provider's ledger has.

use jiff::SignedDuration;
use memory_aws::BankTrouble;
use models::{Currency, MinorUnits, Money, Received, Reference, Session, SessionEvent, SessionState, TransferId};
use providers::mock::{Arrived, Sender, Transfer, arrive};
use providers::{Arrivals, Cancellation, Provider, RawEvent, Status};
use store::ChangeError;

use super::world::{MOCK_BANK, World, bank_id, causes, owner};
use crate::EndError;

/// The provider.
pub(super) const TRANSFER: &str = "mock-transfer";

/// A transfer to a session, in pence.
pub(super) fn transfer(session: &Session, minor: i64) -> Transfer {
    Transfer {
        id: TransferId::new(samples::uuid()),
        account: None,
        reference: Reference::of_payment(&session.end_to_end_id).as_str().to_owned(),
        amount: Money::new(MinorUnits::new(minor), Currency::GBP),
        sender: Sender::Payer,
    }
}

impl World {
    /// It arrives, or has before; the provider's webhook, if it gets that far.
    pub(super) async fn arrives(&self, transfer: &Transfer) -> Option<Arrived> {
        arrive(&self.ledger(), transfer, self.now(), self.now()).await.ok()
    }

    /// It arrives, or has before, and the provider says so by its webhook; whether we answered that we know.
    pub(super) async fn arrives_and_says_so(&self, transfer: &Transfer) -> bool {
        let Some(Arrived::AtPayment { event, .. }) = self.arrives(transfer).await else { return false };
        let headers: Vec<_> = event.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (path, body) = (event.path.as_str(), event.body.as_bytes());
        let raw = RawEvent { method: "POST", path, headers: &headers, body, now: self.now() };
        self.payments.follow_up_event(&bank_id(TRANSFER), &raw).await.is_ok()
    }

    /// Pence in the provider's ledger for an attempt: received in time, late; and whether it is closed.
    pub(super) async fn ledger_of(&self, session: &Session, number: u8) -> (i64, i64, bool) {
        let connector = self.payments.providers.find(&bank_id(TRANSFER), session.mode).unwrap();
        let id = format!("mock.{}.{number}", session.end_to_end_id).parse().unwrap();
        match connector.status_by_id(&id, self.now()).await.unwrap() {
            Status::Arrived(Arrivals { received, late, closed, .. }) => (received.get(), late.get(), closed),
            Status::Cancelled => (0, 0, true),
            Status::AwaitingConsent | Status::Unknown => (0, 0, false),
            status @ (Status::Consented
            | Status::Accepted
            | Status::Settled(_)
            | Status::TakenBack(_)
            | Status::Refused(_)) => panic!("{status:?}"),
        }
    }

    /// Once all has settled down, and the provider's webhooks about these transfers were answered.
    pub(super) async fn check_transfers(&self, session: &Session, sent: &[Transfer], what: &str) {
        for transfer in sent {
            assert!(self.arrives_and_says_so(transfer).await, "a webhook is not answered: {what}");
        }
        let now_as = self.read(session).await;
        let state = now_as.as_ref().map(|session| session.state);
        let attempts = now_as.as_ref().map_or(3, Session::attempt_number);
        let (mut paid, mut all) = (self.paid(session).await, 0);
        let late_money = self.payments.sessions.late_money(&session.id).await.unwrap();
        for number in 1..=attempts {
            let (received, late, closed) = self.ledger_of(session, number).await;
            all += received + late;
            let known = now_as.as_ref().and_then(|session| session.received).map(|received| received.total.get());
            match (closed, received) {
                (_, 0) => {}
                (false, received) => {
                    assert!(received >= 400, "{received} of attempt {number} still waits: {what}");
                    assert_eq!((known, state), (Some(received), Some(SessionState::Sent)), "{what}");
                    paid.push(number);
                }
                (true, received) => {
                    let session = now_as.as_ref().unwrap();
                    assert_eq!(session.attempt_number(), number, "{what}");
                    assert_eq!(session.returned().map(Money::minor), Some(received), "{what}");
                    assert_eq!((state, *causes(session).last().unwrap()), (Some(SessionState::Failed), "underpaid"));
                }
            }
            if late > 0 {
                let noted = late_money.as_ref().unwrap_or_else(|| panic!("late money is not noted: {what}"));
                let is_it = noted.attempt == number;
                assert!(!is_it || noted.amount_minor == Some(MinorUnits::new(late)), "{noted:?}, and {late}: {what}");
            }
        }
        let each: i64 = sent.iter().map(|transfer| transfer.amount.minor()).sum();
        assert_eq!(all, each, "each transfer is somewhere: {what}");
        assert!(paid.len() <= 1, "paid twice: {paid:?} ({what})");
        assert_eq!(state == Some(SessionState::Sent), paid.len() == 1, "{state:?}, and {paid:?} was paid: {what}");
        if let Some(session) = now_as {
            assert!(session.state.is_final(), "{} in the end: {what}", session.state);
        }
        self.verify(what).await;
    }
}

fn minor(money: Option<Money>) -> Option<i64> {
    money.map(Money::minor)
}

#[tokio::test]
async fn exactly_the_amount_pays_it() {
    let world = World::new();
    let session = world.at(TRANSFER).await;
    assert_eq!(session.state, SessionState::AwaitingPaymentConsent, "until the first money it can be cancelled");
    let to = session.attempt.as_ref().unwrap().at_consent.as_ref().unwrap().transfer.clone().unwrap();
    assert_eq!((to.payee, to.reference), (session.payee.clone(), Reference::of_payment(&session.end_to_end_id)));
    let sent = [transfer(&session, 400)];
    assert!(world.arrives_and_says_so(&sent[0]).await);
    let now_as = world.read(&session).await.unwrap();
    assert_eq!(causes(&now_as)[2..], ["bank_chosen", "consent_given", "settled"]);
    assert_eq!(now_as.received, Some(Received { total: MinorUnits::new(400), at: world.now() }));
    assert_eq!((now_as.missing(), now_as.excess(), now_as.returned()), (None, None, None));
    assert_eq!(now_as.payer_account.unwrap().name.as_str(), samples::PAYER_NAME);
    world.check_transfers(&session, &sent, "exact").await;
}

#[tokio::test]
async fn the_transfer_that_is_awaited_stays_when_it_is_chosen_again() {
    let world = World::new();
    let session = world.at(TRANSFER).await;
    // On its way while the payer chooses what they have.
    let sent = [transfer(&session, 400)];
    let again = world.payments.begin(&session, bank_id(TRANSFER), 2).await.unwrap();
    assert_eq!((again.attempt_number(), again.history.len()), (1, session.history.len()));
    assert!(world.arrives_and_says_so(&sent[0]).await);
    assert_eq!(world.read(&session).await.unwrap().state, SessionState::Sent);
    world.check_transfers(&session, &sent, "chosen again").await;
}

#[tokio::test]
async fn parts_are_waited_for_until_they_are_the_amount() {
    let world = World::new();
    let session = world.at(TRANSFER).await;
    let sent = [transfer(&session, 150), transfer(&session, 249), transfer(&session, 1)];
    for (part, missing) in sent.iter().zip([Some(250), Some(1), None]) {
        assert!(world.arrives_and_says_so(part).await && world.arrives_and_says_so(part).await, "twice is once");
        let now_as = world.read(&session).await.unwrap();
        assert_eq!(minor(now_as.missing()), missing);
        // Nothing that is pending can be cancelled; it ends with its time.
        let change = world.payments.change(session.id, SessionEvent::CancelledByMerchant);
        let refused = world.payments.end(change, None, None).await;
        assert!(matches!(refused, Err(EndError::Change(ChangeError::Refused(_)))), "{refused:?}");
        world.advance(SignedDuration::from_hours(2));
        world.schedule().await;
    }
    assert_eq!(causes(&world.read(&session).await.unwrap())[2..], ["bank_chosen", "consent_given", "settled"]);
    world.check_transfers(&session, &sent, "parts").await;
}

#[tokio::test]
async fn what_is_underpaid_goes_back_when_the_time_has_passed() {
    let world = World::new();
    let session = world.at(TRANSFER).await;
    let mut sent = vec![transfer(&session, 399)];
    assert!(world.arrives_and_says_so(&sent[0]).await);
    world.advance(session.expires_at.duration_since(world.now()) - SignedDuration::from_secs(1));
    world.schedule().await;
    assert_eq!(world.read(&session).await.unwrap().state, SessionState::Pending, "until then the rest may come");
    world.advance(SignedDuration::from_secs(1));
    world.schedule().await;
    let ended = world.read(&session).await.unwrap();
    assert_eq!(causes(&ended)[2..], ["bank_chosen", "consent_given", "underpaid"]);
    assert_eq!((ended.state, minor(ended.returned()), ended.missing()), (SessionState::Failed, Some(399), None));
    // The rest, too late.
    sent.push(transfer(&session, 1));
    sent.push(transfer(&session, 400));
    world.check_transfers(&session, &sent, "underpaid").await;
    let ended = world.read(&session).await.unwrap();
    assert_eq!(ended.late_money.unwrap().amount_minor, Some(MinorUnits::new(401)), "all that came late");
    assert_eq!(minor(world.read(&session).await.unwrap().returned()), Some(399));
}

#[tokio::test]
async fn the_rest_as_time_runs_out_pays_it() {
    let world = World::new();
    let session = world.at(TRANSFER).await;
    let sent = [transfer(&session, 399), transfer(&session, 1)];
    assert!(world.arrives_and_says_so(&sent[0]).await);
    world.advance(session.expires_at.duration_since(world.now()));
    // Before anybody has closed it, and nobody says so: the schedule asks.
    world.arrives(&sent[1]).await.unwrap();
    world.settle_down().await;
    world.check_transfers(&session, &sent, "as time runs out").await;
    assert_eq!(world.read(&session).await.unwrap().state, SessionState::Sent);
}

#[tokio::test]
async fn more_than_the_amount_pays_it_and_the_excess_is_noted() {
    for parts in [&[401][..], &[399, 2], &[1, 400]] {
        let world = World::new();
        let session = world.at(TRANSFER).await;
        let sent: Vec<_> = parts.iter().map(|minor| transfer(&session, *minor)).collect();
        for part in &sent {
            assert!(world.arrives_and_says_so(part).await);
        }
        world.check_transfers(&session, &sent, "above").await;
        let now_as = world.read(&session).await.unwrap();
        assert_eq!((now_as.state, minor(now_as.excess())), (SessionState::Sent, Some(1)), "{parts:?}");
        assert_eq!(now_as.late_money, None);
    }
}

#[tokio::test]
async fn what_is_paid_twice_is_noted_on_what_is_sent() {
    let world = World::new();
    let session = world.at(TRANSFER).await;
    let sent = [transfer(&session, 400), transfer(&session, 400), transfer(&session, 5)];
    for (again, excess) in sent.iter().zip([None, Some(400), Some(405)]) {
        assert!(world.arrives_and_says_so(again).await);
        let now_as = world.read(&session).await.unwrap();
        assert_eq!((now_as.state, minor(now_as.excess())), (SessionState::Sent, excess));
        assert_eq!(causes(&now_as).len(), 5, "its history is at its end");
        world.settle_down().await;
    }
    world.check_transfers(&session, &sent, "twice").await;
}

#[tokio::test]
async fn what_comes_after_the_end_is_late_money_and_the_state_stays() {
    for end in ["cancelled", "deleted", "expired", "paid otherwise"] {
        let world = World::new();
        let session = world.at(TRANSFER).await;
        match end {
            "cancelled" => drop(world.payments.end_by(session.id, SessionEvent::CancelledByMerchant).await.unwrap()),
            "deleted" => {
                let owner = owner(&session);
                world.payments.delete(session.id, &owner, world.now(), samples::write_id()).await.unwrap();
            }
            "expired" => world.settle_down().await,
            _ => drop(world.payments.begin(&session, bank_id(MOCK_BANK), 2).await.unwrap()),
        }
        let sent = [transfer(&session, 150), transfer(&session, 400)];
        for (late, total) in sent.iter().zip([150, 550]) {
            assert!(world.arrives_and_says_so(late).await, "{end}");
            let noted = world.payments.sessions.late_money(&session.id).await.unwrap().unwrap();
            assert_eq!((noted.attempt, noted.amount_minor), (1, Some(MinorUnits::new(total))), "{end}");
        }
        world.settle_down().await;
        world.check_transfers(&session, &sent, end).await;
    }
}

/// The function that closed it at the provider died before its write, and the provider sends its webhook once.
#[tokio::test]
async fn what_comes_after_a_closing_that_is_not_recorded_is_late_money_by_its_first_webhook() {
    let world = World::new();
    let session = world.at(TRANSFER).await;
    let connector = world.payments.providers.find(&bank_id(TRANSFER), session.mode).unwrap();
    let attempt = session.attempt.clone().unwrap();
    assert_eq!(connector.cancel(&session, &attempt, world.now()).await.unwrap(), Cancellation::Yes);
    assert!(world.arrives_and_says_so(&transfer(&session, 400)).await);
    let late_money = world.payments.sessions.late_money(&session.id).await.unwrap().unwrap();
    assert_eq!((late_money.attempt, late_money.amount_minor), (1, Some(MinorUnits::new(400))));
    assert_eq!(world.read(&session).await.unwrap().state, SessionState::AwaitingProvider);
    world.verify("late money").await;
}

#[tokio::test]
async fn a_transfer_pays_the_attempt_that_is_open_and_no_other() {
    let world = World::new();
    let first = world.at(TRANSFER).await;
    let second = world.payments.begin(&first, bank_id(MOCK_BANK), 2).await.unwrap();
    let third = world.payments.begin(&second, bank_id(TRANSFER), 3).await.unwrap();
    assert_eq!((second.attempt_number(), third.attempt_number()), (2, 3));
    let sent = [transfer(&third, 400)];
    assert!(world.arrives_and_says_so(&sent[0]).await);
    assert_eq!((world.ledger_of(&third, 1).await, world.ledger_of(&third, 3).await), ((0, 0, true), (400, 0, false)));
    world.check_transfers(&third, &sent, "the third").await;
    assert_eq!(world.read(&third).await.unwrap().state, SessionState::Sent);
}

#[tokio::test]
async fn a_reference_of_nobodys_changes_nothing() {
    let world = World::new();
    let session = world.at(TRANSFER).await;
    let unknown = Transfer { reference: session.reference.as_str().to_owned(), ..transfer(&session, 400) };
    assert_eq!(world.arrives(&unknown).await, Some(Arrived::Unmatched));
    assert_eq!(world.read(&session).await.unwrap(), session);
    let unmatched = world.ledger().unmatched().await.unwrap();
    assert_eq!(unmatched.iter().map(|transfer| transfer.id).collect::<Vec<_>>(), [unknown.id]);
}

/// What else is done to a session when money comes.
#[derive(Debug, Clone, Copy)]
enum Meanwhile {
    Cancelled,
    CancelledByPayer,
    Deleted,
    Expired,
    AnotherBankChosen,
    TheSameChosen,
    FollowedUp,
}

impl Meanwhile {
    async fn happen(self, world: &World, session: &Session) {
        let payments = &world.payments;
        let (id, number) = (session.id, session.attempt_number() + 1);
        match self {
            Self::Cancelled => drop(payments.end_by(id, SessionEvent::CancelledByMerchant).await),
            Self::CancelledByPayer => drop(payments.end_by(id, SessionEvent::CancelledByPayer).await),
            Self::Deleted => drop(payments.delete(id, &owner(session), world.now(), samples::write_id()).await),
            Self::Expired => {
                world.advance(session.expires_at.duration_since(world.now()));
                Box::pin(world.schedule()).await;
            }
            Self::AnotherBankChosen => drop(payments.begin(session, bank_id(MOCK_BANK), number).await),
            Self::TheSameChosen => drop(payments.begin(session, bank_id(TRANSFER), number).await),
            Self::FollowedUp => drop(payments.follow_up(session).await),
        }
    }
}

/// The money comes before, known to us or not, in parts or whole or more, and after; the function dies after each of its calls;
/// each call of the provider fails in each way.
async fn whatever_comes_and_wherever_a_function_dies(meanwhile: &[Meanwhile]) {
    for meanwhile in meanwhile.iter().copied() {
        for (before, known) in [(&[][..], true), (&[150], false), (&[400], false), (&[300, 200], true)] {
            for done in [false, true] {
                for calls in 0.. {
                    let what = format!("{meanwhile:?}, {before:?} {known}, dies after {calls} calls, {done}");
                    if Box::pin(one_point(meanwhile, before, known, Some((calls, done)), None, &what)).await {
                        break;
                    }
                }
            }
            for trouble in [BankTrouble::Down, BankTrouble::AnswersLost, BankTrouble::Nonsense] {
                let what = format!("{meanwhile:?}, {before:?} {known}, the provider: {trouble:?}");
                Box::pin(one_point(meanwhile, before, known, None, Some(trouble), &what)).await;
            }
        }
    }
}

#[tokio::test]
async fn money_comes_while_it_is_cancelled_or_deleted() {
    whatever_comes_and_wherever_a_function_dies(&[
        Meanwhile::Cancelled,
        Meanwhile::CancelledByPayer,
        Meanwhile::Deleted,
    ])
    .await;
}

#[tokio::test]
async fn money_comes_while_its_time_passes_or_it_is_followed_up() {
    whatever_comes_and_wherever_a_function_dies(&[Meanwhile::Expired, Meanwhile::FollowedUp]).await;
}

#[tokio::test]
async fn money_comes_while_another_way_to_pay_is_chosen() {
    whatever_comes_and_wherever_a_function_dies(&[Meanwhile::AnotherBankChosen, Meanwhile::TheSameChosen]).await;
}

/// Whether it was done without dying.
async fn one_point(
    meanwhile: Meanwhile,
    before: &[i64],
    known: bool,
    crash: Option<(usize, bool)>,
    trouble: Option<BankTrouble>,
    what: &str,
) -> bool {
    let world = World::new();
    let session = world.at(TRANSFER).await;
    let mut sent: Vec<_> = before.iter().map(|minor| transfer(&session, *minor)).collect();
    for transfer in &sent {
        match known {
            true => assert!(world.arrives_and_says_so(transfer).await),
            false => drop(world.arrives(transfer).await.unwrap()),
        }
    }
    let read = world.read(&session).await.unwrap();
    world.aws.trouble_banks(trouble);
    let done = world.aws.process(crash, Box::pin(meanwhile.happen(&world, &read))).await.is_some();
    world.aws.trouble_banks(None);
    sent.push(transfer(&session, 100));
    world.arrives(&sent[sent.len() - 1]).await.unwrap();
    Box::pin(world.settle_down()).await;
    Box::pin(world.check_transfers(&session, &sent, what)).await;
    done
}
