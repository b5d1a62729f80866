//! `index.html`: the package as a page that a person can read, without any tool but a browser.
//!
//! The page is inert, whatever an upstream sent: every value is escaped by the template engine, no
//! value becomes a link, there is no script, nothing is loaded, and a content security policy says
//! so to the browser. It shows only so much ([`Options`]) and says what it left out; it is no
//! record of its own. The template and the style stand in `templates/`. Called by `bundle`.

mod rows;
mod text;
mod words;

use std::io::Write;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cordon_model::package::{Omission, PackageContents};
use sha2::{Digest as _, Sha256};

use crate::folder::{Folder, PlacedFile};
use crate::manifest::FileEntry;
use crate::{Error, Options};
use rows::{Budget, RecordView, Value, record_view};
use text::{Size, Text};

const STYLE: &str = include_str!("../templates/index.css");

/// The plugin whose records are what a person looked up; the name is reserved for it.
const BY_HAND: &str = "manual_webhook";

/// Writes the page. `entries` are the files that stand in the package so far.
pub(crate) fn write(
    contents: &PackageContents,
    folders: &[Folder<'_>],
    entries: &[FileEntry<'_>],
    options: &Options,
    out: &mut impl Write,
) -> Result<(), Error> {
    // One share each, so that a large answer leaves room for the others; what one does not need
    // goes to those behind it.
    let mut budget = Budget::new(options);
    let mut shares = folders.len() + usize::from(contents.identities.is_some());
    let identities = contents.identities.as_deref().map(|found| {
        let mut share = budget.share(shares);
        shares -= 1;
        let view = IdentitiesView::new(contents, found.len(), &mut share, options);
        budget.give_back(share);
        view
    });
    let mut sources = Vec::with_capacity(folders.len());
    for folder in folders {
        let mut share = budget.share(shares);
        shares -= 1;
        sources.push(SourceView::new(folder, sources.len() + 1, &mut share, options));
        budget.give_back(share);
    }
    let omissions = contents.omissions.iter().take(options.page_rows_max);
    let external_id = contents.external_id.as_deref();
    let page = Page {
        style: STYLE,
        style_hash: STANDARD.encode(Sha256::digest(STYLE)),
        request: contents.request.to_string(),
        submitted_at: contents.submitted_at.to_string(),
        submitted_on: contents.submitted_at.strftime("%-d %B %Y, %H:%M UTC").to_string(),
        policy: contents.policy.as_str(),
        tenant: contents.tenant.as_str(),
        external_id: external_id.map(|id| Text::shortened(id, options.page_value_chars_max)),
        records: sources.iter().map(|source| source.total).sum(),
        supplied: sources.iter().map(|source| source.files_total).sum(),
        sources,
        identities,
        omissions: omissions.map(|omission| Missing::new(omission, options)).collect(),
        omissions_left: contents.omissions.len().saturating_sub(options.page_rows_max),
        files: entries.iter().take(options.page_files_max).map(FileView::new).collect(),
        files_left: entries.len().saturating_sub(options.page_files_max),
    };
    Ok(page.write_into(out)?)
}

#[derive(Template)]
#[template(path = "index.html")]
struct Page<'a> {
    style: &'static str,
    style_hash: String,
    request: String,
    submitted_at: String,
    submitted_on: String,
    policy: &'a str,
    tenant: &'a str,
    external_id: Option<Text<'a>>,
    records: usize,
    supplied: usize,
    sources: Vec<SourceView<'a>>,
    identities: Option<IdentitiesView<'a>>,
    omissions: Vec<Missing<'a>>,
    omissions_left: usize,
    files: Vec<FileView<'a>>,
    files_left: usize,
}

/// Everything that one connection returned.
struct SourceView<'a> {
    /// The place on the page; made of a number, as an anchor is no place for a name.
    anchor: usize,
    name: &'a str,
    is_by_hand: bool,
    /// How many records there are; not all of them may be shown.
    total: usize,
    records: Vec<RecordView<'a>>,
    /// How many files a person supplied; not all of them may be shown.
    files_total: usize,
    files: Vec<SuppliedView<'a>>,
}

struct SuppliedView<'a> {
    label: Text<'a>,
    path: &'a str,
    name: Text<'a>,
    media_type: Text<'a>,
    size: Size,
}

struct IdentitiesView<'a> {
    rows: Vec<IdentityView<'a>>,
    left: usize,
}

struct IdentityView<'a> {
    kind: &'a str,
    value: Text<'a>,
    found_by: &'a str,
}

/// Something that the package does not contain, in plain words.
struct Missing<'a> {
    connection: Option<&'a str>,
    meaning: &'static str,
    detail: Text<'a>,
    code: Text<'a>,
}

struct FileView<'a> {
    path: &'a str,
    name: Text<'a>,
    size: Size,
    sha256: String,
}

impl<'a> SourceView<'a> {
    fn new(folder: &'a Folder<'_>, anchor: usize, budget: &mut Budget, options: &Options) -> Self {
        let mut records = Vec::new();
        for placed in &folder.records {
            if budget.is_spent() {
                break;
            }
            records.push(record_view(folder, placed, budget, options));
        }
        let files = folder.files.iter().take(options.page_files_max);
        let mut plugins = (folder.records.iter().map(|placed| placed.plugin))
            .chain(folder.files.iter().map(|placed| placed.plugin));
        Self {
            anchor,
            name: folder.connection.as_str(),
            is_by_hand: plugins.any(|plugin| plugin.name == BY_HAND),
            total: folder.records.len(),
            records,
            files_total: folder.files.len(),
            files: files.map(|placed| SuppliedView::new(placed, options)).collect(),
        }
    }
}

impl<'a> SuppliedView<'a> {
    fn new(placed: &'a PlacedFile<'_>, options: &Options) -> Self {
        let shown = |text: &'a str| Text::shortened(text, options.page_value_chars_max);
        Self {
            label: shown(&placed.file.label),
            path: &placed.path,
            name: shown(placed.path.rsplit('/').next().unwrap_or_default()),
            media_type: shown(&placed.file.media_type),
            size: Size(placed.file.bytes.len() as u64),
        }
    }
}

impl<'a> IdentitiesView<'a> {
    fn new(
        contents: &'a PackageContents,
        total: usize,
        budget: &mut Budget,
        options: &Options,
    ) -> Self {
        let found = contents.identities.iter().flatten();
        let rows: Vec<_> = found
            .take_while(|identity| budget.take(identity.value.len()))
            .map(|identity| IdentityView {
                kind: identity.kind.as_str(),
                value: Text::shortened(&identity.value, options.page_value_chars_max),
                found_by: identity.connection.as_str(),
            })
            .collect();
        let left = total - rows.len();
        Self { rows, left }
    }
}

impl<'a> Missing<'a> {
    fn new(omission: &'a Omission, options: &Options) -> Self {
        Self {
            connection: omission.connection.as_ref().map(|key| key.as_str()),
            meaning: words::of_omission(&omission.code),
            detail: Text::shortened(&omission.detail, options.page_value_chars_max),
            code: Text::shortened(&omission.code, options.page_value_chars_max),
        }
    }
}

impl<'a> FileView<'a> {
    fn new(entry: &'a FileEntry<'_>) -> Self {
        Self {
            path: &entry.path,
            name: Text::whole(&entry.path),
            size: Size(entry.size),
            sha256: hex::encode(entry.sha256),
        }
    }
}
