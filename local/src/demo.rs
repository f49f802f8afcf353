//! The demo merchant, which exists on this machine only.

use std::error::Error;

use api::{NewEndpoint, WebhookParts};
use aws_credential_types::Credentials;
use models::{
    AccountIdentifier, Application, Colour, EmailAddress, EndpointId, EndpointSecret, LinkedAccount, Logo, MerchantId,
    MerchantUrl, Mode, Name, Person, Role, Scopes, Session, Shop,
};
use runtime::{Clock, Random};
use store::{Endpoints, LinkToken, ListRange, Merchants, Owner, People, Sessions, Shops, StoreError, Table, Visits};

/// Its API key, which is no secret, and neither is its secret: nothing but this machine takes them.
pub(crate) const API_KEY: (&str, &str) = ("pk_test_demo", "sk_test_demo");

/// What requests of its application may be signed by; the private key is beside the tests of the official clients, no secret
/// either.
const PUBLIC_KEY: &str = include_str!("../demo-application.pem");

/// Fixed, so that what it makes with an idempotency key has the same id on every machine: sample events name it.
const IDEMPOTENCY_SALT: [u8; 32] = [0; 32];

/// Account numbers and sort codes of the documents' examples ("Creating a payment session", "Payment Session Object").
const ACCOUNTS: [(&str, &str); 2] = [("12345678", "010203"), ("12345678", "123456")];

/// Examples of SWIFT's IBAN registry: for euros and for Swedish kronor.
const IBANS: [&str; 2] = ["DE89370400440532013000", "SE4550000000058398257466"];

/// What its payers see: the shop of the documents' examples, where nobody reads mails.
const SHOP_NAME: &str = "Bright Candles";
const SUPPORT_EMAIL: &str = "help@brightcandles.example";
const WEBSITE: &str = "https://brightcandles.example";
const COLOUR: Colour = Colour::rgb(0x8a, 0x4b, 0x08);
const LOGO: &[u8] = include_bytes!("../candle.svg");

/// Where the demo shop on this machine receives webhooks, and what they are signed with, which is no secret either.
pub(crate) const WEBHOOK_PATH: &str = "/demo-shop/webhook";
pub(crate) const WEBHOOK_SECRET: &str = "whsec_T25seSB0aGUgZGVtbyBzaG9wIG9uIG9uZSBtYWNoaW4=";

/// Who owns it in its console, where nobody reads mails either.
const OWNER: &str = "owner@demo.example";

/// Writes what the demo merchant consists of to the table `table_name` behind the AWS endpoint `endpoint`, unless it is
/// there already. Runs after the endpoint is up, before `ready` is printed. Its key is an application, too, whose requests have
/// to be signed if `signed`.
///
/// # Errors
///
/// When the table cannot be written.
pub async fn seed(endpoint: &str, table_name: &str, signed: bool) -> Result<(), Box<dyn Error + Send + Sync>> {
    let table = table(endpoint, table_name)?;
    let merchants = Merchants::new(table.clone());
    let demo: MerchantId = "demo".parse()?;
    let name = Name::try_from("Demo Merchant".to_owned())?;
    merchants.create(&demo, name, IDEMPOTENCY_SALT).await?;
    let (key, secret) = API_KEY;
    let issued = api::known_key(key, secret, Scopes::ALL, Clock::System.now(), &Random::System)
        .ok_or("the demo key is not a key")?;
    merchants.add_key(&issued.key, None).await?;
    let public_key = api::read_public_key(PUBLIC_KEY, Clock::System.now())?;
    let new = Application {
        key_id: issued.key.id.clone(),
        public_keys: vec![public_key],
        redirect_urls: Vec::new(),
        signed,
        created_at: Clock::System.now(),
    };
    // Keys and URLs that were changed since stay as they are.
    let signed_or_not = |there: Option<Application>| {
        Ok::<_, StoreError>(Application { signed, ..there.unwrap_or_else(|| new.clone()) })
    };
    merchants.change_application(&issued.key.id, signed_or_not).await?;
    let mut accounts = Vec::new();
    for (account_number, sort_code) in ACCOUNTS {
        accounts.push(AccountIdentifier::uk(sort_code, account_number)?);
    }
    for iban in IBANS {
        accounts.push(AccountIdentifier::Iban { iban: iban.to_owned().try_into()? });
    }
    for account in accounts {
        let name = Name::try_from("Gerald Wiley".to_owned())?;
        let account = LinkedAccount { name, account, default: false, linked_at: None };
        merchants.link_account(&demo, &account, None).await?;
    }
    let shop = shop()?;
    // One that was changed since stays as it is.
    let or_ours = |there: Option<Shop>| Ok::<_, StoreError>(there.unwrap_or_else(|| shop.clone()));
    Shops::new(table).change(&demo, or_ours, None).await?;
    Ok(())
}

/// The path of a fresh link by which its owner signs in to the console, once, within 15 minutes. They are added if they are not
/// there.
///
/// # Errors
///
/// When the table cannot be written.
pub async fn invite(endpoint: &str, table_name: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
    let table = table(endpoint, table_name)?;
    let (merchant_id, now): (MerchantId, _) = ("demo".parse()?, Clock::System.now());
    let email = EmailAddress::try_from(OWNER.to_owned())?;
    let owner = Person {
        merchant_id: merchant_id.clone(),
        email: email.clone(),
        role: Role::Own,
        added_at: now,
        visits_from: now,
    };
    People::new(table.clone()).add(&owner, None).await?;
    let token = LinkToken::new(&Random::System);
    Visits::new(table).make_link(&token, &merchant_id, &email, now).await?;
    Ok(format!("/console/sign-in/{}", token.as_str()))
}

/// Registers the webhook endpoint of the demo shop at `api_url`, if it is not there as it is to be. One at an earlier address is
/// removed. Where the merchant has as many endpoints as it may have, the shop goes without.
///
/// # Errors
///
/// When the table cannot be written.
pub async fn open_shop(endpoint: &str, table_name: &str, api_url: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let endpoints = Endpoints::new(table(endpoint, table_name)?);
    let owner = owner()?;
    let url = MerchantUrl::try_from(format!("{api_url}{WEBHOOK_PATH}"))?;
    let secret = EndpointSecret::new(WEBHOOK_SECRET.to_owned());
    let mut is_there = false;
    for known in endpoints.of(&owner.merchant_id).await? {
        if known.url == url && known.secret == secret {
            is_there = true;
        } else if known.url.as_str().ends_with(WEBHOOK_PATH) {
            endpoints.delete(&owner, &known.id).await?;
        }
    }
    if is_there {
        return Ok(());
    }
    let at = Clock::System.now();
    let parts =
        WebhookParts { description: Some(Some("The demo shop".to_owned().try_into()?)), ..WebhookParts::default() };
    let new = NewEndpoint {
        id: EndpointId::new(Random::System.uuid_v7(at)),
        merchant_id: owner.merchant_id,
        mode: owner.mode,
        key_id: None,
        secret,
        at,
    };
    endpoints.create(&parts.endpoint(url, new), None).await?;
    Ok(())
}

/// Its newest sessions, of every format, this number at the most.
///
/// # Errors
///
/// When the table cannot be read.
pub(crate) async fn newest_sessions(
    endpoint: &str,
    table_name: &str,
    limit: usize,
) -> Result<Vec<Session>, Box<dyn Error + Send + Sync>> {
    let table = table(endpoint, table_name)?;
    let owner = owner()?;
    let Some(merchant) = Merchants::new(table.clone()).get(&owner.merchant_id).await? else { return Ok(Vec::new()) };
    let range = ListRange { limit, ..ListRange::default() };
    let page = Sessions::new(table).search(&owner, merchant.list_sharding.shards(), range, None, None).await?;
    Ok(page.items)
}

/// Whose everything is that is made with its key.
fn owner() -> Result<Owner, models::InvalidId> {
    Ok(Owner { merchant_id: "demo".parse()?, mode: Mode::Test, format: None })
}

/// The request that a developer tries first, as a command to paste.
#[must_use]
pub fn curl(api_url: &str) -> String {
    let (key, secret) = API_KEY;
    format!(
        r#"curl --location --request POST "{api_url}/v2/payment_sessions" --header "Content-Type: application/json" -u "{key}:{secret}" --data '{{"reference":"Illuminate","success_url":"http://example.com/success?id=__PAYMENT_ID__","error_url":"http://example.com/error","line_items":[{{"name":"Candles","amount":100,"currency":"GBP","quantity":4}}],"payee":{{"name":"Gerald Wiley","account_number":"12345678","sort_code":"010203"}},"email_receipt":true}}'"#
    )
}

fn table(endpoint: &str, table_name: &str) -> Result<Table, runtime::SettingError> {
    let credentials = Credentials::new("local", "local", None, None, "local");
    let config = runtime::aws_config_for(credentials, "eu-west-2".to_owned(), Some(endpoint.to_owned()))?;
    Ok(Table::new(&config, table_name.to_owned(), Random::System))
}

fn shop() -> Result<Shop, Box<dyn Error + Send + Sync>> {
    Ok(Shop {
        support_email: Some(SUPPORT_EMAIL.to_owned().try_into()?),
        website: Some(WEBSITE.to_owned().try_into()?),
        colour: Some(COLOUR),
        logo: Some(Logo::try_from(LOGO.to_vec())?),
        ..Shop::new(SHOP_NAME.to_owned().try_into()?)
    })
}
