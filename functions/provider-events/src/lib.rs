//! `POST /providers/{provider}/webhook`: a provider says that something happened to a payment.

mod handler;

pub use handler::ProviderEvents;
