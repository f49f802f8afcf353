//! The page where a payer signs a mandate: the account that is collected from, and the scheme's words.

mod accounts;
mod concluded;
mod form;
mod page;
mod payment;
mod swedish;

pub(crate) use form::MandateForm;
pub(crate) use payment::Payment;
