//! What tests are made of: sessions, refunds, merchants and webhook endpoints, as they come to be.

use jiff::Timestamp;
use models::WriteId;
use uuid::Uuid;

/// The system's time, to the millisecond: for what lives in a table.
pub fn now() -> Timestamp {
    models::truncate_to_ms(Timestamp::now())
}

/// An id that nothing else has.
pub fn uuid() -> Uuid {
    Uuid::new_v4()
}

/// A write id that no other write has.
pub fn write_id() -> WriteId {
    Uuid::new_v4().into()
}
