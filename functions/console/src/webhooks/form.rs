//! What the form brings by which an endpoint is registered.

use api::{ApiRequest, Format};
use lambda_http::Request;
use models::WireFormat;
use pages::{Problem, read_form};

use crate::days::Errors;
use crate::services::Services;

/// What stands for every event, also those to come.
pub(super) const ALL: &str = "*";

/// What was typed, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Typed {
    pub(super) url: String,
    pub(super) description: String,
    pub(super) format: String,
    pub(super) events: Vec<String>,
    /// Of the form: sent twice, it registers one endpoint.
    pub(super) key: String,
    /// Each with the id of its field.
    pub(super) errors: Errors,
}

impl Typed {
    /// An empty form.
    pub(super) fn new(services: &Services) -> Self {
        Self {
            events: vec![ALL.to_owned()],
            key: services.random.uuid_v7(services.clock.now()).to_string(),
            ..Self::default()
        }
    }

    pub(super) fn read(request: &Request) -> Result<Self, Problem> {
        let fields: Vec<(String, String)> = read_form(request)?;
        let mut typed = Self::default();
        for (name, value) in fields {
            match name.as_str() {
                "url" => value.trim().clone_into(&mut typed.url),
                "description" => value.trim().clone_into(&mut typed.description),
                "format" => typed.format = value,
                "events" => typed.events.push(value),
                "key" => typed.key = value,
                _ => {}
            }
        }
        if typed.events.iter().any(|event| event == ALL) {
            typed.events = vec![ALL.to_owned()];
        }
        Ok(typed)
    }

    /// The request that it is.
    pub(super) fn request(&self) -> ApiRequest {
        api::webhook_request(&self.url, &self.description, &self.format, &self.events)
    }
}

/// The formats in which an endpoint can be registered by a person: in the others it is an application's.
pub(super) fn formats() -> impl Iterator<Item = WireFormat> {
    WireFormat::ALL.into_iter().filter(|format| !format.has_applications() && Format::of_stored(*format).is_ok())
}
