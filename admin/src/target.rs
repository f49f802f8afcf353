//! Where the service is: on this machine, or on AWS.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use store::{Acts, AuditTable, Table};

use crate::failure::Failure;
use crate::location::Location;

/// What `local` says in its credentials and its region, and the name of its stack.
const LOCAL: &str = "local";

/// How long one call of AWS may take, and how long with its repeats.
const ATTEMPT: Duration = Duration::from_secs(20);
const OPERATION: Duration = Duration::from_secs(60);

/// The logical id of the table in template.yaml; CloudFormation names it after the stack and this.
const TABLE: &str = "Table";
const AUDIT_TABLE: &str = "AuditTable";

/// Where the service is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where")]
pub(crate) struct Target {
    /// The address of the AWS services on this machine [default: what the service wrote to <DATA_DIR>/endpoint]
    #[arg(long, global = true, hide_short_help = true)]
    #[arg(env = "COUNTERFOIL_ENDPOINT", value_name = "URL", value_parser = endpoint)]
    pub(crate) endpoint: Option<String>,
    /// The data folder of the service on this machine
    #[arg(long, global = true, hide_short_help = true)]
    #[arg(env = "DATA_DIR", value_name = "FOLDER", default_value = ".local")]
    pub(crate) data_dir: PathBuf,
    /// On AWS, the stack's name: its table and its queues are found by it [default: what the table's name begins with]
    #[arg(long, global = true, hide_short_help = true)]
    #[arg(value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) stack: Option<String>,
    /// The table's name, such as the stack's output TableName [default: the stack's own; on this machine local-Table]
    #[arg(long, global = true, hide_short_help = true)]
    #[arg(env = "TABLE_NAME", value_name = "NAME", value_parser = table_name)]
    pub(crate) table: Option<String>,
    /// On AWS, with the credentials of this profile
    #[arg(long, global = true, hide_short_help = true)]
    #[arg(value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) profile: Option<String>,
    /// On AWS, in this region [default: the profile's]
    #[arg(long, global = true, hide_short_help = true)]
    #[arg(value_name = "REGION", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) region: Option<String>,
}

impl Target {
    /// Whether AWS itself is meant.
    pub(crate) fn is_on_aws(&self) -> bool {
        self.profile.is_some() || self.region.is_some()
    }

    /// How AWS is reached there, and where that is.
    pub(crate) async fn config(&self) -> Result<(SdkConfig, Location), Failure> {
        let on_aws = self.is_on_aws();
        match &self.endpoint {
            Some(_) if on_aws => Err(Failure::TwoLocations),
            Some(endpoint) => local(endpoint.clone()),
            None if on_aws => aws(self).await,
            None => local(running_endpoint(&self.data_dir)?),
        }
    }
}

/// The service that is meant.
pub(crate) struct Service {
    pub(crate) location: Location,
    pub(crate) table: Table,
    /// For what is beside the table.
    pub(crate) config: SdkConfig,
    /// Where the machine of the data folder serves the API, if it is that one and it wrote that down.
    pub(crate) api_url: Option<String>,
    table_name: String,
    stack: Option<String>,
}

impl Service {
    /// The service that is meant. On AWS, the table of a stack is searched by its name.
    pub(crate) async fn find(target: &Target) -> Result<Self, Failure> {
        let (config, location) = target.config().await?;
        // A person waits longer than a request may, and reads more at a time.
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(OPERATION).build();
        let config = config.into_builder().timeout_config(timeouts).build();
        let table_name = match (&target.table, &target.stack, &location) {
            (Some(table), _, _) => table.clone(),
            (None, Some(stack), _) => {
                let missing = || Failure::NoStackTable { stack: stack.clone(), location: location.clone() };
                table_of(&config, stack, TABLE, &location).await?.ok_or_else(missing)?
            }
            (None, None, Location::Local(_)) => format!("{LOCAL}-{TABLE}"),
            (None, None, Location::Aws(_)) => return Err(Failure::NoStack),
        };
        let table = Table::new(&config, table_name.clone(), runtime::Random::System);
        let api_url = match &location {
            Location::Local(_) if target.endpoint.is_none() => written(&target.data_dir.join("url")),
            Location::Local(_) | Location::Aws(_) => None,
        };
        Ok(Self { location, table, config, api_url, table_name, stack: target.stack.clone() })
    }

    /// The acts of the stack.
    pub(crate) async fn acts(&self) -> Result<Acts, Failure> {
        let stack = self.stack()?;
        let name = table_of(&self.config, stack, AUDIT_TABLE, &self.location).await?;
        let missing = || Failure::NoAuditTable { stack: stack.to_owned(), location: self.location.clone() };
        Ok(Acts::new(AuditTable::new(&self.config, name.ok_or_else(missing)?)))
    }

    /// Which deployment it is, for who is about to change something there.
    pub(crate) fn deployment(&self) -> String {
        let stack = self.stack().map(|stack| format!("stack {stack}, ")).unwrap_or_default();
        format!("{stack}table {}, {}", self.table_name, self.location)
    }

    /// The stack's name, by which its queues and its table of acts are found.
    pub(crate) fn stack(&self) -> Result<&str, Failure> {
        match &self.stack {
            Some(stack) => Ok(stack),
            None => stack_of(&self.table_name).ok_or_else(|| Failure::WhichStack(self.table_name.clone())),
        }
    }
}

/// The name of a stack's table with this logical id, if it has one.
async fn table_of(
    config: &SdkConfig,
    stack: &str,
    logical_id: &str,
    location: &Location,
) -> Result<Option<String>, Failure> {
    let prefix = format!("{stack}-{logical_id}");
    let mut names = store::tables_named(config, &prefix).await.map_err(|error| Failure::from(error).at(location))?;
    names.retain(|name| is_physical(name, stack, logical_id));
    match names.len() {
        0 | 1 => Ok(names.pop()),
        _ => Err(Failure::ManyTables { stack: stack.to_owned(), names: names.join(", ") }),
    }
}

/// The stack that a table with this name is of.
fn stack_of(table_name: &str) -> Option<&str> {
    let (stack, rest) = table_name.rsplit_once(&format!("-{TABLE}"))?;
    (!stack.is_empty() && is_physical(table_name, stack, TABLE) && !rest.contains(TABLE)).then_some(stack)
}

/// Whether a resource is named as CloudFormation (`<stack>-<logical id>-<letters and digits>`) or `local` (the same without
/// the last part) names it.
pub(crate) fn is_physical(name: &str, stack: &str, logical_id: &str) -> bool {
    let rest =
        name.strip_prefix(stack).and_then(|rest| rest.strip_prefix('-')).and_then(|rest| rest.strip_prefix(logical_id));
    match rest.map(|rest| rest.strip_prefix('-').ok_or(rest)) {
        Some(Ok(random)) => !random.is_empty() && random.bytes().all(|b| b.is_ascii_alphanumeric()),
        Some(Err(rest)) => rest.is_empty(),
        None => false,
    }
}

fn local(endpoint: String) -> Result<(SdkConfig, Location), Failure> {
    let credentials = Credentials::new(LOCAL, LOCAL, None, None, LOCAL);
    let config = runtime::aws_config_for(credentials, LOCAL.to_owned(), Some(endpoint.clone()))?;
    Ok((config, Location::Local(endpoint)))
}

/// The address that `make run` wrote down when it started.
fn running_endpoint(data_dir: &Path) -> Result<String, Failure> {
    let file = data_dir.join("endpoint");
    written(&file).ok_or(Failure::NeverRan(file))
}

/// The address in a file that `make run` wrote, if there is one.
fn written(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    Some(text.trim().to_owned()).filter(|address| address.starts_with("http://"))
}

/// Credentials as the AWS command line finds them, looked up once: a command is done long before they expire.
async fn aws(target: &Target) -> Result<(SdkConfig, Location), Failure> {
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
    let provider = found.credentials_provider().ok_or(Failure::NoCredentials(None))?;
    // Before the region, for which a profile that is not there has none either.
    let credentials = provider.provide_credentials().await.map_err(|error| no_credentials(error, target))?;
    let region = found.region().ok_or(Failure::NoRegion)?.to_string();
    Ok((runtime::aws_config_for(credentials, region.clone(), None)?, Location::Aws(region)))
}

/// Why there are no credentials. That there is no such profile the SDK says in its text alone.
fn no_credentials(error: CredentialsError, target: &Target) -> Failure {
    let is_missing = |profile: &&String| {
        let said = format!("profile `{profile}` was not defined");
        let mut causes = std::iter::successors(error.source(), |&cause| cause.source());
        causes.any(|cause| cause.to_string().contains(&said))
    };
    match target.profile.as_ref().filter(is_missing) {
        Some(profile) => Failure::NoProfile(profile.clone()),
        None => Failure::NoCredentials(Some(error)),
    }
}

/// As DynamoDB has it: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html>.
fn table_name(text: &str) -> Result<String, &'static str> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if (3..=255).contains(&text.len()) && text.bytes().all(is_allowed) {
        Ok(text.to_owned())
    } else {
        Err("must be a table's name: 3 to 255 letters, digits, dots, hyphens and underscores")
    }
}

fn endpoint(text: &str) -> Result<String, &'static str> {
    let url = text.trim().trim_end_matches('/');
    if url.starts_with("http://") || url.starts_with("https://") {
        Ok(url.to_owned())
    } else {
        Err("must be a URL such as http://127.0.0.1:8000")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target {
            endpoint: Some("http://127.0.0.1:1".to_owned()),
            data_dir: ".local".into(),
            stack: None,
            table: None,
            profile: None,
            region: None,
        }
    }

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
    async fn the_api_is_where_the_machine_of_the_data_folder_serves_it() {
        let folder = tempfile::tempdir().unwrap();
        let of_folder = Target { endpoint: None, data_dir: folder.path().to_owned(), ..target() };
        std::fs::write(folder.path().join("endpoint"), "http://127.0.0.1:40123").unwrap();
        assert_eq!(Service::find(&of_folder).await.unwrap().api_url, None);
        std::fs::write(folder.path().join("url"), "http://127.0.0.1:40124\n").unwrap();
        assert_eq!(Service::find(&of_folder).await.unwrap().api_url.as_deref(), Some("http://127.0.0.1:40124"));
        let other = Target { data_dir: folder.path().to_owned(), ..target() };
        assert_eq!(Service::find(&other).await.unwrap().api_url, None);
    }

    #[tokio::test]
    async fn a_local_address_and_aws_at_once_are_refused() {
        let target = Target { region: Some("eu-west-2".to_owned()), ..target() };
        assert!(matches!(Service::find(&target).await, Err(Failure::TwoLocations)));
    }

    #[tokio::test]
    async fn on_this_machine_stack_and_table_are_locals() {
        let service = Service::find(&target()).await.unwrap();
        assert_eq!((service.table_name.as_str(), service.stack().unwrap()), ("local-Table", "local"));
        assert_eq!(service.deployment(), "stack local, table local-Table, http://127.0.0.1:1");
        let restored = Target { table: Some("restored".to_owned()), ..target() };
        let deployment = Service::find(&restored).await.unwrap().deployment();
        assert_eq!(deployment, "table restored, http://127.0.0.1:1", "of no stack that is known");
    }

    #[test]
    fn a_profile_that_is_not_there_is_named() {
        let target = Target { profile: Some("nope".to_owned()), ..target() };
        let missing = CredentialsError::not_loaded("profile `nope` was not defined: could not find it");
        assert!(no_credentials(missing, &target).to_string().starts_with("there is no profile nope"));
        let signed_out = CredentialsError::not_loaded("the token has expired");
        let message = no_credentials(signed_out, &target).to_string();
        assert!(message.contains("(the token has expired)") && message.contains("aws sso login"), "{message}");
    }

    #[test]
    fn a_stack_is_known_by_its_table_and_only_by_that() {
        assert_eq!(stack_of("counterfoil-prod-Table-1ABC2DEF3"), Some("counterfoil-prod"));
        assert_eq!(stack_of("local-Table"), Some("local"));
        for name in ["restored", "prod-Tables-1", "-Table", "prod-Table-1-restored", "Table"] {
            assert_eq!(stack_of(name), None, "{name}");
        }
        assert!(is_physical("prod-PublishFailures-1ABC", "prod", "PublishFailures"));
        assert!(!is_physical("prod-eu-PublishFailures-1ABC", "prod", "PublishFailures"));
        assert!(!is_physical("prod-PublishFailures-1ABC", "prod-PublishFailures", "1ABC-"));
    }
}
