//! Which keys there are, and the form that issues one.

use askama::Template;
use futures_util::future::try_join;
use lambda_http::http::StatusCode;
use models::{ApiKey, ApiKeyId, Name, Scopes};
use pages::{Answer, Problem, Shell, Zone};

use super::own::{key_path, keys_path, last_used_on, name_of, of_mode};
use super::scopes::{ScopeChoice, choices, in_words};
use super::status::Status;
use crate::counterfoil;
use crate::frame::Frame;
use crate::fresh::sign_in_again;
use crate::services::Services;

/// What was typed, and what is wrong with it.
pub(super) struct Typed {
    pub(super) name: String,
    pub(super) scopes: Scopes,
    /// Whether they have to show once more who they are: then nothing was done.
    pub(super) is_late: bool,
    /// Each with the id of its field.
    pub(super) errors: Vec<(&'static str, &'static str)>,
}

impl Default for Typed {
    fn default() -> Self {
        Self { name: String::new(), scopes: Scopes::ALL, is_late: false, errors: Vec::new() }
    }
}

struct Row {
    path: String,
    name: String,
    id: ApiKeyId,
    scopes: String,
    created_at: String,
    last_used_on: String,
    status: Status,
}

#[derive(Template)]
#[template(path = "keys/list.html")]
struct ListPage<'a> {
    shell: &'a Shell<'a>,
    frame: &'a Frame<'a>,
    rows: Vec<Row>,
    path: String,
    /// Of the key that the form issues: sent again, it issues no second one.
    id: ApiKeyId,
    typed: Typed,
    scopes: [ScopeChoice; 4],
    command: String,
    /// Where they show once more who they are, if they have to before they issue one.
    sign_in_again: Option<String>,
}

impl ListPage<'_> {
    fn error(&self, of: &str) -> Option<&'static str> {
        self.typed.errors.iter().find(|(field, _)| *field == of).map(|(_, text)| *text)
    }
}

/// All keys of the mode.
pub(crate) async fn show(services: &Services, frame: &Frame<'_>) -> Answer {
    let merchant_id = &frame.visitor.person.merchant_id;
    let id = api::new_key_id(merchant_id, frame.mode, &services.random);
    page(services, frame, StatusCode::OK, id, Typed::default()).await
}

/// The same, with a form as it was typed.
pub(super) async fn page(
    services: &Services,
    frame: &Frame<'_>,
    status: StatusCode,
    id: ApiKeyId,
    typed: Typed,
) -> Answer {
    let now = services.clock.now();
    let used = async { services.merchants.keys_used(&frame.visitor.person.merchant_id).await.map_err(Problem::from) };
    let (merchant, used) = try_join(frame.visitor.merchant(services), used).await?;
    let row = |key: &ApiKey| Row {
        path: key_path(frame, &key.id),
        name: name_of(key).to_owned(),
        id: key.id.clone(),
        scopes: in_words(key.scopes, frame.texts().keys),
        created_at: frame.language.date_and_time(key.created_at, Zone::London),
        last_used_on: last_used_on(used.get(&key.id).copied(), frame.language),
        status: Status::of(key, frame.language, now),
    };
    let path = keys_path(frame);
    // As it was typed, or an example.
    let name = Name::try_from(typed.name.trim().to_owned()).or_else(|_| Name::try_from("Web shop".to_owned()));
    let name = name.map_err(|error| Problem::Internal(Box::new(error)))?;
    let page = ListPage {
        shell: &frame.shell(),
        frame,
        rows: of_mode(merchant, frame).iter().map(row).collect(),
        sign_in_again: sign_in_again(services, frame, &path),
        path,
        id,
        scopes: choices(typed.scopes),
        command: counterfoil::issue_key(&frame.visitor.person.merchant_id, frame.mode, &name, typed.scopes),
        typed,
    };
    frame.page(status, &page)
}
