//! Signing in by a link or with a company account, and signing out.

mod answer;
mod ask;
mod company;
mod link;
mod out;

pub(crate) use ask::{ask, show};
pub(crate) use company::{come_back as from_company, start as company};
pub(crate) use link::{show as show_link, use_up as use_link};
pub(crate) use out::sign_out;
