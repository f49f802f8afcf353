//! Requests and answers of this format as a whole.

mod forgeries;
mod shown;
