//! Where everything goes: one folder for each connection, with its records numbered over all its
//! answers, and the files that a person supplied. Decided once, for the files and for the page.
//!
//! Writes nothing. Called by `bundle`.

use std::borrow::Cow;
use std::collections::HashMap;

use cordon_model::ConnectionKey;
use cordon_model::json::Json;
use cordon_model::package::{PackageContents, PackageFile, Section};
use cordon_model::plugin::PluginRef;

use crate::Options;
use crate::file_name::safe_name;

/// What stands in the folder of one connection.
pub(crate) struct Folder<'a> {
    pub(crate) connection: &'a ConnectionKey,
    /// In the order of their numbers, from 1.
    pub(crate) records: Vec<PlacedRecord<'a>>,
    /// In the order of their numbers, from 1.
    pub(crate) files: Vec<PlacedFile<'a>>,
}

/// A record, and where it goes.
pub(crate) struct PlacedRecord<'a> {
    pub(crate) record: Cow<'a, Json>,
    pub(crate) plugin: &'a PluginRef,
    pub(crate) number: usize,
}

/// A file that a person supplied, and where it goes.
pub(crate) struct PlacedFile<'a> {
    pub(crate) file: &'a PackageFile,
    pub(crate) plugin: &'a PluginRef,
    /// From the root of the package.
    pub(crate) path: String,
}

/// The folders, in the order in which the sections first name them.
pub(crate) fn folders<'a>(contents: &'a PackageContents, options: &Options) -> Vec<Folder<'a>> {
    let mut folders = Vec::<Folder<'a>>::new();
    let mut places = HashMap::<&ConnectionKey, usize>::new();
    for section in &contents.sections {
        let place = *places.entry(&section.connection).or_insert(folders.len());
        if place == folders.len() {
            let connection = &section.connection;
            folders.push(Folder { connection, records: Vec::new(), files: Vec::new() });
        }
        if let Some(folder) = folders.get_mut(place) {
            folder.take(section, options);
        }
    }
    folders
}

impl<'a> Folder<'a> {
    /// The path of the CSV file of a record.
    pub(crate) fn csv_path(&self, number: usize) -> String {
        format!("{}/{number}.csv", self.connection)
    }

    /// The path of the JSON file of a record.
    pub(crate) fn json_path(&self, number: usize) -> String {
        format!("{}/{number}.json", self.connection)
    }

    fn take(&mut self, section: &'a Section, options: &Options) {
        let plugin = &section.plugin;
        let first_file = self.files.len();
        for file in &section.files {
            let number = self.files.len() + 1;
            let name = safe_name(&file.name, options.file_name_bytes_max);
            let path = format!("{}/files/{number}-{name}", self.connection);
            self.files.push(PlacedFile { file, plugin, path });
        }
        let files = self.files.get(first_file..).unwrap_or_default();
        let mut objects = section.records.iter().flat_map(|records| records.objects());
        let first = match objects.next() {
            Some(record) if files.is_empty() => Some(Cow::Borrowed(record)),
            None if files.is_empty() => None,
            record => Some(Cow::Owned(naming_files(record, files))),
        };
        for record in first.into_iter().chain(objects.map(Cow::Borrowed)) {
            let number = self.records.len() + 1;
            self.records.push(PlacedRecord { record, plugin, number });
        }
    }
}

/// The record with the path of each file under its label: a text, or a list of them when several
/// files have the same label.
fn naming_files(record: Option<&Json>, files: &[PlacedFile<'_>]) -> Json {
    let mut entries = match record {
        Some(Json::Object(entries)) => entries.clone(),
        Some(_) | None => Vec::new(),
    };
    for PlacedFile { file, .. } in files {
        let paths = files.iter().filter(|other| other.file.label == file.label);
        let mut paths: Vec<Json> = paths.map(|other| Json::String(other.path.clone())).collect();
        let value = match paths.pop() {
            Some(only) if paths.is_empty() => only,
            last => Json::Array(paths.into_iter().chain(last).collect()),
        };
        match entries.iter_mut().find(|(label, _)| *label == file.label) {
            Some((_, found)) => *found = value,
            None => entries.push((file.label.clone(), value)),
        }
    }
    Json::Object(entries)
}
