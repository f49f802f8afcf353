//! AWS clients' configuration, straight from the variables that Lambda sets: no credential chain, no profile files.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;

use crate::settings::{SettingError, optional, required};

/// From the variables that Lambda sets for every function, and `AWS_ENDPOINT_URL` where AWS is somewhere else.
///
/// # Errors
/// A variable is missing: this doesn't run in Lambda or under `local`.
pub fn aws_config() -> Result<SdkConfig, SettingError> {
    let credentials = Credentials::new(
        required("AWS_ACCESS_KEY_ID")?,
        required("AWS_SECRET_ACCESS_KEY")?,
        optional("AWS_SESSION_TOKEN"),
        None,
        "Lambda",
    );
    Ok(aws_config_for(credentials, required("AWS_REGION")?, optional("AWS_ENDPOINT_URL")))
}

/// For given credentials, region and, where AWS is somewhere else, the endpoint of all its services.
///
/// The SDK has no time-outs of its own: an attempt gets 3 s, an operation with its repeats 8 s, so that a function of
/// 10 s can still answer. Repeats begin after 50 ms, as DynamoDB's own clients do, not after the SDK's 1 s.
pub fn aws_config_for(credentials: Credentials, region: String, endpoint_url: Option<String>) -> SdkConfig {
    let plain_http = endpoint_url.as_deref().is_some_and(|url| url.starts_with("http://"));
    let http_client = if plain_http {
        Builder::new().build_http()
    } else {
        Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc)).build_https()
    };
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(8))
        .build();
    let mut config = SdkConfig::builder()
        .behavior_version(aws_smithy_runtime_api::client::behavior_version::BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .region(Region::new(region))
        .http_client(http_client)
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
        .timeout_config(timeouts);
    config.set_endpoint_url(endpoint_url);
    config.build()
}
