//! The people who work in a merchant's console.

use clap::Subcommand;
use models::{ActKind, ActObject, EmailAddress, MerchantId, Person, Role};
use runtime::{Clock, Random};
use store::{LinkToken, ListedPerson, Merchants, People, PeopleChanged, Visits};

use super::super::merchants::get;
use crate::arguments::{DRY_RUN_NOTE, DryRun, one_of, text};
use crate::failure::Failure;
use crate::location::Location;
use crate::report::{Record, Report, field, when, word};
use crate::target::Service;

const LINK_NOTE: &str = "The link signs in anyone who opens it, once, within 15 minutes. It is shown only now: send \
     it to that person alone.";

/// Where `make run` serves the API, where its data folder doesn't say.
const LOCAL_URL: &str = "http://127.0.0.1:3000";

#[derive(Debug, Subcommand)]
pub(crate) enum PeopleCommand {
    /// Print a link by which a person signs in; they are added if they are not there
    #[command(after_help = "Example:\n  counterfoil console invite demo ada@shop.example --role own")]
    Invite {
        /// The merchant's id
        merchant: MerchantId,
        /// The person's e-mail address
        #[arg(value_parser = text::<EmailAddress>)]
        email: EmailAddress,
        /// What they may do, if they are added
        #[arg(long, value_name = "ROLE", value_parser = one_of(Role::ALL, Role::as_str))]
        role: Option<Role>,
        /// Where people open the console [default: where the service on this machine has it]
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        #[command(flatten)]
        dry: DryRun,
    },
    /// List the people of a merchant's console
    List {
        /// The merchant's id
        merchant: MerchantId,
    },
    /// Give a person another role
    #[command(after_help = "Example:\n  counterfoil console change demo ada@shop.example --role look")]
    Change {
        /// The merchant's id
        merchant: MerchantId,
        /// The person's e-mail address
        #[arg(value_parser = text::<EmailAddress>)]
        email: EmailAddress,
        /// What they may do: look, refund, develop or own
        #[arg(long, value_name = "ROLE", value_parser = one_of(Role::ALL, Role::as_str))]
        role: Role,
        #[command(flatten)]
        dry: DryRun,
    },
    /// Remove a person; they are signed out at once
    #[command(after_help = "Example:\n  counterfoil console remove demo ada@shop.example")]
    Remove {
        /// The merchant's id
        merchant: MerchantId,
        /// The person's e-mail address
        #[arg(value_parser = text::<EmailAddress>)]
        email: EmailAddress,
        #[command(flatten)]
        dry: DryRun,
    },
    /// Sign a person out of every browser, and end the links that they were sent
    #[command(after_help = "Example:\n  counterfoil console sign-out demo ada@shop.example")]
    SignOut {
        /// The merchant's id
        merchant: MerchantId,
        /// The person's e-mail address
        #[arg(value_parser = text::<EmailAddress>)]
        email: EmailAddress,
        #[command(flatten)]
        dry: DryRun,
    },
}

pub(crate) async fn run(command: PeopleCommand, service: &Service) -> Result<Report, Failure> {
    let merchants = &Merchants::new(service.table.clone());
    let people = &People::new(service.table.clone());
    match command {
        PeopleCommand::Invite { merchant, email, role, url, dry } => {
            let url = match (url, &service.location) {
                (Some(url), _) => url,
                (None, Location::Local(_)) => service.api_url.clone().unwrap_or_else(|| LOCAL_URL.to_owned()),
                (None, Location::Aws(_)) => return Err(Failure::NoConsoleUrl),
            };
            let merchant = get(merchants, merchant).await?.id;
            invite(service, people, &merchant, &email, role, &url, dry).await
        }
        PeopleCommand::List { merchant } => {
            let merchant = get(merchants, merchant).await?.id;
            Ok(Report::many(people.list(&merchant).await?.iter().map(record).collect()))
        }
        PeopleCommand::Change { merchant, email, role, dry } => {
            let before = find(people, &merchant, &email).await?;
            let report = Report::one(person(&before.email, role, before.role.as_str()));
            if dry.dry_run {
                return Ok(report.with_note(DRY_RUN_NOTE));
            }
            if before.role == role {
                return Ok(report);
            }
            service.record(&merchant, None, ActKind::RoleChanged, ActObject::Person(before.email)).await?;
            changed(people.change_role(&merchant, &email, before.role, role, None).await?, merchant)?;
            Ok(report)
        }
        PeopleCommand::Remove { merchant, email, dry } => {
            let before = find(people, &merchant, &email).await?;
            let report = Report::one(Record(vec![field("email", before.email.as_str()), field("status", "removed")]));
            if dry.dry_run {
                return Ok(report.with_note(DRY_RUN_NOTE));
            }
            service.record(&merchant, None, ActKind::PersonRemoved, ActObject::Person(before.email)).await?;
            changed(people.remove(&merchant, &email, None).await?, merchant)?;
            Ok(report)
        }
        PeopleCommand::SignOut { merchant, email, dry } => {
            let before = find(people, &merchant, &email).await?;
            let record = Record(vec![field("email", before.email.as_str()), word("status", "signed out")]);
            if dry.dry_run {
                return Ok(Report::one(record).with_note(DRY_RUN_NOTE));
            }
            service.record(&merchant, None, ActKind::SignedOut, ActObject::Person(before.email)).await?;
            people.end_visits(&merchant, &email, Clock::System.now(), None).await?;
            Ok(Report::one(record))
        }
    }
}

async fn invite(
    service: &Service,
    people: &People,
    merchant: &MerchantId,
    email: &EmailAddress,
    role: Option<Role>,
    url: &str,
    dry: DryRun,
) -> Result<Report, Failure> {
    let now = Clock::System.now();
    let there = people.get(merchant, email).await?;
    let role = match (&there, role) {
        (Some(person), Some(role)) if person.role != role => {
            return Err(Failure::OtherRole { merchant: merchant.clone(), role: person.role });
        }
        (Some(person), Some(_) | None) => person.role,
        (None, Some(role)) => role,
        (None, None) => return Err(Failure::NoRole),
    };
    let named = vec![field("email", email.as_str()), field("role", role.as_str())];
    if dry.dry_run {
        return Ok(Report::one(Record(named)).with_note(DRY_RUN_NOTE));
    }
    if there.is_none() {
        let new = Person { merchant_id: merchant.clone(), email: email.clone(), role, added_at: now, visits_from: now };
        service.record(merchant, None, ActKind::PersonAdded, ActObject::Person(email.clone())).await?;
        changed(people.add(&new, None).await?, merchant.clone())?;
    }
    if there.is_some() {
        service.record(merchant, None, ActKind::SignInLinkMade, ActObject::Person(email.clone())).await?;
    }
    let token = LinkToken::new(&Random::System);
    Visits::new(service.table.clone()).make_link(&token, merchant, email, now).await?;
    let link = format!("{}/console/sign-in/{}", url.trim_end_matches('/'), token.as_str());
    Ok(Report::one(Record(named.into_iter().chain([field("link", link)]).collect())).with_note(LINK_NOTE))
}

async fn find(people: &People, merchant: &MerchantId, email: &EmailAddress) -> Result<Person, Failure> {
    people.get(merchant, email).await?.ok_or_else(|| Failure::NoPerson(merchant.clone()))
}

fn changed(changed: PeopleChanged, merchant: MerchantId) -> Result<(), Failure> {
    match changed {
        PeopleChanged::Done(_) | PeopleChanged::Same(_) => Ok(()),
        PeopleChanged::Meanwhile(person) => Err(Failure::OtherRole { merchant, role: person.role }),
        PeopleChanged::NotFound => Err(Failure::NoPerson(merchant)),
        PeopleChanged::LastOwner => Err(Failure::LastOwner(merchant)),
        PeopleChanged::TooMany => Err(Failure::TooManyPeople(merchant)),
    }
}

fn record(ListedPerson { person, signed_in_at }: &ListedPerson) -> Record {
    Record(vec![
        field("email", person.email.as_str()),
        field("role", person.role.as_str()),
        when("added_at", person.added_at),
        when("signed_in_at", *signed_in_at),
    ])
}

fn person(email: &EmailAddress, role: Role, was: &str) -> Record {
    Record(vec![field("email", email.as_str()), field("role", role.as_str()), field("was", was)])
}
