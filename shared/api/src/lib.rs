//! The HTTP edge of the API functions: who calls ([`Authenticator`]), what a request means ([`Route`]), what it says and how it
//! is answered ([`Format`], one module for each), what is repeated ([`IdempotencyKey`]) and what is refused ([`ApiError`]).

mod answer;
mod api_request;
mod auth;
mod banked;
mod caps;
mod error;
#[cfg(test)]
mod error_codes;
mod error_shape;
mod event;
mod extra;
mod fintecture;
mod form;
mod format;
mod formats;
mod given;
mod http;
mod idempotency;
mod incoming;
mod json;
mod list;
mod metadata;
mod oauth;
#[cfg(test)]
mod openapi;
mod public_key;
mod rfc_3339;
mod route;
mod secrets;
mod serve;
mod session_request;
mod shown_request;
mod spellings;
mod test_clocks;
mod token;
mod violations;
mod webhooks;
#[cfg(test)]
mod wire_formats;
mod yorlet;

pub use answer::{Answer, json, list, no_content, replayed};
pub use api_request::ApiRequest;
pub use auth::{Authenticator, Caller, WARM_UP_TIMEOUT};
pub use caps::amount_caps_from_env;
pub use error::{ApiError, Refusal, SignatureFault, Violation};
pub use error_shape::ErrorShape;
pub use event::{event, event_body, event_id, read_event_id, read_object_id};
pub use fintecture::OffersIn;
pub use form::{InvalidForm, parse_form};
pub use format::{Format, NotServed, PageEnd, fill_in_return_urls, return_url};
pub use formats::{Formats, UnknownFormat};
pub use given::Given;
pub use http::{base_url, body, json_body, request_id};
pub use idempotency::{IdempotencyKey, Operation, refund_id_after, session_id_of_form};
pub use json::Json;
pub use list::{
    Beside, CustomerListRequest, ListLinks, ListParameters, ListRequest, RefundListRequest, gives, list_cursor,
    list_query, read_query,
};
pub use public_key::{InvalidPublicKey, read_public_key};
pub use route::{Route, is_open, is_page, other_methods, path_id, unrouted};
pub use secrets::{IssuedKey, issue_key, issue_key_by, known_key, new_key_id, sha256};
pub use serve::{run, serve, time_left};
pub use session_request::SessionRequest;
pub use spellings::{any_refund_id, any_session_id};
pub use test_clocks::{TestClockParts, TestClockView, not_on_clock, parse_advance, parse_test_clock};
pub use token::{TOKEN_LIFETIME_S, mint};
pub use webhooks::{
    AttemptView, NewEndpoint, ReplayView, WebhookParts, WebhookView, check_encoding, parse_webhook, webhook_request,
};
pub use yorlet::CustomerChange;
