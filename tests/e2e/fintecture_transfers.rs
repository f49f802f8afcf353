//! Transfers to an account that is one payment's own: begun with its creation, matched by the account, and whatever comes and when,
//! the payment says what became of it.

use local::{Effect, Fault};
use models::{Session, SessionId};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Answer, PATIENCE, Page, World, answer, page, text};

use crate::operator::run as counterfoil;

/// Asks for a payment by smart transfer, whose answer says where to transfer to.
async fn ask(world: &World, request_id: &str, currency: &str, expiry: u32) -> Answer {
    let body = json!({
        "meta": { "psu_name": "Zoë Dupont", "expiry": expiry, "payment_methods": [{ "id": "smart_transfer" }] },
        "data": { "attributes": { "amount": "4.00", "currency": currency, "communication": "Order 77" } },
    });
    let path = "/pis/v2/connect?state=a1&with_virtual_beneficiary=true";
    answer(world.demo(Method::POST, path).header("x-request-id", request_id).json(&body)).await
}

fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// A payment that awaits its transfer.
struct Awaited {
    id: SessionId,
    iban: String,
}

impl Awaited {
    fn of(created: &Answer) -> Self {
        assert_eq!(created.status, StatusCode::OK, "{}", created.text);
        let id = uuid::Uuid::parse_str(&text(&created.body["meta"]["session_id"])).unwrap();
        Self { id: id.to_string().parse().unwrap(), iban: text(&created.body["virtual_beneficiary"]["iban"]) }
    }

    async fn in_euro(world: &World) -> Self {
        Self::of(&ask(world, &new_id(), "EUR", 3600).await)
    }

    /// Somebody sends a transfer to its account, with a reference that is nobody's.
    async fn send(&self, world: &World, amount: &str) -> Page {
        let (id, path) = (new_id(), format!("/mock-bank/{}/transfer", self.id));
        let form = [
            ("id", &*id),
            ("amount", amount),
            ("currency", if self.iban.starts_with("GB") { "GBP" } else { "EUR" }),
            ("account", &self.iban),
            ("reference", "rent, May"),
            ("sender", "payer"),
        ];
        page(world.request(Method::POST, &path).form(&form)).await
    }

    /// Its status and the state of its transfer, as the format's clients read them, and what has come of it.
    async fn stands(&self, world: &World) -> (String, Value, Value) {
        let shown = answer(world.demo(Method::GET, &format!("/pis/v2/payments/{}", hex(&self.id)))).await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
        let (meta, data) = (&shown.body["meta"], &shown.body["data"]);
        (text(&meta["status"]), data["transfer_state"].clone(), data["attributes"]["received_amount"].clone())
    }

    async fn expect(&self, world: &World, status: &str, transfer_state: &str) {
        let stands = self.stands(world).await;
        assert_eq!((stands.0.as_str(), stands.1.as_str()), (status, Some(transfer_state)), "{stands:?}");
    }

    async fn stored(&self, world: &World) -> Session {
        store::Sessions::new(world.table()).get(&self.id).await.unwrap().unwrap()
    }

    async fn cancel(&self, world: &World) -> Answer {
        let body = json!({ "meta": { "status": "payment_cancelled" } });
        answer(world.demo(Method::PATCH, &format!("/pis/v2/payments/{}", hex(&self.id))).json(&body)).await
    }
}

fn hex(id: &SessionId) -> String {
    id.to_string().replace('-', "")
}

async fn verified(world: &World) {
    let verified = counterfoil(world, &["verify"]).await;
    assert_eq!(verified.code, 0, "{}", verified.shown);
}

#[tokio::test]
async fn money_may_come_before_any_page_is_opened() {
    let world = World::with_webhooks().await;
    for (currency, country) in [("EUR", "FR"), ("GBP", "GB")] {
        let request_id = new_id();
        let created = ask(&world, &request_id, currency, 3600).await;
        let awaited = Awaited::of(&created);
        assert!(awaited.iban.starts_with(country), "{}", awaited.iban);
        awaited.expect(&world, "payment_waiting", "pending").await;
        let sent = awaited.send(&world, "4.00").await;
        assert!(sent.html.contains("It has arrived"), "{}", sent.html);
        assert_eq!(awaited.stands(&world).await, ("payment_created".to_owned(), json!("completed"), json!("4.00")));
        // The same request is answered as it was.
        let again = ask(&world, &request_id, currency, 3600).await;
        assert_eq!((again.is_replayed(), again.text), (true, created.text));
        assert_eq!(awaited.stored(&world).await.history.len(), 4);
    }
    verified(&world).await;
}

#[tokio::test]
async fn the_page_shows_the_account_and_its_money_comes_by_that() {
    let world = World::with_webhooks().await;
    let awaited = Awaited::in_euro(&world).await;
    let shown = page(world.request(Method::GET, &format!("/checkout/{}", awaited.id))).await.html;
    let groups: Vec<_> = awaited.iban.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
    assert!(shown.contains(&format!("value=\"{}\"", groups.join(" "))), "{shown}");
    let form = page(world.request(Method::GET, &format!("/mock-bank/{}/transfer", awaited.id))).await.html;
    assert!(
        form.contains(&format!(
            "name=\"account\" type=\"text\" autocomplete=\"off\" spellcheck=\"false\" maxlength=\"64\" value=\"{}\"",
            awaited.iban
        )),
        "{form}"
    );
    awaited.send(&world, "4.00").await;
    awaited.expect(&world, "payment_created", "completed").await;
    verified(&world).await;
}

#[tokio::test]
async fn a_part_the_rest_too_much_and_again() {
    let world = World::with_webhooks().await;
    let (in_parts, over) = (Awaited::in_euro(&world).await, Awaited::in_euro(&world).await);
    in_parts.send(&world, "1.50").await;
    in_parts.expect(&world, "payment_partial", "insufficient").await;
    // What has begun to be paid can't be cancelled.
    let refused = in_parts.cancel(&world).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    in_parts.send(&world, "2.50").await;
    in_parts.expect(&world, "payment_created", "completed").await;
    over.send(&world, "5.00").await;
    assert_eq!(over.stands(&world).await, ("payment_created".to_owned(), json!("overpaid"), json!("5.00")));
    // Somebody sends it again, to the one and not to the other.
    in_parts.send(&world, "4.00").await;
    assert_eq!(in_parts.stands(&world).await.2, json!("8.00"));
    assert_eq!(over.stands(&world).await.2, json!("5.00"));
    verified(&world).await;
}

#[tokio::test]
async fn what_comes_after_its_end_is_late_and_changes_nothing() {
    let world = World::with_webhooks().await;
    let cancelled = Awaited::in_euro(&world).await;
    let answered = cancelled.cancel(&world).await;
    assert_eq!(answered.status, StatusCode::OK, "{}", answered.text);
    let expired = Awaited::of(&ask(&world, &new_id(), "EUR", 1).await);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while expired.stored(&world).await.state.as_str() != "expired" {
        assert!(tokio::time::Instant::now() < deadline, "{:?}", expired.stands(&world).await);
        // Who asks closes the account to more.
        page(world.request(Method::GET, &format!("/checkout/{}/return", expired.id))).await;
    }
    for (awaited, status) in [(cancelled, "payment_cancelled"), (expired, "payment_expired")] {
        let sent = awaited.send(&world, "4.00").await;
        assert!(sent.html.contains("It has arrived"), "{}", sent.html);
        assert_eq!(awaited.stands(&world).await.0, status);
        let late = awaited.stored(&world).await.late_money;
        assert!(
            late.as_ref().is_some_and(|late| late.amount_minor.is_some_and(|minor| minor.get() == 400)),
            "{status}: {late:?}"
        );
    }
    verified(&world).await;
}

#[tokio::test]
async fn two_transfers_at_once_are_both_there() {
    let world = World::with_webhooks().await;
    for _ in 0..3 {
        let awaited = Awaited::in_euro(&world).await;
        let (one, other) = tokio::join!(awaited.send(&world, "1.50"), awaited.send(&world, "2.50"));
        assert!(one.html.contains("It has arrived") && other.html.contains("It has arrived"));
        world.settled().await;
        page(world.request(Method::GET, &format!("/checkout/{}/return", awaited.id))).await;
        assert_eq!(awaited.stands(&world).await, ("payment_created".to_owned(), json!("completed"), json!("4.00")));
    }
    verified(&world).await;
}

/// Wherever the creation dies, the same request again is answered once the account takes money.
#[tokio::test]
async fn a_creation_that_dies_anywhere_is_whole_when_it_is_answered() {
    let world = World::with_webhooks().await;
    for effect in [Effect::KillBefore, Effect::KillAfter, Effect::DropAnswer] {
        let (request_id, name) = (new_id(), format!("{effect:?}"));
        world.machine.faults().add(Fault::new("TransactWriteItems", effect).function("CreateFunction"));
        let first = ask(&world, &request_id, "EUR", 3600).await;
        assert!(world.machine.faults().waiting().is_empty(), "{name} did not happen");
        let created = if first.status.is_server_error() { ask(&world, &request_id, "EUR", 3600).await } else { first };
        let awaited = Awaited::of(&created);
        awaited.send(&world, "4.00").await;
        awaited.expect(&world, "payment_created", "completed").await;
        assert_eq!(awaited.stored(&world).await.history.len(), 4, "{name}");
    }
    verified(&world).await;
}

/// Every answer leads to the one payment, which can be paid.
#[tokio::test]
async fn the_same_request_twice_at_once_is_one_payment() {
    let world = World::with_webhooks().await;
    let request_id = new_id();
    let (one, other) = tokio::join!(ask(&world, &request_id, "EUR", 3600), ask(&world, &request_id, "EUR", 3600));
    assert_eq!(one.text, other.text);
    let awaited = Awaited::of(&one);
    awaited.send(&world, "4.00").await;
    awaited.expect(&world, "payment_created", "completed").await;
    assert_eq!(awaited.stored(&world).await.history.len(), 4);
    verified(&world).await;
}
