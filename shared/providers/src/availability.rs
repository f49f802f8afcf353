//! Whether a provider can be chosen now.

/// Whether an offer can be chosen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// It can.
    Available,
    /// It can't, for this reason.
    Down(Outage),
}

/// Why a provider can't be chosen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// It is being maintained.
    Maintenance,
}
