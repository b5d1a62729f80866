//! What belongs to a task: inputs, records, the journal.

use std::ops::Bound;

use bytes::Bytes;
use cordon_model::commit::StoreError;
use cordon_model::input::ManualInput;
use cordon_model::journal::JournalEntry;
use cordon_model::{Records, RequestId, TaskId, TenantId};
use zeroize::Zeroizing;

use super::{View, open_bytes, open_row};
use crate::apply::input::file_key;
use crate::apply::task::task_key;
use crate::record::{self, JournalLine, RecordSets};
use crate::row::{self, FiledHead};
use crate::seal::{Place, SealKey};
use crate::snapshot::{Order, Row, Scan};
use crate::tables::{Key, Table};

pub(crate) fn inputs(
    view: &View<'_>,
    tenant: &TenantId,
    request: RequestId,
) -> Result<Vec<ManualInput>, StoreError> {
    let Some(key) = view.request_key(tenant, request)? else { return Ok(Vec::new()) };
    let prefix = Key::of(tenant).uuid(request.as_uuid()).done();
    let mut inputs = Vec::new();
    let order = Order::Ascending;
    view.snapshot.scan(Table::Inputs, &prefix, Bound::Unbounded, order, |row_key, row| {
        inputs.push(open_row(Table::Inputs, row_key, &key, row)?);
        Ok(Scan::GoOn)
    })?;
    Ok(inputs)
}

pub(crate) fn input_file(
    view: &View<'_>,
    tenant: &TenantId,
    request: RequestId,
    task: TaskId,
    label: &str,
) -> Result<Option<Bytes>, StoreError> {
    let Some(keys) = view.scope(Some(tenant))? else { return Ok(None) };
    let row_key = file_key(&keys, &task_key(tenant, request, task), label);
    let Some(row) = view.snapshot.get(Table::InputFiles, &row_key)? else { return Ok(None) };
    let key = view.request_key(tenant, request)?;
    let key = key.ok_or_else(|| row::damaged(Table::RequestKeys))?;
    let bytes = filed_or_inline(view, (tenant, request), Table::InputFiles, &row_key, &key, &row)?;
    Ok(Some(Bytes::copy_from_slice(&bytes)))
}

pub(crate) fn records(
    view: &View<'_>,
    tenant: &TenantId,
    request: RequestId,
    task: TaskId,
) -> Result<Vec<Records>, StoreError> {
    let row_key = task_key(tenant, request, task);
    let Some(row) = view.snapshot.get(Table::Records, &row_key)? else { return Ok(Vec::new()) };
    let key = view.request_key(tenant, request)?;
    let key = key.ok_or_else(|| row::damaged(Table::RequestKeys))?;
    let record = filed_or_inline(view, (tenant, request), Table::Records, &row_key, &key, &row)?;
    let RecordSets(sets) = record::decode(&record, Table::Records.name())?;
    Ok(sets)
}

pub(crate) fn journal(
    view: &View<'_>,
    tenant: &TenantId,
    request: RequestId,
    task: TaskId,
) -> Result<Vec<JournalEntry>, StoreError> {
    let Some(key) = view.request_key(tenant, request)? else { return Ok(Vec::new()) };
    let task_key = task_key(tenant, request, task);
    let mut entries = Vec::new();
    let order = Order::Ascending;
    view.snapshot.scan(Table::Journal, &task_key, Bound::Unbounded, order, |row_key, row| {
        let line: JournalLine = open_row(Table::Journal, row_key, &key, row)?;
        let head: FiledHead = row::head(Table::Journal, row)?;
        let filed = match &head.file {
            Some(file) => {
                let place = Place::file_of(Table::Journal, &task_key);
                let bytes = view.file((tenant, request), file, &key, place)?;
                Some(Bytes::copy_from_slice(&bytes))
            }
            None => None,
        };
        entries.push(line.join(filed));
        Ok(Scan::GoOn)
    })?;
    Ok(entries)
}

/// The content of a row, wherever it lies.
fn filed_or_inline(
    view: &View<'_>,
    request: (&TenantId, RequestId),
    table: Table,
    row_key: &[u8],
    key: &SealKey,
    row: &Row,
) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    // Opened also when the content is elsewhere: it is what vouches for the digest in the head.
    let inline = open_bytes(table, row_key, key, row.value())?;
    match row::head(table, row.value())? {
        FiledHead { file: None } => Ok(inline),
        FiledHead { file: Some(file) } => {
            view.file(request, &file, key, Place::file_of(table, row_key))
        }
    }
}
