//! What SES tells of mails after it took them → the mail.

mod handler;

pub use handler::{Feedback, SesEvent};
