//! Where people's pages are, and where who changes them shows once more who they are.

use models::EmailAddress;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::back::Back;
use crate::frame::Frame;
use crate::fresh::is_fresh_in_both;
use crate::services::Services;

/// What is encoded of an address in a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'@').remove(b'.').remove(b'-').remove(b'_');

/// Where all people are.
pub(super) fn people_path(frame: &Frame<'_>) -> String {
    format!("{}/people", frame.root())
}

/// Where the visitor shows once more who they are, and from there goes to this page; none if they did just now. Who gives somebody a
/// role or a link could else sign in as them, and would seem to have shown it.
pub(super) fn sign_in_again(services: &Services, frame: &Frame<'_>, path: &str) -> Option<String> {
    (!is_fresh_in_both(services, frame)).then(|| Back::read(path).sign_in_again())
}

/// Where a person's page is.
pub(super) fn path_of(frame: &Frame<'_>, email: &EmailAddress) -> String {
    format!("{}/{}", people_path(frame), utf8_percent_encode(email.as_str(), SEGMENT))
}
