//! Where the payer goes back to: with the session, its status, the merchant's own `state` and the provider in the query.

#![expect(clippy::todo, reason = "is written next")]

use jiff::Timestamp;
use models::Session;

/// The merchant's page with the result; none while the session awaits the payer.
pub(crate) fn return_url(_session: &Session, _now: Timestamp) -> Option<String> {
    todo!()
}
