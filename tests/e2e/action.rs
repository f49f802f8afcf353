//! The GitHub Action: its script starts a release, laid out as releases are, and says where it is.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Output;
use std::{fs, process};

use reqwest::{Client, StatusCode};
use tempfile::TempDir;
use tests::{PATIENCE, bin_dir, workspace};
use tokio::process::Command;
use tokio::time::timeout;

/// A process that outlives the script which started it, but not the test.
struct Started(String);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = process::Command::new("kill").arg(&self.0).status();
    }
}

/// A folder with a release in it as tools/dist.sh packs it, of links in place of binaries.
fn release() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let name = format!("counterfoil-{}-{arch}", env!("CARGO_PKG_VERSION"));
    let root = folder.path().join(&name);
    fs::create_dir(&root).unwrap();
    fs::copy(workspace().join("tools/run"), root.join("run")).unwrap();
    symlink(workspace().join("template.yaml"), root.join("template.yaml")).unwrap();
    for tool in ["local", "counterfoil"] {
        symlink(bin_dir().join(tool), root.join(tool)).unwrap();
    }
    for function in fs::read_dir(workspace().join("functions")).unwrap() {
        let function = function.unwrap();
        if function.path().is_dir() {
            let code = root.join("target/lambda").join(function.file_name());
            fs::create_dir_all(&code).unwrap();
            symlink(bin_dir().join(function.file_name()), code.join("bootstrap")).unwrap();
        }
    }
    let pack = format!("tar czf {name}.tar.gz {name} && sha256sum -- {name}.tar.gz >SHA256SUMS");
    let packed = process::Command::new("sh").args(["-c", &pack]).current_dir(folder.path()).status().unwrap();
    assert!(packed.success(), "{packed}");
    folder
}

/// What the action's step does with a release and these variables, and the file in which it says what came of it.
async fn start(release: &Path, inputs: &[(&str, &str)]) -> (Output, String) {
    let said = release.join("output");
    let mut script = Command::new("bash");
    script.arg(workspace().join("tools/action.sh")).kill_on_drop(true);
    script.env("RUNNER_TEMP", release).env("GITHUB_OUTPUT", &said).env("FROM", format!("file://{}", release.display()));
    script.envs([("VERSION", ""), ("REPOSITORY_URL", "https://127.0.0.1:1/owner/counterfoil"), ("SIGNED", "true")]);
    script.envs([("PORT", "0"), ("MAIL_PORT", "0"), ("FORMATS", "banked")]).envs(inputs.iter().copied());
    let output = timeout(PATIENCE, script.output()).await.unwrap().unwrap();
    (output, fs::read_to_string(said).unwrap_or_default())
}

#[tokio::test]
async fn it_starts_a_release_and_says_where_it_is() {
    let release = release();
    let (output, said) = start(release.path(), &[]).await;
    assert!(output.status.success(), "{output:?}");
    let said: BTreeMap<&str, &str> = said.lines().filter_map(|line| line.split_once('=')).collect();
    let _started = Started(said["pid"].to_owned());

    let action = fs::read_to_string(workspace().join("action.yml")).unwrap();
    let handed_on = action.lines().filter_map(|line| line.trim().strip_prefix("value: ${{ steps.start.outputs."));
    let mut handed_on: Vec<_> = handed_on.filter_map(|rest| rest.strip_suffix(" }}")).collect();
    handed_on.sort_unstable();
    assert_eq!(said.keys().copied().collect::<Vec<_>>(), handed_on);

    let client = Client::builder().no_proxy().build().unwrap();
    let list = client.get(format!("{}/v2/payment_sessions", said["base-url"]));
    let answer = list.basic_auth(said["key-id"], Some(said["secret"])).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(client.get(said["mailbox-url"]).send().await.unwrap().status(), StatusCode::OK);
    assert!(fs::read_to_string(said["log"]).unwrap().contains("ready"));
    let mut counterfoil = Command::new(said["counterfoil"]);
    counterfoil.env_remove("COUNTERFOIL_ENDPOINT").env_remove("TABLE_NAME").env("DATA_DIR", said["data-dir"]);
    let keys = counterfoil.args(["keys", "list", "demo"]).output().await.unwrap();
    assert!(String::from_utf8_lossy(&keys.stdout).contains(said["key-id"]), "{keys:?}");
}

#[tokio::test]
async fn it_starts_nothing_that_is_not_what_the_checksums_say() {
    let release = release();
    let sums = release.path().join("SHA256SUMS");
    let listed = fs::read_to_string(&sums).unwrap();
    let (sum, name) = listed.split_once(' ').unwrap();
    // Another file that is listed, and is what it should be, makes up for nothing.
    fs::write(release.path().join("other"), "").unwrap();
    let other = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  other";
    for sums_of_it in [format!("{} {name}", "0".repeat(64)), format!("{sum}  other.tar.gz"), String::new()] {
        fs::write(&sums, format!("{other}\n{sums_of_it}")).unwrap();
        assert!(refused(release.path(), &[]).await.contains("is not what SHA256SUMS says."), "{sums_of_it}");
    }
}

/// What it says, having started nothing: one error, on one line.
async fn refused(release: &Path, inputs: &[(&str, &str)]) -> String {
    let (output, said) = start(release, inputs).await;
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success() && said.is_empty() && !shown.contains("starting"), "{inputs:?}: {shown}");
    let commands: Vec<_> = shown.lines().filter(|line| line.trim_start().starts_with("::")).collect();
    let [error] = commands[..] else { panic!("{inputs:?}: {shown}") };
    assert!(error.starts_with("::error title=Counterfoil::"), "{inputs:?}: {shown}");
    error.to_owned()
}

#[tokio::test]
async fn an_input_is_neither_a_command_nor_an_option() {
    let release = tempfile::tempdir().unwrap();
    for (input, value, says) in [
        ("VERSION", "0.1.0\n::set-env name=PATH::/tmp", "line break"),
        ("FROM", "https://127.0.0.1:1\r::stop-commands::x", "line break"),
        ("FORMATS", "banked\n::add-mask::a", "line break"),
        ("VERSION", "../0.1.0", "no version such as 0.1.0: ../0.1.0"),
        ("VERSION", "0%0A1", "no version such as 0.1.0: 0%250A1"),
        ("FROM", "--config=/etc/passwd", "no https or file URL"),
        ("FROM", "http://127.0.0.1:1", "no https or file URL"),
    ] {
        let error = refused(release.path(), &[(input, value)]).await;
        assert!(error.contains(says), "{input}={value:?}: {error}");
    }
}

/// A `PATH` with these in place of GitHub: a `curl` that copies the release, and a `gh` whose help lists these options, which
/// notes what it is asked, and ends so: with 0 where it proves who built the release.
fn in_place_of_github(release: &Path, options: &str, ends: i32) -> String {
    let tools = release.join("tools");
    fs::create_dir(&tools).unwrap();
    let curl = r#"while [ "$1" != -o ]; do shift; done; [ "$2" = /dev/null ] || cp "$RUNNER_TEMP/$2" "$2""#.to_owned();
    let gh =
        format!(r#"case "$*" in *--help) echo {options} ;; *) echo "$*" >"$RUNNER_TEMP/asked"; exit {ends} ;; esac"#);
    for (name, script) in [("curl", curl), ("gh", gh)] {
        let path = tools.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    format!("{}:{}", tools.display(), std::env::var("PATH").unwrap())
}

/// What makes a step take its release from GitHub, by this `PATH`.
fn github(path: &str) -> [(&str, &str); 3] {
    [("PATH", path), ("FROM", ""), ("REPOSITORY_URL", "https://github.com/owner/counterfoil")]
}

/// What `gh` was asked to prove, if it was.
fn asked(release: &Path) -> Option<String> {
    fs::read_to_string(release.join("asked")).ok()
}

/// What an older `gh` is asked; a newer one is asked for the tag, too.
const OF_THE_WORKFLOW: &str =
    ".tar.gz --repo owner/counterfoil --signer-workflow owner/counterfoil/.github/workflows/release.yml";

#[tokio::test]
async fn it_starts_nothing_from_github_that_nobody_proves_to_have_built() {
    let tag = concat!(" --source-ref refs/tags/v", env!("CARGO_PKG_VERSION"));
    for (options, tag) in [("--signer-workflow --source-ref", tag), ("--signer-workflow", "")] {
        let release = release();
        let path = in_place_of_github(release.path(), options, 1);
        let error = refused(release.path(), &github(&path)).await;
        assert!(error.contains("Nothing proves that owner/counterfoil built"), "{options}: {error}");
        let asked = asked(release.path()).unwrap();
        assert!(asked.starts_with("attestation verify counterfoil-"), "{options}: {asked}");
        assert!(asked.ends_with(&format!("{OF_THE_WORKFLOW}{tag}\n")), "{options}: {asked}");
    }
}

#[tokio::test]
async fn what_a_gh_cant_be_asked_is_a_warning() {
    for (options, is_asked, warning) in [
        ("--signer-workflow --source-ref", true, None),
        ("--signer-workflow", true, Some("gh is older than 2.68: from which tag counterfoil-")),
        ("--repo", false, Some("gh is missing, or can't verify attestations: who built counterfoil-")),
    ] {
        let release = release();
        let path = in_place_of_github(release.path(), options, 0);
        let (output, said) = start(release.path(), &github(&path)).await;
        let _started = said.lines().find_map(|line| line.strip_prefix("pid=")).map(|pid| Started(pid.to_owned()));
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{options}: {shown}");
        let warnings: Vec<_> = shown.lines().filter_map(|line| line.strip_prefix("::")).collect();
        let is_said = match warning {
            None => warnings.is_empty(),
            Some(warning) => {
                let expected = format!("warning title=Counterfoil::{warning}");
                warnings.len() == 1 && warnings[0].starts_with(&expected)
            }
        };
        assert!(is_said, "{options}: {shown}");
        assert_eq!(asked(release.path()).is_some(), is_asked, "{options}");
    }
}

#[test]
fn a_release_runs_what_make_run_does() {
    let options = "--env LOCAL_LOOPBACK_WEBHOOKS=1 --parameter Console=on --parameter TrueLayer=sandbox";
    for file in ["Makefile", "tools/run"] {
        assert!(fs::read_to_string(workspace().join(file)).unwrap().contains(options), "{file}");
    }
}
