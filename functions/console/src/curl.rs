//! What a form does, as a command: for people whose systems are to do the same by the API.

use api::ApiRequest;

/// The command that sends a request to this service. Its credentials are the reader's own variables.
pub(crate) fn command(base_url: &str, request: &ApiRequest) -> String {
    let ApiRequest { method, path, body, idempotency_header } = request;
    let mut lines =
        vec![format!("curl -X {method} {}", quoted(&format!("{base_url}{path}"))), r#"-u "$KEY:$SECRET""#.to_owned()];
    lines.extend(idempotency_header.map(|header| format!(r#"-H "{header}: $(uuidgen)""#)));
    if let Some(body) = body {
        lines.push("-H 'Content-Type: application/json'".to_owned());
        lines.push(format!("-d {}", quoted(body)));
    }
    lines.join(" \\\n  ")
}

/// The text as one word of a shell, whatever is in it (POSIX.1-2024, Shell Command Language, 2.2.2).
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_for_a_shell() {
        let request = ApiRequest {
            method: "POST",
            path: "/v2/refunds".to_owned(),
            body: Some(r#"{"name":"Ada O'Neil $(ls) \" `ls`"}"#.to_owned()),
            idempotency_header: Some("Idempotency-Key"),
        };
        let expected = r#"curl -X POST 'https://pay.example.com/v2/refunds' \
  -u "$KEY:$SECRET" \
  -H "Idempotency-Key: $(uuidgen)" \
  -H 'Content-Type: application/json' \
  -d '{"name":"Ada O'\''Neil $(ls) \" `ls`"}'"#;
        assert_eq!(command("https://pay.example.com", &request), expected);
    }
}
