//! What can be asked for, and how it is spelled.

use clap::{Parser, Subcommand};

use crate::commands::accounts::Accounts;
use crate::commands::applications::Applications;
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

/// The operator's command line of Counterfoil.
///
/// It works on the service that `make run` started on this machine, unless --region or --profile says that it is AWS. Payers'
/// names, e-mail addresses and account numbers are shown only if they are asked for by a flag.
#[derive(Debug, Parser)]
#[command(name = "counterfoil", version)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) target: Target,
    /// How the answer is written
    #[arg(long, global = true, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    OfService(OfService),
    /// TrueLayer, by which live payments are made
    #[command(subcommand, name = "truelayer")]
    TrueLayer(TrueLayer),
    Listen(Listen),
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
    /// Refunds that TrueLayer was asked for
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
    use clap::CommandFactory;
    use clap::error::ErrorKind;
    use models::{AccountIdentifier, KeyOverlap, LinkedAccount, ListShards, Mode, Scope, Scopes};

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("counterfoil").chain(line.split(' ')))
    }

    fn of_service(line: &str) -> OfService {
        match parse(line).unwrap().command {
            Command::OfService(command) => command,
            Command::TrueLayer(_) | Command::Listen(_) => panic!("{line}"),
        }
    }

    fn refused(line: &str) -> ErrorKind {
        parse(line).unwrap_err().kind()
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
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
        assert_eq!(refused("keys issue acme --mode prod"), ErrorKind::ValueValidation);
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
        assert_eq!(refused("keys roll pk_test_acme_1 --overlap=2h"), ErrorKind::ValueValidation);
        assert_eq!(refused("keys roll sk_test_acme_1"), ErrorKind::ValueValidation);
    }

    #[test]
    fn an_account_is_taken_with_the_separators_people_type() {
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
        assert_eq!(refused(&format!("{line} test")), ErrorKind::ValueValidation);
        assert!(matches!(of_service("reconcile --since 48h --mode test"), OfService::Reconcile(_)));
        assert_eq!(refused("reconcile"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused("reconcile --since 48h --mode sandbox"), ErrorKind::ValueValidation);
    }

    #[test]
    fn events_are_listened_to_with_nothing_said() {
        assert!(matches!(parse("listen").unwrap().command, Command::Listen(_)));
        let line = "listen --forward http://127.0.0.1:3001/hooks --merchant acme --mode test --format yorlet";
        assert!(matches!(parse(line).unwrap().command, Command::Listen(_)));
        for line in ["listen --forward 127.0.0.1:3001", "listen --mode sandbox", "listen --format xml"] {
            assert_eq!(refused(line), ErrorKind::ValueValidation, "{line}");
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
        assert_eq!(refused("keys list acme --output yaml"), ErrorKind::InvalidValue);
    }
}
