//! Leaving out what the API lists of contacts that it has deleted.

use cordon_connector_sdk::handles::{self, Records};
use cordon_connector_sdk::query::Answer;
use cordon_connector_sdk::types::Failure;
use serde_json::Value;

/// The items of a page that are about the person. None: there is none.
pub(crate) fn left_out(page: &Answer, items: Records) -> Result<Option<Records>, Failure> {
    let count = items.count();
    let mut kept: Vec<String> = (0..count).map(|index| items.read(index)).collect();
    kept.retain(|text| !is_tombstone(text));
    if kept.is_empty() {
        return Ok(None);
    }
    if u32::try_from(kept.len()) == Ok(count) {
        return Ok(Some(items));
    }
    // The texts as they were read: written again, a long number could become another one.
    let json = format!("[{}]", kept.join(","));
    handles::make_records(&json).map(Some).map_err(|error| page.malformed(&error))
}

fn is_tombstone(text: &str) -> bool {
    let object: Result<Value, _> = serde_json::from_str(text);
    object.is_ok_and(|object| object.get("deleted") == Some(&Value::Bool(true)))
}
