//! `POST …/{id}/cancel` keeps the session and ends it; `DELETE …/{id}` removes it for good.

mod handler;

pub use handler::Cancel;
