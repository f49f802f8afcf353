//! What can go wrong, each with what to do next.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

use aws_credential_types::provider::error::CredentialsError;
use models::{
    ApiKeyId, Currency, CustomerId, DisabledBy, EndpointId, ListShards, MAX_ENDPOINTS, MAX_PUBLIC_KEYS,
    MAX_REDIRECT_URLS, MAX_REFUNDS, MerchantId, Money, NotRefundable, ObjectId, ProviderPaymentId, ProviderRefundId,
    PublicKeyId, RefundId, Role, SessionId, SessionState,
};
use payments::PaymentError;
use runtime::SettingError;
use store::StoreError;
use thiserror::Error;
use truelayer::{CredentialsError as CredentialsProblem, NotThisMachine};

use crate::location::Location;

/// Why a command was not done.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("give --endpoint (or COUNTERFOIL_ENDPOINT) for this machine, or --region and --profile for AWS, not both")]
    TwoLocations,
    #[error("no service has run here ({} is not there): start it with `make run`, or give --region or --profile for AWS", .0.display())]
    NeverRan(PathBuf),
    #[error("which region? Give --region, or set one in the profile")]
    NoRegion,
    #[error("no AWS credentials{}: name a profile with --profile, signed in with `aws sso login` if it is of that kind", because(.0.as_ref()))]
    NoCredentials(Option<CredentialsError>),
    #[error("which deployment? Give --stack with the stack's name, or --table with its output TableName")]
    NoStack,
    #[error("which stack is {0} of? Its queues and its table of acts are named after it: give --stack")]
    WhichStack(String),
    #[error(
        "{location} has no table of a stack {stack}: check --stack and --region, or give --table with the stack's output TableName"
    )]
    NoStackTable { stack: String, location: Location },
    #[error("several tables look like one of stack {stack} ({names}): give --table")]
    ManyTables { stack: String, names: String },
    #[error("{location} has no queue {logical_id} of stack {stack}: check --stack and --region")]
    NoQueue { stack: String, logical_id: &'static str, location: Location },
    #[error(
        "{location} has no table of acts of stack {stack}, in which it is recorded who does what: check --stack and --region, or deploy this release first"
    )]
    NoAuditTable { stack: String, location: Location },
    #[error("AWS does not say who you are, and nothing is done without that: {0}")]
    Identity(String),
    #[error("SQS, {operation}: {cause}")]
    Queue { operation: &'static str, cause: String },
    #[error(
        "there is a merchant {0} already: choose another id, or change what its payers see by `counterfoil merchants update`"
    )]
    MerchantExists(MerchantId),
    #[error("there is no merchant {0}: create it with `counterfoil merchants create {0} --name …`")]
    NoMerchant(MerchantId),
    #[error("payers see nothing of {0} yet: give its shop's name with --display-name")]
    NoShop(MerchantId),
    #[error("nothing is to be changed: give --display-name, or what else `counterfoil merchants update --help` names")]
    NothingGiven,
    #[error("{id} has {shards} list shards, and the count only rises: `counterfoil merchants show {id}` shows it")]
    NotMoreShards { id: MerchantId, shards: ListShards },
    #[error("there is no key {id}: `counterfoil keys list {}` shows those there are", .id.merchant())]
    NoKey { id: ApiKeyId },
    #[error("{id} was rolled or revoked before: `counterfoil keys list {}` shows which are valid", .id.merchant())]
    KeyOver { id: ApiKeyId },
    #[error("{0} is an application already: `counterfoil applications show {0}` shows it")]
    ApplicationExists(ApiKeyId),
    #[error("{0} is no application: make it one with `counterfoil applications create {0}`")]
    NoApplication(ApiKeyId),
    #[error(
        "{0} has {MAX_PUBLIC_KEYS} public keys, which is the most: remove one first with `counterfoil applications keys remove {0} …`"
    )]
    TooManyPublicKeys(ApiKeyId),
    #[error("{key_id} has no public key {id}: `counterfoil applications show {key_id}` shows those there are")]
    NoPublicKey { key_id: ApiKeyId, id: PublicKeyId },
    #[error(
        "{0} may have {MAX_REDIRECT_URLS} URLs at the most: remove some first with `counterfoil applications urls {0} --remove …`"
    )]
    TooManyUrls(ApiKeyId),
    #[error("which account? Give --sort-code and --account-number, or --iban")]
    NoAccount,
    #[error("this account is linked to {0} already: unlink it first to link it with another name, or with --default")]
    AccountLinked(MerchantId),
    #[error("this account is not linked to {0}: `counterfoil accounts list {0} --full` shows those that are")]
    AccountNotLinked(MerchantId),
    #[error("where do people open the console? Give --url, such as https://pay.example.com")]
    NoConsoleUrl,
    #[error("they are not there yet: give --role look, refund, develop or own")]
    NoRole,
    #[error("they are there already, with the role {}: `counterfoil console change {merchant} … --role …` changes it", .role.as_str())]
    OtherRole { merchant: MerchantId, role: Role },
    #[error("{0} has no such person: `counterfoil console list {0}` shows those there are")]
    NoPerson(MerchantId),
    #[error("they are the last whose role is own, and {0} needs one: give somebody else that role first")]
    LastOwner(MerchantId),
    #[error("{0} has 100 people, which is the most: remove some first with `counterfoil console remove {0} …`")]
    TooManyPeople(MerchantId),
    #[error("there is no customer {0}, or it was deleted: check the id, and --table or --stack")]
    NoCustomer(CustomerId),
    #[error(
        "session {id} pays refund {refund_id}: cancel that with `counterfoil refunds cancel {refund_id} --reason …`"
    )]
    PaysRefund { id: SessionId, refund_id: RefundId },
    #[error("session {id} {}", not_cancellable(*.id, *.state))]
    NotCancellable { id: SessionId, state: SessionState },
    #[error(
        "the payer of session {0} may be paying just now, and their bank or provider did not stop it: wait until it has ended, and refund it if it is paid"
    )]
    MoneyMayMove(SessionId),
    #[error("the payment of session {0} is being begun at TrueLayer: repeat the command in a minute")]
    BeingBegun(SessionId),
    #[error(
        "TrueLayer knows no payment {payment_id} of session {id} by these credentials, and nothing was done: give the stack's own, its parameter TrueLayerSecretArn, by --secret-arn"
    )]
    PaymentNotKnown { id: SessionId, payment_id: ProviderPaymentId },
    #[error("refund {id} can't be cancelled: {why}")]
    RefundNotCancellable { id: RefundId, why: &'static str },
    #[error("session {id} {}", not_refundable(*.why))]
    NotRefundable { id: SessionId, why: NotRefundable },
    #[error("--amount must be an amount such as {example}: {0} is left", example = .0.to_decimal())]
    NoAmount(Money),
    #[error("the money of this refund goes back by the way it came: leave --account-from-env out")]
    AccountNotAsked,
    #[error(
        "which account? With --account-from-env, put SORT_CODE and ACCOUNT_NUMBER, or IBAN alone, into the environment; the name on it, if it is not the payer's, into ACCOUNT_NAME"
    )]
    NoAccountInEnv,
    #[error("{name} {problem}: put it right in the environment")]
    AccountInEnv { name: &'static str, problem: String },
    #[error("this account can't be paid in {}: give another, or none, and the payer is asked for one", .0.code())]
    AccountOfOtherCurrency(Currency),
    #[error(
        "session {id} has other refunds by now than the {seen} that were counted, and no other is made: `counterfoil sessions show {id}` shows whether the one that is meant is there"
    )]
    OtherRefunds { id: SessionId, seen: u32 },
    #[error(
        "nobody can be asked here: give --refunds-so-far {seen}, and the refund is made if there are no others by then"
    )]
    HowManyRefunds { seen: u32 },
    #[error(
        "refund {0} was made, and has failed since: its amount can be refunded again. `counterfoil sessions show {0}` shows what happened"
    )]
    RefundFailed(RefundId),
    #[error("the payment's provider is not connected ({0}), and nothing was done")]
    NotConnected(String),
    #[error("nothing was done")]
    NotConfirmed,
    #[error(
        "nothing was done: it can't be undone, and nobody can be asked where there is no terminal. Give --yes to do it, or --dry-run to see what it would do"
    )]
    NobodyToAsk,
    #[error(
        "there is no message {id} in {queue}, or somebody is reading it: `counterfoil dead-letters show {queue}` shows those there are"
    )]
    NoDeadLetter { id: String, queue: &'static str },
    #[error(
        "the payment's provider did not say that it stops the payment ({0}): nothing is cancelled here yet, and there it may be. Run it again in a minute. If it is TrueLayer, see what `counterfoil truelayer check` says"
    )]
    ProviderSilent(String),
    #[error("there is no payment session or refund {0}: check the id, and --table or --stack")]
    NoObject(ObjectId),
    #[error(
        "refund {0} is none that TrueLayer was asked for a day ago or longer and never answered about: `counterfoil sessions show {0}` shows how it stands"
    )]
    RefundNotOpen(RefundId),
    #[error(
        "TrueLayer knows no refund {known_as} of this payment that has the amount and the id of refund {id}: look it up in TrueLayer's Console again"
    )]
    RefundNotKnown { id: RefundId, known_as: ProviderRefundId },
    #[error(
        "session {0} or a refund of it is not final, or its last event or mail is still to be sent: cancel it or wait until it is final, then repeat the command"
    )]
    NotFinal(SessionId),
    #[error("{object} has no such mail: `counterfoil mails list {object}` shows those there are")]
    NoMail { object: ObjectId },
    #[error("which mail about {object}? Give it as `counterfoil mails list {object}` prints it, or say of which kind")]
    WhichMail { object: ObjectId },
    #[error(
        "this mail is due already: it is sent within minutes, or `counterfoil mails list {object}` shows when it is tried next"
    )]
    MailDue { object: ObjectId },
    #[error("--since must be within the last 30 days, which is for how long events are kept")]
    TooLongAgo,
    #[error("--until must be later than --since")]
    EmptySpan,
    #[error("{merchant} has no webhook endpoint {id}: `counterfoil webhooks list {merchant}` shows those there are")]
    NoEndpoint { merchant: MerchantId, id: EndpointId },
    #[error("{id} is disabled, {by}, and resuming would not enable it: `counterfoil webhooks enable` does, or its merchant, by `PATCH /v2/webhooks/{id}` with {{\"enabled\": true}}, and that resumes it too", by = disabled_by(*.by))]
    EndpointDisabled { id: EndpointId, by: DisabledBy },
    #[error(
        "AWS can't reach this machine. Listen to `make run` instead, without --region and --profile; or have a tunnel lead from a public https URL to your app, and register that URL in the console or by `POST /v2/webhooks`"
    )]
    AwsCantReach,
    #[error("events can't be received on this machine: {0}")]
    CantListen(String),
    #[error(
        "{0} has {MAX_ENDPOINTS} webhook endpoints in this mode, which is the most: remove one first by `DELETE /v2/webhooks/{{id}}`"
    )]
    TooManyEndpoints(MerchantId),
    #[error("where are TrueLayer's credentials? Give --secret-arn, with the stack's --region, or --secret-file")]
    NoSecret,
    #[error("{} can't be read: give --secret-file the file with TrueLayer's credentials", .0.display())]
    NoSecretFile(PathBuf),
    #[error("{} {problem}", .file.display())]
    SecretFile { file: PathBuf, problem: CredentialsProblem },
    #[error("--truelayer-url {0}")]
    NotThisMachine(#[from] NotThisMachine),
    #[error("live payments are at TrueLayer alone: leave --truelayer-url out, and TRUELAYER_URL unset")]
    LiveElsewhere,
    #[error("TrueLayer can't be called from here: {0}")]
    NoClient(String),
    #[error("TrueLayer can't be asked ({0}): see what `counterfoil truelayer check` says, then repeat the command")]
    TrueLayerSilent(String),
    #[error("{0}")]
    Payment(#[from] PaymentError),
    #[error("interrupted. What was done until then stays done: see what is there before you repeat it.")]
    Interrupted,
    #[error("{0} has no such table: {hint}", hint = table_hint(.0))]
    NoTable(Location),
    #[error("{0} does not answer: {hint}", hint = answer_hint(.0))]
    NoAnswer(Location),
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
    /// The same, saying where it happened if that is what helps. Errors of the SDK are distinguished by their text: the store
    /// keeps no more, and functions need no more.
    pub(crate) fn at(self, location: &Location) -> Self {
        let (Self::Store(StoreError::Unavailable { cause, .. }) | Self::Queue { cause, .. }) = &self else {
            return self;
        };
        if cause.contains("ResourceNotFoundException") {
            Self::NoTable(location.clone())
        } else if ["dispatch failure", "timed out", "timeout"].iter().any(|sign| cause.contains(sign)) {
            Self::NoAnswer(location.clone())
        } else {
            self
        }
    }

    /// The message without line breaks, for errors of others may have some.
    pub(crate) fn in_one_line(&self) -> String {
        self.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// What a provider's error was caused by.
pub(crate) fn cause_of(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

fn because(error: Option<&CredentialsError>) -> String {
    // The innermost says it; those around it only that there was something.
    let innermost = std::iter::successors(error.and_then(|error| error.source()), |&error| error.source()).last();
    innermost.map(|cause| format!(" ({cause})")).unwrap_or_default()
}

/// Why a session in this state is not cancelled; reads on after it.
fn not_cancellable(id: SessionId, state: SessionState) -> String {
    match state {
        SessionState::AwaitingPayer | SessionState::AwaitingProvider | SessionState::AwaitingPaymentConsent => {
            "has just changed: repeat the command".to_owned()
        }
        SessionState::Pending => "is on its way, and can't be cancelled; once it is paid, refund it".to_owned(),
        SessionState::Sent => {
            format!("is paid, and can't be cancelled: `counterfoil refunds create {id} --reason …` refunds it")
        }
        SessionState::Failed => "has failed: there is nothing to cancel".to_owned(),
        SessionState::Cancelled => "was cancelled before".to_owned(),
        SessionState::Expired => "has expired: there is nothing to cancel".to_owned(),
    }
}

/// Why a session is not refunded; reads on after it.
fn not_refundable(why: NotRefundable) -> String {
    let text = match why {
        NotRefundable::PaysRefund => "pays a refund itself, and can't be refunded",
        NotRefundable::NotSent(state) => {
            return format!("is {}, and only what is paid can be refunded", state.as_str().replace('_', " "));
        }
        NotRefundable::TooMuch { left } => return format!("has {left} left to refund: give a smaller --amount"),
        NotRefundable::NothingLeft { .. } => "has been refunded, or is being refunded, as a whole",
        NotRefundable::TakenBack => "can't be refunded: its money was taken back",
        NotRefundable::WrongAccount(_) => "can't be refunded to this account, which can't receive its currency",
        NotRefundable::NotByBank(currency) => {
            return format!(
                "can't be refunded: in {} only the provider that took it could, and that one doesn't refund",
                currency.code()
            );
        }
        NotRefundable::TooMany => {
            return format!("has had {MAX_REFUNDS} refunds, failed ones included, which is the most");
        }
    };
    text.to_owned()
}

fn disabled_by(by: DisabledBy) -> &'static str {
    match by {
        DisabledBy::Merchant => "by its merchant",
        DisabledBy::Gone => "because it answered 410 Gone",
    }
}

fn table_hint(location: &Location) -> &'static str {
    match location {
        Location::Local(_) => "give --table the name that `make run` printed when it started",
        Location::Aws(_) => "give --stack, or --table with the stack's output TableName, and the stack's --region",
    }
}

fn answer_hint(location: &Location) -> &'static str {
    match location {
        Location::Local(_) => "start it with `make run`, or give --region or --profile for AWS",
        Location::Aws(_) => "check --region and the network, then repeat the command",
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
        let (here, aws) = (Location::Local("http://127.0.0.1:8000".into()), Location::Aws("eu-west-2".into()));
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
