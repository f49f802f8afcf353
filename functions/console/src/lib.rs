//! The merchant's console: people of a merchant find payments, refund and cancel them, and see what was done by whom.
//!
//! Each page asks and acts by the same operations as the API. What the console itself writes is sign-ins, people and acts.

mod accounts;
mod acts;
mod amounts;
mod audit;
mod back;
mod cancel;
mod counterfoil;
mod csv;
mod curl;
mod days;
#[cfg(test)]
mod desk;
mod digest;
mod frame;
mod fresh;
mod guard;
mod handler;
mod keys;
mod links;
mod logs;
mod oidc;
mod overview;
mod paths;
mod payments;
mod people;
mod reason;
mod refund;
mod refunds;
mod refusal;
#[cfg(test)]
mod roles;
mod route;
mod select;
mod services;
mod shop;
mod sign_in;
mod step;
mod texts;
mod visitor;
mod webhooks;
mod words;

pub use handler::{Console, refuse};
pub use services::Settings;
