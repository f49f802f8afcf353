//! Webhook endpoints, and how events were delivered to them: what waits, what a server answered, and what a person does about it.

mod act;
mod deliveries;
mod endpoint;
mod event;
mod form;
mod list;
mod register;
mod resend;
mod resent;
mod same;
mod status;
mod test_event;

pub(crate) use act::{change, resend};
pub(crate) use endpoint::show as endpoint;
pub(crate) use event::show as event;
pub(crate) use list::show as list;
pub(crate) use register::register;
pub(crate) use resend::resend_since;
pub(crate) use status::Status;
pub(crate) use test_event::test;
