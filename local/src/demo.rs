//! The demo merchant, which exists on this machine only.

use std::error::Error;

use aws_credential_types::Credentials;
use models::{AccountIdentifier, LinkedAccount, MerchantId, Name, Scopes};
use runtime::{Clock, Random};
use store::{Merchants, Table};

/// Its API key, which is no secret, and neither is its secret: nothing but this machine takes them.
const API_KEY: (&str, &str) = ("pk_test_demo", "sk_test_demo");

/// Fixed, so that what it makes with an idempotency key has the same id on every machine: sample events name it.
const IDEMPOTENCY_SALT: [u8; 32] = [0; 32];

/// Account numbers and sort codes of the documents' examples ("Creating a payment session", "Payment Session Object").
const ACCOUNTS: [(&str, &str); 2] = [("12345678", "010203"), ("12345678", "123456")];

/// Writes what the demo merchant consists of to the table `table_name` behind the AWS endpoint `endpoint`, unless it is
/// there already. Runs after the endpoint is up, before `ready` is printed.
///
/// # Errors
///
/// When the table cannot be written.
pub async fn seed(endpoint: &str, table_name: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let credentials = Credentials::new("local", "local", None, None, "local");
    let config = runtime::aws_config_for(credentials, "eu-west-2".to_owned(), Some(endpoint.to_owned()))?;
    let merchants = Merchants::new(Table::new(&config, table_name.to_owned(), Random::System));
    let demo: MerchantId = "demo".parse()?;
    let name = Name::try_from("Demo Merchant".to_owned())?;
    merchants.create(&demo, name, IDEMPOTENCY_SALT).await?;
    let (key, secret) = API_KEY;
    let issued = api::known_key(key, secret, Scopes::ALL, Clock::System.now(), &Random::System)
        .ok_or("the demo key is not a key")?;
    merchants.add_key(&issued.key).await?;
    for (account_number, sort_code) in ACCOUNTS {
        let account = AccountIdentifier::uk(sort_code, account_number)?;
        let name = Name::try_from("Gerald Wiley".to_owned())?;
        merchants.link_account(&demo, &LinkedAccount { name, account }).await?;
    }
    Ok(())
}
