//! What the forms of webhooks do, as commands.

use api::ApiRequest;
use models::Endpoint;
use store::StoredEvent;

use crate::curl::command;

/// What is done to an endpoint by a button: what it is called, the request, and the command of an operator if there is one.
type Row = (&'static str, &'static str, &'static str, Option<&'static str>, Option<&'static str>);

/// Each button of an endpoint's page. Of a request: its method, what follows the endpoint in its path, and its body.
const ENABLED: [Row; 4] = [
    ("Disable", "PATCH", "", Some(r#"{"enabled":false}"#), Some("disable")),
    ("Replace the secret", "POST", "/rotate", None, None),
    ("Drop the previous secret", "POST", "/rotate/finish", None, None),
    ("Send a test event", "POST", "/test", None, None),
];
const DISABLED: [Row; 4] = [
    ("Enable", "PATCH", "", Some(r#"{"enabled":true}"#), Some("enable")),
    ("Replace the secret", "POST", "/rotate", None, None),
    ("Drop the previous secret", "POST", "/rotate/finish", None, None),
    ("Send a test event", "POST", "/test", None, None),
];

/// What the buttons of an endpoint's page do.
pub(super) fn of_endpoint(endpoint: &Endpoint, base_url: &str) -> String {
    let Endpoint { id, merchant_id, .. } = endpoint;
    let by_operator = |verb: &str| format!("counterfoil webhooks {verb} {} {id}", merchant_id.as_str());
    let rows = if endpoint.is_enabled() { ENABLED } else { DISABLED };
    let mut blocks: Vec<String> = Vec::new();
    if endpoint.is_enabled() {
        blocks.push(format!("# Resume now, by the operator\n{}", by_operator("resume")));
    }
    for (text, method, rest, body, verb) in rows {
        let request = request(method, format!("/v2/webhooks/{id}{rest}"), body);
        let operator = verb.map(|verb| format!("\n# The same, by the operator\n{}", by_operator(verb)));
        blocks.push(format!("# {text}\n{}{}", command(base_url, &request), operator.unwrap_or_default()));
    }
    blocks.join("\n\n")
}

/// That an event is sent again.
pub(super) fn of_event(event: &StoredEvent, base_url: &str) -> String {
    command(base_url, &request("POST", format!("/v2/events/{}/replay", api::event_id(event)), None))
}

fn request(method: &'static str, path: String, body: Option<&str>) -> ApiRequest {
    ApiRequest { method, path, body: body.map(str::to_owned), idempotency_header: None }
}

#[cfg(test)]
mod tests {
    use models::DisabledBy;

    use super::*;

    #[test]
    fn the_commands_are_those_of_the_buttons_that_are_there() {
        let endpoint = samples::endpoint();
        let id = endpoint.id;
        let text = of_endpoint(&endpoint, "https://pay.example");
        for part in [
            format!("counterfoil webhooks resume demo {id}"),
            format!("counterfoil webhooks disable demo {id}"),
            format!("curl -X PATCH 'https://pay.example/v2/webhooks/{id}'"),
            r#"-d '{"enabled":false}'"#.to_owned(),
            format!("curl -X POST 'https://pay.example/v2/webhooks/{id}/rotate/finish'"),
            format!("curl -X POST 'https://pay.example/v2/webhooks/{id}/test'"),
        ] {
            assert!(text.contains(&part), "{part}: {text}");
        }
        let disabled = Endpoint { disabled_by: Some(DisabledBy::Merchant), ..endpoint };
        let text = of_endpoint(&disabled, "https://pay.example");
        assert!(text.contains(r#"{"enabled":true}"#) && !text.contains("resume"), "{text}");
    }
}
