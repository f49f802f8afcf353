//! Ends the function processes when the machine is killed itself and can no longer do so.
//!
//! A function that waits for its next event notices that its Runtime API is gone and ends; one that hangs in its
//! handler would not. So a shell, which gets the number of every process, waits for its input to end: the system closes it with the
//! machine, however that ends.

use std::fs::File;
use std::io::{self, Write};
use std::process::Stdio;
use std::sync::Mutex;

use tokio::process::Command;

use crate::tasks::lock;

/// Keeps the numbers between spaces, so that each can be removed by its own pattern.
const SCRIPT: &str = r#"
alive=' '
while read -r what number; do
  case $what in
    started) alive="$alive$number " ;;
    # Should the number be unknown, nothing changes.
    ended) case $alive in *" $number "*) alive="${alive%%" $number "*} ${alive#*" $number "}" ;; esac ;;
  esac
done
[ "$alive" = ' ' ] || kill -9 $alive 2>/dev/null
"#;

/// The shell's input; nothing where there is no shell.
pub(crate) struct Watcher(Option<Mutex<File>>);

impl Watcher {
    /// Starts the shell, in a process group of its own so that Ctrl-C does not reach it.
    pub(crate) fn start() -> Self {
        Self(spawn().ok().map(Mutex::new))
    }

    pub(crate) fn started(&self, process: u32) {
        self.send("started", process);
    }

    pub(crate) fn ended(&self, process: u32) {
        self.send("ended", process);
    }

    /// A shell that is gone gets nothing; the machine itself still ends its processes.
    fn send(&self, what: &str, process: u32) {
        if let Some(input) = &self.0 {
            let _ = lock(input).write_all(format!("{what} {process}\n").as_bytes());
        }
    }
}

#[cfg(unix)]
fn spawn() -> io::Result<File> {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", SCRIPT]).env_clear().process_group(0);
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let input = shell.stdin.take().ok_or_else(|| io::Error::other("no pipe"))?;
    Ok(File::from(input.into_owned_fd()?))
}

#[cfg(not(unix))]
fn spawn() -> io::Result<File> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn only_what_has_not_ended_is_killed() {
        let watcher = Watcher::start();
        let mut sleepers: Vec<_> = (0..3).map(|_| Command::new("sleep").arg("60").spawn().unwrap()).collect();
        sleepers.iter().for_each(|sleeper| watcher.started(sleeper.id()));
        let mut spared = sleepers.remove(1);
        watcher.ended(spared.id());
        drop(watcher);
        for mut sleeper in sleepers {
            let status = tokio::task::spawn_blocking(move || sleeper.wait().unwrap()).await.unwrap();
            assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
        }
        assert_eq!(spared.try_wait().unwrap(), None);
        spared.kill().unwrap();
        spared.wait().unwrap();
    }
}
