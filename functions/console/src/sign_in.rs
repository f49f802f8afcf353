//! Signing in by a link or with a company account, and signing out.

mod answer;
mod arrival;
mod ask;
mod browser;
mod company;
mod link;
mod merchant;
mod out;
mod refusal;

pub(crate) use ask::{ask, show};
pub(crate) use company::{come_back as from_company, start as company};
pub(crate) use link::{show as show_link, use_up as use_link};
pub(crate) use merchant::choose as choose_merchant;
pub(crate) use out::sign_out;
