//! Cursors of lists: the last key of a page without its scope, in base64. The scope is added from
//! the call, so a cursor made up by hand, or taken from another tenant, reaches nothing of others.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Longest cursor that is looked at.
const BYTES_MAX: usize = 256;

/// The cursor after a key.
pub(crate) fn encode(rest_of_key: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(rest_of_key)
}

/// Where a page begins. None: this is no cursor of ours, and the page is empty.
pub(crate) fn decode(cursor: &str) -> Option<Vec<u8>> {
    if cursor.len() > BYTES_MAX {
        return None;
    }
    URL_SAFE_NO_PAD.decode(cursor).ok().filter(|bytes| !bytes.is_empty())
}
