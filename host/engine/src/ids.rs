//! New ids. Version 7 UUIDs made from the `Clock` port, so that ids sort by creation.

use cordon_model::Timestamp;
use uuid::{NoContext, Uuid};

/// A version 7 UUID for this time.
pub fn new_uuid(at: Timestamp) -> Uuid {
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    let nanos = u32::try_from(at.subsec_nanosecond()).unwrap_or(0);
    Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanos))
}
