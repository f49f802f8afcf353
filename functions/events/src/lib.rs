//! `/v2/events`: what happened, how often it was told, and telling it again.

mod handler;

pub use handler::EventsFunction;
