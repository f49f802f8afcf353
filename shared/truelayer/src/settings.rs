//! What an installation says of TrueLayer: variables that template.yaml sets, and a secret.

use std::str::FromStr;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::DisplayErrorContext;
use aws_types::SdkConfig;
use models::{Currency, MerchantId};
use outbound::Policy;
use runtime::SettingError;
use thiserror::Error;
use url::{Host, Url};
use uuid::Uuid;

use crate::credentials::{Credentials, CredentialsError};
use crate::hosts::{Environment, Hosts};

/// Which TrueLayer, if any.
pub(crate) const TRUELAYER: &str = "TRUELAYER";

/// Where its credentials are.
const SECRET_ARN: &str = "TRUELAYER_SECRET_ARN";

/// Which payments go into accounts with TrueLayer.
const MERCHANT_ACCOUNTS: &str = "TRUELAYER_MERCHANT_ACCOUNTS";

/// What stands in for it. Only `local` sets this: template.yaml has no such variable, and a test sees to it.
const TRUELAYER_URL: &str = "TRUELAYER_URL";

/// Where our pages are.
const PUBLIC_BASE_URL: &str = "PUBLIC_BASE_URL";

/// Where TrueLayer sends webhooks, after [`PUBLIC_BASE_URL`].
pub const WEBHOOK_PATH: &str = "/providers/truelayer/webhook";

/// The most merchant accounts that can be named.
const MAX_MERCHANT_ACCOUNTS: usize = 100;

/// The URL is none of a server on this very machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be an http or https URL whose host is this machine: localhost, [::1] or one of 127.0.0.0/8")]
pub struct NotThisMachine;

/// Which TrueLayer payments are made by, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Which sessions it serves.
    pub environment: Environment,
    /// Where it is.
    pub hosts: Hosts,
    /// Which addresses it may be at.
    pub policy: Policy,
    /// Which payments go into accounts with it.
    pub merchant_accounts: MerchantAccounts,
    /// The path that it sends webhooks to, as it knows it: it signs that.
    pub webhook_path: String,
}

impl Settings {
    /// Those of an environment, whose webhooks come to the root of our domain, without merchant accounts.
    pub fn of(environment: Environment) -> Self {
        Self {
            environment,
            hosts: Hosts::of(environment),
            policy: Policy::default(),
            merchant_accounts: MerchantAccounts::default(),
            webhook_path: WEBHOOK_PATH.to_owned(),
        }
    }

    /// The same, with a server on this very machine in place of all of TrueLayer's hosts: credentials go to nobody else.
    ///
    /// # Errors
    /// The URL is of another machine, or of no server.
    pub fn on_this_machine(self, url: &Url) -> Result<Self, NotThisMachine> {
        let is_here = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if !is_here || !matches!(url.scheme(), "http" | "https") {
            return Err(NotThisMachine);
        }
        Ok(Self { hosts: Hosts::at(url), policy: Policy { loopback_allowed: true }, ..self })
    }

    /// As these variables say; none if TrueLayer is off.
    ///
    /// # Errors
    /// The variable that is wrong.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, SettingError> {
        let environment: Environment = match variable(TRUELAYER).as_deref() {
            None | Some("off") => return Ok(None),
            Some(name) => name.parse().map_err(|_| SettingError::new(TRUELAYER, "must be off, sandbox or live"))?,
        };
        let mut settings = Self::of(environment);
        if let Some(url) = variable(TRUELAYER_URL) {
            let problem = "must be an http or https URL of this very machine; only the local program sets it";
            let refused = || SettingError::new(TRUELAYER_URL, problem);
            let url: Url = url.parse().map_err(|_| refused())?;
            settings = settings.on_this_machine(&url).map_err(|_| refused())?;
        }
        if let Some(accounts) = variable(MERCHANT_ACCOUNTS) {
            settings.merchant_accounts = accounts.parse().map_err(|_| {
                let problem = "must name merchant accounts, at most 100, each account once, and each merchant and currency \
                               once, like acme:GBP=6a1f3c2e-50b1-4c4b-9f6e-0a1b2c3d4e5f,acme:EUR=…";
                SettingError::new(MERCHANT_ACCOUNTS, problem)
            })?;
        }
        if let Some(base) = variable(PUBLIC_BASE_URL) {
            let base: Url = base.parse().map_err(|_| SettingError::new(PUBLIC_BASE_URL, "must be an absolute URL"))?;
            settings.webhook_path = format!("{}{WEBHOOK_PATH}", base.path().trim_end_matches('/'));
        }
        Ok(Some(settings))
    }
}

/// Reads the secret that the settings name. It is read once, when a function starts.
///
/// # Errors
/// See [`credentials`].
pub(crate) async fn credentials_from_env() -> Result<Credentials, SettingError> {
    let read = credentials(&runtime::aws_config()?, runtime::required(SECRET_ARN)?).await;
    read.map_err(|error| {
        tracing::error!(%error, "TrueLayer's secret could not be read, or can't be used");
        let problem = match error {
            SecretError::Unread(_) => {
                "names a secret that can't be read: put it into Secrets Manager, in the stack's account and region, \
                 and give its whole ARN as the parameter TrueLayerSecretArn"
            }
            SecretError::Unusable(_) => {
                "names a secret that can't be used: make its value a JSON object of the texts client_id, \
                 client_secret, key_id and private_key (PEM, on P-521)"
            }
        };
        SettingError::new(SECRET_ARN, problem)
    })
}

/// Why there are no credentials in a secret.
#[derive(Debug, Error)]
pub enum SecretError {
    /// Secrets Manager does not give it: what the SDK says, its sources included.
    #[error("it can't be read: {0}")]
    Unread(String),
    /// Its value is none.
    #[error("it {0}")]
    Unusable(#[from] CredentialsError),
}

/// Reads a secret in Secrets Manager.
///
/// # Errors
/// It can't be read, or holds no credentials.
pub async fn credentials(config: &SdkConfig, arn: String) -> Result<Credentials, SecretError> {
    let asked = Client::new(config).get_secret_value().secret_id(arn).send().await;
    let answer = asked.map_err(|error| SecretError::Unread(DisplayErrorContext(error).to_string()))?;
    Ok(Credentials::from_json(answer.secret_string().unwrap_or_default())?)
}

/// Which payments go into accounts with TrueLayer, by merchant and currency. All others go to the payee's own account.
///
/// `FromStr` reads `acme:GBP=6a1f3c2e-50b1-4c4b-9f6e-0a1b2c3d4e5f,acme:EUR=…`: at most 100, each merchant and currency once, and each
/// account once: an account has one currency, and nobody could say which of two merchants the money in it is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MerchantAccounts(Vec<(MerchantId, Currency, Uuid)>);

/// The text names no merchant accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must name at most {MAX_MERCHANT_ACCOUNTS} merchant accounts, each once, and each merchant and currency once")]
pub struct InvalidMerchantAccounts;

impl MerchantAccounts {
    /// The account that this merchant's payments in this currency go into, if they go into one.
    pub fn of(&self, merchant: &MerchantId, currency: Currency) -> Option<Uuid> {
        let mut accounts = self.0.iter();
        accounts.find(|(owner, paid, _)| owner == merchant && *paid == currency).map(|(_, _, id)| *id)
    }

    /// All of them: whose payments, in which currency, go into which account.
    pub fn all(&self) -> impl Iterator<Item = (&MerchantId, Currency, Uuid)> {
        self.0.iter().map(|(merchant, currency, id)| (merchant, *currency, *id))
    }
}

impl FromStr for MerchantAccounts {
    type Err = InvalidMerchantAccounts;

    fn from_str(text: &str) -> Result<Self, InvalidMerchantAccounts> {
        let mut accounts = Self::default();
        if text.trim().is_empty() {
            return Ok(accounts);
        }
        for entry in text.split(',').map(str::trim) {
            let (merchant, currency, id) = read(entry).ok_or(InvalidMerchantAccounts)?;
            let is_named =
                accounts.all().any(|(owner, paid, known)| known == id || (*owner == merchant && paid == currency));
            if is_named || accounts.0.len() >= MAX_MERCHANT_ACCOUNTS {
                return Err(InvalidMerchantAccounts);
            }
            accounts.0.push((merchant, currency, id));
        }
        Ok(accounts)
    }
}

/// One merchant account: `acme:GBP=6a1f3c2e-50b1-4c4b-9f6e-0a1b2c3d4e5f`.
fn read(entry: &str) -> Option<(MerchantId, Currency, Uuid)> {
    let (of, id) = entry.split_once('=')?;
    let (merchant, code) = of.split_once(':')?;
    let currency = [Currency::GBP, Currency::EUR].into_iter().find(|currency| currency.code() == code)?;
    Some((merchant.parse().ok()?, currency, Uuid::try_parse(id).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);
    const TWO: Uuid = Uuid::from_u128(2);
    const THREE: Uuid = Uuid::from_u128(3);

    fn settings(variables: &[(&str, &str)]) -> Result<Option<Settings>, SettingError> {
        Settings::read(|name| {
            let value = variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            value.filter(|value| !value.is_empty())
        })
    }

    #[test]
    fn truelayer_is_off_unless_it_is_named() {
        assert_eq!(settings(&[]), Ok(None));
        assert_eq!(settings(&[(TRUELAYER, "off"), (TRUELAYER_URL, "nonsense")]), Ok(None));
        for environment in [Environment::Sandbox, Environment::Live] {
            let read = settings(&[(TRUELAYER, environment.as_str())]);
            assert_eq!(read, Ok(Some(Settings::of(environment))));
        }
    }

    #[test]
    fn each_variable_says_one_thing() {
        let accounts = format!("acme:GBP={ONE}");
        let read = settings(&[
            (TRUELAYER, "sandbox"),
            (TRUELAYER_URL, "http://127.0.0.1:9400"),
            (MERCHANT_ACCOUNTS, &accounts),
            (PUBLIC_BASE_URL, "https://pay.example/shop/"),
        ]);
        let read = read.unwrap().unwrap();
        assert_eq!(read.hosts, Hosts::at(&"http://127.0.0.1:9400".parse().unwrap()));
        assert!(read.policy.loopback_allowed && !Settings::of(Environment::Live).policy.loopback_allowed);
        assert_eq!(read.merchant_accounts.of(&"acme".parse().unwrap(), Currency::GBP), Some(ONE));
        assert_eq!(read.webhook_path, "/shop/providers/truelayer/webhook");
        let at_root = settings(&[(TRUELAYER, "live"), (PUBLIC_BASE_URL, "https://pay.example")]).unwrap().unwrap();
        assert_eq!(at_root.webhook_path, "/providers/truelayer/webhook");
    }

    #[test]
    fn an_error_names_the_variable() {
        for (name, value) in [
            (TRUELAYER, "on"),
            (TRUELAYER_URL, "nonsense"),
            (TRUELAYER_URL, "ftp://127.0.0.1"),
            (TRUELAYER_URL, "https://api.truelayer.com.example"),
            (MERCHANT_ACCOUNTS, "acme=1"),
            (PUBLIC_BASE_URL, "pay.example"),
        ] {
            let mut variables = vec![(name, value)];
            variables.extend((name != TRUELAYER).then_some((TRUELAYER, "sandbox")));
            let error = settings(&variables).unwrap_err().to_string();
            assert!(error.starts_with(&format!("the environment variable {name} must ")), "{error}");
        }
    }

    #[test]
    fn nothing_but_this_machine_stands_in_for_truelayer() {
        for (url, is_here) in [
            ("http://127.0.0.1:9400", true),
            ("https://127.0.0.1", true),
            ("http://127.9.8.7:1", true),
            ("http://[::1]:9400/path", true),
            ("http://localhost:9400", true),
            ("http://0.0.0.0:9400", false),
            ("http://10.0.0.1:9400", false),
            ("http://[::]:9400", false),
            ("http://[fd00::1]:9400", false),
            ("https://localhost.example.com", false),
            ("https://127.0.0.1.example.com", false),
            ("https://api.truelayer.com", false),
            ("ftp://127.0.0.1", false),
            ("unix:/run/truelayer", false),
        ] {
            let settings = Settings::of(Environment::Sandbox).on_this_machine(&url.parse().unwrap());
            assert_eq!(settings.is_ok(), is_here, "{url}");
        }
    }

    #[test]
    fn merchant_accounts_are_by_merchant_and_currency() {
        let accounts: MerchantAccounts = format!("acme:GBP={ONE}, acme:EUR={TWO},demo:EUR={THREE}").parse().unwrap();
        let of = |merchant: &str, currency| accounts.of(&merchant.parse().unwrap(), currency);
        assert_eq!([of("acme", Currency::GBP), of("acme", Currency::EUR)], [Some(ONE), Some(TWO)]);
        assert_eq!([of("demo", Currency::EUR), of("demo", Currency::GBP)], [Some(THREE), None]);
        assert_eq!(accounts.all().map(|(_, _, id)| id).collect::<Vec<_>>(), [ONE, TWO, THREE]);
        assert_eq!([of("other", Currency::GBP), of("acme", Currency::SEK)], [None, None]);
        for empty in ["", " "] {
            assert_eq!(empty.parse(), Ok(MerchantAccounts::default()));
        }
    }

    #[test]
    fn what_names_no_merchant_accounts_is_refused() {
        let entry = format!("acme:GBP={ONE}");
        for text in [
            ",".to_owned(),
            format!("{entry},"),
            format!("{entry},{entry}"),
            format!("{entry},acme:GBP={TWO}"),
            format!("{entry},acme:EUR={ONE}"),
            format!("{entry},demo:GBP={ONE}"),
            format!("acme={ONE}"),
            format!("acme:SEK={ONE}"),
            format!("acme:gbp={ONE}"),
            format!("ACME:GBP={ONE}"),
            format!(":GBP={ONE}"),
            "acme:GBP".to_owned(),
            "acme:GBP=".to_owned(),
            "acme:GBP=1".to_owned(),
        ] {
            assert_eq!(text.parse::<MerchantAccounts>(), Err(InvalidMerchantAccounts), "{text}");
        }
        let many: Vec<_> = (0..=100).map(|n| format!("m{n}:GBP={}", Uuid::from_u128(n))).collect();
        assert_eq!(many.len(), MAX_MERCHANT_ACCOUNTS + 1);
        assert!(many[1..].join(",").parse::<MerchantAccounts>().is_ok());
        assert_eq!(many.join(",").parse::<MerchantAccounts>(), Err(InvalidMerchantAccounts));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,80}", like in "[a-z]{0,3}:?(GBP|EUR)?=?[0-9a-f-]{0,36},?") {
            for text in [text, like] {
                let _ = text.parse::<MerchantAccounts>();
                let _ = settings(&[(TRUELAYER, "live"), (MERCHANT_ACCOUNTS, &text), (PUBLIC_BASE_URL, &text)]);
            }
        }
    }
}
