//! Whether the settings are right, before anybody pays by them. No money moves.

use std::error::Error as _;

use jiff::Timestamp;
use models::{Currency, ProviderRequest};
use providers::ProviderError;
use serde::Deserialize;
use serde_json::json;

use crate::banks::Bank;
use crate::client::{CallError, Client};
use crate::jwks::Jwks;
use crate::payment::idempotency_key;
use crate::settings::MerchantAccounts;

/// One thing that was asked of TrueLayer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What, in a word or two.
    pub what: &'static str,
    /// What TrueLayer says of it; or what is wrong, and what to do. No secrets.
    pub outcome: Result<String, String>,
}

/// A merchant account, as TrueLayer shows it (<https://docs.truelayer.com/docs/get-data-about-your-merchant-accounts>).
#[derive(Deserialize)]
struct MerchantAccount {
    currency: String,
}

/// Asks for a token, has a signature verified, asks for the banks by `banks`, for each merchant account, and for the keys of webhooks.
/// Without a token, only for the first and the last.
pub(crate) async fn check(
    client: &Client,
    jwks: &Jwks,
    accounts: &MerchantAccounts,
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
        for (merchant, currency, id) in accounts.all() {
            let account = client.get(&format!("/v3/merchant-accounts/{id}")).await;
            let whose = format!("{merchant}:{}={id}", currency.code());
            checked.push(Checked { what: "merchant account", outcome: of_account(account, currency, &whose) });
        }
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
        CallError::NoAnswer(_) | CallError::NoCredentials | CallError::Answered { .. } | CallError::Unreadable => {
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

fn of_account(account: Result<MerchantAccount, CallError>, currency: Currency, whose: &str) -> Result<String, String> {
    match account {
        Ok(account) if account.currency == currency.code() => Ok(format!("{whose} has this currency")),
        Ok(account) => {
            let other: String = account.currency.chars().take(3).collect();
            Err(format!("{whose} has the currency {other}. Give another account, or another currency before the ="))
        }
        Err(error) if error.status() == Some(404) => {
            Err(format!("{whose} is not there. Copy its id again from the Console, of the same environment"))
        }
        Err(error) => Err(format!("{whose}: {error}. See whether it is in the Console, then repeat the command")),
    }
}

fn unreachable(error: &ProviderError) -> String {
    let cause = error.source().map(|cause| format!(" ({cause})")).unwrap_or_default();
    format!("{error}{cause}. See whether TrueLayer can be reached from here, then repeat the command")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::client::tests::{asked, credentials, server, token};
    use crate::connector::TrueLayer;
    use crate::hosts::Environment;
    use crate::settings::Settings;

    const POUNDS: &str = "6a1f3c2e-50b1-4c4b-9f6e-0a1b2c3d4e5f";
    const EUROS: &str = "f61c0ec7-0f83-414e-8e5f-aace86e0ed35";

    /// What is said of two merchant accounts that are answered so, both asked for.
    async fn said(answers: [(u16, Value); 2]) -> [Result<String, String>; 2] {
        let banks = serde_json::json!({ "items": [{ "id": "ob-monzo", "display_name": "Monzo" }] });
        let before = vec![token("one"), (204, Value::Null), (200, banks)];
        let (url, log) = server([before, answers.to_vec()].concat()).await;
        let merchant_accounts = format!("acme:GBP={POUNDS},acme:EUR={EUROS}").parse().unwrap();
        let settings = Settings { merchant_accounts, ..Settings::of(Environment::Sandbox) };
        let settings = settings.on_this_machine(&url).unwrap();
        let truelayer = TrueLayer::new(settings, credentials(), runtime::Clock::System).unwrap();
        let checked = truelayer.check().await;
        let expected = [POUNDS, EUROS].map(|id| format!("GET /v3/merchant-accounts/{id}"));
        assert_eq!(asked(&log)[3..], expected);
        let of_accounts = checked.into_iter().filter(|checked| checked.what == "merchant account");
        let outcomes: Vec<_> = of_accounts.map(|checked| checked.outcome).collect();
        outcomes.try_into().unwrap()
    }

    fn account(id: &str, currency: &str) -> (u16, Value) {
        (200, serde_json::json!({ "id": id, "currency": currency, "account_identifiers": [] }))
    }

    #[tokio::test]
    async fn each_merchant_account_is_there_and_has_its_currency() {
        let good = said([account(POUNDS, "GBP"), account(EUROS, "EUR")]).await;
        let expected = [format!("acme:GBP={POUNDS}"), format!("acme:EUR={EUROS}")];
        assert_eq!(good, expected.map(|whose| Ok(format!("{whose} has this currency"))));
        let [not_there, other] = said([(404, Value::Null), account(EUROS, "GBP")]).await;
        assert!(not_there.unwrap_err().contains(&format!("acme:GBP={POUNDS} is not there. Copy its id")));
        assert!(other.unwrap_err().contains(&format!("acme:EUR={EUROS} has the currency GBP.")));
        let [unreadable, unreached] = said([(200, Value::Null), (503, Value::Null)]).await;
        assert!(unreadable.unwrap_err().contains("can't be read"));
        assert!(unreached.unwrap_err().contains("TrueLayer answered 503"));
    }
}
