//! Dead letters.

use std::collections::HashSet;
use std::fmt;

use clap::{Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use models::{CursorId, LinkMailId, MailId};
use runtime::Clock;
use serde::Deserialize;
use store::{Marked, ObjectPath, REPUBLISHED_FOR, Span, Table, UnreadRecord};

use super::republish::{Rates, mark_all};
use crate::arguments::{DRY_RUN_NOTE, DryRun};
use crate::failure::Failure;
use crate::queues::{DeadLetter, Queue, Queues};
use crate::report::{Record, Report, age, field, maybe, plain};
use crate::target::Service;

/// How far a record's arrival in the stream and its history entry's timestamp may be apart.
const ARRIVES_WITHIN: SignedDuration = SignedDuration::from_mins(5);

const LEFT_NOTE: &str = "Messages that could not be read were left: see them with `counterfoil dead-letters show`. \
     `counterfoil republish --since` publishes again all that happened since a time.";

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
                write!(f, "{batch_size} stream records from {first} to {last}")
            }
        }
    }
}

/// What became of a dead letter.
enum Redriven {
    TriedAgain(String),
    WouldBeTriedAgain,
    Left,
}

impl fmt::Display for Redriven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TriedAgain(how) => how,
            Self::WouldBeTriedAgain => "would be tried again",
            Self::Left => "left where it is",
        })
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
            maybe("oldest_sent_at", oldest),
            maybe("oldest_age", oldest.map(|oldest| age(oldest, now))),
        ]));
    }
    Ok(Report::many(records))
}

fn shown(dead: Dead, letter: &DeadLetter, now: Timestamp) -> Record {
    Record(vec![
        field("message_id", &letter.id),
        maybe("sent_at", letter.sent_at),
        maybe("age", letter.sent_at.map(|sent_at| age(sent_at, now))),
        maybe("about", About::of(dead, &letter.body)),
    ])
}

struct Redrive<'a> {
    queues: &'a Queues<'a>,
    table: &'a Table,
    from: Queue,
    to: Option<Queue>,
    rates: Rates,
}

impl Redrive<'_> {
    /// Each message that was there at first, once: what fails again comes again, and is for another time.
    async fn all(&self, dead: Dead, only: Option<&str>, dry: DryRun) -> Result<Report, Failure> {
        let begun = Clock::System.now();
        let (mut records, mut seen, mut kept, mut left) = (Vec::new(), HashSet::new(), Vec::new(), false);
        loop {
            let mut any_new = false;
            for letter in self.queues.receive(&self.from).await? {
                let new = seen.insert(letter.id.clone()) && letter.sent_at.is_none_or(|sent_at| sent_at <= begun);
                any_new |= new;
                if !new || only.is_some_and(|only| only != letter.id) {
                    kept.push(letter);
                    continue;
                }
                let about = About::of(dead, &letter.body);
                let outcome = match &about {
                    None => Redriven::Left,
                    Some(_) if dry.dry_run => Redriven::WouldBeTriedAgain,
                    Some(about) => self.one(about, &letter).await?,
                };
                records.push(Record(vec![
                    field("message_id", &letter.id),
                    maybe("about", about),
                    field("result", &outcome),
                ]));
                match outcome {
                    Redriven::TriedAgain(_) => {}
                    Redriven::WouldBeTriedAgain => kept.push(letter),
                    Redriven::Left => {
                        left = true;
                        kept.push(letter);
                    }
                }
            }
            if !any_new {
                break;
            }
        }
        for letter in &kept {
            self.queues.put_back(&self.from, letter).await?;
        }
        let report = Report::many(records);
        Ok(match (dry.dry_run, left) {
            (true, _) => report.with_note(DRY_RUN_NOTE),
            (false, true) => report.with_note(LEFT_NOTE),
            (false, false) => report,
        })
    }

    /// Tries it again, and removes the dead letter.
    async fn one(&self, about: &About, letter: &DeadLetter) -> Result<Redriven, Failure> {
        let done = match about {
            About::Mail(_) | About::LinkMail(_) | About::Cursor(_) => {
                let Some(to) = &self.to else { return Ok(Redriven::Left) };
                self.queues.send(to, &letter.body).await?;
                "sent to its queue again".to_owned()
            }
            About::Unread(object) => self.publish(object).await?,
            About::Batch(batch) => {
                let since = batch.approximate_arrival_of_first_record.checked_sub(ARRIVES_WITHIN);
                let until = batch.approximate_arrival_of_last_record.checked_add(ARRIVES_WITHIN).ok();
                let span = Span { since: since.unwrap_or(Timestamp::MIN), until };
                let marked = mark_all(self.table, span, self.rates, DryRun { dry_run: false }).await?;
                format!("{} sessions and {} refunds are published again", marked.sessions, marked.refunds)
            }
        };
        self.queues.delete(&self.from, letter).await?;
        Ok(Redriven::TriedAgain(done))
    }

    async fn publish(&self, object: &ObjectPath) -> Result<String, Failure> {
        let since = Clock::System.now().checked_sub(REPUBLISHED_FOR).unwrap_or(Timestamp::MIN);
        Ok(match self.table.republish(object, Span { since, until: None }).await? {
            Marked::From(sequence) => format!("published again, from history entry {sequence} on"),
            Marked::Nothing => "removed: nothing has happened to it for 30 days".to_owned(),
            Marked::Gone => "removed: it was deleted since".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lambda_gave_up_is_understood() {
        let body = r#"{"requestContext":{},"DDBStreamBatchInfo":{"shardId":"s","approximateArrivalOfFirstRecord":"2026-11-21T10:00:00Z",
            "approximateArrivalOfLastRecord":"2026-11-21T10:00:09Z","batchSize":2,"streamArn":"a"}}"#;
        let about = About::of(Dead::Publish, body).unwrap().to_string();
        assert_eq!(about, "2 stream records from 2026-11-21T10:00:00Z to 2026-11-21T10:00:09Z");
        assert!(About::of(Dead::Publish, "100000000000000000012").is_none());
        assert!(About::of(Dead::Receipts, "nothing").is_none());
        let id = "1ae1ce03-dfa9-4593-b487-65c656991cb5";
        let about = |body: &str| About::of(Dead::Receipts, body).unwrap().to_string();
        assert_eq!(about(&format!("{id}/receipt/5")), format!("mail {id}/receipt/5"));
        assert_eq!(about(id), format!("mail {id} to people"));
    }
}
