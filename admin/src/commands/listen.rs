//! Showing a merchant's events on a developer's machine as they happen, and passing them on to the developer's own app.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use api::{NewEndpoint, WebhookParts};
use clap::Args;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, TRANSFER_ENCODING};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use models::{
    ActKind, ActObject, Endpoint, EndpointId, EndpointSecret, MerchantId, MerchantUrl, Mode, WireFormat, stamp,
};
use outbound::{
    Delivery, Lookup, MAX_WHOLE_BYTES, MessageId, Method, Policy, RefusedUrl, Response as Answered, Sender, TimeOuts,
    WebhookSecret,
};
use runtime::{Clock, Random};
use serde_json::{Map, Value};
use store::{EndpointCreated, Endpoints, Merchants, Owner};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

use super::merchants::get;
use crate::arguments::{self, one_of, text};
use crate::failure::{Failure, Interrupted};
use crate::interrupt::interrupted;
use crate::report::{Output, print, say, unread};
use crate::target::{Service, Target};

/// The note on endpoints of ours, by which one is found whose process was killed.
const OURS: &str = "counterfoil listen";

/// The longest body that is read; events have some KiB.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The app is on this machine, or on the public internet.
const POLICY: Policy = Policy { loopback_allowed: true };

/// The app has a second less than we have ourselves, so that its delay is seen as its own.
const TIME_OUTS: TimeOuts = TimeOuts { connect_ms: 2_000, answer_ms: 14_000 };

/// How often the service is asked whether it is still there: without it no event comes, and nothing says so.
const ASKED_EVERY: Duration = Duration::from_secs(3);

/// Show a merchant's events as they happen, on this machine, and pass them on to your own app; with --output json they are shown
/// whole, payers' names and addresses too
///
/// Each event is one line: when it came, its type, the session's or refund's id, its state, whether its signature is
/// right, and how the app answered. With --output json, standard output has the events' bodies, one a line and with all that is in
/// them, such as payers' names, addresses and accounts, and standard error the lines. An event that the app does not answer with 2xx is
/// sent again, as to any endpoint. It ends with Ctrl-C, or when nobody reads its output any more, and removes the webhook endpoint that it
/// registered; or when the service does not answer any more.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  counterfoil listen\n  counterfoil listen --forward http://127.0.0.1:3001/hooks")]
pub(crate) struct Listen {
    /// Your app's URL: each event is posted there as it came, headers and all
    #[arg(long, value_name = "URL", value_parser = forward)]
    forward: Option<Url>,
    /// The merchant's id
    #[arg(long, default_value = "demo")]
    merchant: MerchantId,
    /// Of which mode
    #[arg(long, value_name = "MODE", default_value = "test", value_parser = arguments::mode())]
    mode: Mode,
    /// The wire format whose sessions' events are shown
    #[arg(long, default_value = "banked", value_parser = one_of(WireFormat::ALL, WireFormat::as_str))]
    format: WireFormat,
}

pub(crate) async fn run(command: Listen, target: &Target, output: Output) -> Result<(), Failure> {
    if target.is_on_aws() {
        return Err(Failure::AwsCantReach);
    }
    let service = Service::find(target).await?;
    listen(command, &service, output).await.map_err(|failure| failure.at(&service.location))
}

async fn listen(command: Listen, service: &Service, output: Output) -> Result<(), Failure> {
    let Listen { forward, merchant, mode, format } = command;
    let mut stopped = pin!(interrupted().map_err(cant_listen)?);
    let merchants = Merchants::new(service.table.clone());
    let merchant = tokio::select! {
        biased;
        merchant = get(&merchants, merchant) => merchant?.id,
        () = &mut stopped => return Err(Failure::Interrupted(Interrupted::Reading)),
    };
    // From here on Ctrl-C only ends the waiting.
    let endpoints = &Endpoints::new(service.table.clone());
    let owner = Owner { merchant_id: merchant.clone(), mode, format: None };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(cant_listen)?;
    let url = url_of(listener.local_addr().map_err(cant_listen)?)?;
    let sender = Sender::with(POLICY, Lookup::system(), TIME_OUTS, Clock::System).map_err(cant_listen)?;
    remove_abandoned(service, endpoints, &owner).await?;

    let secret = WebhookSecret::generate(Random::System.bytes());
    let endpoint = register(service, endpoints, &owner, format, &url, &secret).await?;
    let to = forward.as_ref().map(|url| format!(", passed on to {url}")).unwrap_or_default();
    let (of, by) = (mode.as_str(), secret.expose());
    say(&format!(
        "Events of {merchant}'s {of} sessions are shown as they happen{to}, until Ctrl-C. Their secret: {by}"
    ));
    let listening = Listening { url, endpoint, secret, sender, forward, output };
    let id = listening.endpoint.id;
    let ended = async {
        tokio::select! {
            () = stopped => Ok(()),
            () = unread() => Ok(()),
            failure = gone(service, endpoints, &merchant, id) => Err(failure),
        }
    };
    listening.serve(listener, pin!(ended)).await?;
    remove(service, endpoints, &owner, id).await?;
    say("The endpoint is removed.");
    Ok(())
}

/// Resolves when the service does not answer any more, with that.
async fn gone(service: &Service, endpoints: &Endpoints, merchant: &MerchantId, id: EndpointId) -> Failure {
    loop {
        tokio::time::sleep(ASKED_EVERY).await;
        if let Err(error) = endpoints.get(merchant, &id).await
            && matches!(Failure::from(error).at(&service.location), Failure::NoAnswer(_))
        {
            return Failure::AnswersNoMore(service.location.clone());
        }
    }
}

async fn register(
    service: &Service,
    endpoints: &Endpoints,
    owner: &Owner,
    format: WireFormat,
    url: &Url,
    secret: &WebhookSecret,
) -> Result<Endpoint, Failure> {
    let at = Clock::System.now();
    let parts = WebhookParts {
        description: Some(text(OURS).ok()),
        format: Some(format),
        encoding: format.encodings().first().copied(),
        ..WebhookParts::default()
    };
    let new = NewEndpoint {
        id: EndpointId::new(Random::System.uuid_v7(at)),
        merchant_id: owner.merchant_id.clone(),
        mode: owner.mode,
        key_id: None,
        secret: EndpointSecret::new(secret.expose().to_owned()),
        at,
    };
    let (what, object) = (ActKind::WebhookRegistered, ActObject::Endpoint(new.id));
    let url = MerchantUrl::try_from(url.as_str().to_owned()).map_err(cant_listen)?;
    service.record(&owner.merchant_id, Some(owner.mode), what, object).await?;
    match endpoints.create(&parts.endpoint(url, new), None).await? {
        EndpointCreated::New(endpoint) | EndpointCreated::Existing(endpoint, _) => Ok(*endpoint),
        EndpointCreated::TooMany => Err(Failure::TooManyEndpoints(owner.merchant_id.clone())),
    }
}

async fn remove(service: &Service, endpoints: &Endpoints, owner: &Owner, id: EndpointId) -> Result<(), Failure> {
    let (what, object) = (ActKind::WebhookRemoved, ActObject::Endpoint(id));
    service.record(&owner.merchant_id, Some(owner.mode), what, object).await?;
    endpoints.delete(owner, &id).await?;
    Ok(())
}

/// Removes endpoints of ours at which nobody listens: their processes were killed.
async fn remove_abandoned(service: &Service, endpoints: &Endpoints, owner: &Owner) -> Result<(), Failure> {
    for endpoint in endpoints.of(&owner.merchant_id).await? {
        let ours = endpoint.mode == owner.mode
            && endpoint.description.as_ref().is_some_and(|description| description.as_str() == OURS);
        if let Some(port) = Url::parse(endpoint.url.as_str()).ok().and_then(|url| url.port())
            && ours
            && TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err()
        {
            remove(service, endpoints, owner, endpoint.id).await?;
        }
    }
    Ok(())
}

/// A webhook endpoint on this machine.
struct Listening {
    url: Url,
    endpoint: Endpoint,
    secret: WebhookSecret,
    sender: Sender,
    forward: Option<Url>,
    output: Output,
}

impl Listening {
    /// Answers what is delivered, until this ends.
    ///
    /// # Errors
    /// Why it ended.
    async fn serve(
        self,
        listener: TcpListener,
        mut ended: Pin<&mut impl Future<Output = Result<(), Failure>>>,
    ) -> Result<(), Failure> {
        let (listening, mut connections) = (Arc::new(self), JoinSet::new());
        loop {
            tokio::select! {
                why = &mut ended => return why,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(stream, Arc::clone(&listening)));
                    }
                    // Out of file descriptors, most likely: let some be closed.
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    /// Shows an event, and passes it on: 2xx only if the app accepted it.
    async fn answer(&self, request: Request<Incoming>) -> StatusCode {
        let came_at = Clock::System.now();
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, MAX_BODY_BYTES).collect().await else { return StatusCode::BAD_REQUEST };
        let Ok(body) = String::from_utf8(body.to_bytes().to_vec()) else { return StatusCode::BAD_REQUEST };
        if !self.is_signed(&head.headers, &body) {
            // Not ours, so nothing of it is shown.
            self.show(&format!("{}  signature wrong", stamp(came_at)), None);
            return StatusCode::UNAUTHORIZED;
        }
        let (status, answered) = match &self.forward {
            None => (StatusCode::OK, String::new()),
            Some(url) => self.forward(url, &head.headers, &body).await,
        };
        let event = fields(&head.headers, &body);
        let [event_type, id, state] = summary(self.endpoint.format, &event);
        let came_at = stamp(came_at);
        self.show(&format!("{came_at}  {event_type}  {id}  {state}  signature ok{answered}"), Some(&event));
        status
    }

    /// Whether every header that we sign a delivery with is as it would be, had we sent these bytes with this endpoint's secret.
    fn is_signed(&self, headers: &HeaderMap, body: &str) -> bool {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let id = header("webhook-id").and_then(|id| id.parse::<MessageId>().ok());
        let timestamp_s = header("webhook-timestamp").and_then(|seconds| seconds.parse().ok());
        let (Some(id), Some(timestamp_s)) = (id, timestamp_s) else { return false };
        let expected = Delivery {
            url: self.url.clone(),
            id,
            format: self.endpoint.format,
            correlation_id: None,
            is_test: false,
            timestamp_s,
            encoding: self.endpoint.encoding,
            body: body.as_bytes().to_vec(),
            application: None,
            secret: self.secret.clone(),
            further_secrets: Vec::new(),
        };
        expected.headers().iter().all(|(name, value)| header(name) == Some(value.as_str()))
    }

    /// Posts a delivery to the app as it came. What the app answers is shown; a 410 of its own would disable our endpoint,
    /// so each failure is answered with the same status.
    async fn forward(&self, url: &Url, headers: &HeaderMap, body: &str) -> (StatusCode, String) {
        let ours = [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING];
        let passed = headers.iter().filter(|(name, _)| !ours.contains(name));
        let passed: Vec<_> =
            passed.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?.to_owned()))).collect();
        let begun = Clock::System.instant();
        let answer = self.sender.call(Method::POST, url, &passed, Some(body.to_owned()), MAX_WHOLE_BYTES).await;
        let took_ms = Clock::System.elapsed(begun).as_millis();
        match answer {
            Ok(Answered { status, .. }) => {
                let is_success = (200..300).contains(&status);
                let ours = if is_success { StatusCode::OK } else { StatusCode::BAD_GATEWAY };
                (ours, format!("  app answered {status} in {took_ms} ms"))
            }
            Err(failure) => (StatusCode::BAD_GATEWAY, format!("  app did not answer in {took_ms} ms: {failure}")),
        }
    }

    /// Writes what came. Should nobody read it any more, deliveries are answered all the same.
    fn show(&self, line: &str, event: Option<&Value>) {
        match (self.output, event) {
            (Output::Table, _) => drop(print(format!("{line}\n").as_bytes())),
            (Output::Json, event) => {
                if let Some(event) = event {
                    drop(print(format!("{event}\n").as_bytes()));
                }
                say(line);
            }
        }
    }
}

async fn connection(stream: TcpStream, listening: Arc<Listening>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let listening = Arc::clone(&listening);
        // By itself: who delivers may wait no longer, and the app's answer is shown all the same.
        let answered = tokio::spawn(async move { listening.answer(request).await });
        async move {
            let mut response = Response::new(Full::<Bytes>::default());
            *response.status_mut() = answered.await.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Ok::<_, Infallible>(response)
        }
    });
    // An error here is a caller that went away.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// An event's fields; of a form, each is a text.
fn fields(headers: &HeaderMap, body: &str) -> Value {
    if headers.get("content-type").is_some_and(|media_type| media_type == "application/x-www-form-urlencoded") {
        let pairs = url::form_urlencoded::parse(body.as_bytes());
        return Value::Object(pairs.map(|(name, value)| (name.into_owned(), value.into())).collect::<Map<_, _>>());
    }
    serde_json::from_str(body).unwrap_or(Value::Null)
}

/// An event's type, its session's or refund's id, and the state that this came to.
fn summary(format: WireFormat, event: &Value) -> [String; 3] {
    let pointers = match format {
        WireFormat::Banked => ["/type", "/data/id", "/data/state"],
        WireFormat::Yorlet => ["/type", "/data/object/id", "/data/object/status"],
        WireFormat::Fintecture => ["/event", "/session_id", "/status"],
    };
    pointers.map(|pointer| event.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned())
}

fn url_of(address: SocketAddr) -> Result<Url, Failure> {
    Url::parse(&format!("http://{address}/")).map_err(cant_listen)
}

fn cant_listen(error: impl std::fmt::Display) -> Failure {
    Failure::CantListen(error.to_string())
}

fn forward(text: &str) -> Result<Url, String> {
    outbound::check_url(text, false, POLICY).map_err(|error| {
        let elsewhere = error == RefusedUrl::NotPublic;
        if elsewhere { "must be on this machine or on the public internet".to_owned() } else { error.to_string() }
    })
}

#[cfg(test)]
mod tests {
    use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_summed_up_in_each_format() {
        let banked = json!({ "type": "payment_session.sent", "data": { "id": "a", "state": "sent" } });
        assert_eq!(summary(WireFormat::Banked, &banked), ["payment_session.sent", "a", "sent"]);
        let thin = json!({ "type": "refund.sent", "data": { "id": "a" } });
        assert_eq!(summary(WireFormat::Banked, &thin), ["refund.sent", "a", "-"]);
        let yorlet = json!({ "type": "x", "data": { "object": { "id": "b", "status": "open" } } });
        assert_eq!(summary(WireFormat::Yorlet, &yorlet), ["x", "b", "open"]);
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, form)]);
        let fintecture = fields(&headers, "session_id=c&status=payment_created&event=e%20f");
        assert_eq!(summary(WireFormat::Fintecture, &fintecture), ["e f", "c", "payment_created"]);
    }

    #[test]
    fn only_what_is_signed_with_the_secret_is_accepted() {
        let secret = WebhookSecret::generate([1; 32]);
        let url: Url = "http://127.0.0.1:1/".parse().unwrap();
        let listening = Listening {
            url: url.clone(),
            endpoint: samples::endpoint(),
            secret: secret.clone(),
            sender: Sender::new(POLICY, Clock::System).unwrap(),
            forward: None,
            output: Output::Table,
        };
        let headers = |body: &str, secret: &WebhookSecret| -> HeaderMap {
            let delivery = Delivery {
                url: url.clone(),
                id: "msg_1".parse().unwrap(),
                format: listening.endpoint.format,
                correlation_id: None,
                is_test: false,
                timestamp_s: 1_772_000_000,
                encoding: listening.endpoint.encoding,
                body: body.as_bytes().to_vec(),
                application: None,
                secret: secret.clone(),
                further_secrets: vec![],
            };
            let all = delivery.headers().into_iter();
            all.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
        };
        assert!(listening.is_signed(&headers("{}", &secret), "{}"));
        assert!(!listening.is_signed(&headers("{}", &secret), "{} "));
        assert!(!listening.is_signed(&headers("{}", &WebhookSecret::generate([2; 32])), "{}"));
        assert!(!listening.is_signed(&HeaderMap::new(), "{}"));
    }

    #[test]
    fn an_app_is_on_this_machine_or_public() {
        assert!(forward("http://127.0.0.1:3001/hooks").is_ok() && forward("http://localhost:3001").is_ok());
        assert!(forward("http://10.0.0.1/hooks").unwrap_err().contains("this machine"));
        assert!(forward("localhost").is_err());
    }
}
