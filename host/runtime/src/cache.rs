//! Compiled components on disk, so that a start need not compile them again.
//!
//! What is read here is run as native code: a file counts only with the right MAC under the
//! host's key, over the component's digest, the engine's settings and every byte. Anything else
//! (damaged, of another version, planted) is ignored and written again. A failure to read or
//! write is logged and costs time, never a start. Called by `admission`.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::PathBuf;

use hmac::Mac as _;
use wasmtime::Engine;
use wasmtime::component::Component;

use cordon_model::PluginDigest;

use crate::keys;
use crate::options::Options;

const DOMAIN: &[u8] = b"cordon compiled component";
const MAC_BYTES: usize = 32;

/// Compiled components of one engine.
pub(crate) struct Cache {
    directory: Option<PathBuf>,
    key: [u8; 32],
    /// Of the engine's settings and version.
    compatibility: [u8; 8],
}

impl Cache {
    pub(crate) fn new(options: &Options, engine: &Engine) -> Self {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Self {
            directory: options.cache_directory.clone(),
            key: options.cache_key,
            compatibility: hasher.finish().to_be_bytes(),
        }
    }

    /// The compiled component, if a file holds it whose MAC is right.
    pub(crate) fn load(&self, engine: &Engine, digest: PluginDigest) -> Option<Component> {
        let file = fs::read(self.path(digest)?).ok()?;
        let Some(code) = self.verified(digest, &file) else {
            tracing::warn!(plugin.digest = %digest, "a compiled component in the cache has a wrong MAC and is ignored");
            return None;
        };
        #[expect(
            unsafe_code,
            reason = "`code` is what this host wrote: its MAC was verified under the host's key"
        )]
        // SAFETY: the MAC says that these bytes came from `Component::serialize` of an engine
        // with the same settings, in this host.
        let component = unsafe { Component::deserialize(engine, code) };
        component
            .inspect_err(|error| {
                tracing::warn!(plugin.digest = %digest, %error, "a compiled component in the cache cannot be used");
            })
            .ok()
    }

    /// Keeps a compiled component.
    pub(crate) fn store(&self, digest: PluginDigest, component: &Component) {
        let Some(path) = self.path(digest) else { return };
        let written = component
            .serialize()
            .map_err(std::io::Error::other)
            .and_then(|code| write(&path, &self.sealed(digest, &code)));
        if let Err(error) = written {
            tracing::warn!(plugin.digest = %digest, %error, "a compiled component cannot be kept");
        }
    }

    fn path(&self, digest: PluginDigest) -> Option<PathBuf> {
        let name = format!("{digest}-{}.cwasm", hex::encode(self.compatibility));
        Some(self.directory.as_ref()?.join(name))
    }

    fn sealed(&self, digest: PluginDigest, code: &[u8]) -> Vec<u8> {
        let tag = keys::tag(&self.key, &[DOMAIN, digest.as_bytes(), &self.compatibility, code]);
        [tag.as_slice(), code].concat()
    }

    fn verified<'a>(&self, digest: PluginDigest, file: &'a [u8]) -> Option<&'a [u8]> {
        let (tag, code) = file.split_at_checked(MAC_BYTES)?;
        keys::mac(&self.key, &[DOMAIN, digest.as_bytes(), &self.compatibility, code])
            .verify_slice(tag)
            .ok()?;
        Some(code)
    }
}

/// Writes beside and renames: a reader sees the old file or the whole new one.
fn write(path: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    let random = getrandom::u64().map_err(std::io::Error::other)?;
    let beside = path.with_extension(format!("{random:016x}.tmp"));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    let written = file.write_all(bytes).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // Best effort: the error that matters is the first one.
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(component)`.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    struct Set {
        _directory: tempfile::TempDir,
        engine: Engine,
        cache: Cache,
        digest: PluginDigest,
    }

    fn set() -> Set {
        let directory = tempfile::tempdir().unwrap();
        let mut config = wasmtime::Config::new();
        config.concurrency_support(false);
        let engine = Engine::new(&config).unwrap();
        let options = Options {
            cache_directory: Some(directory.path().to_owned()),
            cache_key: [3; 32],
            ..Options::default()
        };
        let cache = Cache::new(&options, &engine);
        let digest = PluginDigest::of(EMPTY);
        cache.store(digest, &Component::new(&engine, EMPTY).unwrap());
        Set { _directory: directory, engine, cache, digest }
    }

    #[test]
    fn a_component_that_was_kept_is_loaded() {
        let set = set();
        assert!(set.cache.load(&set.engine, set.digest).is_some());
    }

    #[test]
    fn a_file_with_any_bit_changed_is_ignored() {
        let set = set();
        let path = set.cache.path(set.digest).unwrap();
        let good = fs::read(&path).unwrap();
        for at in [0, MAC_BYTES - 1, MAC_BYTES, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, bad).unwrap();
            assert!(set.cache.load(&set.engine, set.digest).is_none(), "byte {at}");
        }
        fs::write(&path, &good[..MAC_BYTES - 1]).unwrap();
        assert!(set.cache.load(&set.engine, set.digest).is_none(), "short");
        set.cache.store(set.digest, &Component::new(&set.engine, EMPTY).unwrap());
        assert!(set.cache.load(&set.engine, set.digest).is_some(), "written again");
    }

    #[test]
    fn a_file_under_the_name_of_another_component_is_ignored() {
        let set = set();
        let other = PluginDigest::of(b"other");
        let (from, to) = (set.cache.path(set.digest).unwrap(), set.cache.path(other).unwrap());
        fs::copy(from, to).unwrap();
        assert!(set.cache.load(&set.engine, other).is_none());
    }

    #[test]
    fn a_file_of_another_host_is_ignored() {
        let mut set = set();
        set.cache.key = [4; 32];
        assert!(set.cache.load(&set.engine, set.digest).is_none());
    }
}
