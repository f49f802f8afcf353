//! What SES reports about the mails that it accepted → the mail.

mod handler;

pub use handler::{Feedback, SesEvent};
