//! Hosts on one machine what template.yaml declares: the HTTP API, the functions' real binaries, the table with its
//! stream, queues, schedules and mails. Ships nothing to AWS.
//!
//! `make run` runs it as a program; end-to-end tests start a [`Machine`] each and hurt it through [`Faults`].
//!
//! How a request goes through it: `http_api` finds the route and makes the event, `functions` hands it to a process
//! through `runtime_api`, the process calls `endpoint`, which is DynamoDB (`dynamodb`), SQS (`sqs` over `queues`), SES (`ses`
//! over `mails`) and Secrets Manager (`secrets`). Writes wake `sources`, which call functions in turn. Beside it all is a
//! provider that functions pay through: [`truelayer`], simulated. `start_page` is where a newcomer begins.

mod config;
pub mod demo;
mod dynamodb;
mod endpoint;
mod faults;
mod feedback;
mod functions;
mod http;
mod http_api;
mod logs;
mod machine;
mod mailbox;
mod mails;
mod meter;
mod names;
mod permissions;
mod queues;
mod routes;
mod runtime_api;
mod secrets;
mod ses;
mod sources;
mod sqs;
mod start;
mod start_page;
mod tasks;
mod template;
pub mod truelayer;
mod watcher;

pub use config::{Config, MAX_PROCESSES};
pub use faults::{Effect, Fault, Faults};
pub use functions::InvokeError;
pub use logs::LogLine;
pub use machine::Machine;
pub use mails::Mail;
pub use meter::{Counts, Meter, Usage};
pub use permissions::{Permission, PermissionRecord, permissions};
pub use queues::QueueCounts;
pub use start::StartError;
pub use start_page::LOOPBACK_WEBHOOKS;
pub use template::TemplateError;
