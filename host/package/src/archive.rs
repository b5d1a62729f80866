//! The zip while it is written: one file after the other, counted, hashed and compressed as it
//! comes, so that no file is held twice.
//!
//! Knows nothing of what is in the files. Called by `bundle`.

use std::io::{self, BufWriter, Cursor, Write};

use cordon_model::package::PackageFile;
use cordon_model::plugin::PluginRef;
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

use crate::manifest::FileEntry;
use crate::{Error, Options};

/// How hard to compress; higher costs much and gains little.
const COMPRESSION_LEVEL: i64 = 6;

/// What is handed to the compressor at once; templates and JSON come in pieces of a few bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// A zip within the limits of a package.
pub(crate) struct Archive<'a> {
    zip: ZipWriter<Cursor<Vec<u8>>>,
    options: &'a Options,
    entries: Vec<FileEntry<'a>>,
    bytes: u64,
    files: u32,
}

/// What made a file. Nothing: the host itself.
#[derive(Default)]
pub(crate) struct Origin<'a> {
    pub(crate) connection: Option<&'a str>,
    pub(crate) plugin: Option<&'a PluginRef>,
    /// For a file that a person supplied.
    pub(crate) supplied: Option<&'a PackageFile>,
}

/// A file that is being written.
pub(crate) struct OpenFile<'z> {
    zip: &'z mut ZipWriter<Cursor<Vec<u8>>>,
    sha256: Sha256,
    size: u64,
    /// What the package may still take.
    left: u64,
    is_over: bool,
}

impl<'a> Archive<'a> {
    pub(crate) fn new(options: &'a Options) -> Self {
        let zip = ZipWriter::new(Cursor::new(Vec::new()));
        Self { zip, options, entries: Vec::new(), bytes: 0, files: 0 }
    }

    /// Adds a file. `write` is given what was added so far.
    pub(crate) fn add(
        &mut self,
        path: String,
        origin: Origin<'a>,
        write: impl FnOnce(&mut BufWriter<OpenFile<'_>>, &[FileEntry<'a>]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.files = self.files.saturating_add(1);
        if self.files > self.options.files_max {
            return Err(Error::TooManyFiles(self.options.files_max));
        }
        self.zip.start_file(path.as_str(), self.file_options())?;
        let left = self.options.bytes_max.saturating_sub(self.bytes);
        let sha256 = Sha256::new();
        let file = OpenFile { zip: &mut self.zip, sha256, size: 0, left, is_over: false };
        let mut out = BufWriter::with_capacity(PIECE_BYTES, file);
        let written = write(&mut out, &self.entries).and_then(|()| Ok(out.flush()?));
        if out.get_ref().is_over {
            return Err(Error::TooManyBytes(self.options.bytes_max));
        }
        written?;
        let OpenFile { sha256, size, .. } = out.into_inner().map_err(io::Error::from)?;
        self.bytes += size;
        let sha256 = sha256.finalize().into();
        self.entries.push(FileEntry::new(path, sha256, size, origin));
        Ok(())
    }

    /// The zip, and how many files are in it.
    pub(crate) fn finish(self) -> Result<(Vec<u8>, u32), Error> {
        Ok((self.zip.finish()?.into_inner(), self.files))
    }

    /// Everything that could differ between two machines or two moments is fixed.
    fn file_options(&self) -> SimpleFileOptions {
        SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(COMPRESSION_LEVEL))
            .last_modified_time(DateTime::DEFAULT)
            .unix_permissions(0o644)
            .system(System::Unix)
            // The size is not known when a file begins, only how large it may become.
            .large_file(u32::try_from(self.options.bytes_max).is_err())
    }
}

impl Write for OpenFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len() as u64;
        if length > self.left {
            self.is_over = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.zip.write_all(bytes)?;
        self.sha256.update(bytes);
        self.size += length;
        self.left -= length;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
