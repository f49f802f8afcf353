//! What a command answers, for people and for scripts.

use std::io::{self, ErrorKind, Write};

use clap::ValueEnum;
use jiff::Timestamp;
use models::{Money, stamp};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::location::Location;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Table,
    /// For scripts.
    Json,
}

/// What a command answers.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) content: Content,
    /// A note to the operator, on standard error.
    pub(crate) note: Option<String>,
    /// Whether the command did not do or find all that it should; then its exit code is 1.
    pub(crate) failed: bool,
    /// Why the command went no further than what is listed, if something stopped it.
    pub(crate) broke_off: Option<Failure>,
}

/// One thing, a list, or several of them with a title each.
#[derive(Debug)]
pub(crate) enum Content {
    One(Record),
    Many(Vec<Record>),
    Sections(Vec<(&'static str, Content)>),
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(record) => record.serialize(serializer),
            Self::Many(records) => records.serialize(serializer),
            Self::Sections(sections) => {
                serializer.collect_map(sections.iter().map(|(title, content)| (title, content)))
            }
        }
    }
}

/// Fields in the order in which they are shown; scripts read them by name.
#[derive(Debug, Clone)]
pub(crate) struct Record(pub(crate) Vec<Field>);

/// A name and what is shown by it, if there is something.
pub(crate) type Field = (&'static str, Option<Shown>);

/// One value: for people, and for scripts.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    text: String,
    json: Value,
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, shown)| (name, shown.as_ref().map(|shown| &shown.json))))
    }
}

/// A text.
pub(crate) fn field(name: &'static str, value: impl ToString) -> Field {
    maybe(name, Some(value))
}

/// A text, if there is one.
pub(crate) fn maybe(name: &'static str, value: Option<impl ToString>) -> Field {
    let shown = value.map(|value| value.to_string());
    (name, shown.map(|text| Shown { json: Value::String(text.clone()), text }))
}

/// A time, if there is one.
pub(crate) fn when(name: &'static str, at: impl Into<Option<Timestamp>>) -> Field {
    maybe(name, at.into().map(stamp))
}

/// A number, or whether something is so; or none of that.
pub(crate) fn plain(name: &'static str, value: impl Into<Value>) -> Field {
    let json = value.into();
    (name, (!json.is_null()).then(|| Shown { text: json.to_string(), json }))
}

/// An amount, if there is one; scripts read it in the currency's minor unit.
pub(crate) fn amount(name: &'static str, value: Option<Money>) -> Field {
    let json = |money: Money| json!({ "amount_minor": money.minor(), "currency": money.currency().code() });
    maybe_as(name, value.map(|money| (money.to_string(), json(money))))
}

/// Words of a fixed set, such as `not final`; scripts read them as one, `not_final`.
pub(crate) fn word(name: &'static str, words: &str) -> Field {
    shown_as(name, words, words.to_lowercase().replace(' ', "_"))
}

/// How long ago something was, if it was; scripts read it in seconds. The name ends with `_s`.
pub(crate) fn ago(name: &'static str, since: Option<Timestamp>, now: Timestamp) -> Field {
    let seconds = since.map(|since| now.duration_since(since).as_secs().max(0));
    maybe_as(name, seconds.map(|seconds| (age(seconds), seconds.into())))
}

/// What people read as this text, and scripts as this value.
pub(crate) fn shown_as(name: &'static str, text: impl Into<String>, json: impl Into<Value>) -> Field {
    maybe_as(name, Some((text.into(), json.into())))
}

/// What people read as a text, and scripts as a value, if it is there.
pub(crate) fn maybe_as(name: &'static str, shown: Option<(String, Value)>) -> Field {
    (name, shown.map(|(text, json)| Shown { text, json }))
}

impl Record {
    fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| spoken(name)).collect()
    }

    fn values(&self) -> Vec<String> {
        let text = |shown: &Shown| shown.text.clone();
        self.0.iter().map(|(_, shown)| shown.as_ref().map_or_else(|| "-".to_owned(), text)).collect()
    }
}

impl Report {
    pub(crate) fn new(content: Content) -> Self {
        Self { content, note: None, failed: false, broke_off: None }
    }

    pub(crate) fn one(record: Record) -> Self {
        Self::new(Content::One(record))
    }

    pub(crate) fn many(records: Vec<Record>) -> Self {
        Self::new(Content::Many(records))
    }

    pub(crate) fn with_note(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }

    /// What was listed until something stopped it.
    pub(crate) fn until(records: Vec<Record>, stopped_by: Failure) -> Self {
        Self { broke_off: Some(stopped_by), ..Self::many(records) }
    }

    /// The same, saying where it broke off if that is what helps.
    pub(crate) fn at(self, location: &Location) -> Self {
        Self { broke_off: self.broke_off.map(|failure| failure.at(location)), ..self }
    }

    /// The whole text for standard output.
    pub(crate) fn render(&self, output: Output) -> Result<String, serde_json::Error> {
        match output {
            Output::Json => serde_json::to_string_pretty(&self.content).map(|text| text + "\n"),
            Output::Table => Ok(self.content.table()),
        }
    }
}

impl Content {
    fn table(&self) -> String {
        match self {
            Self::One(record) => {
                let rows = record.names().into_iter().zip(record.values());
                aligned(rows.map(|(name, value)| vec![name, value]).collect())
            }
            Self::Many(records) => match records.first() {
                None => "none\n".to_owned(),
                Some(first) => {
                    aligned(std::iter::once(first.names()).chain(records.iter().map(Record::values)).collect())
                }
            },
            Self::Sections(sections) => {
                let titled =
                    sections.iter().map(|(title, content)| format!("{}\n\n{}", spoken(title), content.table()));
                titled.collect::<Vec<_>>().join("\n")
            }
        }
    }
}

/// Writes to standard output. A reader that has enough, such as `head`, is no error.
///
/// # Errors
/// It can't be written, for another reason.
pub(crate) fn print(bytes: &[u8]) -> io::Result<()> {
    match io::stdout().write_all(bytes) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Resolves within a second when nobody reads standard output any more, as after `| head`. Of a file it never does.
#[cfg(unix)]
pub(crate) async fn unread() {
    use std::os::fd::AsFd;
    use std::time::Duration;

    use tokio::io::Interest;
    use tokio::net::unix::pipe::Sender;

    // A copy, for what is watched is closed in the end. It may be written to all the time, so it is seen now and then.
    if let Ok(copy) = io::stdout().as_fd().try_clone_to_owned().and_then(Sender::from_owned_fd_unchecked) {
        while let Ok(ready) = copy.ready(Interest::WRITABLE).await {
            if ready.is_write_closed() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
    std::future::pending().await
}

/// Never resolves: the system does not say it.
#[cfg(not(unix))]
pub(crate) async fn unread() {
    std::future::pending().await
}

/// Writes a line to standard error, whether or not somebody reads it.
pub(crate) fn say(line: &str) {
    drop(writeln!(io::stderr(), "{line}"));
}

/// How long ago, as `3d 4h` or `12m 30s`.
fn age(seconds: i64) -> String {
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, minutes, seconds) => format!("{minutes}m {seconds}s"),
        (0, hours, minutes, _) => format!("{hours}h {minutes}m"),
        (days, hours, ..) => format!("{days}d {hours}h"),
    }
}

/// A name as people read it: a length of time says its units itself.
fn spoken(name: &str) -> String {
    name.strip_suffix("_s").unwrap_or(name).replace('_', " ").to_uppercase()
}

/// Rows as lines, each column as wide as its widest cell.
fn aligned(rows: Vec<Vec<String>>) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in &rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use models::{Currency, MinorUnits};

    use super::*;

    fn record(id: &str, revoked: Option<&str>) -> Record {
        Record(vec![field("key_id", id), maybe("revoked_at", revoked)])
    }

    #[test]
    fn people_read_columns() {
        let list = Report::many(vec![record("pk_test_a", None), record("pk_test_längst", Some("2026-01-31"))]);
        let expected = "\
KEY ID          REVOKED AT
pk_test_a       -
pk_test_längst  2026-01-31
";
        assert_eq!(list.render(Output::Table).unwrap(), expected);
        assert_eq!(Report::many(vec![]).render(Output::Table).unwrap(), "none\n");
        let one = Report::one(record("pk_test_a", None)).render(Output::Table).unwrap();
        assert_eq!(one, "KEY ID      pk_test_a\nREVOKED AT  -\n");
    }

    #[test]
    fn scripts_read_json() {
        let one = Report::one(record("pk_test_a", None)).render(Output::Json).unwrap();
        assert_eq!(one, "{\n  \"key_id\": \"pk_test_a\",\n  \"revoked_at\": null\n}\n");
        assert_eq!(Report::many(vec![]).render(Output::Json).unwrap(), "[]\n");
    }

    #[test]
    fn scripts_read_numbers_as_numbers() {
        let money = Money::new(MinorUnits::new(250), Currency::GBP);
        let record = Record(vec![
            plain("count", 3_usize),
            plain("is_so", false),
            plain("missing", None::<u8>),
            amount("left", Some(money)),
            amount("excess", None),
            field("account_number", "00000012"),
            shown_as("waiting", "1000+", 1000),
            shown_as("payer", "hidden", Value::Null),
            word("status", "would be revoked"),
        ]);
        let expected = json!({
            "count": 3, "is_so": false, "missing": null, "left": { "amount_minor": 250, "currency": "GBP" },
            "excess": null, "account_number": "00000012", "waiting": 1000, "payer": null,
            "status": "would_be_revoked",
        });
        assert_eq!(serde_json::to_value(&record).unwrap(), expected);
        let shown = ["3", "false", "-", "£2.50", "-", "00000012", "1000+", "hidden", "would be revoked"];
        assert_eq!(record.values(), shown);
    }

    #[test]
    fn an_age_is_said_in_two_units() {
        let ages = [59, 3_599, 3_600, 86_399, 86_400, 200_000].map(age);
        assert_eq!(ages, ["0m 59s", "59m 59s", "1h 0m", "23h 59m", "1d 0h", "2d 7h"]);
        let at = |seconds| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
        let waited = Record(vec![ago("waiting_s", Some(at(0)), at(3_600)), ago("age_s", None, at(0))]);
        assert_eq!(waited.names(), ["WAITING", "AGE"]);
        assert_eq!(waited.values(), ["1h 0m", "-"]);
        assert_eq!(serde_json::to_value(&waited).unwrap(), json!({ "waiting_s": 3_600, "age_s": null }));
    }

    #[test]
    fn a_time_has_three_digits_after_its_second() {
        let at = |text: &str| when("at", text.parse::<Timestamp>().unwrap());
        let times = Record(vec![
            at("2026-01-31T09:30:02Z"),
            at("2026-01-31T09:30:02.1Z"),
            at("2026-01-31T09:30:02.123456Z"),
            when("at", None),
        ]);
        let shown = ["2026-01-31T09:30:02.000Z", "2026-01-31T09:30:02.100Z", "2026-01-31T09:30:02.123Z", "-"];
        assert_eq!(times.values(), shown);
    }

    #[test]
    fn sections_have_titles() {
        let sections = Report::new(Content::Sections(vec![
            ("the_key", Content::One(record("pk_test_a", None))),
            ("others", Content::Many(vec![])),
        ]));
        let expected = "THE KEY\n\nKEY ID      pk_test_a\nREVOKED AT  -\n\nOTHERS\n\nnone\n";
        assert_eq!(sections.render(Output::Table).unwrap(), expected);
        let json: serde_json::Value = serde_json::from_str(&sections.render(Output::Json).unwrap()).unwrap();
        assert_eq!((&json["the_key"]["key_id"], &json["others"]), (&"pk_test_a".into(), &serde_json::json!([])));
    }
}
