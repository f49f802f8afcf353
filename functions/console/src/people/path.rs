//! Where people's pages are.

use models::EmailAddress;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::frame::Frame;

/// What is encoded of an address in a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'@').remove(b'.').remove(b'-').remove(b'_');

/// Where all people are.
pub(super) fn people_path(frame: &Frame<'_>) -> String {
    format!("{}/people", frame.root())
}

/// Where a person's page is.
pub(super) fn path_of(frame: &Frame<'_>, email: &EmailAddress) -> String {
    format!("{}/{}", people_path(frame), utf8_percent_encode(email.as_str(), SEGMENT))
}
