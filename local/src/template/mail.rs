//! SES's configuration sets, with their event destinations.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

/// One AWS::SES::ConfigurationSet, with its event destinations.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConfigurationSet {
    /// `BOUNCE`, `COMPLAINT`: after which an address gets no further mail.
    pub(crate) suppresses: BTreeSet<String>,
    /// `bounce`, `complaint`, …: the events that EventBridge gets.
    pub(crate) publishes: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "properties without effect on this machine, named so that unknown ones are noticed")]
pub(super) struct ConfigurationSetProperties {
    #[serde(default)]
    pub(super) suppression_options: SuppressionOptions,
    #[serde(default)]
    reputation_options: Value,
    #[serde(default)]
    delivery_options: Value,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SuppressionOptions {
    #[serde(default)]
    pub(super) suppressed_reasons: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct MailDestination {
    pub(super) configuration_set_name: String,
    pub(super) event_destination: EventDestination,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "there is one event bus")]
pub(super) struct EventDestination {
    #[serde(default)]
    name: Value,
    #[serde(default)]
    enabled: Value,
    pub(super) matching_event_types: BTreeSet<String>,
    event_bridge_destination: Value,
}
