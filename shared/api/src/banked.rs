//! Banked's wire format (documents "Creating a payment session", "Payment Session Object" and "Refund a payment session"):
//! `/v2` with `amount`, and the older `/api/v2` with `amount_cents`.

mod create;
mod error;
mod event;
mod line_items;
mod payment_id;
mod refund;
mod return_url;
mod route;
mod session;

pub use create::parse_create;
pub(crate) use error::Errors;
pub use event::EventView;
pub use line_items::{InvalidLineItems, LineItems};
pub(crate) use payment_id::fill_in as fill_in_return_urls;
pub use refund::{RefundView, not_refundable, parse_refund};
pub(crate) use return_url::return_url;
pub use route::Dialect;
pub use session::{SessionView, shown_state};

#[cfg(test)]
mod tests;
