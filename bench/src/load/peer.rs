//! The peer behind the same host: the template's own table and API, and nothing but the peer's one route.

use std::error::Error;
use std::fs;
use std::path::Path;

use serde_yaml_ng::Value;

/// What stays of the template beside the peer.
const KEPT: [&str; 3] = ["AWS::DynamoDB::Table", "AWS::Serverless::HttpApi", "AWS::Logs::LogGroup"];

const PEER: &str = "
Type: AWS::Serverless::Function
Properties:
  CodeUri: target/lambda/rust-put-item/
  Events: { Peer: { Type: HttpApi, Properties: { ApiId: !Ref HttpApi, Method: POST, Path: /peer } } }
  Policies:
    - Version: '2012-10-17'
      Statement: [{ Sid: Put, Effect: Allow, Action: dynamodb:PutItem, Resource: !GetAtt Table.Arn }]
";

/// Writes `template` to `to` with the peer in place of its functions.
///
/// # Errors
/// The template can't be read, or is none.
pub(super) fn write_template(template: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    let mut document: Value = serde_yaml_ng::from_str(&fs::read_to_string(template)?)?;
    let resources = document.get_mut("Resources").and_then(Value::as_mapping_mut).ok_or("no Resources")?;
    resources.retain(|_, resource| kind(resource).is_some_and(|kind| KEPT.contains(&kind)));
    for resource in resources.values_mut() {
        // They name routes that are gone.
        if let Some(properties) = resource.get_mut("Properties").and_then(Value::as_mapping_mut) {
            properties.remove("RouteSettings");
        }
    }
    resources.insert("PeerFunction".into(), serde_yaml_ng::from_str(PEER)?);
    if let Some(document) = document.as_mapping_mut() {
        document.remove("Outputs");
    }
    Ok(fs::write(to, serde_yaml_ng::to_string(&document)?)?)
}

fn kind(resource: &Value) -> Option<&str> {
    resource.get("Type")?.as_str()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use local::{Config, Machine};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn the_host_takes_the_peers_template() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = (::tests::workspace().join("template.yaml"), folder.path().join("peer.yaml"));
        write_template(&ours, &theirs).unwrap();
        fs::write(folder.path().join("rust-put-item"), "").unwrap();
        let config = Config::for_tests(theirs, folder.path(), folder.path().join("data"));
        let machine = Machine::start(config).await.unwrap_or_else(|error| panic!("{error}"));
        let post = |path: &str| reqwest::Client::new().post(format!("{}{path}", machine.api_url())).send();
        assert_eq!(post("/v2/payment_sessions").await.unwrap().status(), 404);
        assert_eq!(post("/peer").await.unwrap().status(), 500, "there is a route, to a binary that is none");
        machine.stop().await;
    }
}
