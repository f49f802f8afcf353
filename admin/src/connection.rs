//! How TrueLayer is reached, as functions reach it.

use std::path::PathBuf;

use aws_types::SdkConfig;
use clap::Args;
use runtime::Clock;
use truelayer::{Credentials, Environment, Hosts, Settings, TrueLayer};
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
    /// A server in place of TrueLayer, such as the simulator of `make run`
    #[arg(long, env = "TRUELAYER_URL", value_name = "URL")]
    pub(crate) truelayer_url: Option<Url>,
}

impl Connection {
    /// TrueLayer in this environment, which is asked nothing yet. Without a configuration for AWS the credentials have to be in a
    /// file.
    pub(crate) async fn open(
        &self,
        environment: Environment,
        config: Option<&SdkConfig>,
    ) -> Result<TrueLayer, Failure> {
        let mut settings = Settings::of(environment);
        if let Some(url) = &self.truelayer_url {
            settings.hosts = Hosts::at(url);
            settings.policy.loopback_allowed = true;
        }
        TrueLayer::new(settings, self.credentials(config).await?, Clock::System)
            .map_err(|error| Failure::NoClient(error.to_string()))
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
