//! What a command answers, for people and for scripts.

use serde::{Serialize, Serializer};

use crate::cli::Output;

/// What a command answers.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) content: Content,
    /// A word to the operator, on standard error.
    pub(crate) note: Option<&'static str>,
}

/// One thing, or a list.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Content {
    One(Record),
    Many(Vec<Record>),
}

/// Fields in the order in which they are shown; scripts read them by name.
#[derive(Debug)]
pub(crate) struct Record(pub(crate) Vec<(&'static str, Option<String>)>);

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Record {
    fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.replace('_', " ").to_uppercase()).collect()
    }

    fn values(&self) -> Vec<String> {
        self.0.iter().map(|(_, value)| value.clone().unwrap_or_else(|| "-".to_owned())).collect()
    }
}

impl Report {
    pub(crate) fn one(record: Record) -> Self {
        Self { content: Content::One(record), note: None }
    }

    pub(crate) fn many(records: Vec<Record>) -> Self {
        Self { content: Content::Many(records), note: None }
    }

    pub(crate) fn with_note(self, note: &'static str) -> Self {
        Self { note: Some(note), ..self }
    }

    /// The whole text for standard output.
    pub(crate) fn render(&self, output: Output) -> Result<String, serde_json::Error> {
        match output {
            Output::Json => serde_json::to_string_pretty(&self.content).map(|text| text + "\n"),
            Output::Table => Ok(match &self.content {
                Content::One(record) => {
                    let rows = record.names().into_iter().zip(record.values());
                    aligned(rows.map(|(name, value)| vec![name, value]).collect())
                }
                Content::Many(records) => match records.first() {
                    None => "none\n".to_owned(),
                    Some(first) => {
                        aligned(std::iter::once(first.names()).chain(records.iter().map(Record::values)).collect())
                    }
                },
            }),
        }
    }
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
    use super::*;

    fn record(id: &str, revoked: Option<&str>) -> Record {
        Record(vec![("key_id", Some(id.to_owned())), ("revoked_at", revoked.map(str::to_owned))])
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
}
