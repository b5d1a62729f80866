//! Strangers' plugins. The row says what a plugin is and changes; its component lies in a sealed
//! file that is written once, and a row of its own names it. What was the newest version of a name
//! is remembered apart from both, and stays when they go.

use cordon_model::commit::{CommitError, StoreError, Target};
use cordon_model::plugin::InstalledPlugin;
use cordon_model::{Revision, TenantId};

use super::object::{Object, Slot, seal_row};
use super::{Operation, Preparing};
use crate::blob::{Blobs, Folder};
use crate::record;
use crate::row::{self, FiledHead, Head, NewestHead, Plain};
use crate::seal::Place;
use crate::snapshot::Scan;
use crate::staged::Staged;
use crate::tables::{Key, Table};

struct Put {
    object: Object<Plain>,
    /// The row that names the component of a plugin that is created.
    file: Option<Vec<u8>>,
}

struct Delete {
    slot: Slot,
    revision: Revision,
    folder: Folder,
    blobs: Blobs,
}

struct PutNewest {
    target: Target,
    row_key: Vec<u8>,
    before: Option<String>,
    row: Vec<u8>,
}

pub(super) fn put(
    preparing: &mut Preparing<'_>,
    new: &InstalledPlugin,
    component: Option<&[u8]>,
) -> Result<Box<dyn Operation>, CommitError> {
    let scope = new.scope.as_ref();
    let keys = preparing.scope_keys(scope)?;
    let head = Head { revision: new.revision, created_at: new.installed_at, index: Plain {} };
    let slot = slot(scope, &new.reference.name, &new.reference.version);
    let file = match (new.revision, component) {
        (Revision::FIRST, Some(bytes)) => {
            let place = Place::file_of(Table::PluginFiles, &slot.key);
            let folder = Folder::of_plugins(scope);
            let file = preparing.file_in(&folder, &keys.rows, place, bytes)?;
            let head = FiledHead { file: Some(file) };
            Some(seal_row(Table::PluginFiles, &slot.key, &head, &keys.rows, &[])?)
        }
        (Revision::FIRST, None) => {
            return Err(CommitError::Contradictory("a plugin is created without its component"));
        }
        (_, Some(_)) => {
            return Err(CommitError::Contradictory("the component of a plugin is replaced"));
        }
        (_, None) => None,
    };
    let object = Object::seal(slot, head, &keys.rows, &record::encode(new)?)?;
    Ok(Box::new(Put { object, file }))
}

pub(super) fn delete(
    preparing: &Preparing<'_>,
    scope: Option<TenantId>,
    name: &str,
    version: &str,
    revision: Revision,
) -> Box<dyn Operation> {
    let slot = slot(scope.as_ref(), name, version);
    let folder = Folder::of_plugins(scope.as_ref());
    Box::new(Delete { slot, revision, folder, blobs: preparing.blobs.clone() })
}

/// The version stands in the head, so that the writer compares it and opens nothing; what is sealed
/// under it is empty, and vouches for it.
pub(super) fn put_newest(
    preparing: &mut Preparing<'_>,
    scope: Option<&TenantId>,
    name: String,
    before: Option<String>,
    version: String,
) -> Result<Box<dyn Operation>, CommitError> {
    let keys = preparing.scope_keys(scope)?;
    let row_key = Key::scoped(scope).text(&name).done();
    let row = seal_row(Table::PluginNewest, &row_key, &NewestHead { version }, &keys.rows, &[])?;
    Ok(Box::new(PutNewest { target: Target::Plugin(name), row_key, before, row }))
}

/// Has the components of every plugin of a tenant removed once the commit is durable. The rows
/// themselves are the caller's matter.
pub(super) fn unname_all(
    staged: &mut Staged<'_, '_>,
    blobs: &Blobs,
    tenant: &TenantId,
) -> Result<(), StoreError> {
    let (table, folder) = (Table::PluginFiles, Folder::of_plugins(Some(tenant)));
    let mut paths = Vec::new();
    staged.scan(table, &Key::of(tenant).done(), |_, row| {
        let FiledHead { file } = row::head(table, row)?;
        paths.extend(file.map(|file| blobs.path(&folder, &file)));
        Ok(Scan::GoOn)
    })?;
    paths.into_iter().for_each(|path| staged.unname(path));
    Ok(())
}

/// In no list by time: those of one scope are few, and have an order of their own.
fn slot(scope: Option<&TenantId>, name: &str, version: &str) -> Slot {
    Slot {
        table: Table::Plugins,
        key: Key::scoped(scope).text(name).text(version).done(),
        line: None,
        target: Target::Plugin(name.to_owned()),
    }
}

impl Operation for Put {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { object, file } = *self;
        let row_key = object.slot.key.clone();
        object.put(staged)?;
        if let Some(file) = file {
            staged.put(Table::PluginFiles, row_key, file);
        }
        Ok(())
    }
}

impl Operation for Delete {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { slot, revision, folder, blobs } = *self;
        let row_key = slot.key.clone();
        slot.remove::<Plain>(staged, revision)?;
        let filed: Option<FiledHead> = staged.head(Table::PluginFiles, &row_key)?;
        if let Some(file) = filed.and_then(|head| head.file) {
            staged.unname(blobs.path(&folder, &file));
        }
        staged.remove(Table::PluginFiles, row_key);
        Ok(())
    }
}

impl Operation for PutNewest {
    fn apply(self: Box<Self>, staged: &mut Staged<'_, '_>) -> Result<(), CommitError> {
        let Self { target, row_key, before, row } = *self;
        let stored: Option<NewestHead> = staged.head(Table::PluginNewest, &row_key)?;
        if stored.map(|head| head.version) != before {
            return Err(CommitError::Conflict(target));
        }
        staged.put(Table::PluginNewest, row_key, row);
        Ok(())
    }
}
