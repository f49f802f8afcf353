//! What the simulator knows and answers. It does no I/O and reads no clock: a request and the time come in, an answer and the
//! webhooks that follow go out.

use std::collections::BTreeMap;

use hyper::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use runtime::Random;
use serde_json::{Value, json};
use truelayer::signature::{Signature, TL_SIGNATURE};
use truelayer::{Credentials, MerchantAccounts};
use url::{Url, form_urlencoded};
use uuid::Uuid;

use super::create::{self, NewPayment};
use super::kept::Answers;
use super::page::Page;
use super::payment::{Decision, Payment, Refund, after};
use super::problem::Problem;
use super::reply::Reply;
use super::{accounts, directory};
use crate::http::Call;

/// The most payments that are kept.
const MAX_PAYMENTS: usize = 10_000;
/// The most tokens that are good at once.
const MAX_TOKENS: usize = 1_000;
/// How long a token is good, as its answer says.
const TOKEN_LASTS: SignedDuration = SignedDuration::from_secs(3_600);
/// The longest idempotency key.
const MAX_KEY_CHARS: usize = 255;

/// Something that the client is to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) id: Uuid,
    /// JSON; these bytes are signed.
    pub(super) body: String,
}

/// A payment as a test sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentView {
    /// What TrueLayer calls it.
    pub id: Uuid,
    /// As TrueLayer spells it: `authorization_required`, …
    pub status: String,
    /// The key that it was created under.
    pub idempotency_key: String,
    /// How often its creation was asked for under this key.
    pub creates: u32,
    /// How often something else was asked for under this key, which is refused.
    pub other_creates: u32,
    /// How much of it was refunded or is being, in its minor unit.
    pub refunded_minor: u64,
    /// What its refunds are called, the oldest first.
    pub refund_ids: Vec<Uuid>,
}

/// See the module.
pub(super) struct Simulator {
    client: Credentials,
    accounts: MerchantAccounts,
    key_set: Value,
    random: Random,
    /// Until when each is good.
    tokens: BTreeMap<String, Timestamp>,
    payments: BTreeMap<Uuid, Payment>,
    answers: Answers,
    refunds_fail: bool,
    /// What has happened and was not handed out yet.
    happened: Vec<Value>,
}

impl Simulator {
    /// One that knows this client, who has these accounts, and publishes these keys.
    pub(super) fn new(client: Credentials, accounts: MerchantAccounts, key_set: Value, random: Random) -> Self {
        Self {
            client,
            accounts,
            key_set,
            random,
            tokens: BTreeMap::new(),
            payments: BTreeMap::new(),
            answers: Answers::default(),
            refunds_fail: false,
            happened: Vec::new(),
        }
    }

    /// Answers a request.
    pub(super) fn handle(&mut self, call: &Call, now: Timestamp) -> (Reply, Vec<Event>) {
        self.let_pass(now);
        let reply = self.answer(call, now).unwrap_or_else(|problem| self.refuse(&problem));
        (reply, self.events())
    }

    /// Lets everything happen that is due.
    pub(super) fn pass(&mut self, now: Timestamp) -> Vec<Event> {
        self.let_pass(now);
        self.events()
    }

    /// The payer decides, as on the page; false if there is no such payment.
    pub(super) fn decide(&mut self, id: Uuid, decision: Decision, now: Timestamp) -> (bool, Vec<Event>) {
        self.let_pass(now);
        let payment = self.payments.get_mut(&id);
        let is_there = payment.is_some();
        if let Some(payment) = payment {
            payment.decide(decision, now, &mut self.happened);
        }
        (is_there, self.events())
    }

    /// As if the time of every token were over.
    pub(super) fn expire_tokens(&mut self) {
        self.tokens.clear();
    }

    /// Refunds that are asked for from now on fail.
    pub(super) fn let_refunds_fail(&mut self) {
        self.refunds_fail = true;
    }

    /// A request with this idempotency key is under way, or is not any more.
    pub(super) fn set_in_flight(&mut self, key: &str, is_in_flight: bool) {
        self.answers.set_in_flight(key, is_in_flight);
    }

    /// All payments, in no order.
    pub(super) fn payments(&self) -> Vec<PaymentView> {
        let view = |payment: &Payment| {
            let (creates, other_creates) = self.answers.times(&payment.key);
            PaymentView {
                id: payment.id,
                status: payment.status.as_str().to_owned(),
                idempotency_key: payment.key.clone(),
                creates,
                other_creates,
                refunded_minor: payment.refunded_minor(),
                refund_ids: payment.refunds.iter().map(|refund| refund.id).collect(),
            }
        };
        self.payments.values().map(view).collect()
    }

    /// A problem's answer.
    pub(super) fn refuse(&self, problem: &Problem) -> Reply {
        Reply::Problem(problem.status, problem.document(&self.random.uuid_v4().simple().to_string()))
    }

    fn let_pass(&mut self, now: Timestamp) {
        for payment in self.payments.values_mut() {
            payment.pass(now, &mut self.happened);
        }
    }

    fn events(&mut self) -> Vec<Event> {
        let happened = std::mem::take(&mut self.happened).into_iter();
        let event = |mut body: Value| {
            let id = self.random.uuid_v4();
            if let Some(fields) = body.as_object_mut() {
                fields.extend([("event_id".to_owned(), json!(id)), ("event_version".to_owned(), json!(1))]);
            }
            Event { id, body: body.to_string() }
        };
        happened.map(event).collect()
    }

    fn answer(&mut self, call: &Call, now: Timestamp) -> Result<Reply, Problem> {
        let has_length = ["content-length", "transfer-encoding"].iter().any(|name| call.header(name).is_some());
        if call.method == Method::POST && !has_length {
            return Err(Problem::length_required());
        }
        match (call.method.as_str(), call.segments().as_slice()) {
            ("POST", ["connect", "token"]) => Ok(self.token(&call.body, now)),
            ("GET", [".well-known", "jwks"]) => Ok(Reply::Json(StatusCode::OK, self.key_set.clone())),
            ("POST", ["v3", "payments-providers", "search"]) => {
                self.authenticate(call, now)?;
                let request = serde_json::from_slice(&call.body).map_err(|_| Problem::field("", "must be JSON"))?;
                Ok(Reply::Json(StatusCode::OK, directory::search(&request)))
            }
            ("POST", ["v3", "payments"]) => self.once(call, now, |simulator, key| {
                let new = create::read(&call.body, &simulator.accounts)?;
                simulator.create(new, key, now)
            }),
            ("GET", ["v3", "payments", id]) => {
                self.authenticate(call, now)?;
                Ok(Reply::Json(StatusCode::OK, self.payment(id)?.document()))
            }
            ("POST", ["v3", "payments", id, "actions", "cancel"]) => {
                self.once(call, now, |simulator, _| simulator.cancel(id, now))
            }
            ("POST", ["v3", "payments", id, "refunds"]) => {
                self.once(call, now, |simulator, _| simulator.refund(id, &call.body, now))
            }
            ("GET", ["v3", "payments", id, "refunds", refund]) => {
                self.authenticate(call, now)?;
                let refunds = &self.payment(id)?.refunds;
                let refund = refunds.iter().find(|known| known.id.to_string() == *refund);
                Ok(Reply::Json(StatusCode::OK, refund.ok_or_else(Problem::not_found)?.document()))
            }
            ("GET", ["v3", "merchant-accounts"]) => {
                self.authenticate(call, now)?;
                Ok(Reply::Json(StatusCode::OK, accounts::list(&self.accounts)))
            }
            ("GET", ["v3", "merchant-accounts", id]) => {
                self.authenticate(call, now)?;
                let account = accounts::find(&self.accounts, id).ok_or_else(Problem::not_found)?;
                Ok(Reply::Json(StatusCode::OK, account))
            }
            // The example of TrueLayer's signing libraries calls it: <https://github.com/TrueLayer/truelayer-signing>.
            ("POST", ["test-signature"]) => self.once(call, now, |_, _| Ok(Reply::NoContent)),
            ("GET", ["payments"]) => Ok(Reply::Page(StatusCode::OK, Page::Arrival)),
            ("GET", ["payments.js"]) => Ok(Reply::Script(include_str!("page.js"))),
            ("POST", ["payments"]) => Ok(self.visit(&call.body, now, None)),
            ("POST", ["payments", "decide"]) => {
                let wanted = form(&call.body).remove("decision").unwrap_or_default();
                let decision = Decision::ALL.into_iter().find(|decision| decision.as_str() == wanted);
                let decision = decision.ok_or_else(|| Problem::field("decision", "is none that the page offers"))?;
                Ok(self.visit(&call.body, now, Some(decision)))
            }
            _ => Err(Problem::not_found()),
        }
    }

    /// <https://docs.truelayer.com/reference/generateaccesstoken>
    fn token(&mut self, body: &[u8], now: Timestamp) -> Reply {
        let mut form = form(body);
        let mut field = |name: &str| form.remove(name).unwrap_or_default();
        let refuse = |error: &str| Reply::Json(StatusCode::BAD_REQUEST, json!({ "error": error }));
        if field("grant_type") != "client_credentials" {
            return refuse("unsupported_grant_type");
        }
        if field("client_id") != self.client.client_id || field("client_secret") != self.client.client_secret {
            return refuse("invalid_client");
        }
        if field("scope") != "payments" {
            return refuse("invalid_scope");
        }
        self.tokens.retain(|_, until| now < *until);
        if self.tokens.len() >= MAX_TOKENS {
            self.tokens.pop_first();
        }
        let token = self.secret();
        self.tokens.insert(token.clone(), after(now, TOKEN_LASTS));
        let answer = json!({
            "access_token": token,
            "expires_in": TOKEN_LASTS.as_secs(),
            "token_type": "Bearer",
            "scope": "payments",
        });
        Reply::Json(StatusCode::OK, answer)
    }

    /// A text that nobody can guess.
    fn secret(&self) -> String {
        format!("{}.{}", self.random.uuid_v4().simple(), self.random.uuid_v4().simple())
    }

    fn authenticate(&self, call: &Call, now: Timestamp) -> Result<(), Problem> {
        let token = call.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
        let until = token.and_then(|token| self.tokens.get(token));
        if until.is_some_and(|until| now < *until) { Ok(()) } else { Err(Problem::unauthenticated()) }
    }

    /// Does what a signed request asks for, once: the same request under the same key is answered as it was first, yes or no.
    fn once(
        &mut self,
        call: &Call,
        now: Timestamp,
        act: impl FnOnce(&mut Self, &str) -> Result<Reply, Problem>,
    ) -> Result<Reply, Problem> {
        self.authenticate(call, now)?;
        let key = call.header("idempotency-key").filter(|key| (1..=MAX_KEY_CHARS).contains(&key.len()));
        let key = key.ok_or_else(|| Problem::field("Idempotency-Key", "must be given"))?;
        self.verify(call).ok_or_else(Problem::signature)?;
        if let Some(reply) = self.answers.find(key, call, now)? {
            return Ok(reply);
        }
        let reply = match act(self, key) {
            Ok(reply) => reply,
            // Who is to have patience may ask for the same.
            Err(problem) if problem.status == StatusCode::TOO_MANY_REQUESTS => return Err(problem),
            Err(problem) => self.refuse(&problem),
        };
        self.answers.keep(key, call, &reply, now);
        Ok(reply)
    }

    /// Whether the client signed this request, over its key too.
    fn verify(&self, call: &Call) -> Option<()> {
        let signature = Signature::read(call.header(TL_SIGNATURE)?, &["Idempotency-Key"]).ok()?;
        if signature.key_id() != self.client.key.key_id() {
            return None;
        }
        let headers = call.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let headers: Vec<(&str, &str)> = headers.collect();
        let (key, method) = (self.client.key.public_key(), call.method.as_str());
        signature.verify(key, method, call.uri.path(), &headers, &call.body).ok()
    }

    fn create(&mut self, new: NewPayment, key: &str, now: Timestamp) -> Result<Reply, Problem> {
        if self.payments.len() >= MAX_PAYMENTS {
            return Err(Problem::full());
        }
        let ids = [(); 2].map(|()| self.random.uuid_v4());
        let payment = Payment::new(ids, self.secret(), key.to_owned(), new, now);
        let reply = Reply::Json(StatusCode::CREATED, payment.created());
        self.payments.insert(payment.id, payment);
        Ok(reply)
    }

    fn payment(&self, id: &str) -> Result<&Payment, Problem> {
        let id: Option<Uuid> = id.parse().ok();
        id.and_then(|id| self.payments.get(&id)).ok_or_else(Problem::not_found)
    }

    /// <https://docs.truelayer.com/reference/cancel-payment>
    fn cancel(&mut self, id: &str, now: Timestamp) -> Result<Reply, Problem> {
        let id = self.payment(id)?.id;
        let cancelled = self.payments.get_mut(&id).is_some_and(|payment| payment.cancel(now, &mut self.happened));
        if cancelled {
            Ok(Reply::Json(StatusCode::ACCEPTED, json!({})))
        } else {
            Err(Problem::state("The payment can't be cancelled any more."))
        }
    }

    /// <https://docs.truelayer.com/reference/create-payment-refund>
    fn refund(&mut self, id: &str, body: &[u8], now: Timestamp) -> Result<Reply, Problem> {
        let body: Value = serde_json::from_slice(body).map_err(|_| Problem::field("", "must be JSON"))?;
        let amount_minor = body.get("amount_in_minor").and_then(Value::as_u64).unwrap_or_default();
        let reference = body.get("reference").and_then(Value::as_str).unwrap_or_default();
        if reference.is_empty() {
            return Err(Problem::field("reference", "must be a text"));
        }
        let payment = self.payment(id)?;
        let left = payment.refundable_minor().ok_or_else(|| Problem::state("The payment can't be refunded."))?;
        if amount_minor == 0 || amount_minor > left {
            return Err(Problem::field("amount_in_minor", "must be more than 0 and no more than what is left"));
        }
        let (id, currency) = (payment.id, payment.request.currency);
        let refund_id = self.random.uuid_v4();
        let said = (reference.to_owned(), body.get("metadata").cloned().unwrap_or_default());
        let refund = Refund::new(refund_id, amount_minor, currency, said, self.refunds_fail, now);
        if let Some(payment) = self.payments.get_mut(&id) {
            payment.refunds.push(refund);
        }
        Ok(Reply::Json(StatusCode::ACCEPTED, json!({ "id": refund_id })))
    }

    /// The payer on the page, by what the link's fragment said: they open it, or decide there and are led back.
    fn visit(&mut self, body: &[u8], now: Timestamp, decision: Option<Decision>) -> Reply {
        let mut form = form(body);
        let mut field = |name: &str| form.remove(name).unwrap_or_default();
        let (id, token, way_back) = (field("payment_id"), field("resource_token"), field("return_uri"));
        let payment = id.parse::<Uuid>().ok().and_then(|id| self.payments.get_mut(&id));
        let payment = payment.filter(|payment| payment.admits(&token, now));
        let url = way_back.parse::<Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let (Some(payment), Some(mut url)) = (payment, url) else {
            return Reply::Page(StatusCode::UNAUTHORIZED, Page::Refused);
        };
        match decision {
            Some(decision) => payment.decide(decision, now, &mut self.happened),
            None => payment.open(now),
        }
        if payment.status.is_open() {
            return Reply::Page(StatusCode::OK, Page::choice(payment, way_back));
        }
        let error = payment.failure_reason().map(|reason| ("error", reason));
        url.query_pairs_mut().append_pair("payment_id", &id).extend_pairs(error);
        Reply::SeeOther(url.into())
    }
}

/// The fields of a form; the last of each name.
fn form(body: &[u8]) -> BTreeMap<String, String> {
    form_urlencoded::parse(body).into_owned().collect()
}
