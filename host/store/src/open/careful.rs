//! A redb backend that holds writes back until the database is known to be good.
//!
//! redb repairs while it opens, and a repair writes before it knows whether it will succeed. Here
//! every write of the opening stays in memory; a file that turns out to be damaged, or sealed with
//! another key, is byte for byte as it was. After [`Careful::release`] it is a plain file backend.

use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

/// A file whose writes are held back. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Careful {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    file: FileBackend,
    released: AtomicBool,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// In their order, which is the order they go out in.
    writes: Vec<Write>,
    /// Length with the held writes; none: that of the file.
    length: Option<u64>,
}

#[derive(Debug)]
enum Write {
    Bytes { offset: u64, bytes: Vec<u8> },
    Length(u64),
    Sync,
}

impl Careful {
    /// Holds back what is written to `file`.
    pub(super) fn new(file: FileBackend) -> Self {
        let held = Mutex::default();
        Self { shared: Arc::new(Shared { file, released: AtomicBool::new(false), held }) }
    }

    /// Writes what was held back, and from now on holds nothing back.
    pub(super) fn release(&self) -> io::Result<()> {
        let mut held = self.held();
        for write in std::mem::take(&mut held.writes) {
            match write {
                Write::Bytes { offset, bytes } => self.shared.file.write(offset, &bytes)?,
                Write::Length(length) => self.shared.file.set_len(length)?,
                Write::Sync => self.shared.file.sync_data()?,
            }
        }
        self.shared.released.store(true, Ordering::Release);
        Ok(())
    }

    fn is_released(&self) -> bool {
        self.shared.released.load(Ordering::Acquire)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.shared.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_held(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let held = self.held();
        let file_length = self.shared.file.len()?;
        let end = offset.checked_add(out.len() as u64);
        if end.is_none_or(|end| end > held.length.unwrap_or(file_length)) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        out.fill(0);
        let in_file = file_length.saturating_sub(offset).min(out.len() as u64);
        let in_file = usize::try_from(in_file).unwrap_or(out.len());
        if let Some(part) = out.get_mut(..in_file).filter(|part| !part.is_empty()) {
            self.shared.file.read(offset, part)?;
        }
        for write in &held.writes {
            match write {
                Write::Bytes { offset: at, bytes } => overlay(offset, out, *at, bytes),
                // What lay beyond is gone, also when the file grows again.
                Write::Length(length) => {
                    let kept = length.saturating_sub(offset).min(out.len() as u64);
                    let kept = usize::try_from(kept).unwrap_or(out.len());
                    if let Some(beyond) = out.get_mut(kept..) {
                        beyond.fill(0);
                    }
                }
                Write::Sync => {}
            }
        }
        Ok(())
    }
}

/// Copies the part of `bytes`, which stand at `at`, that lies in `out`, which stands at `offset`.
fn overlay(offset: u64, out: &mut [u8], at: u64, bytes: &[u8]) {
    let skip_out = usize::try_from(at.saturating_sub(offset)).unwrap_or(usize::MAX);
    let skip_bytes = usize::try_from(offset.saturating_sub(at)).unwrap_or(usize::MAX);
    let out = out.iter_mut().skip(skip_out);
    out.zip(bytes.iter().skip(skip_bytes)).for_each(|(to, from)| *to = *from);
}

impl StorageBackend for Careful {
    fn len(&self) -> io::Result<u64> {
        if self.is_released() {
            return self.shared.file.len();
        }
        let length = self.held().length;
        length.map_or_else(|| self.shared.file.len(), Ok)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.is_released() {
            return self.shared.file.read(offset, out);
        }
        self.read_held(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        if self.is_released() {
            return self.shared.file.set_len(length);
        }
        let mut held = self.held();
        held.writes.push(Write::Length(length));
        held.length = Some(length);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.is_released() {
            return self.shared.file.sync_data();
        }
        self.held().writes.push(Write::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if self.is_released() {
            return self.shared.file.write(offset, data);
        }
        self.held().writes.push(Write::Bytes { offset, bytes: data.to_vec() });
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.shared.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.shared.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.shared.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.shared.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.shared.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.shared.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.shared.file.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_writes_are_read_back_and_the_file_stays_as_it_was_until_they_are_released() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, b"0123456789").unwrap();
        let open = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let careful = Careful::new(FileBackend::new(open).unwrap());
        careful.write(2, b"ab").unwrap();
        careful.set_len(4).unwrap();
        careful.set_len(8).unwrap();
        careful.write(7, b"z").unwrap();
        careful.sync_data().unwrap();
        let mut out = [0xff; 8];
        careful.read(0, &mut out).unwrap();
        assert_eq!(&out, b"01ab\0\0\0z");
        let mut middle = [0xff; 3];
        careful.read(3, &mut middle).unwrap();
        assert_eq!(&middle, b"b\0\0");
        assert!(careful.read(6, &mut middle).is_err(), "beyond the end");
        assert_eq!(std::fs::read(&path).unwrap(), b"0123456789");
        careful.release().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"01ab\0\0\0z");
        careful.read(0, &mut out).unwrap();
        assert_eq!(&out, b"01ab\0\0\0z");
    }
}
