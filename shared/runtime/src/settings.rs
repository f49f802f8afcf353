//! Settings: environment variables, which template.yaml sets.

use std::env;

use thiserror::Error;

/// A setting is missing or can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the environment variable {name} {problem}")]
pub struct SettingError {
    name: &'static str,
    problem: &'static str,
}

impl SettingError {
    /// `problem` reads on after the variable's name.
    pub const fn new(name: &'static str, problem: &'static str) -> Self {
        Self { name, problem }
    }
}

/// The variable's value.
///
/// # Errors
/// It is not set, empty, or not UTF-8.
pub fn required(name: &'static str) -> Result<String, SettingError> {
    optional(name).ok_or(SettingError::new(name, "is not set; template.yaml sets it"))
}

/// The variable's value, if it is set and not empty.
pub fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether the console is on: template.yaml's parameter `Console`, as the functions that have to do with it get it.
pub fn console_is_on() -> bool {
    optional("CONSOLE").as_deref() == Some("on")
}

/// Whether the mock bank may stand in for a live one: a variable that only `local` sets, so that the live paths can be
/// tried on one machine. template.yaml has no such variable, and a test sees to it.
pub fn local_live_connector() -> bool {
    optional("LOCAL_LIVE_CONNECTOR").is_some()
}

/// Whether anything moves the money of live sessions: TrueLayer, where template.yaml's parameter `TrueLayer` is `live`, or the mock
/// bank that stands in.
pub fn live_payments() -> bool {
    local_live_connector() || optional("TRUELAYER").as_deref() == Some("live")
}

/// Whether webhooks may go to this very machine: likewise set by `local` alone, so that they can be tried on one machine.
pub fn local_loopback_webhooks() -> bool {
    optional("LOCAL_LOOPBACK_WEBHOOKS").is_some()
}
