//! The HTTP edge of the API functions: who calls ([`Authenticator`]), what is repeated ([`IdempotencyKey`]), how it is
//! refused ([`ApiError`]), and one module for each wire format ([`banked`]).

mod auth;
pub mod banked;
mod error;
mod form;
mod given;
mod http;
mod idempotency;
mod incoming;
mod json;
mod list_query;
mod routes;
mod secrets;
mod token;
mod violations;

pub use auth::{Authenticator, Caller, WARM_UP_TIMEOUT};
pub use error::{ApiError, Refusal, Violation};
pub use form::{InvalidForm, parse_form};
pub use given::Given;
pub use http::{
    Answer, base_url, body, is_https, json, json_body, media_type, replayed, request_id, run, serve, time_left,
    with_strict_transport_security, without_byte_order_mark,
};
pub use idempotency::{IdempotencyKey, Operation};
pub use json::Json;
pub use list_query::{ListParameters, gives, list_cursor, list_query, read_query};
pub use routes::{EventPath, RefundPath, SessionPath, WebhookPath, other_methods, path_id, unrouted};
pub use secrets::{IssuedKey, issue_key, known_key, random_bytes, sha256};
pub use token::{TOKEN_LIFETIME_S, mint};
