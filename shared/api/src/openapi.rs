//! docs/openapi.yaml: its paths and prose are written by hand, its schemas and examples by the types and the code
//! (docs/decisions/0027-openapi.md). `make openapi` writes them; a test fails where they differ from what stands there.

mod bruno;
mod samples;
mod tests;
pub(crate) mod types;
mod yaml;

use models::{MAX_ENDPOINTS, MAX_REFUNDS, Object, TestClock, WireFormat};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::answer::List;
use crate::banked::{CreateRequest, Dialect, Errors, EventView, ProviderView, RefundRequest, RefundView, SessionView};
use crate::list::ListLinks;
use crate::oauth::{OauthErrors, TokenRequest, TokenView};
use crate::test_clocks::{AdvanceRequest, TestClockRequest, TestClockView};
use crate::webhooks::{AttemptView, ReplayView, WebhookRequest, WebhookView};
use crate::{fintecture, yorlet};

pub(crate) const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.yaml");
/// The line from which on the document is written by the code.
const MARK: &str = "\n  # From here on written by `make openapi`.\n";
/// The most items in a page of events or attempts.
const MAX_EVENTS: usize = 100;

/// The part that is written by hand, as it stands.
pub(crate) fn by_hand() -> String {
    let whole = std::fs::read_to_string(PATH).unwrap();
    whole.split_once(MARK).expect("the document has its mark").0.to_owned()
}

/// The whole document, as it should be.
pub(crate) fn document() -> String {
    let by_hand = by_hand();
    let head = serde_yaml_ng::from_str(&by_hand).unwrap();
    let mut tail = serde_yaml_ng::Mapping::new();
    tail.insert("schemas".into(), ordered(&schemas().into()));
    tail.insert("examples".into(), examples(&head).into());
    format!("{by_hand}{MARK}{}", yaml::lines(&tail, 2))
}

// schemas

fn generator(settings: SchemaSettings) -> SchemaGenerator {
    let in_components = |settings: &mut SchemaSettings| settings.definitions_path = "/components/schemas".into();
    settings.with(in_components).into_generator()
}

/// All schemas of the document, by name.
fn schemas() -> Map<String, Value> {
    let mut requests = generator(SchemaSettings::draft2020_12().for_deserialize());
    requests.subschema_for::<CreateRequest>();
    requests.subschema_for::<RefundRequest>();
    requests.subschema_for::<yorlet::CreateRequest>();
    requests.subschema_for::<yorlet::RefundRequest>();
    requests.subschema_for::<yorlet::CustomerRequest>();
    requests.subschema_for::<fintecture::CreateRequest>();
    requests.subschema_for::<fintecture::CancelRequest>();
    requests.subschema_for::<fintecture::RefundRequest>();
    requests.subschema_for::<fintecture::TokenRequest>();
    requests.subschema_for::<WebhookRequest>();
    requests.subschema_for::<TestClockRequest>();
    requests.subschema_for::<AdvanceRequest>();
    requests.subschema_for::<TokenRequest>();
    let mut views = generator(SchemaSettings::draft2020_12().for_serialize());
    views.subschema_for::<SessionView<'_>>();
    views.subschema_for::<RefundView<'_>>();
    views.subschema_for::<EventView<'_>>();
    views.subschema_for::<yorlet::SessionView<'_>>();
    views.subschema_for::<yorlet::TransactionView<'_>>();
    views.subschema_for::<yorlet::RefundView>();
    views.subschema_for::<yorlet::EventView<'_>>();
    views.subschema_for::<yorlet::ErrorView<'_>>();
    views.subschema_for::<yorlet::CustomerView<'_>>();
    views.subschema_for::<yorlet::DeletedCustomerView>();
    views.subschema_for::<fintecture::CreatedView>();
    views.subschema_for::<fintecture::SessionView<'_>>();
    views.subschema_for::<fintecture::SessionList<'_>>();
    views.subschema_for::<fintecture::RefundView>();
    views.subschema_for::<fintecture::RefundList>();
    views.subschema_for::<fintecture::ProviderList>();
    views.subschema_for::<fintecture::TestAccountList<'_>>();
    views.subschema_for::<fintecture::ApplicationView<'_>>();
    views.subschema_for::<fintecture::EventView<'_>>();
    views.subschema_for::<fintecture::TokenView>();
    views.subschema_for::<fintecture::ErrorView<'_>>();
    views.subschema_for::<WebhookView<'_>>();
    views.subschema_for::<AttemptView<'_>>();
    views.subschema_for::<ReplayView>();
    views.subschema_for::<TestClockView<'_>>();
    views.subschema_for::<ProviderView<'_>>();
    views.subschema_for::<TokenView>();
    views.subschema_for::<OauthErrors<Errors<'_>>>();
    views.subschema_for::<Errors<'_>>();
    views.subschema_for::<types::GatewayMessage>();
    let mut list = |item: &str, most: Option<usize>, pages: bool| {
        let mut list: Value = List::<types::Id>::json_schema(&mut views).into();
        list["properties"]["data"] = json!({ "type": "array", "items": { "$ref": format!("{SCHEMAS}{item}") } });
        if let Some(most) = most {
            list["properties"]["data"]["maxItems"] = most.into();
        }
        if !pages {
            list["properties"]["next_cursor"] = json!({ "type": "null", "description": "There is only one page." });
        }
        list
    };
    let page = crate::list::MAX_LIMIT;
    let lists = [
        ("PaymentSessionList", list("PaymentSession", Some(page), true)),
        ("PaymentSessionListOlder", list("PaymentSessionOlder", Some(page), true)),
        ("RefundList", list("Refund", usize::try_from(MAX_REFUNDS).ok(), false)),
        ("WebhookList", list("Webhook", usize::try_from(MAX_ENDPOINTS).ok(), false)),
        ("EventList", list("Event", Some(MAX_EVENTS), true)),
        ("AttemptList", list("Attempt", Some(MAX_EVENTS), false)),
    ];
    let mut yorlet_list = |item: &str| {
        let mut list: Value = yorlet::List::<types::Id>::json_schema(&mut views).into();
        list["properties"]["data"] =
            json!({ "type": "array", "items": { "$ref": format!("{SCHEMAS}{item}") }, "maxItems": page });
        (format!("{item}List"), list)
    };
    let yorlet_lists =
        ["YorletPaymentSession", "YorletTransaction", "YorletRefund", "YorletCustomer"].map(&mut yorlet_list);
    let mut all = requests.take_definitions(true);
    let mut views = views.take_definitions(true);
    views.iter_mut().filter(|(name, _)| name.starts_with("Fintecture")).for_each(|(_, view)| left_out(view));
    all.extend(views);
    all.extend(lists.map(|(name, list)| (name.to_owned(), list)));
    all.extend(yorlet_lists);
    all.values_mut().for_each(forget_widths);
    payer(&mut all);
    dialects(&mut all);
    webhooks(&mut all);
    customers(&mut all);
    events(&mut all);
    for request in ["TokenRequest", "FintectureTokenRequest"] {
        all[request].as_object_mut().unwrap().remove("required");
    }
    let payments = &mut all["FintecturePaymentList"]["properties"]["data"];
    payments["maxItems"] = page.into();
    let refunds = &mut all["FintectureRefundList"]["properties"]["data"];
    refunds["maxItems"] = MAX_REFUNDS.into();
    all["Token"]["examples"] = json!([{
        "access_token": "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImtpZCI6InBrX3Rlc3RfZGVtbyJ9.e30.c2lnbmF0dXJl",
        "token_type": "Bearer",
        "expires_in": crate::TOKEN_LIFETIME_S,
        "scope": "payment_sessions:read payment_sessions:write",
        "created_at": 1_572_623_306,
    }]);
    all
}

const SCHEMAS: &str = "#/components/schemas/";

/// How many bits Rust gives a number is nothing for clients.
fn forget_widths(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let width = fields.get("format").and_then(Value::as_str);
            if width.is_some_and(|width| width.starts_with("int") || width.starts_with("uint")) {
                fields.remove("format");
            }
            fields.values_mut().for_each(forget_widths);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_widths),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What is not always there is left out where it is not, rather than null.
fn left_out(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else {
        schema.as_array_mut().into_iter().flatten().for_each(left_out);
        return;
    };
    let required = fields.get("required").cloned().unwrap_or_default();
    let is_required = |name: &String| required.as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let properties = fields.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten();
    for (_, property) in properties.filter(|(name, _)| !is_required(name)) {
        if let Some(whole) = property.get("anyOf").and_then(|any| any.get(0)).cloned() {
            let description = property.get("description").cloned();
            *property = whole;
            property.as_object_mut().unwrap().extend(description.map(|text| ("description".to_owned(), text)));
        }
        property.as_object_mut().unwrap().remove("default");
        if let Some(types) = property.get_mut("type").and_then(Value::as_array_mut) {
            types.retain(|name| name != "null");
        }
        if let Some([only]) = property["type"].as_array().map(Vec::as_slice) {
            property["type"] = only.clone();
        }
        let values = property.get_mut("enum").and_then(Value::as_array_mut);
        values.into_iter().for_each(|values| values.retain(|value| !value.is_null()));
    }
    fields.values_mut().for_each(left_out);
}

/// Takes a property away.
fn remove(schema: &mut Value, name: &str) {
    schema["properties"].as_object_mut().unwrap().remove(name);
    schema["required"].as_array_mut().unwrap().retain(|required| required != name);
}

/// Says that a property is always there, and not null.
fn require(schema: &mut Value, name: &str) {
    not_null(&mut schema["properties"][name]);
    let required = schema["required"].as_array_mut().unwrap();
    if !required.iter().any(|required| required == name) {
        required.push(name.into());
    }
}

fn not_null(property: &mut Value) {
    if let Some(types) = property["type"].as_array() {
        property["type"] = types[0].clone();
    }
}

/// What has line items is there once for each name of their amount.
fn dialects(all: &mut Map<String, Value>) {
    for (whole, item) in [("NewPaymentSession", "NewLineItem"), ("PaymentSession", "LineItem")] {
        let (mut older, mut older_item) = (all[whole].clone(), all[item].clone());
        remove(&mut all[item], "amount_cents");
        require(&mut all[item], "amount");
        remove(&mut older_item, "amount");
        require(&mut older_item, "amount_cents");
        older["properties"]["line_items"]["items"] = json!({ "$ref": format!("{SCHEMAS}{item}Older") });
        all.insert(format!("{whole}Older"), older);
        all.insert(format!("{item}Older"), older_item);
    }
}

/// The payer is left out, rather than null, while nobody is known.
fn payer(all: &mut Map<String, Value>) {
    not_null(&mut all["PaymentSession"]["properties"]["payer"]);
}

/// An endpoint is registered with a URL, and shown with its secret when that is made.
fn webhooks(all: &mut Map<String, Value>) {
    let mut new = all["WebhookChange"].clone();
    new["properties"]["url"]["type"] = "string".into();
    new["required"] = json!(["url"]);
    all["WebhookChange"]["properties"].as_object_mut().unwrap().remove("format");
    let format = WireFormat::default().as_str();
    new["description"] =
        format!("Left out, `events` is `[\"*\"]`, `enabled` true, `thin` false, and `format` `{format}`.").into();
    all["WebhookChange"]["description"] = "What is left out or null is not changed; but null removes `faults`.".into();
    all.insert("NewWebhook".to_owned(), new);
    let mut with_secret = all["Webhook"].clone();
    require(&mut with_secret, "secret");
    all.insert("WebhookWithSecret".to_owned(), with_secret);
    remove(&mut all["Webhook"], "secret");
    all["Attempt"]["description"] = "Either `status` and `answer`, or `error`, is null.".into();
}

/// A customer is created with an e-mail address, and with notes that are all there; and is shown with all of its parts.
fn customers(all: &mut Map<String, Value>) {
    for part in ["address", "legal", "invoicing"] {
        let parts = all["YorletCustomer"]["properties"][part]["properties"].as_object_mut().unwrap();
        parts.values_mut().for_each(|part| drop(part.as_object_mut().unwrap().remove("default")));
    }
    not_null(&mut all["YorletCustomerChange"]["properties"]["email"]);
    let mut new = all["YorletCustomerChange"].clone();
    new["required"] = json!(["email"]);
    new["description"] = "Whom sessions are for.".into();
    new["properties"]["email"]["description"] = "Where they are written to.".into();
    new["properties"]["metadata"]["description"] = "Your own notes.".into();
    all.insert("YorletNewCustomer".to_owned(), new);
    let change = &mut all["YorletCustomerChange"];
    change["description"] = "What is left out is not changed; what is null is removed.".into();
    let notes = &mut change["properties"]["metadata"]["additionalProperties"];
    notes["type"] = json!(["string", "null"]);
}

/// There is an event of each kind of object, and one that is thin.
fn events(all: &mut Map<String, Value>) {
    let common = all["Event"].clone();
    let thin = all.remove("DataView").and_then(|data| data["anyOf"].as_array()?.last().cloned());
    let session = json!({
        "$ref": format!("{SCHEMAS}PaymentSession"),
        "description": "The session as it was when it happened, as `/v2` shows it. It has no `refunds` then: they have events of\n\
            their own. The event of its deletion has no `payer` and no `metadata`.",
    });
    let refund = json!({ "$ref": format!("{SCHEMAS}Refund"), "description": "The refund as it was when it happened." });
    for (name, webhook_type, data, description) in [
        ("PaymentSessionEvent", Some("payment_session"), session, "Something that happened to a session."),
        ("RefundEvent", Some("refund"), refund, "Something that happened to a refund."),
        (
            "ThinEvent",
            None,
            thin.unwrap(),
            "What an endpoint that is `thin` is sent: the id of the session or refund, and nothing of what is in it. Lists show\n\
             every event in full.",
        ),
    ] {
        let mut event = common.clone();
        event["description"] = description.into();
        event["properties"]["data"] = data;
        if let Some(webhook_type) = webhook_type {
            event["properties"]["webhook_type"] = json!({ "type": "string", "const": webhook_type });
        }
        all.insert(name.to_owned(), event);
    }
    let [session, refund] = ["PaymentSessionEvent", "RefundEvent"].map(|name| format!("{SCHEMAS}{name}"));
    all["Event"] = json!({
        "description": "Something that happened to a session or a refund.",
        "oneOf": [{ "$ref": session }, { "$ref": refund }],
        "discriminator": { "propertyName": "webhook_type", "mapping": { "payment_session": session, "refund": refund } },
    });
}

/// How a schema's keys are ordered: these first, those last.
const FIRST: [&str; 4] = ["type", "format", "const", "enum"];
const LAST: [&str; 6] = ["items", "default", "description", "properties", "required", "examples"];

/// A schema as people write it: its keys in their order, and properties as the code has them.
fn ordered(schema: &Value) -> serde_yaml_ng::Value {
    match schema {
        Value::Object(fields) => {
            let mut keys: Vec<&String> =
                fields.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key).collect();
            let rank = |list: &[&str], key: &String| list.iter().position(|known| known == key);
            keys.sort_by_key(|key| (rank(&LAST, key), rank(&FIRST, key).unwrap_or(FIRST.len())));
            let required = fields.get("required").and_then(Value::as_array);
            let position = |name: &String| required.and_then(|required| required.iter().position(|one| one == name));
            let value = |key: &String| match (key.as_str(), &fields[key]) {
                ("properties", Value::Object(properties)) => {
                    let mut names: Vec<&String> = properties.keys().collect();
                    names.sort_by_key(|name| position(name).unwrap_or(usize::MAX));
                    let each = names.into_iter().map(|name| (name.as_str().into(), ordered(&properties[name])));
                    each.collect::<serde_yaml_ng::Mapping>().into()
                }
                (_, value) => ordered(value),
            };
            keys.into_iter().map(|key| (key.as_str().into(), value(key))).collect::<serde_yaml_ng::Mapping>().into()
        }
        Value::Array(items) => items.iter().map(ordered).collect::<Vec<_>>().into(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => serde_yaml_ng::to_value(schema).unwrap(),
    }
}

// examples

/// A path's documented request, by its example's name.
pub(crate) fn request<'a>(head: &'a Value, path: &str, name: &str) -> &'a Value {
    &head["paths"][path]["post"]["requestBody"]["content"]["application/json"]["examples"][name]["value"]
}

/// With its fields in their order.
fn shown(view: &impl Serialize) -> serde_yaml_ng::Value {
    serde_yaml_ng::from_str(&serde_json::to_string(view).unwrap()).unwrap()
}

/// What documented requests are answered with.
fn examples(head: &Value) -> serde_yaml_ng::Mapping {
    let session = request(head, "/v2/payment_sessions", "candles");
    let (created, sent) = (samples::create(session, Dialect::V2), samples::sent(session));
    let known = samples::sent_from_known_account(session);
    let asked = request(head, "/v2/refunds", "candles");
    let (refund, payment) = samples::refund(&known, asked);
    let payment = payment.unwrap();
    let waiting = samples::refund(&sent, asked).0;
    let endpoint = samples::register(request(head, "/v2/webhooks", "some"));
    let now = samples::at("2019-11-04T09:00:00Z");
    let of_session = samples::event(Object::Session(Box::new(sent.clone())), 5);
    let of_refund = samples::event(Object::Refund(Box::new(refund.clone())), 1);
    let asked = request(head, "/v1/payment_sessions", "rent");
    let rent = samples::yorlet_session(asked);
    let paid = samples::paid(rent.clone());
    let tenant = samples::yorlet_customer(request(head, "/v1/customers", "tenant"));
    let half = &samples::yorlet_refund(&paid, request(head, "/v1/refunds", "half"));
    let of_rent = samples::event(Object::Session(Box::new(paid.clone())), 4);
    let halves = [samples::settled(half.clone())];
    let order =
        samples::fintecture_session("/pis/v2/connect?state=order-7", request(head, "/pis/v2/connect", "immediate"));
    let order_paid = samples::paid(order.clone());
    let of_order = samples::event(Object::Session(Box::new(order_paid.clone())), 4);
    let part = samples::fintecture_refund(&order_paid, request(head, "/pis/v2/refund", "part"));
    let part = fintecture::RefundView::created(&part);
    let links = ListLinks {
        list: "http://127.0.0.1:3000/pis/v2/payments".to_owned(),
        query: String::new(),
        number: 1,
        size: crate::list::MAX_LIMIT,
    };
    let clock = samples::test_clock(request(head, "/v2/test_clocks", "some"));
    let arrives = samples::at("2026-02-07T09:30:00Z");
    let advanced = TestClock { now: arrives, sessions: vec![samples::id()], ..clock.clone() };
    let attempts = samples::attempts();
    let attempts = List { data: attempts.iter().map(AttemptView::new).collect(), next_cursor: None };
    let of = |session, refunds, at| shown(&SessionView::new(session, refunds, Dialect::V2, at));
    let all = [
        ("Created", "Awaits its payer", of(&created, &[], created.created_at)),
        ("Sent", "Paid", of(&sent, &[], sent.created_at)),
        (
            "Refunded",
            "Paid, with a refund that awaits the merchant",
            of(&known, std::slice::from_ref(&refund), refund.created_at),
        ),
        ("PaysRefund", "Pays a refund; awaits the merchant", of(&payment, &[], payment.created_at)),
        (
            "RefundAwaitingPayment",
            "The customer's account is known",
            shown(&RefundView::new(&refund, refund.created_at)),
        ),
        (
            "RefundAwaitingDetails",
            "The customer is asked for the account",
            shown(&RefundView::new(&waiting, waiting.created_at)),
        ),
        ("WebhookRegistered", "With its secret", shown(&WebhookView::with_secret(&endpoint, endpoint.created_at))),
        (
            "WebhookRotated",
            "With its new secret",
            shown(&WebhookView::with_secret(&samples::rotated(&endpoint, now), now)),
        ),
        ("SessionEvent", "A session is paid", shown(&EventView::new(&of_session))),
        ("RefundEvent", "A refund is made", shown(&EventView::new(&of_refund))),
        ("ThinEvent", "The same session, by its id only", shown(&EventView::thin(&of_session))),
        ("Attempts", "Accepted the second time", shown(&attempts)),
        ("TestClock", "Stands still", shown(&TestClockView::new(&clock))),
        ("TestClockAdvanced", "A week later, with a session", shown(&TestClockView::new(&advanced))),
        ("YorletPaymentSession", "Awaits its payer", shown(&yorlet::SessionView::new(&rent, rent.created_at))),
        (
            "YorletTransaction",
            "Paid, and half of it refunded",
            shown(&yorlet::TransactionView::new(&paid, &halves, now)),
        ),
        ("YorletRefund", "The customer's account is asked for", shown(&yorlet::RefundView::new(half, half.created_at))),
        ("YorletCustomer", "A tenant", shown(&yorlet::CustomerView::new(&tenant))),
        ("YorletDeletedCustomer", "What is left of one", shown(&yorlet::DeletedCustomerView::new(tenant.id))),
        ("YorletEvent", "A session is paid", shown(&yorlet::EventView::new(&of_rent))),
        ("FintectureCreated", "A payment session", shown(&fintecture::CreatedView::new(&order))),
        (
            "FintectureRequestedToPay",
            "A request to pay",
            shown(&fintecture::CreatedView::new(&samples::fintecture_session(
                "/pis/v2/request-to-pay",
                request(head, "/pis/v2/request-to-pay", "mailed"),
            ))),
        ),
        ("FintecturePayment", "Awaits its payer", shown(&fintecture::SessionView::new(&order, order.created_at))),
        ("FintecturePaid", "Paid", shown(&fintecture::SessionView::new(&order_paid, now))),
        (
            "FintecturePaymentList",
            "A page with one payment",
            shown(&fintecture::SessionList::new([&order_paid].into_iter(), now, 1, None, &links)),
        ),
        ("FintectureRefund", "The payer's account is asked for", shown(&part)),
        ("FintectureEvent", "A session is paid", shown(&fintecture::EventView::new(&of_order))),
        ("FintectureThinEvent", "The same session, by its id only", shown(&fintecture::EventView::thin(&of_order))),
        ("YorletThinEvent", "The same session, by its id only", shown(&yorlet::EventView::thin(&of_rent))),
        (
            "IdempotencyConflict",
            "The key was used before",
            shown(&Errors::new(&crate::Refusal::IdempotencyConflict.into())),
        ),
    ];
    let example = |summary: &str, value| {
        let entries = [("summary".into(), summary.into()), ("value".into(), value)];
        entries.into_iter().collect::<serde_yaml_ng::Mapping>()
    };
    all.into_iter().map(|(name, summary, value)| (name.into(), example(summary, value).into())).collect()
}
