//! Parameters of a session's creation.
