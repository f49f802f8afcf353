//! How TrueLayer is reached, as functions reach it.

use std::path::PathBuf;

use aws_types::SdkConfig;
use clap::Args;
use models::{Mode, Session};
use payments::{Connections, PaymentError, Payments};
use runtime::{Clock, Random};
use truelayer::{Credentials, Environment, MerchantAccounts, Settings, TrueLayer};
use url::Url;

use crate::failure::{Failure, cause_of};
use crate::location::Location;
use crate::target::Service;

/// Where TrueLayer's credentials are.
#[derive(Debug, Args)]
pub(crate) struct Connection {
    /// Where Secrets Manager has the credentials: the stack's parameter TrueLayerSecretArn
    #[arg(long, env = "TRUELAYER_SECRET_ARN", value_name = "ARN")]
    pub(crate) secret_arn: Option<String>,
    /// A file with the credentials, in place of Secrets Manager: the same JSON object
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// A server on this machine in place of TrueLayer's sandbox, such as the simulator that the service starts there
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

    /// What may end this session. If its payer is at TrueLayer, that is reached, and knows the payment by these credentials: another
    /// client would be answered that there is none, or begin one of its own. For other sessions no credentials are needed.
    ///
    /// # Errors
    /// TrueLayer does not know the payment, could not be asked, or has not said yet what it calls it.
    pub(crate) async fn to_end(&self, session: Option<&Session>, service: &Service) -> Result<Payments, Failure> {
        let at_truelayer = session.and_then(|session| {
            let attempt = session.open_at_consent().filter(|open| open.bank.provider() == providers::TRUELAYER)?;
            Some((session, attempt.at_consent.as_ref()?))
        });
        let Some((session, at_consent)) = at_truelayer else { return Ok(payments(None, service)) };
        let payment_id = at_consent.payment_id.as_ref().ok_or(Failure::BeingBegun(session.id))?;
        let truelayer = self.open(session.mode.into(), MerchantAccounts::default(), Some(&service.config)).await?;
        match truelayer.knows_payment(payment_id).await {
            Ok(true) => Ok(payments(Some(truelayer), service)),
            Ok(false) => Err(Failure::PaymentNotKnown { id: session.id, payment_id: payment_id.clone() }),
            Err(error) => Err(Failure::TrueLayerSilent(cause_of(&error))),
        }
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

/// What may record a refund in this mode. TrueLayer is asked for none from here, and so needs no credentials: were they another
/// client's, its no would pass for TrueLayer's last word.
pub(crate) fn to_record(mode: Mode, service: &Service) -> Result<Payments, Failure> {
    let truelayer = TrueLayer::unasked(Settings::of(mode.into()), Clock::System);
    let truelayer = truelayer.map_err(|error| Failure::NoClient(error.to_string()))?;
    Ok(payments(Some(truelayer), service))
}

fn payments(truelayer: Option<TrueLayer>, service: &Service) -> Payments {
    let local_live = matches!(service.location, Location::Local(_));
    let connections = Connections { local_live, truelayer };
    Payments::new(service.table.clone(), connections, Clock::System, Random::System)
}

/// Why a payment was not ended: its provider was not asked, or its answer was not heard.
pub(crate) fn not_ended(error: PaymentError) -> Failure {
    match error {
        PaymentError::Provider(error) => Failure::ProviderSilent(cause_of(&error)),
        PaymentError::Store(error) => error.into(),
        PaymentError::Inconsistent(_) => error.into(),
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
