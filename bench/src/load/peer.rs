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
