//! Fintecture's wire format (document "Create a payment session" and its API reference): `/oauth/accesstoken`, `/pis` and `/res`.

mod application;
mod beneficiary;
mod cancel;
mod create;
mod created;
mod error;
mod event;
mod extra;
mod fields;
mod fingerprint;
mod headers;
mod id;
mod list;
mod meta;
mod methods;
mod offers;
mod providers;
mod query;
mod refund;
mod return_url;
mod session;
mod signature;
mod status;
#[cfg(test)]
mod tests;
mod token;

#[cfg(test)]
pub(crate) use application::ApplicationView;
pub(crate) use application::{application, claimed as claimed_application};
#[cfg(test)]
pub(crate) use cancel::CancelRequest;
pub(crate) use cancel::{cancel_request, check_cancel};
#[cfg(test)]
pub(crate) use create::CreateRequest;
pub(crate) use create::{CURRENCIES, begins_transfer, not_payable_live, parse_create};
#[cfg(test)]
pub(crate) use created::CreatedView;
pub(crate) use created::created;
pub(crate) use error::render as render_error;
#[cfg(test)]
pub(crate) use error::{ErrorView, code as error_code, entry_code, status as error_status};
#[cfg(test)]
pub(crate) use event::event_name;
pub(crate) use event::{EventView, event_body};
pub(crate) use fingerprint::fingerprint;
pub(crate) use id::{read_object, read_refund as read_refund_id, read_session as read_session_id};
#[cfg(test)]
pub(crate) use list::SessionList;
pub(crate) use list::{list, read_sessions as read_session_list};
pub use providers::OffersIn;
#[cfg(test)]
pub(crate) use providers::{ProviderList, TestAccountList};
pub(crate) use providers::{provider, providers, test_accounts};
#[cfg(test)]
pub(crate) use refund::{ListView as RefundList, RefundRequest, RefundView};
pub(crate) use refund::{
    SESSION_ID, list_of as refund_list_of, not_refundable, parse_refund, refund, refund_created, refund_request,
    refunds,
};
pub(crate) use return_url::return_url;
pub(crate) use session::session;
#[cfg(test)]
pub(crate) use session::{SessionView, shown_method};
pub(crate) use signature::check as check_signature;
#[cfg(test)]
pub(crate) use status::{
    ORDERED, OVERPAID, PARTIAL, STATUSES, Shown, TRANSFER_STATES, WAITING, shown_refund, shown_transfer_state,
};
pub(crate) use status::{session_status, shown_status};
#[cfg(test)]
pub(crate) use token::{TokenRequest, TokenView};
pub(crate) use token::{granted_scopes, no_refresh_token, token};

/// Where its requests go, right or wrong: no other format has these paths.
const PATHS: [&str; 6] =
    ["/pis", "/res", "/oauth/accesstoken", "/oauth/refreshtoken", "/oauth/refresh_token", "/oauth/secure"];

/// Whether a path is the format's, whether or not there is a route: one of [`PATHS`], or below it.
pub(crate) fn has_path(path: &str) -> bool {
    let is_below = |own| path.strip_prefix(own).is_some_and(|rest: &str| rest.is_empty() || rest.starts_with('/'));
    PATHS.into_iter().any(is_below)
}
