//! Yorlet's wire format (document "Payment Sessions" and its API reference): `/v1`.

mod create;
mod customer;
mod error;
mod event;
mod extra;
mod fields;
mod id;
mod list;
mod payer;
mod refund;
mod return_url;
mod session;
#[cfg(test)]
mod tests;
mod transaction;

#[cfg(test)]
pub(crate) use create::{CURRENCIES, CreateRequest, PAYMENT_METHODS};
pub(crate) use create::{CUSTOMER, not_payable_live, parse_create};
pub use customer::CustomerChange;
#[cfg(test)]
pub(crate) use customer::CustomerRequest;
pub(crate) use customer::{CustomerView, DeletedCustomerView, parse_customer, parse_customer_change};
pub(crate) use error::{ErrorView, status};
pub(crate) use event::EventView;
#[cfg(test)]
pub(crate) use event::event_name;
pub(crate) use id::{
    event as event_id, read_customer as read_customer_id, read_event, read_object, read_refund as read_refund_id,
    read_session as read_session_id, read_transaction as read_transaction_id, refund as refund_id,
    session as session_id,
};
#[cfg(test)]
pub(crate) use list::List;
pub(crate) use list::{
    list, read_customers as read_customer_list, read_refunds as read_refund_list, read_sessions as read_session_list,
    read_transactions as read_transaction_list, refunds as refund_page, unknown as unknown_in_list,
};
pub(crate) use payer::paid_by;
#[cfg(test)]
pub(crate) use refund::{RefundRequest, shown_status as refund_status};
pub(crate) use refund::{RefundView, TRANSACTION, cancel_request, not_refundable, parse_refund, refund_request};
pub(crate) use return_url::return_url;
pub(crate) use session::{SessionView, shown_status};
pub(crate) use transaction::TransactionView;
#[cfg(test)]
pub(crate) use transaction::shown_status as transaction_status;
