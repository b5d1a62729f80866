//! Removing what was given and returned for a request, and the sealed files that rows name.

use std::path::PathBuf;

use cordon_model::commit::{CommitError, StoreError};
use cordon_model::{RequestId, TenantId};
use uuid::Uuid;

use super::{Operation, Preparing, require_request};
use crate::blob::{Blobs, Folder};
use crate::row::{self, FiledHead};
use crate::snapshot::Scan;
use crate::staged::Staged;
use crate::tables::{Key, Table};

/// The tables whose rows may name a sealed file. Their keys begin with tenant and request.
pub(super) const FILING: [Table; 3] = [Table::InputFiles, Table::Records, Table::Journal];

/// The other tables that hold content of a request.
const UNFILED: [Table; 2] = [Table::Inputs, Table::JournalCounts];

struct Remove {
    tenant: TenantId,
    request: RequestId,
    blobs: Blobs,
}

pub(super) fn remove(
    preparing: &Preparing<'_>,
    tenant: TenantId,
    request: RequestId,
) -> Box<dyn Operation> {
    Box::new(Remove { tenant, request, blobs: preparing.blobs.clone() })
}

/// Has the files that rows below `prefix` name removed once the commit is durable. The rows
/// themselves are the caller's matter.
pub(super) fn unname_below(
    staged: &mut Staged<'_, '_>,
    blobs: &Blobs,
    table: Table,
    tenant: &TenantId,
    prefix: &[u8],
) -> Result<(), StoreError> {
    let mut paths = Vec::new();
    staged.scan(table, prefix, |key, row| {
        paths.extend(file_of(blobs, table, tenant, key, row)?);
        Ok(Scan::GoOn)
    })?;
    paths.into_iter().for_each(|path| staged.unname(path));
    Ok(())
}

/// The file that a row of one of these tables names, if it names one.
pub(super) fn file_of(
    blobs: &Blobs,
    table: Table,
    tenant: &TenantId,
    key: &[u8],
    row: &[u8],
) -> Result<Option<PathBuf>, StoreError> {
    let FiledHead { file } = row::head(table, row)?;
    let Some(file) = file else { return Ok(None) };
    let scope = Key::of(tenant).done().len();
    let id = key.get(scope..).and_then(<[u8]>::first_chunk::<16>);
    let id = Uuid::from_bytes(*id.ok_or_else(|| row::damaged(table))?);
    Ok(Some(blobs.path(&Folder::of_request(tenant, RequestId::new(id)), &file)))
}

impl Operation for Remove {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { tenant, request, blobs } = *self;
        require_request(staged, &tenant, request)?;
        let prefix = Key::of(&tenant).uuid(request.as_uuid()).done();
        for table in FILING {
            unname_below(staged, &blobs, table, &tenant, &prefix)?;
        }
        for table in FILING.into_iter().chain(UNFILED) {
            staged.remove_below(table, &prefix);
        }
        Ok(())
    }
}
