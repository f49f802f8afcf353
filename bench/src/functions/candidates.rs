//! Who is measured: our functions, their peers, and the floor.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::process::Program;
use super::work::Work;
use super::world::World;

/// One that is measured.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) name: &'static str,
    pub(crate) work: Work,
    pub(crate) program: Program,
    /// The file whose package is weighed; none where it is not one file.
    pub(crate) binary: Option<PathBuf>,
}

/// The name of the function that the targets are about.
pub(crate) const CREATE: &str = "create";
/// The name of the one that makes a call of AWS more, and a transaction.
pub(crate) const REFUND: &str = "refund";
/// The name of the peer that it is held against.
pub(crate) const RUST_PEER: &str = "rust-put-item";
/// The name of the floor.
pub(crate) const FLOOR: &str = "rust-empty";
/// The name of the one with the most pages, which is switched on apart from the others.
const CONSOLE: &str = "console";

/// Our functions, by the name of their binary.
const OURS: [(&str, Work); 8] = [
    (CREATE, Work::Create),
    ("get", Work::Get),
    ("cancel", Work::Cancel),
    (REFUND, Work::Refund),
    ("publish", Work::Publish),
    ("email-receipt", Work::EmailReceipt),
    ("checkout", Work::Page),
    (CONSOLE, Work::Payments),
];
const RUST: [(&str, Work); 2] = [(FLOOR, Work::Nothing), (RUST_PEER, Work::Create)];
/// Names, and the files below target/bench that `make bench` puts there if the language is there.
const SCRIPTS: [(&str, &str, &str); 2] =
    [("node", "node", "node/bootstrap.mjs"), ("python", "python/venv/bin/python", "python/bootstrap.py")];

/// Where builds are.
pub(crate) struct Builds {
    /// Our functions' binaries.
    pub(crate) ours: PathBuf,
    /// What `make bench` has made of bench/peers: target/bench.
    pub(crate) peers: PathBuf,
}

/// Every name there is.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    RUST.iter()
        .map(|(name, _)| *name)
        .chain(SCRIPTS.iter().map(|(name, ..)| *name))
        .chain(OURS.iter().map(|(name, _)| *name))
}

/// All candidates whose names are `wanted`.
///
/// # Errors
/// One has not been built.
pub(crate) fn all(
    world: &World,
    builds: &Builds,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Candidate>, crate::error::Error> {
    let mut candidates = Vec::new();
    for (name, work) in RUST {
        let binary = builds.peers.join("peers/release").join(name);
        candidates.push(binary_candidate(name, work, binary, environment(world, name)));
    }
    for (name, program, script) in SCRIPTS {
        let script = builds.peers.join(script);
        // A bare name is searched for in PATH.
        let program = if program.contains('/') { Some(builds.peers.join(program)) } else { in_path(program) };
        let Some(program) = program.filter(|program| program.exists() && script.exists()) else {
            if wanted(name) {
                println!("{name}: not found, or its packages are not in {}: skipped", builds.peers.display());
            }
            continue;
        };
        let mut environment = environment(world, name);
        environment.insert("NODE_EXTRA_CA_CERTS".into(), text(&world.authority));
        environment.insert("AWS_CA_BUNDLE".into(), text(&world.platform_roots));
        let program = Program { path: program, arguments: vec![script], environment };
        candidates.push(Candidate { name, work: Work::Create, program, binary: None });
    }
    for (name, work) in OURS {
        let mut environment = environment(world, name);
        environment.insert("AWS_CA_BUNDLE".into(), text(&world.few_roots));
        for (name, queue) in [
            ("RECEIPTS_QUEUE_URL", "ReceiptsQueue"),
            ("WEBHOOKS_QUEUE_URL", "WebhooksQueue"),
            ("SLOW_WEBHOOKS_QUEUE_URL", "SlowWebhooksQueue"),
            ("PUBLISH_FAILURES_URL", "PublishFailures"),
        ] {
            environment.insert(name.into(), world.queue_url(queue));
        }
        environment.insert("LOG_LEVEL".into(), "info".into());
        environment.insert("MAX_AMOUNT_MINOR".into(), "100000000".into());
        environment.insert("FORMATS".into(), "banked".into());
        if name == CONSOLE {
            environment.insert("CONSOLE".into(), "on".into());
        }
        environment.insert("AUDIT_TABLE_NAME".into(), world.machine.audit_table_name().to_owned());
        environment.insert("SENDER_ADDRESS".into(), "receipts@example.com".into());
        environment.insert("CONFIGURATION_SET".into(), world.configuration_set());
        environment.insert("METRICS_NAMESPACE".into(), "Counterfoil/bench".into());
        candidates.push(binary_candidate(name, work, builds.ours.join(name), environment));
    }
    candidates.retain(|candidate| wanted(candidate.name));
    for candidate in &candidates {
        if !candidate.program.path.exists() {
            return Err(format!("there is no {}; run `make bench`", candidate.program.path.display()).into());
        }
    }
    Ok(candidates)
}

fn binary_candidate(
    name: &'static str,
    work: Work,
    binary: PathBuf,
    environment: BTreeMap<String, String>,
) -> Candidate {
    let program = Program { path: binary.clone(), arguments: Vec::new(), environment };
    Candidate { name, work, program, binary: Some(binary) }
}

/// What Lambda sets for everybody, and where everything is.
fn environment(world: &World, name: &str) -> BTreeMap<String, String> {
    let variables = [
        // To `local` this is no function of a template, whose policies would have to allow what it does.
        ("AWS_ACCESS_KEY_ID", "bench".to_owned()),
        ("AWS_DEFAULT_REGION", "eu-west-2".to_owned()),
        ("AWS_ENDPOINT_URL", world.url.clone()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", name.to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "bench".to_owned()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "bench".to_owned()),
        ("AWS_REGION", "eu-west-2".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "bench".to_owned()),
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("SSL_CERT_FILE", text(&world.platform_roots)),
        ("TABLE_NAME", world.machine.table_name().to_owned()),
        ("TZ", ":UTC".to_owned()),
        ("_HANDLER", "bootstrap".to_owned()),
    ];
    variables.map(|(name, value)| (name.to_owned(), value)).into()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}
