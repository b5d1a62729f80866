//! The one way anything is written: a set of changes and the audit events that tell of them, in
//! one transaction.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use uuid::Uuid;

use crate::api_key::{ApiKey, KeyOwner};
use crate::audit::AuditEvent;
use crate::connection::Connection;
use crate::input::ManualInput;
use crate::journal::JournalEntry;
use crate::plugin::InstalledPlugin;
use crate::policy::{ManualWebhook, Policy};
use crate::request::PrivacyRequest;
use crate::secret::Credentials;
use crate::tenant::Tenant;
use crate::webhook::PolicyWebhook;
use crate::{
    ApiKeyId, ConnectionKey, PolicyKey, Records, RequestId, Revision, TaskId, TenantId, Timestamp,
    WebhookId,
};

/// Changes that become durable together, or not at all.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// Applied in order.
    pub changes: Vec<Change>,
    /// Appended in the same transaction.
    pub audit: Vec<AuditEvent>,
}

impl Commit {
    /// A commit of one change, told of by one event.
    pub fn of(change: Change, audit: AuditEvent) -> Self {
        Self { changes: vec![change], audit: vec![audit] }
    }

    /// The tenant whose changes these are; none: the host's own.
    pub fn tenant(&self) -> Option<&TenantId> {
        self.changes.iter().find_map(Change::tenant)
    }
}

/// One change. An object carries the revision it will have; the store compares the one before.
#[derive(Debug, Clone)]
pub enum Change {
    /// Creates (revision 1) or replaces (stored revision + 1) a tenant. From the commit on that
    /// marks it for removal, nothing new is taken in for it: only work on the requests that it has
    /// is kept, other commits are refused with [`CommitError::Absent`].
    PutTenant(Tenant),
    /// Changes nothing. Refused with [`CommitError::Conflict`] while the tenant has requests that
    /// are not final.
    RequireIdle(TenantId),
    /// Removes a tenant with everything that is its own: objects, keys, requests, what belongs to
    /// them, its ledger, and the key that all of it is sealed under. Its name is free again.
    /// Events about it belong to the host's ledger.
    DeleteTenant(TenantId, Revision),
    /// Stores a new key.
    PutApiKey(ApiKey),
    /// Revokes a key of this tenant; none: of the operator.
    DeleteApiKey(Option<TenantId>, ApiKeyId),
    /// Creates or replaces a connection, and keeps this revision for tasks that pin it. Refused
    /// with [`CommitError::Exists`] when another connection of the tenant has its UUID.
    PutConnection(Box<Connection>),
    /// Removes a connection with its secrets.
    DeleteConnection(TenantId, ConnectionKey, Revision),
    /// Replaces what the vault holds for a connection.
    PutSecrets(TenantId, ConnectionKey, Credentials),
    /// Creates or replaces a policy.
    PutPolicy(Policy),
    /// Removes a policy. Refused with [`CommitError::Conflict`] while it has policy webhooks.
    DeletePolicy(TenantId, PolicyKey, Revision),
    /// Creates or replaces a manual webhook. Refused with [`CommitError::Exists`] when its
    /// connection has one in another policy.
    PutManualWebhook(ManualWebhook),
    /// Removes a manual webhook.
    DeleteManualWebhook(TenantId, ConnectionKey, Revision),
    /// Creates or replaces a policy webhook. Refused with [`CommitError::Absent`] when its policy
    /// does not exist.
    PutPolicyWebhook(PolicyWebhook),
    /// Removes a policy webhook.
    DeletePolicyWebhook(TenantId, PolicyKey, WebhookId, Revision),
    /// Creates or replaces a stranger's plugin. Its component comes when it is created, and stays
    /// as it is when it is replaced; refused with [`CommitError::Contradictory`] otherwise.
    PutPlugin(Box<InstalledPlugin>, Option<Bytes>),
    /// Removes a plugin of this tenant, by name and version, with its component; none: of the
    /// host.
    DeletePlugin(Option<TenantId>, String, String, Revision),
    /// Notes the newest version that was ever installed under the name of a plugin. It stays when
    /// the plugin goes. Refused with [`CommitError::Conflict`] when another one than `before` is
    /// noted.
    PutNewestVersion {
        /// Whose plugin; none: everybody's.
        scope: Option<TenantId>,
        /// Its name.
        name: String,
        /// What is noted so far.
        before: Option<String>,
        /// What is to be.
        version: String,
    },
    /// Creates or replaces a request; `due` is when the scheduler must look at it again.
    PutRequest {
        /// The request.
        request: Box<PrivacyRequest>,
        /// [`PrivacyRequest::due`] at the time of the commit.
        due: Option<Timestamp>,
    },
    /// Stores what a person gave; replaces what was given for the same task before.
    ///
    /// Each file of the input comes with its bytes, by label; refused with
    /// [`CommitError::Contradictory`] when they are not exactly those that the input names.
    PutInput(ManualInput, BTreeMap<String, Bytes>),
    /// Stores what a task returned, in place of what it returned before.
    PutRecords(TenantId, RequestId, TaskId, Vec<Records>),
    /// Appends to the journal of a task.
    AppendJournal(TenantId, RequestId, TaskId, Vec<JournalEntry>),
    /// Removes what people gave for a request, what its tasks returned and their journals.
    RemoveContent(TenantId, RequestId),
    /// Remembers the answer to a `POST` with an `Idempotency-Key`. Refused with
    /// [`CommitError::Exists`] when the key is remembered already.
    PutReplay(ReplayRecord),
}

impl Change {
    /// The tenant whose change it is; none: the host's own.
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::PutTenant(tenant) => Some(&tenant.id),
            Self::PutApiKey(key) => match &key.owner {
                KeyOwner::Tenant(tenant) => Some(tenant),
                KeyOwner::Operator => None,
            },
            Self::PutConnection(connection) => Some(&connection.tenant),
            Self::PutPolicy(policy) => Some(&policy.tenant),
            Self::PutManualWebhook(webhook) => Some(&webhook.tenant),
            Self::PutPolicyWebhook(webhook) => Some(&webhook.tenant),
            Self::PutPlugin(plugin, _) => plugin.scope.as_ref(),
            Self::PutRequest { request, .. } => Some(&request.tenant),
            Self::PutInput(input, _) => Some(&input.tenant),
            Self::PutReplay(record) => record.tenant.as_ref(),
            Self::DeleteApiKey(tenant, _)
            | Self::DeletePlugin(tenant, ..)
            | Self::PutNewestVersion { scope: tenant, .. } => tenant.as_ref(),
            Self::DeleteTenant(tenant, _)
            | Self::RequireIdle(tenant)
            | Self::DeleteConnection(tenant, ..)
            | Self::PutSecrets(tenant, ..)
            | Self::DeletePolicy(tenant, ..)
            | Self::DeleteManualWebhook(tenant, ..)
            | Self::DeletePolicyWebhook(tenant, ..)
            | Self::PutRecords(tenant, ..)
            | Self::AppendJournal(tenant, ..)
            | Self::RemoveContent(tenant, _) => Some(tenant),
        }
    }
}

/// The remembered answer to a `POST` with an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayRecord {
    /// Whose; none: the operator's.
    pub tenant: Option<TenantId>,
    /// Method and path.
    pub route: String,
    /// The key.
    pub key: String,
    /// SHA-256 of the body it came with.
    pub body_sha256: [u8; 32],
    /// The answer: status and body. None while the first one is at work.
    pub answer: Option<(u16, Vec<u8>)>,
    /// After this it is forgotten.
    pub expires_at: Timestamp,
}

/// Which stored object a commit was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A tenant.
    Tenant(TenantId),
    /// An API key.
    ApiKey(ApiKeyId),
    /// A connection.
    Connection(ConnectionKey),
    /// A connection's UUID.
    ConnectionUuid(Uuid),
    /// A policy.
    Policy(PolicyKey),
    /// A manual webhook, by its connection.
    ManualWebhook(ConnectionKey),
    /// A policy webhook.
    PolicyWebhook(WebhookId),
    /// A plugin, by its name.
    Plugin(String),
    /// A request.
    Request(RequestId),
    /// An `Idempotency-Key`.
    Replay(String),
}

/// Why a commit was not applied. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Something else was committed in between: load, apply and commit again.
    #[error("the object was changed in between")]
    Conflict(Target),
    /// A key or UUID is taken.
    #[error("there is one already")]
    Exists(Target),
    /// What was to be replaced or removed is not there.
    #[error("there is none")]
    Absent(Target),
    /// What belongs together in it does not fit together. Trying it again is no use.
    #[error("the commit contradicts itself: {0}")]
    Contradictory(&'static str),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The store failed. What went wrong is in the log, with its cause.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Disk full, I/O error, database closed.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// A row cannot be read or opened: it is damaged, or sealed with another key.
    #[error("a stored row is damaged or sealed with another key: {0}")]
    Damaged(String),
}

/// Which requests to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestFilter {
    /// Any of these; empty: all.
    pub statuses: BTreeSet<crate::request::Status>,
    /// Only under this policy.
    pub policy: Option<PolicyKey>,
    /// Only with this external id.
    pub external_id: Option<String>,
    /// Only submitted after this.
    pub created_after: Option<Timestamp>,
    /// Only submitted before this.
    pub created_before: Option<Timestamp>,
    /// Only with a policy's deadline before this, and not final.
    pub due_before: Option<Timestamp>,
}
