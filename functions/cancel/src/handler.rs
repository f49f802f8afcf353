//! Each is one conditional write: what is submitted stays. Where the payer may be paying at a provider, that is asked first.

use api::{Answer, ApiError, Authenticator, Caller, Format, IdempotencyKey, Operation, Refusal, Route};
use lambda_http::Request;
use models::{SessionEvent, SessionId, WriteId};
use payments::{Connections, EndError, PaymentError, Payments};
use runtime::{Clock, Random, SettingError};
use store::{Change, ChangeError, Merchants, Table};

/// Cancels and deletes payment sessions.
#[derive(Debug)]
pub struct Cancel {
    authenticator: Authenticator,
    payments: Payments,
    clock: Clock,
    random: Random,
}

impl Cancel {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub async fn from_env() -> Result<Self, SettingError> {
        let connections = Connections::from_env(&Clock::System).await?;
        Ok(Self::new(Table::from_env()?, connections, Clock::System, Random::System).await)
    }

    /// Over this table, by this clock and randomness, at the providers of these connections.
    pub async fn new(table: Table, connections: Connections, clock: Clock, random: Random) -> Self {
        Self {
            authenticator: Authenticator::start(Merchants::new(table.clone()), clock.clone()).await,
            payments: Payments::new(table, connections, clock.clone(), random.clone()),
            clock,
            random,
        }
    }

    /// Answers a request; an error is what the client is shown instead.
    pub async fn handle(&self, request: Request) -> Answer {
        let caller = self.authenticator.authenticate(&request).await?;
        let (format, request_id) = (Format::of(&request), api::request_id(&request));
        let idempotency_key = IdempotencyKey::of(&request, format)?;
        match Route::of(&request) {
            Some(Route::DeleteSession(id)) => {
                let id = format.session_id(id)?;
                let answer = self.delete(id, &caller, idempotency_key.as_ref(), format).await?;
                tracing::info!(request_id, session_id = %id, key_id = %caller.key_id, "deleted");
                Ok(answer)
            }
            Some(Route::CancelSession(id)) => {
                let id = format.session_id(id)?;
                format.check_cancel(&request)?;
                let answer = self.cancel(id, &caller, idempotency_key.as_ref(), format).await?;
                tracing::info!(request_id, session_id = %id, key_id = %caller.key_id, "cancelled");
                Ok(answer)
            }
            Some(_) | None => Err(api::unrouted(&request).into()),
        }
    }

    async fn cancel(
        &self,
        id: SessionId,
        caller: &Caller,
        idempotency_key: Option<&IdempotencyKey>,
        format: Format,
    ) -> Answer {
        let write_id = self.write_id(caller, idempotency_key, format, Operation::Cancel(id));
        let at = self.clock.now();
        let change = Change { session_id: id, event: SessionEvent::CancelledByMerchant, at, write_id };
        // What can be cancelled was never paid, and so has no refunds.
        let show = |session| format.session(session, &[], self.clock.now());
        match self.payments.end(change, Some(&caller.owner_in(format)), None).await {
            Ok(changed) => {
                let repeated = changed.repeated && idempotency_key.is_some();
                show(&changed.session).map(|answer| if repeated { api::replayed(answer) } else { answer })
            }
            // It was cancelled before: what was asked for is so.
            Err(EndError::Change(ChangeError::Refused(session)))
                if format.is_cancelled(session.state_at(self.clock.now())) =>
            {
                show(&session)
            }
            Err(error) => Err(self.not_ended(error, "cancelled", format)),
        }
    }

    async fn delete(
        &self,
        id: SessionId,
        caller: &Caller,
        idempotency_key: Option<&IdempotencyKey>,
        format: Format,
    ) -> Answer {
        let write_id = self.write_id(caller, idempotency_key, format, Operation::Delete(id));
        let deleted = self.payments.delete(id, &caller.owner_in(format), self.clock.now(), write_id).await;
        let deleted = deleted.map_err(|error| self.not_ended(error, "deleted", format))?;
        let answer = api::no_content();
        let repeated = deleted.repeated && idempotency_key.is_some();
        Ok(if repeated { api::replayed(answer) } else { answer })
    }

    fn not_ended(&self, error: EndError, doing: &str, format: Format) -> ApiError {
        match error {
            EndError::Change(ChangeError::NotFound) => format.unknown_session().into(),
            EndError::Change(ChangeError::Refused(session)) if session.open_at_consent().is_some() => {
                let title = format!(
                    "a session whose payer may be paying at the moment can't be {doing}: the bank could not stop the payment"
                );
                Refusal::InvalidAction { title, parameter: None }.into()
            }
            EndError::Change(ChangeError::Refused(session)) => {
                let title =
                    format!("a session that is {} can't be {doing}", format.state_of(&session, self.clock.now()));
                Refusal::InvalidAction { title, parameter: None }.into()
            }
            EndError::Change(ChangeError::Store(error)) => error.into(),
            EndError::Payment(PaymentError::Store(error)) => error.into(),
            EndError::Payment(PaymentError::Provider(error)) => ApiError::Unavailable(Box::new(error)),
            EndError::Payment(error @ PaymentError::Inconsistent(_)) => ApiError::Internal(Box::new(error)),
        }
    }

    fn write_id(&self, caller: &Caller, key: Option<&IdempotencyKey>, format: Format, operation: Operation) -> WriteId {
        key.map_or_else(
            || self.random.write_id(),
            |key| key.write_id(&caller.merchant, caller.mode(), format, operation),
        )
    }
}
