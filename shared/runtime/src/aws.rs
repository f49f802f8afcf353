//! AWS clients' configuration, straight from the variables that Lambda sets: no credential chain, no profile files.

mod endpoints;
mod https;
mod tls;

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::request_id::RequestId;
use aws_types::sdk_config::Builder;
use endpoints::ConfiguredEndpoints;

use crate::settings::{SettingError, optional, required};

/// From the variables that Lambda sets for every function, and those that say where AWS is if it is somewhere else:
/// `AWS_ENDPOINT_URL_DYNAMODB`, `_SQS`, `_SESV2` for one service, `AWS_ENDPOINT_URL` for the others, and neither if
/// `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` is `true`, as AWS's own SDKs have it
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>).
///
/// # Errors
/// A variable is missing: this doesn't run in Lambda or under `local`. Or see [`aws_config_for`].
pub fn aws_config() -> Result<SdkConfig, SettingError> {
    let credentials = Credentials::new(
        required("AWS_ACCESS_KEY_ID")?,
        required("AWS_SECRET_ACCESS_KEY")?,
        optional("AWS_SESSION_TOKEN"),
        None,
        "Lambda",
    );
    let endpoints = ConfiguredEndpoints { read: optional };
    let mut config = builder(credentials, required("AWS_REGION")?)?;
    config.set_endpoint_url(endpoints.of_all_services());
    config.set_service_config(Some(endpoints));
    Ok(config.build())
}

/// For given credentials, region and, where AWS is somewhere else, the endpoint of all its services, whatever variables say
/// of it.
///
/// `AWS_CA_BUNDLE`, a PEM file, says whom to trust in place of the five authorities that AWS endpoints chain to: for a
/// proxy with certificates of its own, say.
///
/// The SDK has no time-outs of its own: an attempt gets 3 s, an operation with its repeats 8 s, so that a function of
/// 10 s can still answer. Repeats begin after 50 ms, as DynamoDB's own clients do, not after the SDK's 1 s.
///
/// # Errors
/// There is no certificate in the file that `AWS_CA_BUNDLE` names, or it can't be read.
pub fn aws_config_for(
    credentials: Credentials,
    region: String,
    endpoint_url: Option<String>,
) -> Result<SdkConfig, SettingError> {
    let mut config = builder(credentials, region)?;
    config.set_endpoint_url(endpoint_url);
    Ok(config.build())
}

/// What an SDK's error says, without its insides: the service's code and message, and its id of the request, by which AWS's support
/// finds it; or else what failed on the way, with its causes.
pub fn sdk_cause(error: &(impl Error + ProvideErrorMetadata)) -> String {
    let Some(code) = error.code() else {
        let causes = std::iter::successors(error.source(), |&cause| cause.source()).map(ToString::to_string);
        return std::iter::once(error.to_string()).chain(causes).collect::<Vec<_>>().join(": ");
    };
    let said = error.message().map_or_else(|| code.to_owned(), |message| format!("{code}: {message}"));
    match error.meta().request_id() {
        Some(id) => format!("{said} (request {id})"),
        None => said,
    }
}

fn builder(credentials: Credentials, region: String) -> Result<Builder, SettingError> {
    let bundle = optional("AWS_CA_BUNDLE");
    let http_client = https::client(bundle.as_deref().map(Path::new))
        .map_err(|_| SettingError::new("AWS_CA_BUNDLE", "does not name a PEM file of certificates"))?;
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(8))
        .build();
    Ok(SdkConfig::builder()
        .behavior_version(aws_smithy_runtime_api::client::behavior_version::BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .identity_cache(IdentityCache::no_cache()) // they live as long as the process
        .region(Region::new(region))
        .http_client(http_client)
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled()) // an attempt's time-out is enough
        .timeout_config(timeouts))
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::result::SdkError;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    #[test]
    fn an_error_of_the_sdk_is_said_without_its_insides() {
        let answered = ErrorMetadata::builder().code("ValidationException").message("No such name.").build();
        assert_eq!(sdk_cause(&answered), "ValidationException: No such name.");
        let throttled = || ErrorMetadata::builder().code("Throttled");
        assert_eq!(sdk_cause(&throttled().build()), "Throttled");
        let with_id = throttled().custom("aws_request_id", "7K2").build();
        assert_eq!(sdk_cause(&with_id), "Throttled (request 7K2)");
        let on_the_way = SdkError::<ErrorMetadata, ()>::timeout_error("too slow");
        assert_eq!(sdk_cause(&on_the_way), "request has timed out: too slow");
    }
}
