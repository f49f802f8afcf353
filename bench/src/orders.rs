//! What a shop asks for: requests that create sessions, and the sessions that create makes of them. Those that are made up
//! are all alike in kind and none the same.

use api::{Format, Json, SessionRequest};
use fastrand::Rng;
use jiff::Timestamp;
use lambda_http::Request;
use models::{Creation, Merchant, Mode, Session, SessionId, WireFormat};
use serde_json::{Value, json};

use crate::error::Error;

/// The largest totals: template.yaml's own for GBP.
const CAPS: &str = "GBP:100000000";

const GOODS: [(&str, u32); 8] = [
    ("Candles", 100),
    ("Beeswax pillar candle", 1450),
    ("Wool blanket", 6900),
    ("Oak serving board", 3895),
    ("Linen napkins, set of four", 2400),
    ("Teapot", 5500),
    ("Gift wrapping", 350),
    ("Delivery", 495),
];
const GIVEN_NAMES: [&str; 8] = ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Frances", "Tony"];
const FAMILY_NAMES: [&str; 8] = ["Payer", "Okafor", "Lindqvist", "Byrne", "Haddad", "Moreau", "Whitfield", "Sato"];

/// Someone who pays; `number` makes the address their own.
pub(crate) fn payer(rng: &mut Rng, number: usize) -> (String, String) {
    let pick = |rng: &mut Rng, names: &[&'static str]| rng.choice(names).copied().unwrap_or("Ada");
    let (given, family) = (pick(rng, &GIVEN_NAMES), pick(rng, &FAMILY_NAMES));
    let email = format!("{}.{}.{number}@example.com", given.to_lowercase(), family.to_lowercase());
    (format!("{given} {family}"), email)
}

/// A request to create a session of the demo merchant's: one to four line items, without the payer.
pub(crate) fn order(rng: &mut Rng, number: usize) -> Value {
    let item = |rng: &mut Rng| {
        let (name, amount) = rng.choice(GOODS).unwrap_or(("Candles", 100));
        json!({ "name": name, "amount": amount, "currency": "GBP", "quantity": rng.u32(1..=3) })
    };
    let items: Vec<Value> = (0..rng.u32(1..=4)).map(|_| item(rng)).collect();
    json!({
        "reference": format!("Order {}", number % 1_000_000_000),
        "success_url": "https://shop.example.com/thanks?payment=__PAYMENT_ID__",
        "error_url": "https://shop.example.com/basket",
        "line_items": items,
        "payee": { "name": "Gerald Wiley", "account_number": "12345678", "sort_code": "010203" },
        "email_receipt": true,
        "metadata": { "basket": format!("{:08x}", rng.u32(..)), "channel": "web" },
    })
}

/// Document 1's own request ("Creating a payment session", section 2).
pub(crate) fn document_1() -> Value {
    json!({
        "reference": "Illuminate",
        "success_url": "http://example.com/success?id=__PAYMENT_ID__",
        "error_url": "http://example.com/error",
        "line_items": [{ "name": "Candles", "amount": 100, "currency": "GBP", "quantity": 4 }],
        "payee": { "name": "Gerald Wiley", "account_number": "12345678", "sort_code": "010203" },
        "email_receipt": true,
    })
}

/// The session that `create` makes of an order, in test mode.
///
/// # Errors
/// The rules refuse the order.
pub(crate) fn session(
    order: &Value,
    merchant: &Merchant,
    id: SessionId,
    at: Timestamp,
    base_url: &str,
) -> Result<Session, Error> {
    let (caps, format) = (CAPS.parse()?, Format::of_stored(WireFormat::Banked)?);
    let new = Json::read(order.to_string().as_bytes())
        .and_then(|order| {
            let request = Request::default();
            let (body, mode) = (&order, Mode::Test);
            let asked = SessionRequest { request: &request, body, merchant, application: None, mode, at };
            format.read_session(&asked, id, &caps)
        })
        .map_err(|refusal| format!("the rules refuse an order: {refusal:?}"))?;
    let creation = Creation {
        id,
        list_shard: merchant.list_sharding.shard_of(&id, at),
        merchant_id: merchant.id.clone(),
        test_clock: None,
        base_url: base_url.to_owned(),
        ..samples::creation(at)
    };
    Ok(Session::create(new, creation))
}
