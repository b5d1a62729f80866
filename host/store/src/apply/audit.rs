//! The audit ledger: appended to in the transaction of what it tells of, numbered without gaps.

use std::sync::Arc;

use cordon_model::RequestId;
use cordon_model::audit::AuditEvent;
use cordon_model::commit::CommitError;
use zeroize::Zeroizing;

use super::object::seal_row;
use super::{Operation, Preparing};
use crate::record;
use crate::row::Plain;
use crate::seal::keyring::ScopeKeys;
use crate::staged::Staged;
use crate::tables::{Key, Table};

struct Append {
    scope: Vec<u8>,
    keys: Arc<ScopeKeys>,
    request: Option<RequestId>,
    record: Zeroizing<Vec<u8>>,
}

pub(super) fn append(
    preparing: &mut Preparing<'_>,
    event: &AuditEvent,
) -> Result<Box<dyn Operation>, CommitError> {
    let keys = preparing.scope_keys(event.tenant.as_ref())?;
    let scope = Key::scoped(event.tenant.as_ref()).done();
    let record = record::encode(event)?;
    Ok(Box::new(Append { scope, keys, request: event.request, record }))
}

impl Operation for Append {
    /// Sealed here and not before: an event is bound to its number, which only the writer knows.
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { scope, keys, request, record } = *self;
        let sequence = staged.next_number(Table::AuditCounts, &scope)?;
        let row_key = Key::unscoped().raw(&scope).number(sequence).done();
        let row = seal_row(Table::Audit, &row_key, &Plain {}, &keys.rows, &record)?;
        staged.put(Table::Audit, row_key, row);
        if let Some(request) = request {
            let key = Key::unscoped().raw(&scope).uuid(request.as_uuid()).number(sequence).done();
            staged.put(Table::AuditByRequest, key, Vec::new());
        }
        Ok(())
    }
}
