//! The browser in which a sign-in at an issuer was begun: one that comes back to another browser is somebody else's.

use lambda_http::Request;
use store::{BrowserToken, OIDC_LASTS};

use crate::visitor::{ATTRIBUTES, cookie_of};

/// The cookie by which it is known.
const COOKIE: &str = "__Host-counterfoil-oidc";

/// The token that its cookie has, if there is one.
pub(super) fn token_of(request: &Request) -> Option<BrowserToken> {
    cookie_of(request, COOKIE)?.parse().ok()
}

/// The header that has it keep the cookie for as long as the sign-in may take.
pub(super) fn kept(token: &BrowserToken) -> String {
    format!("{COOKIE}={}; {ATTRIBUTES}; Max-Age={}", token.as_str(), OIDC_LASTS.as_secs())
}

/// The header that has it forget the cookie.
pub(super) fn forgotten() -> String {
    format!("{COOKIE}=; {ATTRIBUTES}; Max-Age=0")
}
