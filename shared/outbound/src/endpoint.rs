//! Which URLs may be called.

use std::time::Duration;

use models::is_noncharacter;
use thiserror::Error;
use url::{Host, Url};

use crate::lookup::Lookup;
use crate::policy::Policy;
use crate::port::is_blocked;

/// The longest URL, in bytes, before and after it is normalised.
pub const MAX_URL_BYTES: usize = 2048;

/// How long a host name may take to resolve when an endpoint is registered.
const RESOLVE_MS: u64 = 3_000;

/// Why an endpoint can't be called. The text reads on after the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RefusedUrl {
    /// No URL, or one without a host, or of another scheme.
    #[error("must be an absolute http or https URL")]
    NotHttp,
    /// `http`, where only `https` will do.
    #[error("must be an https URL")]
    NotHttps,
    /// Longer than [`MAX_URL_BYTES`].
    #[error("must be at most {MAX_URL_BYTES} bytes long")]
    TooLong,
    /// A user name or a password in the URL.
    #[error("must be a URL without a user name and password")]
    Credentials,
    /// A fragment, which no server is sent.
    #[error("must be a URL without a fragment")]
    Fragment,
    /// Port 0, or one where something else than HTTP is spoken.
    #[error("must be a URL whose port is neither 0 nor one that browsers block")]
    BlockedPort,
    /// A host that is not on the public internet.
    #[error("must be a URL whose host is on the public internet")]
    NotPublic,
    /// A host name without addresses, or without an answer in time.
    #[error("must be a URL whose host name resolves")]
    Unresolved,
}

/// Reads the URL of an endpoint: absolute, `http` (unless `https_only`) or `https`, at most [`MAX_URL_BYTES`], without
/// credentials and fragment, with a host that can be on the public internet, and a port that is not blocked. A host in figures must be a public
/// address, however it is spelled (octal, hexadecimal, short, in IPv6: [`Url`] normalises them all). What a name
/// resolves to is not checked here: see [`resolve_check`].
///
/// # Errors
/// The first rule that the URL breaks.
pub fn check_url(text: &str, https_only: bool, policy: Policy) -> Result<Url, RefusedUrl> {
    if text.len() > MAX_URL_BYTES {
        return Err(RefusedUrl::TooLong);
    }
    // The parser would leave some of these out in silence, and call another URL than was written.
    if text.contains(|c: char| c.is_control() || c.is_whitespace() || is_noncharacter(c)) {
        return Err(RefusedUrl::NotHttp);
    }
    let url = Url::parse(text).map_err(|_| RefusedUrl::NotHttp)?;
    check_parsed(&url, https_only, policy)?;
    Ok(url)
}

/// The rules of [`check_url`] on a URL that is already parsed.
pub(crate) fn check_parsed(url: &Url, https_only: bool, policy: Policy) -> Result<(), RefusedUrl> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(RefusedUrl::NotHttp);
    }
    if https_only && url.scheme() != "https" {
        return Err(RefusedUrl::NotHttps);
    }
    if url.as_str().len() > MAX_URL_BYTES {
        return Err(RefusedUrl::TooLong);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(RefusedUrl::Credentials);
    }
    if url.fragment().is_some() {
        return Err(RefusedUrl::Fragment);
    }
    let allowed = match url.host() {
        Some(Host::Ipv4(address)) => policy.allows(address.into()),
        Some(Host::Ipv6(address)) => policy.allows(address.into()),
        Some(Host::Domain(name)) => policy.allows_name(name),
        None => return Err(RefusedUrl::NotHttp),
    };
    if !allowed {
        return Err(RefusedUrl::NotPublic);
    }
    if url.port_or_known_default().is_none_or(is_blocked) { Err(RefusedUrl::BlockedPort) } else { Ok(()) }
}

/// Resolves a URL's host and says whether all its addresses may be called. This is to refuse it early; a name
/// can mean something else right after, so [`Sender`](crate::Sender) checks again.
///
/// # Errors
/// [`RefusedUrl::NotPublic`] if any of the addresses is not allowed, [`RefusedUrl::Unresolved`] if there is none, or no
/// answer within 3 s.
pub async fn resolve_check(url: &Url, policy: Policy, lookup: &Lookup) -> Result<(), RefusedUrl> {
    let addresses = match url.host() {
        Some(Host::Ipv4(address)) => vec![address.into()],
        Some(Host::Ipv6(address)) => vec![address.into()],
        Some(Host::Domain(name)) if !policy.allows_name(name) => return Err(RefusedUrl::NotPublic),
        Some(Host::Domain(name)) => {
            let found = tokio::time::timeout(Duration::from_millis(RESOLVE_MS), lookup.find(name)).await;
            found.map_err(|_| RefusedUrl::Unresolved)?.map_err(|_| RefusedUrl::Unresolved)?
        }
        None => return Err(RefusedUrl::NotHttp),
    };
    if addresses.is_empty() {
        return Err(RefusedUrl::Unresolved);
    }
    if addresses.into_iter().all(|address| policy.allows(address)) { Ok(()) } else { Err(RefusedUrl::NotPublic) }
}

#[cfg(test)]
mod tests;
