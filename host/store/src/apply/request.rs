//! Requests: the sealed row, its key, and every index that lists and the scheduler read.

use cordon_model::commit::{CommitError, Target};
use cordon_model::request::PrivacyRequest;
use cordon_model::subject::IdentityKind;
use cordon_model::{RequestId, Revision, TenantId, Timestamp};

use super::object::{Line, Object, Slot};
use super::{Operation, Preparing, cannot_seal};
use crate::record::{self, Stored as _};
use crate::row::{self, Head, RequestIndex};
use crate::seal::keyring::ScopeKeys;
use crate::seal::{Place, SealKey};
use crate::staged::Staged;
use crate::tables::{Key, Table};

struct Put {
    object: Object<RequestIndex>,
    tenant: TenantId,
    id: RequestId,
    /// The wrapped key of a request that is created.
    key: Option<Vec<u8>>,
}

pub(super) fn put(
    preparing: &mut Preparing<'_>,
    new: &PrivacyRequest,
    due: Option<Timestamp>,
) -> Result<Box<dyn Operation>, CommitError> {
    let (tenant, id) = (&new.tenant, new.id);
    let keys = preparing.tenant_keys(tenant)?;
    let row_key = Key::of(tenant).uuid(id.as_uuid()).done();
    let mut wrapped = None;
    let key = if new.revision == Revision::FIRST {
        let make = || {
            let key = SealKey::random()?;
            let place = Place::row(Table::RequestKeys, &row_key, b"");
            keys.wrap.wrap(place, &key).map(|wrapped| (key, wrapped))
        };
        let (key, wrapped_key) = make().map_err(cannot_seal)?;
        preparing.new_requests.insert((tenant.clone(), id), key.clone());
        wrapped = Some(wrapped_key);
        key
    } else {
        preparing.request_key(tenant, id)?
    };
    let slot = Slot {
        table: Table::Requests,
        key: row_key,
        line: Some(Line {
            list: Table::RequestsByTime,
            prefix: Key::of(tenant).done(),
            name: id.as_uuid().as_bytes().to_vec(),
        }),
        target: Target::Request(id),
    };
    let index = index_of(new, due, &keys);
    let head = Head { revision: new.revision, created_at: new.created_at, index };
    let object = Object::seal(slot, head, &key, &record::encode(new)?)?;
    Ok(Box::new(Put { object, tenant: tenant.clone(), id, key: wrapped }))
}

/// What an external id is found by. It may name a person, so the index holds no part of it.
pub(crate) fn external_hash(keys: &ScopeKeys, external_id: &str) -> [u8; 32] {
    keys.index.mac(&[b"external_id", external_id.as_bytes()])
}

/// What an identity is found by.
pub(crate) fn identity_hash(keys: &ScopeKeys, kind: &IdentityKind, value: &str) -> [u8; 32] {
    keys.index.mac(&[b"identity", kind.as_str().as_bytes(), value.as_bytes()])
}

fn index_of(request: &PrivacyRequest, due: Option<Timestamp>, keys: &ScopeKeys) -> RequestIndex {
    let status = request.status();
    let external = request.external_id.as_deref();
    RequestIndex {
        status: status.to_record(),
        is_final: status.is_final(),
        policy: request.policy.clone(),
        external_hash: external.map(|id| hex::encode(external_hash(keys, id))),
        identity_hashes: request
            .subject
            .identities
            .iter()
            .map(|identity| hex::encode(identity_hash(keys, &identity.kind, &identity.value)))
            .collect(),
        connections: request.tasks.iter().map(|task| task.connection.clone()).collect(),
        due_at: request.due_at,
        due,
    }
}

impl Operation for Put {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { object, tenant, id, key } = *self;
        let head = object.head.clone();
        let row_key = object.slot.key.clone();
        if let Some(replaced) = object.put(staged)? {
            for (table, key) in entries(&tenant, id, &replaced)? {
                staged.remove(table, key);
            }
        }
        for (table, key) in entries(&tenant, id, &head)? {
            staged.put(table, key, Vec::new());
        }
        if let Some(key) = key {
            staged.put(Table::RequestKeys, row_key, key);
        }
        Ok(())
    }
}

/// The index entries of a request, beside its place in the list by time.
fn entries(
    tenant: &TenantId,
    id: RequestId,
    head: &Head<RequestIndex>,
) -> Result<Vec<(Table, Vec<u8>)>, CommitError> {
    let Head { revision: _, created_at, index } = head;
    let RequestIndex {
        status: _,
        is_final,
        policy,
        external_hash,
        identity_hashes,
        connections,
        due_at,
        due,
    } = index;
    let id = id.as_uuid();
    let mut entries = Vec::new();
    let by_hash = |hash: &String| {
        let hash = hex::decode(hash).map_err(|_| row::damaged(Table::Requests))?;
        Ok::<_, CommitError>(Key::of(tenant).raw(&hash).time(*created_at).uuid(id).done())
    };
    if let Some(hash) = external_hash {
        entries.push((Table::RequestsByExternal, by_hash(hash)?));
    }
    for hash in identity_hashes {
        entries.push((Table::RequestsByIdentity, by_hash(hash)?));
    }
    if let Some(due) = due {
        entries.push((Table::Due, Key::of(tenant).time(*due).uuid(id).done()));
    }
    if !is_final && due_at.is_some() {
        let key = Key::of(tenant).time(*created_at).uuid(id).done();
        entries.push((Table::OpenWithDeadline, key));
    }
    if !is_final {
        let key = Key::of(tenant).text(policy.as_str()).uuid(id).done();
        entries.push((Table::OpenByPolicy, key));
        for connection in connections {
            let key = Key::of(tenant).text(connection.as_str()).uuid(id).done();
            entries.push((Table::OpenByConnection, key));
        }
    }
    Ok(entries)
}
