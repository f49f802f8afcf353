//! The table's stream → events, mails and webhook cursors, and a message in a queue for each that is new.

mod handler;
#[cfg(test)]
mod tests;
mod used_keys;

pub use handler::Publish;
