//! Signing in by a link, and signing out.

mod answer;
mod ask;
mod link;
mod out;

pub(crate) use ask::{ask, show};
pub(crate) use link::{show as show_link, use_up as use_link};
pub(crate) use out::sign_out;
