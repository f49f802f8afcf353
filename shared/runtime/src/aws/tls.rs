//! What of TLS is spoken with AWS endpoints.

use rustls::crypto::{CryptoProvider, aws_lc_rs};

/// E.
pub(super) fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}
