//! The paths of the two dialects.

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
