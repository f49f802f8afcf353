//! What each page shows. No page shows a customer who pays, neither name nor e-mail address: the link may be opened by
//! anyone, later. Where a refund is paid, the payer is the merchant, who sees whom it goes to.

mod awaiting;
mod bank_list;
mod ended;
mod methods;
mod outcome;
mod pending;
mod provider;
mod summary;
#[cfg(test)]
mod tests;
mod transfer;

pub(crate) use awaiting::{BankPage, ConsentPage, PayerPage, TimeUpPage};
pub(crate) use methods::MethodsPage;
pub(crate) use outcome::ResultPage;
pub(crate) use pending::PendingPage;
pub(crate) use provider::ProviderPage;
pub(crate) use summary::{Summary, face};
pub(crate) use transfer::{TransferPage, instructions};
