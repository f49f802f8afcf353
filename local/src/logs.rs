//! What the functions write, shown under their names and kept for tests.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::tasks::{Signal, lock};

/// How many lines are kept for [`Logs::lines`]; the oldest go first.
const KEPT_LINES: usize = 20_000;

/// One line a function (or the machine, about a function) wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The function's logical id in the template, or `local` for the machine's own remarks.
    pub source: String,
    /// The line without its line break; bytes that are no UTF-8 are replaced.
    pub text: String,
}

/// Where log lines go.
pub(crate) struct Logs {
    quiet: bool,
    lines: Mutex<VecDeque<LogLine>>,
    happened: Signal,
}

impl Logs {
    /// `quiet` keeps lines without showing them.
    pub(crate) fn new(quiet: bool, happened: Signal) -> Self {
        Self { quiet, lines: Mutex::new(VecDeque::new()), happened }
    }

    /// Shows and keeps one line.
    pub(crate) fn write(&self, source: &str, text: &str) {
        if !self.quiet {
            eprintln!("{source} | {text}");
        }
        {
            let mut lines = lock(&self.lines);
            if lines.len() >= KEPT_LINES {
                lines.pop_front();
            }
            lines.push_back(LogLine { source: source.to_owned(), text: text.to_owned() });
        }
        self.happened.signal();
    }

    /// A remark of the machine itself.
    pub(crate) fn remark(&self, text: &str) {
        self.write("local", text);
    }

    /// The lines kept, oldest first.
    pub(crate) fn lines(&self) -> Vec<LogLine> {
        lock(&self.lines).iter().cloned().collect()
    }
}
