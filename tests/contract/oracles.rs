//! Tries every contract on other implementations too: emulators of others, and AWS itself.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::process::Stdio;

use aws_config::BehaviorVersion;
use aws_credential_types::provider::ProvideCredentials;
use aws_smithy_http_client::{Builder, tls};
use futures_util::{FutureExt, StreamExt, stream};
use serde_json::json;
use tests::PATIENCE;
use tokio::process::{Child, Command};

use crate::call::{Endpoint, Service};
use crate::fixture::{Fixture, Local, until};
use crate::{Contract, conditions, dead_letters, indexes, keys, messages, queries, streams, transactions, updates};

/// How many contracts are tried at once.
const AT_ONCE: usize = 8;

/// Where contracts are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Oracle {
    Local,
    Ministack,
    Moto,
    Aws,
}

impl Oracle {
    fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Ministack => "ministack",
            Self::Moto => "moto",
            Self::Aws => "AWS",
        }
    }
}

/// Where a contract does not hold, as is known, and what happens there instead. Whatever else differs, and whatever no longer
/// does, fails.
const KNOWN: &[(Oracle, &str, &str)] = &[
    (Oracle::Ministack, "a_number_is_added_to_where_there_is_one", "takes an attribute that is not there for 0"),
    (Oracle::Ministack, "nothing_is_set_and_removed_at_once", "takes paths that overlap"),
    (Oracle::Ministack, "a_query_names_one_partition_and_a_range_that_can_be", "takes OR for AND in a key condition"),
    (Oracle::Ministack, "a_call_receives_1_to_10_messages", "polls for longer than 20 seconds"),
    (Oracle::Ministack, "a_message_may_be_hidden_for_longer", "hides for longer than 12 hours"),
    (Oracle::Ministack, "a_message_may_be_delayed_for_15_minutes_at_most", "delays for longer"),
    (
        Oracle::Ministack,
        "deleting_again_is_no_error_and_what_is_no_receipt_is",
        "refuses a receipt that there is a later one to",
    ),
    (
        Oracle::Moto,
        "values_of_different_types_are_never_equal_or_in_order",
        "fails where a number is compared with a text",
    ),
    (Oracle::Moto, "numbers_have_38_digits", "keeps a number as the text that was given"),
    (Oracle::Moto, "keys_are_whole_and_not_empty", "takes an index key of another type"),
    (Oracle::Moto, "an_item_has_409600_bytes_at_most", "counts more than names and values"),
    (Oracle::Moto, "what_a_write_consumes_is_returned_if_asked", "reports one unit for every write"),
    (Oracle::Moto, "a_transaction_has_4_mb_at_most", "has no such limit"),
    (Oracle::Moto, "a_repeated_token_does_nothing_more", "does not heed tokens"),
    (Oracle::Moto, "a_token_is_of_one_transaction", "does not heed tokens"),
    (Oracle::Moto, "an_invalid_write_cancels_all", "refuses the whole as invalid, without reasons"),
    (Oracle::Moto, "a_query_names_one_partition_and_a_range_that_can_be", "takes a range that ends before it begins"),
    (Oracle::Moto, "a_page_that_is_full_may_be_the_last", "knows that nothing follows"),
    (Oracle::Moto, "a_start_key_is_a_whole_key_of_the_partition", "fails where a start key is half a key"),
    (Oracle::Moto, "an_index_is_never_read_consistently", "reports another error of an index that is not there"),
    (Oracle::Moto, "a_write_that_changes_nothing_is_not_in_the_stream", "reports it"),
    (
        Oracle::Moto,
        "changes_of_an_item_are_in_the_stream_in_order",
        "reports an update that makes an item as two changes",
    ),
    (Oracle::Moto, "reading_goes_on_after_a_sequence_number", "reports an update that makes an item as two changes"),
    (Oracle::Moto, "a_message_is_not_empty_and_has_characters_of_xml_only", "takes an empty one"),
    (Oracle::Moto, "what_is_wrong_with_one_entry_fails_that_one", "takes every character"),
    (Oracle::Moto, "a_dead_letter_is_the_message_that_it_was", "does not say where it comes from"),
];

/// An emulator that runs until this is dropped.
struct Running {
    endpoint: Endpoint,
    _process: Child,
}

/// Starts a program of the folder that `ORACLES` names, on a free port, and waits until it answers.
async fn start(program: &str, with_port: impl FnOnce(&mut Command, u16)) -> Running {
    let folder = std::env::var_os("ORACLES").map(PathBuf::from).expect("ORACLES is set by `make test-oracles`");
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let mut command = Command::new(folder.join(program));
    with_port(&mut command, port);
    let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn();
    let mut process = process.unwrap_or_else(|error| panic!("{program}: {error}; `make test-oracles` installs it"));
    let endpoint = Endpoint::at(&format!("http://127.0.0.1:{port}"));
    until(&format!("{program} answers"), PATIENCE, async || {
        assert!(process.try_wait().unwrap().is_none(), "{program} ended at once");
        let listening = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok();
        let answers = listening && endpoint.call(Service::DynamoDb, "ListTables", &json!({})).await.is_ok();
        answers.then_some(())
    })
    .await;
    Running { endpoint, _process: process }
}

/// AWS, as the AWS command line finds profile and region; none without a profile.
async fn aws() -> Option<Endpoint> {
    let profile = std::env::var("AWS_PROFILE").ok().filter(|profile| !profile.is_empty())?;
    // Single sign-on, and roles that are assumed, take calls of their own.
    let https =
        Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc)).build_https();
    let loader = aws_config::defaults(BehaviorVersion::latest()).profile_name(&profile).http_client(https);
    let config = loader.load().await;
    let region = config.region().unwrap_or_else(|| panic!("the profile {profile} has no region; set AWS_REGION"));
    let provider = config.credentials_provider().unwrap_or_else(|| panic!("the profile {profile} has no credentials"));
    let credentials = provider.provide_credentials().await;
    let credentials = credentials.unwrap_or_else(|error| panic!("the profile {profile} gives no credentials: {error}"));
    Some(Endpoint::aws(region.to_string(), credentials))
}

/// Why a contract did not hold, if it did not.
type Outcome = Result<(), String>;

async fn outcome<T>(run: impl Future<Output = T>) -> Result<T, String> {
    AssertUnwindSafe(run).catch_unwind().await.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })
}

/// Tries contracts, each with a fixture of its own.
async fn try_all<F: Fixture>(
    contracts: &[Contract<F>],
    fixture: impl AsyncFn() -> (F, Option<Local>),
) -> Vec<(&'static str, Outcome)> {
    let one = async |contract: &Contract<F>| {
        let tried = async {
            let (fixture, machine) = outcome(fixture()).await?;
            let held = outcome((contract.run)(fixture.clone())).await;
            match machine {
                Some(machine) => machine.stop().await,
                None => outcome(fixture.remove()).await?,
            }
            held
        };
        (contract.name, tried.await)
    };
    stream::iter(contracts).map(one).buffer_unordered(AT_ONCE).collect().await
}

async fn try_everything(endpoint: Option<&Endpoint>) -> BTreeMap<&'static str, Outcome> {
    async fn make<F: Fixture>(endpoint: Option<&Endpoint>) -> (F, Option<Local>) {
        match endpoint {
            Some(endpoint) => (F::make(endpoint.clone()).await, None),
            None => {
                let (fixture, machine) = F::on_local().await;
                (fixture, Some(machine))
            }
        }
    }
    // What does not hold is reported in the table.
    std::panic::set_hook(Box::new(|_| {}));
    let mut outcomes = BTreeMap::new();
    for module in TABLES {
        outcomes.extend(try_all(module, async || make(endpoint).await).await);
    }
    for module in QUEUES {
        outcomes.extend(try_all(module, async || make(endpoint).await).await);
    }
    let _ = std::panic::take_hook();
    outcomes
}

const TABLES: [&[Contract<crate::fixture::Table>]; 7] =
    [conditions::ALL, updates::ALL, keys::ALL, transactions::ALL, queries::ALL, indexes::ALL, streams::ALL];
const QUEUES: [&[Contract<crate::fixture::Queues>]; 2] = [messages::ALL, dead_letters::ALL];

/// Every contract's name and page, in order.
fn contracts() -> Vec<(&'static str, String)> {
    let tables = TABLES.into_iter().flatten().map(|contract| (contract.name, contract.to_string()));
    tables.chain(QUEUES.into_iter().flatten().map(|contract| (contract.name, contract.to_string()))).collect()
}

#[test]
fn what_is_known_to_differ_is_a_contract_once() {
    let names: Vec<_> = contracts().into_iter().map(|(name, _)| name).collect();
    for (at, (oracle, name, _)) in KNOWN.iter().enumerate() {
        assert!(names.contains(name), "{name} is no contract");
        assert!(!KNOWN[..at].iter().any(|(other, known, _)| (other, known) == (oracle, name)), "{name} is known twice");
    }
    assert!(!KNOWN.iter().any(|(oracle, ..)| *oracle == Oracle::Local), "`local` is to be mended");
}

/// Shows what holds where, and fails if that is not as is known.
#[tokio::test]
#[ignore = "`make test-oracles` installs what it needs"]
async fn oracles() {
    let mut columns = Vec::new();
    println!("trying {} contracts on local", contracts().len());
    columns.push((Oracle::Local, try_everything(None).await));
    if let Some(endpoint) = aws().await {
        println!("trying them on AWS (some minutes: each makes a table, or queues, and removes them)");
        columns.push((Oracle::Aws, try_everything(Some(&endpoint)).await));
    } else {
        println!("trying them on ministack");
        let ministack = start("ministack", |command, port| {
            command.env("GATEWAY_PORT", port.to_string()).env("BIND_HOST", "127.0.0.1").env("LOG_LEVEL", "ERROR");
        });
        columns.push((Oracle::Ministack, try_everything(Some(&ministack.await.endpoint)).await));
        println!("trying them on moto");
        let moto = start("moto_server", |command, port| {
            command.args(["--host", "127.0.0.1", "--port"]).arg(port.to_string());
        });
        columns.push((Oracle::Moto, try_everything(Some(&moto.await.endpoint)).await));
    }
    report(&columns);
}

fn report(columns: &[(Oracle, BTreeMap<&'static str, Outcome>)]) {
    let contracts = contracts();
    let width = contracts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let heads: String = columns.iter().map(|(oracle, _)| format!("{:<11}", oracle.name())).collect();
    println!("\n{:width$}  {heads}", "contract");
    let (mut notes, mut wrong) = (Vec::new(), Vec::new());
    for (name, page) in &contracts {
        let mut line = format!("{name:width$}  ");
        for (oracle, outcomes) in columns {
            let known = KNOWN.iter().find(|(at, known, _)| at == oracle && known == name).map(|(.., why)| *why);
            let cell = match (&outcomes[name], known) {
                (Ok(()), None) => "holds",
                (Err(_), Some(why)) => {
                    notes.push(format!("{}, {name}: {why}", oracle.name()));
                    "differs"
                }
                (Err(problem), None) => {
                    wrong.push(format!("{}: {name} does not hold ({page}): {problem}", oracle.name()));
                    "DIFFERS"
                }
                (Ok(()), Some(_)) => {
                    wrong.push(format!("{}: {name} holds now; take it off the list of what is known", oracle.name()));
                    "HOLDS NOW"
                }
            };
            line.push_str(&format!("{cell:<11}"));
        }
        println!("{}", line.trim_end());
    }
    println!();
    for (oracle, outcomes) in columns {
        let holds = outcomes.values().filter(|outcome| outcome.is_ok()).count();
        println!("{}: {holds} of {} hold", oracle.name(), outcomes.len());
    }
    if !notes.is_empty() {
        println!("\nknown to differ:\n{}", notes.join("\n"));
    }
    assert!(wrong.is_empty(), "{} not as is known:\n{}", wrong.len(), wrong.join("\n"));
}
