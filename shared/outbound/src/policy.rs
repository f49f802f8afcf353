//! Which addresses and host names may be called.

use std::net::IpAddr;

use crate::address::{is_loopback, is_public};

/// Names that lead nowhere else than to a network that only we are in: the local one's (RFC 6762), and those kept for
/// private use, AWS's own among them (ICANN's SAC113).
const PRIVATE_SUFFIXES: [&str; 2] = [".local", ".internal"];

/// Which addresses may be called beside the public ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// Whether this machine may be called. On one's own machine only: in AWS, loopback is where Lambda hands out the
    /// requests of this very function.
    pub loopback_allowed: bool,
}

impl Policy {
    /// Whether this address may be connected to.
    pub(crate) fn allows(self, address: IpAddr) -> bool {
        is_public(address) || (self.loopback_allowed && is_loopback(address))
    }

    /// Whether a name may be looked up at all. `name` is in lower case, as [`url::Url`] makes it.
    pub(crate) fn allows_name(self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name);
        // This machine, RFC 6761.
        if name == "localhost" || name.ends_with(".localhost") {
            return self.loopback_allowed;
        }
        // A name of one label is found only in our own network's search domain.
        name.contains('.') && !PRIVATE_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
    }
}
