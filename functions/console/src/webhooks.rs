//! Webhook endpoints, and how events were delivered to them: what waits, what a server answered, and what a person does about it.

mod act;
mod endpoint;
mod event;
mod list;

pub(crate) use act::{change, resend};
pub(crate) use endpoint::show as endpoint;
pub(crate) use event::show as event;
pub(crate) use list::show as list;
