//! What goes wrong in a measurement: it is shown, and ends it.

/// Anything, by what it says.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;
