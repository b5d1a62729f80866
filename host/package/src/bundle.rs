//! The contents as a zip. Pure: the same contents make the same bytes, whatever the clock, the
//! machine or the order in which tasks ended. Called by `zip_packages`, on a thread that may block.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};

use cordon_model::ConnectionKey;
use cordon_model::json::Json;
use cordon_model::package::{PackageContents, Section};
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

use crate::manifest::{FileEntry, PluginEntry, identities_json, manifest_json};
use crate::table::csv_file;
use crate::{Error, Options};

/// A finished package.
pub(crate) struct Bundle {
    pub(crate) zip: Vec<u8>,
    pub(crate) sha256: String,
    pub(crate) files: u32,
}

/// Makes the zip: the manifest first, then the identities, then the sections in their order.
pub(crate) fn bundle(contents: &PackageContents, options: &Options) -> Result<Bundle, Error> {
    let mut files = Files::new(options)?;
    if let Some(identities) = &contents.identities {
        files.add("identities.json".to_owned(), identities_json(identities)?, None)?;
    }
    // Counted by connection, not by section: a connection may have answered several tasks, and
    // no file may take the name of another.
    let mut records = BTreeMap::<&ConnectionKey, u64>::new();
    for section in &contents.sections {
        let number = records.entry(&section.connection).or_default();
        for record in section.records.iter().flat_map(|records| records.objects()) {
            *number += 1;
            files.add_record(section, *number, record)?;
        }
    }
    files.into_bundle(contents)
}

/// The hexadecimal SHA-256.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The files of a package, within its limits.
struct Files<'a> {
    options: &'a Options,
    entries: Vec<FileEntry<'a>>,
    bodies: Vec<Vec<u8>>,
    bytes: u64,
    /// Counts the manifest from the start.
    count: u32,
}

impl<'a> Files<'a> {
    fn new(options: &'a Options) -> Result<Self, Error> {
        let mut files =
            Self { options, entries: Vec::new(), bodies: Vec::new(), bytes: 0, count: 0 };
        files.count_files(1)?;
        Ok(files)
    }

    fn add_record(
        &mut self,
        section: &'a Section,
        number: u64,
        record: &Json,
    ) -> Result<(), Error> {
        // Before the work of flattening, not after it.
        if self.count.saturating_add(2) > self.options.files_max {
            return Err(Error::TooManyFiles(self.options.files_max));
        }
        let connection = &section.connection;
        let left = self.options.bytes_max.saturating_sub(self.bytes);
        let csv = csv_file(record, self.options, left)?;
        self.add(format!("{connection}/{number}.csv"), csv, Some(section))?;
        let json = record.to_text().into_bytes();
        self.add(format!("{connection}/{number}.json"), json, Some(section))
    }

    fn add(
        &mut self,
        path: String,
        body: Vec<u8>,
        made_by: Option<&'a Section>,
    ) -> Result<(), Error> {
        self.count_files(1)?;
        self.count_bytes(&body)?;
        self.entries.push(FileEntry {
            path,
            sha256: sha256_hex(&body),
            size: body.len() as u64,
            connection: made_by.map(|section| section.connection.as_str()),
            plugin: made_by.map(|section| PluginEntry::new(&section.plugin)),
        });
        self.bodies.push(body);
        Ok(())
    }

    fn count_files(&mut self, more: u32) -> Result<(), Error> {
        self.count = self.count.saturating_add(more);
        if self.count > self.options.files_max {
            return Err(Error::TooManyFiles(self.options.files_max));
        }
        Ok(())
    }

    fn count_bytes(&mut self, body: &[u8]) -> Result<(), Error> {
        self.bytes = self.bytes.saturating_add(body.len() as u64);
        if self.bytes > self.options.bytes_max {
            return Err(Error::TooManyBytes(self.options.bytes_max));
        }
        Ok(())
    }

    fn into_bundle(mut self, contents: &PackageContents) -> Result<Bundle, Error> {
        let manifest = manifest_json(contents, &self.entries)?;
        self.count_bytes(&manifest)?;
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        write_file(&mut writer, "manifest.json", &manifest)?;
        for (entry, body) in self.entries.iter().zip(&self.bodies) {
            write_file(&mut writer, &entry.path, body)?;
        }
        let zip = writer.finish()?.into_inner();
        Ok(Bundle { sha256: sha256_hex(&zip), zip, files: self.count })
    }
}

fn write_file(
    writer: &mut ZipWriter<Cursor<Vec<u8>>>,
    path: &str,
    body: &[u8],
) -> Result<(), Error> {
    // Everything that could differ between two machines or two moments is fixed.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(6))
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o644)
        .system(System::Unix)
        .large_file(u32::try_from(body.len()).is_err());
    writer.start_file(path, options)?;
    writer.write_all(body).map_err(zip::result::ZipError::from)?;
    Ok(())
}
