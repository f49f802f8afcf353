//! What operators do is recorded before it is done: an act may say more than was done, if that fails, and never less.

use models::{Act, ActId, ActKind, ActObject, ActOutcome, Actor, MerchantId, Mode, OperatorName};
use runtime::{Clock, Random};

use crate::failure::Failure;
use crate::location::Location;
use crate::target::Service;

impl Service {
    /// Records what is about to be done to a merchant's `object`.
    pub(crate) async fn record(
        &self,
        merchant_id: &MerchantId,
        mode: Option<Mode>,
        what: ActKind,
        object: ActObject,
    ) -> Result<(), Failure> {
        let act = self.act(merchant_id, mode, what, object).await?;
        Ok(self.acts().await?.put(&act).await?)
    }

    /// What is about to be done, for where it is recorded in one transaction with that.
    pub(crate) async fn act(
        &self,
        merchant_id: &MerchantId,
        mode: Option<Mode>,
        what: ActKind,
        object: ActObject,
    ) -> Result<Act, Failure> {
        let at = models::truncate_to_ms(Clock::System.now());
        Ok(Act {
            id: ActId::new(Random::System.uuid_v7(at)),
            at,
            merchant_id: merchant_id.clone(),
            mode,
            who: Actor::Operator(self.operator().await?),
            what,
            object,
            reason: None,
            change: None,
            outcome: ActOutcome::Done,
            correlation_id: None,
        })
    }

    /// Who runs this: on AWS as it knows them, on this machine by the user's name.
    async fn operator(&self) -> Result<OperatorName, Failure> {
        let name = match &self.location {
            Location::Local(_) => std::env::var("USER").unwrap_or_default(),
            Location::Aws(_) => {
                let identity = aws_sdk_sts::Client::new(&self.config).get_caller_identity().send().await;
                let identity = identity.map_err(|error| Failure::Identity(runtime::sdk_cause(&error)))?;
                identity.arn.unwrap_or_default()
            }
        };
        operator_name(&name)
    }
}

/// What a name can hold of it.
fn operator_name(name: &str) -> Result<OperatorName, Failure> {
    let plain: String = name.chars().filter(char::is_ascii_graphic).collect();
    let name = if plain.is_empty() { OperatorName::UNKNOWN.to_owned() } else { plain };
    OperatorName::try_from(name).map_err(|error| Failure::Identity(format!("their name {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_has_a_name_whatever_the_system_calls_them() {
        for (name, kept) in [("ada", "ada"), ("", "unknown"), ("Ada L", "AdaL"), ("Zoë", "Zo"), ("\n", "unknown")] {
            assert_eq!(operator_name(name).unwrap().as_str(), kept);
        }
        assert!(operator_name(&"a".repeat(2049)).is_err());
    }
}
