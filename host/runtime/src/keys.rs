//! Keyed digests: fingerprints, idempotency keys, the MAC of compiled components. Every part is
//! preceded by its length, so that no two lists of parts look the same.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use cordon_model::journal::CallKey;
use cordon_model::{TaskId, TenantId};

/// HMAC-SHA256 over the parts, begun.
pub(crate) fn mac(key: &[u8; 32], parts: &[&[u8]]) -> Hmac<Sha256> {
    // HMAC fills a short key up with zeros itself; given a whole block it cannot fail.
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac
}

/// The finished tag.
pub(crate) fn tag(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    mac(key, parts).finalize().into_bytes().into()
}

/// The key of a tenant's fingerprints: equal requests of two tenants have different ones.
pub(crate) fn fingerprint_key(key: &[u8; 32], tenant: &TenantId) -> [u8; 32] {
    tag(key, &[b"cordon journal fingerprint", tenant.as_str().as_bytes()])
}

/// The `Idempotency-Key` of an unsafe call. The same over tries, crashes and suspensions, and
/// over an operator's retry of a call that is in doubt; another one after a recorded failure.
pub(crate) fn idempotency_key(
    key: &[u8; 32],
    tenant: &TenantId,
    task: TaskId,
    segment: u32,
    call: &CallKey,
    generation: u32,
) -> String {
    hex::encode(tag(
        key,
        &[
            b"cordon idempotency key",
            tenant.as_str().as_bytes(),
            task.as_uuid().as_bytes(),
            &segment.to_be_bytes(),
            call.label.as_bytes(),
            &call.occurrence.to_be_bytes(),
            &generation.to_be_bytes(),
        ],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn key(tenant: &str, segment: u32, label: &str, occurrence: u32, generation: u32) -> String {
        let call = CallKey { label: label.to_owned(), occurrence };
        let tenant = tenant.parse().unwrap();
        idempotency_key(&[7; 32], &tenant, TASK.parse().unwrap(), segment, &call, generation)
    }

    #[test]
    fn an_idempotency_key_is_the_same_whenever_the_call_is_the_same() {
        assert_eq!(key("acme", 0, "q", 0, 0), key("acme", 0, "q", 0, 0));
        // Pinned: a new version of the host must not send a call again under another key.
        let pinned = "25a806236861da1a213fe8cba1b506956637a4c35a5179dceeb0ccdeb65e2c12";
        assert_eq!(key("acme", 0, "q", 0, 0), pinned);
    }

    #[test]
    fn an_idempotency_key_differs_with_everything_that_makes_the_call_another_one() {
        let keys = [
            key("acme", 0, "q", 0, 0),
            key("other", 0, "q", 0, 0),
            key("acme", 1, "q", 0, 0),
            key("acme", 0, "r", 0, 0),
            key("acme", 0, "q", 1, 0),
            key("acme", 0, "q", 0, 1),
        ];
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn parts_cannot_be_moved_from_one_to_the_next() {
        assert_ne!(tag(&[1; 32], &[b"ab", b"c"]), tag(&[1; 32], &[b"a", b"bc"]));
    }
}
