//! Nothing but tests: what we sign and verify, against the crate that TrueLayer publishes for it.
