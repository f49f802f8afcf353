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
use truelayer::{CredentialsError as CredentialsProblem, NotThisMachine, SecretError};

use crate::location::Location;

/// Why a command was not done.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("give --endpoint (or COUNTERFOIL_ENDPOINT) for this machine, or --region and --profile for AWS, not both")]
    TwoLocations,
    #[error("no service has run here ({} does not exist): start it with `make run`, or an archive's `./run`; for AWS, give --region or --profile", .0.display())]
    NeverRan(PathBuf),
    #[error("there is no profile {0} in the AWS configuration: `aws configure list-profiles` lists those there are")]
    NoProfile(String),
    #[error("which region? Give --region, or set one in the profile")]
    NoRegion,
    #[error("no AWS credentials{}: name a profile with --profile, signed in with `aws sso login` if it is of that kind", because(.0.as_ref()))]
    NoCredentials(Option<CredentialsError>),
    #[error("which deployment? Give --stack with the stack's name, or --table with its output TableName")]
    NoStack,
    #[error("which stack does {0} belong to? Its queues and its table of acts are named after it: give --stack")]
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
    #[error("there is no merchant {0}: `counterfoil merchants list` shows those there are")]
    NoMerchant(MerchantId),
    #[error("{0} has no shop yet: give --display-name, the name that payers will see")]
    NoShop(MerchantId),
    #[error(
        "nothing to change: give --display-name or another option that `counterfoil merchants update --help` lists"
    )]
    NothingGiven,
    #[error("{id} has {count}, and the count only rises: `counterfoil merchants show {id}` shows it", count = counted(u64::from(.shards.get()), "list shard"))]
    NotMoreShards { id: MerchantId, shards: ListShards },
    #[error("there is no key {id}: `counterfoil keys list {}` shows those there are", .id.merchant())]
    NoKey { id: ApiKeyId },
    #[error("{id} has already been rolled or revoked: `counterfoil keys list {}` shows which are valid", .id.merchant())]
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
    #[error("this person is new here: give --role look, refund, develop or own")]
    NoRole,
    #[error("this person already has the role {}: `counterfoil console change {merchant} … --role …` changes it", .role.as_str())]
    OtherRole { merchant: MerchantId, role: Role },
    #[error("{0} has no such person: `counterfoil console list {0}` shows those there are")]
    NoPerson(MerchantId),
    #[error("this is the last person with the role own, and {0} needs one: give somebody else that role first")]
    LastOwner(MerchantId),
    #[error("{0} has 100 people, which is the most: remove some first with `counterfoil console remove {0} …`")]
    TooManyPeople(MerchantId),
    #[error("there is no customer {0}, or it was deleted: check the id, and where: --data-dir, --stack or --table")]
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
    #[error("this refund goes back the way the payment came: leave out --account-from-env")]
    AccountNotAsked,
    #[error(
        "which account? With --account-from-env, put SORT_CODE and ACCOUNT_NUMBER, or IBAN alone, into the environment; the name on it, if it is not the payer's, into ACCOUNT_NAME"
    )]
    NoAccountInEnv,
    #[error("{name} {problem}: put it right in the environment")]
    AccountInEnv { name: &'static str, problem: String },
    #[error("this account can't be paid in {}: give another, or none, and the payer is asked for one", .0.code())]
    AccountOfOtherCurrency(Currency),
    #[error("session {id} had {refunds} when they were counted, and has more now, so no other was made: `counterfoil sessions show {id}` shows whether the one that is meant is there", refunds = counted(u64::from(*.seen), "refund"))]
    OtherRefunds { id: SessionId, seen: u32 },
    #[error(
        "refund {refund_id} is there already: another run or a form of the console made it, and no other was made. `counterfoil sessions show {id}` shows whether it is the one that is meant"
    )]
    RefundThere { id: SessionId, refund_id: RefundId },
    #[error("session {id} has had {refunds}, not {so_far} as --refunds-so-far says, so no other is made: `counterfoil sessions show {id}` shows whether the one that is meant is there", refunds = counted(u64::from(*.seen), "refund"))]
    RefundsDiffer { id: SessionId, seen: u32, so_far: u32 },
    #[error(
        "there is no terminal to confirm on: repeat with --refunds-so-far {seen}; the refund is made only if that is still the number"
    )]
    HowManyRefunds { seen: u32 },
    #[error(
        "refund {0} was made, and has failed since: its amount can be refunded again. `counterfoil sessions show {0}` shows what happened"
    )]
    RefundFailed(RefundId),
    #[error("the payment's provider is not connected ({0}), and nothing was done")]
    NotConnected(String),
    #[error("nothing was done: type `yes` in full to confirm")]
    NotConfirmed,
    #[error(
        "nothing was done: this can't be undone, and there is no terminal to confirm it on. Give --yes to do it, or --dry-run to see what it would do"
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
    #[error("there is no payment session or refund {0}: check the id, and where: --data-dir, --stack or --table")]
    NoObject(ObjectId),
    #[error("there is no payment session {0}: check the id, and where: --data-dir, --stack or --table")]
    NoSession(SessionId),
    #[error("there is no refund {0}: check the id, and where: --data-dir, --stack or --table")]
    NoRefund(RefundId),
    #[error("{0} is a payment session, not a refund: `counterfoil sessions show {0}` lists its refunds")]
    IsSession(SessionId),
    #[error("{id} is a refund{}", instead(*.id, *.session_id, *.meant))]
    IsRefund { id: RefundId, session_id: SessionId, meant: Meant },
    #[error(
        "refund {0} is not one that TrueLayer was asked for at least a day ago and never answered: `counterfoil sessions show {0}` shows how it stands"
    )]
    RefundNotOpen(RefundId),
    #[error(
        "TrueLayer has no refund {known_as} on this payment with the amount and id of refund {id}: check its id in TrueLayer's Console"
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
    #[error(
        "this mail can't be sent: its payer's data was erased, and there is no address to send it to. `counterfoil sessions show {object}` shows when"
    )]
    NoAddress { object: ObjectId },
    #[error("--since must be within the last 30 days: events are kept that long")]
    TooLongAgo,
    #[error("--until must be later than --since")]
    EmptySpan,
    #[error("{merchant} has no webhook endpoint {id}: `counterfoil webhooks list {merchant}` shows those there are")]
    NoEndpoint { merchant: MerchantId, id: EndpointId },
    #[error("{id} is disabled{by}, and resuming would not enable it: `counterfoil webhooks enable` does, or its merchant, by `PATCH /v2/webhooks/{id}` with {{\"enabled\": true}}, and that resumes it too", by = disabled_by(*.by))]
    EndpointDisabled { id: EndpointId, by: DisabledBy },
    #[error(
        "AWS can't reach this machine. Listen to `make run`, or an archive's `./run`, instead, without --region and --profile; or open a tunnel from a public https URL to your app, and register that URL in the console or by `POST /v2/webhooks`"
    )]
    AwsCantReach,
    #[error("events can't be received on this machine: {0}")]
    CantListen(String),
    #[error(
        "{0} has {MAX_ENDPOINTS} webhook endpoints in this mode, which is the most: remove one first by `DELETE /v2/webhooks/{{id}}`"
    )]
    TooManyEndpoints(MerchantId),
    #[error(
        "where are TrueLayer's credentials? Give --secret-arn, with the stack's --region, or --secret-file; on this machine, give what TRUELAYER_SECRET_ARN and TRUELAYER_URL are in the data folder's functions.env by --secret-arn and --truelayer-url"
    )]
    NoSecret,
    #[error("--secret-arn names a secret that {}", secret_problem(.0))]
    Secret(#[from] SecretError),
    #[error("{} can't be read: give --secret-file the file with TrueLayer's credentials", .0.display())]
    NoSecretFile(PathBuf),
    #[error("{} {problem}", .file.display())]
    SecretFile { file: PathBuf, problem: CredentialsProblem },
    #[error("--truelayer-url {0}")]
    NotThisMachine(#[from] NotThisMachine),
    #[error("live payments go to TrueLayer only: leave out --truelayer-url and unset TRUELAYER_URL")]
    LiveElsewhere,
    #[error("TrueLayer can't be called from here: {0}")]
    NoClient(String),
    #[error("TrueLayer can't be asked ({0}): see what `counterfoil truelayer check` says, then repeat the command")]
    TrueLayerSilent(String),
    #[error("{0}")]
    Payment(#[from] PaymentError),
    #[error("{}", .0.as_str())]
    Interrupted(Interrupted),
    #[error("{0} has no such table: {hint}", hint = table_hint(.0))]
    NoTable(Location),
    #[error("{0} does not answer: {hint}", hint = answer_hint(.0))]
    NoAnswer(Location),
    #[error("{0} no longer answers: start it again with `make run`, or an archive's `./run`, then repeat the command")]
    AnswersNoMore(Location),
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
        let (Self::Store(StoreError::Unavailable { cause, .. })
        | Self::Queue { cause, .. }
        | Self::Secret(SecretError::Unread(cause))) = &self
        else {
            return self;
        };
        if cause.contains("ResourceNotFoundException") && !matches!(self, Self::Secret(_)) {
            Self::NoTable(location.clone())
        } else if ["dispatch failure", "timed out", "timeout"].iter().any(|sign| cause.contains(sign)) {
            Self::NoAnswer(location.clone())
        } else {
            self
        }
    }

    /// Whether the command line is wrong, whatever the service has.
    pub(crate) const fn is_of_the_line(&self) -> bool {
        matches!(
            self,
            Self::TwoLocations
                | Self::NothingGiven
                | Self::NoAccount
                | Self::NoAmount(_)
                | Self::WhichMail { .. }
                | Self::TooLongAgo
                | Self::EmptySpan
                | Self::NotThisMachine(_)
                | Self::LiveElsewhere
        )
    }

    /// The message without line breaks, for errors of others may have some.
    pub(crate) fn in_one_line(&self) -> String {
        self.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// What was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupted {
    /// What changes nothing.
    Reading,
    /// Somebody was asked whether to do it, and had not answered.
    Asking,
    /// What may have changed something by then.
    Changing,
}

impl Interrupted {
    /// Of a command that changes something, or of one that does not.
    pub(crate) const fn of(changes: bool) -> Self {
        if changes { Self::Changing } else { Self::Reading }
    }

    /// What is said of it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Reading => "interrupted",
            Self::Asking => "interrupted, and nothing was done",
            Self::Changing => {
                "interrupted. What was done until then stays done: see what is there before you repeat it."
            }
        }
    }
}

/// What a payment session was to be found for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meant {
    Cancel,
    Refund,
    Erase,
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

/// What to do with a refund that was given in place of a payment session; reads on after that.
fn instead(id: RefundId, session_id: SessionId, meant: Meant) -> String {
    match meant {
        Meant::Cancel => {
            format!(", not a payment session: `counterfoil refunds cancel {id} --reason …` cancels it")
        }
        Meant::Refund => format!("; refund its payment session, {session_id}"),
        Meant::Erase => format!("; erase its payment session, {session_id}, and it goes with that"),
    }
}

/// How many there are of what one is called so: `1 refund`, `2 refunds`.
pub(crate) fn counted(count: u64, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
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

/// Why an endpoint is disabled, if that is known: who did it by hand, its merchant or an operator, only the acts say.
fn disabled_by(by: DisabledBy) -> &'static str {
    match by {
        DisabledBy::Merchant => "",
        DisabledBy::Gone => ", because it answered 410 Gone",
    }
}

/// What is wrong with the secret that holds TrueLayer's credentials; reads on after it.
fn secret_problem(error: &SecretError) -> String {
    match error {
        SecretError::Unread(_) => {
            "can't be read: give the whole ARN, which is the stack's parameter TrueLayerSecretArn, with the stack's --region; on this machine, what TRUELAYER_SECRET_ARN is in the data folder's functions.env".to_owned()
        }
        SecretError::Unusable(problem) => format!("can't be used: it {problem}"),
    }
}

fn table_hint(location: &Location) -> &'static str {
    match location {
        Location::Local(_) => "give --table the name that the service printed when it started",
        Location::Aws(_) => "give --stack, or --table with the stack's output TableName, and the stack's --region",
    }
}

fn answer_hint(location: &Location) -> &'static str {
    match location {
        Location::Local(_) => "start it with `make run`, or an archive's `./run`; for AWS, give --region or --profile",
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
            "http://127.0.0.1:8000 does not answer: start it with `make run`, or an archive's `./run`; for AWS, give --region or --profile"
        );
        assert!(refused().at(&aws).to_string().contains("AWS in eu-west-2 does not answer"));
        let missing = unavailable("service error: ResourceNotFoundException").at(&aws).to_string();
        assert!(missing.contains("TableName"), "{missing}");
        assert_eq!(unavailable("some\nthing").at(&here).in_one_line(), "DynamoDB, Query: some thing");
    }

    #[test]
    fn a_secret_that_is_not_there_is_no_table_and_one_that_nobody_answers_for_is_not_wrong() {
        let here = Location::Local("http://127.0.0.1:8000".into());
        let unread = |cause: &str| Failure::from(SecretError::Unread(cause.to_owned())).at(&here).to_string();
        let missing = unread("service error: ResourceNotFoundException");
        assert!(missing.starts_with("--secret-arn names a secret that can't be read"), "{missing}");
        assert!(missing.contains("functions.env"), "{missing}");
        assert!(unread("dispatch failure").contains("does not answer"));
    }

    #[test]
    fn a_count_of_refunds_that_differs_is_said_with_both() {
        let id: SessionId = "1ae1ce03-dfa9-4593-b487-65c656991cb5".parse().unwrap();
        for (seen, so_far, said) in [(1, 0, "has had 1 refund, not 0 as"), (2, 3, "has had 2 refunds, not 3 as")] {
            let differ = Failure::RefundsDiffer { id, seen, so_far }.to_string();
            assert!(differ.contains(said), "{differ}");
        }
    }

    #[test]
    fn what_another_run_made_is_not_said_to_be_missing() {
        let id: SessionId = "1ae1ce03-dfa9-4593-b487-65c656991cb5".parse().unwrap();
        let refund_id: RefundId = "728d061b-8e47-4052-be4f-5f9bcdee39ff".parse().unwrap();
        let there = Failure::RefundThere { id, refund_id }.to_string();
        assert!(there.starts_with(&format!("refund {refund_id} is there already")), "{there}");
        for said in [there, Failure::OtherRefunds { id, seen: 2 }.to_string()] {
            assert!(said.contains("no other was made"), "{said}");
            assert!(said.contains(&format!("`counterfoil sessions show {id}`")), "{said}");
        }
    }

    #[test]
    fn what_is_of_the_other_kind_is_said_with_what_to_do() {
        let id: SessionId = "1ae1ce03-dfa9-4593-b487-65c656991cb5".parse().unwrap();
        let refund: RefundId = "728d061b-8e47-4052-be4f-5f9bcdee39ff".parse().unwrap();
        let of = |meant| Failure::IsRefund { id: refund, session_id: id, meant }.to_string();
        assert_eq!(of(Meant::Refund), format!("{refund} is a refund; refund its payment session, {id}"));
        assert!(of(Meant::Cancel).contains(&format!("`counterfoil refunds cancel {refund} --reason …`")));
        assert!(of(Meant::Erase).contains(&format!("erase its payment session, {id}")));
        assert!(Failure::IsSession(id).to_string().contains(&format!("`counterfoil sessions show {id}`")));
    }
}
