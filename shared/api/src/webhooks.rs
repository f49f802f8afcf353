//! Our own API of webhook endpoints and of what they are sent, `/v2/webhooks` and `/v2/events`, which no wire format has.

mod faults;

use std::fmt::Display;

use jiff::Timestamp;
use models::{
    ApiKeyId, DisabledBy, Endpoint, EndpointFaults, EndpointId, EndpointSecret, EventEncoding, EventType, MerchantId,
    MerchantUrl, Mode, Name, Pace, Subscription, WireFormat,
};
use serde::{Deserialize, Serialize};
use store::{DeliveryAttempt, StoredEvent};

use crate::answer::timestamp_text;
use crate::api_request::ApiRequest;
use crate::error::Refusal;
use crate::event::event_id;
use crate::format::Format;
use crate::given::{Given, Object, there};
use crate::json::Json;
#[cfg(test)]
use crate::openapi::types as doc;
use crate::violations::{A_STRING, Violations, infallible};
use faults::{FaultsRequest, FaultsView};

/// The most event types that one endpoint may name.
const MAX_EVENTS: usize = 50;

const ENCODING: &str = "encoding";

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "WebhookChange", transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
pub(crate) struct WebhookRequest {
    #[cfg_attr(test, schemars(with = "doc::EndpointUrl"))]
    #[serde(default)]
    url: Given<String>,
    /// What it is notified of: event types, or `["*"]` for all, also those to come. A type that is named twice is kept once;
    /// `*` stands alone.
    #[cfg_attr(test, schemars(with = "Vec<doc::Subscribed>", length(min = 1, max = MAX_EVENTS)))]
    #[serde(default)]
    events: Given<Vec<Given<String>>>,
    /// Your own note; `""` is none.
    #[cfg_attr(test, schemars(length(max = 140)))]
    #[serde(default)]
    description: Given<String>,
    /// Whether it is notified at all.
    #[serde(default)]
    enabled: Given<bool>,
    /// Whether it is sent ids only, see `ThinEvent`.
    #[serde(default)]
    thin: Given<bool>,
    /// The format in which it is notified, of the sessions that were created in that format and their refunds. It can't be
    /// changed.
    #[cfg_attr(test, schemars(with = "doc::ServedFormat"))]
    #[serde(default)]
    format: Given<String>,
    /// How what it is sent is encoded: `json` or, in Fintecture's format, which has it so if nothing is said, `form`.
    #[cfg_attr(test, schemars(with = "doc::Encoding"))]
    #[serde(default)]
    encoding: Given<String>,
    #[cfg_attr(test, schemars(with = "FaultsRequest"))]
    #[serde(default, deserialize_with = "there")]
    faults: Option<Given<Object<FaultsRequest>>>,
}

/// What a client says of an endpoint; what it leaves out is none.
#[derive(Debug, Clone, Default)]
pub struct WebhookParts {
    /// Where events are posted.
    pub url: Option<MerchantUrl>,
    /// What it is notified of.
    pub events: Option<Subscription>,
    /// A note; none inside removes it.
    pub description: Option<Option<Name>>,
    /// Whether it is notified at all.
    pub enabled: Option<bool>,
    /// Whether it is sent ids only.
    pub thin: Option<bool>,
    /// Of which format's sessions it is notified.
    pub format: Option<WireFormat>,
    /// How what it is sent is encoded: its format's default, if it is new and nothing is said; else ask [`check_encoding`].
    pub encoding: Option<EventEncoding>,
    /// What goes wrong on purpose; none inside ends that.
    pub faults: Option<Option<EndpointFaults>>,
}

/// What a new endpoint has beside what is said of it.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// Its id.
    pub id: EndpointId,
    /// Whose it is.
    pub merchant_id: MerchantId,
    /// In which mode.
    pub mode: Mode,
    /// The API key that registers it, if one does.
    pub key_id: Option<ApiKeyId>,
    /// What its deliveries are signed with.
    pub secret: EndpointSecret,
    /// When it is registered.
    pub at: Timestamp,
}

impl WebhookParts {
    /// A new endpoint of this, at this URL.
    pub fn endpoint(self, url: MerchantUrl, new: NewEndpoint) -> Endpoint {
        let format = self.format.unwrap_or_default();
        Endpoint {
            id: new.id,
            merchant_id: new.merchant_id,
            mode: new.mode,
            format,
            encoding: self.encoding.unwrap_or_default(),
            application: new.key_id.filter(|_| format.has_applications()),
            url,
            description: self.description.flatten(),
            events: self.events.unwrap_or(Subscription::All),
            thin: self.thin.unwrap_or(false),
            disabled_by: if self.enabled == Some(false) { Some(DisabledBy::Merchant) } else { None },
            created_at: new.at,
            secret: new.secret,
            rotations: 0,
            previous_secret: None,
            previous_secret_until: None,
            failures: 0,
            parked_until: None,
            pace: Pace::default(),
            faults: self.faults.flatten(),
        }
    }
}

/// The request that registers an endpoint, by what a person says of it.
pub fn webhook_request(url: &str, description: &str, format: &str, events: &[String]) -> ApiRequest {
    let body = serde_json::json!({ "url": url, "description": description, "format": format, "events": events });
    ApiRequest::post("/v2/webhooks".to_owned()).with(&body)
}

/// Reads what is said of an endpoint of this mode; one that is new has a URL, and only that is given its format. `check_url` says
/// whether the URL may be called, and how it is written.
///
/// # Errors
/// 400 if it can't be read at all; else 422 with everything that is wrong.
pub fn parse_webhook<E: Display>(
    body: &Json<'_>,
    is_new: bool,
    mode: Mode,
    check_url: impl FnOnce(&str) -> Result<String, E>,
) -> Result<WebhookParts, Refusal> {
    let request: WebhookRequest = body.object()?;
    let mut wrong = Violations::default();
    if is_new && request.url == Given::Nothing {
        wrong.add(None, "url", "must be given");
    }
    let url = wrong.optional(request.url, None, "url", A_STRING, |text| {
        let url = check_url(&text).map_err(|error| error.to_string())?;
        MerchantUrl::try_from(url).map_err(|error| error.to_string())
    });
    let events = match request.events {
        Given::Nothing => None,
        Given::Wrong => {
            wrong.add(None, "events", "must be a list");
            None
        }
        Given::Value(types) => subscription(types, &mut wrong),
    };
    let description = wrong.optional(request.description, None, "description", A_STRING, |text| {
        if text.is_empty() { Ok(None) } else { Name::try_from(text).map(Some) }
    });
    let boolean = "must be true or false";
    let enabled = wrong.optional(request.enabled, None, "enabled", boolean, infallible);
    let thin = wrong.optional(request.thin, None, "thin", boolean, infallible);
    let format = wrong.optional(request.format, None, "format", A_STRING, |text| {
        if !is_new {
            return Err("can't be changed".to_owned());
        }
        Format::served().find(|format| format.as_str() == text).ok_or_else(|| {
            let served: Vec<_> = Format::served().map(WireFormat::as_str).collect();
            format!("must be {}", served.join(" or "))
        })
    });
    let encodings = if is_new { format.unwrap_or_default().encodings() } else { &EventEncoding::ALL };
    let encoding = wrong.optional(request.encoding, None, ENCODING, A_STRING, |text| {
        let known = encodings.iter().copied().find(|encoding| encoding.as_str() == text);
        known.ok_or_else(|| one_of(encodings))
    });
    let encoding = encoding.or_else(|| encodings.first().copied().filter(|_| is_new));
    let faults = request.faults.map(|given| faults::faults(given, mode, &mut wrong));
    if wrong.0.is_empty() {
        Ok(WebhookParts { url, events, description, enabled, thin, format, encoding, faults })
    } else {
        Err(Refusal::Invalid(wrong.0))
    }
}

/// Checks that what endpoints of this format are sent can be encoded so.
///
/// # Errors
/// 422 if it can't.
pub fn check_encoding(format: WireFormat, encoding: EventEncoding) -> Result<(), Refusal> {
    let encodings = format.encodings();
    if encodings.contains(&encoding) { Ok(()) } else { Err(Refusal::invalid(ENCODING, one_of(encodings))) }
}

fn one_of(encodings: &[EventEncoding]) -> String {
    let names: Vec<_> = encodings.iter().copied().map(EventEncoding::as_str).collect();
    format!("must be {}", names.join(" or "))
}

/// `["*"]` is all.
fn subscription(types: Vec<Given<String>>, wrong: &mut Violations) -> Option<Subscription> {
    if types.is_empty() || types.len() > MAX_EVENTS {
        wrong.add(None, "events", format_args!("must name 1 to {MAX_EVENTS} event types, or be [\"*\"]"));
        return None;
    }
    if types == [Given::Value("*".to_owned())] {
        return Some(Subscription::All);
    }
    let (mut named, before) = (Vec::new(), wrong.0.len());
    for (n, given) in types.into_iter().enumerate() {
        let known = |text: String| match text.as_str() {
            "*" => {
                Err("is \"*\", which stands alone; beside others it must be an event type such as payment_session.sent")
            }
            text => text.parse().map_err(|_| "must be an event type such as payment_session.sent"),
        };
        let event_type: Option<EventType> = wrong.required(given, None, &format!("events[{n}]"), A_STRING, known);
        named.extend(event_type.filter(|event_type| !named.contains(event_type)));
    }
    (wrong.0.len() == before).then_some(Subscription::Types(named))
}

/// An endpoint as its merchant reads it.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Webhook"))]
#[derive(Debug, Serialize)]
pub struct WebhookView<'a> {
    #[cfg_attr(test, schemars(with = "doc::Id"))]
    id: String,
    #[cfg_attr(test, schemars(with = "doc::Url", length(max = outbound::MAX_URL_BYTES)))]
    url: &'a str,
    /// Your own note.
    description: Option<&'a str>,
    /// What it is notified of; `["*"]` is all.
    #[cfg_attr(test, schemars(with = "Vec<doc::Subscribed>"))]
    events: Vec<String>,
    /// Whether it is sent ids only, see `ThinEvent`.
    thin: bool,
    /// The format in which it is notified, of which sessions; left out for `banked`.
    #[cfg_attr(test, schemars(with = "doc::ServedFormat"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    /// How what it is sent is encoded; left out where the format has but one way.
    #[cfg_attr(test, schemars(with = "doc::Encoding"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    /// Whether it is notified at all.
    enabled: bool,
    /// Why it is not notified: you said so, or it answered 410; null if it is enabled. Change `enabled` to true in
    /// either case.
    #[cfg_attr(test, schemars(with = "Option<doc::DisabledReason>"))]
    disabled_by: Option<DisabledBy>,
    /// By the API key that registered it.
    live: bool,
    #[cfg_attr(test, schemars(with = "doc::Timestamp"))]
    created_at: String,
    /// How many deliveries have failed since the last that was accepted, or since it was enabled.
    failures: u32,
    /// Until when the previous secret is valid beside the new one; null if no rotation is under way.
    #[cfg_attr(test, schemars(with = "Option<doc::Timestamp>"))]
    previous_secret_until: Option<String>,
    #[cfg_attr(test, schemars(with = "FaultsView"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    faults: Option<FaultsView>,
    /// What deliveries are signed with. Shown when it is made, and not again.
    #[cfg_attr(test, schemars(with = "doc::Secret"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
}

impl<'a> WebhookView<'a> {
    /// Without its secret.
    pub fn new(endpoint: &'a Endpoint, now: Timestamp) -> Self {
        let rotating = endpoint.previous_secret_at(now).and(endpoint.previous_secret_until);
        Self {
            id: endpoint.id.to_string(),
            url: endpoint.url.as_str(),
            description: endpoint.description.as_ref().map(Name::as_str),
            events: match &endpoint.events {
                Subscription::All => vec!["*".to_owned()],
                Subscription::Types(types) => types.iter().map(EventType::to_string).collect(),
            },
            thin: endpoint.thin,
            format: Some(endpoint.format).filter(|format| *format != WireFormat::default()).map(WireFormat::as_str),
            encoding: (endpoint.format.encodings().len() > 1).then(|| endpoint.encoding.as_str()),
            enabled: endpoint.is_enabled(),
            disabled_by: endpoint.disabled_by,
            live: endpoint.mode == Mode::Live,
            created_at: timestamp_text(endpoint.created_at),
            failures: endpoint.failures,
            previous_secret_until: rotating.map(timestamp_text),
            faults: endpoint.faults.map(FaultsView::new),
            secret: None,
        }
    }

    /// With its secret, which is shown when it is made, and never again.
    pub fn with_secret(endpoint: &'a Endpoint, now: Timestamp) -> Self {
        Self { secret: Some(endpoint.secret.as_str()), ..Self::new(endpoint, now) }
    }
}

/// One attempt to deliver an event.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Attempt"))]
#[derive(Debug, Serialize)]
pub struct AttemptView<'a> {
    /// To which endpoint.
    #[cfg_attr(test, schemars(with = "doc::Id"))]
    webhook_id: String,
    /// When it began.
    #[cfg_attr(test, schemars(with = "doc::Timestamp"))]
    at: String,
    /// Milliseconds until the answer's status came, or until it was clear that none would.
    latency_ms: u64,
    /// The answer's HTTP status.
    status: Option<u16>,
    /// The first 1 KiB of the answer's body.
    answer: Option<&'a str>,
    /// Why there was no answer.
    #[cfg_attr(test, schemars(with = "Option<doc::Failure>"))]
    error: Option<&'a str>,
}

impl<'a> AttemptView<'a> {
    /// As it was noted.
    pub fn new(attempt: &'a DeliveryAttempt) -> Self {
        Self {
            webhook_id: attempt.endpoint_id.to_string(),
            at: timestamp_text(attempt.at),
            latency_ms: attempt.latency_ms,
            status: attempt.status,
            answer: attempt.answer.as_deref(),
            error: attempt.error.as_deref(),
        }
    }
}

/// To which endpoints an event is delivered again.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Replayed"))]
#[derive(Debug, Serialize)]
pub struct ReplayView {
    #[cfg_attr(test, schemars(with = "doc::EventId"))]
    id: String,
    /// To which endpoints it is delivered.
    #[cfg_attr(test, schemars(with = "Vec<doc::Id>", length(min = 1, max = models::MAX_ENDPOINTS)))]
    webhook_ids: Vec<String>,
}

impl ReplayView {
    /// Of this event, to these endpoints.
    pub fn new(event: &StoredEvent, endpoints: &[EndpointId]) -> Self {
        Self { id: event_id(event), webhook_ids: endpoints.iter().map(EndpointId::to_string).collect() }
    }
}

#[cfg(test)]
mod tests;
