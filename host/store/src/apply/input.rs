//! What a person gave for a task: the values in one row, the bytes of each file in a row of its
//! own. All of it is sealed under the request's key.

use std::collections::BTreeMap;

use bytes::Bytes;
use cordon_model::commit::CommitError;
use cordon_model::input::{InputFile, InputValue, ManualInput};
use cordon_model::{RequestId, TenantId};
use sha2::{Digest as _, Sha256};

use super::content::unname_below;
use super::object::seal_row;
use super::task::task_key;
use super::{Operation, Preparing, require_request};
use crate::blob::Blobs;
use crate::record;
use crate::row::{FiledHead, Plain};
use crate::seal::Place;
use crate::seal::keyring::ScopeKeys;
use crate::staged::Staged;
use crate::tables::{Key, Table};

struct Put {
    tenant: TenantId,
    request: RequestId,
    task_key: Vec<u8>,
    row: Vec<u8>,
    /// Keys and rows.
    files: Vec<(Vec<u8>, Vec<u8>)>,
    blobs: Blobs,
}

/// The key of a file's row. A label is a person's words and may be long: its keyed hash stands
/// for it.
pub(crate) fn file_key(keys: &ScopeKeys, task_key: &[u8], label: &str) -> Vec<u8> {
    let hash = keys.index.mac(&[b"input_file", label.as_bytes()]);
    Key::unscoped().raw(task_key).raw(&hash).done()
}

pub(super) fn put(
    preparing: &mut Preparing<'_>,
    input: &ManualInput,
    files: &BTreeMap<String, Bytes>,
) -> Result<Box<dyn Operation>, CommitError> {
    check(input, files)?;
    let (tenant, request) = (&input.tenant, input.request);
    let keys = preparing.tenant_keys(tenant)?;
    let key = preparing.request_key(tenant, request)?;
    let task_key = task_key(tenant, request, input.task);
    let row = seal_row(Table::Inputs, &task_key, &Plain {}, &key, &record::encode(input)?)?;
    let mut rows = Vec::with_capacity(files.len());
    for (label, bytes) in files {
        let row_key = file_key(&keys, &task_key, label);
        let mut head = FiledHead { file: None };
        let mut inline: &[u8] = bytes;
        if inline.len() > preparing.inline_bytes_max {
            let place = Place::file_of(Table::InputFiles, &row_key);
            head.file = Some(preparing.file((tenant, request), &key, place, bytes)?);
            inline = &[];
        }
        let row = seal_row(Table::InputFiles, &row_key, &head, &key, inline)?;
        rows.push((row_key, row));
    }
    let blobs = preparing.blobs.clone();
    Ok(Box::new(Put { tenant: tenant.clone(), request, task_key, row, files: rows, blobs }))
}

/// The bytes that come along must be those that the input names, no more and no fewer.
fn check(input: &ManualInput, files: &BTreeMap<String, Bytes>) -> Result<(), CommitError> {
    let mut named = 0;
    for (label, value) in &input.values {
        let InputValue::File(InputFile { name: _, media_type: _, size, sha256 }) = value else {
            continue;
        };
        let fits = |bytes: &&Bytes| {
            bytes.len() as u64 == *size && Sha256::digest(bytes).as_slice() == sha256.as_slice()
        };
        if files.get(label).filter(fits).is_none() {
            return Err(CommitError::Contradictory("a file of an input without its bytes"));
        }
        named += 1;
    }
    if named != files.len() {
        return Err(CommitError::Contradictory("bytes that no file of an input names"));
    }
    Ok(())
}

impl Operation for Put {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { tenant, request, task_key, row, files, blobs } = *self;
        require_request(staged, &tenant, request)?;
        unname_below(staged, &blobs, Table::InputFiles, &tenant, &task_key)?;
        staged.remove_below(Table::InputFiles, &task_key);
        for (row_key, row) in files {
            staged.put(Table::InputFiles, row_key, row);
        }
        staged.put(Table::Inputs, task_key, row);
        Ok(())
    }
}
