//! Strangers' plugins.

use cordon_model::plugin::{Descriptor, InstalledPlugin, PluginRef, PluginSignature};
use cordon_model::{Revision, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use super::report::PluginRecord;
use super::{Stored, Unreadable, from_optional, from_records, to_optional, to_records};

#[derive(Serialize, Deserialize)]
pub(crate) struct InstalledRecord {
    scope: Option<TenantId>,
    reference: PluginRecord,
    descriptor: DescriptorRecord,
    imports: Vec<String>,
    size: u64,
    active: bool,
    #[serde(default)]
    activated_at: Option<Timestamp>,
    #[serde(default)]
    signature: Option<SignatureRecord>,
    #[serde(default)]
    file: Option<String>,
    installed_by: String,
    installed_at: Timestamp,
    revision: Revision,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct SignatureRecord {
    publisher: String,
    key_id: String,
    trusted_comment: String,
    text: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct DescriptorRecord {
    connector_type: String,
    category: String,
    display_name: String,
    actions: Vec<String>,
    config_schema: String,
    policy_schema: Option<String>,
    reads: Vec<String>,
}

impl Stored for InstalledPlugin {
    type Record = InstalledRecord;

    fn to_record(&self) -> InstalledRecord {
        let Self {
            scope,
            reference,
            descriptor,
            imports,
            size,
            active,
            activated_at,
            signature,
            file,
            installed_by,
            installed_at,
            revision,
        } = self;
        InstalledRecord {
            scope: scope.clone(),
            reference: reference.to_record(),
            descriptor: descriptor.to_record(),
            imports: imports.clone(),
            size: *size,
            active: *active,
            activated_at: *activated_at,
            signature: to_optional(signature.as_ref()),
            file: file.clone(),
            installed_by: installed_by.clone(),
            installed_at: *installed_at,
            revision: *revision,
        }
    }

    fn from_record(record: InstalledRecord) -> Result<Self, Unreadable> {
        let InstalledRecord {
            scope,
            reference,
            descriptor,
            imports,
            size,
            active,
            activated_at,
            signature,
            file,
            installed_by,
            installed_at,
            revision,
        } = record;
        Ok(Self {
            scope,
            reference: PluginRef::from_record(reference)?,
            descriptor: Descriptor::from_record(descriptor)?,
            imports,
            size,
            active,
            activated_at,
            signature: from_optional(signature)?,
            file,
            installed_by,
            installed_at,
            revision,
        })
    }
}

impl Stored for PluginSignature {
    type Record = SignatureRecord;

    fn to_record(&self) -> SignatureRecord {
        let Self { publisher, key_id, trusted_comment, text } = self.clone();
        SignatureRecord { publisher, key_id, trusted_comment, text }
    }

    fn from_record(record: SignatureRecord) -> Result<Self, Unreadable> {
        let SignatureRecord { publisher, key_id, trusted_comment, text } = record;
        Ok(Self { publisher, key_id, trusted_comment, text })
    }
}

impl Stored for Descriptor {
    type Record = DescriptorRecord;

    fn to_record(&self) -> DescriptorRecord {
        let Self {
            connector_type,
            category,
            display_name,
            actions,
            config_schema,
            policy_schema,
            reads,
        } = self;
        DescriptorRecord {
            connector_type: connector_type.clone(),
            category: category.clone(),
            display_name: display_name.clone(),
            actions: to_records(actions),
            config_schema: config_schema.clone(),
            policy_schema: policy_schema.clone(),
            reads: to_records(reads),
        }
    }

    fn from_record(record: DescriptorRecord) -> Result<Self, Unreadable> {
        let DescriptorRecord {
            connector_type,
            category,
            display_name,
            actions,
            config_schema,
            policy_schema,
            reads,
        } = record;
        Ok(Self {
            connector_type,
            category,
            display_name,
            actions: from_records(actions)?,
            config_schema,
            policy_schema,
            reads: from_records(reads)?,
        })
    }
}
