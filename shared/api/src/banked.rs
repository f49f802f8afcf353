//! Banked's wire format (documents "Creating a payment session", "Payment Session Object" and "Refund a payment session"):
//! `/v2` with `amount`, and the older `/api/v2` with `amount_cents`.

mod create;
mod error;
mod event;
mod line_items;
mod list;
mod payment_id;
mod provider;
mod refund;
mod return_url;
mod route;
mod session;

#[cfg(test)]
pub(crate) use create::CreateRequest;
pub(crate) use create::{not_payable_live, parse_create};
pub(crate) use error::Errors;
#[cfg(test)]
pub(crate) use error::{CODES, code};
pub(crate) use event::EventView;
#[cfg(test)]
pub(crate) use event::webhook_event;
pub(crate) use list::{PAYMENT_SESSION_ID, read_refunds as read_refund_list, read_sessions as read_session_list};
pub(crate) use payment_id::fill_in as fill_in_return_urls;
pub(crate) use provider::ProviderView;
#[cfg(test)]
pub(crate) use refund::RefundRequest;
pub(crate) use refund::{
    RefundView, cancel_refund_request, cancel_request, not_refundable, parse_refund, refund_request,
};
pub(crate) use return_url::return_url;
pub(crate) use route::Dialect;
pub(crate) use session::{SessionView, shown_state};

#[cfg(test)]
mod tests;
