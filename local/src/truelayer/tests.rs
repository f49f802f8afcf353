//! The state machine alone: requests and times go in, answers and webhooks come out.

use hyper::header::{HeaderMap, HeaderName};
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::Value;
use truelayer::signature::{TL_SIGNATURE, sign};

use super::kept::KEYS_LAST;
use super::payment::{EXECUTES_LATER, PAGE_LASTS, REFUNDS_AFTER, SETTLES_AFTER, after};
use super::*;

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);
const RETURN_URI: &str = "https://pay.example.com/checkout/1/return";
/// The client's one merchant account, in pounds.
const ACCOUNT: &str = "5b1a2a0e-3c1f-4c62-9d0b-2f1a7e6c1d2e";

/// A client of a simulator, at a time.
struct Client {
    simulator: Simulator,
    credentials: Credentials,
    token: String,
    now: Timestamp,
    /// All that was sent so far.
    events: Vec<Value>,
}

fn call(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Call {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    if method == "POST" {
        map.insert("content-length", body.len().into());
    }
    Call {
        method: method.parse().unwrap(),
        uri: path.parse().unwrap(),
        headers: map,
        body: body.to_owned().into(),
        peer: "127.0.0.1:1".parse().unwrap(),
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

impl Client {
    fn new() -> Self {
        let credentials = Credentials::from_json(&new_client().unwrap()).unwrap();
        let accounts = format!("acme:GBP={ACCOUNT}").parse().unwrap();
        let simulator = Simulator::new(credentials.clone(), accounts, json!({ "keys": [] }), Random::seeded(1));
        let mut client = Self { simulator, credentials, token: String::new(), now: NOW, events: Vec::new() };
        client.log_in();
        client
    }

    fn log_in(&mut self) {
        let Credentials { client_id, client_secret, .. } = self.credentials.clone();
        let (status, answer) = self.ask_token(&client_id, &client_secret, "payments");
        assert_eq!((status, &answer["expires_in"], &answer["token_type"]), (200, &json!(3600), &json!("Bearer")));
        self.token = answer["access_token"].as_str().unwrap().to_owned();
    }

    fn ask_token(&mut self, id: &str, secret: &str, scope: &str) -> (u16, Value) {
        let fields =
            [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret), ("scope", scope)];
        self.answered(&call("POST", "/connect/token", &[], &form(&fields)))
    }

    fn reply(&mut self, call: &Call) -> Reply {
        let (reply, events) = self.simulator.handle(call, self.now);
        self.note(events);
        reply
    }

    fn note(&mut self, events: Vec<Event>) {
        self.events.extend(events.iter().map(|event| serde_json::from_str::<Value>(&event.body).unwrap()));
    }

    fn answered(&mut self, call: &Call) -> (u16, Value) {
        match self.reply(call) {
            Reply::Json(status, body) | Reply::Problem(status, body) => (status.as_u16(), body),
            other @ (Reply::NoContent | Reply::Page(..) | Reply::Script(_) | Reply::SeeOther(_)) => panic!("{other:?}"),
        }
    }

    fn signed(&self, path: &str, key: &str, body: &str) -> Call {
        let signature = sign(&self.credentials.key, "POST", path, &[("Idempotency-Key", key)], body.as_bytes());
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", key), (TL_SIGNATURE, &signature)];
        call("POST", path, &headers, body)
    }

    fn post(&mut self, path: &str, key: &str, body: &Value) -> (u16, Value) {
        self.answered(&self.signed(path, key, &body.to_string()))
    }

    fn get(&mut self, path: &str) -> (u16, Value) {
        let bearer = format!("Bearer {}", self.token);
        self.answered(&call("GET", path, &[("authorization", &bearer)], ""))
    }

    fn create(&mut self, body: &Value) -> Value {
        let key = Uuid::new_v4().to_string();
        let (status, answer) = self.post("/v3/payments", &key, body);
        assert_eq!(status, 201, "{answer}");
        answer
    }

    fn payment(&mut self, created: &Value) -> Value {
        let (status, shown) = self.get(&path(created));
        assert_eq!(status, 200, "{shown}");
        shown
    }

    fn status(&mut self, created: &Value) -> String {
        self.payment(created)["status"].as_str().unwrap().to_owned()
    }

    fn decide(&mut self, created: &Value, decision: Decision) {
        let (is_there, events) =
            self.simulator.decide(created["id"].as_str().unwrap().parse().unwrap(), decision, self.now);
        assert!(is_there);
        self.note(events);
    }

    fn cancel(&mut self, created: &Value) -> (u16, Value) {
        self.post(&format!("{}/actions/cancel", path(created)), &Uuid::new_v4().to_string(), &json!({}))
    }

    fn wait(&mut self, duration: SignedDuration) {
        self.now = after(self.now, duration);
        let events = self.simulator.pass(self.now);
        self.note(events);
    }

    /// Sends a form from the page.
    fn visit(&mut self, path: &str, created: &Value, more: &[(&str, &str)]) -> Reply {
        let token = created["resource_token"].as_str().unwrap();
        let id = created["id"].as_str().unwrap();
        let fields = [("payment_id", id), ("resource_token", token), ("return_uri", RETURN_URI)];
        self.reply(&call("POST", path, &[], &form(&[more, &fields].concat())))
    }

    /// The types of all that was sent.
    fn sent(&self) -> Vec<&str> {
        self.events.iter().map(|event| event["type"].as_str().unwrap()).collect()
    }
}

fn path(created: &Value) -> String {
    format!("/v3/payments/{}", created["id"].as_str().unwrap())
}

fn to_payee() -> Value {
    json!({
        "amount_in_minor": 400,
        "currency": "GBP",
        "payment_method": {
            "type": "bank_transfer",
            "provider_selection": {
                "type": "preselected",
                "provider_id": "mock-payments-gb-redirect",
                "scheme_selection": { "type": "instant_preferred" },
            },
            "beneficiary": {
                "type": "external_account",
                "account_holder_name": "Gerald Wiley",
                "account_identifier": {
                    "type": "sort_code_account_number",
                    "sort_code": "010203",
                    "account_number": "12345678",
                },
                "reference": "Illuminate",
            },
        },
        "user": { "name": "Ada Payer", "email": "ada@example.com" },
        "metadata": { "session_id": "1" },
    })
}

fn to_merchant_account() -> Value {
    let mut request = to_payee();
    request["payment_method"]["beneficiary"] = json!({
        "type": "merchant_account",
        "merchant_account_id": ACCOUNT,
        "statement_reference": "Illuminate",
    });
    request
}

#[test]
fn tokens_are_for_the_client_alone_and_end() {
    let mut client = Client::new();
    let Credentials { client_id, client_secret, .. } = client.credentials.clone();
    assert_eq!(client.ask_token("other", &client_secret, "payments"), (400, json!({ "error": "invalid_client" })));
    assert_eq!(client.ask_token(&client_id, "other", "payments"), (400, json!({ "error": "invalid_client" })));
    assert_eq!(client.ask_token(&client_id, &client_secret, "info"), (400, json!({ "error": "invalid_scope" })));

    let payment = client.create(&to_payee());
    client.wait(SignedDuration::from_secs(3_599));
    assert_eq!(client.get(&path(&payment)).0, 200);
    client.wait(SignedDuration::from_secs(1));
    let (status, problem) = client.get(&path(&payment));
    assert_eq!((status, &problem["title"]), (401, &json!("Unauthenticated")), "{problem}");
    client.log_in();
    assert_eq!(client.get(&path(&payment)).0, 200);
    client.simulator.expire_tokens();
    assert_eq!(client.get(&path(&payment)).0, 401);
}

#[test]
fn a_payment_is_created_once_under_its_key() {
    let mut client = Client::new();
    let (status, first) = client.post("/v3/payments", "key", &to_payee());
    assert_eq!((status, &first["status"]), (201, &json!("authorization_required")), "{first}");
    client.decide(&first, Decision::Approve);
    assert_eq!(client.post("/v3/payments", "key", &to_payee()), (201, first.clone()), "as it was answered first");
    let mut other = to_payee();
    other["amount_in_minor"] = json!(401);
    assert_eq!(client.post("/v3/payments", "key", &other).0, 422);
    let payments = client.simulator.payments();
    let expected = PaymentView {
        id: first["id"].as_str().unwrap().parse().unwrap(),
        status: "executed".to_owned(),
        idempotency_key: "key".to_owned(),
        creates: 2,
        other_creates: 1,
        refunded_minor: 0,
        refund_ids: Vec::new(),
    };
    assert_eq!(payments, [expected]);
}

#[test]
fn what_the_client_did_not_sign_is_refused() {
    let mut client = Client::new();
    let (body, other) = (to_payee().to_string(), to_merchant_account().to_string());
    let signed = client.signed("/v3/payments", "key", &body);
    let others = Client::new().signed("/v3/payments", "key", &body).headers;
    let mut forged = vec![
        ("body", Call { body: other.into(), ..signed.clone() }),
        ("re-serialised", Call { body: format!("{body} ").into(), ..signed.clone() }),
        ("path", Call { uri: "/v3/payments/1/refunds".parse().unwrap(), ..signed.clone() }),
        ("key of another", Call { headers: others, ..signed.clone() }),
    ];
    let changes = [("idempotency-key", Some("other")), ("tl-signature", None), ("tl-signature", Some("e30..AA"))];
    for (name, value) in changes {
        let mut call = signed.clone();
        call.headers.remove(name);
        if let Some(value) = value {
            call.headers.insert(name, value.parse().unwrap());
        }
        forged.push((name, call));
    }
    for (what, mut forged) in forged {
        forged.headers.insert("authorization", format!("Bearer {}", client.token).parse().unwrap());
        let (status, problem) = client.answered(&forged);
        assert_eq!((status, &problem["title"]), (401, &json!("Invalid Signature")), "{what}: {problem}");
    }
    assert!(client.simulator.payments().is_empty());
    assert_eq!(client.answered(&signed).0, 201);
    let test = client.signed("/test-signature", "test", "{}");
    assert_eq!(client.reply(&test), Reply::NoContent);
}

#[test]
fn each_field_is_checked_and_named() {
    let mut client = Client::new();
    for (pointer, value, path) in [
        ("/amount_in_minor", json!(0), "amount_in_minor"),
        ("/amount_in_minor", json!(4.5), "amount_in_minor"),
        ("/amount_in_minor", json!("400"), "amount_in_minor"),
        ("/currency", json!("SEK"), "currency"),
        ("/payment_method/type", json!("mandate"), "payment_method.type"),
        ("/payment_method/provider_selection/type", json!("other"), "payment_method.provider_selection.type"),
        (
            "/payment_method/provider_selection/provider_id",
            json!("ob-nobody"),
            "payment_method.provider_selection.provider_id",
        ),
        (
            "/payment_method/provider_selection/provider_id",
            json!("xs2a-westerkade"),
            "payment_method.provider_selection.provider_id",
        ),
        ("/payment_method/beneficiary/type", json!("other"), "payment_method.beneficiary.type"),
        (
            "/payment_method/beneficiary/account_holder_name",
            json!(""),
            "payment_method.beneficiary.account_holder_name",
        ),
        (
            "/payment_method/beneficiary/account_identifier/sort_code",
            json!("01-02-03"),
            "payment_method.beneficiary.account_identifier.sort_code",
        ),
        ("/payment_method/beneficiary/reference", json!("a".repeat(19)), "payment_method.beneficiary.reference"),
        ("/payment_method/beneficiary/reference", json!("Café"), "payment_method.beneficiary.reference"),
        ("/user/name", json!(null), "user.name"),
        ("/user", json!({ "name": "Ada Payer" }), "user"),
        ("/user/email", json!("ada@example"), "user.email"),
        ("/user/email", json!("ada @example.com"), "user.email"),
        ("/user/email", json!("@example.com"), "user.email"),
        ("/user", json!({ "name": "Ada Payer", "phone": "020 7946 0999" }), "user.phone"),
        ("/user", json!({ "name": "Ada Payer", "phone": "+02079460999" }), "user.phone"),
        ("/user", json!({ "name": "Ada Payer", "phone": "+44 20 7946 0999" }), "user.phone"),
        (
            "/payment_method/provider_selection",
            json!({ "type": "user_selected", "filter": { "countries": ["DE", "SE"] } }),
            "payment_method.provider_selection.filter.countries",
        ),
        (
            "/payment_method/provider_selection",
            json!({ "type": "user_selected", "filter": { "countries": [] } }),
            "payment_method.provider_selection.filter.countries",
        ),
        (
            "/payment_method/beneficiary",
            json!({ "type": "merchant_account", "merchant_account_id": Uuid::nil() }),
            "payment_method.beneficiary.merchant_account_id",
        ),
        ("/metadata", json!({ "a": 1 }), "metadata"),
    ] {
        let mut request = to_payee();
        *request.pointer_mut(pointer).unwrap() = value;
        let (status, problem) = client.post("/v3/payments", &Uuid::new_v4().to_string(), &request);
        assert_eq!((status, &problem["title"], &problem["status"]), (400, &json!("Invalid Parameters"), &json!(400)));
        assert!(problem["errors"][path].is_array(), "{path}: {problem}");
        assert!(problem["trace_id"].is_string() && problem["type"].is_string() && problem["detail"].is_string());
    }
    assert_eq!(client.post("/v3/payments", "key", &json!(null)).0, 400);
    let mut in_euros = to_merchant_account();
    in_euros["currency"] = json!("EUR");
    in_euros["payment_method"]["provider_selection"] = json!({ "type": "user_selected" });
    let (_, problem) = client.post("/v3/payments", "euros", &in_euros);
    assert!(problem["errors"]["payment_method.beneficiary.merchant_account_id"].is_array(), "{problem}");
    assert!(client.simulator.payments().is_empty());
    for (path, value) in [
        ("/user", json!({ "name": "Ada Payer", "phone": "+442079460999" })),
        ("/payment_method/provider_selection", json!({ "type": "user_selected", "filter": { "countries": ["GB"] } })),
    ] {
        let mut request = to_payee();
        *request.pointer_mut(path).unwrap() = value;
        client.create(&request);
    }
}

#[test]
fn a_refusal_is_kept_under_its_key_for_as_long_as_any_answer() {
    let mut client = Client::new();
    let [wrong, other] = [json!({}), json!([])];
    let (status, refused) = client.post("/v3/payments", "refused", &wrong);
    assert_eq!(status, 400, "{refused}");
    assert_eq!(client.post("/v3/payments", "refused", &wrong), (400, refused.clone()), "by the same trace, too");
    assert_eq!(client.post("/v3/payments", "refused", &other).0, 422);
    let (_, created) = client.post("/v3/payments", "created", &to_payee());
    client.wait(KEYS_LAST - SignedDuration::from_secs(1));
    client.log_in();
    assert_eq!(client.post("/v3/payments", "created", &to_payee()), (201, created.clone()));
    client.wait(SignedDuration::from_secs(1));
    let (status, again) = client.post("/v3/payments", "created", &to_payee());
    assert!(status == 201 && again["id"] != created["id"], "the key has expired: {again}");
    assert_ne!(client.post("/v3/payments", "refused", &wrong).1, refused);
}

#[test]
fn a_request_that_is_under_way_has_its_key_alone() {
    let mut client = Client::new();
    client.simulator.set_in_flight("key", true);
    let (status, problem) = client.post("/v3/payments", "key", &to_payee());
    assert_eq!((status, &problem["title"]), (409, &json!("Idempotency-Key Concurrency Conflict")), "{problem}");
    assert_eq!(client.post("/v3/payments", "other", &to_payee()).0, 201);
    client.simulator.set_in_flight("key", false);
    assert_eq!(client.post("/v3/payments", "key", &to_payee()).0, 201);
}

#[test]
fn what_is_posted_says_its_length() {
    let mut client = Client::new();
    let mut request = client.signed("/v3/payments", "key", &to_payee().to_string());
    request.headers.remove("content-length");
    assert_eq!(client.answered(&request).0, 411);
    request.headers.insert("transfer-encoding", "chunked".parse().unwrap());
    assert_eq!(client.answered(&request).0, 201);
    let token = call("POST", "/connect/token", &[], "");
    assert_eq!(client.answered(&token).0, 400, "nothing has a length, too");
}

#[test]
fn merchant_accounts_are_shown_to_their_client() {
    let mut client = Client::new();
    let (status, account) = client.get(&format!("/v3/merchant-accounts/{ACCOUNT}"));
    assert_eq!((status, &account["id"], &account["currency"]), (200, &json!(ACCOUNT), &json!("GBP")), "{account}");
    assert_eq!(client.get("/v3/merchant-accounts"), (200, json!({ "items": [account] })));
    assert_eq!(client.get(&format!("/v3/merchant-accounts/{}", Uuid::nil())).0, 404);
    client.simulator.expire_tokens();
    for path in ["/v3/merchant-accounts".to_owned(), format!("/v3/merchant-accounts/{ACCOUNT}")] {
        assert_eq!(client.get(&path).0, 401, "{path}");
    }
}

#[test]
fn each_decision_has_its_end() {
    for (decision, status, reason, sent) in [
        (Decision::Approve, "executed", json!(null), &["payment_authorized", "payment_executed"][..]),
        (Decision::ApproveThenSettle, "authorized", json!(null), &["payment_authorized"][..]),
        (Decision::AuthorisationFailed, "failed", json!("authorization_failed"), &["payment_failed"][..]),
        (
            Decision::ExecutionRejected,
            "failed",
            json!("provider_rejected"),
            &["payment_authorized", "payment_failed"][..],
        ),
        (
            Decision::InsufficientFunds,
            "failed",
            json!("insufficient_funds"),
            &["payment_authorized", "payment_failed"][..],
        ),
        // It goes to the payee, who asks for no name.
        (Decision::VerificationDeclined, "executed", json!(null), &["payment_authorized", "payment_executed"][..]),
        (Decision::BankUnreachable, "attempt_failed", json!(null), &[][..]),
        (Decision::Cancel, "failed", json!("canceled"), &["payment_failed"][..]),
    ] {
        let mut client = Client::new();
        let created = client.create(&to_payee());
        client.decide(&created, decision);
        let shown = client.payment(&created);
        assert_eq!((&shown["status"], &shown["failure_reason"]), (&json!(status), &reason), "{shown}");
        assert_eq!(client.sent(), sent, "{decision:?}");
        for event in &client.events {
            assert!(event["payment_id"] == created["id"] && event["event_id"].is_string(), "{event}");
        }
        client.wait(EXECUTES_LATER);
        client.decide(&created, Decision::Cancel);
        let ended = client.payment(&created);
        match decision {
            Decision::ApproveThenSettle => assert_eq!(ended["status"], "executed"),
            Decision::BankUnreachable => assert_eq!(ended["failure_reason"], "canceled", "the payer decided once more"),
            Decision::Approve
            | Decision::AuthorisationFailed
            | Decision::ExecutionRejected
            | Decision::InsufficientFunds
            | Decision::VerificationDeclined
            | Decision::Cancel => assert_eq!(ended, shown, "what was decided stays"),
        }
    }
}

#[test]
fn who_is_not_let_into_the_bank_tries_again_on_the_page() {
    let mut client = Client::new();
    let created = client.create(&to_payee());
    for _ in 0..2 {
        let shown = client.visit("/payments/decide", &created, &[("decision", "bank_unreachable")]);
        assert!(matches!(shown, Reply::Page(StatusCode::OK, page::Page::Choice(_))), "{shown:?}");
        assert_eq!(client.status(&created), "attempt_failed");
    }
    client.visit("/payments", &created, &[]);
    assert_eq!(client.status(&created), "authorizing");
    client.visit("/payments/decide", &created, &[("decision", "approve")]);
    assert_eq!(client.status(&created), "executed");
    let given_up = client.create(&to_payee());
    client.decide(&given_up, Decision::BankUnreachable);
    client.wait(PAGE_LASTS);
    assert_eq!(client.payment(&given_up)["failure_reason"], "expired");
}

#[test]
fn a_merchant_accounts_payment_may_fail_once_it_is_executed() {
    let mut client = Client::new();
    let created = client.create(&to_merchant_account());
    client.decide(&created, Decision::VerificationDeclined);
    assert_eq!(client.status(&created), "executed");
    client.wait(SETTLES_AFTER);
    let shown = client.payment(&created);
    assert_eq!((&shown["status"], &shown["failure_stage"]), (&json!("failed"), &json!("executed")));
    assert_eq!(shown["failure_reason"], "verification_declined");
    assert_eq!(client.sent(), ["payment_authorized", "payment_executed", "payment_failed"]);
}

#[test]
fn a_merchant_accounts_payment_settles_and_is_refunded_up_to_its_amount() {
    let mut client = Client::new();
    let created = client.create(&to_merchant_account());
    let refunds = format!("{}/refunds", path(&created));
    let ask = |amount: u64| json!({ "amount_in_minor": amount, "reference": "REFUND" });
    client.decide(&created, Decision::Approve);
    assert_eq!(client.status(&created), "executed");
    assert_eq!(client.post(&refunds, "early", &ask(100)).0, 400);
    client.wait(SETTLES_AFTER);
    assert_eq!(client.status(&created), "settled");

    let (status, refund) = client.post(&refunds, "first", &ask(300));
    assert_eq!(status, 202, "{refund}");
    assert_eq!(client.post(&refunds, "first", &ask(300)), (202, refund.clone()), "it is made once");
    assert_eq!(client.post(&refunds, "second", &ask(101)).0, 400, "more than what is left");
    client.simulator.let_refunds_fail();
    let (_, failing) = client.post(&refunds, "third", &ask(100));
    let one = |refund: &Value| format!("{refunds}/{}", refund["id"].as_str().unwrap());
    assert_eq!(client.get(&one(&refund)).1["status"], "pending");
    client.wait(REFUNDS_AFTER);
    assert_eq!(client.get(&one(&refund)).1["status"], "executed");
    assert_eq!(client.get(&one(&failing)).1["status"], "failed");
    assert_eq!(client.post(&refunds, "fourth", &ask(100)).0, 202, "what failed can be refunded again");
    assert_eq!(
        client.sent(),
        ["payment_authorized", "payment_executed", "payment_settled", "refund_executed", "refund_failed"]
    );

    let straight = client.create(&to_payee());
    client.decide(&straight, Decision::Approve);
    client.wait(SETTLES_AFTER);
    assert_eq!(client.status(&straight), "executed", "it goes to the payee, and ends so");
    assert_eq!(client.post(&format!("{}/refunds", path(&straight)), "none", &ask(1)).0, 400);
}

#[test]
fn a_payment_is_cancelled_until_it_is_authorized() {
    let mut client = Client::new();
    let [fresh, opened, approved] = [(); 3].map(|()| client.create(&to_payee()));
    client.visit("/payments", &opened, &[]);
    client.decide(&approved, Decision::ApproveThenSettle);
    for created in [&fresh, &opened] {
        assert_eq!(client.cancel(created).0, 202);
        let shown = client.payment(created);
        assert_eq!((&shown["status"], &shown["failure_reason"]), (&json!("failed"), &json!("canceled")));
        assert_eq!(client.cancel(created).0, 400);
        client.decide(created, Decision::Approve);
        assert_eq!(client.status(created), "failed");
    }
    assert_eq!(client.cancel(&approved).0, 400);
    assert_eq!(client.status(&approved), "authorized");
    assert_eq!(client.post("/v3/payments/none/actions/cancel", "none", &json!({})).0, 404);
}

#[test]
fn a_wish_to_cancel_promises_nothing() {
    let mut client = Client::new();
    let mut request = to_payee();
    request["payment_method"]["provider_selection"]["provider_id"] = json!("ob-lyndhurst-mutual");
    let [fresh, opened] = [(); 2].map(|()| client.create(&request));
    client.visit("/payments", &opened, &[]);
    for (created, status) in [(&fresh, "failed"), (&opened, "authorizing")] {
        assert_eq!(client.cancel(created).0, 202);
        assert_eq!(client.status(created), status);
    }
    assert_eq!(client.sent(), ["payment_failed", "payment_cancellation_failed"]);
    client.wait(PAGE_LASTS);
    assert_eq!(client.payment(&opened)["failure_reason"], "expired");
}

#[test]
fn what_is_opened_at_most_banks_in_europe_never_expires() {
    let mut client = Client::new();
    for (bank, ends) in [("xs2a-brennerbank", "failed"), ("xs2a-westerkade", "authorizing")] {
        let mut request = to_payee();
        request["currency"] = json!("EUR");
        request["payment_method"]["provider_selection"]["provider_id"] = json!(bank);
        let iban = json!({ "type": "iban", "iban": "DE89370400440532013000" });
        request["payment_method"]["beneficiary"]["account_identifier"] = iban;
        let created = client.create(&request);
        client.visit("/payments", &created, &[]);
        client.wait(SignedDuration::from_hours(24));
        client.log_in();
        assert_eq!(client.status(&created), ends, "{bank}");
    }
}

#[test]
fn what_nobody_decides_expires_and_its_link_is_over() {
    let mut client = Client::new();
    let [fresh, opened] = [(); 2].map(|()| client.create(&to_payee()));
    client.wait(SignedDuration::from_mins(10));
    assert!(matches!(client.visit("/payments", &opened, &[]), Reply::Page(StatusCode::OK, page::Page::Choice(_))));
    client.wait(SignedDuration::from_mins(5));
    for created in [&fresh, &opened] {
        let refused = client.visit("/payments/decide", created, &[("decision", "approve")]);
        assert_eq!(refused, Reply::Page(StatusCode::UNAUTHORIZED, page::Page::Refused));
    }
    let shown = client.payment(&fresh);
    assert_eq!((&shown["status"], &shown["failure_reason"]), (&json!("failed"), &json!("expired")));
    assert_eq!(client.status(&opened), "authorizing", "the payer was on the page for five minutes");
    client.wait(PAGE_LASTS);
    assert_eq!(client.status(&opened), "failed");
    assert_eq!(client.sent(), ["payment_failed", "payment_failed"]);
}

#[test]
fn the_page_leads_back_with_the_payments_id() {
    let mut client = Client::new();
    let [created, other] = [(); 2].map(|()| client.create(&to_payee()));
    assert_eq!(client.reply(&call("GET", "/payments", &[], "")), Reply::Page(StatusCode::OK, page::Page::Arrival));
    let shown = written(client.visit("/payments", &created, &[]));
    assert_eq!((shown.status().as_u16(), &shown.headers()["referrer-policy"]), (200, &"no-referrer".parse().unwrap()));
    assert_eq!(client.status(&created), "authorizing");
    let swapped = json!({ "id": created["id"], "resource_token": other["resource_token"] });
    let refused = client.visit("/payments/decide", &swapped, &[("decision", "approve")]);
    assert_eq!(refused, Reply::Page(StatusCode::UNAUTHORIZED, page::Page::Refused));
    let back = Reply::SeeOther(format!("{RETURN_URI}?payment_id={}", created["id"].as_str().unwrap()));
    for decision in ["approve", "cancel"] {
        assert_eq!(client.visit("/payments/decide", &created, &[("decision", decision)]), back);
        assert_eq!(client.status(&created), "executed");
    }
    assert_eq!(client.visit("/payments", &created, &[]), back, "there is nothing left to decide");
    let failed = client.create(&to_payee());
    let back = client.visit("/payments/decide", &failed, &[("decision", "authorisation_failed")]);
    let id = failed["id"].as_str().unwrap();
    assert_eq!(back, Reply::SeeOther(format!("{RETURN_URI}?payment_id={id}&error=authorization_failed")));
}

#[test]
fn banks_are_found_by_country_and_currency() {
    let mut client = Client::new();
    let mut search = |request: Value| {
        let bearer = format!("Bearer {}", client.token);
        let headers = [("authorization", bearer.as_str())];
        let request = call("POST", "/v3/payments-providers/search", &headers, &request.to_string());
        client.answered(&request).1["items"].as_array().unwrap().clone()
    };
    let british = search(json!({ "countries": ["GB"], "currencies": ["GBP"] }));
    assert_eq!((british.len(), &british[0]["id"]), (15, &json!("mock-payments-gb-redirect")));
    let status = "/capabilities/payments/bank_transfer/availability/recommended_status";
    assert_eq!(british.iter().filter(|bank| bank.pointer(status).unwrap() == "unhealthy").count(), 1);
    assert_eq!(search(json!({ "currencies": ["EUR"] })).len(), 6);
    assert_eq!(search(json!({ "countries": ["DE"] })).len(), 2);
    assert_eq!(search(json!({})).len(), 21);
    assert_eq!(client.answered(&call("POST", "/v3/payments-providers/search", &[], "{}")).0, 401);
}

/// What may happen to a payment.
#[derive(Debug, Clone)]
enum Act {
    Open,
    Decide(usize),
    Cancel,
    Refund(u64),
    Wait(i64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        Just(Act::Open),
        (0..Decision::ALL.len()).prop_map(Act::Decide),
        Just(Act::Cancel),
        (1..500_u64).prop_map(Act::Refund),
        (0..1_200_i64).prop_map(Act::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// A payment goes forward alone, ends once, says each thing once, and never gives back more than it is.
    #[test]
    fn whatever_happens_a_payment_goes_forward(
        acts in prop::collection::vec(act(), 0..16),
        to_merchant in any::<bool>(),
    ) {
        let mut client = Client::new();
        let request = if to_merchant { to_merchant_account() } else { to_payee() };
        let created = client.create(&request);
        let order = ["authorization_required", "authorizing", "authorized", "executed", "settled", "failed"];
        let (mut before, mut refunded) = (0, 0);
        for (index, act) in acts.into_iter().enumerate() {
            match act {
                Act::Open => drop(client.visit("/payments", &created, &[])),
                Act::Decide(index) => client.decide(&created, Decision::ALL[index]),
                Act::Cancel => drop(client.cancel(&created)),
                Act::Refund(amount) => {
                    let body = json!({ "amount_in_minor": amount, "reference": "REFUND" });
                    let (status, _) = client.post(&format!("{}/refunds", path(&created)), &index.to_string(), &body);
                    refunded += if status == 202 { amount } else { 0 };
                }
                Act::Wait(seconds) => client.wait(SignedDuration::from_secs(seconds)),
            }
            client.log_in();
            let now = client.status(&created).replace("attempt_failed", "authorizing");
            let rank = order.iter().position(|status| *status == now).unwrap();
            prop_assert!(rank >= before, "from {} to {now}", order[before]);
            prop_assert!(rank == before || before < 4, "{} is an end", order[before]);
            prop_assert!(to_merchant || now != "settled");
            prop_assert!(refunded <= 400 && (refunded == 0 || now == "settled"));
            before = rank;
            let payments: Vec<&str> = client.sent().into_iter().filter(|kind| kind.starts_with("payment_")).collect();
            let mut once = payments.clone();
            once.sort_unstable();
            once.dedup();
            prop_assert_eq!(once.len(), payments.len(), "{:?}", payments);
        }
    }
}
