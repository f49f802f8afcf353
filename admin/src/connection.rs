//! How TrueLayer is reached, as functions reach it.

use std::path::PathBuf;

use aws_types::SdkConfig;
use clap::Args;
use runtime::Clock;
use truelayer::{Credentials, Environment, MerchantAccounts, Settings, TrueLayer};
use url::Url;

use crate::failure::Failure;

/// Where TrueLayer's credentials are.
#[derive(Debug, Args)]
pub(crate) struct Connection {
    /// Where Secrets Manager has the credentials: the stack's parameter TrueLayerSecretArn
    #[arg(long, env = "TRUELAYER_SECRET_ARN", value_name = "ARN")]
    pub(crate) secret_arn: Option<String>,
    /// A file with the credentials, in place of Secrets Manager: the same JSON object
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// A server on this machine in place of TrueLayer's sandbox, such as the simulator of `make run`
    #[arg(long, env = "TRUELAYER_URL", value_name = "URL")]
    pub(crate) truelayer_url: Option<Url>,
}

impl Connection {
    /// TrueLayer in this environment, which is asked nothing yet. Without a configuration for AWS the credentials have to be in a
    /// file.
    pub(crate) async fn open(
        &self,
        environment: Environment,
        merchant_accounts: MerchantAccounts,
        config: Option<&SdkConfig>,
    ) -> Result<TrueLayer, Failure> {
        let settings = Settings { merchant_accounts, ..self.settings(environment)? };
        TrueLayer::new(settings, self.credentials(config).await?, Clock::System)
            .map_err(|error| Failure::NoClient(error.to_string()))
    }

    /// What stands in for TrueLayer knows nothing of real money, and gets no live credentials.
    fn settings(&self, environment: Environment) -> Result<Settings, Failure> {
        let settings = Settings::of(environment);
        match (&self.truelayer_url, environment) {
            (None, Environment::Sandbox | Environment::Live) => Ok(settings),
            (Some(url), Environment::Sandbox) => Ok(settings.on_this_machine(url)?),
            (Some(_), Environment::Live) => Err(Failure::LiveElsewhere),
        }
    }

    async fn credentials(&self, config: Option<&SdkConfig>) -> Result<Credentials, Failure> {
        match (&self.secret_file, &self.secret_arn, config) {
            (Some(file), _, _) => {
                let text = std::fs::read_to_string(file).map_err(|_| Failure::NoSecretFile(file.clone()))?;
                Credentials::from_json(&text).map_err(|problem| Failure::SecretFile { file: file.clone(), problem })
            }
            (None, Some(arn), Some(config)) => Ok(truelayer::credentials(config, arn.clone()).await?),
            (None, _, None) | (None, None, Some(_)) => Err(Failure::NoSecret),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: Option<&str>, environment: Environment) -> Result<Settings, Failure> {
        let truelayer_url = url.map(|url| url.parse().unwrap());
        Connection { secret_arn: None, secret_file: None, truelayer_url }.settings(environment)
    }

    #[test]
    fn this_machine_alone_stands_in_for_the_sandbox_alone() {
        for environment in [Environment::Sandbox, Environment::Live] {
            assert_eq!(settings(None, environment).unwrap(), Settings::of(environment));
        }
        let here = settings(Some("http://127.0.0.1:9400"), Environment::Sandbox).unwrap();
        assert_eq!(here.hosts.api.as_str(), "http://127.0.0.1:9400/");
        let elsewhere = settings(Some("https://truelayer.example"), Environment::Sandbox).unwrap_err();
        assert!(matches!(elsewhere, Failure::NotThisMachine(_)), "{elsewhere}");
        for url in ["http://127.0.0.1:9400", "https://api.truelayer.com"] {
            let live = settings(Some(url), Environment::Live).unwrap_err();
            assert!(live.to_string().contains("--truelayer-url"), "{live}");
        }
    }
}
