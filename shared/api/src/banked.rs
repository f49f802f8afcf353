//! Banked's wire format (documents "Creating a payment session", "Payment Session Object" and "Refund a payment session"):
//! `/v2` with `amount`, and the older `/api/v2` with `amount_cents`.

use jiff::Timestamp;

mod create;
mod error;
mod event;
mod refund;
mod session;
mod webhook;

pub use create::parse_create;
pub use error::{render_error, render_token_error};
pub use event::{AttemptView, EventView};
pub use refund::{RefundView, not_refundable, parse_refund};
pub use session::{SessionView, shown_state};
pub use webhook::{WebhookParts, WebhookView, parse_webhook};

/// What idempotency keys are kept apart by: both dialects make the same sessions.
pub const FORMAT: &str = "banked";

/// Which of the two APIs a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `/v2`, which shows line items with an `amount`.
    V2,
    /// `/api/v2`, which shows line items with an `amount_cents`.
    ApiV2,
}

impl Dialect {
    /// By the path's beginning.
    pub fn of_path(path: &str) -> Self {
        if path.starts_with("/api/") { Self::ApiV2 } else { Self::V2 }
    }
}

/// `2019-11-01 15:48:26 UTC`, as document 1 writes moments.
fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests;
