//! The people who work in merchants' consoles.
//!
//! A merchant's people are a partition, whose version each change raises: so that of two owners who remove each other at once
//! one stays. What changes of one person alone (when they signed in, links that they asked for) is in their item.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use models::{EmailAddress, MerchantId, Person, Role};
use serde::{Deserialize, Serialize};

use crate::acts::ActWrite;
use crate::error::StoreError;
use crate::keys;
use crate::table::{Item, Table, ms, n, read, s, sk};
use crate::transaction::{Transacted, Transaction, Verdict};
use crate::update::{Update, Updated, Version};
use crate::write::WriteKind;

/// How many people may work in one merchant's console.
const MAX_PEOPLE: usize = 100;

/// How many sign-in links one person may ask for within [`LINKS_WITHIN`].
const MAX_LINKS: u32 = 5;

const LINKS_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// How often what was refused is tried again upon what others have made of it meanwhile. People change a few times a day.
const MAX_TRIES: usize = 16;

/// As what an item is named in errors: its key has an address.
const A_PERSON: &str = "of a person";

/// The table's people.
#[derive(Debug, Clone)]
pub struct People {
    table: Table,
}

/// A person as a list shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPerson {
    /// Who, and in which role.
    pub person: Person,
    /// When they last signed in, if ever.
    pub signed_in_at: Option<Timestamp>,
}

/// What became of changing a merchant's people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeopleChanged {
    /// It is done; the person as they were before, or as they were added.
    Done(Person),
    /// It was so already: they are there, or have this role.
    Same(Person),
    /// They have another role by now than the person who changes it saw.
    Meanwhile(Person),
    /// There is no such person.
    NotFound,
    /// They are the last who owns, and somebody must.
    LastOwner,
    /// There are as many people as there may be.
    TooMany,
}

/// What became of asking for a sign-in link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkAsked {
    /// They may have one.
    Granted,
    /// They asked for too many lately.
    TooMany,
    /// There is no such person.
    NotFound,
}

/// A person as they are kept.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PersonItem {
    #[serde(flatten)]
    pub(crate) person: Person,
    /// Which write added them: one who is removed and added again is another.
    added_by: String,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::millisecond::optional"
    )]
    signed_in_at: Option<Timestamp>,
    /// When the time began in which links are counted.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::millisecond::optional"
    )]
    links_from: Option<Timestamp>,
    /// How many were asked for since.
    #[serde(default)]
    links: u32,
}

/// Says in whose console somebody works.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SignInItem {
    pub(crate) merchant_id: MerchantId,
    pub(crate) email: EmailAddress,
}

/// Reads a person's item.
pub(crate) fn read_person(item: Item) -> Result<Person, StoreError> {
    read::<PersonItem>(A_PERSON, item).map(|item| item.person)
}

impl People {
    /// The people in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// A person, read consistently.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn get(&self, merchant: &MerchantId, email: &EmailAddress) -> Result<Option<Person>, StoreError> {
        Ok(self.item(merchant, email).await?.map(|item| item.person))
    }

    /// All people of a merchant, in the order of their addresses. Consistent.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn list(&self, merchant: &MerchantId) -> Result<Vec<ListedPerson>, StoreError> {
        let items = self.table.query(&keys::people_pk(merchant), None, usize::MAX).await?;
        let people = items.into_iter().filter(|item| sk(item) != keys::PEOPLE_SK);
        let listed = |PersonItem { person, signed_in_at, .. }| ListedPerson { person, signed_in_at };
        people.map(|item| read::<PersonItem>(A_PERSON, item).map(listed)).collect()
    }

    /// In whose consoles the reader of this address works. Consistent.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn merchants_of(&self, email: &EmailAddress) -> Result<Vec<MerchantId>, StoreError> {
        let items = self.table.query(&keys::sign_in_pk(email), None, usize::MAX).await?;
        items.into_iter().map(|item| read::<SignInItem>("of a sign-in", item).map(|found| found.merchant_id)).collect()
    }

    /// Adds a person, unless there is one with this address. `act` is who does it, if it is recorded, here and below: put together
    /// with what is done.
    ///
    /// # Errors
    /// The table failed us; they may have been added.
    pub async fn add(&self, new: &Person, act: Option<&ActWrite>) -> Result<PeopleChanged, StoreError> {
        self.change(&new.merchant_id, &new.email, act, |there, people, write_id, transaction| {
            if let Some(there) = there {
                return Ok(Err(PeopleChanged::Same(there.clone())));
            }
            if people.len() >= MAX_PEOPLE {
                return Ok(Err(PeopleChanged::TooMany));
            }
            let item = PersonItem {
                person: new.clone(),
                added_by: write_id.to_owned(),
                signed_in_at: None,
                links_from: None,
                links: 0,
            };
            let sign_in = SignInItem { merchant_id: new.merchant_id.clone(), email: new.email.clone() };
            let transaction = transaction
                .put_new(WriteKind::PersonAdd, keys::person(&new.merchant_id, &new.email), serde_dynamo::to_item(item)?)
                .put_new(
                    WriteKind::SignInPut,
                    keys::sign_in(&new.merchant_id, &new.email),
                    serde_dynamo::to_item(sign_in)?,
                );
            Ok(Ok((new.clone(), transaction)))
        })
        .await
    }

    /// Gives a person whose role is `from` another one; the last owner stays one.
    ///
    /// # Errors
    /// The table failed us; they may have it.
    pub async fn change_role(
        &self,
        merchant: &MerchantId,
        email: &EmailAddress,
        from: Role,
        role: Role,
        act: Option<&ActWrite>,
    ) -> Result<PeopleChanged, StoreError> {
        self.change(merchant, email, act, |there, people, _, transaction| {
            let Some(there) = there else { return Ok(Err(PeopleChanged::NotFound)) };
            if there.role == role {
                return Ok(Err(PeopleChanged::Same(there.clone())));
            }
            if there.role != from {
                return Ok(Err(PeopleChanged::Meanwhile(there.clone())));
            }
            if is_last_owner(there, people) {
                return Ok(Err(PeopleChanged::LastOwner));
            }
            let update = Update::new(WriteKind::PersonChange, keys::person(merchant, email))
                .when("attribute_exists(#pk)", [])
                .set("role", s(role.as_str()));
            Ok(Ok((there.clone(), transaction.update(update))))
        })
        .await
    }

    /// Removes a person, and with them their visits and links; the last owner stays.
    ///
    /// # Errors
    /// The table failed us; they may be removed.
    pub async fn remove(
        &self,
        merchant: &MerchantId,
        email: &EmailAddress,
        act: Option<&ActWrite>,
    ) -> Result<PeopleChanged, StoreError> {
        self.change(merchant, email, act, |there, people, _, transaction| {
            let Some(there) = there else { return Ok(Err(PeopleChanged::NotFound)) };
            if is_last_owner(there, people) {
                return Ok(Err(PeopleChanged::LastOwner));
            }
            let transaction = transaction
                .delete(WriteKind::PersonRemove, keys::person(merchant, email))
                .delete(WriteKind::SignInRemove, keys::sign_in(merchant, email));
            Ok(Ok((there.clone(), transaction)))
        })
        .await
    }

    /// Ends all visits of a person that began before `now`, and the links that were made before; false if there is no such
    /// person. Where they were ended at `now` or later (by another clock), those from since then end as well.
    ///
    /// # Errors
    /// The table failed us; they may be ended. [`StoreError::Conflict`] if others kept changing the person: nothing is.
    pub async fn end_visits(
        &self,
        merchant: &MerchantId,
        email: &EmailAddress,
        now: Timestamp,
        act: Option<&ActWrite>,
    ) -> Result<bool, StoreError> {
        for _ in 0..MAX_TRIES {
            let Some(item) = self.item(merchant, email).await? else { return Ok(false) };
            let after = item.person.visits_from.checked_add(SignedDuration::from_millis(1)).unwrap_or(Timestamp::MAX);
            let from = now.max(after);
            let update = Update::new(WriteKind::VisitsEnd, keys::person(merchant, email))
                .when("#added_by = :added_by", [(":added_by", s(item.added_by))])
                .when("#visits_from < :now", [(":now", ms(from))])
                .set("visits_from", ms(from));
            match Transaction::default().update(update).act(act).send(&self.table).await? {
                Transacted::Done => return Ok(true),
                Transacted::Refused(verdicts) => match verdicts.of(0) {
                    // Ended at this very time: by ourselves, where the SDK repeated a transaction whose answer was lost.
                    Verdict::Refused(Some(item)) if item.get("visits_from") == Some(&ms(from)) => return Ok(true),
                    Verdict::Refused(_) | Verdict::Held => {}
                },
            }
        }
        Err(StoreError::Conflict { operation: "TransactWriteItems" })
    }

    /// Counts that a person asks for a sign-in link, and says whether they may have one: five in 15 minutes at the most.
    ///
    /// # Errors
    /// The table failed us; it may be counted.
    pub async fn ask_link(
        &self,
        merchant: &MerchantId,
        email: &EmailAddress,
        now: Timestamp,
    ) -> Result<LinkAsked, StoreError> {
        let mut found = self.item(merchant, email).await?;
        for _ in 0..MAX_TRIES {
            let Some(item) = found else { return Ok(LinkAsked::NotFound) };
            let update = Update::new(WriteKind::LinkAsk, keys::person(merchant, email))
                .when("#added_by = :added_by", [(":added_by", s(item.added_by))])
                .when("#links = :counted", [(":counted", n(item.links))]);
            let update = match item.links_from {
                Some(from) if now.duration_since(from) < LINKS_WITHIN => {
                    if item.links >= MAX_LINKS {
                        return Ok(LinkAsked::TooMany);
                    }
                    update.when("#links_from = :from", [(":from", ms(from))]).increment("links")
                }
                Some(from) => {
                    let update = update.when("#links_from = :from", [(":from", ms(from))]);
                    update.set("links_from", ms(now)).set("links", n(1))
                }
                None => {
                    update.when("attribute_not_exists(#links_from)", []).set("links_from", ms(now)).set("links", n(1))
                }
            };
            found = match update.send(&self.table).await? {
                Updated::New(_) => return Ok(LinkAsked::Granted),
                // Somebody else asked meanwhile; or we did, and the answer was lost, and it is counted twice.
                Updated::Refused(item) => item.map(|item| read(A_PERSON, item)).transpose()?,
            };
        }
        Err(StoreError::Conflict { operation: "UpdateItem" })
    }

    async fn item(&self, merchant: &MerchantId, email: &EmailAddress) -> Result<Option<PersonItem>, StoreError> {
        let item = self.table.get(keys::person(merchant, email)).await?;
        item.map(|item| read(A_PERSON, item)).transpose()
    }

    /// Changes a merchant's people as `plan` says of them as they are, and again upon what others have made of them meanwhile.
    async fn change(
        &self,
        merchant: &MerchantId,
        email: &EmailAddress,
        act: Option<&ActWrite>,
        plan: impl Fn(Option<&Person>, &[Person], &str, Transaction) -> Planned,
    ) -> Result<PeopleChanged, StoreError> {
        let write_id = self.table.random.write_id();
        let key = keys::people(merchant);
        let mut done = None;
        for _ in 0..MAX_TRIES {
            // First the version, so that what is read after it is no older.
            let version = self.table.get(key.clone()).await?;
            let changed_by: Option<AttributeValue> = version.as_ref().and_then(|item| item.get("changed_by").cloned());
            if let Some(person) = done.take().filter(|_| changed_by == Some(s(write_id.as_str()))) {
                // The SDK repeated a transaction whose answer was lost.
                return Ok(PeopleChanged::Done(person));
            }
            let people: Vec<Person> = self.list(merchant).await?.into_iter().map(|listed| listed.person).collect();
            let there = people.iter().find(|person| person.email.as_str().eq_ignore_ascii_case(email.as_str()));
            let update = Update::new(WriteKind::PeopleChange, key.clone())
                .of_version(Version::of(version.as_ref()))
                .set("changed_by", s(write_id.as_str()));
            let (person, transaction) =
                match plan(there, &people, write_id.as_str(), Transaction::default().update(update))? {
                    Ok(planned) => planned,
                    Err(unchanged) => return Ok(unchanged),
                };
            match transaction.act(act).send(&self.table).await? {
                Transacted::Done => return Ok(PeopleChanged::Done(person)),
                Transacted::Refused(_) => done = Some(person),
            }
        }
        Err(StoreError::Conflict { operation: "TransactWriteItems" })
    }
}

/// What is to be written, and what is answered then; or what is answered at once.
type Planned = Result<Result<(Person, Transaction), PeopleChanged>, StoreError>;

fn is_last_owner(person: &Person, people: &[Person]) -> bool {
    let owners = people.iter().filter(|other| other.role == Role::Own).count();
    person.role == Role::Own && owners <= 1
}
