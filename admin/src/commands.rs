//! What each command does.

use api::IssuedKey;
use models::{
    ApiKey, DisabledBy, Endpoint, EndpointId, LinkedAccount, ListShards, Merchant, MerchantId, Mode, Name, Scopes,
};
use store::{Cursors, Endpoints, ListShardsRaised, Merchants, StoreError, Table};

use crate::cli::{Accounts, Command, Keys, Merchants as MerchantsCommand, Webhooks};
use crate::failure::Failure;
use crate::report::{Record, Report};

const SECRET_NOTE: &str = "The secret is shown this once and kept nowhere: store it now.";
const REVOKED_NOTE: &str = "Functions that used the key within the last 30 seconds may honour it until those are over.";
const SHARDS_NOTE: &str = "Lists look at all of them from now on; new sessions are spread over them in 20 minutes.";
const RESUMED_NOTE: &str =
    "What waits is told in order, from within a minute on. If it fails again, `counterfoil webhooks list` shows it.";

/// From here on, what waits is not counted: of very many, not all are found.
const COUNTED: usize = 1000;

/// Does it.
pub(crate) async fn run(command: Command, table: Table) -> Result<Report, Failure> {
    let merchants = &Merchants::new(table.clone());
    match command {
        Command::Merchants(MerchantsCommand::Create { id, name }) => create_merchant(merchants, id, name).await,
        Command::Merchants(MerchantsCommand::Show { id }) => {
            Ok(Report::one(merchant_record(&get(merchants, id).await?)))
        }
        Command::Merchants(MerchantsCommand::Shards { id, count }) => raise_shards(merchants, id, count).await,
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
        Command::Webhooks(Webhooks::List { merchant }) => {
            let merchant = get(merchants, merchant).await?.id;
            list_endpoints(&Endpoints::new(table.clone()), &Cursors::new(table), &merchant).await
        }
        Command::Webhooks(Webhooks::Resume { merchant, endpoint_id }) => {
            let merchant = get(merchants, merchant).await?.id;
            resume(&Endpoints::new(table.clone()), &Cursors::new(table), merchant, endpoint_id).await
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
    Ok(Report::one(merchant_record(&get(merchants, id).await?)))
}

async fn raise_shards(merchants: &Merchants, id: MerchantId, count: ListShards) -> Result<Report, Failure> {
    match merchants.raise_list_shards(&id, count, runtime::now()).await? {
        ListShardsRaised::Done => {}
        ListShardsRaised::NotMore(shards) => return Err(Failure::NotMoreShards { id, shards }),
        ListShardsRaised::NoMerchant => return Err(Failure::NoMerchant(id)),
    }
    Ok(Report::one(merchant_record(&get(merchants, id).await?)).with_note(SHARDS_NOTE))
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

async fn list_endpoints(endpoints: &Endpoints, cursors: &Cursors, merchant: &MerchantId) -> Result<Report, Failure> {
    let mut records = Vec::new();
    for endpoint in endpoints.of(merchant).await? {
        records.push(endpoint_record(&endpoint, waiting(cursors, endpoint.id).await?));
    }
    Ok(Report::many(records))
}

async fn resume(
    endpoints: &Endpoints,
    cursors: &Cursors,
    merchant: MerchantId,
    id: EndpointId,
) -> Result<Report, Failure> {
    let Some(endpoint) = endpoints.get(&merchant, &id).await? else {
        return Err(Failure::NoEndpoint { merchant, id });
    };
    if let Some(by) = endpoint.disabled_by {
        return Err(Failure::EndpointDisabled { id, by });
    }
    let waiting = waiting(cursors, id).await?;
    if !endpoints.resume(&merchant, &id, runtime::now()).await? {
        return Err(Failure::NoEndpoint { merchant, id });
    }
    let record = Record(vec![
        field("endpoint_id", id),
        field("url", endpoint.url.as_str()),
        field("status", "resumed"),
        field("waiting", at_least(waiting)),
    ]);
    Ok(Report::one(record).with_note(RESUMED_NOTE))
}

/// How many cursors of an endpoint wait to be resumed.
async fn waiting(cursors: &Cursors, id: EndpointId) -> Result<usize, StoreError> {
    Ok(cursors.held_of(&id).await?.len())
}

/// A count, as far as it is certain.
fn at_least(count: usize) -> String {
    if count < COUNTED { count.to_string() } else { format!("{COUNTED}+") }
}

fn field(name: &'static str, value: impl ToString) -> (&'static str, Option<String>) {
    (name, Some(value.to_string()))
}

fn merchant_record(merchant: &Merchant) -> Record {
    Record(vec![
        field("id", &merchant.id),
        field("name", merchant.name.as_str()),
        field("list_shards", merchant.list_spread.shards()),
    ])
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

/// Without its secrets.
fn endpoint_record(endpoint: &Endpoint, waiting: usize) -> Record {
    let status = match endpoint.disabled_by {
        None => "enabled",
        Some(DisabledBy::Merchant) => "disabled by its merchant",
        Some(DisabledBy::Gone) => "disabled by a 410 Gone",
    };
    let parked_until = endpoint.parked_until.filter(|until| *until > runtime::now());
    Record(vec![
        field("endpoint_id", endpoint.id),
        field("mode", endpoint.mode.as_str()),
        field("status", status),
        field("failures", endpoint.failures),
        ("parked_until", parked_until.map(|until| until.to_string())),
        field("waiting", at_least(waiting)),
        field("url", endpoint.url.as_str()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_says_when_there_may_be_more() {
        assert_eq!([0, 999, 1000, 5432].map(at_least), ["0", "999", "1000+", "1000+"]);
    }
}
