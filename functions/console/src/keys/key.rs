//! One key: what it may do, how another takes its place, and how it is revoked.

use api::IssuedKey;
use askama::Template;
use futures_util::future::try_join;
use jiff::civil::Date;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{Act, ActChange, ActKind, ActObject, ApiKey, KeyOverlap};
use pages::{Answer, Facts, Problem, ProblemTexts, Shell, Zone, read_form, see_other};
use serde::Deserialize;

use super::own::{MAX_KEYS, key_path, last_used_on, name_of, of_mode, too_many};
use super::scopes::in_words;
use super::status::Status;
use crate::acts::{self, refused};
use crate::counterfoil;
use crate::frame::Frame;
use crate::fresh::sign_in_again;
use crate::services::Services;
use crate::texts::{KeyTexts, around, texts};

/// Which button was pressed.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Change {
    /// Put another in its place.
    Roll,
    /// Show what revoking it does.
    Check,
    /// Revoke it.
    Revoke,
}

#[derive(Deserialize)]
struct ChangeForm {
    change: Change,
    #[serde(default)]
    overlap: KeyOverlap,
}

#[derive(Template)]
#[template(path = "keys/key.html")]
struct KeyPage<'a> {
    shell: &'a Shell<'a>,
    frame: &'a Frame<'a>,
    path: String,
    key: &'a ApiKey,
    name: &'a str,
    scopes: String,
    created_at: String,
    last_used_on: String,
    status: Status,
    /// Shown once.
    secret: Option<&'a str>,
    overlaps: [(KeyOverlap, &'static str); 3],
    /// Rolls it.
    command: String,
    is_active: bool,
    /// Where they show once more who they are, if they have to before they change it.
    sign_in_again: Option<String>,
}

impl KeyPage<'_> {
    /// What stands before and after the name of a command.
    fn roll_hint(&self) -> (&'static str, &'static str) {
        around(self.frame.texts().keys.roll_hint, "{command}")
    }
}

#[derive(Template)]
#[template(path = "keys/revoke.html")]
struct RevokePage<'a> {
    shell: &'a Shell<'a>,
    frame: &'a Frame<'a>,
    path: String,
    key: &'a ApiKey,
    name: &'a str,
    title: String,
    command: String,
}

/// Its page.
pub(crate) async fn show(services: &Services, frame: &Frame<'_>, id: &str) -> Answer {
    let used = async { services.merchants.keys_used(&frame.visitor.person.merchant_id).await.map_err(Problem::from) };
    let ((key, _), used) = try_join(find(services, frame, id), used).await?;
    page(services, frame, &key, used.get(&key.id).copied(), None)
}

/// Does what the form says. The secret of the key that takes its place is shown in the answer, and nowhere else again.
pub(crate) async fn change(services: &Services, frame: &Frame<'_>, id: &str, request: &Request) -> Answer {
    let (key, there_are) = find(services, frame, id).await?;
    let path = key_path(frame, &key.id);
    if let Some(sign_in_again) = sign_in_again(services, frame, &path) {
        return see_other(&sign_in_again);
    }
    let ChangeForm { change, overlap } = read_form(request)?;
    let now = services.clock.now();
    match change {
        Change::Check if key.is_active(now) => {
            let (shell, name) = (&frame.shell(), name_of(&key));
            let title = Facts::new(frame.language).name("name", name).plain(frame.texts().keys.revoke_title);
            let command = counterfoil::revoke_key(&key.id);
            let page = RevokePage { shell, frame, path, key: &key, name, title, command };
            frame.page(StatusCode::OK, &page)
        }
        Change::Check => see_other(&path),
        // It was done before, with an act.
        Change::Revoke if key.revoked_at.is_some() => see_other(&path),
        Change::Revoke => {
            let act = acts::on_page(services, frame, ActKind::KeyRevoked, ActObject::Key(key.id.clone()));
            if !services.merchants.revoke_key(&key.id, now, Some(&services.acts.write(&act)?)).await? {
                return Err(Problem::NotFound);
            }
            tracing::info!(key_id = %key.id, act_id = %act.id, "key revoked");
            see_other(&path)
        }
        Change::Roll => {
            let merchant_id = &frame.visitor.person.merchant_id;
            let IssuedKey { key: successor, secret } =
                api::issue_key(merchant_id, frame.mode, key.scopes, now, &services.random);
            let successor = ApiKey { name: key.name.clone(), ..successor };
            let act = Act {
                change: Some(ActChange { from: key.id.to_string(), to: successor.id.to_string() }),
                ..acts::on_page(services, frame, ActKind::KeyRolled, ActObject::Key(key.id.clone()))
            };
            if there_are >= MAX_KEYS {
                services.acts.put(&refused(act, "too_many_keys")).await?;
                return Err(too_many());
            }
            let write = services.acts.write(&act)?;
            if !services.merchants.roll_key(&key.id, &successor, overlap.after(now), &write).await? {
                services.acts.put(&refused(act, "changed_meanwhile")).await?;
                return Err(changed_meanwhile());
            }
            tracing::info!(key_id = %key.id, successor_id = %successor.id, act_id = %act.id, "key rolled");
            page(services, frame, &successor, None, Some(secret.as_str()))
        }
    }
}

/// A key of the visitor's merchant, in this mode, and how many there are.
async fn find(services: &Services, frame: &Frame<'_>, id: &str) -> Result<(ApiKey, usize), Problem> {
    let keys = of_mode(frame.visitor.merchant(services).await?, frame);
    let there_are = keys.len();
    let key = keys.into_iter().find(|key| key.id.as_str() == id).ok_or(Problem::NotFound)?;
    Ok((key, there_are))
}

/// Its page; with the day on which it was last used, if it was, and with its secret, if it is new.
pub(super) fn page(
    services: &Services,
    frame: &Frame<'_>,
    key: &ApiKey,
    used_on: Option<Date>,
    secret: Option<&str>,
) -> Answer {
    let (now, path, t) = (services.clock.now(), key_path(frame, &key.id), frame.texts().keys);
    let page = KeyPage {
        shell: &frame.shell(),
        frame,
        sign_in_again: sign_in_again(services, frame, &path),
        path,
        key,
        name: name_of(key),
        scopes: in_words(key.scopes, t),
        created_at: frame.language.date_and_time(key.created_at, Zone::London),
        last_used_on: last_used_on(used_on, frame.language),
        status: Status::of(key, frame.language, now),
        secret,
        overlaps: KeyOverlap::ALL.map(|overlap| (overlap, overlap_text(overlap, t))),
        command: counterfoil::roll_key(&key.id, KeyOverlap::default()),
        is_active: key.is_active(now),
    };
    frame.page(StatusCode::OK, &page)
}

const fn overlap_text(overlap: KeyOverlap, t: &KeyTexts) -> &'static str {
    match overlap {
        KeyOverlap::Hour => t.hour,
        KeyOverlap::Day => t.day,
        KeyOverlap::Week => t.week,
    }
}

/// 409: it was rolled or revoked since its page was shown.
fn changed_meanwhile() -> Problem {
    Problem::Refused(StatusCode::CONFLICT, |language| {
        let t = texts(language).keys;
        ProblemTexts { heading: t.changed_heading, text: t.changed_text }
    })
}
