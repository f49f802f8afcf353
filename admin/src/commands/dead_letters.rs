//! Dead letters.

use std::collections::HashSet;
use std::fmt;

use clap::{Args, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use models::{CursorId, LinkMailId, MailId, stamp};
use runtime::Clock;
use serde::Deserialize;
use serde_json::json;
use store::{Marked, ObjectPath, REPUBLISHED_FOR, Span, Table, UnreadRecord};

use super::republish::{Rates, mark_all};
use crate::arguments::{DRY_RUN_NOTE, DryRun};
use crate::confirm::Yes;
use crate::failure::{Failure, Interrupted, counted};
use crate::interrupt::unless_interrupted;
use crate::queues::{DeadLetter, Queue, Queues};
use crate::report::{Field, Record, Report, ago, field, maybe_as, plain, shown_as, when, word};
use crate::target::Service;

/// How far a record's arrival in the stream and its history entry's timestamp may be apart.
const ARRIVES_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// How many dead letters one command deletes: their ids are read before it asks.
const DELETED_AT_ONCE: usize = 1000;

/// What became of a dead letter while something failed.
const NOT_KNOWN: &str = "not known";

const BROKE_OFF_NOTE: &str = "It broke off after what is listed.";

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetters {
    /// Count the dead letters of each queue, with the age of the oldest
    List,
    /// Show the dead letters of a queue; they stay in it
    Show {
        /// Which queue
        queue: Dead,
        /// How many messages to show, at the most
        #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
        limit: u16,
    },
    /// Try dead letters again, once their cause is repaired
    ///
    /// Messages go back to the queue that they came from. Of a stream record that could not be published, what it was about
    /// is published again from its history: nothing is delivered twice.
    #[command(after_help = "Example:\n  counterfoil dead-letters redrive receipts --dry-run")]
    Redrive {
        /// Which queue
        queue: Dead,
        /// Only the message with this id, as `dead-letters show` shows it
        #[arg(long, value_name = "ID")]
        message: Option<String>,
        #[command(flatten)]
        rates: Rates,
        #[command(flatten)]
        dry: DryRun,
    },
    /// Delete dead letters that nothing is to be done about, such as those that are left where they are
    ///
    /// What one is about is not tried again by it. Whatever is still due is enqueued by the schedule all the same, except what could
    /// not be published: `republish` does that. It deletes those that it has counted, 1000 at the most, and none that comes later.
    #[command(after_help = "Example:\n  counterfoil dead-letters delete receipts --all --dry-run")]
    Delete {
        /// Which queue
        queue: Dead,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        yes: Yes,
        #[command(flatten)]
        dry: DryRun,
    },
}

/// Which dead letters are deleted.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Which {
    /// The message with this id, as `dead-letters show` shows it
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    /// All that are in the queue by now, as `dead-letters show` shows them
    #[arg(long)]
    all: bool,
}

/// A queue of dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dead {
    /// Mails that `email-receipt` could not process (ReceiptsDeadLetters)
    Receipts,
    /// Cursors that `webhook` could not process (WebhooksDeadLetters)
    Webhooks,
    /// Stream records that could not be published (PublishFailures)
    Publish,
}

impl Dead {
    const ALL: [Self; 3] = [Self::Receipts, Self::Webhooks, Self::Publish];

    /// In template.yaml.
    const fn logical_id(self) -> &'static str {
        match self {
            Self::Receipts => "ReceiptsDeadLetters",
            Self::Webhooks => "WebhooksDeadLetters",
            Self::Publish => "PublishFailures",
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Receipts => "receipts",
            Self::Webhooks => "webhooks",
            Self::Publish => "publish",
        }
    }
}

/// What a dead letter is about.
#[derive(Debug)]
enum About {
    Mail(MailId),
    LinkMail(LinkMailId),
    Cursor(CursorId),
    /// A record of the stream that could not be read.
    Unread(ObjectPath),
    /// Records of the stream that came in this time.
    Batch(BatchInfo),
}

/// What Lambda says of records that it gave up, without what was in them.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchInfo {
    approximate_arrival_of_first_record: Timestamp,
    approximate_arrival_of_last_record: Timestamp,
    batch_size: u64,
}

#[derive(Debug, Deserialize)]
struct GivenUp {
    #[serde(rename = "DDBStreamBatchInfo")]
    batch: BatchInfo,
}

impl About {
    /// None if it is about nothing that is known.
    fn of(dead: Dead, body: &str) -> Option<Self> {
        match dead {
            Dead::Receipts => body.parse().map(Self::Mail).or_else(|_| body.parse().map(Self::LinkMail)).ok(),
            Dead::Webhooks => body.parse().ok().map(Self::Cursor),
            Dead::Publish => match serde_json::from_str(body) {
                Ok(UnreadRecord { object, .. }) => object.map(Self::Unread),
                Err(_) => serde_json::from_str(body).ok().map(|GivenUp { batch }| Self::Batch(batch)),
            },
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mail(id) => write!(f, "mail {id}"),
            Self::LinkMail(id) => write!(f, "mail {id} to people"),
            Self::Cursor(id) => write!(f, "cursor {id}"),
            Self::Unread(object) => object.fmt(f),
            Self::Batch(BatchInfo {
                approximate_arrival_of_first_record: first,
                approximate_arrival_of_last_record: last,
                batch_size,
            }) => {
                let records = counted(*batch_size, "stream record");
                write!(f, "{records} from {} to {}", stamp(*first), stamp(*last))
            }
        }
    }
}

/// What a dead letter is about; scripts read the ids by what they are of.
fn about_field(about: Option<&About>) -> Field {
    let json = |about: &About| match about {
        About::Mail(id) => json!({ "mail": id.to_string() }),
        About::LinkMail(id) => json!({ "mail": id.to_string() }),
        About::Cursor(id) => json!({ "cursor": id.to_string() }),
        About::Unread(ObjectPath::Session(id)) => json!({ "session": id.to_string() }),
        About::Unread(ObjectPath::Refund(_, id)) => json!({ "refund": id.to_string() }),
        About::Batch(batch) => json!({
            "records": batch.batch_size,
            "first_at": stamp(batch.approximate_arrival_of_first_record),
            "last_at": stamp(batch.approximate_arrival_of_last_record),
        }),
    };
    maybe_as("about", about.map(|about| (about.to_string(), json(about))))
}

/// What became of a dead letter.
enum Redriven {
    /// How, for people and in one word.
    TriedAgain(String, &'static str),
    WouldBeTriedAgain,
    Left,
}

const PUBLISHED: &str = "published_again";
const REMOVED: &str = "removed";

impl Redriven {
    fn field(&self) -> Field {
        match self {
            Self::TriedAgain(how, in_one) => shown_as("result", how.as_str(), *in_one),
            Self::WouldBeTriedAgain => word("result", "would be tried again"),
            Self::Left => shown_as("result", "left where it is", "left"),
        }
    }
}

pub(crate) async fn run(command: DeadLetters, service: &Service) -> Result<Report, Failure> {
    let queues = &Queues::of(service)?;
    match command {
        DeadLetters::List => list(queues).await,
        DeadLetters::Show { queue, limit } => {
            let letters = queues.read(&queues.find(queue.logical_id()).await?, limit.into()).await?;
            let now = Clock::System.now();
            Ok(Report::many(letters.iter().map(|letter| shown(queue, letter, now)).collect()))
        }
        DeadLetters::Redrive { queue, message, rates, dry } => {
            let from = queues.find(queue.logical_id()).await?;
            let to = match queue {
                Dead::Receipts => Some(queues.find("ReceiptsQueue").await?),
                Dead::Webhooks => Some(queues.find("WebhooksQueue").await?),
                Dead::Publish => None,
            };
            let redrive = Redrive { queues, table: &service.table, from, to, rates };
            redrive.all(queue, message.as_deref(), dry).await
        }
        DeadLetters::Delete { queue, which: Which { message, all: _ }, yes, dry } => {
            let from = queues.find(queue.logical_id()).await?;
            // What comes while it asks, nobody has counted.
            let ids = match &message {
                Some(id) => HashSet::from([id.clone()]),
                None => queues.read(&from, DELETED_AT_ONCE).await?.into_iter().map(|letter| letter.id).collect(),
            };
            if !ids.is_empty() {
                let what = delete_in_words(queue, message.as_deref(), ids.len());
                yes.or_confirm("delete", &what, &service.deployment(), dry).await?;
            }
            delete(queues, queue, &from, (ids, message), dry).await
        }
    }
}

async fn list(queues: &Queues<'_>) -> Result<Report, Failure> {
    let now = Clock::System.now();
    let mut records = Vec::new();
    for dead in Dead::ALL {
        let queue = queues.find(dead.logical_id()).await?;
        let counts = queues.counts(&queue).await?;
        let letters = if counts.waiting > 0 { queues.read(&queue, 100).await? } else { Vec::new() };
        let oldest = letters.iter().filter_map(|letter| letter.sent_at).min();
        records.push(Record(vec![
            field("queue", dead.as_str()),
            plain("messages", counts.waiting),
            plain("in_flight", counts.in_flight),
            when("oldest_sent_at", oldest),
            ago("oldest_age_s", oldest, now),
        ]));
    }
    Ok(Report::many(records))
}

fn shown(dead: Dead, letter: &DeadLetter, now: Timestamp) -> Record {
    Record(vec![
        field("message_id", &letter.id),
        when("sent_at", letter.sent_at),
        ago("age_s", letter.sent_at, now),
        about_field(About::of(dead, &letter.body).as_ref()),
    ])
}

/// What will be deleted: one message, or how many.
fn delete_in_words(dead: Dead, message: Option<&str>, count: usize) -> String {
    let what = match (message, count) {
        (Some(id), _) => format!("The dead letter {id} in {}", dead.as_str()),
        (None, 1) => format!("The one dead letter in {}", dead.as_str()),
        (None, _) => format!("{count} dead letters in {}", dead.as_str()),
    };
    format!("{what} will be deleted, for good, and not tried again.")
}

async fn delete(
    queues: &Queues<'_>,
    dead: Dead,
    from: &Queue,
    (ids, only): (HashSet<String>, Option<String>),
    dry: DryRun,
) -> Result<Report, Failure> {
    let mut records = Vec::new();
    let all = each(
        queues,
        from,
        dry,
        |letter| ids.contains(&letter.id),
        async |letter| {
            let deleted = if dry.dry_run { Ok(()) } else { queues.delete(from, letter).await };
            let result = match (&deleted, dry.dry_run) {
                (Ok(()), true) => "would be deleted",
                (Ok(()), false) => "deleted",
                (Err(_), _) => NOT_KNOWN,
            };
            let about = about_field(About::of(dead, &letter.body).as_ref());
            records.push(Record(vec![field("message_id", &letter.id), about, word("result", result)]));
            deleted.map(|()| !dry.dry_run)
        },
    )
    .await;
    report(records, all, (dead, only.as_deref()), dry.dry_run.then_some(DRY_RUN_NOTE))
}

/// What became of dead letters, or of the `only` one that was meant, also if it broke off: of those that are dealt with, nothing else
/// says so.
fn report(
    records: Vec<Record>,
    all: Result<(), Failure>,
    (dead, only): (Dead, Option<&str>),
    note: Option<&str>,
) -> Result<Report, Failure> {
    match (all, only) {
        (Err(failure), _) if records.is_empty() => Err(failure),
        (Err(failure), _) => Ok(Report::until(records, failure).with_note(BROKE_OFF_NOTE)),
        (Ok(()), Some(id)) if records.is_empty() => {
            Err(Failure::NoDeadLetter { id: id.to_owned(), queue: dead.as_str() })
        }
        (Ok(()), _) => Ok(Report { note: note.map(str::to_owned), ..Report::many(records) }),
    }
}

/// Does something with each message that is meant, once. `done` says whether it removed the message; all others are put back, also if it
/// breaks off, but not if it is interrupted.
async fn each(
    queues: &Queues<'_>,
    from: &Queue,
    dry: DryRun,
    is_meant: impl Fn(&DeadLetter) -> bool,
    mut done: impl AsyncFnMut(&DeadLetter) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let (mut seen, mut kept) = (HashSet::new(), Vec::new());
    let all = unless_interrupted(Interrupted::of(!dry.dry_run), async {
        loop {
            let mut any_new = false;
            let mut received = queues.receive(from).await?.into_iter();
            while let Some(letter) = received.next() {
                let new = seen.insert(letter.id.clone());
                any_new |= new;
                let removed = if new && is_meant(&letter) { done(&letter).await } else { Ok(false) };
                if !matches!(removed, Ok(true)) {
                    kept.push(letter);
                }
                if let Err(failure) = removed {
                    kept.extend(received);
                    return Err(failure);
                }
            }
            if !any_new {
                return Ok(());
            }
        }
    })
    .await;
    if matches!(all, Err(Failure::Interrupted(_))) {
        // By themselves they come back in a minute, and somebody waits for the end.
        return all;
    }
    for letter in &kept {
        let put_back = queues.put_back(from, letter).await;
        // By itself it comes back in a minute: why it broke off is what is said.
        if all.is_ok() {
            put_back?;
        }
    }
    all
}

/// What to do about messages that could not be read.
fn left_note(dead: Dead) -> String {
    let name = dead.as_str();
    let note = format!(
        "Messages that could not be read were left: `counterfoil dead-letters delete {name} --message ID` removes one \
         that nothing is to be done about."
    );
    match dead {
        Dead::Receipts | Dead::Webhooks => note,
        Dead::Publish => {
            format!("{note} `counterfoil republish --since` publishes again all that happened since a time.")
        }
    }
}

struct Redrive<'a> {
    queues: &'a Queues<'a>,
    table: &'a Table,
    from: Queue,
    to: Option<Queue>,
    rates: Rates,
}

impl Redrive<'_> {
    /// Each that was there at first, once: what fails again comes again.
    async fn all(&self, dead: Dead, only: Option<&str>, dry: DryRun) -> Result<Report, Failure> {
        let (mut records, mut left, begun) = (Vec::new(), false, Clock::System.now());
        // What fails again, or comes meanwhile, was sent since.
        let was_there = |letter: &DeadLetter| letter.sent_at.is_some_and(|sent_at| sent_at <= begun);
        let is_meant = |letter: &DeadLetter| was_there(letter) && only.is_none_or(|only| only == letter.id);
        let all = each(self.queues, &self.from, dry, is_meant, async |letter| {
            let about = About::of(dead, &letter.body);
            let outcome = match &about {
                None => Ok(Redriven::Left),
                Some(_) if dry.dry_run => Ok(Redriven::WouldBeTriedAgain),
                Some(about) => self.one(about, letter).await,
            };
            let result = outcome.as_ref().map_or_else(|_| word("result", NOT_KNOWN), Redriven::field);
            records.push(Record(vec![field("message_id", &letter.id), about_field(about.as_ref()), result]));
            Ok(match outcome? {
                Redriven::TriedAgain(..) => true,
                Redriven::WouldBeTriedAgain => false,
                Redriven::Left => {
                    left = true;
                    false
                }
            })
        })
        .await;
        let note = match (dry.dry_run, left) {
            (true, _) => Some(DRY_RUN_NOTE.to_owned()),
            (false, true) => Some(left_note(dead)),
            (false, false) => None,
        };
        report(records, all, (dead, only), note.as_deref())
    }

    /// Tries it again, and removes the dead letter.
    async fn one(&self, about: &About, letter: &DeadLetter) -> Result<Redriven, Failure> {
        let (done, in_one) = match about {
            About::Mail(_) | About::LinkMail(_) | About::Cursor(_) => {
                let Some(to) = &self.to else { return Ok(Redriven::Left) };
                self.queues.send(to, &letter.body).await?;
                ("sent to its queue again".to_owned(), "sent_again")
            }
            About::Unread(object) => self.publish(object).await?,
            About::Batch(batch) => {
                let since = batch.approximate_arrival_of_first_record.checked_sub(ARRIVES_WITHIN);
                let until = batch.approximate_arrival_of_last_record.checked_add(ARRIVES_WITHIN).ok();
                let span = Span { since: since.unwrap_or(Timestamp::MIN), until };
                let marked = mark_all(self.table, span, self.rates, DryRun { dry_run: false }).await?;
                let (sessions, refunds) = (counted(marked.sessions, "session"), counted(marked.refunds, "refund"));
                (format!("published again: {sessions} and {refunds}"), PUBLISHED)
            }
        };
        self.queues.delete(&self.from, letter).await?;
        Ok(Redriven::TriedAgain(done, in_one))
    }

    async fn publish(&self, object: &ObjectPath) -> Result<(String, &'static str), Failure> {
        let since = Clock::System.now().checked_sub(REPUBLISHED_FOR).unwrap_or(Timestamp::MIN);
        Ok(match self.table.republish(object, Span { since, until: None }).await? {
            Marked::From(sequence) => (format!("published again, from history entry {sequence} on"), PUBLISHED),
            Marked::Nothing => ("removed: nothing has happened to it for 30 days".to_owned(), REMOVED),
            Marked::Gone => ("removed: it was deleted since".to_owned(), REMOVED),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Content;

    #[test]
    fn what_will_be_deleted_is_counted() {
        let said = |message: Option<&str>, count| delete_in_words(Dead::Publish, message, count);
        assert_eq!(said(None, 12), "12 dead letters in publish will be deleted, for good, and not tried again.");
        assert_eq!(said(None, 1), "The one dead letter in publish will be deleted, for good, and not tried again.");
        assert_eq!(said(Some("a"), 1), "The dead letter a in publish will be deleted, for good, and not tried again.");
    }

    #[test]
    fn what_was_done_is_listed_though_it_broke_off() {
        let failure = || Failure::Queue { operation: "DeleteMessage", cause: "throttled".to_owned() };
        let records = || vec![Record(vec![field("message_id", "a")])];
        let (every, one) = ((Dead::Receipts, None), (Dead::Receipts, Some("a")));
        let broke_off = report(records(), Err(failure()), every, None).unwrap();
        assert!(broke_off.broke_off.as_ref().unwrap().to_string().contains("throttled"), "{broke_off:?}");
        assert!(matches!(&broke_off.content, Content::Many(records) if records.len() == 1));
        assert!(report(Vec::new(), Err(failure()), every, None).is_err(), "nothing was done");
        let done = report(records(), Ok(()), one, Some(DRY_RUN_NOTE)).unwrap();
        assert_eq!((done.failed, done.note.as_deref()), (false, Some(DRY_RUN_NOTE)));
        assert!(report(Vec::new(), Ok(()), every, None).is_ok(), "there was none");
        let missing = report(Vec::new(), Ok(()), one, Some(DRY_RUN_NOTE)).unwrap_err().to_string();
        assert!(missing.starts_with("there is no message a in receipts"), "{missing}");
    }

    #[test]
    fn only_what_could_not_be_published_is_published_again() {
        for (dead, republished) in [(Dead::Receipts, false), (Dead::Webhooks, false), (Dead::Publish, true)] {
            let note = left_note(dead);
            assert!(note.contains(&format!("dead-letters delete {} --message", dead.as_str())), "{note}");
            assert_eq!(note.contains("republish"), republished, "{note}");
        }
    }

    #[test]
    fn what_lambda_gave_up_is_understood() {
        let body = r#"{"requestContext":{},"DDBStreamBatchInfo":{"shardId":"s","approximateArrivalOfFirstRecord":"2026-11-21T10:00:00Z",
            "approximateArrivalOfLastRecord":"2026-11-21T10:00:09Z","batchSize":2,"streamArn":"a"}}"#;
        let about = About::of(Dead::Publish, body).unwrap().to_string();
        assert_eq!(about, "2 stream records from 2026-11-21T10:00:00.000Z to 2026-11-21T10:00:09.000Z");
        assert!(About::of(Dead::Publish, "100000000000000000012").is_none());
        assert!(About::of(Dead::Receipts, "nothing").is_none());
        let id = "1ae1ce03-dfa9-4593-b487-65c656991cb5";
        let about = |body: &str| About::of(Dead::Receipts, body).unwrap().to_string();
        assert_eq!(about(&format!("{id}/receipt/5")), format!("mail {id}/receipt/5"));
        assert_eq!(about(id), format!("mail {id} to people"));
    }
}
