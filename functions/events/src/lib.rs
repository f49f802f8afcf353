//! `/v2/events`: what happened, the attempts to deliver it, and replays.

mod handler;

pub use handler::EventsFunction;
