//! Each is one conditional write: what is submitted stays.

use api::banked::{Dialect, FORMAT, SessionView};
use api::{Answer, ApiError, Authenticator, Caller, IdempotencyKey, Operation, SessionPath};
use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, RequestExt, Response};
use models::{Scope, SessionEvent, SessionId, SessionState};
use runtime::SettingError;
use store::{Change, ChangeError, Merchants, Sessions, Table};

/// Cancels and deletes payment sessions.
#[derive(Debug)]
pub struct Cancel {
    authenticator: Authenticator,
    sessions: Sessions,
}

impl Cancel {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub async fn from_env() -> Result<Self, SettingError> {
        let table = Table::from_env()?;
        Ok(Self {
            authenticator: Authenticator::start(Merchants::new(table.clone())).await,
            sessions: Sessions::new(table),
        })
    }

    /// Answers a request; an error is what the client is shown instead.
    pub async fn handle(&self, request: Request) -> Answer {
        let path = request.raw_http_path();
        let dialect = Dialect::of_path(path);
        let (id, deletes) = match SessionPath::of(path) {
            Some(SessionPath::One(id)) if request.method() == Method::DELETE => (id, true),
            Some(SessionPath::Cancel(id)) if request.method() == Method::POST => (id, false),
            Some(SessionPath::All | SessionPath::One(_) | SessionPath::Cancel(_)) | None => {
                return Err(api::unrouted(&request).into());
            }
        };
        let caller = self.authenticator.authenticate(request.headers()).await?;
        caller.require(Scope::PaymentSessionsWrite)?;
        let idempotency_key = IdempotencyKey::from_headers(request.headers())?;
        let id = api::path_id(id)?;
        let request_id = api::request_id(&request);
        if deletes {
            let answer = self.delete(id, &caller, idempotency_key.as_ref()).await?;
            tracing::info!(request_id, session_id = %id, key_id = %caller.key_id, "deleted");
            Ok(answer)
        } else {
            let answer = self.cancel(id, &caller, idempotency_key.as_ref(), dialect).await?;
            tracing::info!(request_id, session_id = %id, key_id = %caller.key_id, "cancelled");
            Ok(answer)
        }
    }

    async fn cancel(
        &self,
        id: SessionId,
        caller: &Caller,
        idempotency_key: Option<&IdempotencyKey>,
        dialect: Dialect,
    ) -> Answer {
        let mut change = Change::now(id, SessionEvent::CancelledByMerchant);
        if let Some(key) = idempotency_key {
            change.write_id = key.write_id(&caller.merchant, caller.mode(), FORMAT, Operation::Cancel(id));
        }
        // What can be cancelled was never paid, and so has no refunds.
        let show = |session| api::json(StatusCode::OK, &SessionView::new(session, &[], dialect, runtime::now()));
        match self.sessions.record(change, Some(&caller.owner())).await {
            Ok(changed) => {
                let repeated = changed.repeated && idempotency_key.is_some();
                show(&changed.session).map(|answer| if repeated { api::replayed(answer) } else { answer })
            }
            // Cancelled before, by whomever: what was asked for is so.
            Err(ChangeError::Refused(session)) if session.state == SessionState::Cancelled => show(&session),
            Err(error) => Err(ApiError::from_change(error, "cancelled")),
        }
    }

    async fn delete(&self, id: SessionId, caller: &Caller, idempotency_key: Option<&IdempotencyKey>) -> Answer {
        let write_id = idempotency_key.map_or_else(store::new_write_id, |key| {
            key.write_id(&caller.merchant, caller.mode(), FORMAT, Operation::Delete(id))
        });
        let deleted = self.sessions.delete(id, &caller.owner(), runtime::now(), write_id).await;
        let deleted = deleted.map_err(|error| ApiError::from_change(error, "deleted"))?;
        let mut answer = Response::new(Body::Empty);
        *answer.status_mut() = StatusCode::NO_CONTENT;
        let repeated = deleted.repeated && idempotency_key.is_some();
        Ok(if repeated { api::replayed(answer) } else { answer })
    }
}
