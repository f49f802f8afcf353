//! The queues' messages, in a SQLite file: what was acknowledged survives a `kill -9`.
//!
//! Standard queues: at least once, order not promised (here: first whichever has been visible the longest).
//! The file also holds how far each stream was read, so that giving a record up and sending it to its failure queue are one
//! transaction.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use uuid::Uuid;

use crate::tasks::{Signal, Tasks, lock};
use crate::template::Queue;

/// A failure of the file itself; SQS shows it as an internal error.
pub(crate) type Result<T> = rusqlite::Result<T>;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        queue TEXT NOT NULL,
        message_id TEXT NOT NULL,
        body TEXT NOT NULL,
        attributes TEXT NOT NULL,
        sent_ms INTEGER NOT NULL,
        visible_ms INTEGER NOT NULL,
        first_received_ms INTEGER,
        receives INTEGER NOT NULL DEFAULT 0,
        receipt TEXT,
        dead_letter_of TEXT
    );
    CREATE INDEX IF NOT EXISTS messages_by_visibility ON messages (queue, visible_ms, id);
    CREATE INDEX IF NOT EXISTS messages_by_age ON messages (queue, sent_ms);
    CREATE INDEX IF NOT EXISTS messages_by_receipt ON messages (receipt);
    CREATE TABLE IF NOT EXISTS checkpoints (source TEXT PRIMARY KEY, sequence_number TEXT NOT NULL);
";

/// Reads one entry of an index, however many messages wait.
const NEXT_VISIBLE: &str =
    "SELECT id, receives FROM messages WHERE queue = ?1 AND visible_ms <= ?2 ORDER BY visible_ms, id LIMIT 1";

/// All queues of the template.
pub(crate) struct Queues {
    file: Mutex<Connection>,
    queues: BTreeMap<String, Queue>,
    /// Signalled whenever a message arrives or comes back.
    arrived: Signal,
    tasks: Tasks,
}

/// A message to send.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewMessage {
    pub(crate) body: String,
    /// MessageAttributes as JSON text; empty if there are none.
    pub(crate) attributes: String,
    pub(crate) delay_ms: i64,
}

/// A message received.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) message_id: String,
    pub(crate) receipt: String,
    pub(crate) body: String,
    pub(crate) attributes: String,
    pub(crate) sent_ms: i64,
    pub(crate) first_received_ms: i64,
    /// Deliveries so far, this one included, over all queues the message was in.
    pub(crate) receives: u32,
    /// The queue that it was received too often from.
    pub(crate) dead_letter_of: Option<String>,
}

/// How many messages a queue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueCounts {
    /// Ready to be received.
    pub visible: u64,
    /// Received, neither deleted nor visible again.
    pub in_flight: u64,
    /// Not yet visible for the first time.
    pub delayed: u64,
}

impl QueueCounts {
    /// All messages.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.visible + self.in_flight + self.delayed
    }
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

impl Queues {
    /// Opens the file. Messages in flight become visible: those who received them ended with the last machine.
    pub(crate) fn open(path: &Path, queues: Vec<Queue>, tasks: Tasks) -> Result<Self> {
        let file = Connection::open(path)?;
        file.busy_timeout(Duration::from_secs(5))?;
        // In WAL mode NORMAL survives a kill of the process; only a power cut may lose the last commits.
        file.pragma_update(None, "journal_mode", "WAL")?;
        file.pragma_update(None, "synchronous", "NORMAL")?;
        file.execute_batch(SCHEMA)?;
        // Files of before have no such column.
        if !file.column_exists(None, "messages", "dead_letter_of")? {
            file.execute_batch("ALTER TABLE messages ADD COLUMN dead_letter_of TEXT")?;
        }
        file.execute(
            "UPDATE messages SET visible_ms = ?1, receipt = NULL WHERE receipt IS NOT NULL AND visible_ms > ?1",
            [now_ms()],
        )?;
        let queues = queues.into_iter().map(|queue| (queue.name.clone(), queue)).collect();
        Ok(Self { file: Mutex::new(file), queues, arrived: Signal::new(), tasks })
    }

    /// Runs `work`, which waits for the file, on a thread that may wait.
    pub(crate) async fn blocking<T>(self: &Arc<Self>, work: impl FnOnce(&Arc<Self>) -> T + Send + 'static) -> T
    where
        T: Send + 'static,
    {
        let this = Arc::clone(self);
        self.tasks.blocking(move || work(&this)).await
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Queue> {
        self.queues.get(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.queues.keys().map(String::as_str)
    }

    /// Sends all messages or none; their ids in the same order.
    pub(crate) fn send(&self, queue: &str, messages: &[NewMessage]) -> Result<Vec<String>> {
        let ids = self
            .transaction(|transaction| messages.iter().map(|message| insert(transaction, queue, message)).collect())?;
        self.arrived.signal();
        Ok(ids)
    }

    /// Receives up to `most` visible messages for `visibility_ms`; those received too often go to the dead letters.
    pub(crate) fn receive(&self, queue: &Queue, most: usize, visibility_ms: i64) -> Result<Vec<Message>> {
        let now = now_ms();
        let mut redriven = false;
        let received = self.transaction(|transaction| {
            transaction.execute(
                "DELETE FROM messages WHERE queue = ?1 AND sent_ms < ?2",
                params![queue.name, now.saturating_sub(queue.retention_ms)],
            )?;
            let mut next = transaction.prepare_cached(NEXT_VISIBLE)?;
            let mut receive = transaction.prepare_cached(
                "UPDATE messages SET receipt = ?2, visible_ms = ?3, receives = receives + 1,
                        first_received_ms = COALESCE(first_received_ms, ?4)
                 WHERE id = ?1
                 RETURNING message_id, receipt, body, attributes, sent_ms, first_received_ms, receives, dead_letter_of",
            )?;
            let mut messages = Vec::new();
            while messages.len() < most {
                let row = next.query_row(params![queue.name, now], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
                let Some((id, receives)): Option<(i64, u32)> = row else { break };
                // As SQS does it: only when the message would be received once more.
                if let Some(redrive) = queue.redrive.as_ref().filter(|redrive| receives >= redrive.max_receives) {
                    transaction.execute(
                        "UPDATE messages SET queue = ?1, receipt = NULL, visible_ms = ?2, dead_letter_of = ?3 WHERE id = ?4",
                        params![redrive.dead_letters, now, queue.name, id],
                    )?;
                    redriven = true;
                    continue;
                }
                let receipt = Uuid::new_v4().to_string();
                // One that is to be visible at once must not be received twice by the same call.
                let visible_ms = now.saturating_add(visibility_ms.max(1));
                messages.push(receive.query_row(params![id, receipt, visible_ms, now], message)?);
            }
            Ok(messages)
        })?;
        if redriven {
            self.arrived.signal();
        }
        Ok(received)
    }

    /// As [`Queues::receive`], waiting up to `wait` for the first message.
    pub(crate) async fn receive_within(
        self: &Arc<Self>,
        queue: &Queue,
        most: usize,
        visibility_ms: i64,
        wait: Duration,
    ) -> Result<Vec<Message>> {
        let end = tokio::time::Instant::now() + wait;
        let mut arrived = self.arrived.listen();
        loop {
            let receiving = queue.clone();
            let (messages, next_visible_ms) = self
                .blocking(move |queues| {
                    let messages = queues.receive(&receiving, most, visibility_ms)?;
                    let next_visible_ms =
                        if messages.is_empty() { queues.next_visible_ms(&receiving.name)? } else { None };
                    Ok::<_, rusqlite::Error>((messages, next_visible_ms))
                })
                .await?;
            if !messages.is_empty() || tokio::time::Instant::now() >= end {
                return Ok(messages);
            }
            let until_visible = match next_visible_ms {
                Some(visible_ms) => Duration::from_millis(visible_ms.saturating_sub(now_ms()).max(1).unsigned_abs()),
                None => wait,
            };
            tokio::select! {
                () = arrived.signalled() => {}
                () = tokio::time::sleep(until_visible) => {}
                () = tokio::time::sleep_until(end) => {}
            }
        }
    }

    fn next_visible_ms(&self, queue: &str) -> Result<Option<i64>> {
        lock(&self.file).query_row("SELECT MIN(visible_ms) FROM messages WHERE queue = ?1", [queue], |row| row.get(0))
    }

    /// Deletes a message by its last receipt; one that was received again since stays, as SQS may leave it.
    pub(crate) fn delete(&self, queue: &str, receipts: &[&str]) -> Result<()> {
        self.transaction(|transaction| {
            for receipt in receipts {
                transaction
                    .execute("DELETE FROM messages WHERE queue = ?1 AND receipt = ?2", params![queue, receipt])?;
            }
            Ok(())
        })
    }

    /// Makes a message in flight visible after `visibility_ms` from now; false if it is not in flight.
    pub(crate) fn change_visibility(&self, queue: &str, receipt: &str, visibility_ms: i64) -> Result<bool> {
        let now = now_ms();
        let changed = lock(&self.file).execute(
            "UPDATE messages SET visible_ms = ?1 WHERE queue = ?2 AND receipt = ?3 AND visible_ms > ?4",
            params![now.saturating_add(visibility_ms), queue, receipt, now],
        )?;
        self.arrived.signal();
        Ok(changed > 0)
    }

    /// Deletes every message of a queue.
    pub(crate) fn purge(&self, queue: &str) -> Result<()> {
        lock(&self.file).execute("DELETE FROM messages WHERE queue = ?1", [queue]).map(|_| ())
    }

    pub(crate) fn counts(&self, queue: &str) -> Result<QueueCounts> {
        let count = |row: &rusqlite::Row<'_>, index| row.get::<_, i64>(index).map(i64::unsigned_abs);
        lock(&self.file).query_row(
            "SELECT COUNT(*) FILTER (WHERE visible_ms <= ?2),
                    COUNT(*) FILTER (WHERE visible_ms > ?2 AND receipt IS NOT NULL),
                    COUNT(*) FILTER (WHERE visible_ms > ?2 AND receipt IS NULL)
             FROM messages WHERE queue = ?1",
            params![queue, now_ms()],
            |row| Ok(QueueCounts { visible: count(row, 0)?, in_flight: count(row, 1)?, delayed: count(row, 2)? }),
        )
    }

    /// The bodies of a queue's messages, oldest first, without receiving them.
    pub(crate) fn bodies(&self, queue: &str) -> Result<Vec<String>> {
        let file = lock(&self.file);
        let mut statement = file.prepare_cached("SELECT body FROM messages WHERE queue = ?1 ORDER BY id")?;
        statement.query_map([queue], |row| row.get(0))?.collect()
    }

    /// The last sequence number of a stream that `source` is done with.
    pub(crate) fn checkpoint(&self, source: &str) -> Result<Option<String>> {
        lock(&self.file)
            .query_row("SELECT sequence_number FROM checkpoints WHERE source = ?1", [source], |row| row.get(0))
            .optional()
    }

    /// Marks a stream as read up to and with `sequence_number`.
    pub(crate) fn set_checkpoint(&self, source: &str, sequence_number: &str) -> Result<()> {
        self.transaction(|transaction| set_checkpoint(transaction, source, sequence_number))
    }

    /// As [`Queues::set_checkpoint`], if the checkpoint moves, sending `queue` in the same transaction which records were
    /// given up.
    pub(crate) fn give_up(&self, source: &str, checkpoint: Option<&str>, queue: &str, body: String) -> Result<()> {
        self.transaction(|transaction| {
            insert(transaction, queue, &NewMessage { body, ..NewMessage::default() })?;
            checkpoint.map_or(Ok(()), |sequence_number| set_checkpoint(transaction, source, sequence_number))
        })?;
        self.arrived.signal();
        Ok(())
    }

    fn transaction<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut file = lock(&self.file);
        let transaction = file.transaction()?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }
}

fn insert(transaction: &Transaction<'_>, queue: &str, message: &NewMessage) -> Result<String> {
    let (id, now) = (Uuid::new_v4().to_string(), now_ms());
    transaction
        .prepare_cached(
            "INSERT INTO messages (queue, message_id, body, attributes, sent_ms, visible_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![queue, id, message.body, message.attributes, now, now.saturating_add(message.delay_ms)])?;
    Ok(id)
}

fn set_checkpoint(transaction: &Transaction<'_>, source: &str, sequence_number: &str) -> Result<()> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO checkpoints (source, sequence_number) VALUES (?1, ?2)")?
        .execute([source, sequence_number])
        .map(|_| ())
}

fn message(row: &rusqlite::Row<'_>) -> Result<Message> {
    Ok(Message {
        message_id: row.get(0)?,
        receipt: row.get(1)?,
        body: row.get(2)?,
        attributes: row.get(3)?,
        sent_ms: row.get(4)?,
        first_received_ms: row.get(5)?,
        receives: row.get(6)?,
        dead_letter_of: row.get(7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Redrive;

    fn queue(name: &str, redrive: Option<Redrive>) -> Queue {
        Queue { name: name.to_owned(), visibility_timeout_ms: 60_000, retention_ms: 60_000, redrive }
    }

    fn open(folder: &Path) -> Queues {
        let redrive = Redrive { dead_letters: "dead".to_owned(), max_receives: 2 };
        let queues = vec![queue("q", Some(redrive)), queue("dead", None)];
        Queues::open(&folder.join("queues.sqlite"), queues, Tasks::new()).unwrap()
    }

    fn send(queues: &Queues, body: &str) {
        queues.send("q", &[NewMessage { body: body.to_owned(), ..NewMessage::default() }]).unwrap();
    }

    #[test]
    fn a_message_received_is_hidden_until_deleted_or_visible_again() {
        let folder = tempfile::tempdir().unwrap();
        let queues = open(folder.path());
        let q = queues.get("q").unwrap();
        send(&queues, "a");
        send(&queues, "b");
        let first = queues.receive(q, 1, 60_000).unwrap().remove(0);
        assert_eq!((first.body.as_str(), first.receives), ("a", 1));
        assert_eq!(queues.counts("q").unwrap(), QueueCounts { visible: 1, in_flight: 1, delayed: 0 });
        assert!(queues.change_visibility("q", &first.receipt, 0).unwrap());
        assert!(!queues.change_visibility("q", &first.receipt, 0).unwrap(), "no longer in flight");
        let mut again = queues.receive(q, 10, 60_000).unwrap();
        again.sort_by(|a, b| a.body.cmp(&b.body));
        assert_eq!(again.iter().map(|m| (m.body.as_str(), m.receives)).collect::<Vec<_>>(), [("a", 2), ("b", 1)]);
        queues.delete("q", &[&first.receipt]).unwrap();
        assert_eq!(queues.counts("q").unwrap().in_flight, 2, "an old receipt deletes nothing");
        queues.delete("q", &[&again[0].receipt, &again[1].receipt]).unwrap();
        assert_eq!(queues.counts("q").unwrap().total(), 0);
    }

    #[test]
    fn a_message_received_too_often_becomes_a_dead_letter() {
        let folder = tempfile::tempdir().unwrap();
        let queues = open(folder.path());
        let q = queues.get("q").unwrap();
        send(&queues, "a");
        for _ in 0..2 {
            let message = queues.receive(q, 1, 60_000).unwrap().remove(0);
            queues.change_visibility("q", &message.receipt, 0).unwrap();
        }
        assert!(queues.receive(q, 1, 60_000).unwrap().is_empty());
        assert_eq!(queues.bodies("dead").unwrap(), ["a"]);
        assert_eq!(queues.receive(queues.get("dead").unwrap(), 1, 1).unwrap()[0].receives, 3);
    }

    #[test]
    fn messages_survive_and_those_in_flight_come_back_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let queues = open(folder.path());
        send(&queues, "a");
        assert_eq!(queues.receive(queues.get("q").unwrap(), 1, 60_000).unwrap().len(), 1);
        queues.set_checkpoint("s", "1").unwrap();
        drop(queues);
        let queues = open(folder.path());
        assert_eq!(queues.receive(queues.get("q").unwrap(), 1, 60_000).unwrap()[0].receives, 2);
        assert_eq!(queues.checkpoint("s").unwrap().as_deref(), Some("1"));
    }

    /// A receive with thousands of messages waiting would otherwise hold the file for as long as it takes to read them all.
    #[test]
    fn the_next_message_is_found_by_index() {
        let folder = tempfile::tempdir().unwrap();
        let queues = open(folder.path());
        let file = lock(&queues.file);
        for statement in [NEXT_VISIBLE, "DELETE FROM messages WHERE queue = ?1 AND sent_ms < ?2"] {
            let mut plan = file.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
            let plan: Vec<String> =
                plan.query_map(params!["q", 1], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
            assert!(matches!(plan.as_slice(), [one] if one.contains("USING INDEX messages_by_")), "{plan:?}");
        }
    }

    #[test]
    fn messages_end_with_their_retention() {
        let folder = tempfile::tempdir().unwrap();
        let queues = open(folder.path());
        send(&queues, "a");
        let short = Queue { retention_ms: -1, ..queue("q", None) };
        assert!(queues.receive(&short, 1, 60_000).unwrap().is_empty());
        assert_eq!(queues.counts("q").unwrap().total(), 0);
    }

    #[tokio::test]
    async fn a_long_poll_ends_when_a_message_arrives_or_becomes_visible() {
        let folder = tempfile::tempdir().unwrap();
        let queues = Arc::new(open(folder.path()));
        let poll = tokio::spawn({
            let queues = queues.clone();
            async move { queues.receive_within(queues.get("q").unwrap(), 1, 30, Duration::from_secs(20)).await.unwrap() }
        });
        tokio::task::yield_now().await;
        send(&queues, "a");
        assert_eq!(poll.await.unwrap().len(), 1);
        let again = queues.receive_within(queues.get("q").unwrap(), 1, 30, Duration::from_secs(20)).await.unwrap();
        assert_eq!(again[0].receives, 2);
    }
}
