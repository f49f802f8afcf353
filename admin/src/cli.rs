//! What can be asked for, and how it is spelled.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use models::{AccountIdentifier, AccountNumber, ApiKeyId, EndpointId, InvalidAccount, InvalidText, LinkedAccount};
use models::{ListShards, MerchantId, Mode, Name, Scope, Scopes, SortCode};

/// The operator's command line of Counterfoil.
///
/// It works on the service that `make run` started on this machine, unless --region or --profile says that it is AWS.
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

/// Where the table is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where")]
pub(crate) struct Target {
    /// The address of a DynamoDB on this machine [default: what `make run` wrote to <DATA_DIR>/endpoint]
    #[arg(long, global = true, env = "COUNTERFOIL_ENDPOINT", value_name = "URL", value_parser = endpoint)]
    pub(crate) endpoint: Option<String>,
    /// The data folder of `make run`
    #[arg(long, global = true, env = "DATA_DIR", value_name = "FOLDER", default_value = ".local")]
    pub(crate) data_dir: PathBuf,
    /// The table's name; on AWS the stack's output TableName
    #[arg(long, global = true, env = "TABLE_NAME", value_name = "NAME", default_value = "local-Table")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) table: String,
    /// On AWS, with the credentials of this profile
    #[arg(long, global = true, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) profile: Option<String>,
    /// On AWS, in this region [default: the profile's]
    #[arg(long, global = true, value_name = "REGION", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) region: Option<String>,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Table,
    /// For scripts.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Merchants
    #[command(subcommand)]
    Merchants(Merchants),
    /// API keys
    #[command(subcommand)]
    Keys(Keys),
    /// Linked accounts: where a merchant may be paid
    #[command(subcommand)]
    Accounts(Accounts),
    /// Webhook endpoints: where a merchant is told of events
    #[command(subcommand)]
    Webhooks(Webhooks),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Merchants {
    /// Create a merchant
    Create {
        /// 1 to 24 lower-case letters and digits; its keys will carry it
        id: MerchantId,
        /// Its name, for you
        #[arg(long, value_parser = name)]
        name: Name,
    },
    /// Show a merchant
    Show {
        /// The merchant's id
        id: MerchantId,
    },
    /// Spread a busy merchant's new sessions over more shards of its lists
    ///
    /// One partition of DynamoDB takes 1,000 writes a second, and a merchant with more has its requests throttled. The count
    /// only rises: each session stays where it is, and every list looks at every shard. Only a merchant with very many
    /// payments needs more than the one that it begins with.
    Shards {
        /// The merchant's id
        id: MerchantId,
        #[arg(help = format!(
            "How many, up to {}: one for each {} sessions that are created in its busiest second",
            ListShards::MAX,
            ListShards::CREATIONS_PER_SECOND
        ))]
        count: ListShards,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Issue an API key; its secret is shown once
    Issue {
        /// The merchant's id
        merchant: MerchantId,
        /// `test`, or `live` for real money
        #[arg(long, value_name = "test|live")]
        mode: Mode,
        #[arg(long, value_parser = scopes, default_value_t = Scopes::ALL)]
        #[arg(help = format!("What the key may do, with spaces between: {}", Scopes::ALL))]
        scopes: Scopes,
    },
    /// List a merchant's API keys, revoked ones included
    List {
        /// The merchant's id
        merchant: MerchantId,
    },
    /// Revoke an API key for good, with all tokens made with it
    Revoke {
        /// The key's id, pk_…
        key_id: ApiKeyId,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Accounts {
    /// Link an account
    Link {
        /// The merchant's id
        merchant: MerchantId,
        #[command(flatten)]
        account: AccountArgs,
    },
    /// List a merchant's linked accounts
    List {
        /// The merchant's id
        merchant: MerchantId,
        /// Show whole account numbers
        #[arg(long)]
        full: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Webhooks {
    /// List a merchant's webhook endpoints, test and live, with how they fare
    ///
    /// FAILURES is how many deliveries have failed since the last that succeeded. Nothing is tried until PARKED UNTIL.
    /// WAITING is how many payment sessions and refunds the endpoint hears no more of until it is resumed: it failed for
    /// three days, or was disabled.
    List {
        /// The merchant's id
        merchant: MerchantId,
    },
    /// Tell an endpoint all that waits for it, in order, once its merchant has mended it
    ///
    /// It begins within a minute. An endpoint that is disabled is not resumed: its merchant enables it, by
    /// `PATCH /v2/webhooks/{id}` with {"enabled": true}, and that resumes it too.
    Resume {
        /// The merchant's id
        merchant: MerchantId,
        /// The endpoint's id, as `webhooks list` shows it
        endpoint_id: EndpointId,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AccountArgs {
    /// The account holder
    #[arg(long, value_parser = name)]
    name: Name,
    /// 6 digits, such as 01-02-03
    #[arg(long, value_parser = sort_code)]
    sort_code: SortCode,
    /// 8 digits
    #[arg(long, value_parser = account_number)]
    account_number: AccountNumber,
}

impl From<AccountArgs> for LinkedAccount {
    fn from(AccountArgs { name, sort_code, account_number }: AccountArgs) -> Self {
        Self { name, account: AccountIdentifier { sort_code, account_number } }
    }
}

fn name(text: &str) -> Result<Name, InvalidText> {
    text.to_owned().try_into()
}

fn sort_code(text: &str) -> Result<SortCode, InvalidAccount> {
    text.to_owned().try_into()
}

fn account_number(text: &str) -> Result<AccountNumber, InvalidAccount> {
    text.to_owned().try_into()
}

fn scopes(text: &str) -> Result<Scopes, String> {
    match text.parse::<Scopes>() {
        Ok(scopes) if scopes != Scopes::NONE => Ok(scopes),
        Ok(_) | Err(_) => Err(format!("must be one or more of: {}", Scope::ALL.map(Scope::as_str).join(" "))),
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
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("counterfoil").chain(line.split(' ')))
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
        let Command::Merchants(Merchants::Create { id, name }) =
            parse("merchants create acme --name Acme").unwrap().command
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
        let Command::Merchants(Merchants::Shards { id, count }) = parse("merchants shards acme 256").unwrap().command
        else {
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
            let Command::Keys(Keys::Issue { mode, scopes, .. }) = parse(line).unwrap().command else { panic!() };
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
    fn an_account_is_taken_with_the_separators_people_type() {
        let line = "accounts link acme --name Acme --sort-code 01-02-03 --account-number 12345678";
        let Command::Accounts(Accounts::Link { account, .. }) = parse(line).unwrap().command else { panic!() };
        let LinkedAccount { account, .. } = account.into();
        assert_eq!((account.sort_code.as_str(), account.account_number.as_str()), ("010203", "12345678"));
        let line = "accounts link acme --name Acme --sort-code 010203 --account-number 1234567";
        assert_eq!(refused(line), ErrorKind::ValueValidation);
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
        let Command::Webhooks(Webhooks::Resume { merchant, endpoint_id }) =
            parse(&format!("webhooks resume acme {id}")).unwrap().command
        else {
            panic!()
        };
        assert_eq!((merchant.as_str(), endpoint_id.to_string().as_str()), ("acme", id));
        assert_eq!(refused("webhooks resume acme"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused("webhooks resume acme mine"), ErrorKind::ValueValidation);
        assert_eq!(refused("webhooks list"), ErrorKind::MissingRequiredArgument);
    }

    #[test]
    fn where_and_how_can_be_said_at_the_end() {
        let cli =
            parse("keys list acme --region eu-west-2 --profile work --table stack-Table-1 --output json").unwrap();
        assert_eq!(cli.target.region.as_deref(), Some("eu-west-2"));
        assert_eq!(cli.target.profile.as_deref(), Some("work"));
        assert_eq!((cli.target.table.as_str(), cli.output), ("stack-Table-1", Output::Json));
        let cli = parse("--endpoint http://127.0.0.1:8000/ keys list acme").unwrap();
        assert_eq!(cli.target.endpoint.as_deref(), Some("http://127.0.0.1:8000"));
        assert_eq!(refused("keys list acme --endpoint localhost:8000"), ErrorKind::ValueValidation);
        assert_eq!(refused("keys list acme --output yaml"), ErrorKind::InvalidValue);
    }
}
