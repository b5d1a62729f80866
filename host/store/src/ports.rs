//! The ports, method by method: each read goes to `read`, each write to the writer.

use async_trait::async_trait;
use bytes::Bytes;
use cordon_model::api_key::ApiKey;
use cordon_model::audit::AuditEntry;
use cordon_model::commit::{Commit, CommitError, ReplayRecord, RequestFilter, StoreError};
use cordon_model::connection::Connection;
use cordon_model::input::ManualInput;
use cordon_model::journal::JournalEntry;
use cordon_model::page::{Listing, Page};
use cordon_model::plugin::{InstalledPlugin, StoredPlugins};
use cordon_model::policy::{ManualWebhook, Policy};
use cordon_model::port::{SealError, Sealer, StateStore};
use cordon_model::request::PrivacyRequest;
use cordon_model::secret::Credentials;
use cordon_model::subject::IdentityKind;
use cordon_model::tenant::Tenant;
use cordon_model::webhook::PolicyWebhook;
use cordon_model::{
    ApiKeyId, ConnectionKey, PolicyKey, Records, RequestId, Revision, TaskId, TenantId, Timestamp,
    WebhookId,
};
use cordon_turns::Ended;
use uuid::Uuid;

use crate::apply::Forget;
use crate::read::{self, Remembered};
use crate::seal::{Place, SealKey};
use crate::store::RedbStore;
use crate::tables::Key;

#[async_trait]
impl StateStore for RedbStore {
    async fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        self.write(commit).await
    }

    async fn tenant(&self, tenant: &TenantId) -> Result<Option<Tenant>, StoreError> {
        let tenant = tenant.clone();
        self.read(Some(tenant.clone()), move |view| read::tenant(view, &tenant)).await
    }

    async fn erase_tenant(&self, tenant: &TenantId, rows_max: usize) -> Result<bool, StoreError> {
        self.erase(tenant.clone(), rows_max).await
    }

    async fn tenants(&self, page: &Page) -> Result<Listing<Tenant>, StoreError> {
        let page = page.clone();
        self.read(None, move |view| read::tenants(view, &page)).await
    }

    async fn api_key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<ApiKey>, StoreError> {
        let hash = *hash;
        self.read(None, move |view| read::api_key_by_hash(view, &hash)).await
    }

    async fn api_key(
        &self,
        tenant: Option<&TenantId>,
        id: ApiKeyId,
    ) -> Result<Option<ApiKey>, StoreError> {
        let tenant = tenant.cloned();
        self.read(tenant.clone(), move |view| read::api_key(view, tenant.as_ref(), id)).await
    }

    async fn api_keys(
        &self,
        tenant: Option<&TenantId>,
        page: &Page,
    ) -> Result<Listing<ApiKey>, StoreError> {
        let (tenant, page) = (tenant.cloned(), page.clone());
        self.read(tenant.clone(), move |view| read::api_keys(view, tenant.as_ref(), &page)).await
    }

    async fn connection(
        &self,
        tenant: &TenantId,
        key: &ConnectionKey,
    ) -> Result<Option<Connection>, StoreError> {
        let (tenant, key) = (tenant.clone(), key.clone());
        self.read(Some(tenant.clone()), move |view| read::connection(view, &tenant, &key)).await
    }

    async fn connection_by_uuid(
        &self,
        tenant: &TenantId,
        uuid: Uuid,
    ) -> Result<Option<Connection>, StoreError> {
        let tenant = tenant.clone();
        self.read(Some(tenant.clone()), move |view| read::connection_by_uuid(view, &tenant, &uuid))
            .await
    }

    async fn connection_at(
        &self,
        tenant: &TenantId,
        key: &ConnectionKey,
        revision: Revision,
    ) -> Result<Option<Connection>, StoreError> {
        let (tenant, key) = (tenant.clone(), key.clone());
        self.read(Some(tenant.clone()), move |view| {
            read::connection_at(view, &tenant, &key, revision)
        })
        .await
    }

    async fn connections(
        &self,
        tenant: &TenantId,
        page: &Page,
    ) -> Result<Listing<Connection>, StoreError> {
        let (tenant, page) = (tenant.clone(), page.clone());
        self.read(Some(tenant.clone()), move |view| read::connections(view, &tenant, &page)).await
    }

    async fn vault(
        &self,
        tenant: &TenantId,
        connection: &ConnectionKey,
    ) -> Result<Option<Credentials>, StoreError> {
        let (tenant, key) = (tenant.clone(), connection.clone());
        self.read(Some(tenant.clone()), move |view| read::vault(view, &tenant, &key)).await
    }

    async fn policy(
        &self,
        tenant: &TenantId,
        key: &PolicyKey,
    ) -> Result<Option<Policy>, StoreError> {
        let (tenant, key) = (tenant.clone(), key.clone());
        self.read(Some(tenant.clone()), move |view| read::policy(view, &tenant, &key)).await
    }

    async fn policies(
        &self,
        tenant: &TenantId,
        page: &Page,
    ) -> Result<Listing<Policy>, StoreError> {
        let (tenant, page) = (tenant.clone(), page.clone());
        self.read(Some(tenant.clone()), move |view| read::policies(view, &tenant, &page)).await
    }

    async fn manual_webhook(
        &self,
        tenant: &TenantId,
        connection: &ConnectionKey,
    ) -> Result<Option<ManualWebhook>, StoreError> {
        let (tenant, key) = (tenant.clone(), connection.clone());
        self.read(Some(tenant.clone()), move |view| read::manual_webhook(view, &tenant, &key)).await
    }

    async fn manual_webhooks(
        &self,
        tenant: &TenantId,
        policy: &PolicyKey,
    ) -> Result<Vec<ManualWebhook>, StoreError> {
        let (tenant, key) = (tenant.clone(), policy.clone());
        self.read(Some(tenant.clone()), move |view| read::manual_webhooks(view, &tenant, &key))
            .await
    }

    async fn policy_webhook(
        &self,
        tenant: &TenantId,
        policy: &PolicyKey,
        id: WebhookId,
    ) -> Result<Option<PolicyWebhook>, StoreError> {
        let (tenant, key) = (tenant.clone(), policy.clone());
        self.read(Some(tenant.clone()), move |view| read::policy_webhook(view, &tenant, &key, id))
            .await
    }

    async fn policy_webhooks(
        &self,
        tenant: &TenantId,
        policy: &PolicyKey,
    ) -> Result<Vec<PolicyWebhook>, StoreError> {
        let (tenant, key) = (tenant.clone(), policy.clone());
        self.read(Some(tenant.clone()), move |view| read::policy_webhooks(view, &tenant, &key))
            .await
    }

    async fn plugin(
        &self,
        scope: Option<&TenantId>,
        name: &str,
        version: &str,
    ) -> Result<Option<InstalledPlugin>, StoreError> {
        let (scope, name, version) = (scope.cloned(), name.to_owned(), version.to_owned());
        self.read(scope.clone(), move |view| read::plugin(view, scope.as_ref(), &name, &version))
            .await
    }

    async fn plugins(&self, scope: Option<&TenantId>) -> Result<Vec<InstalledPlugin>, StoreError> {
        let scope = scope.cloned();
        self.read(scope.clone(), move |view| read::plugins(view, scope.as_ref())).await
    }

    async fn plugins_of_all(&self) -> Result<StoredPlugins, StoreError> {
        self.read(None, read::plugins_of_all).await
    }

    async fn newest_plugin_version(
        &self,
        scope: Option<&TenantId>,
        name: &str,
    ) -> Result<Option<String>, StoreError> {
        let (scope, name) = (scope.cloned(), name.to_owned());
        self.read(scope.clone(), move |view| {
            read::newest_plugin_version(view, scope.as_ref(), &name)
        })
        .await
    }

    async fn plugin_component(
        &self,
        scope: Option<&TenantId>,
        name: &str,
        version: &str,
    ) -> Result<Option<Bytes>, StoreError> {
        let (scope, name, version) = (scope.cloned(), name.to_owned(), version.to_owned());
        self.read(scope.clone(), move |view| {
            read::plugin_component(view, scope.as_ref(), &name, &version)
        })
        .await
    }

    async fn request(
        &self,
        tenant: &TenantId,
        id: RequestId,
    ) -> Result<Option<PrivacyRequest>, StoreError> {
        let tenant = tenant.clone();
        self.read(Some(tenant.clone()), move |view| read::request(view, &tenant, id)).await
    }

    async fn requests(
        &self,
        tenant: &TenantId,
        filter: &RequestFilter,
        page: &Page,
    ) -> Result<Listing<PrivacyRequest>, StoreError> {
        let (tenant, filter, page) = (tenant.clone(), filter.clone(), page.clone());
        self.read(Some(tenant.clone()), move |view| read::requests(view, &tenant, &filter, &page))
            .await
    }

    async fn requests_about(
        &self,
        tenant: &TenantId,
        identities: &[(IdentityKind, String)],
        page: &Page,
    ) -> Result<Listing<PrivacyRequest>, StoreError> {
        let (tenant, identities, page) = (tenant.clone(), identities.to_vec(), page.clone());
        self.read(Some(tenant.clone()), move |view| {
            read::requests_about(view, &tenant, &identities, &page)
        })
        .await
    }

    async fn open_requests_under(
        &self,
        tenant: &TenantId,
        policy: &PolicyKey,
    ) -> Result<u64, StoreError> {
        let (tenant, key) = (tenant.clone(), policy.clone());
        self.read(Some(tenant.clone()), move |view| read::open_requests_under(view, &tenant, &key))
            .await
    }

    async fn open_requests_using(
        &self,
        tenant: &TenantId,
        connection: &ConnectionKey,
    ) -> Result<u64, StoreError> {
        let (tenant, key) = (tenant.clone(), connection.clone());
        self.read(Some(tenant.clone()), move |view| read::open_requests_using(view, &tenant, &key))
            .await
    }

    async fn open_requests_of(
        &self,
        tenant: &TenantId,
        connection: &ConnectionKey,
        after: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<RequestId>, StoreError> {
        let (tenant, key) = (tenant.clone(), connection.clone());
        self.read(Some(tenant.clone()), move |view| {
            read::open_requests_of(view, &tenant, &key, after, limit)
        })
        .await
    }

    async fn inputs(
        &self,
        tenant: &TenantId,
        request: RequestId,
    ) -> Result<Vec<ManualInput>, StoreError> {
        let tenant = tenant.clone();
        self.read(Some(tenant.clone()), move |view| read::inputs(view, &tenant, request)).await
    }

    async fn input_file(
        &self,
        tenant: &TenantId,
        request: RequestId,
        task: TaskId,
        label: &str,
    ) -> Result<Option<Bytes>, StoreError> {
        let (tenant, label) = (tenant.clone(), label.to_owned());
        self.read(Some(tenant.clone()), move |view| {
            read::input_file(view, &tenant, request, task, &label)
        })
        .await
    }

    async fn records(
        &self,
        tenant: &TenantId,
        request: RequestId,
        task: TaskId,
    ) -> Result<Vec<Records>, StoreError> {
        let tenant = tenant.clone();
        self.read(Some(tenant.clone()), move |view| read::records(view, &tenant, request, task))
            .await
    }

    async fn journal(
        &self,
        tenant: &TenantId,
        request: RequestId,
        task: TaskId,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        let tenant = tenant.clone();
        self.read(Some(tenant.clone()), move |view| read::journal(view, &tenant, request, task))
            .await
    }

    async fn events(
        &self,
        tenant: &TenantId,
        request: RequestId,
        page: &Page,
    ) -> Result<Listing<AuditEntry>, StoreError> {
        let (tenant, page) = (tenant.clone(), page.clone());
        self.read(Some(tenant.clone()), move |view| read::events(view, &tenant, request, &page))
            .await
    }

    async fn events_after(
        &self,
        tenant: &TenantId,
        request: RequestId,
        after_sequence: u64,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let tenant = tenant.clone();
        self.read(Some(tenant.clone()), move |view| {
            read::events_after(view, &tenant, request, after_sequence, limit)
        })
        .await
    }

    async fn audit(
        &self,
        tenant: Option<&TenantId>,
        page: &Page,
    ) -> Result<Listing<AuditEntry>, StoreError> {
        let (tenant, page) = (tenant.cloned(), page.clone());
        self.read(tenant.clone(), move |view| read::audit(view, tenant.as_ref(), &page)).await
    }

    async fn due(
        &self,
        now: Timestamp,
        per_tenant: usize,
    ) -> Result<Vec<(TenantId, Vec<RequestId>)>, StoreError> {
        self.read(None, move |view| read::due(view, now, per_tenant)).await
    }

    async fn replay(
        &self,
        tenant: Option<&TenantId>,
        route: &str,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<ReplayRecord>, StoreError> {
        let (tenant, route, key) = (tenant.cloned(), route.to_owned(), key.to_owned());
        let owner = tenant.clone();
        let reading =
            move |view: &read::View<'_>| read::replay(view, tenant.as_ref(), &route, &key, now);
        let Remembered { record, expired, any_expired } = self.read(owner, reading).await?;
        if any_expired {
            self.forget(Forget { now, first: expired, limit: self.forget_max() }).await?;
        }
        Ok(record)
    }
}

#[async_trait]
impl Sealer for RedbStore {
    async fn seal(
        &self,
        tenant: &TenantId,
        request: RequestId,
        purpose: &str,
        plain: Bytes,
    ) -> Result<Vec<u8>, SealError> {
        let key = self.key_of(tenant, request).await?;
        let place = Key::of(tenant).uuid(request.as_uuid()).done();
        let purpose = purpose.to_owned();
        self.away(tenant, move || {
            key.seal(Place::outside(&place, &purpose), &plain).map_err(|_| SealError::NoKey)
        })
        .await
    }

    async fn open(
        &self,
        tenant: &TenantId,
        request: RequestId,
        purpose: &str,
        sealed: Bytes,
    ) -> Result<Vec<u8>, SealError> {
        let key = self.key_of(tenant, request).await?;
        let place = Key::of(tenant).uuid(request.as_uuid()).done();
        let purpose = purpose.to_owned();
        self.away(tenant, move || {
            let plain = key.open(Place::outside(&place, &purpose), &sealed);
            plain.map(|plain| plain.to_vec()).map_err(|_| SealError::Damaged)
        })
        .await
    }
}

impl RedbStore {
    /// A package may be hundreds of megabytes: it is sealed on a thread for blocking work.
    async fn away<T: Send + 'static>(
        &self,
        tenant: &TenantId,
        work: impl FnOnce() -> Result<T, SealError> + Send + 'static,
    ) -> Result<T, SealError> {
        let done = self.processors().blocking(Some(tenant.clone()), work).await;
        done.map_err(|Ended| SealError::NoKey)?
    }

    async fn key_of(&self, tenant: &TenantId, request: RequestId) -> Result<SealKey, SealError> {
        let tenant = tenant.clone();
        let key =
            self.read(Some(tenant.clone()), move |view| view.request_key(&tenant, request)).await;
        key.map_err(|_| SealError::NoKey)?.ok_or(SealError::NoKey)
    }
}
