//! The table's stream → events, mails to send, and a ring for each.

mod handler;
#[cfg(test)]
mod tests;

pub use handler::Publish;
