//! Applications: what an API key has for a format whose requests are signed.

use std::fs::File;
use std::io::Read;

use clap::{Args, Subcommand};
use models::{
    ApiKeyId, Application, MAX_PUBLIC_KEYS, MAX_REDIRECT_URLS, MerchantId, MerchantUrl, PublicKey, PublicKeyId,
};
use runtime::Clock;
use store::{Merchants, Table};

use super::merchants::get;
use crate::arguments::{DRY_RUN_NOTE, DryRun};
use crate::failure::Failure;
use crate::report::{Content, Record, Report, field, plain, when, word};

/// The longest file that is read as a public key.
const MAX_FILE_BYTES: u64 = 16 * 1024;

const REMOVED_NOTE: &str = "Functions that used it within the last 30 seconds may accept it until those are over.";
const NO_KEYS_NOTE: &str = "No public key is left: every signed request is refused.";

#[derive(Debug, Subcommand)]
pub(crate) enum Applications {
    /// Make an application of an API key: `app_id` is the key, `app_secret` its secret
    #[command(after_help = "Example:\n  counterfoil applications create pk_live_acme_1 --public-key public.pem")]
    Create {
        /// The key's id, pk_…
        key_id: ApiKeyId,
        /// A public key by which its requests are signed, in PEM; may be repeated
        #[arg(long = "public-key", value_name = "FILE", value_parser = public_key)]
        public_keys: Vec<PublicKey>,
        /// Where its payers may be sent back to; may be repeated
        #[arg(long = "redirect-url", value_name = "URL", value_parser = url)]
        redirect_urls: Vec<MerchantUrl>,
        /// Have test requests signed, too, as live ones have to be
        #[arg(long)]
        signed: bool,
        #[command(flatten)]
        dry: DryRun,
    },
    /// Its public keys: several may be there while one replaces another
    #[command(subcommand)]
    Keys(PublicKeys),
    /// Change where its payers may be sent back to
    ///
    /// A URL is allowed that has the scheme, host, port and path of a registered one; queries may differ. A test application
    /// that has registered none may send payers anywhere, a live one nowhere.
    #[command(after_help = "Example:\n  counterfoil applications urls pk_live_acme_1 --add https://shop.example/paid")]
    Urls {
        /// The key's id, pk_…
        key_id: ApiKeyId,
        #[command(flatten)]
        change: UrlChange,
        #[command(flatten)]
        dry: DryRun,
    },
    /// Say whether test requests have to be signed, as live ones have to be
    #[command(after_help = "Example:\n  counterfoil applications signed pk_test_acme_1 true")]
    Signed {
        /// The key's id, pk_…
        key_id: ApiKeyId,
        /// `true` or `false`
        #[arg(action = clap::ArgAction::Set)]
        signed: bool,
        #[command(flatten)]
        dry: DryRun,
    },
    /// List the applications of a merchant's API keys
    List {
        /// The merchant's id
        merchant: MerchantId,
    },
    /// Show an application, its public keys and its URLs
    Show {
        /// The key's id, pk_…
        key_id: ApiKeyId,
    },
    /// Remove an application; its API key stays
    #[command(after_help = "Example:\n  counterfoil applications remove pk_test_acme_1")]
    Remove {
        /// The key's id, pk_…
        key_id: ApiKeyId,
        #[command(flatten)]
        dry: DryRun,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PublicKeys {
    /// Add a public key: requests that are signed by it are accepted at once
    #[command(after_help = "Example:\n  counterfoil applications keys add pk_live_acme_1 public.pem")]
    Add {
        /// The key's id, pk_…
        key_id: ApiKeyId,
        /// The public key, in PEM
        #[arg(value_name = "FILE", value_parser = public_key)]
        public_key: PublicKey,
        #[command(flatten)]
        dry: DryRun,
    },
    /// Remove a public key
    #[command(after_help = "Example:\n  counterfoil applications keys remove pk_live_acme_1 a7aba84786018bfa")]
    Remove {
        /// The key's id, pk_…
        key_id: ApiKeyId,
        /// The public key's id, of 16 digits
        public_key_id: PublicKeyId,
        #[command(flatten)]
        dry: DryRun,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct UrlChange {
    /// Register a URL; may be repeated
    #[arg(long, value_name = "URL", value_parser = url)]
    add: Vec<MerchantUrl>,
    /// Register a URL no longer; may be repeated
    #[arg(long, value_name = "URL", value_parser = url)]
    remove: Vec<MerchantUrl>,
}

pub(crate) async fn run(command: Applications, table: &Table) -> Result<Report, Failure> {
    let merchants = &Merchants::new(table.clone());
    match command {
        Applications::Create { key_id, public_keys, redirect_urls, signed, dry } => {
            let merchant = get(merchants, key_id.merchant().clone()).await?;
            merchant.active_key(&key_id, Clock::System.now()).ok_or_else(|| Failure::NoKey { id: key_id.clone() })?;
            let new = Application {
                key_id: key_id.clone(),
                public_keys: Vec::new(),
                redirect_urls: Vec::new(),
                signed,
                created_at: Clock::System.now(),
            };
            let new = public_keys.into_iter().try_fold(new, with_key)?;
            let new = with_urls(new, &redirect_urls)?;
            let create = |before: Option<Application>| match before {
                None => Ok(new.clone()),
                Some(_) => Err(Failure::ApplicationExists(key_id.clone())),
            };
            change(merchants, &key_id, create, dry, None).await
        }
        Applications::Keys(PublicKeys::Add { key_id, public_key, dry }) => {
            let add = |before| with_key(there(before, &key_id)?, public_key.clone());
            change(merchants, &key_id, add, dry, None).await
        }
        Applications::Keys(PublicKeys::Remove { key_id, public_key_id, dry }) => {
            let remove = |before| without_key(there(before, &key_id)?, &public_key_id);
            change(merchants, &key_id, remove, dry, Some(REMOVED_NOTE)).await
        }
        Applications::Urls { key_id, change: UrlChange { add, remove }, dry } => {
            let changed = |before| {
                let mut application = there(before, &key_id)?;
                application.redirect_urls.retain(|url| !remove.contains(url));
                with_urls(application, &add)
            };
            change(merchants, &key_id, changed, dry, None).await
        }
        Applications::Signed { key_id, signed, dry } => {
            let changed = |before| Ok(Application { signed, ..there(before, &key_id)? });
            change(merchants, &key_id, changed, dry, None).await
        }
        Applications::List { merchant } => list(merchants, merchant).await,
        Applications::Show { key_id } => {
            let application = there(merchants.application(&key_id).await?, &key_id)?;
            Ok(Report::new(shown(&application)))
        }
        Applications::Remove { key_id, dry } => remove(merchants, key_id, dry).await,
    }
}

/// Changes an application, or only says what it would be, and shows it.
async fn change(
    merchants: &Merchants,
    key_id: &ApiKeyId,
    change: impl Fn(Option<Application>) -> Result<Application, Failure>,
    dry: DryRun,
    note: Option<&str>,
) -> Result<Report, Failure> {
    let application = match dry.dry_run {
        true => change(merchants.application(key_id).await?)?,
        false => merchants.change_application(key_id, change).await?,
    };
    let no_keys = application.public_keys.is_empty().then_some(NO_KEYS_NOTE);
    let notes = if dry.dry_run { vec![DRY_RUN_NOTE] } else { note.into_iter().chain(no_keys).collect() };
    let report = Report::new(shown(&application));
    Ok(if notes.is_empty() { report } else { report.with_note(notes.join(" ")) })
}

async fn list(merchants: &Merchants, merchant: MerchantId) -> Result<Report, Failure> {
    let mut records = Vec::new();
    for key in get(merchants, merchant).await?.keys {
        records.extend(merchants.application(&key.id).await?.as_ref().map(record));
    }
    Ok(Report::many(records))
}

async fn remove(merchants: &Merchants, key_id: ApiKeyId, dry: DryRun) -> Result<Report, Failure> {
    let removed = |status| Record(vec![field("key_id", &key_id), word("status", status)]);
    if dry.dry_run {
        there(merchants.application(&key_id).await?, &key_id)?;
        return Ok(Report::one(removed("would be removed")).with_note(DRY_RUN_NOTE));
    }
    if !merchants.drop_application(&key_id).await? {
        return Err(Failure::NoApplication(key_id));
    }
    Ok(Report::one(removed("removed")).with_note(REMOVED_NOTE))
}

fn there(application: Option<Application>, key_id: &ApiKeyId) -> Result<Application, Failure> {
    application.ok_or_else(|| Failure::NoApplication(key_id.clone()))
}

/// With a public key; one that it has stays.
fn with_key(mut application: Application, key: PublicKey) -> Result<Application, Failure> {
    if application.public_keys.iter().any(|public_key| public_key.id == key.id) {
        return Ok(application);
    }
    if application.public_keys.len() >= MAX_PUBLIC_KEYS {
        return Err(Failure::TooManyPublicKeys(application.key_id));
    }
    application.public_keys.push(key);
    Ok(application)
}

fn without_key(mut application: Application, id: &PublicKeyId) -> Result<Application, Failure> {
    let before = application.public_keys.len();
    application.public_keys.retain(|public_key| public_key.id != *id);
    if application.public_keys.len() == before {
        return Err(Failure::NoPublicKey { key_id: application.key_id, id: id.clone() });
    }
    Ok(application)
}

/// With these URLs; those that it has stay where they are.
fn with_urls(mut application: Application, urls: &[MerchantUrl]) -> Result<Application, Failure> {
    for url in urls {
        if !application.redirect_urls.contains(url) {
            application.redirect_urls.push(url.clone());
        }
    }
    if application.redirect_urls.len() > MAX_REDIRECT_URLS {
        return Err(Failure::TooManyUrls(application.key_id));
    }
    Ok(application)
}

fn record(application: &Application) -> Record {
    Record(vec![
        field("key_id", &application.key_id),
        field("mode", application.key_id.mode().as_str()),
        plain("signed", application.needs_signature()),
        plain("public_keys", application.public_keys.len()),
        plain("redirect_urls", application.redirect_urls.len()),
        when("created_at", application.created_at),
    ])
}

fn shown(application: &Application) -> Content {
    let key = |key: &PublicKey| Record(vec![field("id", &key.id), when("added_at", key.added_at)]);
    let url = |url: &MerchantUrl| Record(vec![field("url", url.as_str())]);
    Content::Sections(vec![
        ("application", Content::One(record(application))),
        ("public_keys", Content::Many(application.public_keys.iter().map(key).collect())),
        ("redirect_urls", Content::Many(application.redirect_urls.iter().map(url).collect())),
    ])
}

fn public_key(path: &str) -> Result<PublicKey, String> {
    let read = || {
        let mut text = String::new();
        File::open(path)?.take(MAX_FILE_BYTES).read_to_string(&mut text)?;
        Ok::<_, std::io::Error>(text)
    };
    let text = read().map_err(|error| format!("can't be read: {error}"))?;
    api::read_public_key(&text, Clock::System.now()).map_err(|error| format!("it {error}"))
}

fn url(text: &str) -> Result<MerchantUrl, models::InvalidText> {
    text.to_owned().try_into()
}
