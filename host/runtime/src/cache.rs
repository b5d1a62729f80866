//! Compiled components on disk, so that a start need not compile them again.
//!
//! What is read here is run as native code: a file counts only with the right MAC under the
//! host's key, over the component's digest, the engine's settings and every byte. Anything else
//! (damaged, of another version, planted) is ignored and written again. A failure to read or
//! write is logged and costs time, never a start. Called by `admission`.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use hmac::Mac as _;
use wasmtime::Engine;
use wasmtime::component::Component;

use cordon_model::{PluginDigest, TenantId};

use crate::error::Error;
use crate::keys;
use crate::options::Options;

const DOMAIN: &[u8] = b"cordon compiled component";
const MAC_BYTES: usize = 32;

const EXTENSION: &str = ".cwasm";

/// Which compiled component. Each tenant has its own, though the bytes be the same: how long an
/// upload takes says nothing about what others have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Compiled<'a> {
    /// Whose; none: everybody's.
    pub(crate) scope: Option<&'a TenantId>,
    /// Of which component.
    pub(crate) digest: PluginDigest,
}

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
    pub(crate) fn load(&self, engine: &Engine, of: Compiled<'_>) -> Option<Component> {
        let file = fs::read(self.path(of)?).ok()?;
        let Some(code) = self.verified(of, &file) else {
            tracing::warn!(plugin.digest = %of.digest, "a compiled component in the cache has a wrong MAC and is ignored");
            return None;
        };
        instance_of(engine, code)
            .inspect_err(|error| {
                tracing::warn!(plugin.digest = %of.digest, %error, "a compiled component in the cache cannot be used");
            })
            .ok()
    }

    /// Keeps a compiled component, in place of those that other versions of the host kept of it.
    pub(crate) fn keep(&self, of: Compiled<'_>, code: &[u8]) {
        let Some(path) = self.path(of) else { return };
        if let Err(error) = write(&path, &self.sealed(of, code)) {
            tracing::warn!(plugin.digest = %of.digest, %error, "a compiled component cannot be kept");
            return;
        }
        self.remove_but(of, Some(&path));
    }

    /// Removes every file of a component.
    pub(crate) fn remove(&self, of: Compiled<'_>) {
        self.remove_but(of, None);
    }

    fn remove_but(&self, of: Compiled<'_>, kept: Option<&Path>) {
        let Some(directory) = &self.directory else { return };
        let prefix = of.prefix();
        let is_of_it = |path: &Path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with(&prefix) && name.ends_with(EXTENSION))
        };
        let files = fs::read_dir(directory).into_iter().flatten().flatten();
        for path in files.map(|file| file.path()).filter(|path| is_of_it(path)) {
            if kept != Some(path.as_path()) {
                // What is left wastes space and harms nothing.
                let _ = fs::remove_file(path);
            }
        }
    }

    fn path(&self, of: Compiled<'_>) -> Option<PathBuf> {
        let name = format!("{}{}{EXTENSION}", of.prefix(), hex::encode(self.compatibility));
        Some(self.directory.as_ref()?.join(name))
    }

    fn sealed(&self, of: Compiled<'_>, code: &[u8]) -> Vec<u8> {
        let tag = keys::tag(&self.key, &self.bound_to(&of, code));
        [tag.as_slice(), code].concat()
    }

    fn verified<'a>(&self, of: Compiled<'_>, file: &'a [u8]) -> Option<&'a [u8]> {
        let (tag, code) = file.split_at_checked(MAC_BYTES)?;
        keys::mac(&self.key, &self.bound_to(&of, code)).verify_slice(tag).ok()?;
        Some(code)
    }

    fn bound_to<'a>(&'a self, of: &'a Compiled<'_>, code: &'a [u8]) -> [&'a [u8]; 5] {
        let scope = of.scope.map_or("", TenantId::as_str);
        [DOMAIN, scope.as_bytes(), of.digest.as_bytes(), &self.compatibility, code]
    }
}

impl Compiled<'_> {
    /// No tenant's key holds a dot.
    fn prefix(self) -> String {
        format!("{}.{}-", self.scope.map_or("host", TenantId::as_str), self.digest)
    }
}

/// The component of code that this host's compiler just made.
///
/// # Errors
/// When the code is not for this engine.
pub(crate) fn fresh(engine: &Engine, code: &[u8]) -> Result<Component, Error> {
    instance_of(engine, code).map_err(|e| Error::Unloadable(format!("{e:#}")))
}

#[expect(
    unsafe_code,
    reason = "`code` is this host's own: its MAC was verified, or its compiler just made it"
)]
fn instance_of(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: both callers have bytes that came from `precompile_component` of an engine with the
    // same settings, in this host or in the process that it started to compile.
    unsafe { Component::deserialize(engine, code) }
}

/// Writes beside and renames: a reader sees the old file or the whole new one.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
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
        directory: tempfile::TempDir,
        engine: Engine,
        cache: Cache,
        of: Compiled<'static>,
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
        let of = Compiled { scope: None, digest: PluginDigest::of(EMPTY) };
        cache.keep(of, &engine.precompile_component(EMPTY).unwrap());
        Set { directory, engine, cache, of }
    }

    #[test]
    fn a_component_that_was_kept_is_loaded() {
        let set = set();
        assert!(set.cache.load(&set.engine, set.of).is_some());
    }

    #[test]
    fn a_file_with_any_bit_changed_is_ignored() {
        let set = set();
        let path = set.cache.path(set.of).unwrap();
        let good = fs::read(&path).unwrap();
        for at in [0, MAC_BYTES - 1, MAC_BYTES, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, bad).unwrap();
            assert!(set.cache.load(&set.engine, set.of).is_none(), "byte {at}");
        }
        fs::write(&path, &good[..MAC_BYTES - 1]).unwrap();
        assert!(set.cache.load(&set.engine, set.of).is_none(), "short");
        let code = set.engine.precompile_component(EMPTY).unwrap();
        set.cache.keep(set.of, &code);
        assert!(set.cache.load(&set.engine, set.of).is_some(), "written again");
    }

    #[test]
    fn a_file_under_the_name_of_another_component_is_ignored() {
        let set = set();
        let acme: TenantId = "acme".parse().unwrap();
        let others = [
            Compiled { digest: PluginDigest::of(b"other"), ..set.of },
            Compiled { scope: Some(&acme), ..set.of },
        ];
        for other in others {
            let (from, to) = (set.cache.path(set.of).unwrap(), set.cache.path(other).unwrap());
            fs::copy(from, to).unwrap();
            assert!(set.cache.load(&set.engine, other).is_none());
        }
    }

    #[test]
    fn a_file_of_another_host_is_ignored() {
        let mut set = set();
        set.cache.key = [4; 32];
        assert!(set.cache.load(&set.engine, set.of).is_none());
    }

    #[test]
    fn a_new_engine_replaces_what_an_old_one_kept_and_removing_leaves_nothing() {
        let mut set = set();
        let code = set.engine.precompile_component(EMPTY).unwrap();
        let acme: TenantId = "acme".parse().unwrap();
        set.cache.keep(Compiled { scope: Some(&acme), ..set.of }, &code);
        set.cache.compatibility = [9; 8];
        assert!(set.cache.load(&set.engine, set.of).is_none(), "made for another engine");
        set.cache.keep(set.of, &code);
        let count = || fs::read_dir(set.directory.path()).unwrap().count();
        assert_eq!(count(), 2, "one of the host's, one of the tenant's");
        set.cache.remove(set.of);
        assert_eq!(count(), 1);
    }
}
