//! The page where a payer signs a mandate: the account that is collected from, and the scheme's words.

mod accounts;
mod form;
mod page;
mod swedish;

pub(crate) use form::MandateForm;
pub(crate) use page::MandatePage;
