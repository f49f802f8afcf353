//! Where the service is, in messages.

use std::fmt;

/// Where the service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// On this machine, at this address.
    Local(String),
    /// On AWS, in this region.
    Aws(String),
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(endpoint) => f.write_str(endpoint),
            Self::Aws(region) => write!(f, "AWS in {region}"),
        }
    }
}
