//! Customers: whom a merchant's sessions are for.

mod handler;

pub use handler::CustomersFunction;
