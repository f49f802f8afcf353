//! Registering an endpoint: by the same checks as the API's.

use api::{Json, NewEndpoint, Refusal, Violation};
use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{ActKind, ActObject, EndpointId, MAX_ENDPOINTS, MerchantUrl, Mode};
use outbound::{MAX_URL_BYTES, RefusedUrl};
use pages::{Answer, Facts, Language, Problem, ProblemTexts};
use store::{EndpointCreated, Registration};

use super::act::new_secret;
use super::endpoint::{self, Beside};
use super::form::{Typed, formats};
use super::list;
use crate::acts::{self, refused};
use crate::frame::Frame;
use crate::services::Services;
use crate::texts::{WebhookTexts, texts};

/// Registers it, with the act that it is. Its secret is shown in the answer, and nowhere else again.
pub(crate) async fn register(services: &Services, frame: &Frame<'_>, request: &Request, base_url: &str) -> Answer {
    let mut typed = Typed::read(request)?;
    let name: EndpointId = typed.key.parse().map_err(|_| Problem::Malformed)?;
    let (t, language) = (frame.texts().webhooks, frame.language);
    if typed.url.is_empty() {
        typed.errors.push(("url", t.url_missing.to_owned()));
    }
    if !formats().any(|format| format.as_str() == typed.format) {
        typed.errors.push(("format", t.format_missing.to_owned()));
    }
    if typed.events.is_empty() {
        typed.errors.push(("events", t.events_missing.to_owned()));
    }
    if !typed.errors.is_empty() {
        return list::page(services, frame, StatusCode::UNPROCESSABLE_ENTITY, typed, base_url).await;
    }
    let body = typed.request().body.unwrap_or_default();
    let json = Json::read(body.as_bytes()).map_err(|_| Problem::Malformed)?;
    let (is_live, policy) = (frame.mode == Mode::Live, services.settings.policy);
    let mut refused_url = RefusedUrl::NotHttp;
    let check = |text: &str| {
        outbound::check_url(text, is_live, policy).map(String::from).inspect_err(|error| refused_url = *error)
    };
    let checked = match api::parse_webhook(&json, true, frame.mode, check) {
        Ok(parts) => match parts.url.clone() {
            Some(url) => {
                let resolved = resolve(services, &url).await.map(|()| (parts, url));
                resolved.map_err(|error| vec![("url", url_text(error, language))])
            }
            None => Err(vec![("url", t.url_missing.to_owned())]),
        },
        Err(Refusal::Invalid(violations)) => {
            let url = url_text(refused_url, language);
            Err(violations.iter().map(|violation| said(violation, &url, t)).collect())
        }
        Err(_) => return Err(Problem::Malformed),
    };
    let (parts, url) = match checked {
        Ok(checked) => checked,
        Err(errors) => {
            typed.errors = errors;
            return list::page(services, frame, StatusCode::UNPROCESSABLE_ENTITY, typed, base_url).await;
        }
    };
    let at = services.clock.now();
    let new = NewEndpoint {
        id: EndpointId::new(services.random.uuid_v7(at)),
        merchant_id: frame.visitor.person.merchant_id.clone(),
        mode: frame.mode,
        key_id: None,
        secret: new_secret(services),
        at,
    };
    let fingerprint = json.fingerprint().map_err(|error| Problem::Internal(error.to_string().into()))?;
    let act = |id| acts::on_page(services, frame, ActKind::WebhookRegistered, ActObject::Endpoint(id));
    let write = |id: EndpointId| services.acts.write(&act(id));
    let endpoint = parts.endpoint(url, new);
    match services.endpoints.create_by(&endpoint, Registration { name, fingerprint }, &write).await? {
        EndpointCreated::New(endpoint) => {
            tracing::info!(request_id = api::request_id(request), endpoint_id = %endpoint.id, "registered");
            let beside = Beside { secret: Some(endpoint.secret.as_str()), ..Beside::default() };
            endpoint::page(services, frame, &endpoint, beside, base_url).await
        }
        EndpointCreated::Existing(endpoint, _) => {
            services.acts.put(&refused(act(endpoint.id), "sent_before")).await?;
            Err(sent_before())
        }
        EndpointCreated::TooMany => {
            services.acts.put(&refused(act(endpoint.id), "too_many_endpoints")).await?;
            typed.errors.push(("url", Facts::new(language).text("n", MAX_ENDPOINTS).plain(t.too_many)));
            list::page(services, frame, StatusCode::CONFLICT, typed, base_url).await
        }
    }
}

/// Whether the addresses that the host has now may be called; each delivery checks them again.
async fn resolve(services: &Services, url: &MerchantUrl) -> Result<(), RefusedUrl> {
    let policy = services.settings.policy;
    let url = outbound::check_url(url.as_str(), false, policy)?;
    outbound::resolve_check(&url, policy, &services.lookup).await
}

/// Why a URL is refused.
fn url_text(error: RefusedUrl, language: Language) -> String {
    let t = texts(language).webhooks;
    let text = match error {
        RefusedUrl::NotHttp => t.url_not_http,
        RefusedUrl::NotHttps => t.url_not_https,
        RefusedUrl::TooLong => t.url_too_long,
        RefusedUrl::Credentials => t.url_credentials,
        RefusedUrl::Fragment => t.url_fragment,
        RefusedUrl::BlockedPort => t.url_port,
        RefusedUrl::NotPublic => t.url_not_public,
        RefusedUrl::Unresolved => t.url_unresolved,
    };
    Facts::new(language).text("n", MAX_URL_BYTES).plain(text)
}

/// What the API says is wrong, as the form says it at its field. The API has one rule for each, but for the URL.
fn said(violation: &Violation, url: &str, t: &WebhookTexts) -> (&'static str, String) {
    let (field, text) = match violation.parameter.as_deref().unwrap_or_default() {
        "url" => ("url", url),
        "description" => ("description", t.note_wrong),
        "format" => ("format", t.format_missing),
        _ => ("events", t.events_missing),
    };
    (field, text.to_owned())
}

fn sent_before() -> Problem {
    Problem::Refused(StatusCode::CONFLICT, |language| {
        let t = texts(language).webhooks;
        ProblemTexts { heading: t.sent_before_heading, text: t.sent_before_text }
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use models::{ActOutcome, Role};
    use outbound::Lookup;

    use super::*;
    use crate::desk::{BASE_URL, Desk, form, seen};

    const KEY: &str = "019c1363-4a3b-7000-8000-000000000001";

    async fn desk() -> Desk {
        let mut desk = Desk::new().await;
        desk.visitor.person.role = Role::Develop;
        desk.services.lookup = Lookup::by(|name| async move {
            Ok(if name == "shop.example.com" { vec![[93, 184, 216, 34].into()] } else { vec![[10, 0, 0, 1].into()] })
        });
        desk
    }

    async fn sent(desk: &Desk, fields: &[(&str, &str)]) -> (u16, String) {
        let format = formats().next().unwrap().as_str();
        let request = form(&[&[("key", KEY), ("format", format)][..], fields].concat());
        seen(Box::pin(register(&desk.services, &desk.frame(Mode::Test), &request, BASE_URL)).await)
    }

    #[tokio::test]
    async fn an_endpoint_is_registered_once_with_its_act_and_its_secret_shown() {
        let desk = desk().await;
        let fields = [("url", "https://shop.example.com/hook"), ("description", "Stock"), ("events", "refund.sent")];
        let (status, html) = sent(&desk, &fields).await;
        assert_eq!(status, 200, "{html}");
        let merchant = desk.visitor.person.merchant_id.clone();
        let [endpoint] = &desk.services.endpoints.of(&merchant).await.unwrap()[..] else { panic!() };
        assert_eq!(endpoint.url.as_str(), "https://shop.example.com/hook");
        assert!(html.contains(endpoint.secret.as_str()) && html.contains("refund.sent"), "{html}");
        let format = endpoint.format.name();
        assert!(html.contains(&format!("<dd>{format}</dd>")), "{html}");
        let (_, list) = seen(crate::webhooks::list(&desk.services, &desk.frame(Mode::Test), BASE_URL).await);
        assert!(list.contains(&format!("<td>{format}</td>")), "{list}");
        // Acts of one millisecond are in any order.
        desk.advance(SignedDuration::from_millis(1));
        assert_eq!(sent(&desk, &fields).await.0, 409);
        assert_eq!(desk.services.endpoints.of(&merchant).await.unwrap().len(), 1);
        let object = ActObject::Endpoint(endpoint.id);
        let outcomes = [ActOutcome::Done, ActOutcome::Refused("sent_before".to_owned())];
        let acts: Vec<_> = desk.acts().await.into_iter().map(|act| (act.what, act.object, act.outcome)).collect();
        assert_eq!(acts, outcomes.map(|outcome| (ActKind::WebhookRegistered, object.clone(), outcome)));
    }

    #[tokio::test]
    async fn one_too_many_is_refused_and_the_act_names_it() {
        let desk = desk().await;
        for number in 1..=MAX_ENDPOINTS {
            let created = desk.services.endpoints.create(&samples::endpoint(), None).await.unwrap();
            assert!(matches!(created, EndpointCreated::New(_)), "{number}");
        }
        let fields = [("url", "https://shop.example.com/hook"), ("events", "*")];
        let (status, html) = sent(&desk, &fields).await;
        assert!(status == 409 && html.contains("which is the most"), "{html}");
        let acts = desk.acts().await;
        let [act] = &acts[..] else { panic!("{acts:?}") };
        assert_eq!(act.outcome, ActOutcome::Refused("too_many_endpoints".to_owned()));
        assert!(matches!(act.object, ActObject::Endpoint(_)), "{act:?}");
    }

    #[tokio::test]
    async fn what_is_wrong_is_said_at_its_field_and_nothing_is_registered() {
        let desk = desk().await;
        let long = "a".repeat(141);
        for (fields, field) in [
            (&[("events", "*")][..], "url"),
            (&[("events", "*"), ("url", "ftp://shop.example.com")], "url"),
            (&[("events", "*"), ("url", "https://inside.example.com")], "url"),
            (&[("url", "https://shop.example.com")], "events"),
            (&[("events", "nothing"), ("url", "https://shop.example.com")], "events"),
            (&[("events", "*"), ("url", "https://shop.example.com"), ("format", "x")], "format"),
            (&[("events", "*"), ("url", "https://shop.example.com"), ("description", long.as_str())], "description"),
        ] {
            let (status, html) = sent(&desk, fields).await;
            assert!(status == 422 && html.contains(&format!("href=\"#{field}\"")), "{field}: {status} {html}");
        }
        assert_eq!(sent(&desk, &[("key", "x")]).await.0, 400);
        assert!(desk.services.endpoints.of(&desk.visitor.person.merchant_id).await.unwrap().is_empty());
        assert!(desk.acts().await.is_empty());
    }
}
