//! Issuing a key.

use api::IssuedKey;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{Act, ActChange, ActKind, ActObject, ApiKey, ApiKeyId, Name, Scopes};
use pages::{Answer, Problem, ProblemTexts, read_form};
use serde::Deserialize;

use super::key;
use super::list::{Typed, page};
use super::own::{MAX_KEYS, of_mode, too_many};
use crate::acts::{self, refused};
use crate::frame::Frame;
use crate::fresh::is_fresh;
use crate::services::Services;
use crate::texts::texts;

#[derive(Deserialize)]
struct IssueForm {
    /// Of the key to be issued, as the form was given it.
    id: String,
    #[serde(default)]
    name: String,
    // What it may do: the boxes that are ticked, each with its own name as its value.
    #[serde(default, rename = "payment_sessions:read")]
    sessions_read: String,
    #[serde(default, rename = "payment_sessions:write")]
    sessions_write: String,
    #[serde(default, rename = "refunds:write")]
    refunds_write: String,
    #[serde(default, rename = "webhooks:write")]
    webhooks_write: String,
}

impl IssueForm {
    fn scopes(&self) -> Scopes {
        let Self { sessions_read, sessions_write, refunds_write, webhooks_write, .. } = self;
        Scopes::known_of(&[sessions_read, sessions_write, refunds_write, webhooks_write].map(String::as_str).join(" "))
    }
}

/// Issues it, and shows its secret.
pub(crate) async fn issue(services: &Services, frame: &Frame<'_>, request: &Request) -> Answer {
    let form: IssueForm = read_form(request)?;
    let merchant = frame.visitor.merchant(services).await?;
    let id: ApiKeyId = form.id.parse().map_err(|_| Problem::Unreadable)?;
    if *id.merchant() != merchant.id || id.mode() != frame.mode {
        return Err(Problem::Unreadable);
    }
    let (name, scopes) = (Name::try_from(form.name.trim().to_owned()), form.scopes());
    let is_late = !is_fresh(services, frame);
    let mut typed = Typed { name: form.name, scopes, is_late, errors: Vec::new() };
    if is_late {
        return page(services, frame, StatusCode::FORBIDDEN, id, typed).await;
    }
    let t = frame.texts().keys;
    if scopes == Scopes::NONE {
        typed.errors.push(("payment_sessions:read", t.scopes_missing));
    }
    let name = match name {
        Ok(name) if typed.errors.is_empty() => name,
        named => {
            if named.is_err() {
                typed.errors.insert(0, ("name", t.name_wrong));
            }
            return page(services, frame, StatusCode::UNPROCESSABLE_ENTITY, id, typed).await;
        }
    };
    let act = Act {
        change: Some(ActChange { from: String::new(), to: name.as_str().to_owned() }),
        ..acts::on_page(services, frame, ActKind::KeyIssued, ActObject::Key(id.clone()))
    };
    let IssuedKey { key, secret } = api::issue_key_by(&id, scopes, services.clock.now(), &services.random);
    let key = ApiKey { name: Some(name), ..key };
    let keys = of_mode(merchant, frame);
    // Forms that are sent at the same time can pass the limit, each by one: it bounds what is read for a merchant, where some more
    // don't matter, and a condition on their number would have all keys wait for one item.
    let is_there = keys.iter().any(|there| there.id == key.id);
    if keys.len() >= MAX_KEYS && !is_there {
        services.acts.put(&refused(act, "too_many_keys")).await?;
        return Err(too_many());
    }
    if is_there || !services.merchants.add_key(&key, Some(&services.acts.write(&act)?)).await? {
        services.acts.put(&refused(act, "issued_before")).await?;
        return Err(issued_before());
    }
    tracing::info!(key_id = %key.id, act_id = %act.id, "key issued");
    key::page(services, frame, &key, None, Some(secret.as_str()))
}

/// 409: the form was sent before.
fn issued_before() -> Problem {
    Problem::Refused(StatusCode::CONFLICT, |language| {
        let t = texts(language).keys;
        ProblemTexts { heading: t.issued_before_heading, text: t.issued_before_text }
    })
}
