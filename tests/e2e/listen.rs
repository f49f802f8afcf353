//! `counterfoil listen`: a developer sees what happens, has it passed on to their own app, and leaves nothing behind.

use std::process::Stdio;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{PATIENCE, Receiver, Reply, World, bin_dir, text};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::operator::run;

/// A `counterfoil listen` that has registered its endpoint.
struct Listening {
    child: Child,
    shown: Lines<BufReader<ChildStdout>>,
    said: Lines<BufReader<ChildStderr>>,
    secret: String,
}

impl Listening {
    async fn start(world: &World, arguments: &[&str]) -> Self {
        let mut command = Command::new(bin_dir().join("counterfoil"));
        for name in ["COUNTERFOIL_ENDPOINT", "DATA_DIR", "TABLE_NAME"] {
            command.env_remove(name);
        }
        command.args(["--endpoint", world.machine.aws_url(), "listen"]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("counterfoil: {error}; `make debug` builds it"));
        let shown = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let begin = tokio::time::timeout(PATIENCE, said.next_line()).await.unwrap().unwrap().unwrap();
        let secret = begin.split(' ').find(|word| word.starts_with("whsec_")).unwrap_or_else(|| panic!("{begin}"));
        Self { child, shown, said, secret: secret.to_owned() }
    }

    /// The next line of standard output.
    async fn line(&mut self) -> String {
        tokio::time::timeout(PATIENCE, self.shown.next_line()).await.unwrap().unwrap().unwrap()
    }

    /// Presses Ctrl-C, and waits for the end: its exit code, and the last line of standard error.
    async fn interrupt(mut self) -> (Option<i32>, String) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        let mut last = String::new();
        while let Some(line) = self.said.next_line().await.unwrap() {
            last = line;
        }
        (status.code(), last)
    }
}

async fn endpoints(world: &World) -> Vec<Value> {
    let answer = tests::answer(world.demo(Method::GET, "/v2/webhooks")).await;
    answer.body["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn events_are_shown_and_passed_on_until_ctrl_c() {
    let world = World::with_webhooks().await;
    let app = Receiver::start().await;
    let mut listening = Listening::start(&world, &["--forward", &app.url("/hooks")]).await;
    assert_eq!(endpoints(&world).await.len(), 1);

    let session = world.paid().await;
    let id = text(&session["id"]);
    let mut types = Vec::new();
    for _ in 0..5 {
        let line = listening.line().await;
        let words: Vec<_> = line.split("  ").collect();
        let [_, event_type, object, state, signature, answered] = words[..] else { panic!("{line}") };
        assert_eq!((object, signature), (id.as_str(), "signature ok"), "{line}");
        assert!(answered.starts_with("app answered 200 in "), "{line}");
        assert_eq!(event_type, format!("payment_session.{state}"));
        types.push(event_type.to_owned());
    }
    assert_eq!(types.last().unwrap(), "payment_session.sent");
    app.accepted(5, PATIENCE).await;
    let passed_on = app.at("/hooks");
    assert_eq!(passed_on.iter().map(tests::Received::event_type).collect::<Vec<_>>(), types);
    assert!(passed_on.iter().all(|one| one.is_signed_by(&[listening.secret.as_str()])), "as they came");

    let (code, last) = listening.interrupt().await;
    assert_eq!((code, last.as_str()), (Some(0), "The endpoint is removed."));
    assert!(endpoints(&world).await.is_empty());
}

#[tokio::test]
async fn what_the_app_refuses_is_not_accepted_for_it() {
    let world = World::with_webhooks().await;
    let app = Receiver::planned(|_| Reply::Status(410)).await;
    let mut listening = Listening::start(&world, &["--forward", &app.url("/")]).await;
    world.create().await;
    let line = listening.line().await;
    assert!(line.contains("signature ok  app answered 410 in "), "{line}");
    let failed = async {
        loop {
            let endpoint = endpoints(&world).await.remove(0);
            assert_eq!(endpoint["enabled"], json!(true), "it has not gone, as the app has: {endpoint}");
            if endpoint["failures"].as_u64().unwrap() > 0 {
                return;
            }
        }
    };
    assert!(tokio::time::timeout(PATIENCE, failed).await.is_ok(), "it was accepted");
    listening.interrupt().await;
    assert!(endpoints(&world).await.is_empty());
}

#[tokio::test]
async fn bodies_are_shown_as_json_and_what_was_killed_is_cleared_away() {
    let world = World::with_webhooks().await;
    let mut killed = Listening::start(&world, &[]).await;
    killed.child.kill().await.unwrap();
    assert_eq!(endpoints(&world).await.len(), 1, "nobody was there to remove it");

    let mut listening = Listening::start(&world, &["--output", "json"]).await;
    assert_eq!(endpoints(&world).await.len(), 1, "its own");
    let session = world.create().await;
    let event: Value = serde_json::from_str(&listening.line().await).unwrap();
    assert_eq!((&event["type"], &event["data"]["id"]), (&json!("payment_session.awaiting_payer"), &session["id"]));
    let (code, _) = listening.interrupt().await;
    assert_eq!((code, endpoints(&world).await.len()), (Some(0), 0));
}

#[tokio::test]
async fn it_ends_when_nobody_reads_on() {
    let world = World::with_webhooks().await;
    let mut listening = Listening::start(&world, &[]).await;
    world.create().await;
    listening.line().await;
    let Listening { mut child, shown, said: _said, secret: _ } = listening;
    drop(shown);
    let status = tokio::time::timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(endpoints(&world).await.is_empty());
}

#[tokio::test]
async fn aws_cant_reach_this_machine() {
    let world = World::start().await;
    let ran = run(&world, &["listen", "--region", "eu-west-2"]).await;
    assert!(ran.code == 1 && ran.said.contains("AWS can't reach this machine"), "{}", ran.said);
}
