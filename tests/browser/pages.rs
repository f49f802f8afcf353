//! Each page by itself.
