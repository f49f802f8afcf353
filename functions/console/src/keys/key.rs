//! One key: what it may do, how another takes its place, and how it is revoked.

use api::IssuedKey;
use askama::Template;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{Act, ActChange, ActKind, ActObject, ApiKey, KeyOverlap};
use pages::{Answer, Problem, ProblemTexts, Shell, Zone, read_form, see_other};
use serde::Deserialize;

use super::own::{MAX_KEYS, key_path, name_of, of_mode, too_many};
use super::scopes::in_words;
use super::status::Status;
use crate::acts::{self, refused};
use crate::counterfoil;
use crate::frame::Frame;
use crate::fresh::sign_in_again;
use crate::services::Services;

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
    status: Status,
    /// Shown once.
    secret: Option<&'a str>,
    overlaps: [KeyOverlap; 3],
    /// Rolls it.
    command: String,
    is_active: bool,
    /// Where they show once more who they are, if they have to before they change it.
    sign_in_again: Option<String>,
}

#[derive(Template)]
#[template(path = "keys/revoke.html")]
struct RevokePage<'a> {
    shell: &'a Shell<'a>,
    frame: &'a Frame<'a>,
    path: String,
    key: &'a ApiKey,
    name: &'a str,
    command: String,
}

/// Its page.
pub(crate) async fn show(services: &Services, frame: &Frame<'_>, id: &str) -> Answer {
    let (key, _) = find(services, frame, id).await?;
    page(services, frame, &key, None)
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
            let page = RevokePage { shell, frame, path, key: &key, name, command: counterfoil::revoke_key(&key.id) };
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
            page(services, frame, &successor, Some(secret.as_str()))
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

/// Its page; with its secret, if it is new.
pub(super) fn page(services: &Services, frame: &Frame<'_>, key: &ApiKey, secret: Option<&str>) -> Answer {
    let (now, path) = (services.clock.now(), key_path(frame, &key.id));
    let page = KeyPage {
        shell: &frame.shell(),
        frame,
        sign_in_again: sign_in_again(services, frame, &path),
        path,
        key,
        name: name_of(key),
        scopes: in_words(key.scopes),
        created_at: frame.language.date_and_time(key.created_at, Zone::London),
        status: Status::of(key, frame.language, now),
        secret,
        overlaps: KeyOverlap::ALL,
        command: counterfoil::roll_key(&key.id, KeyOverlap::default()),
        is_active: key.is_active(now),
    };
    frame.page(StatusCode::OK, &page)
}

/// 409: it was rolled or revoked since its page was shown.
fn changed_meanwhile() -> Problem {
    Problem::Refused(StatusCode::CONFLICT, |_| ProblemTexts {
        heading: "The key was rolled or revoked already",
        text: "Nothing was changed now. Go back, and load the page again: if nobody has the secret of the key that \
               took its place, roll that one.",
    })
}
