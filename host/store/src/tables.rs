//! The tables of the database and the keys of their rows.
//!
//! Every table maps bytes to bytes. A key begins with its scope (`tenant\0`, or `\0` for the
//! host's own rows), so that no range of one tenant can reach into another's. Keys of ids, times
//! and counters are fixed in width and big-endian: rows sort as their values do.

use std::ops::Bound;

use cordon_model::{TenantId, Timestamp};
use redb::TableDefinition;
use uuid::Uuid;

/// The type of every table.
pub(crate) type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;

/// Where a row says whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScopeAt {
    /// Nowhere: it is the database's own.
    Nowhere,
    /// At the beginning of its key.
    Key,
    /// In its key, after a time.
    AfterTime,
    /// At the beginning of its value.
    Value,
}

macro_rules! tables {
    ($($name:ident = $text:literal, $scope:ident, $doc:literal;)*) => {
        /// A table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Table { $(#[doc = $doc] $name,)* }

        impl Table {
            /// Every table.
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// Where a row of it says whose it is.
            pub(crate) const fn scope_at(self) -> ScopeAt {
                match self { $(Self::$name => ScopeAt::$scope,)* }
            }

            /// Its name in the file. Part of what a sealed row is bound to.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

tables! {
    Meta = "meta", Nowhere, "Format version, key check, time of creation.";
    Tenants = "tenants", Key, "tenant → tenant, under the host's key.";
    TenantsByTime = "tenants_by_time", AfterTime, "time, tenant → nothing.";
    TenantKeys = "tenant_keys", Key, "tenant → its key, wrapped.";
    ApiKeys = "api_keys", Key, "scope, id → key.";
    ApiKeysByTime = "api_keys_by_time", Key, "scope, time, id → nothing.";
    ApiKeysByHash = "api_keys_by_hash", Value, "SHA-256 of the key → scope, id.";
    Connections = "connections", Key, "tenant, key → connection.";
    ConnectionsByTime = "connections_by_time", Key, "tenant, time, key → nothing.";
    ConnectionsByUuid = "connections_by_uuid", Key, "tenant, UUID → key.";
    ConnectionRevisions = "connection_revisions", Key,
        "tenant, key, revision → connection as it was.";
    Vault = "vault", Key, "tenant, connection → a wrapped key, and secrets sealed with it.";
    Plugins = "plugins", Key, "scope, name, version → plugin.";
    PluginFiles = "plugin_files", Key, "scope, name, version → which sealed file its component is.";
    PluginNewest = "plugin_newest", Key, "scope, name → the newest version that ever was.";
    Policies = "policies", Key, "tenant, key → policy.";
    PoliciesByTime = "policies_by_time", Key, "tenant, time, key → nothing.";
    Webhooks = "webhooks", Key, "tenant, connection → manual webhook.";
    WebhooksByPolicy = "webhooks_by_policy", Key, "tenant, policy, time, connection → nothing.";
    PolicyWebhooks = "policy_webhooks", Key, "tenant, policy, id → policy webhook.";
    Requests = "requests", Key, "tenant, id → request, under its own key.";
    RequestKeys = "request_keys", Key, "tenant, id → its key, wrapped.";
    RequestsByTime = "requests_by_time", Key, "tenant, time, id → nothing.";
    RequestsByExternal = "requests_by_external", Key, "tenant, keyed hash, time, id → nothing.";
    RequestsByIdentity = "requests_by_identity", Key, "tenant, keyed hash, time, id → nothing.";
    OpenWithDeadline = "open_with_deadline", Key,
        "tenant, time, id → nothing, while it is not final and has a deadline.";
    OpenByPolicy = "open_by_policy", Key, "tenant, policy, id → nothing, while it is not final.";
    OpenByConnection = "open_by_connection", Key,
        "tenant, connection, id → nothing, while not final.";
    Due = "due", Key, "tenant, time, id → nothing.";
    Inputs = "inputs", Key, "tenant, request, task → input, under the request's key.";
    InputFiles = "input_files", Key,
        "tenant, request, task, keyed hash of the label → file, under the request's key.";
    Records = "records", Key, "tenant, request, task → records, under the request's key.";
    Journal = "journal", Key, "tenant, request, task, number → line, under the request's key.";
    JournalCounts = "journal_counts", Key, "tenant, request, task → lines so far.";
    Audit = "audit", Key, "scope, sequence → event.";
    AuditByRequest = "audit_by_request", Key, "scope, request, sequence → nothing.";
    AuditCounts = "audit_counts", Key, "scope → events so far.";
    Replays = "replays", Key, "scope, keyed hash of route and key → answer.";
    ReplaysByExpiry = "replays_by_expiry", AfterTime, "time, scope, keyed hash → nothing.";
}

impl Table {
    /// What redb opens it by.
    pub(crate) const fn definition(self) -> Definition {
        TableDefinition::new(self.name())
    }
}

/// Makes the key of a row, part by part.
#[derive(Debug, Clone, Default)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    /// A key of a table without scopes.
    pub(crate) fn unscoped() -> Self {
        Self::default()
    }

    /// A key of a tenant's row.
    pub(crate) fn of(tenant: &TenantId) -> Self {
        Self::scoped(Some(tenant))
    }

    /// A key of a tenant's row; none: of the host's. No tenant's key is empty, so the two never
    /// meet.
    pub(crate) fn scoped(tenant: Option<&TenantId>) -> Self {
        Self::default().text(tenant.map_or("", TenantId::as_str))
    }

    /// A name. Names of the model hold no NUL, which therefore ends them.
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
        self
    }

    /// A UUID.
    pub(crate) fn uuid(mut self, uuid: &Uuid) -> Self {
        self.0.extend_from_slice(uuid.as_bytes());
        self
    }

    /// A counter.
    pub(crate) fn number(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// A time.
    pub(crate) fn time(mut self, time: Timestamp) -> Self {
        self.0.extend_from_slice(&time_bytes(time));
        self
    }

    /// Bytes as they are; the last part, or of one width in the whole table.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// The key.
    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }
}

/// Width of a time in a key.
pub(crate) const TIME_BYTES: usize = 16;

/// Nanoseconds, exact: a due time that was rounded could come due early, again and again.
pub(crate) fn time_bytes(time: Timestamp) -> [u8; TIME_BYTES] {
    (time.as_nanosecond() ^ i128::MIN).to_be_bytes()
}

/// The first key that does not begin with `prefix`.
pub(crate) fn after(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_sort_as_they_pass() {
        let times = [
            Timestamp::MIN,
            "1969-01-01T00:00:00.5Z".parse().unwrap(),
            Timestamp::UNIX_EPOCH,
            Timestamp::MAX,
        ];
        for pair in times.windows(2) {
            assert!(time_bytes(pair[0]) < time_bytes(pair[1]));
        }
    }

    #[test]
    fn the_end_of_a_prefix_is_the_next_one() {
        assert_eq!(after(b"a\0"), Bound::Excluded(b"a\x01".to_vec()));
        assert_eq!(after(b"a\xff"), Bound::Excluded(b"b".to_vec()));
        assert_eq!(after(b"\xff"), Bound::Unbounded);
        assert_eq!(after(b""), Bound::Unbounded);
    }
}
