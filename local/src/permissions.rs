//! What functions may do, by their policies in the template: a call that no statement allows is refused, as IAM does it. And
//! which of it they have made use of.
//!
//! Who is no function (a test, the operator) may do everything. What the machine itself does for functions, as Lambda's
//! event sources do (reading streams and queues, reporting failures), needs no permission here; SAM grants those.

mod access;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;
use wildmatch::WildMatch;

pub(crate) use access::queried;
use access::{Access, accesses};

use crate::faults::{self, Service};
use crate::http::Answer;
use crate::tasks::lock;
use crate::template::{Function, Site, Statement, Template, TemplateError};
use crate::{secrets, ses, sqs};

/// One thing that a statement allows: an action, on a resource, with one kind of partition key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Permission {
    /// Whose, by its logical id.
    pub function: String,
    /// The statement.
    pub sid: String,
    /// As the statement has it: `dynamodb:PutItem`.
    pub action: String,
    /// As the statement has it: an ARN, or a pattern of some.
    pub resource: String,
    /// The pattern of partition keys: `SESSION#*`. None where the statement says nothing of keys.
    pub key: Option<String>,
}

/// What became of a call of a function, as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PermissionRecord {
    /// It was allowed by this.
    Used(Permission),
    /// It was refused: the function, and what it may not do.
    Refused(String, String),
}

/// All that the functions of a template are allowed to, with the names that a machine gives and TrueLayer switched on.
///
/// # Errors
/// The template can't be hosted.
pub fn permissions(template: &Path) -> Result<BTreeSet<Permission>, TemplateError> {
    let template = Template::read(template)?;
    let truelayer = template.declares("TrueLayer").then(|| ("TrueLayer".to_owned(), "sandbox".to_owned()));
    let parameters = truelayer.into_iter().collect();
    let stack = template.resolve(&Site { aws_url: "", api_url: "", parameters: &parameters })?;
    let of = |function: &Function| -> Vec<Permission> {
        function.policies.iter().flat_map(|statement| all(&function.id, statement)).collect()
    };
    Ok(stack.functions.iter().flat_map(of).collect())
}

/// All that a statement allows.
fn all(function: &str, statement: &Statement) -> Vec<Permission> {
    let keys: Vec<Option<&String>> =
        statement.leading_keys.as_ref().map_or(vec![None], |keys| keys.iter().map(Some).collect());
    let mut all = Vec::new();
    for action in &statement.actions {
        for resource in &statement.resources {
            all.extend(keys.iter().map(|key| permission(function, statement, action, resource, *key)));
        }
    }
    all
}

fn permission(function: &str, statement: &Statement, action: &str, resource: &str, key: Option<&String>) -> Permission {
    Permission {
        function: function.to_owned(),
        sid: statement.sid.clone(),
        action: action.to_owned(),
        resource: resource.to_owned(),
        key: key.cloned(),
    }
}

/// The policies of a machine's functions.
pub(crate) struct Permissions {
    statements: BTreeMap<String, Vec<Statement>>,
    /// The name of each table's partition key.
    hash_keys: BTreeMap<String, String>,
    records: Option<Mutex<Records>>,
}

/// What has been written down, each once.
struct Records {
    known: BTreeSet<PermissionRecord>,
    file: File,
}

impl Permissions {
    /// Writes down in a new file in `folder`, if there is one, what is made use of.
    pub(crate) fn new(
        functions: &[Function],
        hash_keys: BTreeMap<String, String>,
        folder: Option<&Path>,
    ) -> io::Result<Self> {
        let open = |folder: &Path| {
            fs::create_dir_all(folder)?;
            let file = File::create_new(folder.join(format!("{}.jsonl", Uuid::new_v4())))?;
            Ok::<_, io::Error>(Mutex::new(Records { known: BTreeSet::new(), file }))
        };
        let records = folder.map(open).transpose()?;
        let statements = functions.iter().map(|function| (function.id.clone(), function.policies.clone())).collect();
        Ok(Self { statements, hash_keys, records })
    }

    /// Whether a function may make this call.
    ///
    /// # Errors
    /// What it may not do, for people to read.
    pub(crate) fn check(&self, function: &str, service: Service, operation: &str, body: &[u8]) -> Result<(), String> {
        // What can't be read is for the service to refuse.
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return Ok(()) };
        for access in accesses(service, operation, &body, &self.hash_keys) {
            let statements = self.statements.get(function).map_or(&[][..], Vec::as_slice);
            let Some(used) = statements.iter().find_map(|statement| allowed(function, statement, &access)) else {
                let what = what(&access);
                let problem =
                    format!("{function} is not authorized to perform: {what}; no statement in the template allows it");
                self.note([PermissionRecord::Refused(function.to_owned(), what)]);
                return Err(problem);
            };
            self.note(used.into_iter().map(PermissionRecord::Used));
        }
        Ok(())
    }

    fn note(&self, records: impl IntoIterator<Item = PermissionRecord>) {
        let Some(written) = &self.records else { return };
        let mut written = lock(written);
        for record in records {
            if !written.known.contains(&record) {
                // At once and as a whole: a machine may be dropped, or its process killed. What can't be written is missed
                // by those who compare.
                let line = serde_json::to_string(&record).unwrap_or_default();
                let _ = written.file.write_all(format!("{line}\n").as_bytes());
                written.known.insert(record);
            }
        }
    }
}

/// What is needed, with the kinds of keys in place of keys.
fn what(access: &Access) -> String {
    let kind = |key: &String| key.split_once('#').map_or(key.clone(), |(kind, _)| format!("{kind}#…"));
    let kinds: BTreeSet<String> = access.leading_keys.iter().map(kind).collect();
    let kinds: Vec<String> = kinds.into_iter().collect();
    format!("{} on {} {}", access.action, access.resource, kinds.join(", ")).trim_end().to_owned()
}

/// By what a statement allows this, if it does.
fn allowed(function: &str, statement: &Statement, access: &Access) -> Option<Vec<Permission>> {
    fn like<'a>(patterns: &'a [String], text: &str) -> Option<&'a String> {
        patterns.iter().find(|pattern| WildMatch::new(pattern).matches(text))
    }
    let action = like(&statement.actions, &access.action)?;
    let resource = like(&statement.resources, &access.resource)?;
    if let (Some(addresses), Some(address)) = (&statement.from_addresses, &access.from_address)
        && !addresses.contains(address)
    {
        return None;
    }
    let of = |key: Option<&String>| permission(function, statement, action, resource, key);
    match &statement.leading_keys {
        None => Some(vec![of(None)]),
        Some(patterns) => access.leading_keys.iter().map(|key| Some(of(Some(like(patterns, key)?)))).collect(),
    }
}

/// A refusal in the service's own words.
pub(crate) fn denied(service: Service, problem: &str) -> Answer {
    match service {
        Service::DynamoDb => faults::dynamodb_error(StatusCode::BAD_REQUEST, "AccessDeniedException", problem),
        Service::Sqs => sqs::error(StatusCode::FORBIDDEN, "AccessDenied", "AccessDenied", problem),
        Service::Ses => ses::error(StatusCode::FORBIDDEN, "AccessDeniedException", problem),
        Service::SecretsManager => secrets::error(StatusCode::BAD_REQUEST, "AccessDeniedException", problem),
    }
}
