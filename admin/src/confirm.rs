//! Asking before what can't be undone.

use std::io::{self, BufRead, IsTerminal, Write};

use clap::Args;
use tokio::sync::oneshot;

use crate::arguments::DryRun;
use crate::failure::{Failure, Interrupted};
use crate::interrupt::unless_interrupted;
use crate::report::say;

/// The longest answer that is read.
const MAX_ANSWER_BYTES: u64 = 64;

/// Whether a command is not to ask.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Yes {
    /// Do it without asking: scripts have to say so
    #[arg(long)]
    pub(crate) yes: bool,
}

impl Yes {
    /// Has the person at the terminal confirm what a command is about to do, `what`, in one sentence, by its `verb`, and in which
    /// `deployment`; unless that was said before. A dry run does nothing, and so does not ask.
    ///
    /// # Errors
    /// They don't, or nobody is there who could.
    pub(crate) async fn or_confirm(self, verb: &str, what: &str, deployment: &str, dry: DryRun) -> Result<(), Failure> {
        if self.yes || dry.dry_run {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            return Err(Failure::NobodyToAsk);
        }
        confirm(verb, what, deployment).await
    }
}

/// Somebody who works on several deployments sees which one it is.
fn question(verb: &str, what: &str, deployment: &str) -> String {
    format!("{what}\nWhere: {deployment}.\nType yes to {verb}: ")
}

/// Has the person at the terminal confirm what a command is about to do, as [`Yes::or_confirm`] does.
///
/// # Errors
/// They don't.
pub(crate) async fn confirm(verb: &str, what: &str, deployment: &str) -> Result<(), Failure> {
    let question = question(verb, what, deployment);
    let (answer, answered) = oneshot::channel();
    // The process may end while this thread still reads, as it does at Ctrl-C; it would wait for one of the runtime's.
    std::thread::spawn(move || {
        let _ = answer.send(is_confirmed(&question, io::stdin().lock(), io::stderr()));
    });
    let confirmed = async { Ok(answered.await.unwrap_or(false)) };
    match unless_interrupted(Interrupted::Asking, confirmed).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::NotConfirmed),
        Err(failure) => {
            // The cursor stands behind the question.
            say("");
            Err(failure)
        }
    }
}

/// Whether the answer to this is yes. What can't be asked or read is not.
fn is_confirmed(question: &str, input: impl BufRead, mut output: impl Write) -> bool {
    let mut answer = String::new();
    let asked = output.write_all(question.as_bytes()).and_then(|()| output.flush());
    let read = asked.and_then(|()| input.take(MAX_ANSWER_BYTES).read_line(&mut answer));
    if !answer.ends_with('\n') {
        // The input has ended, and whatever is said next begins a line.
        drop(output.write_all(b"\n"));
    }
    read.is_ok() && answer.trim() == "yes"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_yes_is_yes() {
        let answered = |answer: &str| is_confirmed("Sure? ", answer.as_bytes(), io::sink());
        for answer in ["yes\n", "yes", " yes \r\n"] {
            assert!(answered(answer), "{answer:?}");
        }
        for answer in ["", "\n", "y\n", "no\n", "Yes!\n", "no\nyes\n", &format!("{}yes\n", " ".repeat(64))] {
            assert!(!answered(answer), "{answer:?}");
        }
        assert!(!is_confirmed("Sure? ", &b"\xff\n"[..], io::sink()), "no text");
        let mut shown = Vec::new();
        is_confirmed("Sure? ", io::empty(), &mut shown);
        assert_eq!(shown, b"Sure? \n", "at the end of the input, too, a line is ended");
        shown.clear();
        is_confirmed("Sure? ", &b"y\n"[..], &mut shown);
        assert_eq!(shown, b"Sure? ", "who answers has ended it");
    }

    #[test]
    fn what_is_asked_says_what_and_where() {
        let asked = question("erase", "It goes, for good.", "stack shop, table shop-Table-1, AWS in eu-west-2");
        let expected =
            "It goes, for good.\nWhere: stack shop, table shop-Table-1, AWS in eu-west-2.\nType yes to erase: ";
        assert_eq!(asked, expected);
    }

    #[tokio::test]
    async fn who_says_yes_and_who_changes_nothing_is_not_asked() {
        for (yes, dry_run) in [(true, false), (false, true), (true, true)] {
            assert!(Yes { yes }.or_confirm("erase", "It goes.", "here", DryRun { dry_run }).await.is_ok());
        }
    }
}
