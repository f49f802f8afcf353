//! The README's first payment, refund, webhook and test clock: its commands as they are printed, and what it says that they print.

use std::process::Stdio;

use tests::{PATIENCE, World, bin_dir, workspace};
use tokio::process::Command;
use tokio::time::timeout;
use uuid::Uuid;

/// Where the README says that the service is.
const BASE_URL: &str = "http://127.0.0.1:3000";

/// What separates the outputs of two blocks.
const SEPARATOR: char = '\u{1e}';

/// Commands, and what the README shows of their output.
struct Block {
    commands: String,
    shown: Option<String>,
}

/// The blocks of a part of the README. What runs until it is stopped is left out.
fn blocks(from: &str, until: &str) -> Vec<Block> {
    let readme = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let (_, part) = readme.split_once(from).unwrap();
    let (part, _) = part.split_once(until).unwrap();
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_run = false;
    // Between fences the odd ones are text.
    for fenced in part.split("```").skip(1).step_by(2) {
        let (language, content) = fenced.split_once('\n').unwrap();
        if language == "sh" {
            is_run = !content.contains("counterfoil listen");
            if is_run {
                blocks.push(Block { commands: content.to_owned(), shown: None });
            }
        } else if is_run {
            let last = blocks.last_mut().unwrap();
            assert!(last.shown.replace(content.trim().to_owned()).is_none(), "two outputs of {}", last.commands);
            is_run = false;
        }
    }
    blocks
}

/// A text without what is another each time: ids, times, secrets, the port.
fn masked(text: &str, api_url: &str) -> String {
    let mut text = text.replace(api_url, BASE_URL);
    let mut at = 0;
    while let Some(window) = text.get(at..) {
        match window.get(..36).filter(|id| Uuid::try_parse(id).is_ok()) {
            Some(_) => text.replace_range(at..at + 36, "ID"),
            None if window.is_empty() => break,
            None => at += window.chars().next().map_or(1, char::len_utf8),
        }
    }
    let is_time = |word: &str| {
        let with_zone = word.strip_suffix(" UTC").map(|time| format!("{}Z", time.replace(' ', "T")));
        with_zone.as_deref().unwrap_or(word).parse::<jiff::Timestamp>().is_ok()
    };
    let words = text.split('"').map(|word| match word {
        time if is_time(time) => "TIME",
        secret if secret.starts_with("whsec_") => "SECRET",
        other => other,
    });
    words.collect::<Vec<_>>().join("\"")
}

#[tokio::test]
async fn what_the_readme_says_of_a_first_payment_is_so() {
    let world = World::with_webhooks().await;
    let api_url = world.machine.api_url();
    let blocks = blocks("## A first payment", "### And the same in another format");
    assert!(blocks.len() >= 10 && blocks.iter().filter(|block| block.shown.is_some()).count() >= 8);
    let mut script = "exec 2>&1\n".to_owned();
    let counterfoil = bin_dir().join("counterfoil").to_str().unwrap().to_owned();
    for Block { commands, .. } in &blocks {
        let commands = commands.replace(BASE_URL, api_url).replace("target/debug/counterfoil", &counterfoil);
        script.push_str(&format!("{commands}\nprintf '{SEPARATOR}'\n"));
    }
    let mut bash = Command::new("bash");
    let bash = bash.arg("-c").arg(&script).env("COUNTERFOIL_ENDPOINT", world.machine.aws_url()).env("no_proxy", "*");
    let output = timeout(PATIENCE, bash.stdin(Stdio::null()).kill_on_drop(true).output()).await.unwrap().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let printed: Vec<_> = printed.split(SEPARATOR).collect();
    assert_eq!(printed.len(), blocks.len() + 1, "{printed:?}");
    for (Block { commands, shown }, printed) in blocks.iter().zip(printed) {
        let printed = masked(printed, api_url);
        let mut rest = printed.as_str();
        let shown = shown.as_deref().map(|shown| masked(shown, api_url)).unwrap_or_default();
        // What is left out stands for anything.
        for part in shown.split('…').flat_map(str::lines).map(str::trim) {
            rest = rest.split_once(part).unwrap_or_else(|| panic!("{commands}\nno {part}\nin {printed}")).1;
        }
    }
}
