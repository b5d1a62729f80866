//! What a task returned, and its journal. All of it is sealed under the request's key, and needs
//! the request to be there.

use std::path::PathBuf;

use cordon_model::commit::CommitError;
use cordon_model::journal::JournalEntry;
use cordon_model::{Records, RequestId, TaskId, TenantId};
use zeroize::Zeroizing;

use super::object::seal_row;
use super::{Operation, Preparing, require_request};
use crate::blob::{Blobs, Folder};
use crate::record::{self, Body, JournalLine, RecordSets};
use crate::row::FiledHead;
use crate::seal::{Place, SealKey};
use crate::staged::Staged;
use crate::tables::{Key, Table};

struct PutRecords {
    tenant: TenantId,
    request: RequestId,
    row_key: Vec<u8>,
    row: Vec<u8>,
    blobs: Blobs,
}

struct AppendJournal {
    tenant: TenantId,
    request: RequestId,
    task_key: Vec<u8>,
    key: SealKey,
    lines: Vec<(FiledHead, Zeroizing<Vec<u8>>)>,
}

/// The key of a task's rows.
pub(crate) fn task_key(tenant: &TenantId, request: RequestId, task: TaskId) -> Vec<u8> {
    Key::of(tenant).uuid(request.as_uuid()).uuid(task.as_uuid()).done()
}

pub(super) fn put_records(
    preparing: &mut Preparing<'_>,
    tenant: &TenantId,
    request: RequestId,
    task: TaskId,
    sets: Vec<Records>,
) -> Result<Box<dyn Operation>, CommitError> {
    let key = preparing.request_key(tenant, request)?;
    let row_key = task_key(tenant, request, task);
    let mut record = record::encode(&RecordSets(sets))?;
    let mut head = FiledHead { file: None };
    if record.len() > preparing.inline_bytes_max {
        let place = Place::file_of(Table::Records, &row_key);
        head.file = Some(preparing.file((tenant, request), &key, place, &record)?);
        record = Zeroizing::default();
    }
    let row = seal_row(Table::Records, &row_key, &head, &key, &record)?;
    let blobs = preparing.blobs.clone();
    Ok(Box::new(PutRecords { tenant: tenant.clone(), request, row_key, row, blobs }))
}

pub(super) fn append_journal(
    preparing: &mut Preparing<'_>,
    tenant: &TenantId,
    request: RequestId,
    task: TaskId,
    entries: Vec<JournalEntry>,
) -> Result<Box<dyn Operation>, CommitError> {
    let key = preparing.request_key(tenant, request)?;
    let task_key = task_key(tenant, request, task);
    let mut lines = Vec::with_capacity(entries.len());
    for entry in entries {
        let (entry, body) = JournalLine::split(entry);
        let mut head = FiledHead { file: None };
        let body = match body {
            Some(bytes) if bytes.len() > preparing.inline_bytes_max => {
                let place = Place::file_of(Table::Journal, &task_key);
                head.file = Some(preparing.file((tenant, request), &key, place, &bytes)?);
                Some(Body::Filed)
            }
            Some(bytes) => Some(Body::Inline(bytes)),
            None => None,
        };
        lines.push((head, record::encode(&JournalLine { entry, body })?));
    }
    Ok(Box::new(AppendJournal { tenant: tenant.clone(), request, task_key, key, lines }))
}

impl Operation for PutRecords {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { tenant, request, row_key, row, blobs } = *self;
        require_request(staged, &tenant, request)?;
        let replaced: Option<FiledHead> = staged.head(Table::Records, &row_key)?;
        if let Some(FiledHead { file: Some(file) }) = replaced {
            let path: PathBuf = blobs.path(&Folder::of_request(&tenant, request), &file);
            staged.unname(path);
        }
        staged.put(Table::Records, row_key, row);
        Ok(())
    }
}

impl Operation for AppendJournal {
    /// Sealed here and not before: a line is bound to its number, which only the writer knows.
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { tenant, request, task_key, key, lines } = *self;
        require_request(staged, &tenant, request)?;
        for (head, record) in lines {
            let number = staged.next_number(Table::JournalCounts, &task_key)?;
            let row_key = Key::unscoped().raw(&task_key).number(number).done();
            let row = seal_row(Table::Journal, &row_key, &head, &key, &record)?;
            staged.put(Table::Journal, row_key, row);
        }
        Ok(())
    }
}
