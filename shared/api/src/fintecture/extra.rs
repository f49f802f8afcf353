//! What is kept of a session or refund for this format alone.
