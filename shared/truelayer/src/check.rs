//! Whether the settings are right, before anybody pays by them. No money moves.

use std::error::Error as _;

use jiff::Timestamp;
use models::ProviderRequest;
use providers::ProviderError;
use serde_json::json;

use crate::banks::Bank;
use crate::client::{CallError, Client};
use crate::jwks::Jwks;
use crate::payment::idempotency_key;

/// One thing that was asked of TrueLayer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What, in a word or two.
    pub what: &'static str,
    /// What TrueLayer says of it; or what is wrong, and what to do. No secrets.
    pub outcome: Result<String, String>,
}

/// Asks for a token, has a signature verified, asks for the banks by `banks`, and for the keys of webhooks. Without a token, only
/// for the first and the last.
pub(crate) async fn check(
    client: &Client,
    jwks: &Jwks,
    banks: impl Future<Output = Result<Vec<Bank>, ProviderError>>,
    now: Timestamp,
) -> Vec<Checked> {
    let token = client.sign_in().await;
    let has_token = token.is_ok();
    let outcome = said(token, "TrueLayer gives an access token", |error| of_token(&error));
    let mut checked = vec![Checked { what: "token", outcome }];
    if has_token {
        let body = json!({ "checked_at": now.to_string() }).to_string();
        let request = ProviderRequest { idempotency_key: idempotency_key("check", &body, 0), body };
        let signature = client.test_signature(&request).await;
        let outcome = said(signature, "TrueLayer verifies our signature", |error| of_signature(&error));
        checked.push(Checked { what: "signature", outcome });
        checked.push(Checked { what: "banks", outcome: of_banks(banks.await) });
    }
    // Under this id there is none: it is the way to have them fetched.
    let keys = jwks.key("", now).await.map(drop);
    let outcome = said(keys, "the keys of its webhooks can be fetched", |error| unreachable(&error));
    checked.push(Checked { what: "webhook keys", outcome });
    checked
}

fn said<E>(outcome: Result<(), E>, yes: &str, no: impl FnOnce(E) -> String) -> Result<String, String> {
    outcome.map(|()| yes.to_owned()).map_err(no)
}

fn of_token(error: &CallError) -> String {
    match error {
        CallError::NoToken(_) => {
            format!("{error}. Copy client_id and client_secret again from the Console, of the same environment")
        }
        CallError::NoAnswer(_) | CallError::Answered { .. } | CallError::Unreadable => {
            format!("{error}. See whether TrueLayer can be reached from here, then repeat the command")
        }
    }
}

fn of_signature(error: &CallError) -> String {
    format!(
        "{error}. Upload the public part of private_key in the Console, of the same environment, and set key_id to the id that it shows"
    )
}

fn of_banks(banks: Result<Vec<Bank>, ProviderError>) -> Result<String, String> {
    match banks {
        Ok(banks) => Ok(format!("{} for payments in pounds", banks.len())),
        Err(error) => Err(unreachable(&error)),
    }
}

fn unreachable(error: &ProviderError) -> String {
    let cause = error.source().map(|cause| format!(" ({cause})")).unwrap_or_default();
    format!("{error}{cause}. See whether TrueLayer can be reached from here, then repeat the command")
}
