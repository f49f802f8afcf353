//! What mails say. Pure: a payment, a refund or a notice in, a [`Mail`] out; `email-receipt` sends it, and the console previews it.

pub mod account_notice;
mod content;
mod items;
mod mail;
mod payment;
pub mod payment_link;
pub mod receipt;
pub mod refund_details;
pub mod refund_sent;
pub mod refund_to_authorise;
#[cfg(test)]
mod samples;
pub mod sender;
pub mod sign_in_link;

pub use mail::Mail;
