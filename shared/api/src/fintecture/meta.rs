//! The half of a session's request that is about its payer: `meta`.
