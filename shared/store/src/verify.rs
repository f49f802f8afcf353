//! Whether what must stay true of the table is true (docs/architecture.md), item by item.
//!
//! Each item is checked by itself, and what it has to agree with is read consistently, so that memory does not grow with
//! the table. A check of items that are being changed may see one before and another after: what it finds broken has to be
//! checked again before it is believed.

mod attempts;
mod customers;
mod endings;
mod history;
mod kind;
mod merchants;
mod people;
mod pointers;
mod publishing;
mod refunds;
mod sessions;
mod test_clocks;
mod waiting;

use jiff::{SignedDuration, Timestamp};
use models::{OnClock, SessionId};
use serde::de::DeserializeOwned;

use crate::error::{StoreError, without_values};
use crate::keys;
use crate::size::size_bytes;
use crate::table::{Item, Key, SCHEMA_VERSION, Table, TableItem};
use kind::Kind;

/// Something that must be true, and is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which rule is broken.
    pub rule: Rule,
    /// Which item breaks it, by ids.
    pub item: String,
    /// How. Nothing personal.
    pub problem: String,
}

/// What must be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Every item can be read as what its key says it is.
    Readable,
    /// A history begins with the creation, has no gap, takes no way that the domain doesn't know, and ends in the state.
    History,
    /// A session says what it was submitted with if it was, unless the money moves at consent, and is for the sum of its items;
    /// only of one that is sent the money was taken back.
    Payment,
    /// An attempt agrees with the session's history, its provider's payment leads back to it, and only money of an attempt
    /// that is over is noted as late.
    Attempt,
    /// What is left of a session is what was paid less its refunds that have not failed.
    Refundable,
    /// A refund, its pointer, its session and the session that pays it are there and agree.
    Refund,
    /// Nothing is left that belongs to something which is not there.
    Orphan,
    /// Whatever is not final, sent or delivered is in the due index, and nothing else is.
    Due,
    /// Nothing stays due for long.
    Forgotten,
    /// Sessions, customers and events are in their merchants' lists.
    Listed,
    /// Of what was deleted nothing is left that a person wrote, and of what was erased nothing about the payer.
    Erased,
    /// Whatever is final is in the index by which it will be erased, until it is; so is every customer.
    Final,
    /// The mails that history calls for are there.
    Mail,
    /// The events that history calls for are there, as long as they are kept.
    Event,
    /// No more was delivered to an endpoint than has happened.
    Cursor,
    /// As many endpoints are counted as there are.
    Endpoint,
    /// What is counted of lists is a number, not below 0, and each mark that something is counted goes by itself.
    Count,
    /// A pointer by which a session is found is one of its own, and the session neither erased nor deleted.
    Pointer,
    /// What ended is counted as its history says, once, and what is kept of a day is what ended on it.
    Ended,
    /// A test clock moves forward, and no more sessions follow it than may.
    Clock,
}

impl Rule {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Readable => "readable",
            Self::History => "history",
            Self::Payment => "payment",
            Self::Attempt => "attempt",
            Self::Refundable => "refundable",
            Self::Refund => "refund",
            Self::Orphan => "orphan",
            Self::Due => "due",
            Self::Forgotten => "forgotten",
            Self::Listed => "listed",
            Self::Erased => "erased",
            Self::Final => "final",
            Self::Mail => "mail",
            Self::Event => "event",
            Self::Cursor => "cursor",
            Self::Endpoint => "endpoint",
            Self::Count => "count",
            Self::Pointer => "pointer",
            Self::Ended => "ended",
            Self::Clock => "clock",
        }
    }
}

/// What the check of an item found.
#[derive(Debug, Default)]
pub struct Checked {
    /// What is broken; nothing, most often.
    pub violations: Vec<Violation>,
    /// What earlier releases wrote otherwise, and is sound.
    pub warnings: Vec<Violation>,
    /// How many read units it took, the item's own reading aside.
    pub units: f64,
}

/// Checks items.
#[derive(Debug)]
pub struct Verify {
    table: Table,
    now: Timestamp,
    late_after: SignedDuration,
}

impl Verify {
    /// With what is so at `now`. Whatever has been due for longer than `late_after` is forgotten, and what happened longer ago
    /// has been published.
    pub fn new(table: Table, now: Timestamp, late_after: SignedDuration) -> Self {
        Self { table, now, late_after }
    }

    /// Checks an item as it was read.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn check(&self, item: &TableItem) -> Result<Checked, StoreError> {
        let (key, item) = (item.key(), &item.0);
        let kind = Kind::of(&key);
        let mut check = Check { verify: self, item: kind.to_string(), checked: Checked::default() };
        let version = item.get("schema_version").and_then(|version| version.as_n().ok()?.parse::<u32>().ok());
        if version.is_some_and(|version| version > SCHEMA_VERSION) {
            check.broken(Rule::Readable, "was written by a newer release than this one");
            return Ok(check.checked);
        }
        match &kind {
            Kind::Session(id) => check.session(&key, id, item).await?,
            Kind::Refund(session_id, id) => check.refund(&key, session_id, id, item).await?,
            Kind::Pointer(id) => check.pointer(id, item).await?,
            Kind::Customer(id) => check.customer(id, item).await?,
            Kind::TestClock(id) => check.test_clock(id, item).await?,
            Kind::FoundBy(_, id) => check.found_by(&key, id.as_ref()).await?,
            Kind::Count(..) => check.count(item),
            Kind::CountMark(_) => check.count_mark(item),
            Kind::Ended(session, refund) => check.ending(&key, session, refund.as_ref(), item).await?,
            Kind::Day(merchant, mode, day) => check.day(merchant, *mode, *day, item).await?,
            Kind::Bounce(_) => drop(check.read::<crate::bounces::Bounce>(item)),
            Kind::Event(id) => check.event(id, item),
            Kind::Cursor(id) => check.cursor(&key, id, item).await?,
            Kind::Attempt(_) => check.attempt(item),
            Kind::Mail(_) => check.mail(&key, item),
            Kind::Merchant(_) => check.merchant(item),
            Kind::ApiKey(merchant, _) => check.api_key(merchant, item).await?,
            Kind::KeyUse(merchant, id) => check.key_use(merchant, id, item).await?,
            Kind::Account(merchant) => check.account(merchant, item).await?,
            Kind::Shop(merchant) => check.shop(merchant, item).await?,
            Kind::Application(id) => check.application(id, item).await?,
            Kind::Person(merchant) => check.person(&key, merchant, item).await?,
            Kind::People(merchant) => check.of_merchant(merchant).await?,
            Kind::SignIn => check.sign_in(&key, item).await?,
            Kind::Link => drop(check.read::<crate::visits::SignInLink>(item)),
            Kind::LinkMail(_) => check.link_mail(&key, item),
            Kind::OidcRequest => drop(check.read::<crate::oidc_requests::OidcItem>(item)),
            Kind::OidcChoice => drop(check.read::<crate::oidc_choices::ChoiceItem>(item)),
            Kind::Visit => drop(check.read::<crate::visits::VisitItem>(item)),
            Kind::Endpoint(merchant, id) => check.endpoint(&key, merchant, id, item).await?,
            Kind::EndpointCount(merchant, mode) => check.endpoint_count(merchant, *mode, item).await?,
            Kind::BankPayment(provider, _) => check.bank_payment(provider, item).await?,
            Kind::MockAttempt(_) => drop(check.read::<providers::mock::Decided>(item)),
            Kind::MockOrder(_) => drop(check.read::<providers::mock::Order>(item)),
            Kind::MockBegun(_) => drop(check.read::<providers::mock::Payment>(item)),
            Kind::MockConclusion(_) => drop(check.read::<providers::mock::Concluded>(item)),
            Kind::MockChallenge(_) => drop(check.read::<models::Card>(item)),
            Kind::MockTakenBack(_) => drop(check.read::<models::TakenBack>(item)),
            Kind::MockRefund(_) => drop(check.read::<providers::mock::RefundOrder>(item)),
            Kind::MockTransfer(_) => drop(check.read::<providers::mock::LogEntry>(item)),
            Kind::MockReference(_) => drop(check.read::<providers::mock::Referenced>(item)),
            Kind::MockUnmatched(_) => drop(check.read::<providers::mock::UnmatchedTransfer>(item)),
            Kind::Unknown(_) => check.broken(Rule::Readable, "is nothing that this release knows"),
        }
        Ok(check.checked)
    }

    /// Reads the item again, consistently, and checks it; what is no longer there breaks no rule.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn check_again(&self, item: &TableItem) -> Result<Checked, StoreError> {
        match self.table.get(item.key()).await? {
            Some(item) => self.check(&TableItem(item)).await,
            None => Ok(Checked::default()),
        }
    }

    /// Checks a session and its refunds, all that their books are; what seems broken is checked again before it is believed.
    /// Nothing is wrong with a session that is not there.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn books(&self, session_id: &SessionId) -> Result<Checked, StoreError> {
        let mut books = Checked::default();
        for item in self.table.query(&keys::session_pk(session_id), None, usize::MAX).await? {
            let item = TableItem(item);
            let mut checked = self.check(&item).await?;
            books.units += checked.units;
            if !checked.violations.is_empty() {
                checked = self.check_again(&item).await?;
                books.units += checked.units;
            }
            books.violations.extend(checked.violations);
            books.warnings.extend(checked.warnings);
        }
        Ok(books)
    }

    /// Whether what happened then to something that follows this test clock, or none, should have been followed up by now.
    fn is_followed_up(&self, at: Timestamp, test_clock: Option<&OnClock>) -> bool {
        // A clock moves on only after everything is published.
        test_clock.map_or_else(|| self.is_late(at), |clock| at < clock.now)
    }

    /// Whether what happened then should have been followed up by now.
    fn is_late(&self, at: Timestamp) -> bool {
        self.now.duration_since(at) > self.late_after
    }
}

/// The check of one item.
struct Check<'a> {
    verify: &'a Verify,
    /// Which item, for messages.
    item: String,
    checked: Checked,
}

impl Check<'_> {
    fn broken(&mut self, rule: Rule, problem: impl Into<String>) {
        self.checked.violations.push(Violation { rule, item: self.item.clone(), problem: problem.into() });
    }

    fn warn(&mut self, rule: Rule, problem: String) {
        self.checked.warnings.push(Violation { rule, item: self.item.clone(), problem });
    }

    fn broken_unless(&mut self, holds: bool, rule: Rule, problem: impl Into<String>) {
        if !holds {
            self.broken(rule, problem);
        }
    }

    /// Reads the item as what it should be.
    fn read<T: DeserializeOwned>(&mut self, item: &Item) -> Option<T> {
        match serde_dynamo::from_item(item.clone()) {
            Ok(read) => Some(read),
            Err(error) => {
                let problem = without_values(&error);
                self.broken(Rule::Readable, format!("can't be read: {problem}"));
                None
            }
        }
    }

    async fn get(&mut self, key: Key) -> Result<Option<Item>, StoreError> {
        let found = self.verify.table.get(key).await?;
        self.spent(found.as_slice());
        Ok(found)
    }

    async fn query(&mut self, pk: &str, between: Option<(&str, &str)>) -> Result<Vec<Item>, StoreError> {
        let found = self.verify.table.query(pk, between, usize::MAX).await?;
        self.spent(&found);
        Ok(found)
    }

    /// A consistent read takes a unit for every 4 KB that are begun.
    fn spent(&mut self, found: &[Item]) {
        let bytes: usize = found.iter().map(size_bytes).sum();
        self.checked.units += u32::try_from(bytes.div_ceil(4096).max(1)).map_or(f64::MAX, f64::from);
    }
}

/// A string attribute, if there is one.
fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    Some(item.get(name)?.as_s().ok()?.as_str())
}
