//! The names, addresses and ARNs this machine gives to what the template declares, and ids of traces.

use jiff::Timestamp;
use uuid::Uuid;

/// The region every ARN and every function's `AWS_REGION` shows.
pub(crate) const REGION: &str = "eu-west-2";
/// The account every ARN and queue URL shows.
pub(crate) const ACCOUNT: &str = "000000000000";
/// The stack's name: prefix of physical names.
pub(crate) const STACK: &str = "local";

/// The physical name of a resource, as CloudFormation would make it of the stack's name and the logical id.
pub(crate) fn resource(logical_id: &str) -> String {
    format!("{STACK}-{logical_id}")
}

pub(crate) fn table_arn(name: &str) -> String {
    format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}")
}

pub(crate) fn stream_arn(table: &str) -> String {
    format!("{}/stream/local", table_arn(table))
}

pub(crate) fn queue_arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
}

pub(crate) fn queue_url(aws_url: &str, name: &str) -> String {
    format!("{aws_url}/{ACCOUNT}/{name}")
}

/// `what` is `identity/…` or `configuration-set/…`.
pub(crate) fn ses_arn(what: &str) -> String {
    format!("arn:aws:ses:{REGION}:{ACCOUNT}:{what}")
}

/// Where TrueLayer's credentials are. Secrets Manager ends each name with six characters of its own.
pub(crate) const TRUELAYER_SECRET_ARN: &str =
    "arn:aws:secretsmanager:eu-west-2:000000000000:secret:local-truelayer-AbCdEf";

pub(crate) fn function_arn(logical_id: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{logical_id}")
}

/// Lambda's trace header without a parent: `1-<seconds in hex>-<24 hex digits>`.
pub(crate) fn trace_root(now: Timestamp) -> String {
    format!("1-{:08x}-{:024x}", now.as_second(), Uuid::new_v4().as_u128() >> 32)
}

/// The variables by which a function calls AWS as the caller that `access_key` names.
pub(crate) fn access(access_key: &str) -> [(String, String); 4] {
    [
        ("AWS_ACCESS_KEY_ID", access_key),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_REGION", REGION),
        ("AWS_SECRET_ACCESS_KEY", "local"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
}
