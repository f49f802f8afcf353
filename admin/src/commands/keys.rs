//! API keys.

use api::IssuedKey;
use clap::Subcommand;
use jiff::civil::Date;
use models::{Act, ActChange, ActKind, ActObject, ApiKey, ApiKeyId, KeyOverlap, MerchantId, Mode, Name, Scope, Scopes};
use runtime::{Clock, Random};
use store::Merchants;

use super::merchants::get;
use crate::arguments::{self, DRY_RUN_NOTE, DryRun, one_of, text};
use crate::failure::Failure;
use crate::location::Location;
use crate::report::{Field, Record, Report, field, maybe, shown_as, when, word};
use crate::target::Service;

const SECRET_NOTE: &str = "The secret is shown this once and kept nowhere: store it now.";
const LIVE_NOTE: &str = "A live key creates payments only where live payments are on, the parameter TrueLayer being `live`; elsewhere \
     they are refused.";
const WAS_REVOKED: &str = "was revoked before";
const REVOKED_NOTE: &str = "Functions that used the key within the last 30 seconds may honour it until those are over.";

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Issue an API key; its secret is shown once
    ///
    /// The key and its secret are what an application signs in with: by HTTP Basic, or for a token at /oauth/token.
    #[command(after_help = "Example:\n  counterfoil keys issue acme --mode test")]
    Issue {
        /// The merchant's id
        merchant: MerchantId,
        /// Of which mode; `live` is for real money
        #[arg(long, value_name = "MODE", value_parser = arguments::mode())]
        mode: Mode,
        /// What you know it by, such as the system that uses it
        #[arg(long, value_parser = text::<Name>)]
        name: Option<Name>,
        #[arg(long, value_parser = scopes, default_value_t = Scopes::ALL)]
        #[arg(help = format!("What the key may do, with spaces between: {}", Scopes::ALL))]
        scopes: Scopes,
        #[command(flatten)]
        dry: DryRun,
    },
    /// List a merchant's API keys, revoked ones included
    List {
        /// The merchant's id
        merchant: MerchantId,
    },
    /// Put another API key in the place of one, which stays valid for a while; the new secret is shown once
    ///
    /// It has the same name and may do the same. What was registered for the key by `counterfoil applications` is not carried over.
    #[command(after_help = "Example:\n  counterfoil keys roll pk_live_acme_1 --overlap 24h")]
    Roll {
        /// The key's id, pk_…
        key_id: ApiKeyId,
        /// For how long the key and its tokens stay valid
        #[arg(long, value_name = "TIME", default_value = KeyOverlap::Day.as_str())]
        #[arg(value_parser = one_of(KeyOverlap::ALL, KeyOverlap::as_str))]
        overlap: KeyOverlap,
        #[command(flatten)]
        dry: DryRun,
    },
    /// Revoke an API key for good, with all tokens made with it
    #[command(after_help = "Example:\n  counterfoil keys revoke pk_live_acme_1")]
    Revoke {
        /// The key's id, pk_…
        key_id: ApiKeyId,
        #[command(flatten)]
        dry: DryRun,
    },
}

pub(crate) async fn run(command: Keys, service: &Service) -> Result<Report, Failure> {
    let merchants = &Merchants::new(service.table.clone());
    match command {
        Keys::Issue { merchant, mode, name, scopes, dry } => {
            issue(service, merchants, merchant, (mode, name, scopes), dry).await
        }
        Keys::List { merchant } => {
            let merchant = get(merchants, merchant).await?;
            let (used, mut keys) = (merchants.keys_used(&merchant.id).await?, merchant.keys);
            keys.sort_by_key(|key| key.created_at);
            Ok(Report::many(keys.iter().map(|key| record(key, used.get(&key.id))).collect()))
        }
        Keys::Roll { key_id, overlap, dry } => roll(service, merchants, key_id, overlap, dry).await,
        Keys::Revoke { key_id, dry } => revoke(service, merchants, key_id, dry).await,
    }
}

async fn issue(
    service: &Service,
    merchants: &Merchants,
    id: MerchantId,
    (mode, name, scopes): (Mode, Option<Name>, Scopes),
    dry: DryRun,
) -> Result<Report, Failure> {
    let merchant = get(merchants, id).await?;
    let what_for = [field("mode", mode.as_str()), maybe("name", name.as_ref().map(Name::as_str)), scopes_of(scopes)];
    let note = |note: &str| match mode {
        Mode::Test => note.to_owned(),
        Mode::Live => format!("{note} {}", live_note(&service.location, service.stack().unwrap_or("STACK"))),
    };
    if dry.dry_run {
        return Ok(Report::one(Record(what_for.to_vec())).with_note(note(DRY_RUN_NOTE)));
    }
    let IssuedKey { key, secret } = api::issue_key(&merchant.id, mode, scopes, Clock::System.now(), &Random::System);
    let key = ApiKey { name, ..key };
    service.record(&merchant.id, Some(mode), ActKind::KeyIssued, ActObject::Key(key.id.clone())).await?;
    // Its id is random: should there be such a key already, it is this one, and only the write's answer was lost.
    merchants.add_key(&key, None).await?;
    let named = [field("key_id", &key.id), field("secret", secret.as_str())];
    Ok(Report::one(Record(named.into_iter().chain(what_for).collect())).with_note(note(SECRET_NOTE)))
}

/// That a live key is of no use where live payments are off. Whether they are, a parameter of the deployment says, which stands
/// nowhere that a command reads.
fn live_note(location: &Location, stack: &str) -> String {
    match location {
        Location::Local(_) => LIVE_NOTE.to_owned(),
        Location::Aws(region) => format!(
            "{LIVE_NOTE} It is what `aws cloudformation describe-stacks --region {region} --stack-name {stack} --output text \
             --query \"Stacks[].Parameters[?ParameterKey=='TrueLayer'].ParameterValue[]\"` prints."
        ),
    }
}

/// Together with its act, as the console does it.
async fn roll(
    service: &Service,
    merchants: &Merchants,
    key_id: ApiKeyId,
    overlap: KeyOverlap,
    dry: DryRun,
) -> Result<Report, Failure> {
    let key = find(merchants, &key_id).await?;
    if key.revoked_at.is_some() || key.valid_until.is_some() {
        return Err(Failure::KeyOver { id: key_id });
    }
    let now = models::truncate_to_ms(Clock::System.now());
    let until = overlap.after(now);
    let rolled = |status| [field("replaces", &key_id), when("replaced_valid_until", until), word("status", status)];
    if dry.dry_run {
        return Ok(Report::one(Record(rolled("would be rolled").into())).with_note(DRY_RUN_NOTE));
    }
    let IssuedKey { key: successor, secret } =
        api::issue_key(key_id.merchant(), key_id.mode(), key.scopes, now, &Random::System);
    let successor = ApiKey { name: key.name, ..successor };
    let (mode, object) = (Some(key_id.mode()), ActObject::Key(key_id.clone()));
    let act = service.act(key_id.merchant(), mode, ActKind::KeyRolled, object).await?;
    let change = Some(ActChange { from: key_id.to_string(), to: successor.id.to_string() });
    let write = service.acts().await?.write(&Act { change, ..act })?;
    if !merchants.roll_key(&key_id, &successor, until, &write).await? {
        return Err(Failure::KeyOver { id: key_id });
    }
    let named = [field("key_id", &successor.id), field("secret", secret.as_str())];
    Ok(Report::one(Record(named.into_iter().chain(rolled("rolled")).collect())).with_note(SECRET_NOTE))
}

async fn revoke(service: &Service, merchants: &Merchants, key_id: ApiKeyId, dry: DryRun) -> Result<Report, Failure> {
    let key = find(merchants, &key_id).await?;
    let revoked = |status| Record(vec![field("key_id", &key_id), word("status", status)]);
    let was_revoked = key.revoked_at.is_some();
    if dry.dry_run {
        let status = if was_revoked { WAS_REVOKED } else { "would be revoked" };
        return Ok(Report::one(revoked(status)).with_note(DRY_RUN_NOTE));
    }
    if was_revoked {
        return Ok(Report::one(revoked(WAS_REVOKED)));
    }
    let object = ActObject::Key(key_id.clone());
    service.record(key_id.merchant(), Some(key_id.mode()), ActKind::KeyRevoked, object).await?;
    if !merchants.revoke_key(&key_id, Clock::System.now(), None).await? {
        return Err(Failure::NoKey { id: key_id });
    }
    Ok(Report::one(revoked("revoked")).with_note(REVOKED_NOTE))
}

/// The key with this id.
async fn find(merchants: &Merchants, id: &ApiKeyId) -> Result<ApiKey, Failure> {
    let keys = get(merchants, id.merchant().clone()).await?.keys;
    keys.into_iter().find(|key| key.id == *id).ok_or_else(|| Failure::NoKey { id: id.clone() })
}

fn record(key: &ApiKey, last_used_on: Option<&Date>) -> Record {
    Record(vec![
        field("key_id", &key.id),
        field("mode", key.id.mode().as_str()),
        maybe("name", key.name.as_ref().map(Name::as_str)),
        scopes_of(key.scopes),
        when("created_at", key.created_at),
        when("revoked_at", key.revoked_at),
        when("valid_until", key.valid_until),
        maybe("last_used_on", last_used_on),
    ])
}

/// What a key may do; scripts read it as a list.
fn scopes_of(scopes: Scopes) -> Field {
    let text = scopes.to_string();
    let list: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
    shown_as("scopes", text, list)
}

fn scopes(text: &str) -> Result<Scopes, String> {
    match text.parse::<Scopes>() {
        Ok(scopes) if scopes != Scopes::NONE => Ok(scopes),
        Ok(_) | Err(_) => Err(format!("must be one or more of: {}", Scope::ALL.map(Scope::as_str).join(" "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_key_is_issued_with_a_word_on_whether_live_payments_are_on() {
        let here = live_note(&Location::Local("http://127.0.0.1:1".to_owned()), "local");
        assert!(here.contains("TrueLayer being `live`") && !here.contains("aws "), "{here}");
        let there = live_note(&Location::Aws("eu-west-2".to_owned()), "counterfoil-prod");
        assert!(there.starts_with(&here), "{there}");
        assert!(there.contains("--region eu-west-2 --stack-name counterfoil-prod --output text --query"), "{there}");
    }
}
