//! Digests of texts, by which the ledger finds or compares what it doesn't keep.

use aws_lc_rs::digest::{SHA256, digest};

/// A text's SHA-256, in hexadecimal digits.
pub(super) fn sha256(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
