//! The pages of the mock banks. Each is a stranger's site that happens to be served here, for test sessions only: the payer is
//! sent to it, decides there, and comes back from it by an address of the checkout's, as from a real bank's.

mod card;
mod form;
mod handled;
mod handler;
mod house;
mod mandate;
mod page;
mod plan;
mod problem;
mod route;
mod transfer;
mod webhook;

pub use handled::Handled;
pub use handler::{Mocks, refuse};
pub use webhook::BankWebhook;
