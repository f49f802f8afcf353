//! The receipts queue → SES.

mod account_notices;
mod handler;
mod link_mails;
mod postbox;
mod sign_in_links;

pub use handler::EmailReceipt;
pub use postbox::Postbox;
