//! The contents as a zip. Pure: the same contents make the same bytes, whatever the clock, the
//! machine or the order in which tasks ended. Called by `zip_packages`, on a thread that may block.

use std::io::Write as _;

use cordon_model::package::PackageContents;
use sha2::{Digest as _, Sha256};

use crate::archive::{Archive, Origin};
use crate::folder::{Folder, folders};
use crate::manifest::{write_identities, write_manifest};
use crate::table::write_csv;
use crate::{Error, Options, page};

/// A finished package.
pub(crate) struct Bundle {
    pub(crate) zip: Vec<u8>,
    pub(crate) sha256: String,
    pub(crate) files: u32,
}

/// Makes the zip: the identities first, then the folders in their order, then what is said about
/// them: the page, which gives their digests, and the manifest, which gives the page's too.
pub(crate) fn bundle(contents: &PackageContents, options: &Options) -> Result<Bundle, Error> {
    let folders = folders(contents, options);
    let mut archive = Archive::new(options);
    if let Some(identities) = &contents.identities {
        archive.add("identities.json".to_owned(), Origin::default(), |file, _| {
            write_identities(identities, file)
        })?;
    }
    for folder in &folders {
        add_folder(&mut archive, folder, options)?;
    }
    archive.add("index.html".to_owned(), Origin::default(), |file, entries| {
        page::write(contents, &folders, entries, options, file)
    })?;
    archive.add("manifest.json".to_owned(), Origin::default(), |file, entries| {
        write_manifest(contents, entries, file)
    })?;
    let (zip, files) = archive.finish()?;
    Ok(Bundle { sha256: sha256_hex(&zip), zip, files })
}

/// The hexadecimal SHA-256.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn add_folder<'a>(
    archive: &mut Archive<'a>,
    folder: &'a Folder<'_>,
    options: &Options,
) -> Result<(), Error> {
    let connection = Some(folder.connection.as_str());
    for placed in &folder.records {
        let origin = || Origin { connection, plugin: Some(placed.plugin), supplied: None };
        archive.add(folder.csv_path(placed.number), origin(), |file, _| {
            write_csv(&placed.record, options, file)
        })?;
        archive.add(folder.json_path(placed.number), origin(), |file, _| {
            Ok(file.write_all(placed.record.to_text().as_bytes())?)
        })?;
    }
    for placed in &folder.files {
        let (plugin, supplied) = (Some(placed.plugin), Some(placed.file));
        let origin = Origin { connection, plugin, supplied };
        archive
            .add(placed.path.clone(), origin, |file, _| Ok(file.write_all(&placed.file.bytes)?))?;
    }
    Ok(())
}
