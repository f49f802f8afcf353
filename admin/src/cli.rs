//! What can be asked for, and how it is spelled.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::accounts::Accounts;
use crate::commands::applications::Applications;
use crate::commands::completions::Completions;
use crate::commands::console::Console;
use crate::commands::dead_letters::DeadLetters;
use crate::commands::erase::Erase;
use crate::commands::keys::Keys;
use crate::commands::listen::Listen;
use crate::commands::mails::Mails;
use crate::commands::merchants::Merchants;
use crate::commands::reconcile::Reconcile;
use crate::commands::refunds::Refunds;
use crate::commands::republish::Republish;
use crate::commands::sessions::Sessions;
use crate::commands::transfers::Transfers;
use crate::commands::truelayer::TrueLayer;
use crate::commands::verify::Verify;
use crate::commands::webhooks::Webhooks;
use crate::report::Output;
use crate::target::Target;

/// What is said without arguments, and after -h.
const HELP: &str = "\
The operator's command line of Counterfoil

Usage: counterfoil COMMAND … (-h after a command says more; --help, all of it)

  Who uses it  merchants keys applications accounts webhooks console
  Payments     sessions refunds transfers mails erase
  Repairs      verify reconcile dead-letters republish
  Set-up       listen truelayer completions

  counterfoil listen                              # show demo's events
  counterfoil sessions pending --longer-than 1h   # whose bank is silent
  counterfoil keys issue demo --mode test
  counterfoil webhooks list demo
  counterfoil verify                              # the whole table
";

/// What --help says then.
const MORE_HELP: &str = "\
It works on the service that `make run`, or an archive's `./run`, started on
this machine and noted in its data folder: --data-dir names another, --endpoint
its address itself. With --region or --profile it works on AWS: on the
deployment that --stack names, or on the table that --table names. Payers'
names, e-mail addresses and account numbers are shown only if they are asked for
by a flag, and in the events that `listen --output json` shows whole.

What changes data takes --dry-run, which changes nothing and says what would be.
--output json is for scripts. Ctrl-C ends any command: what was done until then
stays done. --version says which release this is.

Exit codes:
  0    it is done
  1    it is not, and standard error says in one line why; or something is wrong
       with what was checked
  2    the command line is wrong, or `verify` could not check
  130  it was interrupted; `listen`, which Ctrl-C ends, has 0 then";

/// The operator's command line of Counterfoil
// Its help is short, and stands in place of clap's list of commands and options.
#[derive(Debug, Parser)]
#[command(name = "counterfoil", version, help_template = "{before-help}")]
#[command(before_help = HELP, before_long_help = format!("{HELP}\n{MORE_HELP}"))]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) target: Target,
    /// How the answer is written
    #[arg(long, global = true, value_enum, default_value_t = Output::Table, hide_short_help = true)]
    pub(crate) output: Output,
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Whether it may change something: the command takes `--dry-run`, and that is not given.
    #[arg(skip)]
    pub(crate) changes: bool,
}

impl Cli {
    /// The line that was typed. One that can't be read ends the process, and so does one that asks for help.
    pub(crate) fn given() -> Self {
        Self::of(std::env::args_os().collect()).unwrap_or_else(|error| error.exit())
    }

    /// What a line says. Of one that names no command, the error is the help of those there are.
    fn of(line: Vec<OsString>) -> Result<Self, clap::Error> {
        let matches = Self::command().try_get_matches_from(line).map_err(help_for_no_command)?;
        let cli = Self::from_arg_matches(&matches).map_err(|error| error.format(&mut Self::command()))?;
        Ok(Self { changes: may_change(&matches), ..cli })
    }
}

/// Clap shows help only if no option is given either, on the line or by a variable. So the line is read again with nothing
/// but the names that lead to where the command is missing.
fn help_for_no_command(error: clap::Error) -> clap::Error {
    if error.kind() != ErrorKind::MissingSubcommand {
        return error;
    }
    let Some(ContextValue::String(names)) = error.get(ContextKind::InvalidSubcommand) else { return error };
    let without_variables = Cli::command().mut_args(|argument| argument.env(None::<&'static str>));
    let help = without_variables.try_get_matches_from(names.split(' ')).err();
    help.unwrap_or(error)
}

/// Whether the command that a line names takes `--dry-run`, and does not have it.
fn may_change(matches: &ArgMatches) -> bool {
    match matches.subcommand() {
        Some((_, inner)) => may_change(inner),
        None => matches.try_get_one::<bool>("dry_run").is_ok_and(|dry_run| dry_run == Some(&false)),
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    OfService(OfService),
    /// TrueLayer, by which live payments are made
    #[command(subcommand, name = "truelayer")]
    TrueLayer(TrueLayer),
    Listen(Listen),
    Completions(Completions),
}

// What is done to a service, which has to be there. A docstring would be the help of the whole.
#[derive(Debug, Subcommand)]
pub(crate) enum OfService {
    /// Merchants
    #[command(subcommand)]
    Merchants(Merchants),
    /// API keys, by which merchants' applications sign in
    #[command(subcommand)]
    Keys(Keys),
    /// Applications: what an API key has for Fintecture's format, whose requests are signed
    #[command(subcommand)]
    Applications(Applications),
    /// Linked accounts: where a merchant may be paid
    #[command(subcommand)]
    Accounts(Accounts),
    /// Webhook endpoints: where events are delivered to a merchant
    #[command(subcommand)]
    Webhooks(Webhooks),
    /// Payment sessions and their refunds
    #[command(subcommand)]
    Sessions(Sessions),
    /// Refunds: made, cancelled, concluded
    #[command(subcommand)]
    Refunds(Refunds),
    /// Transfers that payers make themselves
    #[command(subcommand)]
    Transfers(Transfers),
    /// Mails to payers and customers
    #[command(subcommand)]
    Mails(Mails),
    /// Dead letters: messages that failed too often, stream records that could not be published
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    Reconcile(Reconcile),
    Republish(Republish),
    Verify(Verify),
    /// The merchant's console
    #[command(subcommand)]
    Console(Console),
    /// Remove personal data
    #[command(subcommand)]
    Erase(Erase),
}

#[cfg(test)]
mod tests {
    use models::{AccountIdentifier, KeyOverlap, LinkedAccount, ListShards, Mode, Scope, Scopes};

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("counterfoil").chain(line.split(' ')))
    }

    fn of_service(line: &str) -> OfService {
        match parse(line).unwrap().command {
            Command::OfService(command) => command,
            Command::TrueLayer(_) | Command::Listen(_) | Command::Completions(_) => panic!("{line}"),
        }
    }

    fn refused(line: &str) -> ErrorKind {
        parse(line).unwrap_err().kind()
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    /// The examples in a help, each as its words.
    fn examples(help: &str) -> Vec<Vec<String>> {
        help.lines().filter(|line| line.starts_with("  counterfoil ")).map(words).collect()
    }

    /// A line's words, to where a shell goes on. Every other part is in quotes. A file has to be there, for it is read at once.
    fn words(line: &str) -> Vec<String> {
        let parts = line.split('"').enumerate();
        let parts = parts.map(|(n, part)| if n % 2 == 1 { vec![part] } else { part.split_whitespace().collect() });
        let theirs = parts.flatten().take_while(|word| !["#", ">", ">>"].contains(word));
        let key = concat!(env!("CARGO_MANIFEST_DIR"), "/../local/demo-application.pem");
        theirs.map(|word| if word == "public.pem" { key.to_owned() } else { word.to_owned() }).collect()
    }

    /// Adds the commands that have none of their own, each with the words that lead to it.
    fn add_leaves(command: &clap::Command, path: &str, leaves: &mut Vec<(String, clap::Command)>) {
        for inner in command.get_subcommands() {
            let path = format!("{path} {}", inner.get_name());
            match inner.has_subcommands() {
                true => add_leaves(inner, &path, leaves),
                false => leaves.push((path, inner.clone())),
            }
        }
    }

    #[test]
    fn the_first_help_is_short_and_names_every_command() {
        let help = Cli::command().render_help().to_string();
        assert!(help.lines().count() <= 14 && help.lines().all(|line| line.chars().count() <= 80), "{help}");
        let nothing = of("counterfoil").unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
        assert_eq!(nothing.to_string(), help);
        let groups = help.lines().skip_while(|line| !line.starts_with("  ")).take_while(|line| !line.is_empty());
        let mut listed: Vec<_> = groups.flat_map(|line| line[15..].split(' ')).collect();
        let cli = Cli::command();
        let mut names: Vec<_> = cli.get_subcommands().map(clap::Command::get_name).collect();
        listed.sort_unstable();
        names.sort_unstable();
        assert_eq!(listed, names);
        let examples = examples(&help);
        assert!(examples.len() >= 4, "{help}");
        for example in examples {
            assert!(Cli::try_parse_from(&example).is_ok(), "{example:?}");
        }
    }

    fn of(line: &str) -> Result<Cli, clap::Error> {
        Cli::of(line.split(' ').map(OsString::from).collect())
    }

    #[test]
    fn a_line_without_a_command_is_answered_with_the_short_help_whatever_its_options() {
        for names in ["counterfoil", "counterfoil sessions", "counterfoil applications keys"] {
            let help = of(names).unwrap_err();
            assert_eq!(help.kind(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, "{names}");
            for options in ["--output json", "--data-dir /tmp --table Other"] {
                let with_options = of(&format!("{names} {options}")).unwrap_err();
                assert_eq!((with_options.kind(), with_options.to_string()), (help.kind(), help.to_string()), "{names}");
            }
        }
        assert_eq!(of("counterfoil session --output json").unwrap_err().kind(), ErrorKind::InvalidSubcommand);
    }

    #[test]
    fn a_command_changes_something_if_it_could_be_a_dry_run_and_is_none() {
        let id = "1ae1ce03-dfa9-4593-b487-65c656991cb5";
        for (line, changes) in [
            ("keys list acme".to_owned(), false),
            ("verify".to_owned(), false),
            ("erase payer --email ada@example.com".to_owned(), true),
            ("erase payer --email ada@example.com --dry-run".to_owned(), false),
            (format!("refunds conclude {id} --not-there --output json"), true),
        ] {
            assert_eq!(of(&format!("counterfoil {line}")).unwrap().changes, changes, "{line}");
        }
    }

    /// Without them, a shell offers files.
    #[test]
    fn options_that_take_one_of_a_few_words_name_them() {
        let mut leaves = Vec::new();
        add_leaves(&Cli::command(), "counterfoil", &mut leaves);
        let arguments = leaves.iter().flat_map(|(path, command)| command.get_arguments().map(move |one| (path, one)));
        let mut seen = 0;
        for (path, argument) in arguments {
            if ["mode", "overlap", "format", "environment", "role", "state"].contains(&argument.get_id().as_str()) {
                assert!(argument.get_possible_values().len() >= 2, "{path}: {argument}");
                seen += 1;
            }
        }
        assert!(seen >= 8, "{seen}");
    }

    #[test]
    fn the_whole_help_says_more_and_names_every_option_of_all_commands() {
        let (short, long) = (Cli::command().render_help().to_string(), Cli::command().render_long_help().to_string());
        assert!(long.starts_with(&short) && long.lines().all(|line| line.chars().count() <= 80), "{long}");
        for option in Cli::command().get_arguments().filter_map(clap::Arg::get_long) {
            assert!(long.contains(&format!("--{option}")), "{option}");
        }
    }

    #[test]
    fn what_changes_something_has_examples_that_can_be_typed() {
        let mut leaves = Vec::new();
        add_leaves(&Cli::command(), "counterfoil", &mut leaves);
        for (path, command) in leaves {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples = examples(&help);
            let changes = command.get_arguments().any(|argument| argument.get_id() == "dry_run");
            assert!(!changes || !examples.is_empty(), "{path} has no example");
            for example in examples {
                assert!(example.join(" ").starts_with(&path), "{path}: {example:?}");
                assert!(Cli::try_parse_from(&example).is_ok(), "{example:?}");
            }
        }
    }

    #[test]
    fn where_the_service_is_is_said_in_the_whole_help_of_a_command_alone() {
        let mut cli = Cli::command();
        cli.build();
        let issue = cli.find_subcommand_mut("keys").unwrap().find_subcommand_mut("issue").unwrap();
        let (short, long) = (issue.render_help().to_string(), issue.render_long_help().to_string());
        assert!(!short.contains("--region") && short.contains("--mode"), "{short}");
        assert!(long.contains("--region"), "{long}");
    }

    #[test]
    fn a_merchant_is_created_by_id_and_name() {
        let OfService::Merchants(Merchants::Create { id, name, .. }) = of_service("merchants create acme --name Acme")
        else {
            panic!()
        };
        assert_eq!((id.as_str(), name.as_str()), ("acme", "Acme"));
        assert_eq!(refused("merchants create Acme --name Acme"), ErrorKind::ValueValidation);
        assert_eq!(refused("merchants create acme"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused("merchants create acme --name \u{7}"), ErrorKind::ValueValidation);
    }

    #[test]
    fn shards_are_counted_from_one_to_256() {
        let OfService::Merchants(Merchants::Shards { id, count, .. }) = of_service("merchants shards acme 256") else {
            panic!()
        };
        assert_eq!((id.as_str(), count), ("acme", ListShards::MAX));
        for line in ["merchants shards acme 0", "merchants shards acme 257", "merchants shards acme many"] {
            assert_eq!(refused(line), ErrorKind::ValueValidation);
        }
        assert_eq!(refused("merchants shards acme"), ErrorKind::MissingRequiredArgument);
    }

    #[test]
    fn a_key_has_a_mode_and_all_scopes_unless_fewer_are_given() {
        let issued = |line: &str| {
            let OfService::Keys(Keys::Issue { mode, scopes, .. }) = of_service(line) else { panic!() };
            (mode, scopes)
        };
        assert_eq!(issued("keys issue acme --mode test"), (Mode::Test, Scopes::ALL));
        let (mode, scopes) = issued("keys issue acme --mode live --scopes refunds:write");
        assert_eq!((mode, scopes.to_string()), (Mode::Live, "refunds:write".to_owned()));
        assert_eq!(refused("keys issue acme"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused("keys issue acme --mode prod"), ErrorKind::InvalidValue);
        assert_eq!(refused("keys issue acme --mode test --scopes everything"), ErrorKind::ValueValidation);
        assert_eq!(refused("keys issue acme --mode test --scopes "), ErrorKind::ValueValidation);
        assert_eq!(refused("keys revoke sk_test_acme_1"), ErrorKind::ValueValidation);
    }

    #[test]
    fn a_key_is_rolled_with_one_of_three_overlaps() {
        let overlap = |line: &str| {
            let OfService::Keys(Keys::Roll { overlap, .. }) = of_service(line) else { panic!() };
            overlap
        };
        assert_eq!(overlap("keys roll pk_test_acme_1"), KeyOverlap::Day);
        assert_eq!(overlap("keys roll pk_test_acme_1 --overlap=7d"), KeyOverlap::Week);
        assert_eq!(refused("keys roll pk_test_acme_1 --overlap=2h"), ErrorKind::InvalidValue);
        assert_eq!(refused("keys roll sk_test_acme_1"), ErrorKind::ValueValidation);
    }

    #[test]
    fn an_account_is_accepted_with_the_separators_people_type() {
        let line = "accounts link acme --name Acme --sort-code 01-02-03 --account-number 12345678";
        let OfService::Accounts(Accounts::Link { account, .. }) = of_service(line) else { panic!() };
        let LinkedAccount { account, default, .. } = account.try_into().unwrap();
        assert_eq!((Ok(account), default), (AccountIdentifier::uk("010203", "12345678"), false));
        let line = "accounts link acme --name Acme --iban de89370400440532013000 --default";
        let OfService::Accounts(Accounts::Link { account, .. }) = of_service(line) else { panic!() };
        let LinkedAccount { account, default, .. } = account.try_into().unwrap();
        assert_eq!((account.last_four(), default), ("3000", true));
        for (line, kind) in [
            ("", ErrorKind::MissingRequiredArgument),
            (" --sort-code 010203", ErrorKind::MissingRequiredArgument),
            (" --account-number 12345678", ErrorKind::MissingRequiredArgument),
            (" --iban DE88370400440532013000", ErrorKind::ValueValidation),
            (" --iban DE89370400440532013000 --sort-code 010203", ErrorKind::ArgumentConflict),
        ] {
            assert_eq!(refused(&format!("accounts link acme --name Acme{line}")), kind, "{line}");
        }
        let line = "accounts link acme --name Acme --sort-code 010203 --account-number 1234567";
        assert_eq!(refused(line), ErrorKind::ValueValidation);
    }

    #[test]
    fn an_application_is_named_by_its_key() {
        let line = "applications urls pk_live_acme_1 --add https://acme.example/a --remove https://acme.example/b";
        let OfService::Applications(Applications::Urls { key_id, .. }) = of_service(line) else { panic!() };
        assert_eq!(key_id.as_str(), "pk_live_acme_1");
        assert_eq!(refused("applications urls pk_live_acme_1"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused("applications urls pk_live_acme_1 --add acme.example"), ErrorKind::ValueValidation);
        assert_eq!(refused("applications show acme"), ErrorKind::ValueValidation);
        assert_eq!(refused("applications keys remove pk_live_acme_1 1"), ErrorKind::ValueValidation);
        assert_eq!(refused("applications signed pk_live_acme_1"), ErrorKind::MissingRequiredArgument);
    }

    #[test]
    fn the_help_of_a_key_names_every_scope() {
        let mut cli = Cli::command();
        let issue = cli.find_subcommand_mut("keys").unwrap().find_subcommand("issue").unwrap();
        let scopes = issue.get_arguments().find(|argument| argument.get_id() == "scopes").unwrap();
        let help = scopes.get_help().unwrap().to_string();
        for scope in Scope::ALL {
            assert!(help.contains(scope.as_str()), "{help}");
        }
    }

    #[test]
    fn an_endpoint_is_named_by_its_merchant_and_its_id() {
        let id = "1ae1ce03-dfa9-4593-b487-65c656991cb5";
        let OfService::Webhooks(Webhooks::Resume { merchant, endpoint_id, .. }) =
            of_service(&format!("webhooks resume acme {id}"))
        else {
            panic!()
        };
        assert_eq!((merchant.as_str(), endpoint_id.to_string().as_str()), ("acme", id));
        assert_eq!(refused("webhooks resume acme"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused("webhooks resume acme mine"), ErrorKind::ValueValidation);
        assert_eq!(refused("webhooks list"), ErrorKind::MissingRequiredArgument);
    }

    #[test]
    fn truelayer_is_checked_in_one_environment_and_payments_are_compared_in_one_mode() {
        let line = "truelayer check --base-url https://pay.example.com --environment";
        let Command::TrueLayer(TrueLayer::Check { environment, .. }) =
            parse(&format!("{line} sandbox")).unwrap().command
        else {
            panic!()
        };
        assert_eq!(environment.as_str(), "sandbox");
        assert_eq!(refused(&format!("{line} test")), ErrorKind::InvalidValue);
        assert!(matches!(of_service("reconcile --since 48h --mode test"), OfService::Reconcile(_)));
        assert_eq!(refused("reconcile"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused("reconcile --since 48h --mode sandbox"), ErrorKind::InvalidValue);
    }

    #[test]
    fn events_are_listened_to_with_nothing_said() {
        assert!(matches!(parse("listen").unwrap().command, Command::Listen(_)));
        let line = "listen --forward http://127.0.0.1:3001/hooks --merchant acme --mode test --format yorlet";
        assert!(matches!(parse(line).unwrap().command, Command::Listen(_)));
        assert_eq!(refused("listen --forward 127.0.0.1:3001"), ErrorKind::ValueValidation);
        for line in ["listen --mode sandbox", "listen --format xml"] {
            assert_eq!(refused(line), ErrorKind::InvalidValue, "{line}");
        }
    }

    #[test]
    fn what_is_cancelled_or_refunded_has_a_reason() {
        let id = "1ae1ce03-dfa9-4593-b487-65c656991cb5";
        for line in ["sessions cancel", "refunds cancel", "refunds create"] {
            assert_eq!(refused(&format!("{line} {id}")), ErrorKind::MissingRequiredArgument, "{line}");
            assert!(parse(&format!("{line} {id} --reason duplicate")).is_ok(), "{line}");
            assert_eq!(refused(&format!("{line} {id} --reason ")), ErrorKind::ValueValidation, "{line}");
            assert_eq!(refused(&format!("{line} 1ae1ce03 --reason duplicate")), ErrorKind::ValueValidation, "{line}");
        }
        let line = format!("refunds create {id} --reason returned");
        for more in ["--amount 10.00 --refunds-so-far 0", "--account-from-env"] {
            assert!(parse(&format!("{line} {more}")).is_ok(), "{more}");
        }
        assert_eq!(refused(&format!("{line} --refunds-so-far all")), ErrorKind::ValueValidation);
        // The account of a payer is no argument, which all who list processes would see.
        for personal in
            ["--name Ada", "--sort-code 01-02-03", "--account-number 12345678", "--iban DE89370400440532013000"]
        {
            assert_eq!(refused(&format!("{line} {personal}")), ErrorKind::UnknownArgument, "{personal}");
        }
    }

    #[test]
    fn a_refund_is_concluded_in_one_of_two_ways() {
        let line = "refunds conclude 1ae1ce03-dfa9-4593-b487-65c656991cb5";
        for way in ["--not-there", "--known-as 6a1f3c2e-50b1-4c4b-9f6e-0a1b2c3d4e5f"] {
            assert!(matches!(of_service(&format!("{line} {way}")), OfService::Refunds(_)));
        }
        assert_eq!(refused(line), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused(&format!("{line} --known-as a --not-there")), ErrorKind::ArgumentConflict);
        let usage = parse(line).unwrap_err().to_string();
        assert!(usage.contains("<--known-as <ID>|--not-there>"), "{usage}");
    }

    #[test]
    fn sessions_are_found_by_what_is_known_and_shown_by_an_id_of_any_format() {
        for line in [
            "",
            " --mode test --reference Illuminate --email ada@example.com --amount 12.34 --state awaiting_payer",
            " --end-to-end-id 1AE1CE03DFA94593B48765C656991CB5 --id-prefix 1ae1ce03-dfa9 --limit 100",
            " --since 30d --until 2096-01-31T09:30:00Z --personal",
            " --amount 12,34",
            " --amount £1,234.50",
        ] {
            assert!(matches!(of_service(&format!("sessions find acme{line}")), OfService::Sessions(Sessions::Find(_))));
        }
        assert_eq!(refused("sessions find"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused("sessions find acme --state paid"), ErrorKind::InvalidValue);
        for line in [
            "--reference a-b",
            "--email ada",
            "--amount 12,3",
            "--amount ten",
            "--end-to-end-id 1ae1ce03",
            "--id-prefix 1ae1ce0",
            "--id-prefix 1ae1ce0g",
            "--after 1ae1ce03",
            "--limit 0",
            "--limit 101",
            "--since yesterday",
        ] {
            assert_eq!(refused(&format!("sessions find acme {line}")), ErrorKind::ValueValidation, "{line}");
        }
        for command in ["sessions show", "mails list", "erase session"] {
            for id in ["1AE1CE03DFA94593B48765C656991CB5", "py_sess_0000000000000000000007"] {
                assert!(parse(&format!("{command} {id}")).is_ok(), "{command} {id}");
            }
            assert_eq!(refused(&format!("{command} 1ae1ce03")), ErrorKind::ValueValidation);
        }
        assert!(parse("refunds conclude re_0000000000000000000007 --not-there").is_ok());
    }

    #[test]
    fn where_and_how_can_be_said_at_the_end() {
        let cli =
            parse("keys list acme --region eu-west-2 --profile work --table stack-Table-1 --output json").unwrap();
        assert_eq!(cli.target.region.as_deref(), Some("eu-west-2"));
        assert_eq!(cli.target.profile.as_deref(), Some("work"));
        assert_eq!((cli.target.table.as_deref(), cli.output), (Some("stack-Table-1"), Output::Json));
        let cli = parse("--endpoint http://127.0.0.1:8000/ keys list acme").unwrap();
        assert_eq!(cli.target.endpoint.as_deref(), Some("http://127.0.0.1:8000"));
        assert_eq!(refused("keys list acme --endpoint localhost:8000"), ErrorKind::ValueValidation);
        let longest = "t".repeat(255);
        for table in ["Tab", "prod.eu_west-Table-1", &longest] {
            assert!(parse(&format!("keys list acme --table={table}")).is_ok(), "{table}");
        }
        for table in ["", "x", "local/Table", "Täbel", &format!("{longest}t")] {
            assert_eq!(refused(&format!("keys list acme --table={table}")), ErrorKind::ValueValidation, "{table}");
        }
        let with_a_space = Cli::try_parse_from(["counterfoil", "keys", "list", "acme", "--table", "local-Table "]);
        let said = with_a_space.unwrap_err().to_string();
        assert!(said.contains("must be a table's name: 3 to 255 letters"), "{said}");
        assert_eq!(refused("keys list acme --output yaml"), ErrorKind::InvalidValue);
    }
}
