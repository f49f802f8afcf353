//! The demo shop, which does what a merchant's does: it creates a session by the API, sends the payer to the checkout, and believes
//! webhooks alone, once their signature is verified.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::Mutex;
use std::time::Duration;

use askama::Template;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode};
use jiff::Timestamp;
use models::SessionId;
use outbound::{MessageId, WebhookSecret, standard_signature};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::PAGE_POLICY;
use crate::demo;
use crate::http::{self, Answer, Call, Forwarder};
use crate::tasks::{Signal, lock};

/// The shop's page, and where its payers come back to.
pub(super) const PATH: &str = "/demo-shop";
pub(super) const THANKS_PATH: &str = "/demo-shop/thanks";

/// How many webhooks are kept.
const MAX_KEPT: usize = 50;
/// How old a webhook may be, in seconds, as the API's document advises.
const MAX_AGE_S: u64 = 300;
/// How long an answer of the API may take: longer than API Gateway's 30 seconds.
const TIME_OUT: Duration = Duration::from_secs(35);
/// How long the page of thanks waits for the webhook that says that the money is sent.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is sold.
struct Item {
    id: &'static str,
    name: &'static str,
    amount_minor: i64,
    /// The amount as the page shows it.
    price: &'static str,
}

static ITEMS: [Item; 3] = [
    Item { id: "candle", name: "Beeswax candle", amount_minor: 450, price: "£4.50" },
    Item { id: "holder", name: "Candle holder", amount_minor: 1_250, price: "£12.50" },
    Item { id: "box", name: "Gift box", amount_minor: 2_900, price: "£29.00" },
];

/// See the module.
pub(super) struct Shop {
    api_url: String,
    /// Whether webhooks are delivered to this machine.
    is_notified: bool,
    client: Forwarder,
    /// The newest last.
    received: Mutex<VecDeque<Received>>,
    came: Signal,
}

/// A webhook that came, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Received {
    id: MessageId,
    event_type: String,
    /// The session that it is about.
    session_id: String,
    state: String,
    at: String,
}

/// What the shop reads of an event.
#[derive(Deserialize)]
struct Event {
    r#type: String,
    data: Data,
}

/// The session, or the refund, which names its session.
#[derive(Deserialize)]
struct Data {
    id: String,
    payment_session_id: Option<String>,
    state: Option<String>,
}

#[derive(Template)]
#[template(path = "demo_shop.html")]
struct ShopPage {
    items: &'static [Item],
    is_notified: bool,
}

#[derive(Template)]
#[template(path = "demo_shop_thanks.html")]
struct ThanksPage {
    is_notified: bool,
    is_paid: bool,
    received: Vec<Received>,
}

impl Shop {
    pub(super) fn new(api_url: String, is_notified: bool) -> Self {
        Self { api_url, is_notified, client: http::forwarder(), received: Mutex::default(), came: Signal::new() }
    }

    pub(super) fn page(&self) -> Answer {
        http::page(&ShopPage { items: &ITEMS, is_notified: self.is_notified }, PAGE_POLICY)
    }

    /// Leads to the checkout of a new session; nothing if there is no such thing to buy.
    pub(super) async fn buy(&self, call: &Call, host: &str) -> Option<Answer> {
        let id = parameter(&call.body, "item")?;
        let item = ITEMS.iter().find(|item| item.id == id)?;
        Some(match tokio::time::timeout(TIME_OUT, self.create(item, host)).await {
            Ok(Ok(url)) => {
                let mut answer = http::text(StatusCode::SEE_OTHER, "");
                http::set_header(&mut answer, "location", &url);
                answer
            }
            Ok(Err(problem)) => {
                http::text(StatusCode::BAD_GATEWAY, format!("The session could not be created: {problem}\n"))
            }
            Err(_) => http::text(StatusCode::GATEWAY_TIMEOUT, "The API did not answer. Go back, and buy it again.\n"),
        })
    }

    /// The checkout's address. The session is created at the host that the browser knows, so that the payer stays there.
    async fn create(&self, item: &Item, host: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
        let order = json!({
            "reference": "Demo shop",
            "success_url": format!("http://{host}{THANKS_PATH}?id=__PAYMENT_ID__"),
            "error_url": format!("http://{host}{PATH}"),
            "line_items": [{ "name": item.name, "amount": item.amount_minor, "currency": "GBP", "quantity": 1 }],
            "payee": { "name": "Gerald Wiley", "account_number": "12345678", "sort_code": "010203" },
            "email_receipt": true,
        });
        let (key, secret) = demo::API_KEY;
        let request = Request::post(format!("{}/v2/payment_sessions", self.api_url))
            .header("host", host)
            .header("content-type", "application/json")
            .header("authorization", format!("Basic {}", STANDARD.encode(format!("{key}:{secret}"))))
            .body(Full::from(order.to_string()))?;
        let (head, body) = self.client.request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        if head.status != StatusCode::CREATED {
            return Err(format!("{} {}", head.status, String::from_utf8_lossy(&body)).into());
        }
        let session: Value = serde_json::from_slice(&body)?;
        let url = session.get("url").and_then(Value::as_str).ok_or("the answer has no url")?;
        Ok(url.to_owned())
    }

    /// Keeps a webhook, each once; refuses what is not signed by us, or too old.
    pub(super) fn receive(&self, call: &Call, now: Timestamp) -> Answer {
        let Some(id) = verified(call, now) else {
            return http::text(StatusCode::BAD_REQUEST, "the signature does not fit\n");
        };
        // What the shop can't read, such as events that are yet to come, it has received nevertheless.
        if let Ok(event) = serde_json::from_slice::<Event>(&call.body) {
            let mut received = lock(&self.received);
            if !received.iter().any(|known| known.id == id) {
                if received.len() >= MAX_KEPT {
                    received.pop_front();
                }
                received.push_back(Received {
                    id,
                    event_type: event.r#type,
                    session_id: event.data.payment_session_id.unwrap_or(event.data.id),
                    state: event.data.state.unwrap_or_default(),
                    at: now.strftime("%Y-%m-%d %H:%M:%S").to_string(),
                });
            }
        }
        self.came.signal();
        http::text(StatusCode::NO_CONTENT, "")
    }

    /// What the shop knows of the session that the payer comes back from; nothing if the address names none.
    pub(super) async fn thanks(&self, call: &Call) -> Option<Answer> {
        let id: SessionId = parameter(call.uri.query().unwrap_or_default().as_bytes(), "id")?.parse().ok()?;
        let id = id.to_string();
        if self.is_notified {
            let mut came = self.came.listen();
            let paid = async {
                while !is_paid(&self.received_of(&id)) {
                    came.signalled().await;
                }
            };
            // In vain where the bank takes its time, or refused: the page says so.
            let _ = tokio::time::timeout(PATIENCE, paid).await;
        }
        let received = self.received_of(&id);
        let page = ThanksPage { is_notified: self.is_notified, is_paid: is_paid(&received), received };
        Some(http::page(&page, PAGE_POLICY))
    }

    fn received_of(&self, session_id: &str) -> Vec<Received> {
        lock(&self.received).iter().filter(|received| received.session_id == session_id).cloned().collect()
    }
}

fn is_paid(received: &[Received]) -> bool {
    received.iter().any(|received| received.event_type == "payment_session.sent")
}

/// The first value of this name in a form, or in a query.
fn parameter(form: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(form).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The id of a webhook that is signed with the shop's secret, and not too old.
/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
fn verified(call: &Call, now: Timestamp) -> Option<MessageId> {
    let secret: WebhookSecret = demo::WEBHOOK_SECRET.parse().ok()?;
    let id: MessageId = call.header("webhook-id")?.parse().ok()?;
    let sent_at_s: i64 = call.header("webhook-timestamp")?.parse().ok()?;
    let expected = standard_signature(&id, sent_at_s, &call.body, [&secret]);
    let fits = |given: &str| verify_slices_are_equal(given.as_bytes(), expected.as_bytes()).is_ok();
    let is_fresh = now.as_second().abs_diff(sent_at_s) <= MAX_AGE_S;
    (is_fresh && call.header("webhook-signature")?.split(' ').any(fits)).then_some(id)
}

#[cfg(test)]
mod tests {
    use hyper::body::Bytes;
    use hyper::{HeaderMap, Method};

    use super::*;

    const ID: &str = "1ae1ce03-dfa9-4593-b487-65c656991cb5";

    fn webhook(number: usize, event_type: &str, now: Timestamp) -> Call {
        let body = json!({ "type": event_type, "data": { "id": ID, "state": "<b>sent" } }).to_string();
        let (id, secret) = (format!("evt_{number}"), demo::WEBHOOK_SECRET.parse().unwrap());
        let signature = standard_signature(&id.parse().unwrap(), now.as_second(), body.as_bytes(), [&secret]);
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", id.parse().unwrap());
        headers.insert("webhook-timestamp", now.as_second().into());
        headers.insert("webhook-signature", format!("v1,another {signature}").parse().unwrap());
        Call { method: Method::POST, headers, body: Bytes::from(body), ..get(demo::WEBHOOK_PATH) }
    }

    fn get(uri: &str) -> Call {
        Call {
            method: Method::GET,
            uri: uri.parse().unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            peer: "127.0.0.1:1".parse().unwrap(),
        }
    }

    async fn html(answer: Answer) -> String {
        String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn what_is_verified_is_shown_once_and_escaped() {
        let (shop, now) = (Shop::new("http://127.0.0.1:3000".to_owned(), true), Timestamp::now());
        for _ in 0..2 {
            assert_eq!(shop.receive(&webhook(1, "payment_session.sent", now), now).status(), 204);
        }
        let page = html(shop.thanks(&get(&format!("{THANKS_PATH}?id={ID}"))).await.unwrap()).await;
        assert_eq!(page.matches("payment_session.sent").count(), 1, "{page}");
        assert!(page.contains("signature ok") && page.contains("It is paid") && !page.contains("<b>"), "{page}");
    }

    #[test]
    fn what_is_not_signed_with_its_secret_is_refused() {
        let (shop, now) = (Shop::new(String::new(), true), Timestamp::now());
        let good = webhook(1, "payment_session.sent", now);
        let later = Timestamp::from_second(now.as_second() + 301).unwrap();
        assert_eq!(shop.receive(&good, later).status(), 400);
        let changed = Call { body: Bytes::from_static(b"{}"), ..good.clone() };
        assert_eq!(shop.receive(&changed, now).status(), 400);
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            let mut without = good.clone();
            without.headers.remove(name);
            assert_eq!(shop.receive(&without, now).status(), 400, "{name}");
        }
        assert!(lock(&shop.received).is_empty());
        assert_eq!(shop.receive(&good, now).status(), 204);
    }

    #[test]
    fn the_newest_are_kept() {
        let (shop, now) = (Shop::new(String::new(), true), Timestamp::now());
        for number in 0..MAX_KEPT + 2 {
            shop.receive(&webhook(number, "payment_session.created", now), now);
        }
        let received = lock(&shop.received);
        assert_eq!((received.len(), received.front().unwrap().id.as_str()), (MAX_KEPT, "evt_2"));
    }

    #[tokio::test]
    async fn it_says_where_no_webhooks_come() {
        let shop = Shop::new(String::new(), false);
        let says = "Webhooks aren’t delivered to this machine";
        assert!(html(shop.page()).await.contains(says));
        assert!(html(shop.thanks(&get(&format!("{THANKS_PATH}?id={ID}"))).await.unwrap()).await.contains(says));
        assert!(shop.thanks(&get(&format!("{THANKS_PATH}?id=1"))).await.is_none());
    }
}
