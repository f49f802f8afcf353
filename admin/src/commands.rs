//! What each command does.

use api::IssuedKey;
use models::{ApiKey, LinkedAccount, Merchant, MerchantId, Mode, Name, Scopes};
use store::Merchants;

use crate::cli::{Accounts, Command, Keys, Merchants as MerchantsCommand};
use crate::failure::Failure;
use crate::report::{Record, Report};

const SECRET_NOTE: &str = "The secret is shown this once and kept nowhere: store it now.";
const REVOKED_NOTE: &str = "Functions that used the key within the last 30 seconds may honour it until those are over.";

/// Does it.
pub(crate) async fn run(command: Command, merchants: &Merchants) -> Result<Report, Failure> {
    match command {
        Command::Merchants(MerchantsCommand::Create { id, name }) => create_merchant(merchants, id, name).await,
        Command::Keys(Keys::Issue { merchant, mode, scopes }) => issue_key(merchants, merchant, mode, scopes).await,
        Command::Keys(Keys::List { merchant }) => {
            let mut keys = get(merchants, merchant).await?.keys;
            keys.sort_by_key(|key| key.created_at);
            Ok(Report::many(keys.iter().map(key_record).collect()))
        }
        Command::Keys(Keys::Revoke { key_id }) => {
            if !merchants.revoke_key(&key_id).await? {
                return Err(Failure::NoKey { id: key_id });
            }
            let record = Record(vec![field("key_id", key_id), field("status", "revoked")]);
            Ok(Report::one(record).with_note(REVOKED_NOTE))
        }
        Command::Accounts(Accounts::Link { merchant, account }) => {
            let account = LinkedAccount::from(account);
            let merchant = get(merchants, merchant).await?.id;
            if !merchants.link_account(&merchant, &account).await? {
                return Err(Failure::AccountLinked(merchant));
            }
            Ok(Report::one(account_record(&account, false)))
        }
        Command::Accounts(Accounts::List { merchant, full }) => {
            let accounts = get(merchants, merchant).await?.linked_accounts;
            Ok(Report::many(accounts.iter().map(|account| account_record(account, full)).collect()))
        }
    }
}

async fn get(merchants: &Merchants, id: MerchantId) -> Result<Merchant, Failure> {
    merchants.get(&id).await?.ok_or(Failure::NoMerchant(id))
}

async fn create_merchant(merchants: &Merchants, id: MerchantId, name: Name) -> Result<Report, Failure> {
    let salt = api::random_bytes();
    if !merchants.create(&id, name.clone(), salt).await? {
        // Ours after all if it bears our salt: the SDK repeated a write whose answer was lost.
        let there = merchants.get(&id).await?;
        if there.is_none_or(|there| there.idempotency_salt != salt) {
            return Err(Failure::MerchantExists(id));
        }
    }
    Ok(Report::one(Record(vec![field("id", id), field("name", name.as_str())])))
}

async fn issue_key(merchants: &Merchants, id: MerchantId, mode: Mode, scopes: Scopes) -> Result<Report, Failure> {
    let merchant = get(merchants, id).await?;
    let IssuedKey { key, secret } = api::issue_key(&merchant.id, mode, scopes);
    // Its id is random: should there be such a key already, it is this one, and only the write's answer was lost.
    merchants.add_key(&key).await?;
    let record = Record(vec![
        field("key_id", &key.id),
        field("secret", secret.as_str()),
        field("mode", mode.as_str()),
        field("scopes", scopes),
    ]);
    Ok(Report::one(record).with_note(SECRET_NOTE))
}

fn field(name: &'static str, value: impl ToString) -> (&'static str, Option<String>) {
    (name, Some(value.to_string()))
}

fn key_record(key: &ApiKey) -> Record {
    Record(vec![
        field("key_id", &key.id),
        field("mode", key.id.mode().as_str()),
        field("scopes", key.scopes),
        field("created_at", key.created_at),
        ("revoked_at", key.revoked_at.map(|at| at.to_string())),
    ])
}

fn account_record(LinkedAccount { name, account }: &LinkedAccount, full: bool) -> Record {
    let number = &account.account_number;
    let shown = if full { number.as_str().to_owned() } else { format!("****{}", number.last_four()) };
    Record(vec![
        field("name", name.as_str()),
        field("sort_code", account.sort_code.as_str()),
        field("account_number", shown),
    ])
}
