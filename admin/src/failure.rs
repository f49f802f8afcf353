//! What can go wrong, each with what to do next.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

use aws_credential_types::provider::error::CredentialsError;
use models::{ApiKeyId, DisabledBy, EndpointId, ListShards, MerchantId};
use runtime::SettingError;
use store::StoreError;
use thiserror::Error;

use crate::target::Place;

/// Why a command was not done.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("give --endpoint (or COUNTERFOIL_ENDPOINT) for this machine, or --region and --profile for AWS, not both")]
    TwoPlaces,
    #[error("no service has run here ({} is not there): start it with `make run`, or give --region or --profile for AWS", .0.display())]
    NeverRan(PathBuf),
    #[error("which region? Give --region, or set one in the profile")]
    NoRegion,
    #[error("no AWS credentials{}: name a profile with --profile, signed in with `aws sso login` if it is of that kind", because(.0.as_ref()))]
    NoCredentials(Option<CredentialsError>),
    #[error("there is a merchant {0} already: choose another id")]
    MerchantExists(MerchantId),
    #[error("there is no merchant {0}: create it with `counterfoil merchants create {0} --name …`")]
    NoMerchant(MerchantId),
    #[error("{id} has {shards} list shards, and the count only rises: `counterfoil merchants show {id}` shows it")]
    NotMoreShards { id: MerchantId, shards: ListShards },
    #[error("there is no key {id}: `counterfoil keys list {}` shows those there are", .id.merchant())]
    NoKey { id: ApiKeyId },
    #[error("this account is linked to {0} already: nothing is to be done")]
    AccountLinked(MerchantId),
    #[error("{merchant} has no webhook endpoint {id}: `counterfoil webhooks list {merchant}` shows those there are")]
    NoEndpoint { merchant: MerchantId, id: EndpointId },
    #[error("{id} is disabled, {by}, and resuming would not enable it: its merchant does, by `PATCH /v2/webhooks/{id}` with {{\"enabled\": true}}, and that resumes it too", by = disabled_by(*.by))]
    EndpointDisabled { id: EndpointId, by: DisabledBy },
    #[error("{0} has no such table: {hint}", hint = table_hint(.0))]
    NoTable(Place),
    #[error("{0} does not answer: {hint}", hint = answer_hint(.0))]
    NoAnswer(Place),
    #[error("{0}")]
    Setting(#[from] SettingError),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("the answer could not be written, though the command was done: {0}")]
    Output(#[from] io::Error),
    #[error("the answer could not be written, though the command was done: {0}")]
    Json(#[from] serde_json::Error),
}

impl Failure {
    /// The same, saying where it happened if that is what helps. What the SDK says is told apart by its text: the store
    /// keeps no more, and functions need no more.
    pub(crate) fn at(self, place: &Place) -> Self {
        let Self::Store(StoreError::Unavailable { cause, .. }) = &self else { return self };
        if cause.contains("ResourceNotFoundException") {
            Self::NoTable(place.clone())
        } else if ["dispatch failure", "timed out", "timeout"].iter().any(|sign| cause.contains(sign)) {
            Self::NoAnswer(place.clone())
        } else {
            self
        }
    }

    /// The message without line breaks, for errors of others may have some.
    pub(crate) fn in_one_line(&self) -> String {
        self.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

fn because(error: Option<&CredentialsError>) -> String {
    // The innermost says it; those around it only that there was something.
    let innermost = std::iter::successors(error.and_then(|error| error.source()), |&error| error.source()).last();
    innermost.map(|cause| format!(" ({cause})")).unwrap_or_default()
}

fn disabled_by(by: DisabledBy) -> &'static str {
    match by {
        DisabledBy::Merchant => "by its merchant",
        DisabledBy::Gone => "because it answered 410 Gone",
    }
}

fn table_hint(place: &Place) -> &'static str {
    match place {
        Place::Local(_) => "give --table the name that `make run` printed when it started",
        Place::Aws(_) => "give --table with the stack's output TableName, and the stack's --region",
    }
}

fn answer_hint(place: &Place) -> &'static str {
    match place {
        Place::Local(_) => "start it with `make run`, or give --region or --profile for AWS",
        Place::Aws(_) => "check --region and the network, then repeat the command",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unavailable(cause: &str) -> Failure {
        Failure::Store(StoreError::Unavailable { operation: "Query", cause: cause.to_owned() })
    }

    #[test]
    fn says_where_and_what_next() {
        let (here, aws) = (Place::Local("http://127.0.0.1:8000".into()), Place::Aws("eu-west-2".into()));
        let refused = || unavailable("dispatch failure: io error: Connection refused (os error 111)");
        assert_eq!(
            refused().at(&here).in_one_line(),
            "http://127.0.0.1:8000 does not answer: start it with `make run`, or give --region or --profile for AWS"
        );
        assert!(refused().at(&aws).to_string().contains("AWS in eu-west-2 does not answer"));
        let missing = unavailable("service error: ResourceNotFoundException").at(&aws).to_string();
        assert!(missing.contains("TableName"), "{missing}");
        assert_eq!(unavailable("some\nthing").at(&here).in_one_line(), "DynamoDB, Query: some thing");
    }
}
