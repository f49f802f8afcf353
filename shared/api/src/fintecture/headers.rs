//! Headers that every request may have.

/// The id of a request, by which it is done once.
pub(crate) const REQUEST_ID: &str = "x-request-id";
