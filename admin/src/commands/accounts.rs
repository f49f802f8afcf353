//! Linked accounts.

use clap::{Args, Subcommand};
use models::{
    AccountEnd, AccountIdentifier, AccountNumber, ActKind, ActObject, Iban, InvalidAccount, InvalidIban, LinkedAccount,
    MerchantId, Name, SortCode,
};
use store::Merchants;

use super::merchants::get;
use crate::arguments::{DRY_RUN_NOTE, DryRun, text};
use crate::failure::Failure;
use crate::report::{Record, Report, field, maybe, plain, word};
use crate::target::Service;

const UNLINKED_NOTE: &str = "New sessions can't name it any more, once functions that knew it have forgotten it in 30 seconds; those that \
     name it are paid to it as before.";

#[derive(Debug, Subcommand)]
pub(crate) enum Accounts {
    /// Link an account
    #[command(after_help = "Example:\n  counterfoil accounts link acme --name Acme --iban DE89370400440532013000")]
    Link {
        /// The merchant's id
        merchant: MerchantId,
        #[command(flatten)]
        account: AccountArgs,
        #[command(flatten)]
        dry: DryRun,
    },
    /// Unlink an account: no new session can be paid to it
    ///
    /// Sessions that were created before are paid to it all the same: cancel them if they must not be.
    #[command(after_help = "Example:\n  counterfoil accounts unlink acme --iban DE89370400440532013000")]
    Unlink {
        /// The merchant's id
        merchant: MerchantId,
        #[command(flatten)]
        account: IdentifierArgs,
        #[command(flatten)]
        dry: DryRun,
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

#[derive(Debug, Args)]
pub(crate) struct AccountArgs {
    /// The account holder
    #[arg(long, value_parser = text::<Name>)]
    name: Name,
    #[command(flatten)]
    account: IdentifierArgs,
    /// Payments that name no account are paid here, before the merchant's others of the same currency
    #[arg(long)]
    default: bool,
}

/// Sort code and account number, or an IBAN.
#[derive(Debug, Args)]
pub(crate) struct IdentifierArgs {
    #[command(flatten)]
    uk: Option<UkArgs>,
    /// An account of any country
    #[arg(long, value_parser = iban, required_unless_present = "sort_code", conflicts_with_all = ["sort_code", "account_number"])]
    iban: Option<Iban>,
}

#[derive(Debug, Args)]
pub(crate) struct UkArgs {
    /// 6 digits, such as 01-02-03
    #[arg(long, value_parser = sort_code, required = false, requires = "account_number")]
    sort_code: SortCode,
    /// 8 digits
    #[arg(long, value_parser = account_number, required = false, requires = "sort_code")]
    account_number: AccountNumber,
}

impl TryFrom<IdentifierArgs> for AccountIdentifier {
    type Error = Failure;

    /// The command line has one of the two.
    fn try_from(IdentifierArgs { uk, iban }: IdentifierArgs) -> Result<Self, Failure> {
        let uk = uk.map(|UkArgs { sort_code, account_number }| Self::UkAccount { sort_code, account_number });
        uk.or(iban.map(|iban| Self::Iban { iban })).ok_or(Failure::NoAccount)
    }
}

impl TryFrom<AccountArgs> for LinkedAccount {
    type Error = Failure;

    fn try_from(AccountArgs { name, account, default }: AccountArgs) -> Result<Self, Failure> {
        Ok(Self { name, account: account.try_into()?, default, linked_at: None })
    }
}

pub(crate) async fn run(command: Accounts, service: &Service) -> Result<Report, Failure> {
    let merchants = &Merchants::new(service.table.clone());
    match command {
        Accounts::Link { merchant, account, dry } => link(service, merchants, merchant, account.try_into()?, dry).await,
        Accounts::Unlink { merchant, account, dry } => {
            unlink(service, merchants, merchant, account.try_into()?, dry).await
        }
        Accounts::List { merchant, full } => {
            let accounts = get(merchants, merchant).await?.linked_accounts;
            Ok(Report::many(accounts.iter().map(|account| record(account, full)).collect()))
        }
    }
}

async fn link(
    service: &Service,
    merchants: &Merchants,
    id: MerchantId,
    account: LinkedAccount,
    dry: DryRun,
) -> Result<Report, Failure> {
    let merchant = get(merchants, id).await?;
    let report = Report::one(record(&account, false));
    if dry.dry_run {
        return match merchant.linked_account(&account.account) {
            Some(_) => Err(Failure::AccountLinked(merchant.id)),
            None => Ok(report.with_note(DRY_RUN_NOTE)),
        };
    }
    service.record(&merchant.id, None, ActKind::AccountLinked, object(&account.account)?).await?;
    if !merchants.link_account(&merchant.id, &account, None).await? {
        return Err(Failure::AccountLinked(merchant.id));
    }
    Ok(report)
}

async fn unlink(
    service: &Service,
    merchants: &Merchants,
    id: MerchantId,
    account: AccountIdentifier,
    dry: DryRun,
) -> Result<Report, Failure> {
    let merchant = get(merchants, id).await?;
    let Some(linked) = merchant.linked_account(&account) else {
        return Err(Failure::AccountNotLinked(merchant.id));
    };
    let report = |status| {
        let fields = record(linked, false).0.into_iter().chain([word("status", status)]);
        Report::one(Record(fields.collect()))
    };
    if dry.dry_run {
        return Ok(report("would be unlinked").with_note(DRY_RUN_NOTE));
    }
    service.record(&merchant.id, None, ActKind::AccountUnlinked, object(&account)?).await?;
    // Gone already: then somebody else was first, or the SDK repeated what was done.
    merchants.unlink_account(&merchant.id, &account, None).await?;
    Ok(report("unlinked").with_note(UNLINKED_NOTE))
}

/// What an act has of an account.
fn object(account: &AccountIdentifier) -> Result<ActObject, Failure> {
    let end = AccountEnd::try_from(account.last_four().to_owned()).map_err(|_| Failure::NoAccount)?;
    Ok(ActObject::Account(end))
}

fn record(LinkedAccount { name, account, default, .. }: &LinkedAccount, full: bool) -> Record {
    let shown = |number: &str| if full { number.to_owned() } else { format!("****{}", account.last_four()) };
    let name = field("name", name.as_str());
    let (sort_code, account_number, iban) = match account {
        AccountIdentifier::UkAccount { sort_code, account_number } => {
            (Some(sort_code.as_str()), Some(shown(account_number.as_str())), None)
        }
        AccountIdentifier::Iban { iban } => (None, None, Some(shown(iban.as_str()))),
    };
    Record(vec![
        name,
        maybe("sort_code", sort_code),
        maybe("account_number", account_number),
        maybe("iban", iban),
        plain("default", *default),
    ])
}

pub(crate) fn sort_code(text: &str) -> Result<SortCode, InvalidAccount> {
    text.to_owned().try_into()
}

pub(crate) fn account_number(text: &str) -> Result<AccountNumber, InvalidAccount> {
    text.to_owned().try_into()
}

pub(crate) fn iban(text: &str) -> Result<Iban, InvalidIban> {
    text.to_owned().try_into()
}
