//! Where the table is: on this machine, or on AWS.

use std::fmt;
use std::path::Path;

use aws_config::BehaviorVersion;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_smithy_http_client::{Builder, tls};
use aws_types::SdkConfig;
use aws_types::region::Region;
use store::Table;

use crate::cli::Target;
use crate::failure::Failure;

/// What `local` says in its credentials and its region; it checks neither.
const LOCAL: &str = "local";

/// Where we are, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// On this machine, at this address.
    Local(String),
    /// On AWS, in this region.
    Aws(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(endpoint) => f.write_str(endpoint),
            Self::Aws(region) => write!(f, "AWS in {region}"),
        }
    }
}

/// The table that is meant, and where that is.
pub(crate) async fn table(target: &Target) -> Result<(Table, Place), Failure> {
    let on_aws = target.profile.is_some() || target.region.is_some();
    let (config, place) = match &target.endpoint {
        Some(_) if on_aws => return Err(Failure::TwoPlaces),
        Some(endpoint) => local(endpoint.clone())?,
        None if on_aws => aws(target).await?,
        None => local(running_endpoint(&target.data_dir)?)?,
    };
    Ok((Table::new(&config, target.table.clone()), place))
}

fn local(endpoint: String) -> Result<(SdkConfig, Place), Failure> {
    let credentials = Credentials::new(LOCAL, LOCAL, None, None, LOCAL);
    let config = runtime::aws_config_for(credentials, LOCAL.to_owned(), Some(endpoint.clone()))?;
    Ok((config, Place::Local(endpoint)))
}

/// The address that `make run` wrote down when it started.
fn running_endpoint(data_dir: &Path) -> Result<String, Failure> {
    let file = data_dir.join("endpoint");
    match std::fs::read_to_string(&file) {
        Ok(text) if text.trim().starts_with("http://") => Ok(text.trim().to_owned()),
        Ok(_) | Err(_) => Err(Failure::NeverRan(file)),
    }
}

/// Credentials as the AWS command line finds them, looked up once: a command is done long before they expire.
async fn aws(target: &Target) -> Result<(SdkConfig, Place), Failure> {
    let https =
        Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc)).build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(https.clone());
    if let Some(region) = &target.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &target.profile {
        // By itself: in the default chain, keys in the environment would win over the profile that is asked for.
        let http = ProviderConfig::without_region().with_http_client(https);
        let provider = ProfileFileCredentialsProvider::builder().configure(&http).profile_name(profile).build();
        loader = loader.profile_name(profile).credentials_provider(provider);
    }
    let found = loader.load().await;
    let region = found.region().ok_or(Failure::NoRegion)?.to_string();
    let provider = found.credentials_provider().ok_or(Failure::NoCredentials(None))?;
    let credentials = provider.provide_credentials().await.map_err(|error| Failure::NoCredentials(Some(error)))?;
    Ok((runtime::aws_config_for(credentials, region.clone(), None)?, Place::Aws(region)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_what_make_run_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let message = running_endpoint(folder.path()).unwrap_err().to_string();
        assert!(message.contains("make run") && message.contains("--profile"), "{message}");
        std::fs::write(folder.path().join("endpoint"), "http://127.0.0.1:40123\n").unwrap();
        assert_eq!(running_endpoint(folder.path()).unwrap(), "http://127.0.0.1:40123");
        std::fs::write(folder.path().join("endpoint"), "").unwrap();
        assert!(running_endpoint(folder.path()).is_err());
    }

    #[tokio::test]
    async fn a_local_address_and_aws_at_once_are_refused() {
        let target = Target {
            endpoint: Some("http://127.0.0.1:1".to_owned()),
            data_dir: ".local".into(),
            table: "local-Table".to_owned(),
            profile: None,
            region: Some("eu-west-2".to_owned()),
        };
        assert!(matches!(table(&target).await, Err(Failure::TwoPlaces)));
    }
}
