//! The receipts queue → SES.

mod account_notice;
mod account_notices;
mod content;
mod handler;
mod items;
mod link_mails;
mod mail;
mod payment;
mod payment_link;
mod postbox;
mod receipt;
mod refund_details;
mod refund_sent;
mod refund_to_authorise;
#[cfg(test)]
mod samples;
mod sender;
mod sign_in_link;
mod sign_in_links;

pub use handler::EmailReceipt;
pub use postbox::Postbox;
