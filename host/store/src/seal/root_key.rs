//! The root key: one file beside the database, for the owner alone.
//!
//! It is made once, together with the database. A database without its key is an error: a new key
//! would open nothing and hide that the old one is gone. Rotation is not done here.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use zeroize::Zeroizing;

use super::{KEY_BYTES, SealKey};
use crate::error::Error;
use crate::files;

/// Reads the root key.
///
/// # Errors
/// When it is missing, exposed, or no key.
pub(crate) fn read(path: &Path) -> Result<SealKey, Error> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::RootKeyMissing(path.to_owned()));
        }
        Err(error) => return Err(Error::io(path, error)),
    };
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Error::RootKeyExposed { path: path.to_owned(), mode });
    }
    // A key has at most 66 bytes; a file of another kind is not read into memory.
    if !metadata.is_file() || metadata.len() > 2 * KEY_BYTES as u64 + 2 {
        return Err(Error::RootKeyInvalid(path.to_owned()));
    }
    let text = Zeroizing::new(std::fs::read(path).map_err(|error| Error::io(path, error))?);
    parse(&text).ok_or_else(|| Error::RootKeyInvalid(path.to_owned()))
}

/// Makes a root key, unless another process makes one at the same moment; the file then holds
/// that one.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn make(path: &Path) -> Result<(), Error> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| Error::NoRandomness)?;
    let mut text = Zeroizing::new(hex::encode(bytes.as_slice()));
    text.push('\n');
    let write = || {
        let beside = files::name_beside(path)?;
        files::write_new(&beside, text.as_bytes())?;
        files::publish(&beside, path)
    };
    write().map_err(|error| Error::io(path, error))
}

/// 32 bytes as they are, or 64 hexadecimal digits with at most a line break after them.
fn parse(text: &[u8]) -> Option<SealKey> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    if text.len() == KEY_BYTES {
        bytes.copy_from_slice(text);
        return Some(SealKey::new(bytes));
    }
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    hex::decode_to_slice(text, bytes.as_mut_slice()).ok()?;
    Some(SealKey::new(bytes))
}
