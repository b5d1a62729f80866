//! Reads a package as its reader would.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use cordon_model::PluginDigest;
use serde_json::Value;

use super::test_host::TestHost;

/// The files of a package, by path.
pub(crate) struct Bundle(BTreeMap<String, Vec<u8>>);

/// The files of a zip, by path.
pub(crate) fn unzip(bytes: Vec<u8>) -> BTreeMap<String, Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let name = file.name().unwrap().into_owned();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        files.insert(name, content);
    }
    files
}

impl Bundle {
    /// Fetches and unzips the package of a request.
    pub(crate) async fn of(host: &TestHost, id: &str) -> Self {
        Self(unzip(host.operator().get_bytes(&format!("/v1/privacy-requests/{id}/package")).await))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn text(&self, path: &str) -> &str {
        std::str::from_utf8(&self.0[path]).unwrap()
    }

    pub(crate) fn bytes(&self, path: &str) -> &[u8] {
        &self.0[path]
    }

    pub(crate) fn lines(&self, path: &str) -> Vec<&str> {
        self.text(path).lines().collect()
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        serde_json::from_str(self.text(path)).unwrap()
    }

    /// SHA-256 of a file, hexadecimal.
    pub(crate) fn sha256(&self, path: &str) -> String {
        PluginDigest::of(&self.0[path]).to_string()
    }
}
