//! Sealing: XChaCha20-Poly1305 with a random nonce, bound to where the sealed bytes stand.
//!
//! ```text
//! root key ─┬ key check             stands in the database, tells a wrong root key at once
//!           ├ the host's keys       seal tenants, the operator's API keys and events
//!           └ wraps tenant keys ─┬ seal the tenant's rows
//!                                ├ hash what an index must find and must not show
//!                                └ wrap a key for each request, and for each connection's secrets
//! ```
//!
//! The associated data names the table, the whole key of the row (tenant first) and the part of
//! the row that stands open, so that a row moved elsewhere, or an edited one, does not open.
//! Nothing here decides what is sealed: that is `apply`; nor where root keys come from: `root_key`.

pub(crate) mod keyring;
pub(crate) mod root_key;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::tables::Table;

/// First byte of everything sealed today, and part of what it is bound to.
const FORMAT: u8 = 1;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
/// Of SHA-256.
const HMAC_BLOCK_BYTES: usize = 64;
/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;
/// Bytes of a key once it is sealed.
pub(crate) const WRAPPED_BYTES: usize = 1 + NONCE_BYTES + KEY_BYTES + TAG_BYTES;

/// 32 secret bytes, wiped when dropped. No `Debug`.
#[derive(Clone)]
pub(crate) struct SealKey(Zeroizing<[u8; KEY_BYTES]>);

/// The operating system gave no random bytes, or the text is beyond the cipher's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CannotSeal;

/// The bytes were not sealed with this key for this place, or were changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CannotOpen;

/// What sealed bytes are bound to.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The name of a table, or of something that is none.
    table: &'a str,
    /// The key of the row.
    key: &'a [u8],
    /// The part of the row that stands open.
    head: &'a [u8],
}

impl<'a> Place<'a> {
    /// A row of a table.
    pub(crate) fn row(table: Table, key: &'a [u8], head: &'a [u8]) -> Self {
        Self { table: table.name(), key, head }
    }

    /// A sealed file that belongs to a row.
    pub(crate) fn file_of(table: Table, key: &'a [u8]) -> Self {
        Self { table: table.name(), key, head: b"file" }
    }

    /// Something that leaves the store; `purpose` is its user's own name for it.
    pub(crate) fn outside(request: &'a [u8], purpose: &'a str) -> Self {
        Self { table: "outside", key: request, head: purpose.as_bytes() }
    }

    /// Every part with its length before it, so that no two places read alike.
    fn bytes(&self) -> Vec<u8> {
        let Self { table, key, head } = self;
        let mut bytes = vec![FORMAT];
        for part in [table.as_bytes(), key, head] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

impl SealKey {
    /// Takes key bytes over.
    pub(crate) fn new(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self(bytes)
    }

    /// A new random key.
    pub(crate) fn random() -> Result<Self, CannotSeal> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| CannotSeal)?;
        Ok(Self(bytes))
    }

    /// A key for one purpose, derived with HKDF-SHA256.
    pub(crate) fn derive(&self, purpose: &str) -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        let derived = Hkdf::<Sha256>::new(None, self.0.as_slice());
        // One block of output is always within what HKDF can give.
        let expanded = derived.expand(purpose.as_bytes(), bytes.as_mut_slice());
        debug_assert!(expanded.is_ok());
        Self(bytes)
    }

    /// The bytes, for the key check, which is a derived key made public.
    pub(crate) fn into_public(self) -> [u8; KEY_BYTES] {
        *self.0
    }

    /// HMAC-SHA256 over some parts, each with its length before it.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        // HMAC fills a short key up with zeros; done here, making one cannot fail.
        let mut block = Zeroizing::new([0; HMAC_BLOCK_BYTES]);
        block.iter_mut().zip(self.0.iter()).for_each(|(to, from)| *to = *from);
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new((&*block).into());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Seals `plain` for a place.
    pub(crate) fn seal(&self, place: Place<'_>, plain: &[u8]) -> Result<Vec<u8>, CannotSeal> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| CannotSeal)?;
        let payload = Payload { msg: plain, aad: &place.bytes() };
        let cipher = XChaCha20Poly1305::new((&*self.0).into());
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| CannotSeal)?;
        let mut bytes = Vec::with_capacity(1 + NONCE_BYTES + sealed.len());
        bytes.push(FORMAT);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    /// Opens what [`Self::seal`] made for the same place.
    pub(crate) fn open(
        &self,
        place: Place<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        let (format, rest) = sealed.split_first().ok_or(CannotOpen)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(CannotOpen)?;
        if *format != FORMAT {
            return Err(CannotOpen);
        }
        let payload = Payload { msg: text, aad: &place.bytes() };
        let cipher = XChaCha20Poly1305::new((&*self.0).into());
        let plain = cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| CannotOpen)?;
        Ok(Zeroizing::new(plain))
    }

    /// Seals a key with this one.
    pub(crate) fn wrap(&self, place: Place<'_>, key: &Self) -> Result<Vec<u8>, CannotSeal> {
        self.seal(place, key.0.as_slice())
    }

    /// Opens a key that was sealed with this one.
    pub(crate) fn unwrap(&self, place: Place<'_>, wrapped: &[u8]) -> Result<Self, CannotOpen> {
        let plain = self.open(place, wrapped)?;
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        if plain.len() != KEY_BYTES {
            return Err(CannotOpen);
        }
        bytes.copy_from_slice(&plain);
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place<'a>(key: &'a [u8], head: &'a [u8]) -> Place<'a> {
        Place::row(Table::Requests, key, head)
    }

    #[test]
    fn what_was_sealed_opens_in_its_place_only() {
        let key = SealKey::random().unwrap();
        let sealed = key.seal(place(b"acme\0r", b"1"), b"plain").unwrap();
        assert_eq!(key.open(place(b"acme\0r", b"1"), &sealed).unwrap().as_slice(), b"plain");
        assert!(key.open(place(b"other\0r", b"1"), &sealed).is_err(), "another tenant");
        assert!(key.open(place(b"acme\0s", b"1"), &sealed).is_err(), "another record");
        assert!(key.open(place(b"acme\0r", b"2"), &sealed).is_err(), "another head");
        assert!(key.open(place(b"acme\0", b"r1"), &sealed).is_err(), "parts are told apart");
        let table = Place::row(Table::Inputs, b"acme\0r", b"1");
        assert!(key.open(table, &sealed).is_err(), "another table");
        assert!(SealKey::random().unwrap().open(place(b"acme\0r", b"1"), &sealed).is_err());
    }

    #[test]
    fn the_same_text_is_never_sealed_alike() {
        let key = SealKey::random().unwrap();
        let seal = || key.seal(place(b"k", b""), b"plain").unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn a_wrapped_key_has_the_length_that_rows_count_on() {
        let (outer, inner) = (SealKey::random().unwrap(), SealKey::random().unwrap());
        let wrapped = outer.wrap(place(b"k", b""), &inner).unwrap();
        assert_eq!(wrapped.len(), WRAPPED_BYTES);
        let opened = outer.unwrap(place(b"k", b""), &wrapped).unwrap();
        assert_eq!(opened.mac(&[b"x"]), inner.mac(&[b"x"]));
    }

    #[test]
    fn derived_keys_differ_by_purpose_and_a_hash_by_its_parts() {
        let key = SealKey::random().unwrap();
        assert_ne!(key.derive("a").into_public(), key.derive("b").into_public());
        assert_eq!(key.derive("a").into_public(), key.derive("a").into_public());
        assert_ne!(key.mac(&[b"ab", b"c"]), key.mac(&[b"a", b"bc"]));
    }

    proptest::proptest! {
        #[test]
        fn a_changed_byte_never_opens(plain: Vec<u8>, at: proptest::sample::Index, flip in 1u8..) {
            let key = SealKey::random().unwrap();
            let mut sealed = key.seal(place(b"k", b"h"), &plain).unwrap();
            let index = at.index(sealed.len());
            sealed[index] ^= flip;
            proptest::prop_assert!(key.open(place(b"k", b"h"), &sealed).is_err());
        }
    }
}
