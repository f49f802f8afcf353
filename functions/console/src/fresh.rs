//! Who showed only just now who they are, as what moves or opens the way to real money asks.

use jiff::SignedDuration;
use models::Mode;

use crate::back::Back;
use crate::frame::Frame;
use crate::services::Services;

/// For how long after they proved who they are somebody may do that.
pub(crate) const FRESH_FOR: SignedDuration = SignedDuration::from_mins(5);

/// Whether the visitor may do such a thing now; in test always.
pub(crate) fn is_fresh(services: &Services, frame: &Frame<'_>) -> bool {
    match frame.mode {
        Mode::Test => true,
        Mode::Live => is_fresh_in_both(services, frame),
    }
}

/// Where the visitor shows once more who they are, and from there goes to this page, if they have to before they do such a thing.
pub(crate) fn sign_in_again(services: &Services, frame: &Frame<'_>, path: &str) -> Option<String> {
    (!is_fresh(services, frame)).then(|| Back::read(path).sign_in_again())
}

/// The same of what is for test and live alike.
pub(crate) fn sign_in_again_in_both(services: &Services, frame: &Frame<'_>, path: &str) -> Option<String> {
    (!is_fresh_in_both(services, frame)).then(|| Back::read(path).sign_in_again())
}

fn is_fresh_in_both(services: &Services, frame: &Frame<'_>) -> bool {
    services.clock.now().duration_since(frame.visitor.signed_in_at) <= FRESH_FOR
}
