//! Payers, their merchant, TrueLayer and AWS do whatever comes to a seed's mind, in any order, and functions die of it. In the end
//! nobody has paid twice, each session says what TrueLayer says, and none waits for ever.
//!
//! `TRUELAYER_SEED=7 cargo test -p tests --test e2e truelayer_random` tries one seed and shows what was done.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use local::truelayer::{Fault, PaymentView, TrueLayerHandle};
use local::{Effect, Fault as Death};
use models::{SessionId, SessionState};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sessions;
use tests::{World, page, text};
use uuid::Uuid;

use crate::at_consent_ends::cancel;
use crate::operator;
use crate::truelayer::{BANK, QUARTER_HOUR, truelayer, visit};
use crate::truelayer_operator::{reconcile, summary};

const SEEDS: std::ops::Range<u64> = 0..12;
const STEPS: usize = 30;
/// No more seeds are begun after this: each takes some seconds.
const LONG_ENOUGH: Duration = Duration::from_secs(60);
/// After how many rounds of webhooks and schedules everything has ended. Faults that still wait may cost some.
const MAX_ROUNDS: usize = 20;

/// What payers decide on the page, most often to pay.
const DECISIONS: [&str; 8] = [
    "approve",
    "approve",
    "approve",
    "approve_then_settle",
    "authorisation_failed",
    "execution_rejected",
    "insufficient_funds",
    "cancel",
];

/// What a seed does.
struct Seed<'a> {
    world: &'a World,
    rng: Rng,
    sessions: Vec<Value>,
    /// TrueLayer's pages that payers have been led to, whatever became of those payments since.
    links: Vec<String>,
    done: Vec<String>,
}

#[tokio::test]
async fn whatever_happens_nobody_pays_twice_and_nothing_waits_for_ever() {
    let one: Option<u64> = std::env::var("TRUELAYER_SEED").ok().map(|seed| seed.parse().unwrap());
    let begun = tokio::time::Instant::now();
    let world = World::with_truelayer().await;
    let mut ends = BTreeMap::<&str, usize>::new();
    for number in one.map_or(SEEDS, |seed| seed..seed + 1) {
        if begun.elapsed() > LONG_ENOUGH {
            break;
        }
        let before: BTreeSet<Uuid> = truelayer(&world).payments().into_iter().map(|payment| payment.id).collect();
        let mut seed = Seed::begin(&world, number).await;
        for _ in 0..STEPS {
            seed.step().await;
        }
        seed.come_to_an_end().await;
        for state in seed.check(&before).await {
            *ends.entry(state.as_str()).or_default() += 1;
        }
        if one.is_some() {
            println!("{:#?}", seed.done);
        }
    }
    // Some of what this is about has happened, where there was time for more than a few seeds.
    let paid = ends.get(SessionState::Sent.as_str()).copied().unwrap_or_default();
    let all: usize = ends.values().sum();
    assert!(all < 12 || (1..all).contains(&paid), "{ends:?}");
    world.settled().await;
    operator::answer(&world, &["verify"]).await;
    let [_, lag, differ, _] = summary(&reconcile(&world, "1h").await);
    assert_eq!((lag, differ), (0, 0), "what TrueLayer says of each attempt");
}

impl<'a> Seed<'a> {
    async fn begin(world: &'a World, number: u64) -> Self {
        truelayer(world).pause_webhooks(true);
        let mut sessions = Vec::new();
        for _ in 0..2 {
            let session = world.create().await;
            world.payer(&session).identify().await;
            sessions.push(session);
        }
        let done = vec![format!("TRUELAYER_SEED={number}")];
        Self { world, rng: Rng::with_seed(number), sessions, links: Vec::new(), done }
    }

    fn truelayer(&self) -> &'a TrueLayerHandle {
        truelayer(self.world)
    }

    fn note(&mut self, what: String) {
        self.done.push(what);
    }

    /// One of these.
    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        *self.rng.choice(choices).expect("there are some")
    }

    async fn step(&mut self) {
        let which = self.rng.usize(..self.sessions.len());
        let session = self.sessions[which].clone();
        let is_begun = self.attempt(&session).await > 0;
        match self.rng.u8(0..100) {
            step if step < 14 || (step < 50 && !is_begun) => self.choose(which, &session).await,
            0..34 => self.press(which, &session).await,
            34..54 => self.decide().await,
            54..60 => {
                self.may_die("CheckoutFunction");
                let answer = self.world.payer(&session).come_back().await;
                self.note(format!("{which}: the payer comes back: {}", answer.status));
            }
            60..68 => {
                self.may_die("ProviderEventsFunction");
                let accepted = self.truelayer().deliver_webhooks().await;
                self.note(format!("{accepted} webhooks come"));
            }
            68..70 => {
                let accepted = self.truelayer().repeat_webhooks().await;
                self.note(format!("{accepted} webhooks come again"));
            }
            70..78 => {
                self.may_die("ExpireFunction");
                self.fall_due(&session, None).await;
                let lives = self.world.try_schedule().await;
                self.note(format!("{which}: the schedule asks, and lives: {lives}"));
            }
            78..80 => {
                self.may_die("CancelFunction");
                let answer = cancel(self.world, &session).await;
                self.note(format!("{which}: the merchant cancels: {}", answer.status));
            }
            80..82 => {
                self.may_die("CheckoutFunction");
                let answer = self.world.payer(&session).cancel().await;
                self.note(format!("{which}: the payer cancels: {}", answer.status));
            }
            82..90 => {
                let path = self.one_of(&["/v3/payments", "/v3/payments", "/connect/token"]);
                let fault = self.one_of(&[Fault::LostAnswer, Fault::Status(500), Fault::Status(429)]);
                self.truelayer().fail_next(path, fault);
                self.note(format!("the next to {path} meets {fault:?}"));
            }
            90..92 => {
                self.truelayer().expire_tokens();
                self.note("tokens end".to_owned());
            }
            92..96 => {
                self.let_quarter_hour_pass().await;
                self.note("a quarter of an hour passes".to_owned());
            }
            _ => {
                self.truelayer().advance(Duration::from_secs(40));
                self.note("what was approved is executed".to_owned());
            }
        }
        self.world.machine.faults().clear();
    }

    /// Which attempt the session is at.
    async fn attempt(&self, session: &Value) -> u8 {
        let stored = Sessions::new(self.world.table()).get(&id_of(session)).await.unwrap();
        stored.expect("nobody deletes it").attempt_number()
    }

    /// Sometimes a function dies of what it is asked next.
    fn may_die(&mut self, function: &str) {
        if self.rng.u8(0..4) == 0 {
            let operation = self.one_of(&["GetItem", "UpdateItem", "TransactWriteItems"]);
            let effect = self.one_of(&[Effect::KillBefore, Effect::KillAfter]);
            self.world.machine.faults().add(Death::new(operation, effect).function(function));
            self.note(format!("{function} may die: {effect:?} {operation}"));
        }
    }

    /// Most often the next bank; sometimes the button is pressed twice.
    async fn choose(&mut self, which: usize, session: &Value) {
        self.may_die("CheckoutFunction");
        let attempt = self.attempt(session).await + u8::from(self.rng.u8(0..5) > 0);
        let bank = self.one_of(&[BANK, "truelayer.ob-kestrel", "truelayer"]);
        let answer = self.world.payer(session).choose(bank, attempt).await;
        self.note(format!("{which}: the payer chooses {bank} as attempt {attempt}: {}", answer.status));
    }

    async fn press(&mut self, which: usize, session: &Value) {
        self.may_die("CheckoutFunction");
        let attempt = self.attempt(session).await;
        let path = format!("/checkout/{}/bank/{attempt}", text(&session["id"]));
        let answer = page(self.world.request(Method::GET, &path)).await;
        let link = answer.location.filter(|link| link.starts_with(self.truelayer().url()));
        self.note(format!("{which}: the payer presses link {attempt}, and is led on: {}", link.is_some()));
        self.links.extend(link);
    }

    /// On one of the pages that are open, most often the last, and comes back or not.
    async fn decide(&mut self) {
        let first = if self.rng.u8(0..3) == 0 { 0 } else { self.links.len().saturating_sub(2) };
        let Some(link) = self.rng.choice(&self.links[first..]).cloned() else { return };
        let decision = self.one_of(&DECISIONS);
        let decided = visit(&link, Some(decision)).await;
        self.note(format!("somebody decides on a page, {decision}: {}", decided.status));
        let back = decided.location.filter(|_| self.rng.bool());
        let back = back.as_deref().and_then(|back| back.strip_prefix(self.world.machine.api_url()));
        if let Some(back) = back {
            self.may_die("CheckoutFunction");
            let led = page(self.world.request(Method::GET, back)).await;
            if let Some(on) = led.location.filter(|on| on.starts_with('/')) {
                page(self.world.request(Method::GET, &on)).await;
            }
            self.note("and comes back".to_owned());
        }
    }

    /// Whatever is at a page of TrueLayer's expires, as links do.
    async fn let_quarter_hour_pass(&self) {
        self.truelayer().advance(QUARTER_HOUR);
        for session in &self.sessions {
            let begun_at = (Timestamp::now() - SignedDuration::from_mins(16)).as_millisecond();
            let body = json!({
                "TableName": self.world.machine.table_name(),
                "Key": key_of(session),
                "UpdateExpression": "SET attempt.at_consent.begun_at = :past",
                "ConditionExpression": "attribute_exists(attempt.at_consent.begun_at)",
                "ExpressionAttributeValues": { ":past": { "N": begun_at.to_string() } },
            });
            self.world.try_dynamodb("UpdateItem", &body).await;
        }
    }

    /// It is due, if it has not ended; and, where this is given, its time was over then.
    async fn fall_due(&self, session: &Value, expired_at: Option<Timestamp>) {
        let mut body = json!({
            "TableName": self.world.machine.table_name(),
            "Key": key_of(session),
            "UpdateExpression": "SET due_at = :past",
            "ConditionExpression": "attribute_exists(due_pk)",
            "ExpressionAttributeValues": { ":past": { "S": "2000-01-01T00:00:00.000Z" } },
        });
        if let Some(at) = expired_at {
            body["UpdateExpression"] = json!("SET due_at = :past, expires_at = :at");
            body["ExpressionAttributeValues"][":at"] = json!({ "N": at.as_millisecond().to_string() });
        }
        let answer = self.world.try_dynamodb("UpdateItem", &body).await;
        assert!(matches!(answer.status, StatusCode::OK | StatusCode::BAD_REQUEST), "{}", answer.text);
    }

    /// No function dies any more, nobody does anything new, and webhooks come by themselves. First TrueLayer's time passes, then the
    /// sessions'.
    async fn come_to_an_end(&mut self) {
        self.world.machine.faults().clear();
        self.truelayer().pause_webhooks(false);
        for round in 0..MAX_ROUNDS {
            self.truelayer().advance(2 * QUARTER_HOUR);
            self.world.settled().await;
            let expired_at = (round > 1).then(|| Timestamp::now() - SignedDuration::from_secs(1));
            for session in &self.sessions {
                self.fall_due(session, expired_at).await;
            }
            self.world.run_schedule().await;
            let mut states = Vec::new();
            for session in &self.sessions {
                states.push(self.stored(session).await.state);
            }
            if states.into_iter().all(SessionState::is_final) {
                return self.world.settled().await;
            }
        }
        panic!("it goes on for ever: {:#?} {:#?}", self.done, self.world.machine.logs());
    }

    async fn stored(&self, session: &Value) -> models::Session {
        Sessions::new(self.world.table()).get(&id_of(session)).await.unwrap().expect("nobody deletes it")
    }

    /// What must be so of each session, and how it ended. These payments are not this seed's.
    async fn check(&self, before: &BTreeSet<Uuid>) -> Vec<SessionState> {
        let done = &self.done;
        let payments = self.truelayer().payments().into_iter().filter(|payment| !before.contains(&payment.id));
        let mut executed: BTreeMap<SessionId, Vec<String>> = BTreeMap::new();
        for PaymentView { id, status, other_creates, .. } in payments {
            assert_eq!(other_creates, 0, "each request is repeated as it was: {done:#?}");
            let known = self.world.item(&format!("BANKPAYMENT#truelayer#{id}"), "BANKPAYMENT").await;
            assert!(known["session_id"]["S"].is_string(), "nobody would find {id}: {done:#?}");
            if matches!(status.as_str(), "executed" | "settled") {
                let session = text(&known["session_id"]["S"]).parse().unwrap();
                executed.entry(session).or_default().push(id.to_string());
            }
        }
        let mut states = Vec::new();
        for session in &self.sessions {
            let stored = self.stored(session).await;
            let late = stored.late_money.as_ref().map(|late| late.payment_id.as_str());
            let paid = executed.remove(&stored.id).unwrap_or_default();
            let paid: Vec<_> = paid.iter().map(String::as_str).filter(|id| Some(*id) != late).collect();
            let latest = stored.attempt.as_ref().and_then(|attempt| attempt.at_consent.as_ref()?.payment_id.as_ref());
            let expected = latest.filter(|_| stored.state == SessionState::Sent).map(|id| id.as_str());
            assert_eq!(paid, Vec::from_iter(expected), "what pays a session that is {}: {done:#?}", stored.state);
            states.push(stored.state);
        }
        assert!(executed.is_empty(), "{executed:?}");
        states
    }
}

fn id_of(session: &Value) -> SessionId {
    text(&session["id"]).parse().unwrap()
}

fn key_of(session: &Value) -> Value {
    json!({ "pk": { "S": format!("SESSION#{}", text(&session["id"])) }, "sk": { "S": "SESSION" } })
}
