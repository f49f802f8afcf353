//! The program itself: its messages, and what a `kill -9` leaves.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use crate::support::{PATIENCE, aws, bin_dir, get, put, template};
use aws_sdk_dynamodb::Client;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

struct Program {
    child: Child,
    aws_url: String,
    api_url: String,
    welcome: String,
}

fn command(folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command.arg("--template").arg(template()).arg("--bin-dir").arg(bin_dir());
    command.args(["--port", "0", "--mail-port", "0", "--schedule-interval-ms", "3600000"]);
    command.arg("--data-dir").arg(folder.path().join("data"));
    command.arg("--env").arg(format!("NOTES={}", folder.path().join("notes").display()));
    command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    command
}

async fn start(folder: &TempDir) -> Program {
    let mut child = command(folder).spawn().unwrap();
    let mut stdout: Lines<BufReader<ChildStdout>> = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut welcome = String::new();
    while !welcome.contains("curl") {
        let line = tokio::time::timeout(PATIENCE, stdout.next_line()).await.unwrap().unwrap();
        welcome.push_str(&line.expect("it ended before it was ready"));
        welcome.push('\n');
    }
    let url = |label: &str| {
        let rest = welcome.split_once(label).unwrap().1;
        rest.split_whitespace().next().unwrap().to_owned()
    };
    Program { aws_url: url("AWS endpoint"), api_url: url("HTTP API"), welcome, child }
}

#[tokio::test]
async fn it_says_when_it_is_ready_and_stops_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = start(&folder).await;
    assert!(program.welcome.starts_with("ready\n"), "{}", program.welcome);
    assert!(program.welcome.contains("/v2/payment_sessions"));
    assert_eq!(get(&format!("{}/echo/1", program.api_url)).await.status, 200);
    for (name, url) in [("endpoint", &program.aws_url), ("url", &program.api_url)] {
        assert_eq!(&std::fs::read_to_string(folder.path().join("data").join(name)).unwrap(), url);
    }
    signal(&program.child, "TERM").await;
    let status = tokio::time::timeout(PATIENCE, program.child.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn what_is_wrong_is_one_line_and_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = command(&folder);
    wrong.stderr(Stdio::piped()).args(["--parameter", "Nope=1"]);
    let output = wrong.output().await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let errors: Vec<_> = stderr.lines().filter(|line| line.starts_with("local: ")).collect();
    assert_eq!((output.status.code(), errors.len()), (Some(1), 1), "{stderr}");
    assert!(errors[0].contains("Nope"), "{stderr}");
}

async fn signal(child: &Child, name: &str) {
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().await.unwrap().success());
}

/// A kill in the midst of work: no acknowledged write is lost, and the stream goes on where it stopped, repeating the
/// batch in flight at most.
#[tokio::test]
async fn a_kill_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut written = 0;
    for _ in 0..3 {
        let mut program = start(&folder).await;
        let client = Client::new(&aws(&program.aws_url));
        for _ in 0..40 {
            put(&client, &format!("{written:04}"), "").await;
            written += 1;
        }
        program.child.kill().await.unwrap();
    }
    let mut program = start(&folder).await;
    let expected: BTreeSet<String> = (0..written).map(|number| format!("INSERT {number:04}")).collect();
    let all_seen = async {
        while notes(&folder).into_iter().collect::<BTreeSet<_>>() != expected {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all_seen).await.expect("records were lost");
    let seen = notes(&folder);
    let mut known = BTreeSet::new();
    let first_seen: Vec<_> = seen.iter().filter(|record| known.insert(*record)).collect();
    assert!(first_seen.is_sorted(), "out of order: {first_seen:?}");
    // Three kills, each repeating a batch of ten at most.
    assert!(seen.len() <= expected.len() + 3 * 10, "{} deliveries of {}", seen.len(), expected.len());
    program.child.kill().await.unwrap();
}

/// Idle ones notice by themselves; one that hangs in its handler does not.
#[tokio::test]
async fn a_kill_leaves_no_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = start(&folder).await;
    let idle = get(&format!("{}/do/pid", program.api_url)).await.text().to_owned();
    let hanging = get(&format!("{}/slow/pid", program.api_url)).await.text().to_owned();
    let url = format!("{}/slow/hang", program.api_url);
    let request = tokio::spawn(async move { get(&url).await });
    while notes(&folder) != ["hanging"] {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    program.child.kill().await.unwrap();
    assert!(request.await.is_err(), "the connection was cut");
    for pid in [idle, hanging] {
        let gone = async {
            while Command::new("kill").args(["-0", &pid]).stderr(Stdio::null()).status().await.unwrap().success() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), gone).await.expect("a process outlived the machine");
    }
}

/// What the functions noted, in order; the last line only once it is complete.
fn notes(folder: &TempDir) -> Vec<String> {
    let text = std::fs::read_to_string(folder.path().join("notes")).unwrap_or_default();
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    complete.lines().map(str::to_owned).collect()
}
