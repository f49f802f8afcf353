//! What every candidate meets: one DynamoDB, SQS and SES behind TLS, and the certificates to trust it by.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use local::{Config, Machine};
use serde_yaml_ng::{Mapping, Value};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::roots::{FEW_COUNT, PLATFORM_COUNT, Roots};
use crate::error::Error;

/// The endpoint and its files; all gone when dropped.
pub(crate) struct World {
    pub(crate) machine: Machine,
    /// The endpoint over TLS.
    pub(crate) url: String,
    /// The bundle of a platform.
    pub(crate) platform_roots: PathBuf,
    /// A few roots, as many as AWS endpoints chain to.
    pub(crate) few_roots: PathBuf,
    /// The authority alone.
    pub(crate) authority: PathBuf,
    /// How many of the platform's roots are real.
    pub(crate) real_roots: usize,
    folder: TempDir,
    _terminator: JoinSet<()>,
}

impl World {
    /// Starts it with the demo merchant.
    pub(crate) async fn start(template: &Path) -> Result<Self, Error> {
        // In memory where there is such a folder: it is not the disk that is measured.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
        let write = |name: &str, text: &str| -> Result<PathBuf, Error> {
            let path = folder.path().join(name);
            fs::write(&path, text)?;
            Ok(path)
        };
        let text = fs::read_to_string(template).map_err(|error| format!("{}: {error}", template.display()))?;
        let template = write("template.yaml", &without_functions(&text)?)?;
        let config = Config::for_tests(template, folder.path(), folder.path().join("data"));
        let machine = Machine::start(config).await?;
        local::demo::seed(machine.aws_url(), machine.table_name(), false).await?;

        let roots = Roots::new()?;
        let (url, terminator) = terminate(&roots, machine.aws_url()).await?;
        Ok(Self {
            url,
            platform_roots: write("platform.pem", &roots.bundle(PLATFORM_COUNT))?,
            few_roots: write("few.pem", &roots.bundle(FEW_COUNT))?,
            authority: write("authority.pem", &roots.authority())?,
            real_roots: roots.real,
            machine,
            folder,
            _terminator: terminator,
        })
    }

    /// Where a candidate's output goes.
    pub(crate) fn log(&self, candidate: &str) -> PathBuf {
        self.folder.path().join(candidate).with_extension("log")
    }

    /// The configuration set's name.
    pub(crate) fn configuration_set(&self) -> String {
        self.machine.table_name().replacen("Table", "ConfigurationSet", 1)
    }

    /// A queue's URL at the endpoint.
    pub(crate) fn queue_url(&self, logical_id: &str) -> String {
        self.machine.queue_url(logical_id).replacen(self.machine.aws_url(), &self.url, 1)
    }
}

/// The template's table, queues and configuration set of mails, what their conditions rest on, and nothing else.
fn without_functions(template: &str) -> Result<String, Error> {
    let template: Value = serde_yaml_ng::from_str(template)?;
    let resources = template.get("Resources").and_then(Value::as_mapping).ok_or("template.yaml has no Resources")?;
    let is_state = |resource: &Value| {
        let kind = resource.get("Type").and_then(Value::as_str);
        matches!(kind, Some("AWS::DynamoDB::Table" | "AWS::SQS::Queue" | "AWS::SES::ConfigurationSet"))
    };
    let kept: Mapping =
        resources.iter().filter(|(_, resource)| is_state(resource)).map(|(id, it)| (id.clone(), it.clone())).collect();
    let sections =
        ["Parameters", "Conditions"].into_iter().filter_map(|name| Some((name.into(), template.get(name)?.clone())));
    let template = Mapping::from_iter(sections.chain([(Value::from("Resources"), Value::Mapping(kept))]));
    Ok(serde_yaml_ng::to_string(&template)?)
}

/// Serves TLS on a port of its own and passes on to a plain endpoint what it says.
async fn terminate(roots: &Roots, plain_url: &str) -> Result<(String, JoinSet<()>), Error> {
    let acceptor = TlsAcceptor::from(Arc::new(roots.server()?));
    let plain: SocketAddr = plain_url.trim_start_matches("http://").parse()?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("https://localhost:{}", listener.local_addr()?.port());
    let mut terminator = JoinSet::new();
    terminator.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(pass_on(stream, acceptor.clone(), plain));
        }
    });
    Ok((url, terminator))
}

/// Whatever goes wrong here is seen by the function, and so by the measurement.
async fn pass_on(stream: TcpStream, acceptor: TlsAcceptor, plain: SocketAddr) {
    let _ = stream.set_nodelay(true);
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let Ok(mut plain) = TcpStream::connect(plain).await else { return };
    let _ = plain.set_nodelay(true);
    let _ = tokio::io::copy_bidirectional(&mut stream, &mut plain).await;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn only_the_table_the_queues_and_the_configuration_set_are_kept() {
        let template = "
Parameters: { P: { Type: String, Default: x } }
Conditions: { C: !Equals [!Ref P, x] }
Globals: { Function: { Timeout: 1 } }
Resources:
  F: { Type: AWS::Serverless::Function, Properties: { X: !Ref T } }
  T: { Type: AWS::DynamoDB::Table }
  Q: { Type: AWS::SQS::Queue, Properties: { RedrivePolicy: { deadLetterTargetArn: !GetAtt D.Arn } } }
  S: { Type: AWS::SES::ConfigurationSet }
Outputs: { U: { Value: !Ref F } }
";
        let kept: Value = serde_yaml_ng::from_str(&without_functions(template).unwrap()).unwrap();
        let expected = "
Parameters: { P: { Type: String, Default: x } }
Conditions: { C: !Equals [!Ref P, x] }
Resources:
  T: { Type: AWS::DynamoDB::Table }
  Q: { Type: AWS::SQS::Queue, Properties: { RedrivePolicy: { deadLetterTargetArn: !GetAtt D.Arn } } }
  S: { Type: AWS::SES::ConfigurationSet }
";
        assert_eq!(kept, serde_yaml_ng::from_str::<Value>(expected).unwrap());
        assert!(without_functions("Globals: {}").is_err());
    }
}
