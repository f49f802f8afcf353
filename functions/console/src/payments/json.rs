//! A payment as the API of its format shows it.

use api::Format;
use askama::Template;
use jiff::Timestamp;
use lambda_http::http::StatusCode;
use models::{AtConsent, PaymentAttempt, ProviderRequest, Refund, Session, SessionId};
use pages::{Answer, Facts, Html, Problem, Shell};
use store::WithRefunds;

use super::personal::{Personal, personal};
use crate::frame::Frame;
use crate::paths::payment_path;
use crate::services::Services;

#[derive(Template)]
#[template(path = "payments/json.html")]
struct JsonPage<'a> {
    shell: Shell<'a>,
    frame: &'a Frame<'a>,
    path: String,
    reference: &'a str,
    json: String,
    shows_personal: bool,
}

impl JsonPage<'_> {
    fn title(&self) -> String {
        self.facts().plain(self.frame.texts().payments.as_json)
    }

    fn headline(&self) -> Html {
        self.facts().html(self.frame.texts().payments.as_json)
    }

    fn facts(&self) -> Facts<'_> {
        Facts::new(self.frame.language).name("reference", self.reference)
    }
}

/// A payment of this merchant and mode as JSON; without what its erasure would remove, unless somebody who may has asked for it.
pub(crate) async fn json_page(services: &Services, frame: &Frame<'_>, id: SessionId, query: &str) -> Answer {
    let now = services.clock.now();
    let WithRefunds { session, refunds } = services.refunds.of(&id).await?;
    let owner = frame.visitor.owner(frame.mode);
    let session = session.filter(|session| owner.owns(session)).ok_or(Problem::NotFound)?;
    let format = Format::of_stored(session.format).map_err(|error| Problem::Internal(Box::new(error)))?;
    let personal = personal(services, frame, &id, query).await?;
    let (session, refunds) = match personal {
        Personal::Shown => (session, refunds),
        Personal::Masked => (masked(session, now), refunds.into_iter().map(Refund::erased).collect()),
    };
    let answer =
        format.session(&session, &refunds, now).map_err(|error| Problem::Internal(error.to_string().into()))?;
    let page = JsonPage {
        shell: frame.shell(),
        frame,
        path: payment_path(frame.mode, id),
        reference: session.reference.as_str(),
        json: indented(&String::from_utf8_lossy(answer.body())),
        shows_personal: personal == Personal::Shown,
    };
    frame.page(StatusCode::OK, &page)
}

/// A session without what its erasure would remove. Of an attempt whose money may move stays that it may: the session's state is
/// by it, and no time ends that session.
pub(crate) fn masked(session: Session, now: Timestamp) -> Session {
    let attempt = session.open_at_consent().cloned().map(|attempt| PaymentAttempt {
        redirect_url: String::new(),
        provider_state: String::new(),
        at_consent: attempt.at_consent.map(|at_consent| AtConsent {
            begun_at: at_consent.begun_at,
            request: ProviderRequest { idempotency_key: String::new(), body: String::new() },
            payment_id: None,
            transfer: None,
        }),
        ..attempt
    });
    Session { attempt, ..session.erased(now) }
}

/// JSON with a line for each of its values, in the order in which they are.
pub(crate) fn indented(json: &str) -> String {
    let mut lines = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    let mut chars = json.chars().peekable();
    let new_line = |lines: &mut String, depth: usize| {
        lines.push('\n');
        lines.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(c) = chars.next() {
        if in_string {
            lines.push(c);
            in_string = is_escaped || c != '"';
            is_escaped = !is_escaped && c == '\\';
            continue;
        }
        match c {
            '{' | '[' => {
                lines.push(c);
                if chars.peek().is_some_and(|next| *next == '}' || *next == ']') {
                    lines.extend(chars.next());
                } else {
                    depth = depth.saturating_add(1);
                    new_line(&mut lines, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut lines, depth);
                lines.push(c);
            }
            ',' => {
                lines.push(c);
                new_line(&mut lines, depth);
            }
            ':' => lines.push_str(": "),
            c => {
                in_string = c == '"';
                lines.push(c);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_indented_and_otherwise_the_same() {
        let json = r#"{"a":[1,{"b":"x, \"{y}\\"}],"c":{},"d":[],"e":"\\\\","f":null}"#;
        let expected = "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x, \\\"{y}\\\\\"\n    }\n  ],\n  \"c\": {},\n  \"d\": [],\n  \"e\": \"\\\\\\\\\",\n  \"f\": null\n}";
        assert_eq!(indented(json), expected);
    }
}
