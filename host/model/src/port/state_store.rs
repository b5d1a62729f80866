//! What the host remembers. Implemented by `cordon-store`.

use async_trait::async_trait;
use bytes::Bytes;

use crate::api_key::ApiKey;
use crate::audit::AuditEntry;
use crate::commit::{Commit, CommitError, ReplayRecord, RequestFilter, StoreError};
use crate::connection::Connection;
use crate::input::ManualInput;
use crate::journal::JournalEntry;
use crate::page::{Listing, Page};
use crate::plugin::{InstalledPlugin, StoredPlugins};
use crate::policy::{ManualWebhook, Policy};
use crate::request::PrivacyRequest;
use crate::secret::Credentials;
use crate::subject::IdentityKind;
use crate::tenant::Tenant;
use crate::webhook::PolicyWebhook;
use crate::{
    ApiKeyId, ConnectionKey, PolicyKey, Records, RequestId, Revision, TaskId, TenantId, Timestamp,
    WebhookId,
};

/// What the host remembers. Everything is durable when `commit` returns; every read sees all
/// commits that returned before it began. Every method but the ones for tenants, the scheduler
/// and keys by hash names the tenant first: a row of another tenant is as if absent.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// Applies all changes and appends all audit events, or nothing.
    ///
    /// # Errors
    /// See [`CommitError`].
    async fn commit(&self, commit: Commit) -> Result<(), CommitError>;

    /// One tenant.
    async fn tenant(&self, tenant: &TenantId) -> Result<Option<Tenant>, StoreError>;

    /// Erases something of a tenant that is being removed: at first the key that everything of it is
    /// sealed under, its API keys and its plugins, then at most so many rows of what cannot be
    /// opened any more. True when nothing is left but the tenant itself, which
    /// [`Change::DeleteTenant`](crate::commit::Change::DeleteTenant) then removes in no time. After
    /// the first step nothing can be read of the tenant or written for it.
    async fn erase_tenant(&self, tenant: &TenantId, rows_max: usize) -> Result<bool, StoreError>;

    /// Tenants.
    async fn tenants(&self, page: &Page) -> Result<Listing<Tenant>, StoreError>;

    /// The key whose SHA-256 this is.
    async fn api_key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<ApiKey>, StoreError>;

    /// One key of a tenant; none: of the operator.
    async fn api_key(
        &self,
        tenant: Option<&TenantId>,
        id: ApiKeyId,
    ) -> Result<Option<ApiKey>, StoreError>;

    /// Keys of a tenant; none: of the operator.
    async fn api_keys(
        &self,
        tenant: Option<&TenantId>,
        page: &Page,
    ) -> Result<Listing<ApiKey>, StoreError>;

    /// One connection.
    async fn connection(
        &self,
        tenant: &TenantId,
        key: &ConnectionKey,
    ) -> Result<Option<Connection>, StoreError>;

    /// One connection, by its UUID.
    async fn connection_by_uuid(
        &self,
        tenant: &TenantId,
        uuid: uuid::Uuid,
    ) -> Result<Option<Connection>, StoreError>;

    /// A connection as it was at a revision.
    async fn connection_at(
        &self,
        tenant: &TenantId,
        key: &ConnectionKey,
        revision: Revision,
    ) -> Result<Option<Connection>, StoreError>;

    /// Connections.
    async fn connections(
        &self,
        tenant: &TenantId,
        page: &Page,
    ) -> Result<Listing<Connection>, StoreError>;

    /// What the vault holds for a connection.
    async fn vault(
        &self,
        tenant: &TenantId,
        connection: &ConnectionKey,
    ) -> Result<Option<Credentials>, StoreError>;

    /// One policy.
    async fn policy(
        &self,
        tenant: &TenantId,
        key: &PolicyKey,
    ) -> Result<Option<Policy>, StoreError>;

    /// Policies.
    async fn policies(&self, tenant: &TenantId, page: &Page)
    -> Result<Listing<Policy>, StoreError>;

    /// The manual webhook of a connection, in whatever policy.
    async fn manual_webhook(
        &self,
        tenant: &TenantId,
        connection: &ConnectionKey,
    ) -> Result<Option<ManualWebhook>, StoreError>;

    /// Every manual webhook of a policy, oldest first.
    async fn manual_webhooks(
        &self,
        tenant: &TenantId,
        policy: &PolicyKey,
    ) -> Result<Vec<ManualWebhook>, StoreError>;

    /// One webhook of a policy.
    async fn policy_webhook(
        &self,
        tenant: &TenantId,
        policy: &PolicyKey,
        id: WebhookId,
    ) -> Result<Option<PolicyWebhook>, StoreError>;

    /// Every webhook of a policy, by phase, order and id.
    async fn policy_webhooks(
        &self,
        tenant: &TenantId,
        policy: &PolicyKey,
    ) -> Result<Vec<PolicyWebhook>, StoreError>;

    /// One plugin of a tenant; none: of those that serve every tenant.
    async fn plugin(
        &self,
        scope: Option<&TenantId>,
        name: &str,
        version: &str,
    ) -> Result<Option<InstalledPlugin>, StoreError>;

    /// Every plugin of a tenant that can be read, by name and version; none: those that serve
    /// every tenant.
    async fn plugins(&self, scope: Option<&TenantId>) -> Result<Vec<InstalledPlugin>, StoreError>;

    /// Every plugin of everybody: what a host loads when it starts, and what its operator sees.
    /// A row that cannot be read does not keep the others from being read.
    async fn plugins_of_all(&self) -> Result<StoredPlugins, StoreError>;

    /// The newest version that was ever installed under a name, for a tenant; none: for all.
    async fn newest_plugin_version(
        &self,
        scope: Option<&TenantId>,
        name: &str,
    ) -> Result<Option<String>, StoreError>;

    /// The component of a plugin.
    async fn plugin_component(
        &self,
        scope: Option<&TenantId>,
        name: &str,
        version: &str,
    ) -> Result<Option<Bytes>, StoreError>;

    /// One request.
    async fn request(
        &self,
        tenant: &TenantId,
        id: RequestId,
    ) -> Result<Option<PrivacyRequest>, StoreError>;

    /// Requests.
    async fn requests(
        &self,
        tenant: &TenantId,
        filter: &RequestFilter,
        page: &Page,
    ) -> Result<Listing<PrivacyRequest>, StoreError>;

    /// Requests about a person: those whose subject has any of these identities, submitted, found
    /// or added, each once, newest first. Looked up by keyed hashes of kind and value.
    async fn requests_about(
        &self,
        tenant: &TenantId,
        identities: &[(IdentityKind, String)],
        page: &Page,
    ) -> Result<Listing<PrivacyRequest>, StoreError>;

    /// How many requests under this policy are not final.
    async fn open_requests_under(
        &self,
        tenant: &TenantId,
        policy: &PolicyKey,
    ) -> Result<u64, StoreError>;

    /// How many requests that are not final have a task of this connection.
    async fn open_requests_using(
        &self,
        tenant: &TenantId,
        connection: &ConnectionKey,
    ) -> Result<u64, StoreError>;

    /// The requests that are not final and have a task of this connection, by id, at most `limit`
    /// of those after an id; none: from the first.
    async fn open_requests_of(
        &self,
        tenant: &TenantId,
        connection: &ConnectionKey,
        after: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<RequestId>, StoreError>;

    /// What people gave for a request.
    async fn inputs(
        &self,
        tenant: &TenantId,
        request: RequestId,
    ) -> Result<Vec<ManualInput>, StoreError>;

    /// The bytes of a file that was given for a task; none when its input has no such file.
    async fn input_file(
        &self,
        tenant: &TenantId,
        request: RequestId,
        task: TaskId,
        label: &str,
    ) -> Result<Option<Bytes>, StoreError>;

    /// What a task returned.
    async fn records(
        &self,
        tenant: &TenantId,
        request: RequestId,
        task: TaskId,
    ) -> Result<Vec<Records>, StoreError>;

    /// Every journal entry of a task, in order.
    async fn journal(
        &self,
        tenant: &TenantId,
        request: RequestId,
        task: TaskId,
    ) -> Result<Vec<JournalEntry>, StoreError>;

    /// What happened to a request, in order.
    async fn events(
        &self,
        tenant: &TenantId,
        request: RequestId,
        page: &Page,
    ) -> Result<Listing<AuditEntry>, StoreError>;

    /// What happened to a request after an event of this sequence, in order, at most `limit`; 0
    /// is before the first.
    async fn events_after(
        &self,
        tenant: &TenantId,
        request: RequestId,
        after_sequence: u64,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError>;

    /// The ledger of a tenant; none: of the host. Newest first.
    async fn audit(
        &self,
        tenant: Option<&TenantId>,
        page: &Page,
    ) -> Result<Listing<AuditEntry>, StoreError>;

    /// Requests that are due, by tenant: the longest due first, at most so many of each. Tenants
    /// of whom nothing is due are left out; however much is due of one hides nobody else's.
    async fn due(
        &self,
        now: Timestamp,
        per_tenant: usize,
    ) -> Result<Vec<(TenantId, Vec<RequestId>)>, StoreError>;

    /// The remembered answer to a `POST`; none when there is none or it is forgotten.
    async fn replay(
        &self,
        tenant: Option<&TenantId>,
        route: &str,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<ReplayRecord>, StoreError>;
}
